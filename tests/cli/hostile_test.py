#!/usr/bin/env python3
"""Bad input to the built binary: usage: hostile_test.py TFDOCTOR LAY_ENVIRONMENT [unittest options]

Each case spoils one thing of a healthy, made-up environment. Whatever it is: an answer within seconds and a bounded
memory, valid JSON, no byte on the terminal that is not text, and never "usable" when something that decides it could
not be read."""
import concurrent.futures
import os
import pathlib
import random
import re
import resource
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import unittest

import json_schema

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXIT_STATUS = {"gpu-blocked": 1, "unknown": 3, "gpu-degraded": 0, "gpu-usable": 0}
NOBODY = 65534
HANG = 30  # seconds of the clock; the machine may be busy
FRAMEWORK = "tensorflow/libtensorflow_framework.so.2"
EVIL = b"a\x1b[2J\x1b]0;owned\x07\xff\xc2\x9b\xe2\x80\xaeb"

binary = ""
layer = ""
sanitized = False
work = None  # the folder of all environments
base = None  # the healthy one: only copied
python = os.path.realpath("/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable)
dotted = re.search(r"python(3\.\d+)", python)
dotted = dotted[1] if dotted else f"3.{sys.version_info.minor}"
SITE = f"lib/python{dotted}/site-packages"


def setUpModule():
    global binary, sanitized, work, base
    work = pathlib.Path(tempfile.mkdtemp(prefix="tfdoctor-hostile-"))
    os.chmod(work, 0o755)
    sanitized = b"__asan_init" in pathlib.Path(binary).read_bytes()
    if not reachable(binary):
        binary = shutil.copy(binary, work)
    base = work / "base"
    (base / "bin").mkdir(parents=True)
    (base / "bin/python").symlink_to(python)
    (base / "pyvenv.cfg").write_text(f"home = {os.path.dirname(python)}\ninclude-system-site-packages = false\n"
                                     f"version = {dotted}.0\n")
    subprocess.run([layer, base / SITE, "2.20.0"], check=True)


def tearDownModule():
    for folder, _, _ in os.walk(work):
        os.chmod(folder, 0o700)
    shutil.rmtree(work)


def reachable(path):
    """Whether any user can start it."""
    return all(p.stat().st_mode & stat.S_IXOTH for p in [pathlib.Path(path), *pathlib.Path(path).parents])


def unprivileged():
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def copied():
    """A healthy environment to be spoilt; its files are links, so one is replaced and never written to."""
    place = pathlib.Path(tempfile.mkdtemp(dir=work, prefix="env-"))
    shutil.copytree(base, place, symlinks=True, copy_function=os.link, dirs_exist_ok=True)
    os.chmod(place, 0o755)
    return place


def removed(path):
    if path.is_symlink() or path.exists() or not path.is_dir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    return path


def beginning(path, length=1 << 20):
    """Libraries are a gigabyte of nothing after that; reading it would count as the memory of each child."""
    if not path.is_file():
        return b""
    with open(path, "rb") as file:
        return file.read(length)


def sparse(path, size=1 << 30):
    """As it begins, but a gigabyte long."""
    text = beginning(path)
    with open(removed(path), "wb") as file:
        file.write(text)
        file.truncate(size)


def denied(path):
    if path.is_symlink():
        return
    if path.is_file():  # not its other links
        sparse(path, path.stat().st_size)
    os.chmod(path, 0)


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(path.parent, os.O_PATH)
        made.bind(f"/proc/self/fd/{here}/{removed(path).name}")
        os.close(here)


SPOIL = {
    "denied": denied,
    "absent": removed,
    "empty": lambda path: removed(path).write_bytes(b""),
    "folder": lambda path: removed(path).mkdir(),
    "fifo": lambda path: os.mkfifo(removed(path)),
    "socket": a_socket,
    "loop": lambda path: removed(path).symlink_to(path.name),
    "dangling": lambda path: removed(path).symlink_to("/nonexistent/x"),
    "zeros": lambda path: removed(path).symlink_to("/dev/zero"),
    "null": lambda path: removed(path).symlink_to("/dev/null"),
    "process": lambda path: removed(path).symlink_to("/proc/self/mem"),
    "noise": lambda path: removed(path).write_bytes(random.Random(7).randbytes(5000)),
    "one line": lambda path: removed(path).write_bytes(b"home=" + b"\xff\x1b" * (1 << 19)),
    "gigabyte": sparse,
}


class Answer:
    def __init__(self, text, status):
        self.json = json_schema.parsed(text)
        self.verdict = self.json["verdict"]
        self.text = text.decode()
        self.status = status


def control_characters(text):
    return [c for c in text if (ord(c) < 0x20 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066\ufeff"]


class Hostile(unittest.TestCase):
    maxDiff = None

    def start(self, *arguments, env=None, cwd="/", before=None, as_user=True, stdin=subprocess.DEVNULL, close_fds=True):
        """What it wrote and how it ended, within its limits."""
        def prepare():
            if before:
                before()
            if as_user:
                unprivileged()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            child = subprocess.Popen([binary, *arguments], stdin=stdin, stdout=out, stderr=errors, cwd=cwd,
                                     preexec_fn=prepare, close_fds=close_fds,
                                     env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
                                     if env is None else env)
            hung = threading.Timer(HANG, child.kill)
            hung.start()
            _, status, usage = os.wait4(child.pid, 0)
            hung.cancel()
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            errors.seek(0)
            written, complaints = out.read(), errors.read()
        self.assertIn(child.returncode, (0, 1, 2, 3), complaints[-3000:])
        self.assertLess(usage.ru_utime + usage.ru_stime, 20 if sanitized else 2, "seconds of work")
        self.assertLess(usage.ru_maxrss, (1000 if sanitized else 128) * 1024, "KiB of memory")
        for text in (written, complaints):
            self.assertEqual(control_characters(text.decode()), [])  # strict: valid UTF-8
        self.assertNotIn(b"internal error", complaints)
        return written, complaints.decode(), child.returncode

    def check(self, environment, *arguments, text=False, **more):
        """The answer on an environment for a GPU that is stated, so that Python's side decides."""
        asked = ["--assume", "gpu=8.9"] + ([] if environment is None else ["--python", environment])
        written, complaints, status = self.start(*asked, *arguments, "--format", "json", "--facts", **more)
        self.assertEqual(complaints, "")
        answer = Answer(written, status)
        self.assertEqual(status, EXIT_STATUS[answer.verdict])
        if text:
            written, complaints, shown = self.start(*asked, *arguments, "-v", **more)
            self.assertEqual((complaints, shown), ("", status))
        return answer

    def many(self, cases, judge):
        """Each in a thread: most of the time is spent waiting for the binary."""
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            running = {case: pool.submit(judge, case) for case in cases}
        for case, done in running.items():
            with self.subTest(case):
                done.result()


class Healthy(Hostile):
    def test_the_base_is_usable(self):
        answer = self.check(copied(), text=True)
        self.assertEqual((answer.verdict, answer.json["confident"]), ("gpu-usable", True), answer.text)
        self.assertEqual(answer.json["unchecked"], [])


# What the answer does not depend on: a release of which our data has the very build is not read a second time.
UNNEEDED = {"tensorflow-2.20.0.dist-info/RECORD", "tensorflow-2.20.0.dist-info/INSTALLER",
            "tensorflow/include/external/local_config_cuda/cuda/cuda/cuda_config.h"}
CUBLAS = "nvidia/cublas/lib/libcublas.so.12"
SPOILT = ["tensorflow", "tensorflow/__init__.py", "tensorflow/python/platform/build_info.py", FRAMEWORK,
          "tensorflow/libtensorflow_cc.so.2", "tensorflow-2.20.0.dist-info", "tensorflow-2.20.0.dist-info/METADATA",
          "nvidia", "nvidia/cublas/lib", CUBLAS, *sorted(UNNEEDED)]
# Spoilt so, these still do what they are for, or only a run of Python would show that they do not.
FINE = {(CUBLAS, "gigabyte"), ("tensorflow/python/platform/build_info.py", "empty"),
        *(("tensorflow/__init__.py", how) for how in ("noise", "one line", "gigabyte"))}


class Files(Hostile):
    def test_anything_in_place_of_anything(self):
        def judge(case):
            name, how = case
            environment = copied()
            SPOIL[how](environment / SITE / name)
            answer = self.check(environment, text=how in ("denied", "loop", "noise"))
            if name not in UNNEEDED and case not in FINE and not elsewhere(answer, environment):
                self.assertNotEqual(answer.verdict, "gpu-usable", (case, answer.text))
            shutil.rmtree(environment, ignore_errors=True)
        self.many([(name, how) for name in SPOILT for how in SPOIL], judge)

    def test_what_makes_the_environment(self):
        def judge(case):
            name, how = case
            environment = copied()
            SPOIL[how](environment / name)
            answer = self.check(environment, text=True)
            if how != "gigabyte":
                self.assertNotEqual(answer.verdict, "gpu-usable", (case, answer.text))
        self.many([(name, how) for name in ("bin", "bin/python", "lib", SITE) for how in SPOIL
                   if (name, how) != ("bin/python", "denied")], judge)  # a link has no permissions

    def test_pyvenv_cfg(self):
        def judge(case):
            environment = copied()
            removed(environment / "pyvenv.cfg").write_bytes(case.replace(b"HERE", os.fsencode(environment)))
            self.check(environment, text=True)
        self.many([b"home", b"home =", b"home = HERE", b"home = HERE/bin", b"home = /nonexistent", b"home = //x",
                   b"home = /dev/zero",
                   b"home = " + EVIL, b"home = /usr/bin\nversion = " + EVIL, b"home = ../../../../..", b"=" * 100000,
                   b"home = /usr/bin\ninclude-system-site-packages = " + EVIL, b"home = /usr/bin\0x", b"\xef\xbb\xbfhome=/",
                   b"home = " + b"/x" * 100000, b"home = /usr/bin\n" * 50000], judge)
        for how in SPOIL:
            environment = copied()
            SPOIL[how](environment / "pyvenv.cfg")
            with self.subTest(how):
                self.check(environment, text=True)

    def test_interpreters(self):
        def judge(case):
            name, content = case
            environment = copied()
            removed(environment / "bin/python").write_bytes(content)
            os.chmod(environment / "bin/python", 0o755)
            answer = self.check(environment, text=True)
            self.assertNotEqual(answer.verdict, "gpu-usable", (name, answer.text))
        with open(python, "rb") as file:
            program = file.read()
        arm = program[:18] + b"\xb7\0" + program[20:]
        small = program[:4] + b"\1" + program[5:]
        self.many([("text", b"hello\n"), ("script", b"#!/bin/sh\necho hello\n"), ("nothing", b""),
                   ("itself", b"#!/bin/sh\nexec $0\n"), ("evil", b"#!" + EVIL), ("head", program[:64]), ("arm", arm),
                   ("32 bits", small), ("half", program[:len(program) // 2]), ("long", b"#!/bin/sh\n" + b"x" * (1 << 22)),
                   ("pyenv", b"#!/bin/sh\nexport PYENV_ROOT=\"" + EVIL + b"\"\nexec pyenv\n")], judge)

    def test_pth_files(self):
        def judge(case):
            environment = copied()
            (environment / SITE / "x.pth").write_bytes(case.replace(b"HERE", os.fsencode(environment / SITE)))
            self.check(environment)
        self.many([EVIL, b"HERE\n" * 100000, b"/\n/proc\n/dev\n/dev/zero\n", b"import os; " + EVIL, b"import " * 100000,
                   b"import site; site.addsitedir('HERE')\n" * 1000, b"\0" * 100000, b"/x" * 1000000,
                   b"\n".join(b"/nonexistent/%d" % i for i in range(100000)),
                   b"import __editable___x_finder; __editable___x_finder.install()"], judge)
        environment = copied()
        (environment / SITE / "x.pth").write_bytes(b"")
        sparse(environment / SITE / "x.pth")
        self.check(environment, text=True)

    def test_names(self):
        environment = copied()
        site = os.fsencode(environment / SITE)
        for name in (b"tensorflow_cpu-" + EVIL + b".dist-info", EVIL + b"-1.dist-info", b"-.dist-info", b".dist-info",
                     b"~ensorflow", b"nvidia_cudnn_cu12-9" + b"9" * 200 + b".dist-info", b"\xff.egg-info",
                     b"tensorflow-\n-\x1b[31m.dist-info", EVIL + b".egg", EVIL + b".pth"):
            os.mkdir(site + b"/" + name)
        answer = self.check(environment, text=True)
        self.assertNotEqual(answer.verdict, "gpu-usable")  # a second TensorFlow, without a RECORD
        place = work / "evil"
        place.mkdir()
        evil = os.path.join(os.fsencode(place), EVIL)
        os.rename(copied(), evil)
        self.assertEqual(self.check(evil, text=True).verdict, "gpu-usable")

    def test_many_files(self):
        environment = copied()
        site = environment / SITE
        for i in range(2000):
            (site / f"package{i}").symlink_to(".")
            (site / f"package_{i}-1.0.dist-info").symlink_to("nowhere")
        self.assertEqual(self.check(environment).verdict, "gpu-usable")
        folder = os.open(site, os.O_PATH)
        for i in range(100000):
            os.symlink(".", f"x{i}", dir_fd=folder)
        os.close(folder)
        self.assertNotEqual(self.check(environment, text=True).verdict, "gpu-usable")  # more than are looked at


def elsewhere(answer, environment):
    """Whether a library of the machine stands in for a spoilt one."""
    opened = answer.json["facts"]["cuda_libraries"]["opened"]
    return opened["state"] == "value" and any(
        library["path"]["state"] == "value" and not library["path"]["value"].startswith(str(environment))
        and library["needed_to_start"].get("value") for library in opened["value"].values())


class Libraries(Hostile):
    def spoilt(self, name, content):
        environment = copied()
        path = environment / SITE / name
        size = path.stat().st_size
        with open(removed(path), "wb") as file:
            file.write(content)
            file.truncate(size)
        answer = self.check(environment)
        shutil.rmtree(environment)
        return answer

    def test_cut_short(self):
        def judge(case):
            name, length = case
            environment = copied()
            path = environment / SITE / name
            with open(path, "rb") as file:
                content = file.read(length)
            removed(path).write_bytes(content)
            answer = self.check(environment)
            if not elsewhere(answer, environment):
                self.assertNotEqual(answer.verdict, "gpu-usable", (case, answer.text))
            shutil.rmtree(environment)
        lengths = [0, 1, 3, 4, 15, 16, 17, 18, 20, 51, 52, 63, 64, 65, 119, 120, 121, 176, 232, 288, 400]
        self.many([(name, length) for name in (FRAMEWORK, CUBLAS) for length in lengths], judge)

    def test_lies_and_noise(self):
        """Each word of the head as large as can be, then any bits."""
        def judge(case):
            name, seed = case
            with open(base / SITE / name, "rb") as file:
                content = bytearray(file.read(64 << 10))
            end = len(content.rstrip(b"\0"))
            chance = random.Random(seed)
            if seed < 30:
                at = 16 + 4 * seed
                content[at:at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\xf0\xff\xff\xff"))
            else:
                for _ in range(chance.choice((1, 8, 200))):
                    content[chance.randrange(end)] ^= 1 << chance.randrange(8)
            self.spoilt(name, content)
        self.many([(name, seed) for name in (FRAMEWORK, CUBLAS) for seed in range(60)], judge)


class Surroundings(Hostile):
    ENV = {"PATH": "/usr/bin:/bin"}

    def environments(self):
        yield {}
        yield {"PATH": ""}
        yield {"PATH": ":" * 5000}
        yield {"PATH": "/usr/bin", "LC_ALL": "no such locale"}
        yield {"LD_LIBRARY_PATH": ":".join(f"/nonexistent/{i}" for i in range(5000))}
        yield {"LD_LIBRARY_PATH": ":" * 100000, "LD_PRELOAD": " :" * 1000}  # what it names, ld.so complains about itself
        yield {"LD_LIBRARY_PATH": "$ORIGIN/${ORIGIN}/$LIB/$PLATFORM/$" * 1000}
        for name in ("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "XLA_FLAGS", "TF_XLA_FLAGS", "VIRTUAL_ENV",
                     "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "HOME", "PATH", "TERM", "LANG", "LOADEDMODULES",
                     "PYENV_VERSION", "KERAS_BACKEND", "TF_FORCE_GPU_ALLOW_GROWTH", "CUDA_HOME", "PYTHONUSERBASE"):
            yield {b"PATH": b"/usr/bin", name.encode(): EVIL}
            yield {"PATH": "/usr/bin", name: "x" * 100000}
            yield {"PATH": "/usr/bin", name: "/dev/zero"}

    def test_environment_variables(self):
        environment = copied()
        cases = list(self.environments())

        def judge(i):
            self.check(environment, env=cases[i], text=i % 3 == 0)
            self.check(None, env=cases[i])
        self.many(range(len(cases)), judge)

    def test_a_folder_that_is_gone(self):
        environment = copied()
        gone = tempfile.mkdtemp(dir=work)
        os.chmod(gone, 0o755)

        def leave():
            os.chdir(gone)
            os.rmdir(gone)
        self.check(environment, before=leave)
        closed = tempfile.mkdtemp(dir=work)
        os.chmod(closed, 0)
        self.check(environment, before=lambda: os.chdir(closed) if os.getuid() == 0 else None, text=True)

    def test_closed_standard_input(self):
        self.check(copied(), before=lambda: os.close(0))

    def test_few_resources(self):
        def limit(which, most):
            return lambda: resource.setrlimit(which, (most, most))
        environment = copied()
        for files in (8, 16):
            self.assertEqual(self.check(environment, before=limit(resource.RLIMIT_NOFILE, files)).verdict, "gpu-usable")
        # Many may be open, and nearly all are: they came with the shell. (The sanitizer itself needs some.)
        def nearly_all():
            limit(resource.RLIMIT_NOFILE, 300)()
            for _ in range(300 - 24):
                os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
        if not sanitized:
            self.assertEqual(self.check(environment, before=nearly_all, close_fds=False).verdict, "gpu-usable")
        self.check(environment, before=limit(resource.RLIMIT_STACK, 256 << 10), text=True)
        self.check(environment, before=limit(resource.RLIMIT_FSIZE, 1 << 20))
        if not sanitized:
            self.check(environment, before=limit(resource.RLIMIT_AS, 128 << 20))

    def test_without_proc(self):
        if os.getuid() != 0 or not shutil.which("unshare") or subprocess.run(
                ["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("needs root and a mount namespace of its own")
        environment = copied()
        for hidden in ("/proc", "/sys", "/dev"):
            command = f'mount -t tmpfs none {hidden} && exec "$0" --format json --facts "$@"'
            done = subprocess.run(["unshare", "-m", "sh", "-c", command, binary, "--python", environment, "--assume",
                                   "gpu=8.9"], stdin=subprocess.PIPE, capture_output=True, timeout=HANG, cwd="/")
            json_schema.parsed(done.stdout)
            # Without /proc the sanitizer's own run time complains that it cannot name itself.
            ours = b"" if sanitized and hidden == "/proc" else done.stderr
            self.assertEqual(ours, b"", hidden)
            self.assertNotIn(b"ERROR: AddressSanitizer", done.stderr)
            self.assertNotIn(b"runtime error:", done.stderr)
            bare = subprocess.run(["unshare", "-m", "sh", "-c", f'mount -t tmpfs none {hidden} && exec "$0"', binary],
                                  stdin=subprocess.PIPE, capture_output=True, timeout=HANG, cwd="/")
            self.assertIn(bare.returncode, (1, 3), bare.stderr)


class Arguments(Hostile):
    def test_paths_that_are_no_paths(self):
        for path in ("/dev/zero", "/dev/null", "/proc/self/mem", "/proc/self/fd/0", "/etc", "/", "/root", EVIL, b"\xff",
                     "/usr/bin/env", "x" * 5000, "//" * 3000, "."):
            for option in ("--python", "--script", "--data"):
                with self.subTest((option, path)):
                    _, _, status = self.start(option, path)
                    self.assertIn(status, (1, 2, 3))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    binary, layer = map(os.path.abspath, (sys.argv.pop(1), sys.argv.pop(1)))
    unittest.main()
