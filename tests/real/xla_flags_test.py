#!/usr/bin/env python3
"""Flags that data/xla-flags.toml says a release does not know: the real XLA must refuse every one of them.

usage: xla_flags_test.py [--tfdoctor FILE] [--all]
"""
import argparse
import os
import pathlib
import random
import re
import subprocess
import sys
import tomllib

import environments
import json_schema
import real_test

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASES = ("2.15.1", "2.16.1", "2.20.0", "2.21.0")  # that run in this Python
AT_ONCE = 25  # a message of TensorFlow ends after some kilobytes
LIMIT = 120
PROGRAM = """
import tensorflow as tf
@tf.function(jit_compile=True)
def f(x):
    return x + 1
f(tf.constant(1.0))
"""


def numbers(version):
    return tuple(int(part) for part in version.split(".")[:2])


def refused(python, flags):
    """The names that TensorFlow says it does not know."""
    taken = set()
    while True:
        variables = {**os.environ, "XLA_FLAGS": " ".join(f"--{flag}=1" for flag in flags if flag not in taken)}
        done = subprocess.run([python, "-c", PROGRAM], env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=LIMIT, check=False)
        # Where a known name is the start of an unknown one, XLA takes the rest for its value, and reads no further.
        value = re.search(r"Couldn't interpret value (\w+)=1 for flag (\w+)\.", done.stdout)
        if value and value[2] + value[1] in flags:
            taken.add(value[2] + value[1])
            continue
        said = re.search(r"Unknown flags? in XLA_FLAGS: (.*)", done.stdout)
        return taken | (set(re.findall(r"--(\w+)", said[1])) if said else set())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tfdoctor", default=ROOT / "build" / "tfdoctor", type=pathlib.Path)
    parser.add_argument("--all", action="store_true", help="all names of all releases; else some of one, by commit")
    arguments = parser.parse_args()
    rows = tomllib.loads((ROOT / "data/xla-flags.toml").read_text())["xla_flags"][0]["rows"]
    turn = real_test.commit_number()
    failed = passed = 0
    for release in RELEASES if arguments.all else (RELEASES[turn % len(RELEASES)],):
        python = environments.ensure(f"tf-{release}") / "bin" / "python"
        unknown = [row["flag"] for row in rows if row["flag"].startswith("xla_") and
                   not numbers(row["first"]) <= numbers(release) <= numbers(row["last"])]
        if not arguments.all:
            unknown = random.Random(turn).sample(unknown, AT_ONCE)
        accepted = []
        for start in range(0, len(unknown), AT_ONCE):
            part = unknown[start:start + AT_ONCE]
            accepted += sorted(set(part) - refused(python, part))
        # And tfdoctor says so of one of them, and nothing of one that every release knows.
        for flags, expected in ((f"--{unknown[0]}=1", True), ("--xla_gpu_cuda_data_dir=/usr/lib/cuda", False)):
            done = subprocess.run([arguments.tfdoctor, "--format", "json", "--assume", "gpu=8.9", "--python", python],
                                  env={**os.environ, "XLA_FLAGS": flags}, stdout=subprocess.PIPE, timeout=LIMIT, check=False)
            if ("xla-flags-invalid" in [cause["id"] for cause in json_schema.parsed(done.stdout)["causes"]]) != expected:
                accepted.append(f"{flags} (tfdoctor)")
        print(f"{'FAIL' if accepted else 'ok  '} tf-{release}: {len(unknown)} flags that it does not know; not so: {' '.join(accepted) or 'none'}")
        failed, passed = failed + bool(accepted), passed + (not accepted)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


main()
