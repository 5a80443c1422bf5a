#!/usr/bin/env python3
"""Makes data/errors.toml from the public headers of CUDA: usage: error_tables.py FOLDER... >data/errors.toml

Each FOLDER is searched for cuda.h, driver_types.h, nvml.h, cublas_api.h, cudnn_graph.h (or cudnn_graph_v9.h) and nccl.h, as the CUDA
toolkit and NVIDIA's wheels have them; the first found counts. Xid codes and TensorFlow's status codes have no such header:
they stand here, with their source.
"""
import pathlib
import re
import sys
import datetime

HEADERS = [  # library, files, prefix of the names, what opens the enumeration
    ("CUDA driver", ["cuda.h"], r"CUDA_(?:SUCCESS|ERROR_\w+)", r"typedef enum cudaError_enum"),
    ("CUDA runtime", ["driver_types.h"], r"cuda(?:Success|Error\w+)", r"enum [^{;]*cudaError\b"),
    ("NVML", ["nvml.h"], r"NVML_(?:SUCCESS|ERROR_\w+)", r"typedef enum nvmlReturn_enum"),
    ("cuBLAS", ["cublas_api.h"], r"CUBLAS_STATUS_\w+", r"typedef enum\s*\{\s*CUBLAS_STATUS_SUCCESS"),
    ("cuDNN", ["cudnn_graph.h", "cudnn_graph_v9.h"], r"CUDNN_STATUS_\w+", r"typedef enum\s*\{\s*CUDNN_STATUS_SUCCESS"),
    ("NCCL", ["nccl.h"], r"nccl\w+", r"typedef enum\s*\{\s*ncclSuccess"),
]
# Source: NVIDIA, "Xid Errors" (public documentation), read 2026-11.
XIDS = {
    13: "A kernel of the program failed on the GPU (graphics engine exception)",
    31: "A kernel used memory that is not its own (MMU fault): mostly a defect of the program",
    32: "Bad data reached the GPU through the bus: driver, bus or hardware",
    38: "The driver's firmware failed",
    43: "The GPU stopped working on a program: mostly a defect of the program",
    45: "A program ended, or was ended, while the GPU worked for it",
    48: "Uncorrectable error of the GPU's memory (double bit ECC)",
    56: "The display engine failed: hardware",
    57: "The memory's link training failed: hardware",
    58: "The memory's link failed: hardware",
    61: "The GPU's controller halted on a break point: hardware or driver",
    62: "The GPU's controller halted: hardware, power or driver",
    63: "A page of the GPU's memory was retired or a row remapped",
    64: "Retiring a page or remapping a row of the GPU's memory failed",
    68: "The video decoder failed",
    69: "The graphics engine's class failed: hardware or driver",
    74: "NVLink failed",
    79: "The GPU has fallen off the bus: power, cooling, slot or hardware",
    92: "Many single bit errors of the GPU's memory",
    94: "Contained error of the GPU's memory: the program that used it was ended",
    95: "Uncontained error of the GPU's memory: the GPU has to be reset",
    109: "A context switch timed out",
    119: "The GPU's system processor (GSP) did not answer in time",
    120: "The GPU's system processor (GSP) failed",
    140: "Uncorrectable error of the GPU's memory",
    143: "The GPU could not be initialised",
    149: "NVLink failed",
    154: "The GPU needs a reset, or the machine a restart",
}
# Source: driver_types.h of CUDA 10.0, the last with numbers of its own (those that meet people who have no GPU).
RUNTIME_BEFORE_10_1 = {
    8: ("cudaErrorInvalidDeviceFunction", "The requested device function does not exist or was not compiled for this device"),
    10: ("cudaErrorInvalidDevice", "The device ordinal does not correspond to a CUDA device"),
    30: ("cudaErrorUnknown", "An unknown internal error has occurred"),
    38: ("cudaErrorNoDevice", "No CUDA-capable devices were detected by the installed CUDA driver"),
    48: ("cudaErrorNoKernelImageForDevice", "There is no kernel image that is suitable for the device"),
}
# Source: absl/status/status.h, whose codes TensorFlow's errors carry.
STATUS = {
    1: ("CANCELLED", "The operation was cancelled"),
    2: ("UNKNOWN", "An error without a class"),
    3: ("INVALID_ARGUMENT", "The program asks for what cannot be: concerning the GPU, a device that this process does not have, or an operation without code for GPUs"),
    4: ("DEADLINE_EXCEEDED", "It took too long"),
    5: ("NOT_FOUND", "Something that was named does not exist: concerning the GPU, an operation or a library file"),
    6: ("ALREADY_EXISTS", "Something is there already"),
    7: ("PERMISSION_DENIED", "No permission"),
    8: ("RESOURCE_EXHAUSTED", "Memory ran out: concerning the GPU, a tensor did not fit"),
    9: ("FAILED_PRECONDITION", "Something that has to come first is missing: concerning the GPU, mostly libdevice or a variable"),
    10: ("ABORTED", "The operation was aborted, mostly since another one failed"),
    11: ("OUT_OF_RANGE", "The end of the data was reached"),
    12: ("UNIMPLEMENTED", "There is no such function: concerning the GPU, cuDNN did not start"),
    13: ("INTERNAL", "CUDA, cuBLAS or cuDNN failed; the text behind it tells more"),
    14: ("UNAVAILABLE", "A service does not answer: concerning the GPU, no PTX compiler was found"),
    15: ("DATA_LOSS", "Data is damaged"),
}


