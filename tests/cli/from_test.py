#!/usr/bin/env python3
"""Machines that are not this shell's: recordings, other roots, running processes.

usage: from_test.py TFDOCTOR LAY_ENVIRONMENT MACHINES_TEST FAKES [unittest options]"""
import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

import json_schema

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = LAY_ENVIRONMENT = MACHINES_TEST = FAKES = ""
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "USER": "adalovelace", "HOME": "/home/adalovelace",
               "PIP_INDEX_URL": "https://svc:pw4index@pypi.acme.example/simple", "WANDB_API_KEY": "wandb-secret-1"}
LIMIT = 120


def run(*arguments, env=None, cwd="/", **more):
    return subprocess.run([BINARY, *map(str, arguments)], env=ENVIRONMENT if env is None else env, cwd=cwd,
                          stdin=subprocess.DEVNULL, stdout=more.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE,
                          timeout=LIMIT, **more)


def without_run(answer):
    return {key: value for key, value in answer.items() if key != "run"}


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder_object = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.folder_object.name)
        cls.environment = cls.make_environment(cls.folder / "home/adalovelace/venv")

    @classmethod
    def tearDownClass(cls):
        cls.folder_object.cleanup()

    @staticmethod
    def make_environment(prefix, version="2.20.0", python="/usr/bin/python3"):
        real = os.path.realpath(python)
        site = prefix / "lib" / pathlib.Path(real).name / "site-packages"
        (prefix / "bin").mkdir(parents=True)
        (prefix / "bin/python").symlink_to(real)
        (prefix / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
        subprocess.run([LAY_ENVIRONMENT, site, version], check=True, timeout=LIMIT)
        return prefix

    def text(self, *arguments, status=None, **more):
        done = run(*arguments, **more)
        self.assertEqual(done.stderr.decode(), "", arguments)
        if status is not None:
            self.assertEqual(done.returncode, status, (arguments, done.stdout))
        return done.stdout.decode()

    def answer(self, *arguments, **more):
        done = run("--format", "json", *arguments, **more)
        self.assertEqual(done.stderr.decode(), "", arguments)
        answer = json_schema.parsed(done.stdout)
        return answer

    def refused(self, *arguments, says, **more):
        done = run(*arguments, **more)
        self.assertIn(done.returncode, (2, 3), (arguments, done))
        self.assertEqual(done.stdout, b"", arguments)
        self.assertIn(says, done.stderr.decode())
        self.assertTrue(done.stderr.startswith(b"tfdoctor: "), done.stderr)


def make_root(root, environment):
    """A root with the Python of this machine, the libraries that it needs, and the environment in /opt/venv."""
    python = os.path.realpath("/usr/bin/python3")
    shell = os.path.realpath("/bin/sh")
    libraries = set()
    for program in (python, shell):
        listed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, check=True, timeout=LIMIT).stdout.decode()
        libraries.update(word for line in listed.splitlines() for word in line.split() if word.startswith("/"))
    libc = next(pathlib.Path(path) for path in libraries if path.endswith("/libc.so.6"))
    for name in ("libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "libstdc++.so.6", "libgcc_s.so.1"):
        found = [folder / name for folder in (libc.parent, pathlib.Path("/usr") / str(libc.parent)[1:]) if (folder / name).exists()]
        libraries.update(map(str, found[:1]))  # what TensorFlow needs
    for folder in ("bin", "lib", "lib64"):
        (root / "usr" / folder).mkdir(parents=True)
        if os.path.islink("/" + folder):
            (root / folder).symlink_to("usr/" + folder)
        else:
            (root / folder).mkdir()
    for path in [python, shell, *libraries, *(["/etc/os-release"] if os.path.exists("/etc/os-release") else [])]:
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, root / path[1:])
    for name in ("python3", "sh"):
        link = root / "usr/bin" / name
        if not link.exists():
            link.symlink_to({"python3": python, "sh": shell}[name])
    standard = f"usr/lib/{pathlib.Path(python).name}"
    (root / standard / "lib-dynload").mkdir(parents=True)
    for path in pathlib.Path("/", standard).glob("*.py"):
        shutil.copy2(path, root / standard / path.name)
    (root / "opt").mkdir()
    subprocess.run(["cp", "-a", "--sparse=always", environment, root / "opt/venv"], check=True, timeout=LIMIT)
    for folder in ("proc", "sys", "dev", "etc"):
        (root / folder).mkdir(exist_ok=True)


