#!/usr/bin/env python3
"""The live driver: usage: driver_test.py TFDOCTOR FAKES LAY_ENVIRONMENT [unittest options]

The built binary calls the project's stand-ins for libcuda.so.1 and libnvidia-ml.so.1, which report what they are told.
Whatever they do, what they answered is a fact, the answer comes in time, and no process and no core file is left."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import json_schema

EXIT_STATUS = {"gpu-blocked": 1, "unknown": 3, "gpu-degraded": 0, "gpu-usable": 0}
LIMIT = 120

binary = fakes = layer = ""
work = None
python = os.path.realpath("/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable)
dotted = f"3.{sys.version_info.minor}"
found = re.search(r"python(3\.\d+)", python)
dotted = found[1] if found else dotted

# Every number that cuInit and the creation of a context return in practice (CUresult).
INIT = [1, 2, 3, 4, 34, 46, 100, 101, 102, 201, 209, 214, 217, 220, 221, 301, 302, 303, 304, 400, 500, 600, 719, 800, 801,
        802, 803, 804, 805, 806, 807, 808, 809, 810, 999, 12345]
CONTEXT = [1, 2, 3, 4, 46, 101, 201, 208, 214, 217, 220, 226, 304, 719, 800, 801, 802, 804, 805, 806, 807, 808, 809, 810, 999]
NVML = [1, 2, 3, 4, 9, 12, 13, 15, 16, 17, 18, 23, 999]


def setUpModule():
    global work
    work = pathlib.Path(tempfile.mkdtemp(prefix="tfdoctor-driver-"))
    env = work / "env"
    (env / "bin").mkdir(parents=True)
    (env / "bin/python").symlink_to(python)
    (env / "pyvenv.cfg").write_text(f"home = {os.path.dirname(python)}\ninclude-system-site-packages = false\n"
                                    f"version = {dotted}.0\n")
    subprocess.run([layer, env / f"lib/python{dotted}/site-packages", "2.20.0"], check=True)


def tearDownModule():
    shutil.rmtree(work)


def value(fact):
    """A fact as a plain value: None when absent, "unknown: why" when unknown."""
    if not isinstance(fact, dict):
        return fact
    if "state" not in fact:
        return {key: value(inner) for key, inner in fact.items()}
    if fact["state"] == "value":
        return value(fact["value"])
    return None if fact["state"] == "absent" else "unknown: " + fact["why"]


def machine_has_driver():
    """Whether the loader finds a libcuda.so.1 without being told where."""
    code = "import ctypes; ctypes.CDLL('libcuda.so.1')"
    return subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, check=False).returncode == 0


class Case(unittest.TestCase):
    maxDiff = None

    def ask(self, *arguments, library=None, python=None, **variables):
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(work),
                       "LD_LIBRARY_PATH": str(library or fakes), **{k: str(v) for k, v in variables.items()}}
        started = time.monotonic()
        done = subprocess.run([binary, "--python", python or work / "env", "--format", "json", "--facts", *arguments], cwd=work,
                              env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
        self.took = time.monotonic() - started
        self.assertEqual(done.stderr, b"")
        answer = json_schema.parsed(done.stdout)
        self.assertEqual(done.returncode, EXIT_STATUS[answer["verdict"]])
        self.causes = {cause["id"]: cause for cause in answer["causes"] + answer["explained"]}
        self.answer = answer
        self.facts = {name: value(fact) for name, fact in answer["facts"]["driver_answers"].items()}
        self.assertEqual([name for name in os.listdir(work) if "core" in name], [])
        self.assertEqual(self.children_of_driver(), [])
        return self.facts

    @staticmethod
    def children_of_driver():
        left = []
        for process in pathlib.Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                line = (process / "cmdline").read_bytes().split(b"\0")
                variables = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            # Ours: other suites use the same stand-in at the same time.
            if b"driver-child" in line and f"HOME={work}".encode() in variables:
                left.append(line)
        return left

    def says(self, cause, state="holds", text=""):
        self.assertIn(cause, self.causes, self.answer["causes"])
        if state == "holds" and "state" in self.causes[cause]:
            self.assertEqual(self.causes[cause]["state"], state)
        self.assertIn(text, json.dumps(self.causes[cause]))


class Answers(Case):
    def test_healthy(self):
        facts = self.ask(FAKE_GPU_COUNT=2, FAKE_GPU_CC="8.0", FAKE_GPU_NAME="NVIDIA A100-SXM4-40GB")
        self.assertEqual((facts["asked"], facts["init"], facts["version"], facts["count"]), (True, "0", "12.8", "2"))
        self.assertEqual((facts["ended"], facts["open_failure"], facts["nvml_init"]), (None, None, "0"))
        device = facts["devices"]["1"]
        self.assertEqual((device["pci_address"], device["compute_capability"], device["context"], device["compute_mode"]),
                         ("0000:02:00.0", "8.0", "0", "default"))
        self.assertEqual(device["total_memory"], str(8192 << 20))
        # The driver lists it: whatever /sys shows, it is there, and what a check needs of it is known.
        gpu = value(self.answer["facts"]["gpus"])["0000:02:00.0"]
        self.assertEqual((gpu["vendor"], gpu["compute_capability"], gpu["architecture"]), ("NVIDIA", "8.0", "Ampere"))
        self.assertNotIn("no-nvidia-gpu", self.causes)
        self.assertNotIn("driver-call-fails", self.causes)
        self.assertEqual(self.answer["verdict"], "gpu-usable", [self.answer["causes"], self.answer["unchecked"]])
        self.assertGreater(self.answer["run"]["driver_milliseconds"], 0)

    def test_left_out(self):
        for arguments in (["--no-driver-calls"], ["--assume", "gpu=8.9"]):
            self.assertFalse(self.ask(*arguments)["asked"])
        trace = work / "trace"
        self.ask("--no-driver-calls", FAKE_GPU_TRACE=trace)
        self.assertFalse(trace.exists())
        self.ask(FAKE_GPU_TRACE=trace)
        self.assertIn("cuInit", trace.read_text())

    def test_without_a_library_nothing_is_started(self):
        empty = work / "empty"
        empty.mkdir(exist_ok=True)
        if machine_has_driver():
            self.skipTest("this machine has a driver")
        self.assertFalse(self.ask(library=empty)["asked"])

    def test_hidden_by_a_variable(self):
        facts = self.ask(CUDA_VISIBLE_DEVICES=-1, FAKE_GPU_COUNT=3)
        self.assertEqual((facts["init"], facts["init_unhidden"], facts["count_unhidden"]), ("100", "0", "3"))
        self.says("cuda-visible-devices")
        self.assertEqual(self.answer["causes"][0]["id"], "cuda-visible-devices")
        # The repair was tried: the driver's answer without the variable is known.
        fixes = self.answer["causes"][0]["fixes"]
        self.assertIn("unset CUDA_VISIBLE_DEVICES", fixes[0]["commands"])

    def test_an_assumed_gpu_is_all_that_there_is(self):
        self.ask("--assume", "gpu=8.9", CUDA_VISIBLE_DEVICES=1)
        self.says("cuda-visible-devices", text="there is no GPU 1")
        self.ask("--assume", "gpu=8.9", CUDA_VISIBLE_DEVICES=0)
        self.assertNotIn("cuda-visible-devices", self.causes)
        self.ask("--assume", "gpu=8.9,gpu=9.0", CUDA_VISIBLE_DEVICES=1)
        self.assertNotIn("cuda-visible-devices", self.causes)

    def test_saved_state(self):
        state = work / "state"

        def run(*arguments, **variables):
            environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(work), "XDG_STATE_HOME": str(state),
                           "LD_LIBRARY_PATH": str(fakes), **variables}
            done = subprocess.run([binary, "--python", work / "env", *arguments], cwd=work, env=environment,
                                  capture_output=True, text=True, timeout=LIMIT)
            return done.returncode, done.stdout, done.stderr

        # Nothing is written without being asked for, nor when the state is not good.
        self.assertEqual(run()[0], 0)
        self.assertEqual(run("--save", FAKE_GPU_FAULTS="cuInit=999")[2],
                         "tfdoctor: not saved: only a state in which TensorFlow can use the GPU is kept\n")
        self.assertFalse(state.exists())
        status, _, told = run("--save")
        self.assertEqual(status, 0)
        self.assertIn("tfdoctor: saved as the good state of this environment: ", told)
        files = [path for path in state.rglob("*") if path.is_file()]
        self.assertEqual(len(files), 1)
        # While all is well nobody hears of it; then what differs is named.
        self.assertNotIn("What changed", run()[1])
        broken = {"FAKE_GPU_FAULTS": "cuInit=999", "XLA_FLAGS": "--xla_gpu_autotune_level=2"}
        status, text, told = run("--width", "200", **broken)
        self.assertEqual((status, told), (1, ""))
        self.assertIn("What changed", text)
        self.assertIn("XLA_FLAGS", text)
        answer = json_schema.parsed(run("--format", "json", **broken)[1])
        changed = {difference["fact"]: difference for difference in answer["saved"]["differences"]}
        self.assertEqual(changed["environment.variables.XLA_FLAGS"]["before"], "none")
        # What is no saved state is said, and the answer is the same else.
        files[0].write_text("{")
        answer = json_schema.parsed(run("--format", "json", **broken)[1])
        self.assertIn("no state", answer["saved"]["trouble"])
        self.assertEqual(answer["causes"][0]["id"], "driver-call-fails")
        self.assertEqual(run("--save", "--all")[0], 2)
        self.assertEqual(run("--save", "--assume", "gpu=8.9")[0], 2)
        self.assertEqual(run("--save", "--root", "/")[0], 2)
        self.assertEqual(run("--save", "--from", "x")[0], 2)

    def test_what_changed(self):
        # An environment of three days ago, in which somebody replaced protobuf just now.
        other = work / "other"
        packages = other / f"lib/python{dotted}/site-packages"
        shutil.copytree(work / "env/bin", other / "bin", symlinks=True)
        shutil.copy(work / "env/pyvenv.cfg", other)
        subprocess.run([layer, packages, "2.20.0"], check=True)
        for record in packages.glob("*.dist-info/RECORD"):
            os.utime(record, (time.time() - 3 * 86400,) * 2)
        shutil.rmtree(next(packages.glob("protobuf-*.dist-info")))
        old = packages / "protobuf-3.20.0.dist-info"
        old.mkdir()
        (old / "METADATA").write_text("Metadata-Version: 2.1\nName: protobuf\nVersion: 3.20.0\n")
        (old / "RECORD").write_text("google/protobuf/__init__.py,,\n")
        self.ask(python=other)
        self.assertEqual(self.answer["causes"][0]["id"], "tensorflow-import-fails")
        self.assertRegex(self.answer["since"], r"^\d{4}-\d\d-\d\d \d\d:\d\d: protobuf 3\.20\.0(, |$)")
        self.ask()
        self.assertNotIn("since", self.answer)

    def test_the_same_twice(self):
        self.ask(FAKE_GPU_FAULTS="cuInit=999")
        first = {key: part for key, part in self.answer.items() if key != "run"}
        self.ask(FAKE_GPU_FAULTS="cuInit=999")
        self.assertEqual(first, {key: part for key, part in self.answer.items() if key != "run"})


class Faults(Case):
    def test_every_result_of_init(self):
        for number in INIT:
            with self.subTest(number=number):
                facts = self.ask(FAKE_GPU_FAULTS=f"cuInit={number}")
                self.assertEqual(facts["init"], str(number))
                self.assertEqual(self.answer["verdict"], "gpu-blocked")
                self.says("driver-call-fails", text=f"({number})" if number != 12345 else "CUDA error 12345")
                self.assertNotIn("kernel-module-not-loaded", self.causes)  # NVML answers: it is loaded
        self.ask(FAKE_GPU_FAULTS="cuInit=34")
        self.says("stub-driver-library")
        self.ask(FAKE_GPU_FAULTS="cuInit=804")
        self.says("cuda-compat-library-misused")

    def test_every_result_of_a_context(self):
        for number in CONTEXT:
            with self.subTest(number=number):
                facts = self.ask(FAKE_GPU_FAULTS=f"cuDevicePrimaryCtxRetain={number}")
                self.assertEqual((facts["init"], facts["devices"]["0"]["context"]), ("0", str(number)))
                self.assertEqual(self.answer["verdict"], "gpu-blocked")
                self.says("driver-call-fails", text=str(number))

    def test_nvml(self):
        for number in NVML:
            with self.subTest(number=number):
                facts = self.ask(FAKE_GPU_FAULTS=f"nvmlInit_v2={number}")
                self.assertEqual((facts["nvml_init"], facts["init"]), (str(number), "0"))
                self.assertNotIn("driver-call-fails", self.causes)  # TensorFlow 2.20 does not need NVML

    def test_what_nvml_does_not_tell(self):
        # The stand-in supports neither MIG nor ECC: the GPU has none.
        self.ask()
        device = self.facts["nvml_devices"]["0"]
        self.assertEqual((device["mig_mode"], device["ecc_errors"], device["compute_mode"]), (None, None, "default"))
        # What failed otherwise is not known, and what else was told is.
        self.ask(FAKE_GPU_FAULTS="nvmlDeviceGetComputeMode=999,nvmlDeviceGetMemoryInfo=15")
        device = self.facts["nvml_devices"]["0"]
        self.assertIn("unknown: NVML failed with 999", device["compute_mode"])
        self.assertIn("unknown: NVML failed with 15", device["total_memory"])
        self.assertIn("unknown: NVML failed with 15", device["free_memory"])
        self.assertEqual(device["compute_capability"], "8.9")

    def test_what_nvml_does_not_reach(self):
        # libcuda works with the only one, whatever NVML says.
        facts = self.ask(FAKE_GPU_FAULTS="nvmlDeviceGetHandleByIndex_v2=15")
        self.assertEqual((facts["nvml_lost"], facts["nvml_devices"]), ({"0": "15"}, {}))
        self.assertNotIn("gpu-hardware-fault", self.causes)
        # One that this process may not use is no lost one.
        facts = self.ask(FAKE_GPU_FAULTS="nvmlDeviceGetHandleByIndex_v2=4")
        self.assertEqual(facts["nvml_lost"], {})
        facts = self.ask(FAKE_GPU_COUNT=2, CUDA_VISIBLE_DEVICES="0", FAKE_GPU_FAULTS="nvmlDeviceGetHandleByIndex_v2=15")
        self.assertEqual(facts["nvml_lost"], {"0": "15", "1": "15"})
        self.says("gpu-hardware-fault", text="NVML_ERROR_GPU_IS_LOST (15)")
        self.assertEqual(self.answer["verdict"], "gpu-degraded")

    def test_what_is_neither_init_nor_a_context(self):
        facts = self.ask(FAKE_GPU_FAULTS="cuDeviceGet=101")
        self.assertEqual((facts["count"], facts["devices"]["0"]["context"]), ("1", "101"))
        self.assertEqual(self.answer["verdict"], "gpu-blocked")
        self.says("driver-call-fails", text="CUDA_ERROR_INVALID_DEVICE (101)")
        facts = self.ask(FAKE_GPU_FAULTS="cuDeviceGetCount=999")
        self.assertEqual((facts["ended"], facts["ended_in"]), ("returned 999", "cuDeviceGetCount"))
        self.assertEqual(self.answer["verdict"], "gpu-blocked")
        self.says("driver-call-fails", text="cuDeviceGetCount returns CUDA_ERROR_UNKNOWN (999)")
        facts = self.ask(FAKE_GPU_FAULTS="cuMemGetInfo_v2=999")
        self.assertIn("the driver failed with 999", facts["devices"]["0"]["free_memory"])
        facts = self.ask(FAKE_GPU_COUNT=-1)
        self.assertEqual(self.answer["verdict"], "gpu-blocked", facts)

    def test_crash(self):
        for function in ("cuInit", "cuDeviceGetCount", "cuDeviceGetName", "cuDevicePrimaryCtxRetain"):
            with self.subTest(function=function):
                self.assertEqual(self.ask(FAKE_GPU_FAULTS=f"{function}=crash")["ended"], "SIGSEGV")
                self.assertEqual(self.answer["verdict"], "gpu-blocked")
                self.says("driver-call-fails", text="SIGSEGV")
        facts = self.ask(FAKE_GPU_FAULTS="nvmlInit_v2=crash")
        self.assertEqual((facts["init"], facts["ended"]), ("0", None))
        self.assertIn("unknown", facts["nvml_init"])
        self.assertEqual((facts["nvml_ended"], facts["nvml_ended_in"]), ("SIGSEGV", "nvmlInit"))

    def test_hang(self):
        for function in ("cuInit", "cuDevicePrimaryCtxRetain", "nvmlInit_v2"):
            with self.subTest(function=function):
                facts = self.ask("--driver-limit", "1", FAKE_GPU_FAULTS=f"{function}=hang")
                self.assertLess(self.took, 30)
                if function == "nvmlInit_v2":
                    # The other library answered everything.
                    self.assertEqual((facts["init"], facts["ended"], facts["devices"]["0"]["context"]), ("0", None, "0"))
                    self.assertNotIn("driver-call-fails", self.causes)
                    continue
                if function == "cuInit":
                    self.assertEqual(facts["nvml_init"], "0")
                self.assertEqual((facts["ended"], facts["ended_in"]), ("hang", function))
                self.assertEqual(self.answer["verdict"], "unknown")
                self.says("driver-call-fails", state="open", text="did not come back in time")

    def test_little_memory(self):
        self.ask(FAKE_GPU_FREE_MB=100)
        self.says("gpu-memory-held-by-other-process")
        self.ask(FAKE_GPU_FREE_MB=7000)
        self.assertNotIn("gpu-memory-held-by-other-process", self.causes)

    def test_no_device(self):
        facts = self.ask(FAKE_GPU_COUNT=0)
        self.assertEqual((facts["init"], facts["init_unhidden"]), ("100", None))
        self.assertEqual(self.answer["verdict"], "gpu-blocked")
        self.says("driver-call-fails", text="CUDA_ERROR_NO_DEVICE (100)")

    def test_what_is_no_library(self):
        real = pathlib.Path(fakes, "libcuda.so.1").read_bytes()
        other = bytearray(real)
        other[18:20] = (243).to_bytes(2, "little")  # e_machine: RISC-V
        for name, content in (("text", b"this is no library\n"), ("empty", b""), ("cut", real[:4096]),
                              ("architecture", bytes(other)), ("noise", os.urandom(8192))):
            with self.subTest(name=name):
                folder = work / name
                folder.mkdir(exist_ok=True)
                (folder / "libcuda.so.1").write_bytes(content)
                facts = self.ask(library=folder)
                if name == "architecture":  # the dynamic loader passes over it, and finds no other
                    self.assertEqual(facts["asked"], machine_has_driver())
                    continue
                self.assertIn(self.answer["verdict"], ("gpu-blocked", "unknown"))
                self.assertIn(True, [cause in self.causes for cause in
                                     ("driver-library-missing", "driver-call-fails")], list(self.causes))

    def test_a_library_without_its_functions(self):
        folder = work / "bare"
        folder.mkdir(exist_ok=True)
        shutil.copy(pathlib.Path(fakes, "libnvidia-ml.so.1"), folder / "libcuda.so.1")
        self.assertIn("cuInit", self.ask(library=folder)["open_failure"])
        self.says("driver-call-fails")

    def test_the_child_is_not_for_people(self):
        done = subprocess.run([binary, "driver-child", "cuda", "/none"], capture_output=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"started by tfdoctor itself", done.stderr)


if __name__ == "__main__":
    binary, fakes, layer = (os.path.abspath(argument) for argument in sys.argv[1:4])
    del sys.argv[1:4]
    unittest.main(verbosity=1)
