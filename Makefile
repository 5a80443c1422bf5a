# make run        install what is missing, build, run tfdoctor on this machine
# make test       the same, then the suite with real TensorFlow wheels (the aim: 25 minutes on two cores)
# make test-quick the inner loop: no wheels, no sanitizers
# make test-all   everything, at most 90 minutes or it fails
# make bench      the figures of docs/performance.md
# make score      the figures of docs/accuracy.md, against their floors
.PHONY: run build test test-quick test-slow test-all test-sanitize test-real fetch-wheels bench score lint format fuzz pages setup setup-test configure-tests clean
.DEFAULT_GOAL := build
JOBS ?= $(shell nproc)

run: build
	@tools/run-any-verdict build/tfdoctor $(ARGS)

build: setup
	@cmake --preset release >build-configure.log 2>&1 || { cat build-configure.log; rm -f build-configure.log; exit 1; }
	@rm -f build-configure.log
	@cmake --build build --target tfdoctor -j$(JOBS)

setup:
	@tools/install-packages build

setup-test: setup
	@tools/install-packages test

# Once on, the tests stay on in build/.
configure-tests: setup-test
	@cmake --preset release -DTFDOCTOR_TESTS=ON >/dev/null

test-quick: configure-tests
	cmake --build build -j$(JOBS)
	ctest --test-dir build -j$(JOBS) --output-on-failure --no-tests=error -LE 'real|slow'

# Without those that judge the same thing on very many machines; all of them are in test-all.
SANITIZE_EXCEPT ?= real|slow|many
test-sanitize: setup-test
	cmake --preset sanitize >/dev/null
	cmake --build build-sanitize -j$(JOBS)
	ctest --test-dir build-sanitize -j$(JOBS) --output-on-failure --no-tests=error -LE '$(SANITIZE_EXCEPT)'

# What test-sanitize leaves out.
test-slow: configure-tests
	cmake --build build --target slow_tests -j$(JOBS)
	ctest --test-dir build -j$(JOBS) --output-on-failure --no-tests=error -L 'slow|many'

test-real: configure-tests
	cmake --build build --target tfdoctor fakes python_oracle_static -j$(JOBS)
	tests/real/run $(REAL_ARGS)

# Of the longest lists it runs the part whose turn it is with this commit (tests/turn.h); `make test-all` runs all.
test: export TFDOCTOR_COMMIT = $(shell git rev-parse HEAD 2>/dev/null)
# The unit tests run sanitized here (test-quick is for the inner loop), what takes minutes and the real wheels meet the
# release binary; the wheels come from the network while the compiler works.
test: run fetch-wheels lint test-sanitize test-slow test-real score
	@echo "make test: everything passed (of the longest lists the part of this commit; make test-all runs all)"

fetch-wheels: setup-test
	@nohup nice tests/real/environments.py >build/fetch-wheels.log 2>&1 &

test-all:
	@tools/test-all $(TEST_ALL_ARGS)

# libFuzzer runs from the committed seeds for a fixed number of seconds a target.
FUZZ_SECONDS ?= 60
fuzz: setup-test
	cmake --preset fuzz >/dev/null
	cmake --build build-fuzz -j$(JOBS)
	tools/run-fuzz build-fuzz $(FUZZ_SECONDS)

bench: setup-test build
	tools/install-packages bench
	cmake --preset bench >/dev/null
	cmake --build build-bench -j$(JOBS)
	bench/run $(BENCH_ARGS)

# Accuracy of `explain`, where the reports lie beside this repository.
SHARED ?= ../shared
score: build
	@if [ -d $(SHARED)/cases ]; then tools/score build/tfdoctor $(SHARED) $(SCORE_ARGS); else echo "make score: no reports in $(SHARED)"; fi

lint: setup-test
	tools/lint

format: setup-test
	clang-format -i $$(git ls-files '*.cpp' '*.h' '*.c')

pages: build
	tools/cause_pages.py build/tfdoctor

clean:
	rm -rf build build-sanitize build-bench build-fuzz
