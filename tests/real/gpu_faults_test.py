#!/usr/bin/env python3
"""Does tfdoctor say of a real GPU what the real TensorFlow says, and does it name the fault that was put in?

usage: gpu_faults_test.py TFDOCTOR ENVIRONMENT [--only TEXT] [--keep-logs FOLDER]

ENVIRONMENT has a TensorFlow that computes on this machine's GPU. Each fault is private to the processes that are to meet
it: variables, a copy of the environment, a /dev of their own (as root only). Three are asked: TensorFlow itself, `tfdoctor`,
and `tfdoctor explain` with nothing but what TensorFlow printed.

Where no GPU is (no /dev/nvidiactl), nothing is tested: the exit status is 77, which ctest does not count as passed.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import json_schema

NOT_RUN = 77
LIMIT_S = 240
WORKERS = max(1, min(6, (os.cpu_count() or 1) // 2))
HIDING = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")

PROGRAM = """
import tensorflow as tf
gpus = tf.config.list_physical_devices('GPU')
print('gpus', len(gpus), flush=True)
if gpus:
    with tf.device('/GPU:0'):
        print('sum', float(tf.reduce_sum(tf.matmul(tf.ones((64, 64)), tf.ones((64, 64))))), flush=True)
        print('mean', float(tf.reduce_mean(tf.nn.conv2d(tf.ones((1, 8, 8, 3)), tf.ones((3, 3, 3, 4)), 1, 'VALID'))))
"""

# A /dev with the nodes of this one but those named, $1; the rest is the command.
OWN_DEV = """
set -e
new=$(mktemp -d)
mount -t tmpfs none "$new"
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty "$new"
ln -s /proc/self/fd "$new/fd"
mkdir -m 1777 "$new/shm"
for node in /dev/nvidia*; do
  case " $1 " in *" ${node#/dev/} "*) ;; *) cp -a "$node" "$new" ;; esac
done
case " $1 " in *" private "*) chmod 600 "$new"/nvidia[0-9]* "$new"/nvidiactl "$new"/nvidia-uvm ;; esac
mount --bind "$new" /dev
shift
exec "$@"
"""
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    works: object  # whether TensorFlow computes in spite of it; None: that depends on what else the machine has
    causes: tuple = ()  # one of them is named first; (): none blocks
    variables: dict = dataclasses.field(default_factory=dict)  # {env}, {uuid}, {work}: see Bench
    no_nodes: str = ""  # device nodes that are not there; "private": there, but root's
    nobody: bool = False  # as another user than root
    remove: tuple = ()  # patterns of files in site-packages
    prepare: object = None  # called with the Bench
    alone: bool = False  # what it does reaches other processes
    from_log: tuple = ()  # what the log alone has to name, first or beside others left open; (): nothing is asked of it

    @property
    def needs_root(self):
        return bool(self.no_nodes) or self.nobody


def stub(bench):
    """The toolkit's own libcuda, under the name that programs open."""
    for folder in ("/usr/local/cuda/lib64/stubs", "/usr/local/cuda/targets/x86_64-linux/lib/stubs"):
        if os.path.exists(folder + "/libcuda.so"):
            (bench.work / "stub").mkdir()
            (bench.work / "stub/libcuda.so.1").symlink_to(folder + "/libcuda.so")
            return True
    return False


def broken_nvml(bench):
    """The first libnvidia-ml.so.1 that the loader meets is no library: it looks no further."""
    (bench.work / "broken").mkdir()
    (bench.work / "broken/libnvidia-ml.so.1").touch()
    return True


def hold_memory(bench, processes=1):
    """Other processes take what is free, each as TensorFlow does without growth, which leaves a part."""
    code = ("import tensorflow as tf\n"
            "with tf.device('/GPU:0'):\n    x = tf.ones((8, 8)) + 1\n"
            "print('held', float(tf.reduce_sum(x)), flush=True)\n"
            "import time\ntime.sleep(600)\n")
    environment = {k: v for k, v in bench.environment().items() if k != "TF_FORCE_GPU_ALLOW_GROWTH"}
    for _ in range(processes):
        holder = subprocess.Popen([bench.python, "-c", code], env=environment, stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.DEVNULL)
        bench.holders.append(holder)
        if "held" not in holder.stdout.readline():
            break  # nothing was left for it
    return True


def hold_all_memory(bench):
    return hold_memory(bench, 4)


OF_GPUS = [f"nvidia{i}" for i in range(16)]
ALL_NODES = ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", *OF_GPUS]
NO_NODES = ("device-nodes-missing", "container-device-nodes-missing")

