#!/usr/bin/env python3
"""Do the commands that tfdoctor prints repair what they are printed for?

Really broken environments: the commands of the first fix are run there, then tfdoctor is asked again (the cause must be
gone, the GPU usable) and the real TensorFlow must list the GPU. What tfdoctor expected of the fix must be what is there
afterwards: the facts of its simulation equal those that it reads. The fixes with pip download gigabytes.

usage: repair_test.py [--tfdoctor FILE] [--fakes FOLDER] [--only TEXT] [--all]
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time

import environments
import oracle
import real_test

ROOT = pathlib.Path(__file__).resolve().parents[2]
GPU = "8.9"
CHECK_LIMIT_S = 30
FIX_LIMIT_S = 900


@dataclasses.dataclass(frozen=True)
class Repair:
    name: str
    environment: str
    causes: tuple  # any of them: what the machine has beside the environment may decide
    uninstall: str = ""  # distributions whose names start so are removed first
    install: tuple = ()  # requirements that are then forced in, whatever they break
    cheap: bool = False  # downloads nothing, or some megabytes


# A machine with a CUDA toolkit of its own has the libraries of another CUDA.
MISSING = ("cuda-libraries-missing", "cuda-version-mismatch")

REPAIRS = (
    Repair("a build without CUDA", "tf-cpu-2.21.0", ("cpu-only-tensorflow",)),
    Repair("CUDA libraries missing", "tf-2.20.0", MISSING, uninstall="nvidia-"),
    Repair("2.21.0 does not find cuSOLVER", "tf-2.21.0", ("pip-nvidia-libs-not-found",), cheap=True),
    Repair("cuDNN older than TensorFlow's", "tf-2.20.0-torch", ("cudnn-version-mismatch",)),
    Repair("two TensorFlows", "tf-2.20.0", ("conflicting-tensorflow-packages",), install=("tensorflow-cpu==2.20.0",)),
    Repair("NumPy 2 under 2.15", "tf-2.15.1", ("tensorflow-import-fails",), install=("numpy==2.2.6",), cheap=True),
    Repair("protobuf of another generation", "tf-2.20.0", ("tensorflow-import-fails",), install=("protobuf==3.20.3",), cheap=True),
)


class Broken(Exception):
    """The repair failed; the text says where."""


def fingerprint(folder):
    """Changes when any file of the folder is written into."""
    files = []
    for parent, _, names in os.walk(folder):
        for name in names:
            if not name.endswith(".pyc"):
                status = os.lstat(os.path.join(parent, name))
                files.append((parent, name, status.st_size, status.st_mtime_ns))
    return hash(tuple(sorted(files)))


def check(arguments, bench, variables, *options):
    command = [arguments.tfdoctor, "check", "--format", "json", "--facts", "--assume", f"gpu={GPU}", *options]
    result = subprocess.run(
        command, env=variables, cwd=bench.work, capture_output=True, text=True, timeout=CHECK_LIMIT_S, check=False
    )
    if result.returncode not in (0, 1, 3):
        raise Broken(f"tfdoctor ended with {result.returncode}: {result.stderr.strip()[-300:]}")
    return json.loads(result.stdout)


def causes(answer):
    return [cause["id"] for cause in answer["causes"] if cause["state"] == "holds"]


def first_fix(answer, expected):
    for cause in answer["causes"]:
        if cause["id"] in expected and cause["state"] == "holds":
            for fix in cause["fixes"]:
                if fix["commands"]:
                    return fix
            raise Broken(f"{cause['id']} has no fix with commands")
    raise Broken(f"tfdoctor does not find {' or '.join(expected)}, but {answer['verdict']}: {', '.join(causes(answer))}")


def execute(commands, bench, variables):
    """Runs the commands as a user would, in one shell; gives the variables of that shell at the end."""
    after = bench.root.parent / "variables"
    script = "\n".join(["set -e", *commands, f"env -0 > '{after}'"])
    result = subprocess.run(
        ["bash", "-c", script],
        env=variables,
        cwd=bench.work,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=FIX_LIMIT_S,
        check=False,
    )
    if result.returncode != 0:
        raise Broken(f"the commands failed: {'; '.join(commands)}\n{result.stdout[-1000:]}")
    return dict(entry.split("=", 1) for entry in after.read_text().split("\0") if entry)


def leaves(facts, path=""):
    """The facts as path -> (state, value), wherever they were read."""
    if not isinstance(facts, dict):
        return {path: facts}
    if "state" in facts and not isinstance(facts.get("value"), dict):
        return {path: (facts["state"], json.dumps(facts.get("value")))}
    if "state" in facts:
        return {path: facts["state"], **leaves(facts["value"], path)}
    found = {}
    for name, inner in facts.items():
        found.update(leaves(inner, f"{path}.{name}" if path else name))
    return found


# Distributions on which a verdict can rest.
JUDGED = ("tensorflow", "tf-", "nvidia-", "numpy", "protobuf", "keras", "ml-dtypes")


def is_further_dependency(key, ours):
    """What pip brings for a requirement's own requirements: a trial models TensorFlow's alone, and no rule looks there."""
    name = key.removeprefix("python.distributions.").split(".")[0]
    return key.startswith("python.distributions.") and key not in ours and not name.startswith(JUDGED)


def compare_facts(simulated, probed):
    ours, real = leaves(simulated), leaves(probed)
    different = [
        key
        for key in sorted(set(ours) | set(real))
        if ours.get(key) != real.get(key) and not is_further_dependency(key, ours)
    ]
    if different:
        shown = "\n".join(f"  {key}: simulated {ours.get(key)}, probed {real.get(key)}" for key in different[:20])
        raise Broken(f"{len(different)} simulated facts are not what is there afterwards:\n{shown}")


def repair(arguments, bench, case):
    """Raises Broken unless the environment is repaired."""
    if case.uninstall:
        gone = [name for name in environments.installed(bench.root) if name.startswith(case.uninstall)]
        environments.pip(bench.root, "uninstall", "--yes", "--quiet", *gone)
    if case.install:
        environments.pip(bench.root, "install", "--quiet", "--no-cache-dir", "--no-deps", "--force-reinstall", *case.install)
    # pip needs what it is configured with, so the variables are those of this process with the scenario's on top.
    scenario = oracle.Scenario(case.environment, case.name, gpu=GPU)
    own = {"PIP_NO_CACHE_DIR": "1", "HOME": str(pathlib.Path.home())}
    variables = {**os.environ, **bench.variables(scenario), **own}
    fix = first_fix(check(arguments, bench, variables, "--simulated-facts"), case.causes)
    print(f"     {case.name}: {'; '.join(fix['commands'])}", flush=True)
    variables = execute(fix["commands"], bench, variables)
    answer = check(arguments, bench, variables)
    if answer["verdict"] != "gpu-usable":
        raise Broken(f"after the repair tfdoctor says {answer['verdict']}: {', '.join(causes(answer))}")
    truth = oracle.ask(bench, variables)
    if not truth["gpus"]:
        raise Broken(f"after the repair TensorFlow lists no GPU: {truth}")
    # What is advice was not tried: tfdoctor knows not what pip will choose.
    if fix["safety"] != "advice":
        compare_facts(fix["simulated"], answer["facts"])


def judge(arguments, folders, case):
    """None, or a text that says what is wrong."""
    source = folders[case.environment]
    started = time.monotonic()
    before = fingerprint(source)
    with environments.scratch_copy(source) as copy:
        try:
            repair(arguments, oracle.Bench(copy, arguments.fakes, folders), case)
            failure = None
        except (Broken, RuntimeError, subprocess.TimeoutExpired) as error:
            failure = str(error)
    if failure is None and fingerprint(source) != before:
        failure = f"the repair of the copy wrote into the original, {source}"
    print(f"{'FAIL' if failure else 'ok  '} {case.name} ({time.monotonic() - started:.0f} s)", flush=True)
    if failure:
        print("       " + failure.replace("\n", "\n       "), flush=True)
    return failure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tfdoctor", default=ROOT / "build" / "tfdoctor", type=pathlib.Path)
    parser.add_argument("--fakes", default=ROOT / "build" / "fakes", type=pathlib.Path)
    parser.add_argument("--only")
    parser.add_argument("--all", action="store_true", help="all of them; else one of those that download, by commit")
    arguments = parser.parse_args()
    arguments.tfdoctor = arguments.tfdoctor.resolve()
    mine = [case for case in REPAIRS if arguments.only is None or arguments.only in case.name]
    if not arguments.all and arguments.only is None:
        downloading = [case for case in mine if not case.cheap]
        turn = downloading[real_test.commit_number() % len(downloading)]
        mine = [case for case in mine if case.cheap or case is turn]
        print(f"repairs of this commit's turn: {', '.join(case.name for case in mine)} (--all runs {len(REPAIRS)})")

    folders = environments.ensure_all({case.environment for case in mine})
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        failures = list(pool.map(lambda case: judge(arguments, folders, case), mine))
    failed = sum(failure is not None for failure in failures)
    print(f"{len(failures) - failed} passed, {failed} failed")
    return 1 if failed or not failures else 0


if __name__ == "__main__":
    sys.exit(main())
