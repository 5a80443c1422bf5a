#!/usr/bin/env python3
"""Roots that are not what they seem: folders with a million files, loops of mounts, hard links, names that differ by case.

usage: lying_roots_test.py TFDOCTOR LAY_ENVIRONMENT [unittest options]"""
import os
import resource
import shutil
import subprocess
import sys
import time
import unittest
import unittest.mock

import from_test
import json_schema

QUESTION = ["--python", "/opt/venv", "--assume", "gpu=RTX 4090"]


class LyingRoots(from_test.Case):
    def setUp(self):
        self.root = self.folder / self._testMethodName
        from_test.make_root(self.root, self.environment)

    def site(self):
        return next(self.root.glob("opt/venv/lib/python3*/site-packages"))

    def judge(self, *question, before=(), limit=20):
        """The answer, which has to be there in time and in little memory."""
        started = time.monotonic()
        done = subprocess.run([*before, from_test.BINARY, "--format", "json", "--root", self.root, *question], env={"PATH": "/usr/bin:/bin"},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=from_test.LIMIT,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20)))
        self.assertEqual(done.stderr.decode(), "")
        self.assertLess(time.monotonic() - started, limit)
        return json_schema.parsed(done.stdout, "environments-1" if "--all" in question else "answer-1")

    def test_a_million_files(self):
        site = self.site()
        many = 200_000 if os.environ.get("TFDOCTOR_COMMIT") else 1_000_000  # it is made in a minute
        for i in range(many):  # no file system allows as many links to one file
            os.close(os.open(site / f"m{i}.py", os.O_CREAT | os.O_WRONLY))
        answer = self.judge(*QUESTION)
        self.assertEqual((answer["verdict"], answer["causes"]), ("unknown", []))
        self.assertTrue(any(str(site)[len(str(self.root)):] in u["why"] and "more than 100000 entries" in u["why"] for u in answer["unchecked"]),
                        answer["unchecked"])
        self.judge("--all")
        shutil.rmtree(site)

    def test_hard_links(self):
        # As uv lays out what it has in its cache; what lies outside is the same file, and no way out.
        cache = self.folder / "cache"
        shutil.copytree(self.site(), cache, copy_function=os.link, symlinks=True)
        answer = self.judge(*QUESTION)
        self.assertEqual((answer["verdict"], answer["causes"]), ("gpu-usable", []))
        # The same library under two names is one, whichever is found.
        library = next(self.site().glob("nvidia/cufft/lib/libcufft.so.11"))
        os.link(library, self.root / "usr/lib" / library.name)
        library.unlink()
        again = self.judge(*QUESTION, "--env", "LD_LIBRARY_PATH=/usr/lib")
        self.assertEqual((again["verdict"], again["causes"]), ("gpu-usable", []))

    def test_loops_of_mounts(self):
        places = [self.root / place for place in ("opt/loop", "home/user/loop", "opt/venv/loop")]
        for place in places:
            place.mkdir(parents=True)
        (self.root / "home/user/up").symlink_to("..")
        (self.root / "home/user/root").symlink_to("/")
        script = "".join(f"mount --rbind '{self.root}' '{place}' && " for place in places) + "exec \"$@\""
        before = ["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", script, "sh"]
        if subprocess.run([*before, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            print("skipped: loops of mounts: this user may not mount")
            self.skipTest("may not mount")
        self.assertEqual(self.judge(*QUESTION, before=before), {**self.judge(*QUESTION), "run": unittest.mock.ANY})
        inside = [*QUESTION[2:], "--python", "/opt/loop/home/user/root/opt/venv"]
        self.assertEqual(self.judge(*inside, before=before)["verdict"], "gpu-usable")
        self.judge("--all", "--env", "HOME=/home/user", before=before)

    def test_names_that_differ_by_case_only(self):
        # Python and ld.so tell them apart, on this file system.
        site = self.site()
        (site / "TensorFlow").mkdir()
        (site / "TensorFlow/__init__.py").write_text("")
        library = next(site.glob("nvidia/cufft/lib/libcufft.so.11"))
        (library.parent / library.name.upper()).write_bytes(b"not a library")
        self.assertEqual(self.judge(*QUESTION)["verdict"], "gpu-usable")
        # Where only the other one exists, there is none.
        shutil.copyfile(library, library.parent / "LibCuFFT.so.11")
        library.unlink()
        answer = self.judge(*QUESTION)
        self.assertEqual((answer["verdict"], answer["causes"][0]["link"]), ("gpu-blocked", "cuda-libraries"))
        for gone in ("tensorflow", "tensorflow-2.20.0.dist-info"):
            shutil.rmtree(site / gone)
        self.assertEqual(self.judge(*QUESTION)["causes"][0]["id"], "tensorflow-not-installed")


if __name__ == "__main__":
    from_test.BINARY, from_test.LAY_ENVIRONMENT = (os.path.abspath(argument) for argument in sys.argv[1:3])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
