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
# Source: NVIDIA, "Xid Errors" (public documentation): the catalog for Ampere and newer with what it wants done, the table for
# older GPUs with where each may lie; read 2026-11. What follows the text: where it lies most often (as ErrorRow::fault has it;
# "" where the tables name several and none first), and whether the GPU wants a reset or the machine a restart before it works again.
XIDS = {
    8: ("The GPU did not come to an end with what a program gave it", "", False),
    11: ("What a program or the driver sent to the GPU was damaged", "", False),
    12: ("The driver could not handle an exception of the GPU", "driver", False),
    13: ("A kernel of the program failed on the GPU (graphics engine exception)", "program", False),
    16: ("The display engine hung", "driver", False),
    18: ("The GPU may not use the bus by itself (bus mastering is off)", "driver", False),
    19: ("The display engine failed", "driver", False),
    24: ("The GPU waited too long for a semaphore", "", False),
    25: ("What a program or the driver sent to the GPU was not valid", "", False),
    26: ("The GPU's memory did not answer in time", "driver", False),
    31: ("A kernel used memory that is not its own (MMU fault): mostly a defect of the program", "program", False),
    32: ("Bad data reached the GPU through the bus: driver, bus or hardware", "", False),
    37: ("The driver's firmware failed", "driver", False),
    38: ("The driver's firmware failed", "driver", False),
    39: ("A copy engine of the GPU failed", "", False),
    40: ("A copy engine of the GPU failed", "", False),
    41: ("A copy engine of the GPU failed", "", False),
    43: ("The GPU stopped working on a program: mostly a defect of the program", "program", False),
    44: ("The GPU failed while it went from one program to another", "driver", False),
    45: ("A program ended, or was ended, while the GPU worked for it; it follows from another error or from the end", "program", False),
    46: ("The GPU stopped: it has to be reset", "driver", True),
    48: ("Uncorrectable error of the GPU's memory (double bit ECC)", "hardware", True),
    54: ("The GPU's auxiliary power is not connected", "hardware", True),
    56: ("The display engine failed: hardware", "hardware", False),
    57: ("The memory's link training failed: hardware", "hardware", True),
    58: ("The memory's link failed: hardware", "hardware", True),
    59: ("The GPU's controller failed (older drivers)", "driver", False),
    60: ("The video processor failed", "driver", False),
    61: ("The GPU's controller halted on a break point: driver or hardware", "driver", False),
    62: ("The GPU's controller halted: driver, power or hardware", "driver", True),
    63: ("A page of the GPU's memory was retired or a row remapped", "hardware", False),
    64: ("Retiring a page or remapping a row of the GPU's memory failed", "hardware", True),
    66: ("The driver made an access that is not allowed", "driver", False),
    67: ("The driver made an access that is not allowed", "driver", False),
    68: ("The video decoder failed", "driver", False),
    69: ("The graphics engine's class failed: driver, program or hardware", "driver", False),
    70: ("A copy engine of the GPU failed", "", False),
    71: ("A copy engine of the GPU failed", "", False),
    72: ("A copy engine of the GPU failed", "", False),
    74: ("NVLink failed", "hardware", False),
    75: ("A copy engine of the GPU failed", "", False),
    76: ("A copy engine of the GPU failed", "", False),
    77: ("A copy engine of the GPU failed", "", False),
    78: ("The virtual GPU did not start: its driver and the host's do not fit each other", "driver", False),
    79: ("The GPU has fallen off the bus: power, cooling, slot or hardware", "hardware", True),
    80: ("Damaged data was sent to the GPU: driver, bus or hardware", "", False),
    81: ("The GPU's VGA part failed: hardware", "hardware", False),
    85: ("A copy engine of the GPU failed", "", False),
    92: ("Many single bit errors of the GPU's memory, which were corrected", "hardware", False),
    93: ("The GPU's settings were written more often than foreseen", "none", False),
    94: ("Contained error of the GPU's memory: the program that used it was ended", "hardware", False),
    95: ("Uncontained error of the GPU's memory: the GPU has to be reset", "hardware", True),
    106: ("A test message of the management controller", "none", False),
    107: ("A test message of the management controller", "none", False),
    109: ("The GPU did not go from one program to another in time: it has to be reset", "driver", True),
    110: ("The GPU reports a breach of its security: it has to be reset", "driver", True),
    119: ("The GPU's system processor (GSP) did not answer in time", "driver", True),
    120: ("The GPU's system processor (GSP) failed", "driver", True),
    121: ("The link between GPU and processor (NVLink-C2C) reports an error", "hardware", False),
    122: ("The GPU's settings could not be read", "hardware", False),
    123: ("The GPU's settings could not be written", "hardware", False),
    124: ("The GPU's settings could not be erased", "hardware", False),
    125: ("The GPU's settings are damaged", "hardware", False),
    136: ("NVLink's training failed", "hardware", True),
    137: ("A program used memory of another GPU that is not its own (NVLink)", "program", False),
    140: ("Error of the GPU's memory that was not recovered: the GPU has to be reset", "hardware", True),
    141: ("CUDA's fast path to the GPU failed", "driver", False),
    143: ("The GPU could not be initialised", "driver", True),
    144: ("NVLink failed", "hardware", False),
    145: ("NVLink failed", "hardware", False),
    146: ("NVLink failed", "hardware", False),
    147: ("NVLink failed", "hardware", False),
    148: ("NVLink failed", "hardware", False),
    149: ("NVLink failed", "hardware", False),
    150: ("NVLink failed", "hardware", False),
    151: ("The keys of confidential computing could not be changed: the virtual machine has to be restarted", "driver", True),
    154: ("The GPU needs a reset, or the machine a restart, for what the Xid before it says", "none", False),
    155: ("NVLink failed in the driver: the GPU has to be reset", "driver", True),
    156: ("A part of the GPU is retired with the next reset", "hardware", True),
    157: ("A part of the GPU could not be retired", "hardware", False),
    158: ("The GPU did not answer in time: it has to be reset", "driver", True),
    160: ("A channel of the GPU's memory was retired", "hardware", False),
    161: ("A channel of the GPU's memory could not be retired", "hardware", False),
    162: ("The circuits that smooth the GPU's power work again", "none", False),
    163: ("The circuits that smooth the GPU's power are off", "none", False),
    164: ("The circuits that smooth the GPU's power are nearly worn out", "none", False),
    165: ("The circuits that smooth the GPU's power are worn out", "none", False),
    167: ("The GPU did not answer on the PCI Express bus in time", "hardware", True),
    168: ("The GPU's memory has become smaller, for errors in it", "hardware", False),
    169: ("The GPU's security controller halted", "driver", False),
    171: ("Uncorrectable error of the GPU's memory (DRAM); it goes with Xid 48", "hardware", True),
    172: ("Uncorrectable error of the GPU's own memory (SRAM); it goes with Xid 48", "hardware", True),
}
for video in [*range(82, 85), 86, *range(88, 90), *range(96, 106), 139, 142]:
    XIDS[video] = ("The GPU's video or picture engine failed", "driver", False)
for copy in range(126, 136):
    XIDS[copy] = ("A copy engine of the GPU failed", "", False)
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
    for number, name, text, *more in rows:
        fault, reset = more or ("", False)
        about = (f", fault = {quote(fault)}" if fault else "") + (", reset = true" if reset else "")
        print(f"  {{ number = {number}, name = {quote(name)}, text = {quote(text or name)}{about} }},")
    print("]")


def main():
    print("# Errors of CUDA's libraries by name and number. Made by tools/error_tables.py from their public headers.")
    for library, names, prefix, opens in HEADERS:
        path, text = find(sys.argv[1:], names)
        rows = list(entries(text, prefix, opens))
        table(library, f"{path.name} of NVIDIA", rows)
    table("CUDA runtime before 10.1", "driver_types.h of CUDA 10.0", [(n, name, t) for n, (name, t) in RUNTIME_BEFORE_10_1.items()])
    table("Xid", "NVIDIA, Xid Errors", [(n, f"Xid {n}", *about) for n, about in sorted(XIDS.items())])
    table("TensorFlow", "absl/status/status.h", [(n, name, t) for n, (name, t) in STATUS.items()])


if __name__ == "__main__":
    main()