def find(folders, names):
    for folder in folders:
        for name in names:
            for path in sorted(pathlib.Path(folder).rglob(name)):
                text = path.read_text(encoding="utf-8", errors="replace")
                if "enum" in text and len(text) > 2000:
                    return path, text
    sys.exit(f"error_tables.py: none of {names} below {folders}")


def sentence(comment):
    text = re.sub(r"\\ref\s+|::|\\p\s+|/\*[*!]*<?|\*/|//[/!]*<?", " ", comment)
    text = re.sub(r"^\s*\*+", " ", text, flags=re.M)
    text = re.sub(r"\\deprecated.*", "", text, flags=re.S)
    text = re.sub(r"<[^>]+>", " ", text)
    text = re.sub(r"\s+", " ", text).strip()
    first = re.split(r"(?<=[a-z)\d])\.\s", text + " ")[0].strip().rstrip(".")
    return first[:300]


def entries(text, prefix, opens):
    start = re.search(opens, text)
    if start is None:
        sys.exit(f"error_tables.py: no {opens}")
    body = text[text.index("{", start.start()) + 1:]
    body = body[: re.search(r"\}\s*\w*\s*;", body).start()]
    value, comment = -1, ""
    for part in re.finditer(r"/\*.*?\*/|//[^\n]*|(\b%s)\s*(?:=\s*(\(?[\w ()]+\)?))?\s*,?[ \t]*(//[^\n]*)?" % prefix, body, re.S):
        name, number, behind = part.group(1), part.group(2), part.group(3)
        if name is None:
            comment = part.group(0)
            continue
        try:
            value = int(number, 0) if number else value + 1
        except ValueError:
            continue
        yield value, name, sentence(behind or comment)
        comment = ""


def quote(text):
    return '"' + text.replace("\\", " ").replace('"', "'") + '"'


def table(library, source, rows):
    print(f"\n[[errors]]\nlibrary = {quote(library)}\nsource = {quote(source)}\ndate = {quote(datetime.date.today().isoformat())}\nrows = [")
    for number, name, text in rows:
        print(f"  {{ number = {number}, name = {quote(name)}, text = {quote(text or name)} }},")
    print("]")


def main():
    print("# Errors of CUDA's libraries by name and number. Made by tools/error_tables.py from their public headers.")
    for library, names, prefix, opens in HEADERS:
        path, text = find(sys.argv[1:], names)
        rows = list(entries(text, prefix, opens))
        table(library, f"{path.name} of NVIDIA", rows)
    table("CUDA runtime before 10.1", "driver_types.h of CUDA 10.0", [(n, name, t) for n, (name, t) in RUNTIME_BEFORE_10_1.items()])
    table("Xid", "NVIDIA, Xid Errors", [(n, f"Xid {n}", t) for n, t in XIDS.items()])
    table("TensorFlow", "absl/status/status.h", [(n, name, t) for n, (name, t) in STATUS.items()])


if __name__ == "__main__":
    main()
