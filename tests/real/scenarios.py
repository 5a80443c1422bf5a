"""What is tried with real TensorFlow wheels: each environment as pip makes it, and broken in many ways."""

from oracle import Scenario

# With CUDA libraries from pip.
CUDA_ENVIRONMENTS = ("tf-2.21.0", "tf-2.20.0", "tf-2.20.0-torch", "tf-2.16.1", "tf-2.15.1")

# What makes TensorFlow find pip's libraries where its own RUNPATH does not: 2.21.0 forgets cuSOLVER, 2.16.1 nearly all.
REPAIR = {
    "tf-2.21.0": ("{env}/nvidia/cusolver/lib",),
    "tf-2.16.1": ("{env}/nvidia/*/lib",),
}
REPAIRED = {name: REPAIR.get(name, ()) for name in CUDA_ENVIRONMENTS}

NVIDIA_PARTS = ("cublas", "cuda_cupti", "cuda_nvcc", "cuda_nvrtc", "cuda_runtime", "cudnn", "cufft", "curand", "cusolver",
                "cusparse", "nccl", "nvjitlink")

# Libraries that load although they do not fit: the GPU is listed, and the first convolution fails.
UNFIT = ("cudnn-version-mismatch", "library-path-shadows", "library-lacks-gpu-architecture")
# Without these parts the GPU is listed, or may be: XLA asks for libdevice at its first compilation, and a CUDA 13 in
# ld.so.cache has a cuSPARSE and a cuDNN of the same sonames, for other companions.
STRIKES_LATER = {
    "cuda_nvcc": ("libdevice-not-found",),
    "cudnn": (*UNFIT, "cuda-version-mismatch"),
    "cusparse": (*UNFIT, "cuda-version-mismatch"),
}
# torch's pins hold cuDNN 9.1.0, older than the 9.3.0 that TensorFlow 2.20 was compiled with.
ALWAYS_LATER = {"tf-2.20.0-torch": ("cudnn-version-mismatch",)}


def of(environment, name, later=(), **options):
    options.setdefault("library_path", REPAIRED.get(environment, ()))
    return Scenario(environment, name, later=(*later, *ALWAYS_LATER.get(environment, ())), **options)


def basic():
    """Run each time."""
    for name in CUDA_ENVIRONMENTS:
        yield of(name, "as pip makes it", library_path=())
    yield of("tf-cpu-2.21.0", "as pip makes it")
    for name in REPAIR:
        yield of(name, "search path repaired")
    yield of("tf-2.21.0", "without the and-cuda extra", remove=("nvidia", "nvidia_*"), library_path=())
    yield of("tf-2.20.0", "TensorFlow for another processor", foreign=("tensorflow/libtensorflow_framework.so.2",))
    # Another CUDA of the same sonames first.
    yield of("tf-2.21.0", "cuDNN 9.1 first", library_path=("{tf-2.20.0-torch}/nvidia/cudnn/lib", *REPAIR["tf-2.21.0"]),
             later=UNFIT)
    yield of("tf-2.20.0", "CUDA 12.2 first", library_path=("{tf-2.15.1}/nvidia/c*/lib",), later=UNFIT)
    # cuSOLVER 12.9 asks cuBLAS 12.2 for a function that it does not have.
    yield of("tf-2.15.1", "cuSOLVER 12.9 first", library_path=("{tf-2.21.0}/nvidia/cusolver/lib",))
    # The wrong major version has another name, so that the right one is found after it.
    yield of("tf-2.20.0", "cuDNN 8.9 first", library_path=("{tf-2.15.1}/nvidia/cudnn/lib",))
    yield of("tf-2.20.0", "cuDNN 8.9 instead of 9", library_path=("{tf-2.15.1}/nvidia/cudnn/lib",),
             remove=("nvidia/cudnn",))
    yield of("tf-2.15.1", "cuDNN 9 instead of 8", library_path=("{tf-2.21.0}/nvidia/cudnn/lib",),
             remove=("nvidia/cudnn",))
    yield of("tf-2.20.0", "the system's CUDA first", library_path=("/usr/local/cuda/lib64",), later=UNFIT)


def drivers():
    for driver in ("none", "no libcuda", "no NVML", "stub", "NVML fails"):
        yield of("tf-2.20.0", f"driver: {driver}", driver=driver)
    for driver in ("no libcuda", "no NVML"):
        yield of("tf-2.15.1", f"driver: {driver}", driver=driver)
    yield of("tf-2.21.0", "driver: no NVML", driver="no NVML")


def visibility():
    for value in ("-1", "", "0", "7", "0,-1", "-1,0", "nonsense"):
        yield of("tf-2.20.0", f"CUDA_VISIBLE_DEVICES={value}", variables=(("CUDA_VISIBLE_DEVICES", value),))


def architectures():
    # The newest driver for a GPU of 3.5 is one of CUDA 11; it is only asked when a context is created.
    old = ("compute-capability-too-old", "library-lacks-gpu-architecture", "driver-too-old")
    new = ("compute-capability-too-new", "library-lacks-gpu-architecture", "ptx-version-too-old")
    for environment in ("tf-2.20.0", "tf-2.15.1"):
        for gpu, later in (("3.0", ()), ("3.5", old), ("5.0", old), ("6.1", old), ("9.0", ()), ("12.0", new)):
            yield of(environment, f"compute capability {gpu}", gpu=gpu, later=later)


def removals():
    for environment in CUDA_ENVIRONMENTS:
        for part in NVIDIA_PARTS:
            yield of(environment, f"without {part}", remove=(f"nvidia/{part}",), later=STRIKES_LATER.get(part, ()))


def always():
    return [*basic(), *drivers()]


def rotating():
    """A third of these runs each time, and all of them with --all."""
    return [*removals(), *visibility(), *architectures()]
