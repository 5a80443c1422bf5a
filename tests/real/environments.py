#!/usr/bin/env python3
"""Virtual environments with real TensorFlow wheels, kept in a cache folder.

Each environment is what a lock file in locks/ lists, exactly. It lies in <cache>/envs/<name>-<hash>, where the hash is
of all that it is made from; the cache is $TFDOCTOR_CACHE, else ~/.cache/tfdoctor. Several processes may ask at once.

usage: environments.py [--list] [NAME…]     creates what is missing and prints the folders (default: all)
"""

import concurrent.futures
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

PYTHON = "/usr/bin/python3"
LOCKS = pathlib.Path(__file__).resolve().parent / "locks"
COMPLETE = ".complete"

# An environment that starts as a copy (hard links) of another needs only the packages that differ: a fifth of the time
# and of the disk.
BASES = {
    "tf-2.21.0": None,
    "tf-2.16.1": None,
    "tf-2.15.1": None,
    "tf-2.10.1": None,
    "tf-cpu-2.21.0": None,
    "tf-2.20.0": "tf-2.21.0",
    "tf-2.20.0-torch": "tf-2.20.0",
    "jupyter": None,
}
# What shows that an environment works.
IMPORTS = {"jupyter": "ipykernel, jupyter_client"}
# Where the benchmark measures: all bytecode is there, as after an ordinary pip install. Elsewhere Python writes the
# bytecode of what it imports at the first import, which saves a minute for each environment.
WITH_BYTECODE = {"tf-2.21.0"}
# What has no wheel for this machine's Python is laid out from the wheels of another one, whose interpreter is not there:
# nothing can be run in it but what needs none. Name -> version of that Python.
LAID_OUT = {"tf-2.10.1": "3.10"}


def log(text):
    print(text, file=sys.stderr, flush=True)


def cache_folder():
    return pathlib.Path(os.environ.get("TFDOCTOR_CACHE") or pathlib.Path.home() / ".cache" / "tfdoctor")


def lock_of(name):
    return LOCKS / f"{name}.txt"


def pins(name):
    """The lines of a lock file: normalised distribution name -> version."""
    found = {}
    for line in lock_of(name).read_text().splitlines():
        if line and not line.startswith("#"):
            distribution, version = line.split("==")
            found[normalised(distribution)] = version
    return found


def normalised(distribution):
    return re.sub(r"[-_.]+", "-", distribution).lower()


def identity(name):
    """Hash of all that an environment is made from."""
    text = "\n".join(f"{n}=={v}" for n, v in sorted(pins(name).items()))
    made_from = [text, sys.platform, subprocess.check_output([PYTHON, "--version"], text=True)]
    made_from.append(identity(BASES[name]) if BASES[name] else str(name in WITH_BYTECODE))
    return hashlib.sha256("\0".join(made_from).encode()).hexdigest()[:12]


def folder_of(name):
    return cache_folder() / "envs" / f"{name}-{identity(name)}"


def site_packages(environment):
    (found,) = pathlib.Path(environment).glob("lib/python3.*/site-packages")
    return found


def run(command, **options):
    """Runs a command that must succeed; its output is shown only if it does not."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit status {result.returncode}\n{result.stdout}")
    return result.stdout


def relocate(environment, place):
    """Makes the scripts of an environment name `place` as their own, wherever they came from.

    A file is replaced, never written into: it may be a hard link to another environment's.
    """
    old = None
    config = environment / "pyvenv.cfg"
    for line in config.read_text().splitlines():
        if line.startswith("command = "):
            old = line.split()[-1]
    if old is None or old == str(place):
        return
    for path in [config, *(environment / "bin").iterdir()]:
        if path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        changed = data.replace(old.encode(), str(place).encode())
        if changed != data:
            replacement = path.with_name(path.name + ".new")
            replacement.write_bytes(changed)
            shutil.copymode(path, replacement)
            replacement.rename(path)


def copy(source, target):
    """A copy of an environment by hard links, in a second and without disk space. Its files must be replaced or
    removed, as pip does, never written into."""
    run(["cp", "-al", source, target])
    (target / COMPLETE).unlink(missing_ok=True)
    relocate(target, target)
    return target


@contextlib.contextmanager
def scratch():
    """A folder on the cache's file system, removed at the end."""
    parent = cache_folder() / "scratch"
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.iterdir():
        owner = left.name.split("-")[0]
        if owner.isdigit() and not pathlib.Path("/proc", owner).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def scratch_copy(source):
    """A copy of an environment to be broken, and removed at the end."""
    with scratch() as folder:
        yield copy(source, folder / "env")


def pip(environment, *arguments):
    return run([environment / "bin" / "python", "-m", "pip", "--disable-pip-version-check", *arguments])


