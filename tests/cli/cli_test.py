#!/usr/bin/env python3
"""Black-box test of the built binary: usage: cli_test.py TFDOCTOR [unittest options]"""
import fcntl
import json
import os
import pathlib
import pty
import re
import resource
import struct
import subprocess
import sys
import tempfile
import time
import termios
import unittest

import json_schema

BINARY = ""
EXIT_STATUS = {"gpu-blocked": 1, "unknown": 3, "gpu-degraded": 0, "gpu-usable": 0}
UTF8 = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", "TERM": "xterm"}
LIMIT = 60  # seconds; far above what any run takes, so that a hang is an error and not a hung test


def run(*arguments, env=None, cwd="/", **more):
    return subprocess.run([BINARY, *arguments], env=UTF8 if env is None else env, cwd=cwd, stdin=subprocess.DEVNULL,
                          stdout=more.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, timeout=LIMIT, **more)


def in_terminal(*arguments, env=None, columns=80):
    """What reaches a terminal of so many columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([BINARY, *arguments], env=UTF8 if env is None else env, cwd="/", stdin=subprocess.DEVNULL, stdout=slave,
                             stderr=subprocess.DEVNULL)
    os.close(slave)
    text = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # EIO: the other side is closed
            break
        if not piece:
            break
        text += piece
    os.close(master)
    child.wait(timeout=LIMIT)
    return text.decode().replace("\r\n", "\n")


def control_characters(text):
    return [c for c in text if (ord(c) < 0x20 and c != "\n") or 0x7F <= ord(c) < 0xA0]


def without_run(answer):
    return {key: value for key, value in answer.items() if key != "run"}


class Case(unittest.TestCase):
    maxDiff = None

    def answer(self, *arguments, **more):
        """The JSON answer, valid, with the exit status that belongs to it."""
        done = run("--format", "json", *arguments, **more)
        self.assertEqual(done.stderr, b"")
        answer = json_schema.parsed(done.stdout)
        strict = "--strict" in arguments and answer["verdict"] == "gpu-degraded"
        self.assertEqual(done.returncode, 1 if strict else EXIT_STATUS[answer["verdict"]])
        return answer

    def usage_error(self, *arguments, says, **more):
        done = run(*arguments, **more)
        error = done.stderr.decode()
        self.assertEqual((done.returncode, done.stdout), (2, b""), (arguments, error))
        self.assertIn(says, error)
        self.assertTrue(error.startswith("tfdoctor: "), error)
        self.assertIn("tfdoctor --help", error)
        self.assertEqual(control_characters(error), [], error)


class Help(Case):
    def test_help_teaches(self):
        for arguments in (["--help"], ["-h"], ["check", "--help"], ["explain", "--help"], ["causes", "-h"]):
            done = run(*arguments)
            text = done.stdout.decode()
            self.assertEqual((done.returncode, done.stderr), (0, b""), arguments)
            for word in ("--python", "--script", "--assume", "--format", "--verbose", "--color", "--width", "--strict",
                         "--data", "--facts", "--all", "record", "--output", "--no-redact", "--from", "--root", "--env", "--env-file", "--image", "--pid", "diff", "--python-flags", "--version", "explain", "causes", "Examples:", "Exit status:"):
                self.assertIn(word, text)
            self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_version(self):
        done = run("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout.decode(), r"^tfdoctor \d+\.\d+\.\d+ \(data of [^)]*\)\n$")


class UsageErrors(Case):
    def test_arguments(self):
        for arguments, says in (
                (["--nonsense"], "--nonsense"),
                (["--formt", "json"], "--format"),
                (["chekc"], "check"),
                (["train.py"], "--script train.py"),
                (["check", "extra"], "extra"),
                (["check", "causes"], "causes"),
                (["--format"], "--format"),
                (["--format", "xml"], "xml"),
                (["--color", "blue"], "blue"),
                (["--width", "39"], "39"),
                (["--width", "0"], "0"),
                (["--width", "-5"], "-5"),
                (["--width", "wide"], "wide"),
                (["--width", "99999999999999999999999"], "--width"),
                (["--width", "80", "--width", "90"], "--width"),
                (["--python"], "--python"),
                (["--python", ""], "--python"),
                (["--python", "/no/such/python"], "no such file"),
                (["--python", "/var"], "there is no Python in this folder"),
                (["--script", "/no/such/train.py"], "no such file"),
                (["--data", "/no/such/data.toml"], "--data"),
                (["--data", "/"], "--data"),
                (["--facts"], "--format json"),
                (["explain"], "tfdoctor causes"),
                (["explain", "no-such-cause-zzzz"], "no-such-cause-zzzz"),
                (["explain", "--file", "/nonexistent/x.log"], "/nonexistent/x.log"),
                (["explain", "--context", "/nonexistent/x.json", "a b"], "--context"),
                (["explain", "--answer", "novalue", "a b"], "KEY=VALUE"),
                (["causes", "--strict"], "--strict"),
                (["causes", "--from", "/x"], "--from"),
                (["record"], "--output"),
                (["record", "-o", "/tmp/x", "--format", "json"], "--format json"),
                (["record", "-o", "/tmp/x", "--all"], "--all"),
                (["--no-redact"], "--no-redact"),
                (["explain", "x", "--python", "/usr"], "--python"),
        ):
            with self.subTest(arguments):
                self.usage_error(*arguments, says=says)

    def test_assume(self):
        for value, says in (
                ("", "--assume"),
                ("H100", "gpu=NAME"),
                ("gpu=", "no value"),
                ("driver=570.124.06", "which GPU"),
                ("gpu=9.0,driver=", "no value"),
                ("gpu=9.0,driver=new", "not a driver version"),
                ("gpu=9.0,driver=570..1", "not a driver version"),
                ("gpu=9.0,driver=570.1.2.3", "not a driver version"),
                ("gpu=9.0,driver=570,driver=580", "once"),
                ("gpu=9.0,cuda=12", "neither gpu nor driver"),
                ("gpu=9.0,", "no value"),
                ("gpu=no such gpu zzzz", "--assume gpu=no such gpu zzzz"),
        ):
            with self.subTest(value):
                self.usage_error("--assume", value, says=says)

    def test_bad_data(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("this is = = not toml")
            file.flush()
            self.usage_error("--data", file.name, says="--data")

    def test_hostile_arguments(self):
        for argument in ("\x1b[2J", "--\x1b]0;x\x07", "a\nb", b"\xff\xfe", "x" * 100000):
            with self.subTest(argument[:10]):
                self.usage_error(argument, says="")
                done = run("explain", argument)
                self.assertIn(done.returncode, (2, 3))
                self.assertEqual(control_characters((done.stdout + done.stderr).decode()), [])
                self.usage_error("--assume", argument, says="")
                self.usage_error("--python", argument, says="")

    def log_answer(self, *arguments, log="", status=None):
        """The JSON answer about a log on standard input, valid."""
        done = subprocess.run([BINARY, "explain", "--format", "json", *arguments], env=UTF8, cwd="/", timeout=LIMIT,
                              input=log.encode() if isinstance(log, str) else log, capture_output=True)
        self.assertEqual(done.stderr, b"")
        answer = json_schema.parsed(done.stdout)
        self.assertEqual(done.returncode, EXIT_STATUS[answer["verdict"]])
        return answer

    def test_explain_takes_a_log_however_it_comes(self):
        line = "Failed to initialize NVML: Driver/library version mismatch"
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "train.log")
            file.write_text("one\n" + line + "\n")
            for answer in (self.log_answer("-", log="one\n" + line), self.log_answer(str(file)), self.log_answer("--file", str(file)),
                           self.log_answer(line), self.log_answer("--text", line), self.log_answer(*line.split())):
                self.assertEqual(answer["causes"][0]["id"], "driver-library-version-mismatch")
                self.assertEqual(answer["verdict"], "gpu-blocked")
                self.assertEqual(answer["messages"][0]["text"], line)
                self.assertFalse(answer["messages"][0]["harmless"])
                self.assertEqual(answer["messages"][0]["cause"], "driver-library-version-mismatch")

    def test_explain_judges_statements_alone(self):
        context = {"context": {"os": "Windows 11", "tf_version": "2.16.1"}, "observed": {"hat": "blue"}}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(context, file)
            file.flush()
            answer = self.log_answer("--context", file.name, "-")
            # The rule of Windows is of another branch of the chain; what is stated arrives whole.
            self.assertEqual(answer["log"]["not_understood"], ["hat"])
            self.assertEqual(answer["messages"], [])
            with self.subTest("a flag wins"):
                facts = self.log_answer("--context", file.name, "--os", "Ubuntu", "--facts", "-")["facts"]
                self.assertEqual(facts["log"]["stated"]["value"]["os"], "Ubuntu")
        for bad in ("", "[]", '{"context": 1}'):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                file.write(bad)
                file.flush()
                self.usage_error("explain", "--context", file.name, "-", says="--context")

    def test_explain_takes_what_somebody_types_for_his_own_words(self):
        answer = self.log_answer("since the laptop slept: unknown error, nvidia-smi works")
        self.assertEqual(answer["causes"][0]["id"], "uvm-broken-after-suspend")
        self.assertNotIn("guessed", answer["causes"][0])
        for words, cause in (("I updated the kernel yesterday and nvidia-smi fails since", "kernel-module-not-built"),
                             ("my notebook only sees the CPU but in the terminal the gpu is listed", "wrong-python-environment")):
            self.assertEqual(self.log_answer(words)["causes"][0]["id"], cause, words)
        # So are the sentences between the lines of a log; what a program prints there is not.
        answer = self.log_answer("-", log="Since the laptop slept CUDA fails with an unknown error, nvidia-smi works.\n")
        self.assertEqual(answer["causes"][0]["id"], "uvm-broken-after-suspend")
        answer = self.log_answer("-", log="job=17 state=slept device=cuda0 error=unknown smi=works\n")
        self.assertTrue(all("guessed" in cause for cause in answer["causes"]))

    def test_explain_says_that_a_guess_is_one(self):
        words = "the kernel headers and the gcc of dkms differ, the module cannot be compiled"
        answer = self.log_answer("--text", words)
        first = answer["causes"][0]
        self.assertEqual((first["id"], first["state"], first["guessed"]), ("dkms-build-failed", "open", True))
        self.assertEqual((answer["verdict"], answer["confident"]), ("unknown", False))
        self.assertLess(first["likelihood"], 0.8)
        self.assertEqual(first["fixes"], [])
        done = subprocess.run([BINARY, "explain", "--text", words, "--width", "80"], env=UTF8, cwd="/", timeout=LIMIT,
                              capture_output=True, text=True)
        self.assertTrue(done.stdout.startswith("No rule understands it."), done.stdout)
        self.assertNotIn("sudo", done.stdout, "no command on a guess")
        self.assertEqual(self.log_answer("--text", "what a lovely day")["causes"], [])

    def test_explain_is_safe_and_bounded_on_hostile_logs(self):
        hostile = b"\x1b]0;title\x07\x1b[2J failed call to cuInit: \x1b[31m\xff\xfe\x00\xe2\x80\xae UNKNOWN ERROR (303)\n" * 50
        for log in (hostile, b"\x00" * 100000, b"x" * 3000000, bytes(range(256)) * 1000, b"\x1f\x8b\x08\x00garbage", b"PK\x03\x04" * 99):
            self.log_answer("-", log=log)
            done = subprocess.run([BINARY, "explain", "-"], env=UTF8, cwd="/", timeout=LIMIT, input=log, capture_output=True)
            self.assertEqual(control_characters(done.stdout.decode()), [])

    def follow(self, *arguments, **streams):
        return subprocess.Popen([BINARY, "explain", "--follow", "--format", "json", *arguments], env=UTF8, cwd="/", stdout=subprocess.PIPE, **streams)

    def test_explain_speaks_while_the_log_is_written(self):
        mismatch = b"Failed to initialize NVML: Driver/library version mismatch\n"
        with self.follow("-", stdin=subprocess.PIPE) as child:
            child.stdin.write(b"nothing known yet\n" + mismatch)
            child.stdin.flush()
            first = json_schema.parsed(child.stdout.readline())  # the stream is still open
            self.assertEqual(first["causes"][0]["id"], "driver-library-version-mismatch")
            child.stdin.write(b"Epoch 1\n" + mismatch)  # nothing new
            child.stdin.close()
            self.assertEqual(child.stdout.read(), b"")
            self.assertEqual(child.wait(LIMIT), 1)
        with self.follow("-", stdin=subprocess.PIPE) as child:  # what is never known is said at the end
            child.stdin.write(b"Epoch 1\n")
            child.stdin.close()
            self.assertEqual(json_schema.parsed(child.stdout.read())["verdict"], "unknown")
            self.assertEqual(child.wait(LIMIT), 3)

    def test_explain_follows_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder, "train.log")
            log.write_text("Epoch 1\n" * 1000)
            child = self.follow(str(log), stdin=subprocess.DEVNULL)
            try:
                time.sleep(0.3)
                log.write_text("Failed to initialize NVML: Driver/library version mismatch\n")  # shorter: written anew
                self.assertEqual(json_schema.parsed(child.stdout.readline())["causes"][0]["id"], "driver-library-version-mismatch")
                self.assertIsNone(child.poll())
            finally:
                child.kill()
                child.communicate(timeout=LIMIT)
        self.usage_error("explain", "--follow", "failed call to cuInit", says="--follow needs a log")

    def test_nearest_names(self):
        causes = json_schema.parsed(run("causes", "--format", "json").stdout, "causes-1")["causes"]
        for cause in causes[:3]:
            self.usage_error("explain", cause["id"][:-1] + "zz", says=cause["id"])


class Check(Case):
    def test_the_word_check_may_be_left_out_and_options_stand_anywhere(self):
        # Without the driver: the memory that is free changes from one call to the next.
        expected = without_run(self.answer("--no-driver-calls"))
        for arguments in (["check"], ["check", "-v"], ["-v", "check"]):
            self.assertEqual(without_run(self.answer(*arguments, "--no-driver-calls")), expected)
        done = run("--no-driver-calls", "check", "--format=json")
        self.assertEqual(without_run(json_schema.parsed(done.stdout)), expected)

    def test_text_and_json_have_one_exit_status(self):
        for arguments in ([], ["--strict"], ["--assume", "gpu=9.0"], ["--assume", "gpu=9.0,gpu=8.0,driver=570.124.06"]):
            status = run("--format", "json", *arguments).returncode
            self.answer(*arguments)
            self.assertEqual(run(*arguments).returncode, status)
            self.assertEqual(run("-v", *arguments).returncode, status)

    def test_facts(self):
        self.assertNotIn("facts", self.answer())
        self.assertIn("tensorflow", self.answer("--facts")["facts"])

    def test_an_environment_with_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            self.answer("--facts", env={}, cwd=folder)
            self.answer("--facts", env={"PATH": ""}, cwd=folder)
            self.usage_error("--python", folder, says="there is no Python in this folder")
            open(folder + "/pyvenv.cfg", "w").close()
            self.answer("--python", folder, "--facts")
            os.symlink("gone", folder + "/python")
            self.answer("--python", folder + "/python", "--facts")
            self.answer("--python", "python", "--facts", cwd=folder)

    def test_a_program_is_read_and_not_run(self):
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder) / "train.py"
            script.write_text("import os\nos.environ['CUDA_VISIBLE_DEVICES'] = '-1'\nopen('ran', 'w')\nimport tensorflow as tf\n")
            answer = self.answer("--script", str(script), "--facts", "--assume", "gpu=8.9", cwd=folder)
            lines = answer["facts"]["program"]["lines"]["value"]
            self.assertIn("00002 set-variable CUDA_VISIBLE_DEVICES", lines)
            self.assertEqual(os.listdir(folder), ["train.py"])
            for name, text in (("broken.py", "x = (\n"), ("none.ipynb", "not JSON"), ("bytes.py", "\0\1")):
                (pathlib.Path(folder) / name).write_text(text)
                answer = self.answer("--script", str(pathlib.Path(folder) / name), "--facts")
                self.assertEqual(answer["facts"]["program"]["lines"]["state"], "unknown")
                self.assertIn(name, answer["facts"]["program"]["lines"]["why"])
            answer = self.answer("--script", folder, "--facts")
            self.assertEqual(answer["facts"]["program"]["lines"]["state"], "unknown")

    def test_all_environments(self):
        with tempfile.TemporaryDirectory() as home:
            home = pathlib.Path(home)
            (home / "project").mkdir()
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "project" / ".venv"], check=True)
            kernels = home / ".local/share/jupyter/kernels"
            specs = {
                "mine": {"argv": [str(home / "project/.venv/bin/python"), "-m", "ipykernel"]},
                "gone": {"argv": ["/nonexistent/bin/python"]},
                "relative": {"argv": ["bin/python"]},
                "itself": {"argv": []},
            }
            for name, spec in specs.items():
                (kernels / name).mkdir(parents=True)
                (kernels / name / "kernel.json").write_text(json.dumps(spec))
            (kernels / "broken").mkdir()
            (kernels / "broken" / "kernel.json").write_text("{\x1b[31m")
            env = dict(UTF8, HOME=str(home), PATH="/usr/bin:/bin")
            done = run("--all", "--format", "json", env=env, cwd=home / "project")
            self.assertEqual(done.stderr, b"")
            answer = json_schema.parsed(done.stdout, "environments-1")
            self.assertEqual(done.returncode, EXIT_STATUS[answer["verdict"]])
            found = {one["interpreter"]: one for one in answer["environments"]}
            mine = found[str(home / "project/.venv/bin/python")]
            self.assertEqual(mine["kinds"], ["venv", "Jupyter kernel mine"])
            self.assertEqual(mine["command"], f". {home}/project/.venv/bin/activate")
            self.assertIsNone(mine["tensorflow"])
            gone = found["/nonexistent/bin/python"]
            self.assertEqual((gone["verdict"], gone["kinds"]), ("unknown", ["Jupyter kernel gone"]))
            self.assertIn("there is no /nonexistent/bin/python", gone["why"])
            self.assertEqual(len(answer["unread"]), 3, answer["unread"])
            text = run("--all", env=env, cwd=home / "project")
            self.assertEqual(text.returncode, done.returncode)
            self.assertEqual(control_characters(text.stdout.decode()), [])
        self.usage_error("--all", "--python", "/usr/bin/python3", says="--all judges every environment")

    def test_flags_of_python(self):
        env = dict(UTF8, PATH="/usr/bin:/bin", PYTHONPATH="/somewhere")
        def path(*arguments):
            return self.answer("--facts", *arguments, env=env)["facts"]["python"]["sys_path"]["value"]
        self.assertIn("/somewhere", path())
        self.assertNotIn("/somewhere", path("--python-flags=-E"))
        self.assertNotIn("", path("--python-flags=-P"))
        self.assertEqual(path("--python-flags=-I"), path("--python-flags=-EPs"))
        self.usage_error("--python-flags=-Z", says="'-Z' is not understood")

    def test_hostile_surroundings(self):
        evil = b"a\x1b[2J\x1b]0;owned\x07\xff\xc2\x9b\xe2\x80\xae"
        with tempfile.TemporaryDirectory() as folder:
            place = os.path.join(folder.encode(), evil)
            os.mkdir(place)
            script = os.path.join(place, b"train.py")
            for file in (script, os.path.join(place, b"pyvenv.cfg")):
                open(file, "w").close()
            env = dict(os.environb, LD_LIBRARY_PATH=place, CUDA_VISIBLE_DEVICES=evil, XLA_FLAGS=evil, VIRTUAL_ENV=place,
                       LC_ALL=b"C.UTF-8", PATH=place + b":" + os.environb[b"PATH"])
            for arguments in ([], ["-v"], ["--script", script], ["--python", place], ["-v", "--width", "40"]):
                done = run(*arguments, env=env, cwd=place)
                self.assertIn(done.returncode, (0, 1, 3))
                text = done.stdout.decode()  # strict: no byte that is not UTF-8
                self.assertEqual(control_characters(text), [])
                self.assertNotIn("\u202e", text)
            self.answer("--facts", "--script", script, "--python", place, env=env, cwd=place)


class Terminal(Case):
    def test_no_escape_in_a_pipe(self):
        for arguments in ([], ["-v"], ["causes"]):
            self.assertEqual(control_characters(run(*arguments).stdout.decode()), [])
        self.assertIn("\x1b[", run("--color", "always").stdout.decode())

    def test_colour_in_a_terminal_unless_unwanted(self):
        self.assertIn("\x1b[", in_terminal())
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            self.assertNotIn("\x1b", in_terminal(env={**UTF8, **env}))
        self.assertNotIn("\x1b", in_terminal("--color", "never"))
        self.assertNotIn("\x1b", in_terminal("--format", "json"))

    def test_width(self):
        alike = ("--no-driver-calls", "--color", "never")  # the memory that is free changes
        piped = run(*alike).stdout
        self.assertEqual(run(*alike, "--width", "80").stdout, piped)
        self.assertEqual(in_terminal(*alike, columns=80), piped.decode())
        self.assertEqual(in_terminal(*alike, columns=120), run(*alike, "--width", "120").stdout.decode())
        self.assertEqual(in_terminal(*alike, columns=10), run(*alike, "--width", "40").stdout.decode())

    def test_marks_follow_the_locale(self):
        def answer(**env):
            return run(env={"PATH": UTF8["PATH"], **env}).stdout.decode()
        chain = re.compile(r"\[(ok|XX|!!|\?\?)\] ")
        for env in ({}, {"LANG": "C"}, {"LC_ALL": "C", "LANG": "C.UTF-8"}, {"LC_CTYPE": "POSIX", "LANG": "C.UTF-8"}):
            self.assertRegex(answer(**env), chain)
        for env in ({"LANG": "en_US.utf8"}, {"LC_ALL": "C.UTF-8", "LANG": "C"}, {"LC_ALL": "", "LANG": "C.UTF-8"}):
            self.assertNotRegex(answer(**env), chain)


class Output(Case):
    def test_a_full_disk_is_said(self):
        for arguments in ([], ["--format", "json"], ["causes"], ["--help"]):
            with open("/dev/full", "w") as full:
                done = run(*arguments, stdout=full)
            self.assertEqual(done.returncode, 3)
            self.assertIn("cannot write the answer: No space left on device", done.stderr.decode())

    def test_closed_stdout(self):
        done = subprocess.run(["/bin/sh", "-c", '"$0" --help >&-', BINARY], stderr=subprocess.PIPE, timeout=LIMIT)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"cannot write the answer", done.stderr)

    def test_a_reader_that_leaves(self):
        status = run().returncode
        read, write = os.pipe()
        os.close(read)
        try:
            done = run(stdout=write)
        finally:
            os.close(write)
        self.assertEqual((done.returncode, done.stderr), (status, b""))

    def test_a_pipe_that_does_not_block(self):
        read, write = os.pipe()
        os.set_blocking(write, False)
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)  # smaller than the answer
        child = subprocess.Popen([BINARY, "--format", "json", "--facts"], env=UTF8, cwd="/", stdout=write)
        os.close(write)
        with open(read, "rb") as reader:
            answer = json_schema.parsed(reader.read())
        self.assertEqual(child.wait(timeout=LIMIT), EXIT_STATUS[answer["verdict"]])

    def test_an_internal_error_is_an_answer(self):
        if b"__asan_init" in pathlib.Path(BINARY).read_bytes():
            print("not run: AddressSanitizer does not start within a small address space")
            return

        def within(mebibytes, *arguments):
            return run(*arguments, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20,) * 2))

        enough = next(size for size in range(4, 256) if within(size, "--version").returncode == 0)
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("a = '" + "x" * (15 << 20) + "'")
            file.flush()
            done = within(enough + 4, "--format", "json", "--data", file.name)  # does not hold the file
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(b"internal error", done.stderr)
        answer = json_schema.parsed(done.stdout)
        self.assertEqual(answer["verdict"], "unknown")


class Causes(Case):
    def test_every_cause_is_listed_and_explained(self):
        listed = json_schema.parsed(run("causes", "--format", "json").stdout, "causes-1")["causes"]
        self.assertGreater(len(listed), 0)
        table = run("causes").stdout.decode()
        for cause in listed:
            with self.subTest(cause["id"]):
                self.assertIn(f"  {cause['id']} ", table)
                done = run("explain", cause["id"])
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                text = done.stdout.decode()
                self.assertIn(cause["id"], text)
                self.assertEqual(control_characters(text), [])
                self.assertEqual(json.loads(run("explain", cause["id"], "--format", "json").stdout), cause)


class Schema(unittest.TestCase):
    def test_the_validator_sees_faults(self):
        answer = json_schema.parsed(run("--format", "json").stdout)
        for change in ({"schema": True}, {"schema": 2}, {"verdict": "fine"}, {"confident": 1}, {"new": 0}, {"chain": []},
                       {"causes": [{}]}, {"unchecked": [{"fact": ""}]}, {"other_likelihood": 1.5}, {"run": {}}):
            with self.subTest(change), self.assertRaises(ValueError):
                json_schema.parsed(json.dumps({**answer, **change}))
        del answer["ask"]
        with self.assertRaises(ValueError):
            json_schema.parsed(json.dumps(answer))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main()
