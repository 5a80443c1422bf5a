#!/usr/bin/env python3
"""Does tfdoctor predict what the Pythons of other Debian releases find?

Each release that the machine's own package mirror serves becomes a root file system (debootstrap), kept in the cache. The
oracle of tests/unit/python_oracle_test.cpp, linked statically, is carried into each and run by chroot: it makes environments
by a seed, predicts, and asks the interpreter there. On this machine it runs once more with environments that the real
virtualenv and uv make. Then come editable installs by the real setuptools, hatchling and flit.

usage: roots_test.py [--oracle FILE] [--tfdoctor FILE] [--combinations N] [--all]

Needs root (chroot). To make a root takes a minute: without --all those that are not in the cache rotate by commit, and it
is said which wait. With all of them it fails if the Pythons met are of fewer than three versions.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.error
import urllib.request

import environments
import json_schema
from real_test import commit_number

ROOT = pathlib.Path(__file__).resolve().parents[2]
# By age. Older ones are on no mirror any more.
RELEASES = ("bullseye", "bookworm", "trixie", "forky", "sid")
SHARE = 5  # one root in so many is made each time
LIMIT_S = 900
TOOLS = ("uv", "virtualenv", "setuptools", "wheel", "hatchling", "editables", "flit_core")
ORACLE = "PythonOracle.PredictsWhatTheInterpreterSays"


def mirror():
    """Where this machine gets Debian's packages from: the site of its own release."""
    lines = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(COMPONENT) $(RELEASE)"], capture_output=True,
                           text=True, check=True).stdout.splitlines()
    for line in lines:
        site, component, release = (line.split() + ["", "", ""])[:3]
        if component == "main" and release in ("stable", "oldstable", *RELEASES):
            return site
    raise SystemExit("this machine's list of packages names no mirror of Debian")


def is_served(site, release):
    try:
        urllib.request.urlopen(urllib.request.Request(f"{site}/dists/{release}/Release", method="HEAD"), timeout=30).close()
        return True
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return False
        raise


def place_of(release):
    return environments.cache_folder() / "roots" / release