FAULTS = (
    Fault("nothing", True),
    Fault("first by number", True, variables={"CUDA_VISIBLE_DEVICES": "0"}),
    Fault("first by UUID", True, variables={"CUDA_VISIBLE_DEVICES": "{uuid}"}),
    Fault("hidden by -1", False, ("cuda-visible-devices",), {"CUDA_VISIBLE_DEVICES": "-1"},
          from_log=("cuda-visible-devices", "program-hides-gpu")),
    Fault("hidden by an empty value", False, ("cuda-visible-devices",), {"CUDA_VISIBLE_DEVICES": ""}),
    Fault("a number that is not there", False, ("cuda-visible-devices",), {"CUDA_VISIBLE_DEVICES": "97"}),
    Fault("a UUID that is not there", False, ("cuda-visible-devices",),
          {"CUDA_VISIBLE_DEVICES": "GPU-00000000-0000-0000-0000-000000000001"}),
    # The driver makes the nodes that are missing itself, where the user may.
    Fault("root without nodes", True, no_nodes=" ".join(ALL_NODES)),
    Fault("no nvidia-uvm", False, ("uvm-missing",), no_nodes="nvidia-uvm nvidia-uvm-tools", nobody=True),
    Fault("no nvidiactl", False, NO_NODES, no_nodes="nvidiactl", nobody=True),
    Fault("no node of a GPU", False, NO_NODES, no_nodes=" ".join(OF_GPUS), nobody=True),
    Fault("no device nodes", False, NO_NODES, no_nodes=" ".join(ALL_NODES), nobody=True),
    Fault("nodes are root's", False, ("device-node-permissions",), no_nodes="private", nobody=True),
    Fault("another user", True, nobody=True),
    Fault("the toolkit's stub", False, ("stub-driver-library",), {"LD_LIBRARY_PATH": "{work}/stub:{LD_LIBRARY_PATH}"}, prepare=stub),
    Fault("a broken NVML", None, ("nvml-library-missing",), {"LD_LIBRARY_PATH": "{work}/broken:{LD_LIBRARY_PATH}"},
          prepare=broken_nvml),
    Fault("no cuDNN", None, ("cudnn-missing",), remove=("nvidia/cudnn/lib/libcudnn.so.*",)),
    Fault("no cuBLAS", None, ("cuda-libraries-missing", "library-not-on-search-path"), remove=("nvidia/cublas/lib/libcublas.so.*",)),
    Fault("no CUDA runtime", None, ("cuda-libraries-missing", "library-not-on-search-path", "cuda-version-mismatch"),
          remove=("nvidia/cuda_runtime/lib/libcudart.so.*",)),
    Fault("no ptxas", True, remove=("nvidia/cuda_nvcc/bin/ptxas",), variables={"PATH": "/usr/bin:/bin"}),
    Fault("an allocator that is none", True, ("tensorflow-variable-invalid",), {"TF_GPU_ALLOCATOR": "no_such"}),
    # What is small computes in the part that is left.
    Fault("memory held by another process", True, ("gpu-memory-held-by-other-process",), prepare=hold_memory, alone=True),
    Fault("memory held by several", None, ("gpu-memory-held-by-other-process",), prepare=hold_all_memory, alone=True),
)


class Bench:
    """Where one fault is put in."""

    def __init__(self, arguments, fault, folder, uuid):
        self.tfdoctor = arguments.tfdoctor
        self.fault = fault
        self.work = pathlib.Path(folder)
        self.uuid = uuid
        self.holders = []
        self.env = pathlib.Path(arguments.environment)
        if fault.remove:
            shutil.copytree(self.env, self.work / "env", symlinks=True, copy_function=os.link)
            self.env = self.work / "env"
            (site,) = self.env.glob("lib/python3.*/site-packages")
            for pattern in fault.remove:
                for file in site.glob(pattern):
                    file.unlink()
        self.python = self.env / "bin/python"
        self.work.chmod(0o755)

    def environment(self):
        environment = {k: v for k, v in os.environ.items() if k not in HIDING}
        environment.update(TF_FORCE_GPU_ALLOW_GROWTH="true", PYTHONDONTWRITEBYTECODE="1", HOME=str(self.work))
        for name, value in self.fault.variables.items():
            environment[name] = value.format(env=self.env, uuid=self.uuid, work=self.work,
                                             LD_LIBRARY_PATH=os.environ.get("LD_LIBRARY_PATH", ""))
        return environment

    def run(self, command):
        command = [str(part) for part in command]
        if self.fault.nobody:
            command = NOBODY + command
        if self.fault.no_nodes:
            command = ["unshare", "-m", "sh", "-c", OWN_DEV, "sh", self.fault.no_nodes, *command]
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True, errors="replace",
                              timeout=LIMIT_S, check=False)

    def end(self):
        for holder in self.holders:
            holder.kill()
            holder.wait()


