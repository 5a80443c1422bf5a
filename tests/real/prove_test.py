#!/usr/bin/env python3
"""Does `tfdoctor prove` name the fault that was put in?

The real TensorFlow wheels are run by `tfdoctor prove`: on the CPU, where every step has to pass; and under the stand-ins
for the driver and the CUDA runtime, each time with one fault. Their kernels compute nothing, so no step that needs a
result may pass, and where nothing else is wrong the answer has to be gpu-computes-wrongly. Where the machine has a GPU,
the steps have to pass there, too.

usage: prove_test.py [--tfdoctor FILE] [--fakes FOLDER] [--all] [--only TEXT]

--all    every fault; else they rotate by commit
--only   what has TEXT in its title
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
import json_schema
import oracle
import scenarios
from real_test import ROOT, commit_number

SHARE = 9  # one fault in so many runs each time
LIMIT_S = 240
STEPS = ["devices", "add", "matmul", "memory-growth", "train-mlp", "train-cnn"]
GPU_ENVIRONMENTS = ("tf-2.21.0", "tf-2.20.0", "tf-2.15.1", "tf-2.10.1")
CPU_ENVIRONMENTS = ("tf-cpu-2.21.0", *GPU_ENVIRONMENTS)
# 2.10 knows nothing of pip's libraries: whoever uses it names them.
LIBRARY_PATH = {**scenarios.REPAIRED, "tf-2.10.1": ("{env}/nvidia/*/lib",)}
DEEP = ["precision", "xla", "all-gpus", "memory-fill", "load"]
SECONDS_ON_CPU = 30

MISSING = ("cuda-libraries-missing", "library-not-on-search-path", "pip-nvidia-libs-not-found", "cudnn-missing",
           "cuda-version-mismatch", "library-path-shadows")
MEMORY = ("gpu-memory-held-by-other-process", "model-or-batch-too-large", "memory-pool-starves-libraries",
          "gpu-memory-fragmentation")
NO_DRIVER = ("driver-library-missing", "no-nvidia-gpu", "driver-not-installed", "kernel-module-not-loaded",
             "docker-without-gpu-flag")
WITH_CUDA_12 = ("tf-2.21.0", "tf-2.20.0", "tf-2.15.1")
NAMED_BY_VERSION = {"cudnn": ("tf-2.15.1", "tf-2.10.1"), "nvjitlink": WITH_CUDA_12}
WRONG = ("gpu-computes-wrongly",)
ADD = ("add",)


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    causes: tuple  # one of them has to be named first; () where the fault has no name of its own: then only the step counts
    options: tuple = ()
    step: tuple = ("devices",)  # one of them has to be the first to fail
    faults: str = ""  # FAKE_GPU_FAULTS
    variables: tuple = ()
    remove: tuple = ()
    driver: str = "healthy"
    gpu: str = "8.9"
    # Part of the causes is enough: the fault does not stop anything by itself.
    beside: bool = False
    # Nothing of it can be seen before TensorFlow starts: check may say that the GPU works, and prove has to object.
    unforeseen: bool = False
    only: tuple = ()  # environments; empty: all
    limit: int = 120
    steps: str = ""  # --steps, where each would wait for long; empty: all


def faults():
    for number in (2, 3, 34, 46, 100, 101, 214, 304, 800, 802, 803, 804, 999):
        names = {34: ("stub-driver-library",), 214: ("gpu-hardware-fault",), 802: ("fabric-manager-not-running",),
                 804: ("cuda-compat-library-misused",)}
        yield Fault(f"cuInit={number}", names.get(number, ("driver-call-fails",)), faults=f"cuInit={number}")
    yield Fault("cuInit crashes", ("driver-call-fails",), faults="cuInit=crash")
    yield Fault("cuInit hangs", ("driver-call-fails",), faults="cuInit=hang", limit=8)
    yield Fault("cuDeviceGetCount=999", ("driver-call-fails", "uvm-missing"), faults="cuDeviceGetCount=999")
    for number in (2, 46, 214, 719, 999):
        yield Fault(f"context={number}", ("driver-call-fails", "gpu-hardware-fault", *MEMORY, "exclusive-compute-mode"),
                    faults=f"cuDevicePrimaryCtxRetain={number}")
    # Not cusparse, nor cuDNN 9: a newer CUDA in ld.so.cache may have them under the same sonames.
    for part in ("cublas", "cufft", "cusolver", "cudnn", "nvjitlink"):
        yield Fault(f"without {part}", MISSING, remove=(f"nvidia/{part}",), only=NAMED_BY_VERSION.get(part, ()))
    yield Fault("no libcuda", NO_DRIVER, driver="no libcuda")
    yield Fault("no driver", NO_DRIVER, driver="none")
    yield Fault("NVML is missing", ("nvml-library-missing",), driver="no NVML", only=("tf-2.21.0",))
    yield Fault("NVML fails", ("driver-library-version-mismatch", "driver-call-fails", "nvml-library-missing"),
                driver="NVML fails", only=("tf-2.21.0",))
    yield Fault("driver for CUDA 11.4", ("driver-too-old",), variables=(("FAKE_GPU_CUDA", "11040"), ("FAKE_GPU_DRIVER", "470.57.02")),
                only=WITH_CUDA_12)
    yield Fault("driver for CUDA 10.2", ("driver-too-old",), variables=(("FAKE_GPU_CUDA", "10020"), ("FAKE_GPU_DRIVER", "440.33.01")))
    yield Fault("compute capability 3.0", ("compute-capability-too-old",), gpu="3.0")
    yield Fault("compute capability 12.0", ("ptx-jit-slow-start", "compute-capability-too-new"), step=ADD, gpu="12.0", beside=True)
    # Where the build has code for the GPU, these numbers have no cause that could be named.
    for number in (209, 222, 700, 719):
        yield Fault(f"launch={number}", (), step=ADD, faults=f"cuLaunchKernel={number}")
    yield Fault("launch=214", ("gpu-hardware-fault",), step=ADD, faults="cuLaunchKernel=214")
    yield Fault("no kernel for compute capability 12.0", ("compute-capability-too-new",), step=ADD, gpu="12.0", faults="cuLaunchKernel=209")
    yield Fault("PTX too new for the driver", ("driver-too-old", "ptx-version-too-old", "compute-capability-too-new"), step=ADD, gpu="12.0", faults="cuLaunchKernel=222")
    yield Fault("100 MB of memory", MEMORY, step=ADD, steps="devices,add", variables=(("FAKE_GPU_MEMORY_MB", "100"),))
    yield Fault("all memory held", MEMORY, step=ADD, steps="devices,add", variables=(("FAKE_GPU_FREE_MB", "0"),))
    yield Fault("no memory can be taken", (), step=ADD, faults="cuMemAlloc_v2=2", limit=60)
    yield Fault("no stream can be made", (), step=("devices", "add"), faults="cuStreamCreate=2,cuStreamCreateWithPriority=2",
                unforeseen=True)
    yield Fault("an event fails", (), step=ADD, faults="cuEventQuery=700,cuStreamSynchronize=700")
    for device in ("0", "1"):
        yield Fault(f"no context on device {device} of two", ("driver-call-fails",),
                    variables=(("FAKE_GPU_COUNT", "2"), ("FAKE_GPU_NO_CONTEXT", device)))
    for value in ("-1", "", "7", "nonsense"):
        yield Fault(f"CUDA_VISIBLE_DEVICES={value}", ("cuda-visible-devices",), variables=(("CUDA_VISIBLE_DEVICES", value),))
    yield Fault("growth=yes", ("tensorflow-variable-invalid",), step=ADD,
                variables=(("TF_FORCE_GPU_ALLOW_GROWTH", "yes"),), beside=True)
    yield Fault("allocator that is not supported", ("tensorflow-variable-invalid",),
                variables=(("TF_GPU_ALLOCATOR", "cuda_malloc_async"),), unforeseen=True)
    yield Fault("flag of XLA that is none", ("xla-flags-invalid",), variables=(("XLA_FLAGS", "--xla_no_such_flag=1"),),
                unforeseen=True, only=("tf-2.21.0",))
    yield Fault("kernels compute nothing", WRONG, step=ADD)
    yield Fault("with Python, kernels compute nothing", WRONG, step=ADD, options=("--with-python",), only=WITH_CUDA_12)
    yield Fault("with Python, CUDA_VISIBLE_DEVICES=-1", ("cuda-visible-devices",), variables=(("CUDA_VISIBLE_DEVICES", "-1"),),
                options=("--with-python",), only=WITH_CUDA_12)
    yield Fault("two GPUs, kernels compute nothing", WRONG, step=ADD, variables=(("FAKE_GPU_COUNT", "2"),),
                options=("--deep", "--load-seconds", "1"))


def run(arguments, bench, variables, *options):
    """(answer, what is wrong with the run itself)"""
    command = [arguments.tfdoctor, "prove", "--format", "json", *options]
    started = time.monotonic()
    before = sorted(bench.work.rglob("*"))
    done = subprocess.run(command, env=variables, cwd=bench.work, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    wrong = [f"{path} was written" for path in sorted(bench.work.rglob("*")) if path not in before]  # it is also HOME
    if done.returncode not in (0, 1, 3) or done.stderr:
        return None, [f"ended with {done.returncode}: {done.stderr[-300:]}"]
    try:
        answer = json_schema.parsed(done.stdout)
    except ValueError as error:
        return None, [f"the answer is {error}"]
    answer["wall"] = time.monotonic() - started
    if (done.returncode == 0) != all(step["state"] == "passed" for step in answer["steps"]):
        wrong.append(f"exit status {done.returncode}")
    return answer, wrong


def on_cpu(arguments, bench, name, *options):
    """Every step passes, in time, as a TensorFlow without a GPU has it."""
    steps = [*STEPS, *DEEP] if "--deep" in options else STEPS
    variables = bench.variables(oracle.Scenario(name, "on the CPU", driver="none"))
    answer, wrong = run(arguments, bench, variables, "--device", "CPU:0", *options)
    if answer is None:
        return "", wrong
    for step in answer["steps"]:
        if step["state"] != "passed" or step["device"] != "CPU:0":
            wrong.append(f"{step['name']} {step['state']} on {step['device']}: {step['message']}")
    if [step["name"] for step in answer["steps"]] != steps:
        wrong.append("not all steps were run")
    if answer["verdict"] not in ("gpu-blocked", "unknown"):
        wrong.append(f"verdict {answer['verdict']} of a run on the CPU")
    if answer["wall"] > SECONDS_ON_CPU and not options:
        wrong.append(f"{answer['wall']:.0f} s, at most {SECONDS_ON_CPU}")
    return f"{len(steps)} steps in {answer['wall']:.1f} s", wrong


def in_its_python(arguments, bench, name, python):
    """As on_cpu() with Python, in an environment that was laid out without one: it is given it."""
    link = bench.root / "bin/python"
    link.unlink()
    link.symlink_to(python)
    config = bench.root / "pyvenv.cfg"
    home, _, rest = config.read_text().partition("\n")
    config.unlink()  # it may be a hard link to another environment's
    config.write_text(f"home = {python.parent}\n{rest}")
    return on_cpu(arguments, bench, name, "--with-python")


def with_fault(arguments, bench, name, fault):
    scenario = oracle.Scenario(
        name, fault.name, remove=fault.remove, driver=fault.driver, gpu=fault.gpu,
        library_path=(str(bench.fakes / "runtime"), *LIBRARY_PATH[name]),
        variables=(*fault.variables, *((("FAKE_GPU_FAULTS", fault.faults),) if fault.faults else ())))
    with bench.prepared(scenario) as variables:
        answer, wrong = run(arguments, bench, variables, "--time-limit", str(fault.limit), "--driver-limit", "2",
                            *(("--steps", fault.steps) if fault.steps else ()), *fault.options)
    if answer is None:
        return "", wrong
    steps = {step["name"]: step for step in answer["steps"]}
    for step in answer["steps"]:
        if step["state"] == "passed" and step["name"] != "devices":
            wrong.append(f"{step['name']} passed, where nothing is computed")
    failed = [step["name"] for step in answer["steps"] if step["state"] == "failed"]
    if not failed or failed[0] not in fault.step:
        wrong.append(f"the first step to fail is {failed[:1]}, expected {fault.step}: {steps[failed[0]]['message'] if failed else ''}")
    named = [cause["id"] for cause in answer["causes"]]
    first = set(named) if fault.beside else set(named[:1])
    if fault.causes and not first & set(fault.causes):
        wrong.append(f"names {named[:4]}, put in was one of {fault.causes}")
    if answer["verdict"] in ("gpu-usable", "gpu-degraded"):
        wrong.append(f"verdict {answer['verdict']}")
    if "disagreement" in answer["proof"] and not fault.unforeseen:
        wrong.append("check and prove disagree: " + answer["proof"]["disagreement"])
    return f"{answer['wall']:.1f} s, {failed[0] if failed else 'nothing'} fails, {named[:1]}", wrong


def on_gpu(arguments, bench, name):
    """On a real one: as it is used, all passes."""
    variables = {**os.environ, **bench.variables(oracle.Scenario(name, "on the GPU", driver="none", library_path=LIBRARY_PATH[name]))}
    answer, wrong = run(arguments, bench, variables)
    if answer is None:
        return "", wrong
    for step in answer["steps"]:
        print(f"       {step['name']} {step['state']} {step['seconds']:.2f} s {json.dumps(step['figures'])} {step['message']}")
        if step["state"] != "passed":
            wrong.append(f"{step['name']} {step['state']}: {step['message']}")
    return f"6 steps in {answer['wall']:.1f} s", wrong


def chosen(arguments):
    """(title, function, arguments) by environment, and how many rotate out."""
    jobs, out = {}, 0
    turn = commit_number() % SHARE
    for name in dict.fromkeys(CPU_ENVIRONMENTS + GPU_ENVIRONMENTS):
        mine, last = jobs.setdefault(name, []), None
        if name in CPU_ENVIRONMENTS:
            mine.append((f"{name}: on the CPU", on_cpu, ()))
        with_python = f"{name}: on the CPU, with Python"
        if name in environments.LAID_OUT:
            python = environments.find_python(environments.LAID_OUT[name])
            if python is None:
                print(f"not run {with_python}: there is no Python {environments.LAID_OUT[name]} here")
            elif arguments.all or arguments.only:
                last = (with_python, in_its_python, (python,))
        elif arguments.all or arguments.only or name == "tf-cpu-2.21.0":
            mine.append((with_python, on_cpu, ("--with-python",)))
        if arguments.all or arguments.only or name == "tf-cpu-2.21.0":
            mine.append((f"{name}: on the CPU, deep", on_cpu, ("--deep", "--load-seconds", "2")))
        if name not in GPU_ENVIRONMENTS:
            continue
        if pathlib.Path("/dev/nvidiactl").exists():
            mine.append((f"{name}: on the GPU", on_gpu, ()))
        for i, fault in enumerate(fault for fault in faults() if not fault.only or name in fault.only):
            if arguments.all or arguments.only or i % SHARE == turn or (fault.causes == WRONG and not fault.options):
                mine.append((f"{name}: {fault.name}", with_fault, (fault,)))
            else:
                out += 1
        mine += [last] if last else []  # it changes the environment
    if arguments.only:
        jobs = {name: [job for job in mine if arguments.only in job[0]] for name, mine in jobs.items()}
    return {name: mine for name, mine in jobs.items() if mine}, out


def in_environment(arguments, folders, name, jobs):
    with environments.scratch_copy(folders[name]) as copy:
        bench = oracle.Bench(copy, arguments.fakes, folders)
        failed = 0
        for title, function, more in jobs:
            said, wrong = function(arguments, bench, name, *more)
            failed += bool(wrong)
            print("\n".join([f"{'FAIL' if wrong else 'ok  '} {title}: {said}", *(f"       {line}" for line in wrong)]), flush=True)
        return len(jobs), failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tfdoctor", default=ROOT / "build" / "tfdoctor", type=pathlib.Path)
    parser.add_argument("--fakes", default=ROOT / "build" / "fakes", type=pathlib.Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only")
    arguments = parser.parse_args()
    arguments.tfdoctor = arguments.tfdoctor.resolve()

    jobs, out = chosen(arguments)
    folders = environments.ensure_all(jobs)
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(in_environment, arguments, folders, name, mine) for name, mine in jobs.items()]
        counts = [future.result() for future in futures]
    count, failed = sum(c for c, _ in counts), sum(f for _, f in counts)
    print(f"{time.monotonic() - started:.0f} s; {out} faults wait for another commit's turn (--all runs them)")
    print(f"{count - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
