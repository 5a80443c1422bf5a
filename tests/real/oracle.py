"""Asks the real TensorFlow of an environment, under the stand-in for the driver, what it does; remembers the answers.

Nothing here is a golden file: an answer is asked again as soon as anything that it depends on has changed.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import platform
import shutil
import subprocess

import environments

HERE = pathlib.Path(__file__).resolve().parent
TRUTH = HERE / "truth.py"
# Long enough for the first import on a busy machine.
LIMIT_S = 300


@dataclasses.dataclass(frozen=True)
class Scenario:
    environment: str
    name: str
    # Below site-packages, patterns of what is not there.
    remove: tuple = ()
    # And of what is there, but as a file for another processor.
    foreign: tuple = ()
    # LD_LIBRARY_PATH before the driver's folder; {env} is this environment's site-packages, {NAME} that of another.
    library_path: tuple = ()
    variables: tuple = ()  # (name, value)
    gpu: str = "8.9"
    driver: str = "healthy"  # a key of DRIVERS
    # Causes for which the GPU may be called blocked although it is listed: they strike later, at the first operation.
    later: tuple = ()

    @property
    def title(self):
        return f"{self.environment}: {self.name}"


# What is in the driver's folder, and how it behaves.
DRIVERS = {
    "healthy": (("libcuda.so.1", "libnvidia-ml.so.1"), {}),
    "none": ((), {}),
    "no NVML": (("libcuda.so.1",), {}),
    "no libcuda": (("libnvidia-ml.so.1",), {}),
    # NVIDIA's link-time stub answers every call so.
    "stub": (("libcuda.so.1", "libnvidia-ml.so.1"), {"FAKE_GPU_FAULTS": "cuInit=34"}),
    "NVML fails": (("libcuda.so.1", "libnvidia-ml.so.1"), {"FAKE_GPU_FAULTS": "nvmlInit_v2=18"}),
}


class Bench:
    """One environment as a scenario has it: a scratch copy, the fake driver, the child processes' environment."""

    def __init__(self, environment, fakes, folders):
        self.root = pathlib.Path(environment)
        self.fakes = pathlib.Path(fakes).resolve()
        self.folders = folders
        self.work = self.root.parent / "work"  # where programs run: nothing in it can be imported
        self.work.mkdir(exist_ok=True)

    @contextlib.contextmanager
    def prepared(self, scenario):
        """Removes what the scenario lacks, gives the variables of the environment, and puts it all back."""
        packages = environments.site_packages(self.root)
        aside = self.root.parent / "removed"
        aside.mkdir()
        foreign = [path for pattern in scenario.foreign for path in sorted(packages.glob(pattern))]
        moved = [path for pattern in scenario.remove for path in sorted(packages.glob(pattern))] + foreign
        for path in moved:
            path.rename(aside / path.name)
        for path in foreign:
            elf = bytearray((aside / path.name).read_bytes())
            elf[18:20] = (183).to_bytes(2, "little")  # e_machine: EM_AARCH64
            path.write_bytes(elf)
        try:
            yield self.variables(scenario)
        finally:
            for path in moved:
                (aside / path.name).rename(path)
            aside.rmdir()

    def variables(self, scenario):
        files, knobs = DRIVERS[scenario.driver]
        driver = self.root.parent / ("driver " + scenario.driver).replace(" ", "-")
        if scenario.driver == "stub":
            driver = driver / "stubs"  # as in a toolkit
        if not driver.exists():
            driver.mkdir(parents=True)
            for name in files:
                shutil.copy(self.fakes / "driver" / name, driver)
        places = {n: environments.site_packages(f) for n, f in self.folders.items()}
        places["env"] = environments.site_packages(self.root)
        path = [place for entry in scenario.library_path for place in expand(entry, places)]
        return {
            "PATH": f"{self.root / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "VIRTUAL_ENV": str(self.root),
            "HOME": str(self.work),
            "LANG": "C.UTF-8",
            "LD_LIBRARY_PATH": ":".join([*path, str(driver)]),
            "FAKE_GPU_CC": scenario.gpu,
            **knobs,
            **dict(scenario.variables),
        }

    def relative(self, path):
        """The file behind a path, told apart from the place of the scratch copy."""
        if path is None:
            return None
        real = os.path.realpath(path)
        parent = os.path.realpath(self.root.parent)
        return "{scratch}" + real[len(parent) :] if real.startswith(parent + "/") else real


def expand(entry, places):
    """Folders of one entry of Scenario.library_path: "{place}/rest", where rest may be a pattern."""
    if not entry.startswith("{"):
        return [entry]
    place, _, rest = entry[1:].partition("}/")
    return [str(path) for path in sorted(places[place].glob(rest))]


def ask(bench, variables):
    def python(what):
        return subprocess.run(
            [bench.root / "bin" / "python", "-c", TRUTH.read_text(), what],
            env=variables,
            cwd=bench.work,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )

    result = python("list")
    if result.returncode != 0:
        said = result.stderr.strip().splitlines()[-3:]
        result = python("open")
        if result.returncode != 0:
            return {"gpus": [], "libraries": None, "died": said}
        answer = json.loads(result.stdout.splitlines()[-1])
        answer.update(gpus=[], died=said)
    else:
        answer = json.loads(result.stdout.splitlines()[-1])
    answer["libraries"] = {name: bench.relative(path) for name, path in answer["libraries"].items()}
    return answer


def digest(*parts):
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def bytes_of(path):
    try:
        return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def truth_file(scenario, fakes):
    """Where the answer for a scenario is remembered; the name is made from all that it depends on."""
    used = {n: environments.identity(n) for n in environments.BASES if any(n in e for e in scenario.library_path)}
    names = ("libcuda.so.1", "libnvidia-ml.so.1")
    key = digest(
        environments.identity(scenario.environment),
        used,
        dataclasses.asdict(dataclasses.replace(scenario, name="", later=())),
        DRIVERS[scenario.driver],
        [bytes_of(pathlib.Path(fakes) / "driver" / name) for name in names],
        [bytes_of(TRUTH), bytes_of(__file__)],
        # The rest of the machine that the loader looks at.
        [bytes_of("/etc/ld.so.cache"), bytes_of("/etc/ld.so.preload"), platform.libc_ver()],
    )
    return environments.cache_folder() / "truths" / f"{key[:32]}.json"


def truth(bench, scenario, variables):
    """What the real TensorFlow does; call it while the scenario is prepared."""
    file = truth_file(scenario, bench.fakes)
    if file.exists():
        return json.loads(file.read_text())
    answer = ask(bench, variables)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}-{id(bench)}")
    partial.write_text(json.dumps(answer))
    partial.rename(file)
    return answer