class Roots(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = cls.folder / "root"
        make_root(cls.root, cls.environment)

    def links(self, answer):
        return {link["link"]: link["state"] for link in answer["chain"]}

    def test_an_image_says_nothing_of_the_machine(self):
        answer = self.answer("--root", self.root, "--python", "/opt/venv")
        self.assertEqual(answer["verdict"], "unknown")
        self.assertEqual(answer["causes"], [])
        links = self.links(answer)
        for link in ("hardware", "kernel-driver", "device-access", "driver-library"):
            self.assertEqual(links[link], "unknown", link)
        for link in ("python", "tensorflow", "cuda-libraries"):
            self.assertEqual(links[link], "ok", link)
        self.assertTrue(any("no kernel runs in this root" in u["why"] for u in answer["unchecked"]))
        self.assertIn(f"Judged is the root {self.root}", self.text("--root", self.root, "--width", "200"))

    def test_assumed_nodes(self):
        answer = self.answer("--root", self.root, "--python", "/opt/venv", "--assume", "gpu=RTX 4090")
        self.assertEqual(answer["verdict"], "gpu-usable", answer)
        hidden = self.answer("--root", self.root, "--python", "/opt/venv", "--assume", "gpu=RTX 4090", "--env",
                             "CUDA_VISIBLE_DEVICES=-1")
        self.assertEqual(hidden["causes"][0]["id"], "cuda-visible-devices")

    def test_nothing_leaks_in(self):
        for env in (ENVIRONMENT, {**ENVIRONMENT, "CUDA_VISIBLE_DEVICES": "-1", "LD_LIBRARY_PATH": "/nowhere", "PATH": "/none",
                                  "PYTHONPATH": "/x", "VIRTUAL_ENV": "/y"}):
            with self.subTest(env):
                answer = self.answer("--facts", "--root", self.root, "--python", "/opt/venv", "--assume", "gpu=RTX 4090", env=env)
                self.assertEqual(answer["verdict"], "gpu-usable")
                self.assertEqual(answer["facts"]["environment"]["variables"]["value"]["LD_LIBRARY_PATH"]["state"], "absent")
                self.assertEqual(answer["facts"]["host"]["kernel"]["state"], "unknown")

    def test_variables(self):
        stated = self.folder / "vars"
        stated.write_text("# comment\n\nCUDA_VISIBLE_DEVICES=0,1\nPATH=/opt/venv/bin\nXLA_FLAGS=--a=b c\n")
        answer = self.answer("--facts", "--root", self.root, "--env-file", stated, "--env", "CUDA_VISIBLE_DEVICES=1")
        variables = answer["facts"]["environment"]["variables"]["value"]
        self.assertEqual(variables["CUDA_VISIBLE_DEVICES"]["value"], "1")
        self.assertEqual(variables["XLA_FLAGS"]["value"], "--a=b c")
        self.assertEqual(answer["facts"]["python"]["interpreter"]["value"], "/opt/venv/bin/python")
        stated.write_text("nothing here\n")
        self.refused("--root", self.root, "--env-file", stated, says="KEY=VALUE")
        self.refused("--root", self.root, "--env", "novalue", says="KEY=VALUE")
        self.refused("--root", self.root, "--env-file", "/no/such/file", says="--env-file")
        self.refused("--env", "A=b", says="--root")

    def test_paths_are_inside(self):
        outside = self.folder / "outside.py"
        outside.write_text("x = 1\n")
        self.refused("--root", self.root, "--script", outside, says="no such file")
        (self.root / "opt/train.py").write_text("import os\nos.environ['CUDA_VISIBLE_DEVICES'] = '-1'\nimport tensorflow\n")
        answer = self.answer("--root", self.root, "--python", "/opt/venv", "--script", "/opt/train.py", "--assume", "gpu=H100")
        self.assertIn("program-hides-gpu", [cause["id"] for cause in answer["causes"]])

    def test_no_driver_is_called(self):
        answer = self.answer("--facts", "--root", "/", "--python", "/usr/bin/python3")
        self.assertFalse(answer["facts"]["driver_answers"]["asked"]["value"])

    def test_bad_roots(self):
        for root, says in (("/etc/passwd", "this is a file; an image is judged with --image"), ("/no/such/root", "No such file"), ("", "value")):
            self.refused("--root", root, says=says)
        self.refused("--root", "/", "--from", "/x", says="different machines")

    def test_a_root_for_another_processor(self):
        def change(folder):
            for path in filter(lambda path: path.is_file() and not path.is_symlink(), folder.rglob("*")):
                with open(path, "r+b") as file:
                    if file.read(20)[:4] == b"\x7fELF":
                        file.seek(18)
                        file.write((183).to_bytes(2, "little"))  # EM_AARCH64
        if os.uname().machine != "x86_64":
            self.skipTest("made of x86_64")
        root = self.folder / "arm"
        make_root(root, self.environment)
        change(root / "usr")
        if not (root / "lib64").is_symlink():
            change(root / "lib64")
        question = ["--root", root, "--python", "/opt/venv", "--assume", "gpu=GH200"]
        # An environment that was copied from an x86_64 machine.
        answer = self.answer("--facts", *question)
        self.assertEqual((answer["verdict"], [(c["id"], c["state"], c.get("reason")) for c in answer["causes"][:1]]),
                         ("gpu-blocked", [("tensorflow-import-fails", "holds", "architecture")]))
        self.assertEqual(answer["facts"]["host"]["machine"]["value"], "aarch64")
        text = self.text(*question)
        self.assertIn("this Python is for aarch64, but TensorFlow needs a Python for x86_64", text)
        self.assertNotIn("uname", text)
        # One of its own.
        change(root / "opt")
        own = self.answer("--facts", *question)
        self.assertEqual((own["verdict"], own["causes"]), ("gpu-usable", []))
        self.assertEqual(own["facts"]["tensorflow"]["import_faults"]["value"], {})

    def test_a_root_can_be_recorded(self):
        path = self.folder / "root.tfdoctor"
        self.text("record", "-o", path, "--no-redact", "--root", self.root, "--python", "/opt/venv", status=0)
        self.assertEqual(without_run(self.answer("--facts", "--from", path)),
                         without_run(self.answer("--facts", "--root", self.root, "--python", "/opt/venv")))


class Processes(Case):
    """Python processes that run, started otherwise than this test."""

    def start(self, code, *flags, python=None, env=None, before=(), **more):
        """A Python that has run `code` and waits."""
        code += "\nprint('ready', os.getpid(), flush=True)\ntime.sleep(600)\n"
        process = subprocess.Popen([*before, python or self.environment / "bin/python", *flags, "-c", "import ctypes, os, sys, time\n" + code],
                                   env={"PATH": "/usr/bin:/bin", **(env or {})}, stdout=subprocess.PIPE, **more)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        line = process.stdout.readline().split()
        self.assertEqual(line[0], b"ready")
        return int(line[1])

    def facts(self, *arguments, **more):
        return self.answer("--facts", *arguments, **more)["facts"]

    def site(self):
        return next((self.environment / "lib").glob("python3*")) / "site-packages"

    def test_its_environment_counts_and_not_ours(self):
        pid = self.start("", env={"CUDA_VISIBLE_DEVICES": "-1"}, cwd=self.folder)
        facts = self.facts("--pid", pid, env={**ENVIRONMENT, "CUDA_VISIBLE_DEVICES": "0", "XLA_FLAGS": "--ours"})
        variables = facts["environment"]["variables"]["value"]
        self.assertEqual(variables["CUDA_VISIBLE_DEVICES"]["value"], "-1")
        self.assertEqual(variables["XLA_FLAGS"]["state"], "absent")
        self.assertEqual(facts["python"]["interpreter"]["value"], str(self.environment / "bin/python"))
        self.assertEqual(facts["process"]["pid"]["value"], str(pid))
        self.assertIn("bin/python", facts["process"]["command"]["value"])
        self.assertIn(f"Judged is the running process {pid} (", self.text("--pid", pid, "--width", "300"))

    def test_its_script_flags_and_folder(self):
        script = self.folder / "program.py"
        script.write_text("import os, time\nos.environ['CUDA_VISIBLE_DEVICES'] = ''\nprint('ready', flush=True)\ntime.sleep(600)\nimport tensorflow\n")
        process = subprocess.Popen([self.environment / "bin/python", "-I", "-W", "ignore", "program.py"], cwd=self.folder,
                                   env={"PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdout.readline()
        facts = self.facts("--pid", process.pid)
        self.assertEqual(facts["program"]["file"]["value"], str(script))
        self.assertTrue(facts["program"]["lines"]["value"])
        self.assertNotIn(str(self.folder), facts["python"]["sys_path"]["value"])  # -I

    def test_a_name_from_path_and_another_layout(self):
        conda = self.folder / "conda"
        (conda / "bin").mkdir(parents=True)
        (conda / "conda-meta").mkdir()
        python = os.path.realpath("/usr/bin/python3")
        shutil.copy2(python, conda / "bin/python")
        pid = self.start("", python="python", env={"PATH": f"{conda}/bin:/usr/bin:/bin", "PYTHONHOME": "/usr"},
                         executable=conda / "bin/python")
        self.assertEqual(self.facts("--pid", pid)["python"]["interpreter"]["value"], str(conda / "bin/python"))

    # As setproctitle does: a title is written over the arguments, and the environment behind them is cleared.
    SET_TITLE = """
fields = open('/proc/self/stat').read().rsplit(')', 1)[1].split()
start, end = int(fields[45]), int(fields[48])
ctypes.memset(start, 0, end - start)
ctypes.memmove(start, b'ray::IDLE', 9)
"""
    MAP = "import mmap; kept = mmap.mmap(os.open({!r}, os.O_RDONLY), 0, prot=mmap.PROT_READ)\n"

    def test_a_title_hides_variables_and_not_the_environment(self):
        framework = next(self.site().glob("tensorflow/libtensorflow_framework.so.2"))
        pid = self.start(f"ctypes.CDLL({str(framework)!r})" + self.SET_TITLE, env={"CUDA_VISIBLE_DEVICES": "-1", "LD_LIBRARY_PATH": FAKES})
        answer = self.answer("--facts", "--pid", pid)
        facts = answer["facts"]
        self.assertEqual(facts["process"]["command"]["value"], "ray::IDLE")
        variables = facts["environment"]["variables"]["value"]
        self.assertEqual({variable["state"] for variable in variables.values()}, {"unknown"})
        self.assertEqual({link["link"]: link["state"] for link in answer["chain"]}["visibility"], "unknown")
        self.assertEqual(facts["python"]["interpreter"]["value"], str(self.environment / "bin/python"))
        self.assertEqual(facts["tensorflow"]["version"]["value"], "2.20.0")
        self.assertFalse(facts["driver_answers"]["asked"]["value"])
        # What it has not mapped may come from where its LD_LIBRARY_PATH leads.
        self.assertEqual({library["path"]["state"] for library in facts["cuda_libraries"]["opened"]["value"].values()}, {"unknown"})
        self.assertEqual(self.answer("--pid", pid, "--assume", "gpu=H100")["verdict"], "unknown")
        path = self.folder / "title.tfdoctor"
        self.text("record", "-o", path, "--no-redact", "--pid", pid, status=0)
        self.assertEqual(without_run(self.answer("--facts", "--from", path)), without_run(answer))
        # It starts without any variable: that is no title.
        pid = self.start("", before=["env", "-i"])
        variables = self.facts("--pid", pid)["environment"]["variables"]["value"]
        self.assertEqual({variable["state"] for variable in variables.values()}, {"absent"})

    def test_a_title_may_hide_the_environment(self):
        pid = self.start(self.SET_TITLE)
        answer = self.answer("--facts", "--pid", pid)
        self.assertEqual((answer["verdict"], [c["id"] for c in answer["causes"] if c["link"] in ("python", "tensorflow")]), ("unknown", []))
        self.assertEqual(answer["facts"]["python"]["interpreter"]["state"], "unknown")
        self.assertIn("name it with --python", self.text("--pid", pid, "--width", "300"))
        named = self.facts("--pid", pid, "--python", self.environment)
        self.assertEqual(named["tensorflow"]["version"]["value"], "2.20.0")
        # Modules of two environments: either may be its own.
        other = self.make_environment(self.folder / "second")
        files = [next(prefix.glob("lib/python3*/site-packages/tensorflow/libtensorflow_framework.so.2")) for prefix in (self.environment, other)]
        pid = self.start("".join(f"ctypes.CDLL({str(file)!r})\n" for file in files) + self.SET_TITLE)
        self.assertEqual(self.facts("--pid", pid)["python"]["interpreter"]["state"], "unknown")

    def test_a_title_where_there_is_no_environment(self):
        # Of a Python that is used as it is, the modules lie below its own prefix.
        prefix = self.folder / "standalone"
        (prefix / "bin").mkdir(parents=True)
        shutil.copy2(os.path.realpath("/usr/bin/python3"), prefix / "bin/python3")
        packages = prefix / "lib/python3/dist-packages/numpy"
        packages.mkdir(parents=True)
        (packages / "core.so").write_bytes(b"x")
        for code, state in (("", "unknown"), (self.MAP.format(str(packages / "core.so")), "value")):
            pid = self.start(code + self.SET_TITLE, python=prefix / "bin/python3", env={"PYTHONHOME": "/usr"})
            interpreter = self.facts("--pid", pid)["python"]["interpreter"]
            self.assertEqual(interpreter["state"], state)
        self.assertEqual(interpreter["value"], str(prefix / "bin/python3"))

    def test_a_tensorflow_of_elsewhere_that_it_has_mapped(self):
        framework = next(self.site().glob("tensorflow/libtensorflow_framework.so.2"))
        pid = self.start(f"ctypes.CDLL({str(framework)!r})", python=os.path.realpath("/usr/bin/python3"))
        answer = self.answer("--facts", "--pid", pid)
        self.assertEqual(answer["facts"]["tensorflow"]["folder"]["value"], str(self.site() / "tensorflow"))
        self.assertEqual(answer["facts"]["tensorflow"]["version"]["value"], "2.20.0")
        self.assertEqual(answer["facts"]["process"]["differences"]["value"][0].split("; ")[0], f"TensorFlow: it has mapped that of {self.site()}")
        self.assertNotIn("tensorflow", [cause["link"] for cause in answer["causes"]])

    def test_another_tensorflow_than_a_new_one_would_import(self):
        other = self.make_environment(self.folder / "of-another-version", "2.15.1")
        framework = next(other.glob("lib/python3*/site-packages/tensorflow/libtensorflow_framework.so.2"))
        pid = self.start(f"sys.path.insert(0, {str(framework.parent.parent)!r}); ctypes.CDLL({str(framework)!r})")
        facts = self.facts("--pid", pid)
        self.assertEqual(facts["python"]["interpreter"]["value"], str(self.environment / "bin/python"))
        self.assertEqual((facts["tensorflow"]["version"]["value"], facts["tensorflow"]["folder"]["value"]), ("2.15.1", str(framework.parent)))
        self.assertEqual(facts["python"]["sys_path"]["witness"], "process")
        self.assertEqual(facts["process"]["differences"]["value"],
                         [f"TensorFlow: it has mapped that of {framework.parent.parent}; a new process would import {self.site()}/tensorflow"])
        self.assertIn("This process is not what would start now", self.text("--pid", pid, "--width", "300"))
        path = self.folder / "another.tfdoctor"
        self.text("record", "-o", path, "--no-redact", "--no-driver-calls", "--pid", pid, status=0)
        self.assertEqual(self.answer("--facts", "--from", path)["facts"], self.facts("--no-driver-calls", "--pid", pid))
        # The one that a new process would import is no difference.
        framework = next(self.site().glob("tensorflow/libtensorflow_framework.so.2"))
        self.assertEqual(self.facts("--pid", self.start(f"ctypes.CDLL({str(framework)!r})"))["process"]["differences"]["value"], [])

    def test_what_it_has_mapped_outweighs_what_is_predicted(self):
        other = self.folder / "other"
        other.mkdir()
        runtime = next(self.site().glob("nvidia/cuda_runtime/lib/libcudart.so.12"))
        subprocess.run(["cp", "--sparse=always", runtime, other], check=True)
        same = next(self.site().glob("nvidia/cublas/lib/libcublasLt.so.12"))
        pid = self.start(f"ctypes.CDLL({str(other / runtime.name)!r}); ctypes.CDLL({str(same)!r})")
        facts = self.facts("--pid", pid)
        opened = facts["cuda_libraries"]["opened"]["value"]
        self.assertEqual(opened["libcudart.so.12"]["path"]["value"], str(other / runtime.name))
        self.assertEqual(opened["libcudart.so.12"]["path"]["witness"], "process")
        self.assertEqual(opened["libcudart.so.12"]["path"]["from"], f"mapped by process {pid}")
        differences = facts["process"]["differences"]["value"]
        self.assertEqual(len(differences), 1, differences)
        self.assertIn(f"libcudart.so.12: it has mapped {other / runtime.name}; a new process would take ", differences[0])
        self.assertIn("This process is not what would start now", self.text("--pid", pid, "--width", "300"))
        (other / runtime.name).unlink()
        self.assertIn("removed or replaced", self.facts("--pid", pid)["process"]["differences"]["value"][0])

    def test_what_it_sets_after_its_start_is_not_what_its_loader_read(self):
        pid = self.start("os.environ['LD_LIBRARY_PATH'] = '/late'", env={"LD_LIBRARY_PATH": "/early"})
        self.assertEqual(self.facts("--pid", pid)["environment"]["variables"]["value"]["LD_LIBRARY_PATH"]["value"], "/early")

    def test_the_driver_is_called_in_its_environment(self):
        pid = self.start("", env={"LD_LIBRARY_PATH": FAKES})
        answers = self.facts("--pid", pid)["driver_answers"]
        self.assertTrue(answers["asked"]["value"])
        self.assertEqual(answers["library"]["value"], f"{FAKES}/libcuda.so.1")
        self.assertEqual(answers["init"]["value"], "0")

    def test_another_mount_namespace(self):
        ours = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        place = self.folder / "place"
        place.mkdir()
        script = f"mount --bind '{self.environment}' '{place}' && exec \"$@\""
        pid = self.start("", python=place / "bin/python", env={"LD_LIBRARY_PATH": FAKES}, before=[*ours, "sh", "-c", script, "sh"])
        self.assertFalse((place / "bin").exists(), "it is seen from outside")
        facts = self.facts("--pid", pid)
        self.assertEqual(facts["python"]["interpreter"]["value"], str(place / "bin/python"))
        self.assertEqual(facts["tensorflow"]["version"]["value"], "2.20.0")
        self.assertFalse(facts["driver_answers"]["asked"]["value"])

    def test_another_user(self):
        if os.geteuid() != 0:
            self.refused("--pid", 1, says="not ours")
            return
        # Where that user comes to, whatever folder this is built in.
        shared = self.folder / "tfdoctor"
        shutil.copy(BINARY, shared)
        self.folder.chmod(0o755)
        done = subprocess.run([shared, "--pid", str(self.start(""))], env=ENVIRONMENT, user=65534, group=65534, extra_groups=[],
                              capture_output=True, timeout=LIMIT)
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b"not ours", done.stderr)
        other = self.start("", python=os.path.realpath("/usr/bin/python3"), env={"LD_LIBRARY_PATH": FAKES}, user=65534, cwd="/")
        facts = self.facts("--pid", other)
        self.assertFalse(facts["driver_answers"]["asked"]["value"])

    def test_processes_that_are_none(self):
        for pid, says in (("0", "not the number"), ("-1", ""), ("x", "not the number"), ("99999999999", "not the number"),
                          ("999999999", "there is no process")):
            self.refused("--pid", pid, says=says)
        ended = subprocess.Popen(["true"])
        deadline = time.monotonic() + 20
        while pathlib.Path(f"/proc/{ended.pid}/stat").read_text().split(")")[1].split()[0] != "Z" and time.monotonic() < deadline:
            time.sleep(0.01)
        self.refused("--pid", ended.pid, says="has ended")
        ended.wait()
        self.refused("--pid", ended.pid, says="there is no process")
        sleeping = subprocess.Popen(["sleep", "600"])
        self.addCleanup(sleeping.wait)
        self.addCleanup(sleeping.kill)
        self.refused("--pid", sleeping.pid, says="no Python, but ")
        self.refused("--pid", sleeping.pid, "--root", "/", says="different machines")

    def test_one_that_ends_meanwhile(self):
        ends = set()
        for wait in range(40):
            process = subprocess.Popen([os.path.realpath("/usr/bin/python3"), "-S", "-c", ""], env={})
            time.sleep(wait / 2000)
            done = run("--pid", process.pid, "--format", "json")
            ends.add(done.returncode)
            if done.returncode == 2:
                self.assertEqual(done.stdout, b"")
                self.assertIn(b"--pid: ", done.stderr)
            else:
                json_schema.parsed(done.stdout)
            process.wait()
        self.assertIn(2, ends)

    def test_an_empty_number_is_none(self):
        for words in (["--pid", ""], ["--pid="], ["check", "--pid", "", "--format", "json"]):
            done = run(*words)
            self.assertEqual((done.returncode, done.stdout), (2, b""), words)
            self.assertIn(b"--pid needs the number of a process", done.stderr)

    def test_listing(self):
        library = next(self.site().glob("tensorflow/libtensorflow_framework.so.2"))
        pid = self.start(f"ctypes.CDLL({str(library)!r})")
        other = self.start("")
        done = run("--pid", "--format", "json")
        answer = json_schema.parsed(done.stdout, "processes-1")
        listed = {process["pid"]: process for process in answer["processes"]}
        self.assertEqual(listed[pid]["library"], str(library))
        self.assertNotIn(other, listed)
        self.assertIn(str(pid), self.text("check", "--pid", status=0))

    def test_it_can_be_recorded(self):
        pid = self.start("", env={"CUDA_VISIBLE_DEVICES": "-1"})
        path = self.folder / "process.tfdoctor"
        # Without the driver: the memory that is free changes from one call to the next.
        self.text("record", "-o", path, "--no-redact", "--no-driver-calls", "--pid", pid, status=0)
        self.assertEqual(without_run(self.answer("--facts", "--from", path)),
                         without_run(self.answer("--facts", "--no-driver-calls", "--pid", pid)))


    def test_a_redacted_one_tells_nobody(self):
        secrets = ("hunter2hunter", "anothervalue123", "plainlookingvalue1", "pw4index", "10.42.17.3", "acme.example", "ada.lovelace", "adalovelace")
        folder = self.folder / "ada.lovelace@mail.acme.example"
        folder.mkdir()
        library = next(self.site().glob("nvidia/cuda_runtime/lib/libcudart.so.12"))
        subprocess.run(["cp", "--sparse=always", library, folder], check=True, timeout=LIMIT)
        code = f"import ctypes, time; ctypes.CDLL({str(folder / library.name)!r}); print('ready', flush=True); time.sleep(600)"
        process = subprocess.Popen([self.environment / "bin/python", "-c", code, "--wandb_key=anothervalue123", "--api-token", "plainlookingvalue1",
                                    "--password", "hunter2hunter", "--master", "10.42.17.3:2222", "--index", "https://svc:pw4index@pypi.acme.example/simple"],
                                   env={"PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdout.readline()
        path = self.folder / "process.tfdoctor"
        self.text("record", "-o", path, "--no-driver-calls", "--pid", process.pid, status=0)
        plain = subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout.decode(errors="replace")
        self.assertIn("question command", plain)
        self.assertEqual([secret for secret in secrets if secret in plain], [])
        replayed, live = self.answer("--from", path), self.answer("--no-driver-calls", "--pid", process.pid)
        self.assertEqual([cause["id"] for cause in replayed["causes"]], [cause["id"] for cause in live["causes"]])


class Differences(Case):
    def compare(self, *arguments, status):
        done = run("diff", *arguments, "--format", "json")
        self.assertEqual((done.stderr, done.returncode), (b"", status), done.stdout)
        answer = json_schema.parsed(done.stdout, "diff-1")
        links = [difference["link"] for difference in answer["differences"]]
        order = json_schema.schema("diff-1")["properties"]["differences"]["items"]["properties"]["link"]["enum"]
        self.assertEqual(links, sorted(links, key=order.index))
        return answer

    def test_environments(self):
        other = self.make_environment(self.folder / "other-place", "2.15.1")
        self.assertEqual(self.compare(self.environment, self.environment, status=0)["differences"], [])
        answer = self.compare(self.environment, other, "--assume", "gpu=RTX 4090", status=1)
        found = {difference["fact"]: (difference["a"].get("value"), difference["b"].get("value")) for difference in answer["differences"]}
        self.assertEqual(found["tensorflow.version"], ("2.20.0", "2.15.1"))
        self.assertEqual(answer["a"]["verdict"], "gpu-usable")
        self.assertNotIn(str(self.environment), json.dumps(answer["differences"]), "the folder of the environment is no difference")
        text = self.text("diff", self.environment, other, status=1)
        self.assertIn("version of TensorFlow", text)
        self.assertIn("A  2.20.0", text)

    def test_the_same_environment_elsewhere(self):
        other = self.make_environment(self.folder / "copy")
        answer = self.compare(self.environment, other, status=0)
        self.assertEqual(answer["differences"], [])
        self.assertIn("Nothing that is known of both", self.text("diff", self.environment, other, status=0))

    def test_a_library_that_is_missing(self):
        other = self.make_environment(self.folder / "broken")
        for library in other.glob("lib/python3*/site-packages/nvidia/cufft/lib/*"):
            library.unlink()
        answer = self.compare(self.environment, other, "--assume", "gpu=RTX 4090", status=1)
        facts = [d["fact"] for d in answer["differences"] if ".libcufft" in d["fact"]]
        self.assertEqual(facts, ["cuda_libraries.opened.libcufft.so.11.path"])
        self.assertEqual((answer["a"]["verdict"], answer["b"]["verdict"]), ("gpu-usable", "gpu-blocked"))

    def test_recordings(self):
        before, after = self.folder / "before", self.folder / "after"
        self.text("record", "-o", before, "--no-driver-calls", "--python", self.environment, status=0)
        self.text("record", "-o", after, "--no-driver-calls", "--python", self.environment, status=0, env={**ENVIRONMENT, "CUDA_VISIBLE_DEVICES": "-1"})
        answer = self.compare(before, after, status=1)
        self.assertEqual([(d["link"], d["fact"], d["b"]["value"]) for d in answer["differences"]],
                         [("visibility", "environment.variables.CUDA_VISIBLE_DEVICES", "-1")])
        self.assertEqual(self.compare(before, before, status=0)["differences"], [])
        self.compare(before, self.environment, status=0)

    def test_what_one_side_does_not_know_is_no_difference(self):
        bare = self.folder / "bare"
        self.text("record", "-o", bare, status=0, env={"PATH": "/nowhere"})
        answer = self.compare(bare, self.environment, status=1)
        inside = [d for d in answer["differences"] if d["fact"].startswith("python.distributions.")]
        self.assertTrue(inside)
        for difference in inside:
            self.assertEqual(difference["a"]["state"], "unknown", difference)

    def test_bad_arguments(self):
        self.refused("diff", says="")
        self.refused("diff", "/a", "/b", "/c", says="")
        self.refused("diff", "/no/such/thing", says="diff /no/such/thing: no such file")
        self.refused("diff", "", self.environment, says="compares two things")
        self.refused("diff", "999999999", says="there is no process")
        self.refused("diff", "/dev/null", says="neither a file nor a folder")
        for option in (["--python", self.environment], ["--env", "A=b"]):
            self.refused("diff", self.environment, *option, says="a root or an image")
        self.refused("diff", self.environment, "--script", "x", says="--script")
        for option in ("--root", "--image", "--from", "--pid"):
            self.refused("diff", self.environment, option, "3", says=f"diff takes what {option} takes without that option")
        # What is nothing of all that is not taken for something that lacks everything.
        empty, file, archive = (self.folder / name for name in ("empty", "file", "archive.tar"))
        empty.mkdir()
        file.write_bytes(b"manifest.json" + bytes(600))
        with tarfile.open(archive, "w") as tar:
            tar.add(empty)
        for named, why in ((empty, "no bin/python"), (file, "no program"), (archive, "neither an OCI layout")):
            self.refused("diff", named, self.environment, says=why)
            self.refused("diff", self.environment, named, says=why)

    def test_roots(self):
        roots = [self.folder / "old", self.folder / "new"]
        for root in roots:
            make_root(root, self.environment)
        question = ["--python", "/opt/venv", "--assume", "gpu=RTX 4090"]
        self.assertEqual(self.compare(*roots, *question, status=0)["differences"], [])
        next(roots[1].glob("opt/venv/lib/python3*/site-packages/nvidia/cufft/lib/libcufft*")).unlink()
        answer = self.compare(*roots, *question, status=1)
        self.assertEqual((answer["a"]["name"], answer["a"]["verdict"], answer["b"]["verdict"]), (f"the root {roots[0]}", "gpu-usable", "gpu-blocked"))
        self.assertEqual([d["fact"] for d in answer["differences"] if "libcufft" in d["fact"]], ["cuda_libraries.opened.libcufft.so.11.path"])
        hidden = self.compare(self.environment, roots[0], *question, "--env", "CUDA_VISIBLE_DEVICES=-1", status=1)
        self.assertEqual([d["b"]["value"] for d in hidden["differences"] if d["fact"].endswith(".CUDA_VISIBLE_DEVICES")], ["-1"])
        self.assertEqual(hidden["a"]["name"], f"the environment {self.environment}")
        recorded = self.folder / "old.tfdoctor"
        self.text("record", "-o", recorded, "--root", roots[0], "--python", "/opt/venv", status=0)
        self.assertEqual(self.compare(recorded, roots[0], "--python", "/opt/venv", status=0)["differences"], [])
        self.refused("diff", *roots, "--python", "/opt/other", says=f"/opt/other: no such file or folder in the root {roots[0]}")

    def test_a_process(self):
        process = subprocess.Popen([self.environment / "bin/python", "-c", "print('ready', flush=True); import time; time.sleep(600)"],
                                   env={"PATH": "/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": "-1"}, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdout.readline()
        answer = self.compare(process.pid, self.environment, "--no-driver-calls", status=1)
        self.assertIn(f"the running process {process.pid} (", answer["a"]["name"])
        self.assertEqual([d["fact"] for d in answer["differences"]], ["environment.variables.CUDA_VISIBLE_DEVICES"])

    def test_what_was_replaced_in_a_recording_is_no_difference(self):
        env = {**ENVIRONMENT, "LD_LIBRARY_PATH": "/home/adalovelace/cuda/lib:/scratch/gracehopper/lib", "CUDA_VISIBLE_DEVICES": "GPU-8f6dd2a1-1111-2222-3333-0123456789ab"}
        path = self.folder / "mine.tfdoctor"
        self.text("record", "-o", path, "--no-driver-calls", "--python", self.environment, status=0, env=env)
        for sides in ((path, self.environment), (self.environment, path)):
            done = run("diff", *sides, "--no-driver-calls", "--format", "json", env=env)
            self.assertEqual((done.returncode, json_schema.parsed(done.stdout, "diff-1")["differences"]), (0, []))
        # The home of another user is at the same place of the chain.
        env["LD_LIBRARY_PATH"] = "/home/adalovelace/cuda/lib"
        self.text("record", "-o", path, "--no-driver-calls", "--python", self.environment, status=0, env=env)
        other = {**env, "HOME": "/home/mary", "LD_LIBRARY_PATH": "/home/mary/cuda/lib"}
        done = run("diff", path, self.environment, "--no-driver-calls", "--format", "json", env=other)
        self.assertEqual((done.returncode, json_schema.parsed(done.stdout, "diff-1")["differences"]), (0, []))


class Recordings(Case):
    def record(self, *arguments, **more):
        path = self.folder / "machine.tfdoctor"
        said = self.text("record", "-o", path, *arguments, status=0, **more)
        return path, said

    def test_what_is_not_redacted_gives_the_same_bytes(self):
        script = self.folder / "train.py"
        script.write_text("import tensorflow as tf\nwith tf.device('/CPU:0'):\n    model.fit(x, y)\n")
        for question in ([], ["--python", self.environment], ["--python", self.environment, "--assume", "gpu=H100"],
                         ["--python", self.environment, "--script", script, "--no-driver-calls"]):
            with self.subTest(question):
                live = run("--format", "json", "--facts", "--simulated-facts", *question)
                path, said = self.record("--no-redact", *question)
                self.assertIn("Nothing in it was replaced", said)
                replayed = run("--from", path, "--format", "json", "--facts", "--simulated-facts", cwd="/tmp", env={})
                self.assertEqual(replayed.stderr, b"")
                cut = b'\n  "run": {'
                self.assertIn(cut, live.stdout)
                self.assertEqual(replayed.stdout.split(cut)[0], live.stdout.split(cut)[0])
                self.assertEqual(replayed.returncode, live.returncode)

    def test_a_redacted_one_tells_nobody(self):
        script = self.folder / "home/adalovelace/train.py"
        script.write_text("import tensorflow as tf\nwandb.login(key='0123456789abcdef0123456789abcdef01234567')\n"
                          "psycopg2.connect('host=db7.acme.example user=gracehopper password=hunter2secret')\n"
                          "requests.get(url, auth=('svcuser', 'pw-of-svc'))\n"
                          "db_password: str = 'annotated-pass9'\nsmtp.login('maryjackson', 'smtp-pass-77')\n")
        (script.parent / "ghp_16C7e42F292c6912E7710c838347Ae178B4a.txt").touch()
        (script.parent / "report-ada.lovelace@acme.example.py").touch()
        path, said = self.record("--python", self.environment, "--script", script)
        self.assertIn("user names: ", said)
        self.assertIn("tokens and passwords: ", said)
        plain = subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout
        for secret in (b"adalovelace", b"pw4index", b"acme", b"wandb-secret-1", b"0123456789abcdef0123456789abcdef", b"gracehopper", b"hunter2secret",
                       b"pw-of-svc", b"annotated-pass9", b"maryjackson", b"smtp-pass-77", b"ghp_16C7", b"lovelace"):
            self.assertNotIn(secret, plain)
        self.assert_alike(path, "--python", self.environment, "--script", script)

    def assert_alike(self, path, *question):
        """Replayed, a redacted recording gives the whole answer, but for its replacements."""
        python = subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout.split(b"question python ")[1].split(b"\n")[0]
        name = python.decode().split("/home/")[1].split("/")[0] if b"/home/" in python else ""
        live = json.dumps(without_run(self.answer(*question)), indent=1).replace("adalovelace", name)
        replayed = json.dumps(without_run(self.answer("--from", path)), indent=1)
        self.assertEqual(replayed.splitlines(), live.splitlines())

    def test_a_redacted_notebook(self):
        notebook = self.folder / "home/adalovelace/train.ipynb"
        code = ["%env DB_PASSWORD=hunter2secret\n", "!export API_TOKEN=plaintoken77 && python x.py\n", "import tensorflow as tf\n",
                "with tf.device('/CPU:0'):\n", "    model.fit(login(token=\"tok-22-bb\"))\n"]
        notebook.write_text(json.dumps({"cells": [
            {"cell_type": "code", "source": code, "outputs": [{"text": ["logged in as ada with password=outpass33\n"]}]},
            {"cell_type": "markdown", "source": ["Ask Mary Jackson."]}], "metadata": {}, "nbformat": 4}))
        path, _ = self.record("--python", self.environment, "--script", notebook)
        plain = subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout
        for secret in (b"hunter2secret", b"plaintoken77", b"tok-22-bb", b"outpass33", b"Mary"):
            self.assertNotIn(secret, plain)
        self.assert_alike(path, "--python", self.environment, "--script", notebook)

    def test_a_redacted_root(self):
        root = self.folder / "root"
        make_root(root, self.environment)
        container = hashlib.sha256(b"container").hexdigest()
        (root / "proc/self").mkdir()
        (root / "proc/self/cgroup").write_text(f"0::/kubepods.slice/kubepods-pod46414b45_1234_5678_9abc_def012345678.slice/cri-containerd-{container}.scope\n")
        (root / "proc/self/mountinfo").write_text(
            "22 1 0:20 / / rw,relatime - overlay overlay rw\n"
            "36 22 0:33 / /mnt/data rw,relatime - nfs4 nas01.acme.example:/export/vol7/annie rw,clientaddr=10.42.17.3\n"
            "37 22 0:34 / /mnt/share rw,relatime - cifs //fileserver9/gracehopper rw,username=gracehopper,domain=ACMECORP\n"
            "38 22 0:35 / /mnt/ceph rw,relatime - ceph 10.1.2.3:6789:/volumes/katherinej rw,name=svc-train\n")
        # Longer than the part that is read at once; the cause is a library that was removed.
        next(root.glob("opt/venv/lib/python3*/site-packages/nvidia/cudnn/lib/libcudnn.so.9")).unlink()
        day = time.strftime("%Y-%m-%d")
        (root / "var/log").mkdir(parents=True)
        (root / "var/log/dpkg.log").write_text(
            "".join(f"2025-03-01 10:00:00 status half-configured libfoo{i}:amd64 1.2.3-1\n" for i in range(4000))
            + f"{day} 00:00:00 upgrade libcudnn9-cuda-12:amd64 9.1.0.70-1 9.8.0.87-1\n{day} 00:00:01 status installed libcudnn9-cuda-12:amd64 9.8.0.87-1\n")
        question = ["--root", root, "--python", "/opt/venv"]
        path, _ = self.record(*question)
        plain = subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout
        for secret in (b"46414b45_1234", container.encode(), b"nas01", b"annie", b"10.42.17.3", b"fileserver9", b"gracehopper", b"ACMECORP", b"katherinej"):
            self.assertNotIn(secret, plain)
        self.assertIn("libcudnn9-cuda-12 from 9.1.0.70-1", self.answer("--from", path)["since"])
        self.assert_alike(path, *question)

    def test_size(self):
        big = self.make_environment(self.folder / "big")
        site = next((big / "lib").glob("python3*")) / "site-packages"
        words = [hashlib.sha256(str(i).encode()).hexdigest()[:7] for i in range(3000)]
        made = len(list(site.glob("*.dist-info")))
        for count, limit in ((100, 200_000), (500, 1_000_000)):
            for i in range(made, count):
                info = site / f"{words[i]}-{i}.1.dist-info"
                info.mkdir()
                text = " ".join(words[(i * j) % 3000] for j in range(1, 800))
                (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {words[i]}\nVersion: {i}.1\n"
                                               f"Requires-Dist: numpy>={i % 3}\n\n{text}\n")
                (info / "RECORD").write_text("".join(f"{words[i]}/{w}.py,sha256={w}{w}{w},{i}\n" for w in words[:200]))
            made = count
            self.assertEqual(len(list(site.glob("*.dist-info"))), count)
            for redact in ([], ["--no-redact"]):
                path, _ = self.record("--python", big, *redact)
                self.assertLess(path.stat().st_size, limit)

    def test_the_text_says_what_is_judged(self):
        path, _ = self.record("--python", self.environment)
        self.assertIn(f"Judged is the recording {path}", self.text("--from", path, "--width", "200"))

    def test_the_file_is_whole_or_not_there(self):
        path = self.folder / "kept.tfdoctor"
        path.write_text("old")
        self.assertEqual(run("record", "-o", path).returncode, 0)
        self.assertNotEqual(path.read_bytes(), b"old")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        done = run("record", "-o", "/proc/nowhere/x")
        self.assertEqual((done.returncode, done.stdout), (3, b""))
        self.refused("record", "-o", "/dev/null", says="not a file")
        self.refused("record", "-o", self.folder, says="not a file")
        self.assertEqual([p.name for p in self.folder.glob("*.tfdoctor.*")], [])

    def test_standard_output(self):
        done = run("record", "-o", "-", "--python", self.environment)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        path = self.folder / "piped"
        path.write_bytes(done.stdout)
        self.answer("--from", path)

    def test_what_it_does_not_hold_is_unknown(self):
        path, _ = self.record("--python", self.environment)
        answer = self.answer("--from", path, "--python", "/opt/other")
        unknown = {u["why"] for u in answer["unchecked"]}
        self.assertTrue(any("not recorded" in why for why in unknown), unknown)

    def test_bad_files(self):
        path, _ = self.record()
        bad = self.folder / "bad.tfdoctor"
        for content, says in ((b"", "no recording"), (b"hello", "no recording"), (path.read_bytes()[:-9], "cut short"),
                              (path.read_bytes() + b"x", "follows"), (path.read_bytes()[:50] + b"xxxx" + path.read_bytes()[54:], "")):
            bad.write_bytes(content)
            self.refused("--from", bad, says=says)
        self.refused("--from", "/no/such/file", says="No such file")
        self.refused("--from", "/", says="directory")
        self.refused("record", says="--output")
        self.refused("record", "-o", bad, "--all", says="--all")

    def test_a_log_is_judged_with_it(self):
        path, _ = self.record("--python", self.environment)
        log = self.folder / "train.log"
        log.write_text("failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected\n")
        done = run("explain", "--file", log, "--with-machine", "--from", path, "--format", "json")
        self.assertEqual(done.stderr, b"")
        answer = json_schema.parsed(done.stdout)
        self.assertEqual(answer["messages"][0]["line"], 1)
        live = run("explain", "--file", log, "--with-machine", "--python", self.environment, "--format", "json")
        self.assertEqual([c["id"] for c in answer["causes"]], [c["id"] for c in json_schema.parsed(live.stdout)["causes"]])

    def test_it_is_a_test_machine(self):
        machines = self.folder / "machines"
        machines.mkdir(exist_ok=True)

        def tested():
            return subprocess.run([MACHINES_TEST, "--gtest_filter=*AsExpected"], env={**os.environ, "TFDOCTOR_MACHINES": str(machines)},
                                  timeout=LIMIT, stdout=subprocess.PIPE, check=False)
        for question in (["--python", self.environment], ["--python", self.environment, "--assume", "gpu=GTX 1080", "--python-flags", "-I"]):
            with self.subTest(question):
                path, _ = self.record(*question)
                subprocess.run([sys.executable, ROOT / "tools/machine_from_recording", BINARY, path, "colleague", machines],
                               check=True, stdout=subprocess.DEVNULL, timeout=LIMIT)
                made = json.loads((machines / "colleague.json").read_text())
                self.assertEqual(made["expect"]["verdict"], self.answer(*question)["verdict"])
                self.assertEqual(tested().returncode, 0, tested().stdout)
        made["expect"]["verdict"] = "another"
        (machines / "colleague.json").write_text(json.dumps(made))
        self.assertEqual(tested().returncode, 1)


if __name__ == "__main__":
    BINARY, LAY_ENVIRONMENT, MACHINES_TEST, FAKES = (os.path.abspath(argument) for argument in sys.argv[1:5])
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]])
