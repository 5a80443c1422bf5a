"""Run inside an environment, as `python -c`: says what the real TensorFlow does there, as JSON in the last line.

argv[1] is "list" to list the GPUs and then open the libraries, or "open" to do only the latter: where the listing kills
the process, the libraries can still be asked for.
"""

import ctypes
import json
import os
import sys

import tensorflow as tf

# What TensorFlow itself calls to open each library. Calling them from here opens every library, also those that wait for
# the first operation that needs them, and from the very object that does it in earnest, whose RUNPATH counts.
GETTERS = {
    "cudart": "GetCudaRuntimeDsoHandle",
    "cublas": "GetCublasDsoHandle",
    "cublasLt": "GetCublasLtDsoHandle",
    "cufft": "GetCufftDsoHandle",
    "cusolver": "GetCusolverDsoHandle",
    "cusparse": "GetCusparseDsoHandle",
    "cudnn": "GetCudnnDsoHandle",
    "cupti": "GetCuptiDsoHandle",
    "nccl": "GetNcclDsoHandle",
    "nvrtc": "GetNvrtcDsoHandle",
    "nvshmem_host": "GetNvshmemDsoHandle",
    "nvinfer": "GetNvInferDsoHandle",
    "nvinfer_plugin": "GetNvInferPluginDsoHandle",
    "cuda": "GetCudaDriverDsoHandle",
    "nvidia-ml": "GetNvmlDsoHandle",
}


def open_libraries():
    """Names of the libraries that this build can open; each is opened."""
    folder = os.path.dirname(tf.__file__)
    framework = ctypes.CDLL(os.path.join(folder, "libtensorflow_framework.so.2"))
    known = []
    for library, getter in GETTERS.items():
        try:
            function = framework[f"_ZN3tsl8internal9DsoLoader{len(getter)}{getter}Ev"]
        except AttributeError:
            continue
        # StatusOr<void*> is returned through a pointer to it, which is the first argument.
        function.restype = None
        function.argtypes = [ctypes.c_void_p]
        function(ctypes.create_string_buffer(256))
        known.append(library)
    return known


def mapped(library):
    """The file of a library in the process, None if it is not loaded."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            path = line.rstrip("\n").partition("/")
            path = path[1] + path[2]
            if os.path.basename(path).startswith(f"lib{library}.so"):
                return path
    return None


answer = {"version": tf.__version__, "cuda": tf.test.is_built_with_cuda()}
if sys.argv[1] == "list":
    answer["gpus"] = [device.name for device in tf.config.list_physical_devices("GPU")]
answer["libraries"] = {library: mapped(library) for library in open_libraries()} if answer["cuda"] else {}
print(json.dumps(answer))