def names(findings):
    return [finding["id"] + (" (open)" if finding["state"] != "holds" else "") for finding in findings]


def meet(arguments, fault, uuid):
    """What the three say; the last is what is wrong with it, empty if nothing is."""
    # Beside the environment, of which some faults need a copy by hard links.
    with tempfile.TemporaryDirectory(prefix="tfdoctor-fault-", dir=arguments.environment.parent) as folder:
        bench = Bench(arguments, fault, folder, uuid)
        if fault.prepare is not None and not fault.prepare(bench):
            bench.end()
            return None, []
        try:
            checked = bench.run([bench.tfdoctor, "--python", bench.env, "--format", "json", "--facts"])
            truth = bench.run([bench.python, "-c", PROGRAM])
        finally:
            bench.end()
        answer = json_schema.parsed(checked.stdout)
        log = pathlib.Path(folder) / "log"
        log.write_text(truth.stderr + truth.stdout, encoding="utf-8")
        if arguments.keep_logs:
            pathlib.Path(arguments.keep_logs).mkdir(exist_ok=True)
            shutil.copy(log, pathlib.Path(arguments.keep_logs) / (fault.name.replace(" ", "-") + ".log"))
        explained = json_schema.parsed(subprocess.run([arguments.tfdoctor, "explain", log, "--format", "json"], capture_output=True,
                                              text=True, timeout=LIMIT_S, check=False).stdout)
    works = truth.returncode == 0 and "sum 262144.0" in truth.stdout and "mean 27.0" in truth.stdout
    found, from_log = names(answer["causes"]), names(explained["causes"])
    init = answer["facts"]["driver_answers"]["init"].get("value")
    line = (f"cuInit {init}; TensorFlow {'computes' if works else 'does not compute'}; tfdoctor: {answer['verdict']} {found[:3]}; "
            f"from the log: {explained['verdict']} {from_log[:3]}")
    wrong = []
    if fault.works is not None and works != fault.works:
        wrong.append("TensorFlow does otherwise than this test assumes:\n" + truth.stderr[-1500:] + truth.stdout[-300:])
    if works != (answer["verdict"] in ("gpu-usable", "gpu-degraded")):
        wrong.append(f"tfdoctor says {answer['verdict']}")
    if fault.causes and not (works and fault.works is None) and (not found or found[0] not in fault.causes):
        wrong.append(f"tfdoctor names {found[:1]}, put in was one of {fault.causes}")
    if works and explained["verdict"] == "gpu-blocked":
        wrong.append("tfdoctor explain calls a log bad of a run that was well")
    if fault.from_log and not any(name.removesuffix(" (open)") in fault.from_log for name in from_log):
        wrong.append(f"from the log tfdoctor names {from_log}, not one of {fault.from_log}")
    return line, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tfdoctor", type=pathlib.Path)
    parser.add_argument("environment", type=pathlib.Path)
    parser.add_argument("--only", help="faults with this text in their name")
    parser.add_argument("--keep-logs", help="a folder for what TensorFlow printed")
    arguments = parser.parse_args()
    arguments.tfdoctor = arguments.tfdoctor.resolve()
    arguments.environment = arguments.environment.resolve()
    if not os.path.exists("/dev/nvidiactl"):
        print("not run: no GPU here")
        return NOT_RUN
    faults = [fault for fault in FAULTS if arguments.only is None or arguments.only in fault.name]
    listed = subprocess.run(["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"], capture_output=True, text=True, check=True)
    uuid = listed.stdout.split()[0]

    passed, failed, not_run = 0, 0, 0
    started = time.monotonic()

    def judge(fault):
        if fault.needs_root and os.geteuid() != 0:
            return None, []
        if fault.nobody and subprocess.run([*NOBODY, arguments.environment / "bin/python", "-c", ""], check=False,
                                           capture_output=True).returncode != 0:
            return None, []  # another user does not come as far as this environment
        return meet(arguments, fault, uuid)

    together = [fault for fault in faults if not fault.alone]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        results = list(zip(together, pool.map(judge, together)))
    results += [(fault, judge(fault)) for fault in faults if fault.alone]
    for fault, (line, wrong) in results:
        if line is None:
            not_run += 1
            print(f"not run  {fault.name}")
            continue
        passed, failed = passed + (not wrong), failed + bool(wrong)
        print(f"{'FAILED ' if wrong else 'passed '} {fault.name}: {line}")
        for text in wrong:
            print("    " + text.replace("\n", "\n    "))
    print(f"{time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {failed} failed, {not_run} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
