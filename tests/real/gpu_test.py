#!/usr/bin/env python3
"""Does tfdoctor say what the real driver of this machine says?

usage: gpu_test.py TFDOCTOR LAY_ENVIRONMENT       its answers against nvidia-smi's; the environment is made up
       gpu_test.py TFDOCTOR --wheels ENVIRONMENT  its verdict against the real TensorFlow of that environment

Where no GPU is (no /dev/nvidiactl), nothing is tested: the exit status is 77, which ctest does not count as passed.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import json_schema

NOT_RUN = 77
LIMIT_S = 300
SMI_FIELDS = ("name", "pci.bus_id", "driver_version", "compute_cap", "memory.total", "compute_mode")

failures = []


def check(said, expected, what):
    if said != expected:
        failures.append(f"{what}: tfdoctor says {said!r}, the oracle {expected!r}")


def value(fact):
    """A fact as a plain value; None when absent, "unknown: why" when unknown."""
    if not isinstance(fact, dict):
        return fact
    if "state" not in fact:
        return {key: value(inner) for key, inner in fact.items()}
    if fact["state"] == "value":
        return value(fact["value"])
    return None if fact["state"] == "absent" else "unknown: " + fact["why"]


def ask(tfdoctor, python, *flags, **variables):
    environment = {k: v for k, v in os.environ.items() if k not in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")}
    environment.update(variables)
    done = subprocess.run([tfdoctor, "--python", python, "--format", "json", "--facts", *flags], env=environment,
                          capture_output=True, timeout=LIMIT_S, check=False)
    answer = json_schema.parsed(done.stdout)
    return answer, value(answer["facts"]["driver_answers"])


def of_smi():
    """What nvidia-smi lists: a dictionary for each GPU."""
    done = subprocess.run(["nvidia-smi", "--query-gpu=" + ",".join(SMI_FIELDS), "--format=csv,noheader,nounits"],
                          capture_output=True, text=True, timeout=LIMIT_S, check=True)
    return [dict(zip(SMI_FIELDS, (field.strip() for field in line.split(",")))) for line in done.stdout.splitlines()]


def address(text):
    """"00000000:0A:00.0" as sysfs writes it."""
    return text.lower()[4:] if len(text) == 16 else text.lower()


def made_environment(layer, folder):
    real = os.path.realpath("/usr/bin/python3")
    env = pathlib.Path(folder) / "env"
    (env / "bin").mkdir(parents=True)
    (env / "bin/python").symlink_to(real)
    dotted = os.path.basename(real).removeprefix("python")
    (env / "pyvenv.cfg").write_text(f"home = {os.path.dirname(real)}\ninclude-system-site-packages = false\n")
    subprocess.run([layer, env / f"lib/python{dotted}/site-packages", "2.20.0"], check=True)
    return env


def against_smi(tfdoctor, layer):
    if shutil.which("nvidia-smi") is None:
        print("not run: no nvidia-smi here")
        return NOT_RUN
    gpus = of_smi()
    with tempfile.TemporaryDirectory(prefix="tfdoctor-gpu-") as folder:
        python = made_environment(layer, folder)
        answer, facts = ask(tfdoctor, python)
        hidden, without = ask(tfdoctor, python, CUDA_VISIBLE_DEVICES="-1")
        against_variables(tfdoctor, python)
    print(f"{len(gpus)} GPU(s): {', '.join(gpu['name'] for gpu in gpus)}; verdict {answer['verdict']}")
    check(facts["asked"], True, "whether the driver was asked")
    check(facts["nvml_init"], "0", "nvmlInit")
    check(facts["nvml_driver_version"], gpus[0]["driver_version"], "version of the driver")
    listed = {device["pci_address"]: device for device in facts["nvml_devices"].values()}
    check(sorted(listed), sorted(address(gpu["pci.bus_id"]) for gpu in gpus), "GPUs that NVML lists")
    for gpu in gpus:
        device = listed.get(address(gpu["pci.bus_id"]), {})
        check(device.get("name"), gpu["name"], "name")
        check(device.get("compute_capability"), gpu["compute_cap"], "compute capability")
        # nvidia-smi takes off what the driver reserves for itself, NVML's older call does not.
        mebibytes = int(device.get("total_memory") or 0) >> 20
        if abs(mebibytes - int(float(gpu["memory.total"]))) > 1024:
            check(mebibytes, gpu["memory.total"], "total memory in MiB")
    # Of libcuda's devices each is one of NVML's, with the same capability (MIG makes several of one).
    for device in (facts["devices"] or {}).values():
        check(device["compute_capability"], listed.get(device["pci_address"], {}).get("compute_capability"),
              "compute capability of libcuda's device")
        if device["context"] == "0":
            check(0 < int(device["free_memory"]) <= int(device["total_memory"]), True, "free memory within the total")
    if facts["init"] == "0":
        check(without["init"], "100", "cuInit with CUDA_VISIBLE_DEVICES=-1")
        check(without["count_unhidden"], facts["count"], "devices without the variable")
        check(hidden["causes"][0]["id"], "cuda-visible-devices", "root cause with CUDA_VISIBLE_DEVICES=-1")
    return 0


# What the driver makes of the two variables. UUIDs only it knows.
VALUES = ("0", "+0", "-0", "0x0", "0x1", "00", "0.5", "0abc", "0 1", "0;1", " 0", "0 ", "0,", "0,,0", "0,-1", "0,abc",
          "4294967296", "-1", "", " ", ",0", "all", "none", "O", "[0]", "GPU", "GPU-", "GPU:0", " GPU-0", "+ 0",
          "4294967295", "99999999999999999999999", "0,0", " 0 , 0 ", "0,0x0", "0,0abc", "99", "099", "99,0")
ORDERS = ("FASTEST_FIRST", "PCI_BUS_ID", "pci_bus_id", "", "PCI_BUS_ID ", "0")


def against_variables(tfdoctor, python):
    """What tfdoctor makes of them without the driver against what cuInit does."""
    cases = [{"CUDA_VISIBLE_DEVICES": value} for value in VALUES] + [{"CUDA_DEVICE_ORDER": value} for value in ORDERS]
    for variables in cases:
        _, driver = ask(tfdoctor, python, **variables)
        answer, _ = ask(tfdoctor, python, "--no-driver-calls", **variables)
        hidden = any(cause["link"] == "visibility" and cause["state"] == "holds" for cause in answer["causes"])
        check(hidden, driver["init"] != "0", f"{variables}: whether it hides every GPU")


def against_tensorflow(tfdoctor, environment):
    python = pathlib.Path(environment) / "bin/python"
    program = ("import tensorflow as tf\n"
               "gpus = tf.config.list_physical_devices('GPU')\n"
               "if gpus:\n"
               "    with tf.device('/GPU:0'):\n"
               "        print('sum', float(tf.reduce_sum(tf.matmul(tf.ones((64, 64)), tf.ones((64, 64))))))\n"
               "print('gpus', len(gpus))\n")
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    works = done.returncode == 0 and "sum 262144.0" in done.stdout
    answer, _ = ask(tfdoctor, environment)
    print(f"TensorFlow {'computes' if works else 'does not compute'} on the GPU; verdict {answer['verdict']}")
    if works:
        check(answer["verdict"] in ("gpu-usable", "gpu-degraded"), True, "that TensorFlow works")
    else:
        check(answer["verdict"] in ("gpu-blocked", "unknown"), True, "that TensorFlow does not work")
        print(done.stderr[-2000:])
    return 0


def main():
    if not os.path.exists("/dev/nvidiactl"):
        print("not run: no GPU here")
        return NOT_RUN
    tfdoctor = os.path.abspath(sys.argv[1])
    if sys.argv[2] == "--wheels":
        status = against_tensorflow(tfdoctor, sys.argv[3])
    else:
        status = against_smi(tfdoctor, os.path.abspath(sys.argv[2]))
    for failure in failures:
        print(failure)
    return 1 if failures else status


if __name__ == "__main__":
    sys.exit(main())
