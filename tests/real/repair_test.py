#!/usr/bin/env python3
"""Do the commands that tfdoctor prints repair what they are printed for?

Really broken environments: the commands of the first fix are run there, then tfdoctor is asked again (the cause must be
gone, the GPU usable) and the real TensorFlow must list the GPU. What tfdoctor expected of the fix must be what is there
afterwards: the facts of its simulation equal those that it reads. The fixes with pip download gigabytes.

usage: repair_test.py [--tfdoctor FILE] [--fakes FOLDER] [--only TEXT] [--all]
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

import environments
import json_schema
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
    # Instead of `environment`: an empty one of the first of these Pythons that is there, and what the project wants in it.
    pythons: tuple = ()
    wants: str = ""


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
    # Laid out from wheels for a Python that need not be there: the requirement of the printed command is unpacked, too.
    Repair("NumPy 2 under 2.10", "tf-2.10.1", ("tensorflow-import-fails",), install=("numpy==2.2.6",), cheap=True),
    Repair("a Python without a wheel", "", ("no-wheel-for-python",), pythons=("3.8", "3.7", "3.6", "3.14"), wants="tensorflow==2.20.0"),
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
    try:
        return json_schema.parsed(result.stdout)
    except ValueError as error:
        raise Broken(f"tfdoctor's answer is {error}") from error


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


def replace(case, bench, requirements):
    """Puts distributions in the place of others into an environment that was laid out."""
    site = environments.site_packages(bench.root)
    for requirement in requirements:
        name = re.split("[=<>!~ ]", requirement)[0]
        for path in [site / name, site / f"{name}.libs", *site.glob(f"{name}-*.dist-info")]:
            shutil.rmtree(path)
    environments.unpack(environments.LAID_OUT[case.environment], site, *requirements)


def repair_files(arguments, bench, case):
    """As repair(), where no interpreter can run: the files are those that pip's commands would leave."""
    variables = {**bench.variables(oracle.Scenario(case.environment, case.name, gpu=GPU)), "PATH": f"{bench.root}/bin:/usr/bin:/bin"}
    whole = check(arguments, bench, variables)
    replace(case, bench, case.install)
    fix = first_fix(check(arguments, bench, variables, "--simulated-facts"), case.causes)
    (command,) = fix["commands"]
    print(f"     {case.name}: {command}", flush=True)
    words = shlex.split(command)
    replace(case, bench, words[words.index("install") + 1 :])
    answer = check(arguments, bench, variables)
    if (answer["verdict"], causes(answer)) != (whole["verdict"], causes(whole)):
        raise Broken(f"after the repair tfdoctor says {answer['verdict']}: {', '.join(causes(answer))}")
    if fix["safety"] != "advice":
        compare_facts(fix["simulated"], answer["facts"])


def repair(arguments, bench, case):
    """Raises Broken unless the environment is repaired."""
    if case.environment in environments.LAID_OUT:
        return repair_files(arguments, bench, case)
    if case.wants:
        (bench.work / "requirements.txt").write_text(case.wants + "\n")
    if case.uninstall:
        gone = [name for name in environments.installed(bench.root) if name.startswith(case.uninstall)]
        environments.pip(bench.root, "uninstall", "--yes", "--quiet", *gone)
    if case.install:
        environments.pip(bench.root, "install", "--quiet", "--no-cache-dir", "--no-deps", "--force-reinstall", *case.install)
    # pip needs what it is configured with, so the variables are those of this process with the scenario's on top.
    scenario = oracle.Scenario(case.environment, case.name, gpu=GPU)
    own = {"PIP_NO_CACHE_DIR": "1", "HOME": str(home_for(bench))}
    variables = {**os.environ, **bench.variables(scenario), **own}
    fix = first_fix(check(arguments, bench, variables, "--simulated-facts"), case.causes)
    print(f"     {case.name}: {'; '.join(fix['commands'])}", flush=True)
    variables = execute(fix["commands"], bench, variables)
    answer = check(arguments, bench, variables)
    if answer["verdict"] != "gpu-usable":
        raise Broken(f"after the repair tfdoctor says {answer['verdict']}: {', '.join(causes(answer))}")
    if variables["VIRTUAL_ENV"] != str(bench.root):  # it made another one
        bench = oracle.Bench(variables["VIRTUAL_ENV"], arguments.fakes, bench.folders)
    truth = oracle.ask(bench, variables)
    if not truth["gpus"]:
        raise Broken(f"after the repair TensorFlow lists no GPU: {truth}")
    # What is advice was not tried: tfdoctor knows not what pip will choose.
    if fix["safety"] != "advice":
        compare_facts(fix["simulated"], answer["facts"])


def home_for(bench):
    """A home folder of the test's own in which pip is configured as in the real one: some commands write there."""
    home = bench.root.parent / "home"
    for name in (".config/pip", ".pip"):
        if (pathlib.Path.home() / name).exists() and not (home / name).exists():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).symlink_to(pathlib.Path.home() / name)
    home.mkdir(exist_ok=True)
    return home


@contextlib.contextmanager
def empty_environment(case):
    with environments.scratch() as folder:
        python = next(filter(None, map(environments.find_python, case.pythons)))
        environments.run([python, "-m", "venv", folder / "env"])
        yield folder / "env"


def can_run(case):
    return not case.pythons or any(map(environments.find_python, case.pythons))


def judge(arguments, folders, case):
    """None, or a text that says what is wrong."""
    if not case.environment:
        started = time.monotonic()
        with empty_environment(case) as environment:
            return report(case, started, attempt(arguments, environment, folders, case))
    source = folders[case.environment]
    started = time.monotonic()
    before = fingerprint(source)
    with environments.scratch_copy(source) as copy:
        failure = attempt(arguments, copy, folders, case)
    if failure is None and fingerprint(source) != before:
        failure = f"the repair of the copy wrote into the original, {source}"
    return report(case, started, failure)


def attempt(arguments, environment, folders, case):
    try:
        repair(arguments, oracle.Bench(environment, arguments.fakes, folders), case)
        return None
    except (Broken, RuntimeError, subprocess.TimeoutExpired) as error:
        return str(error)


def report(case, started, failure):
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
    for case in mine:
        if not can_run(case):
            print(f"not run: {case.name} (no Python {' or '.join(case.pythons)} here)")
    mine = [case for case in mine if can_run(case)]
    if not arguments.all and arguments.only is None:
        downloading = [case for case in mine if not case.cheap]
        turn = downloading[real_test.commit_number() % len(downloading)]
        mine = [case for case in mine if case.cheap or case is turn]
        print(f"repairs of this commit's turn: {', '.join(case.name for case in mine)} (--all runs {len(REPAIRS)})")

    folders = environments.ensure_all({case.environment for case in mine if case.environment})
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        failures = list(pool.map(lambda case: judge(arguments, folders, case), mine))
    failed = sum(failure is not None for failure in failures)
    print(f"{len(failures) - failed} passed, {failed} failed")
    return 1 if failed or not failures else 0


if __name__ == "__main__":
    sys.exit(main())