def installed(environment):
    """What pip finds there: normalised name -> version; without pip and setuptools, which Debian's venv brings."""
    found = {}
    for line in pip(environment, "freeze", "--all").splitlines():
        distribution, _, version = line.partition("==")
        found[normalised(distribution)] = version
    return {n: v for n, v in found.items() if n not in ("pip", "setuptools")}


def unpack(version, site, *requirements):
    """Installs wheels for that Python, which need not be there, into a folder of its site-packages."""
    platforms = [f"--platform={p}_x86_64" for p in ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux2010", "manylinux1")]
    with tempfile.TemporaryDirectory() as scratch:
        run([PYTHON, "-m", "venv", scratch])
        pip(pathlib.Path(scratch), "install", "--quiet", "--no-cache-dir", "--no-compile", "--no-deps", "--only-binary=:all:",
            f"--python-version={version}", *platforms, "--target", site, *requirements)


def lay_out(name, partial, place):
    """As a virtual environment of that Python would be, but for an interpreter that works."""
    version = LAID_OUT[name]
    site = partial / "lib" / f"python{version}" / "site-packages"
    for folder in (site, partial / "bin", partial / "base" / "bin", partial / "base" / "lib" / f"python{version}"):
        folder.mkdir(parents=True)
    (partial / "base" / "lib" / f"python{version}" / "os.py").touch()
    shutil.copy("/bin/false", partial / "base" / "bin" / f"python{version}")
    (partial / "bin" / "python").symlink_to(f"../base/bin/python{version}")
    (partial / "pyvenv.cfg").write_text(
        f"home = {place}/base/bin\ninclude-system-site-packages = false\nversion = {version}.0\n")
    unpack(version, site, "--requirement", lock_of(name))
    found = {}
    for folder in site.glob("*.dist-info"):
        distribution, _, number = folder.name.removesuffix(".dist-info").partition("-")
        found[normalised(distribution)] = number
    if found != pins(name):
        raise RuntimeError(f"{name}: what pip installed is not what {lock_of(name)} lists")


def find_python(version):
    """An interpreter of this version ("3.10") on PATH or of pyenv; None: there is none."""
    folders = [pathlib.Path(folder) for folder in os.environ.get("PATH", "").split(":") if folder]
    folders += sorted(pathlib.Path.home().glob(f".pyenv/versions/{version}.*/bin"))
    for folder in folders:
        python = folder / f"python{version}"
        works = python.exists() and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
        if works and b"\0" in python.resolve().read_bytes()[:64]:  # no script that chooses one
            return python.resolve()
    return None


def build(name, partial, place):
    if name in LAID_OUT:
        return lay_out(name, partial, place)
    base = BASES[name]
    if base:
        copy(ensure(base), partial)
        surplus = sorted(set(pins(base)) - set(pins(name)))
        if surplus:
            pip(partial, "uninstall", "--yes", "--quiet", *surplus)
    else:
        run([PYTHON, "-m", "venv", partial])
    bytecode = "--compile" if name in WITH_BYTECODE else "--no-compile"
    # The downloads are several gigabytes, and of no use once they are unpacked.
    pip(partial, "install", "--quiet", "--no-cache-dir", bytecode, "--requirement", lock_of(name))
    if installed(partial) != pins(name):
        raise RuntimeError(f"{name}: what pip installed is not what {lock_of(name)} lists")
    run([partial / "bin" / "python", "-c", f"import {IMPORTS.get(name, 'tensorflow')}"])
    relocate(partial, place)


def ensure(name):
    """The folder of an environment, created if it is not there or not complete."""
    place = folder_of(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place.parent / f".{name}.lock", "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if (place / COMPLETE).exists():
            return place
        started = time.monotonic()
        for old in place.parent.iterdir():
            if re.fullmatch(re.escape(name) + r"-[0-9a-f]{12}(\.partial)?", old.name):
                shutil.rmtree(old)
        partial = place.with_name(place.name + ".partial")
        build(name, partial, place)
        (partial / COMPLETE).touch()
        partial.rename(place)
        size = run(["du", "-sm", place]).split()[0]
        log(f"{name}: created in {time.monotonic() - started:.0f} s, {size} MB")
        return place


def ensure_all(names=None):
    """Folders of environments by name. Two are made at a time: pip waits for the network as often as for the disk."""
    names = list(names or BASES)
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        folders = dict(zip(names, pool.map(ensure, names)))
    if time.monotonic() - started > 1:
        log(f"environments: {time.monotonic() - started:.0f} s")
    return folders


def main():
    arguments = sys.argv[1:]
    if "--list" in arguments:
        print("\n".join(BASES))
        return 0
    unknown = [name for name in arguments if name not in BASES]
    if unknown:
        print(f"no such environment: {', '.join(unknown)}\n{__doc__}", file=sys.stderr)
        return 2
    for name, folder in ensure_all(arguments).items():
        print(f"{name} {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
