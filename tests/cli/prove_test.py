#!/usr/bin/env python3
"""`tfdoctor prove`, over a stand-in for TensorFlow: usage: prove_test.py TFDOCTOR FAKES LAY_ENVIRONMENT [unittest options]

What happens around a TensorFlow: it crashes, hangs, prints or eats without end, computes wrongly, is no library. With real
wheels: tests/real/prove_test.py."""
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import json_schema

LIMIT = 120
STEPS = ["devices", "add", "matmul", "memory-growth", "train-mlp", "train-cnn"]
LIBRARIES = ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2")

binary = fakes = layer = ""
work = package = None
python = os.path.realpath("/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable)
dotted = f"3.{sys.version_info.minor}"
found = re.search(r"python(3\.\d+)", python)
dotted = found[1] if found else dotted


def setUpModule():
    global work, package
    work = pathlib.Path(tempfile.mkdtemp(prefix="tfdoctor-prove-test-"))
    env = work / "env"
    (env / "bin").mkdir(parents=True)
    (env / "bin/python").symlink_to(python)
    (env / "pyvenv.cfg").write_text(f"home = {os.path.dirname(python)}\ninclude-system-site-packages = false\n"
                                    f"version = {dotted}.0\n")
    site = env / f"lib/python{dotted}/site-packages"
    subprocess.run([layer, site, "2.20.0"], check=True)
    package = site / "tensorflow"
    (work / "as-released").mkdir()
    for name in LIBRARIES:
        shutil.copy(package / name, work / "as-released")
    install()


def tearDownModule():
    shutil.rmtree(work)


def install():
    for name in LIBRARIES:
        (package / name).unlink(missing_ok=True)
        shutil.copy(pathlib.Path(fakes, "tensorflow", name), package)


def environment(**variables):
    home = work / "home"
    home.mkdir(exist_ok=True)
    temporary = work / "tmp"
    temporary.mkdir(exist_ok=True)
    return {"PATH": f"{work}/env/bin:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "TMPDIR": str(temporary),
            **{name: str(value) for name, value in variables.items()}}


def children():
    """Command lines of our children that are still there, zombies included."""
    left = []
    for process in pathlib.Path("/proc").iterdir():
        try:
            if process.name.isdigit() and b"prove-child" in (process / "cmdline").read_bytes() and \
                    str(work).encode() in (process / "cmdline").read_bytes():
                left.append(process.name)
        except OSError:
            continue
    return left


class Case(unittest.TestCase):
    def prove(self, *arguments, folder=None, **variables):
        """The answer as JSON: valid, with the exit status that its steps tell, and with nothing left behind."""
        before = sorted(path for path in work.rglob("*") if path.is_file())
        started = time.monotonic()
        done = subprocess.run([binary, "prove", "--format", "json", *arguments], env=environment(**variables), cwd=folder or work,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
        self.took = time.monotonic() - started
        self.assertEqual(done.stderr, b"")
        answer = json_schema.parsed(done.stdout)
        states = [step["state"] for step in answer["steps"]]
        if "unstarted" in answer["proof"]:
            self.assertEqual(set(states), {"skipped"})
            self.assertEqual(done.returncode, {"gpu-blocked": 1, "unknown": 3}[answer["verdict"]])
        else:
            self.assertEqual(done.returncode, 0 if set(states) == {"passed"} else 1)
        self.assertEqual(children(), [])
        self.assertEqual(sorted(path for path in work.rglob("*") if path.is_file()), before, "files were written")
        self.assertEqual(list((work / "tmp").iterdir()), [])
        self.steps = {step["name"]: step for step in answer["steps"]}
        self.causes = [cause["id"] for cause in answer["causes"]]
        return answer

    def on_cpu(self, **variables):
        return self.prove("--device", "CPU:0", "--steps", "devices,add", **variables)

    def failed(self, step, *texts):
        self.assertEqual(self.steps[step]["state"], "failed", self.steps)
        for text in texts:
            self.assertIn(text, self.steps[step]["message"])


class Steps(Case):
    def test_all_right(self):
        answer = self.on_cpu()
        self.assertEqual([(s["name"], s["state"], s["device"]) for s in answer["steps"]],
                         [("devices", "passed", "CPU:0"), ("add", "passed", "CPU:0")])
        self.assertEqual(self.steps["add"]["figures"]["result"], "5 7 9")
        self.assertEqual((answer["proof"]["tensorflow"], answer["proof"]["by"]), ("2.99.0", "C API"))
        # A run on the CPU says nothing of the GPU.
        self.assertIn(answer["verdict"], ("gpu-blocked", "unknown"))

    def test_deep_has_more_steps(self):
        answer = self.prove("--deep", "--device", "CPU:0", "--steps", "add,xla,load")
        self.assertEqual([s["name"] for s in answer["steps"]], ["add", "xla", "load"])
        self.assertEqual(self.steps["add"]["state"], "passed")
        self.failed("load", "RandomStandardNormal on CPU:0")
        self.failed("xla", "SIGABRT")  # each in a process of its own kind: the other steps are not lost with it
        answer = self.prove("--deep", "--load-seconds", "0.1")
        self.assertEqual([s["name"] for s in answer["steps"]], [*STEPS, "precision", "xla", "all-gpus", "memory-fill", "load"])

    def test_in_order_whatever_the_order_asked(self):
        self.assertEqual([s["name"] for s in self.prove("--device", "cpu:0", "--steps", "add, devices")["steps"]],
                         ["devices", "add"])

    def test_a_wrong_number_is_never_assumed_right(self):
        self.on_cpu(FAKE_TF_SUM_OFF=1)
        self.failed("add", "the sum is 6 8 10, right is 5 7 9")
        self.assertNotIn("gpu-computes-wrongly", self.causes)

    def test_wrong_on_the_gpu(self):
        answer = self.prove("--steps", "devices,add", FAKE_TF_GPUS=1, FAKE_TF_SUM_OFF=-5)
        self.failed("add")
        self.assertIn("gpu-computes-wrongly", self.causes)
        self.assertEqual(answer["verdict"], "gpu-blocked")

    def test_other_steps_go_on_after_a_failure(self):
        self.prove("--device", "CPU:0", "--steps", "devices,add,matmul")
        self.assertEqual([s["state"] for s in self.steps.values()], ["passed", "passed", "failed"])
        self.failed("matmul", "RandomStandardNormal on CPU:0", "knows AddV2 only")

    def test_no_such_device(self):
        answer = self.prove("--device", "GPU:1", FAKE_TF_GPUS=1)
        self.failed("devices", "TensorFlow has no GPU:1; it has CPU:0, GPU:0")
        self.assertEqual([s["state"] for s in answer["steps"]], ["failed"] + ["skipped"] * 5)
        self.assertIn("there is no GPU:1", self.steps["train-cnn"]["message"])

    def test_no_gpu(self):
        answer = self.prove()
        self.assertEqual([s["name"] for s in answer["steps"]], STEPS)
        self.failed("devices", "TensorFlow has no GPU:0")
        self.assertEqual(answer["verdict"], "gpu-blocked")  # as check says it: this machine has none
        self.assertNotIn("disagreement", answer["proof"])

    def test_what_tensorflow_says_is_the_message(self):
        self.on_cpu(FAKE_GPU_FAULTS="TFE_Execute=8")
        self.failed("add", "AddV2 on CPU:0: told to fail")
        self.on_cpu(FAKE_GPU_FAULTS="TFE_NewContext=13")
        self.failed("devices", "creating the devices: told to fail")


@unittest.skipIf(os.path.exists("/dev/nvidiactl"), "this machine has a GPU: check and the stand-in may agree")
class Disagreement(Case):
    def test_check_says_blocked_and_it_works(self):
        answer = self.prove("--steps", "devices,add", FAKE_TF_GPUS=1)
        self.assertEqual([s["state"] for s in answer["steps"]], ["passed", "passed"])
        self.assertEqual(answer["verdict"], "gpu-usable")
        self.assertIn("yet GPU:0 works", answer["proof"]["disagreement"])
        done = subprocess.run([binary, "prove", "--steps", "devices,add"], env=environment(FAKE_TF_GPUS=1), cwd=work,
                              capture_output=True, text=True, timeout=LIMIT)
        self.assertIn("A fault of tfdoctor", done.stdout)
        self.assertIn("tfdoctor record", done.stdout)

    def test_check_says_usable_and_it_is_not_listed(self):
        # Laid out as they were released, so that check knows them; but they hold no function.
        self.addCleanup(install)
        for name in LIBRARIES:
            (package / name).unlink()
            shutil.copy(work / "as-released" / name, package)
        answer = self.prove("--steps", "devices,add", LD_LIBRARY_PATH=f"{fakes}/driver", FAKE_GPU_CC="8.0")
        self.failed("devices", "TensorFlow could not be loaded")
        self.assertIn("yet step devices fails", answer["proof"]["disagreement"])
        self.assertEqual(answer["verdict"], "gpu-blocked")
        self.assertFalse(answer["confident"])


class Fences(Case):
    def test_crash(self):
        self.on_cpu(FAKE_GPU_FAULTS="TFE_Execute=crash")
        self.failed("add", "SIGSEGV")
        self.assertEqual(self.steps["devices"]["state"], "passed")
        self.on_cpu(FAKE_GPU_FAULTS="TFE_NewContext=crash")
        self.failed("devices", "SIGSEGV")
        self.assertEqual((self.steps["add"]["state"], "not reached" in self.steps["add"]["message"]), ("skipped", True))

    def test_abort_is_named_with_the_last_message(self):
        self.on_cpu(FAKE_GPU_FAULTS="TFE_Execute=abort")
        self.failed("add", "SIGABRT", "Check failed: TFE_Execute is told to abort")

    def test_end_without_a_word(self):
        self.on_cpu(FAKE_GPU_FAULTS="TFE_Execute=exit")
        self.failed("add", "status 3")

    def test_killed_from_outside_tells_nothing_of_the_gpu(self):
        child = subprocess.Popen([binary, "prove", "--format", "json", "--steps", "add"], cwd=work, stdout=subprocess.PIPE,
                                 env=environment(FAKE_TF_GPUS=1, FAKE_GPU_FAULTS="TFE_Execute=hang"))
        until = time.monotonic() + LIMIT
        while not children() and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(int(children()[0]), signal.SIGKILL)
        answer = json_schema.parsed(child.communicate(timeout=LIMIT)[0])
        self.assertEqual(child.returncode, 1)
        self.assertIn("killed from outside (SIGKILL)", answer["steps"][0]["message"])

    def test_crash_and_abort_on_load(self):
        self.on_cpu(FAKE_TF_LOAD="crash")
        self.failed("devices", "SIGSEGV")
        self.on_cpu(FAKE_TF_LOAD="abort")
        self.failed("devices", "SIGABRT", "this library aborts on load")

    def test_hang(self):
        self.prove("--device", "CPU:0", "--steps", "devices,add,train-mlp", "--time-limit", "1", FAKE_GPU_FAULTS="TFE_Execute=hang")
        self.failed("add", "not done after 1 s")
        self.assertLess(self.took, 20)
        self.assertIn("not reached", self.steps["train-mlp"]["message"])

    def test_flood(self):
        kept = work / "kept"
        self.addCleanup(lambda: kept.unlink())
        kept.write_text("")
        answer = self.prove("--device", "CPU:0", "--steps", "add", "--keep-log", str(kept), FAKE_GPU_FAULTS="TFE_Execute=flood")
        self.failed("add", "printed more than 64 MiB")
        self.assertLess(kept.stat().st_size, 80 << 20)
        self.assertNotEqual(answer["verdict"], "gpu-usable")

    def test_memory(self):
        self.prove("--device", "CPU:0", "--steps", "add", "--memory-limit", "200", FAKE_GPU_FAULTS="TFE_Execute=eat")
        self.failed("add", "held more than 200 MiB")
        self.assertLess(self.took, 30)

    def test_ctrl_c_ends_both(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                child = subprocess.Popen([binary, "prove", "--device", "CPU:0", "--steps", "add"], cwd=work, stdout=subprocess.DEVNULL,
                                         env=environment(FAKE_GPU_FAULTS="TFE_Execute=hang"))
                until = time.monotonic() + LIMIT
                while not children() and time.monotonic() < until:
                    time.sleep(0.02)
                self.assertNotEqual(children(), [])
                child.send_signal(number)
                self.assertEqual(child.wait(timeout=LIMIT), -number)
                self.assertEqual(children(), [])
                self.assertEqual(list((work / "tmp").iterdir()), [])

    def test_the_child_is_not_for_people(self):
        done = subprocess.run([binary, "prove-child", "{}"], capture_output=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"started by tfdoctor itself", done.stderr)


class BadInput(Case):
    def setUp(self):
        self.addCleanup(install)

    def test_libraries_that_are_none(self):
        real = pathlib.Path(fakes, "tensorflow", LIBRARIES[1]).read_bytes()
        other = bytearray(real)
        other[18:20] = (243).to_bytes(2, "little")  # e_machine: RISC-V
        for name, content in (("text", b"this is no library\n"), ("empty", b""), ("cut", real[:4096]),
                              ("architecture", bytes(other)), ("noise", os.urandom(8192))):
            with self.subTest(name):
                (package / LIBRARIES[1]).unlink()
                (package / LIBRARIES[1]).write_bytes(content)
                self.on_cpu()
                # A file that is cut off may be mapped, and end the process when it is read.
                self.assertEqual(self.steps["devices"]["state"], "failed")
                self.assertEqual(self.steps["add"]["state"], "skipped")
                if name != "cut":
                    self.failed("devices", "TensorFlow could not be loaded", LIBRARIES[1])

    def test_a_library_without_its_functions_is_run_by_python(self):
        (package / LIBRARIES[1]).unlink()
        shutil.copy(package / LIBRARIES[0], package / LIBRARIES[1])
        answer = self.on_cpu()
        self.assertEqual(answer["proof"]["by"], "Python")
        self.assertIn("no function TF_Version", answer["proof"]["note"])
        # What is laid out there cannot be imported.
        self.failed("devices", "TensorFlow could not be loaded", "Error: ")

    def test_a_folder_in_its_place(self):
        (package / LIBRARIES[1]).unlink()
        (package / LIBRARIES[1]).mkdir()
        self.addCleanup((package / LIBRARIES[1]).rmdir)
        self.on_cpu()
        self.failed("devices", "TensorFlow could not be loaded")
        self.doCleanups()

    def test_before_2_13_it_is_a_module_of_python(self):
        (package / LIBRARIES[1]).unlink()
        module = package / "python" / "_pywrap_tensorflow_internal.so"
        released = module.with_name("released")
        module.rename(released)
        self.addCleanup(lambda: released.rename(module))
        answer = self.on_cpu()
        self.assertEqual(answer["proof"]["by"], "Python")
        self.assertIn("its C API cannot be called", answer["proof"]["note"])
        shutil.copy(pathlib.Path(fakes, "tensorflow", module.name), module)
        self.on_cpu()
        self.assertEqual([step["state"] for step in self.steps.values()], ["passed", "passed"])

    def test_no_tensorflow(self):
        nothing = work / "nothing"
        (nothing / "bin").mkdir(parents=True, exist_ok=True)
        (nothing / "pyvenv.cfg").write_text((work / "env/pyvenv.cfg").read_text())
        if not (nothing / "bin/python").exists():
            (nothing / "bin/python").symlink_to(python)
        (nothing / f"lib/python{dotted}/site-packages").mkdir(parents=True, exist_ok=True)
        for arguments in ([], ["--device", "CPU:0"]):
            answer = self.prove("--python", str(nothing), *arguments)
            self.assertIn("no TensorFlow is installed", answer["proof"]["unstarted"])
            self.assertEqual(answer["verdict"], "gpu-blocked")
            self.assertTrue({"tensorflow-not-installed", "wrong-python-environment"} & set(self.causes), self.causes)

    def test_arguments(self):
        for arguments, says in (
                (["--device", "TPU:0"], "is no device"), (["--device", ""], "is no device"), (["--device", "GPU"], "is no device"),
                (["--device", "GPU:-1"], "is no device"), (["--device", "GPU:99999"], "is no device"), (["--steps", "dance"], "'dance' is no step"),
                (["--steps", "add,"], "is no step"), (["--time-limit", "0"], "--time-limit"), (["--time-limit", "x"], "--time-limit"),
                (["--seed", "-1"], "--seed"), (["--memory-limit", "0"], "--memory-limit"), (["--keep-log", "/dev/null/x"], "/dev/null/x"),
                (["--assume", "gpu=8.9"], "--assume goes with check"), (["--all"], "--all goes with check"),
                (["--strict"], "--strict goes with check"), (["--root", "/"], "--root goes with check"), (["--from", "x"], "--from goes with check"),
                (["--image", "x"], "--image goes with check"), (["--pid", "1"], "--pid goes with check"), (["--load-seconds", "0"], "--load-seconds"), (["--python", "/no/such"], "no such file"), (["extra"], "extra")):
            with self.subTest(arguments):
                done = subprocess.run([binary, "prove", *arguments], env=environment(), cwd=work, capture_output=True, text=True, timeout=LIMIT)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(says, done.stderr)


class WithPython(Case):
    """A package of Python in the place of TensorFlow, as small as the stand-in for its libraries."""

    MODULE = """
import os
__version__ = "2.98.0"
class _Value(list):
    device = "/job:localhost/replica:0/task:0/device:CPU:0"
    def numpy(self): return self
    def tolist(self): return list(self)
class _Device:
    def __init__(self, name): pass
    def __enter__(self): pass
    def __exit__(self, *rest): pass
class _Logical:
    name, device_type = "/device:CPU:0", "CPU"
class config:
    set_soft_device_placement = staticmethod(lambda value: None)
    list_logical_devices = staticmethod(lambda: [_Logical])
device, constant = _Device, _Value
def add(a, b):
    what = os.environ.get("FAKE_PYTHON", "")
    if what == "crash": os.abort()
    if what == "raise": raise RuntimeError("told to fail")
    return _Value(x + y + (what == "wrong") for x, y in zip(a, b))
"""

    def setUp(self):
        site = package.parent
        for name, text in (("tensorflow", self.MODULE), ("numpy", "")):
            module = site / name / "__init__.py"
            module.parent.mkdir(exist_ok=True)
            before = module.read_bytes() if module.exists() else None
            module.write_text(text)
            self.addCleanup(lambda m=module, b=before: m.write_bytes(b) if b is not None else m.unlink())

    def test_the_same_report(self):
        answer = self.on_python()
        self.assertEqual([(s["name"], s["state"], s["device"]) for s in answer["steps"]],
                         [("devices", "passed", "CPU:0"), ("add", "passed", "CPU:0")])
        self.assertEqual((answer["proof"]["tensorflow"], answer["proof"]["by"], answer["proof"]["note"]),
                         ("2.98.0", "Python", "--with-python"))
        self.assertEqual(self.steps["add"]["figures"]["result"], "5 7 9")

    def test_failures(self):
        self.on_python(FAKE_PYTHON="wrong")
        self.failed("add", "the sum is 6 8 10, right is 5 7 9")
        self.on_python(FAKE_PYTHON="raise")
        self.failed("add", "told to fail")
        self.on_python(FAKE_PYTHON="crash")
        self.failed("add", "SIGABRT")

    def on_python(self, **variables):
        return self.prove("--with-python", "--device", "CPU:0", "--steps", "devices,add", **variables)


class Shown(Case):
    def run_text(self, *arguments, **variables):
        return subprocess.run([binary, "prove", *arguments], env=environment(**variables), cwd=work, capture_output=True, text=True,
                              timeout=LIMIT)

    def test_text(self):
        done = self.run_text("--device", "CPU:0", "--steps", "devices,add")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("Proved: TensorFlow 2.99.0 passes what was asked on CPU:0 (2 of 2 steps passed).", done.stdout)
        self.assertIn("[1 2 3] + [4 5 6] = [5 7 9]", done.stdout)
        self.assertIn("This says nothing of the GPU", done.stdout)
        self.assertNotIn("\x1b", done.stdout)

    def test_a_failure_ends_in_the_report_of_check(self):
        done = self.run_text()
        self.assertEqual(done.returncode, 1)
        self.assertIn("of 6 steps 0 passed, 1 failed, 5 were not run", " ".join(done.stdout.split()))
        self.assertIn("Your TensorFlow cannot use the GPU", done.stdout)
        self.assertIn("The cause", done.stdout)

    def test_columns(self):
        for columns in ("40", "80", "200"):
            done = self.run_text("--width", columns, "--device", "CPU:0", "--steps", "devices,add,matmul")
            long = [line for line in done.stdout.splitlines() if len(line) > int(columns) and " " in line.strip() and "/" not in line]
            self.assertEqual(long, [])

    def test_hostile_text(self):
        # What TensorFlow says may hold anything.
        done = self.run_text("--device", "CPU:0", "--steps", "add", FAKE_GPU_FAULTS="TFE_Execute=abort", TF_CPP_VMODULE="\x1b[31m")
        self.assertNotIn("\x1b", done.stdout)

    def test_progress_on_a_terminal_only(self):
        master, slave = pty.openpty()
        child = subprocess.Popen([binary, "prove", "--device", "CPU:0", "--steps", "add", "--time-limit", "3"], cwd=work, stderr=slave,
                                 stdout=subprocess.DEVNULL, env=environment(FAKE_GPU_FAULTS="TFE_Execute=hang", TERM="xterm"))
        os.close(slave)
        shown = b""
        while select.select([master], [], [], LIMIT)[0]:
            try:
                piece = os.read(master, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(master)
        self.assertEqual(child.wait(timeout=LIMIT), 1)
        self.assertIn(b"1 of 1: add (2 s)", shown)
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown)

    def test_the_log_is_kept_and_explained_alike(self):
        kept = work / "kept.log"
        done = self.run_text("--steps", "devices,add", "--keep-log", str(kept), FAKE_TF_GPUS=1, FAKE_TF_SUM_OFF=1)
        self.addCleanup(lambda: kept.unlink())
        self.assertEqual(done.returncode, 1)
        self.assertIn("tfdoctor prove: wrong result of add on GPU:0: the sum is 6 8 10, right is 5 7 9", kept.read_text())
        explained = subprocess.run([binary, "explain", "--format", "json", str(kept)], env=environment(), capture_output=True, timeout=LIMIT)
        self.assertEqual(json_schema.parsed(explained.stdout)["causes"][0]["id"], "gpu-computes-wrongly")


if __name__ == "__main__":
    binary, fakes, layer = (os.path.abspath(argument) for argument in sys.argv[1:4])
    del sys.argv[1:4]
    unittest.main(verbosity=1)