def make_root(site, release):
    """The folder of the release's root file system; made where it is not in the cache."""
    place = place_of(release)
    if (place / environments.COMPLETE).exists():
        return place
    started = time.monotonic()
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    # A release that debootstrap does not know yet is made as the newest that it knows.
    script = pathlib.Path("/usr/share/debootstrap/scripts")
    command = ["debootstrap", "--variant=minbase", "--include=python3", release, place, site]
    if not (script / release).exists():
        command.append(script / "sid")
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        raise SystemExit(f"debootstrap {release}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    shutil.rmtree(place / "var/cache/apt", ignore_errors=True)
    shutil.rmtree(place / "var/lib/apt/lists", ignore_errors=True)
    (place / environments.COMPLETE).touch()
    environments.log(f"{release}: made in {time.monotonic() - started:.0f} s")
    return place


def judge(output, status, where):
    """How many combinations each interpreter had: {"/usr/bin/python3": 60}; none where one failed."""
    counts = {path: int(count) for path, count in re.findall(r"^(/\S+): (\d+) combinations$", output, re.M)}
    if status != 0 or not counts:
        print(f"FAILED  {where}\n{output[-6000:]}")
        return {}
    return counts


def in_root(arguments, release, root):
    program = root / "tmp/oracle"
    shutil.copy(arguments.oracle, program)
    done = subprocess.run(
        ["chroot", root, "/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
         f"TFDOCTOR_ORACLE_COMBINATIONS={arguments.combinations}", "/tmp/oracle", f"--gtest_filter={ORACLE}"],
        capture_output=True, text=True, errors="replace", timeout=LIMIT_S, check=False)
    program.unlink()
    counts = judge(done.stdout + done.stderr, done.returncode, release)
    version = subprocess.run(["chroot", root, "/usr/bin/python3", "-c", "import sys; print(sys.version.split()[0])"],
                             capture_output=True, text=True, check=True).stdout.strip()
    return version, sum(counts.values())


def make_tools():
    """A virtual environment with the programs that make environments and editable installs."""
    place = environments.cache_folder() / "python-tools"
    if not (place / environments.COMPLETE).exists():
        shutil.rmtree(place, ignore_errors=True)
        environments.run([environments.PYTHON, "-m", "venv", place])
        environments.pip(place, "install", "--quiet", "--no-cache-dir", "--upgrade", *TOOLS)
        (place / environments.COMPLETE).touch()
    return place


def with_tools(arguments, tools):
    variables = {**os.environ, "TFDOCTOR_ORACLE_TOOLS": str(tools / "bin"), "UV_PYTHON_DOWNLOADS": "never",
                 "TFDOCTOR_ORACLE_COMBINATIONS": str(arguments.combinations)}
    done = subprocess.run([arguments.oracle, f"--gtest_filter={ORACLE}"], env=variables, capture_output=True, text=True,
                          errors="replace", timeout=LIMIT_S, check=False)
    counts = judge(done.stdout + done.stderr, done.returncode, "virtualenv and uv")
    made = {kind: int(count) for kind, count in re.findall(r"^made by (\w+): (\d+)$", done.stdout, re.M)}
    if not made.get("uv") or not made.get("virtualenv"):
        print(f"FAILED  virtualenv and uv made {made}")
        return 0, made
    return sum(counts.values()), made


# Requirement, backend, the rest of pyproject.toml, and where the module lies.
BACKENDS = {
    "setuptools, its finder": ("setuptools", "setuptools.build_meta",
                               "[tool.setuptools]\npackages = ['ml_dtypes']\npackage-dir = {ml_dtypes = 'odd/place'}\n", "odd/place"),
    "setuptools, a folder": ("setuptools", "setuptools.build_meta",
                             "[tool.setuptools.packages.find]\nwhere = ['src']\n", "src/ml_dtypes"),
    "hatchling": ("hatchling", "hatchling.build", "[tool.hatch.build.targets.wheel]\npackages = ['src/ml_dtypes']\n",
                  "src/ml_dtypes"),
    "hatchling, exact": ("hatchling", "hatchling.build",
                         "[tool.hatch.build]\ndev-mode-exact = true\n"
                         "[tool.hatch.build.targets.wheel]\npackages = ['src/ml_dtypes']\n", "src/ml_dtypes"),
    "flit": ("flit_core", "flit_core.buildapi", "[tool.flit.module]\nname = 'ml_dtypes'\n", "ml_dtypes"),
}


def editable(arguments, tools, name, folder):
    requires, backend, rest, module = BACKENDS[name]
    project = folder / "project"
    (project / module).mkdir(parents=True)
    (project / module / "__init__.py").write_text('"""Made."""\n__version__ = "9.9"\n')
    (project / "pyproject.toml").write_text(textwrap.dedent(f"""\
        [build-system]
        requires = ["{requires}"]
        build-backend = "{backend}"
        [project]
        name = "ml_dtypes"
        version = "9.9"
        description = "made"
        """) + rest)
    environment = folder / "env"
    environments.run([environments.PYTHON, "-m", "venv", "--without-pip", environment])
    site = environments.site_packages(tools)
    environments.run([tools / "bin/python", "-m", "pip", "--disable-pip-version-check", "--python", environment / "bin/python",
                      "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", project],
                     env={**os.environ, "PYTHONPATH": str(site)})
    if name == "hatchling, exact":  # what pip would have brought along
        shutil.copytree(site / "editables", environments.site_packages(environment) / "editables")
    truth = environments.run([environment / "bin/python", "-c",
                              "import importlib.util as u; print(u.find_spec('ml_dtypes').origin)"], cwd=folder).strip()
    said = subprocess.run([arguments.tfdoctor, "--python", environment, "--format", "json", "--facts"], cwd=folder,
                          capture_output=True, text=True, timeout=LIMIT_S, check=False).stdout
    fact = json_schema.parsed(said)["facts"]["python"]["modules"]["value"].get("ml_dtypes", {})
    found = fact.get("path", {}).get("value", f"{fact}")
    if os.path.dirname(truth) != found.removesuffix("/__init__.py"):
        print(f"FAILED  editable install by {name}: Python takes {truth}, tfdoctor says {found}")
        return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", default=ROOT / "build/tests/python_oracle_static", type=pathlib.Path)
    parser.add_argument("--tfdoctor", default=ROOT / "build/tfdoctor", type=pathlib.Path)
    parser.add_argument("--combinations", default=60, type=int, help="in each root, and with virtualenv and uv")
    parser.add_argument("--all", action="store_true", help="each release; else one in five, and those in the cache")
    arguments = parser.parse_args()
    arguments.tfdoctor = arguments.tfdoctor.resolve()
    if os.geteuid() != 0:
        print("roots_test.py not run: it needs root")
        return 0
    started = time.monotonic()
    site = mirror()
    served = [release for release in RELEASES if is_served(site, release)]
    turn = commit_number() % SHARE
    mine = [release for i, release in enumerate(served)
            if arguments.all or i % SHARE == turn or (place_of(release) / environments.COMPLETE).exists()]
    tools = make_tools()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        roots = dict(zip(mine, pool.map(lambda release: make_root(site, release), mine)))
        results = dict(zip(mine, pool.map(lambda release: in_root(arguments, release, roots[release]), mine)))
    failed = total = 0
    for release, (version, count) in results.items():
        print(f"{'ok  ' if count else 'FAIL'} {release}: Python {version}, {count} combinations")
        total, failed = total + count, failed + (not count)
    versions = sorted({version.rsplit(".", 1)[0] for version, _ in results.values()}, key=lambda v: int(v.split(".")[1]))
    if mine != served:
        print(f"{', '.join(r for r in served if r not in mine)} wait for another commit's turn (--all makes them)")
    elif len(versions) < 3:
        print(f"FAILED  only these versions of Python: {versions}")
        failed += 1
    count, made = with_tools(arguments, tools)
    print(f"{'ok  ' if count else 'FAIL'} this machine: {count} combinations, made by uv {made.get('uv', 0)}, by virtualenv {made.get('virtualenv', 0)}")
    total, failed = total + count, failed + (not count)
    for name in BACKENDS:
        with tempfile.TemporaryDirectory(prefix="tfdoctor-editable-") as folder:
            right = editable(arguments, tools, name, pathlib.Path(folder).resolve())
        print(f"{'ok  ' if right else 'FAIL'} editable install by {name}")
        total, failed = total + right, failed + (not right)
    print(f"Python {', '.join(versions)}; {time.monotonic() - started:.0f} s")
    print(f"{total} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
