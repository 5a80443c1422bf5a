#!/usr/bin/env python3
"""Does tfdoctor say what the real TensorFlow does?

Environments with real wheels, each in many scenarios: TensorFlow is run under the stand-in for the driver, tfdoctor is
asked in the very same environment, and the two are compared: whether the GPU can be used, and which file each CUDA
library is taken from.

usage: real_test.py [--tfdoctor FILE] [--fakes FOLDER] [--all] [--only TEXT] [--truth]

--all    every scenario; else the long lists rotate by commit
--only   scenarios with TEXT in their title
--truth  print what TensorFlow does, and compare nothing
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time

import environments
import json_schema
import oracle
import scenarios

ROOT = pathlib.Path(__file__).resolve().parents[2]

SHARE = 3  # one scenario of the rotating lists in so many runs each time
# tfdoctor takes milliseconds; this is for a machine that is busy with other tests.
LIMIT_S = 30


def commit_number():
    result = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(result.stdout.strip()[:8], 16) if result.returncode == 0 else 0


def chosen(arguments):
    """The scenarios to run, and how many rotate out."""
    always, rotating = scenarios.always(), scenarios.rotating()
    if arguments.only:
        return [s for s in always + rotating if arguments.only in s.title], 0
    if arguments.all:
        return always + rotating, 0
    turn = commit_number() % SHARE
    # An answer that is remembered costs nothing, so that scenario need not wait for its turn.
    mine = [
        s
        for i, s in enumerate(rotating)
        if i % SHARE == turn or oracle.truth_file(s, arguments.fakes).exists()
    ]
    return always + mine, len(rotating) - len(mine)


def diagnose(tfdoctor, bench, variables, scenario):
    """tfdoctor's answer as JSON, or a text that says why there is none."""
    command = [tfdoctor, "check", "--format", "json", "--facts"]
    if scenario.driver == "healthy":
        command += ["--assume", f"gpu={scenario.gpu}"]
    result = subprocess.run(
        command, env=variables, cwd=bench.work, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if result.returncode not in (0, 1, 3):
        return f"tfdoctor ended with {result.returncode}: {result.stderr.strip()[-300:]}"
    try:
        return json_schema.parsed(result.stdout)
    except ValueError as error:
        return f"tfdoctor's answer is {error}"


def value(fact):
    """The value of a fact, None if it is absent; an unknown one is an error."""
    if fact["state"] == "unknown":
        raise LookupError(fact.get("why", ""))
    return fact.get("value")


def predicted_file(library, bench):
    """The file that a library is loaded from, by tfdoctor; None: it is not loaded."""
    path = value(library["path"])
    if path is None or value(library["failure"]) is not None:
        return None
    return bench.relative(path)


def compare_library(soname, library, file, bench):
    # TensorFlow goes on to libcupti.so where libcupti.so.12 is not found, which may be a file of another CUDA.
    real = file if file and (os.path.basename(file) + ".").startswith(soname + ".") else None
    try:
        predicted = predicted_file(library, bench)
    except LookupError as why:
        return [f"{soname}: tfdoctor does not know ({why}), TensorFlow takes {real}"]
    if predicted == real:
        return []
    why = library["failure"].get("value")
    return [f"{soname}: tfdoctor says {predicted}{f' ({why})' if why else ''}, TensorFlow takes {real}"]


def compare_cuda_libraries(answer, truth, bench):
    if not truth["libraries"]:
        return []
    opened = value(answer["facts"]["cuda_libraries"]["opened"]) or {}
    differences = []
    for name, real in truth["libraries"].items():
        if name in ("cuda", "nvidia-ml"):
            continue  # the driver's
        ours = [soname for soname in sorted(opened, reverse=True) if soname.startswith(f"lib{name}.so")]
        if ours:  # the one with a version first
            differences += compare_library(ours[0], opened[ours[0]], real, bench)
        else:
            differences.append(f"lib{name}: TensorFlow opens it, tfdoctor does not speak of it")
    return differences


def compare_driver_libraries(answer, truth, bench):
    facts = answer["facts"]["driver_library"]
    differences = []
    for name, field in (("cuda", "cuda"), ("nvidia-ml", "nvml")):
        if name in (truth["libraries"] or {}):
            differences += compare_library(f"lib{name}.so.1", facts[field], truth["libraries"][name], bench)
    return differences


def compare_verdict(answer, truth, scenario):
    verdict = answer["verdict"]
    blocking = [cause["id"] for cause in answer["causes"] if cause["effect"] == "blocks"]
    if truth["gpus"]:
        if verdict in ("gpu-usable", "gpu-degraded"):
            return []
        # Whether the GPU also works, listing it does not tell; but only these causes may strike later.
        if blocking and set(blocking) <= set(scenario.later):
            return []
        return [f"TensorFlow lists the GPU, tfdoctor says {verdict}: {', '.join(blocking)}"]
    if verdict == "gpu-blocked":
        return []
    return [f"TensorFlow lists no GPU, tfdoctor says {verdict}"]


def compare(answer, truth, scenario, bench):
    if isinstance(answer, str):
        return [answer]
    try:
        if scenario.driver != "healthy":
            return compare_driver_libraries(answer, truth, bench)
        return compare_verdict(answer, truth, scenario) + compare_cuda_libraries(answer, truth, bench)
    except LookupError as error:
        return [f"tfdoctor's answer lacks or does not know something: {error}"]


def in_words(truth):
    libraries = truth["libraries"] or {}
    gone = ", ".join(name for name, path in libraries.items() if path is None)
    died = f"; died: {truth['died'][-1][:100]}" if truth.get("died") else ""
    return f"{len(truth['gpus'])} GPU{f'; not loaded: {gone}' if gone else ''}{died}"


def judge(arguments, bench, scenario):
    """One scenario: (title, what TensorFlow does in words, differences)."""
    with bench.prepared(scenario) as variables:
        truth = oracle.truth(bench, scenario, variables)
        if arguments.truth:
            return scenario.title, in_words(truth), []
        answer = diagnose(arguments.tfdoctor, bench, variables, scenario)
        return scenario.title, in_words(truth), compare(answer, truth, scenario, bench)


def judge_environment(arguments, folders, name, mine):
    with environments.scratch_copy(folders[name]) as copy:
        bench = oracle.Bench(copy, arguments.fakes, folders)
        results = []
        for scenario in mine:
            results.append(judge(arguments, bench, scenario))
            title, truth, differences = results[-1]
            lines = [f"{'FAIL' if differences else 'ok  '} {title}: {truth}", *(f"       {d}" for d in differences)]
            print("\n".join(lines), flush=True)
        return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tfdoctor", default=ROOT / "build" / "tfdoctor", type=pathlib.Path)
    parser.add_argument("--fakes", default=ROOT / "build" / "fakes", type=pathlib.Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--truth", action="store_true")
    arguments = parser.parse_args()
    arguments.tfdoctor = arguments.tfdoctor.resolve()

    folders = environments.ensure_all()
    mine, rotated_out = chosen(arguments)
    started = time.monotonic()
    by_environment = {}
    for scenario in mine:
        by_environment.setdefault(scenario.environment, []).append(scenario)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        # The longest lists first.
        jobs = sorted(by_environment.items(), key=lambda item: -len(item[1]))
        futures = [pool.submit(judge_environment, arguments, folders, *job) for job in jobs]
        results = [result for future in futures for result in future.result()]
    failed = sum(1 for _, _, differences in results if differences)
    print(f"{time.monotonic() - started:.0f} s; {rotated_out} scenarios wait for another commit's turn (--all runs them)")
    if arguments.truth:
        return 0
    print(f"{len(results) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
