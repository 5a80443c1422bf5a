#!/usr/bin/env python3
"""Reads wheels and writes what the dynamic loader sees of them as small JSON listings (data/wheels/README.md).

  list_wheel.py read WHEEL... --to FULL        one complete listing for each wheel, into the folder FULL
  list_wheel.py trim FULL... --to data/wheels  of each, only the symbols that one library takes from another

Only the standard library is used, and nothing in a wheel is executed.
"""
import argparse
import datetime
import email
import json
import mmap
import pathlib
import re
import shutil
import struct
import sys
import tempfile
import zipfile

# TensorFlow's objects that open the CUDA libraries or hold the GPU code; what they need comes with them. The hundred
# others have no say in it.
TENSORFLOW_OBJECTS = re.compile(
    r"/(libtensorflow_framework\.so\.\d+|libtensorflow_cc\.so\.\d+|_pywrap_tensorflow_internal\.so"
    r"|_pywrap_profiler_plugin\.so)$")
LIBRARY = re.compile(r"\.so(\.[\d.]+)?$")
# Small files that say how a build was made, and files that XLA looks for beside the libraries.
TEXTS = re.compile(r"^tensorflow/python/platform/build_info\.py$")
CUDA_CONFIG = re.compile(r"^tensorflow/include/.*cuda/cuda_config\.h$")
OTHER_FILES = re.compile(r"(/bin/(ptxas|nvlink|fatbinary)|/libdevice\.10\.bc|^tensorflow/__init__\.py)$")

# DsoLoader puts each soname together from these macros (tsl/platform/default/dso_loader.cc).
OPENED = (("cudart", "CUDART"), ("cublas", "CUBLAS"), ("cublasLt", "CUBLAS"), ("cufft", "CUFFT"),
          ("curand", "CURAND"), ("cusolver", "CUSOLVER"), ("cusparse", "CUSPARSE"), ("cupti", "CUPTI"),
          ("cudnn", "CUDNN"))

PT_LOAD, PT_DYNAMIC, PT_NOTE = 1, 2, 4
DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_SONAME, DT_RPATH, DT_RUNPATH = 1, 4, 5, 6, 14, 15, 29
DT_FLAGS_1, DT_GNU_HASH = 0x6FFFFFFB, 0x6FFFFEF5
DT_VERSYM, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = (
    0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF)
STB_WEAK, STT_OBJECT, VER_FLG_WEAK, VER_FLG_BASE = 2, 1, 2, 1


class Elf:
    """The dynamic section of a 64-bit little-endian object and what hangs on it."""

    def __init__(self, data):
        self.data = data
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not a 64-bit little-endian ELF file")
        offset, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        self.segments = [struct.unpack_from("<IIQQQQQQ", data, offset + i * size) for i in range(count)]
        self.dynamic = {}
        for kind, _, start, _, _, length, _, _ in self.segments:
            if kind == PT_DYNAMIC:
                for at in range(start, start + length, 16):
                    tag, value = struct.unpack_from("<QQ", data, at)
                    if tag == 0:
                        break
                    self.dynamic.setdefault(tag, []).append(value)
        if DT_STRTAB not in self.dynamic:
            raise ValueError("no dynamic section")
        self.strings = self.at(DT_STRTAB)

    def file_offset(self, address):
        for kind, _, offset, start, _, length, _, _ in self.segments:
            if kind == PT_LOAD and start <= address < start + length:
                return address - start + offset
        raise ValueError(f"address {address:#x} is in no segment")

    def at(self, tag):
        return self.file_offset(self.dynamic[tag][0])

    def string(self, offset):
        start = self.strings + offset
        return self.data[start:self.data.find(b"\0", start)].decode()

    def text(self, tag):
        return self.string(self.dynamic[tag][0]) if tag in self.dynamic else None

    def build_id(self):
        for kind, _, at, _, _, length, _, _ in self.segments:
            end = at + length
            while kind == PT_NOTE and at + 12 <= end:
                name_size, size, note = struct.unpack_from("<III", self.data, at)
                content = at + 12 + (name_size + 3 & ~3)
                if note == 3 and self.data[at + 12:at + 16] == b"GNU\0":
                    return self.data[content:content + size].hex()
                at = content + (size + 3 & ~3)
        return None

    def version_needs(self):
        """{version index: (file, version)}; weak needs only make ld.so warn, so they are left out."""
        needs = {}
        at = self.at(DT_VERNEED) if DT_VERNEED in self.dynamic else 0
        for _ in range(self.dynamic.get(DT_VERNEEDNUM, [0])[0]):
            _, count, file, first, following = struct.unpack_from("<HHIII", self.data, at)
            version_at = at + first
            for _ in range(count):
                _, flags, index, name, step = struct.unpack_from("<IHHII", self.data, version_at)
                if not flags & VER_FLG_WEAK:
                    needs[index] = (self.string(file), self.string(name))
                version_at += step
            at += following
        return needs

    def version_definitions(self):
        """{version index: version}, without the base definition, which is only the file's own name."""
        definitions = {}
        at = self.at(DT_VERDEF) if DT_VERDEF in self.dynamic else 0
        for _ in range(self.dynamic.get(DT_VERDEFNUM, [0])[0]):
            _, flags, index, _, _, names, following = struct.unpack_from("<HHHHIII", self.data, at)
            if not flags & VER_FLG_BASE:
                definitions[index] = self.string(struct.unpack_from("<I", self.data, at + names)[0])
            at += following
        return definitions

    def symbol_count(self):
        if DT_HASH in self.dynamic:
            return struct.unpack_from("<I", self.data, self.at(DT_HASH) + 4)[0]
        if DT_GNU_HASH not in self.dynamic:
            return 0
        table = self.at(DT_GNU_HASH)
        buckets, first, bloom, _ = struct.unpack_from("<IIII", self.data, table)
        starts = struct.unpack_from(f"<{buckets}I", self.data, table + 16 + bloom * 8)
        last = max(starts, default=0)
        if last < first:
            return first
        chain = table + 16 + bloom * 8 + buckets * 4
        while not struct.unpack_from("<I", self.data, chain + (last - first) * 4)[0] & 1:
            last += 1
        return last + 1

    def symbols(self):
        """(name, version index, defined, weak, data bytes or None) of each symbol that others may see."""
        table = self.at(DT_SYMTAB)
        versions = self.at(DT_VERSYM) if DT_VERSYM in self.dynamic else None
        for i in range(1, self.symbol_count()):
            name, info, other, section, value, size = struct.unpack_from("<IBBHQQ", self.data, table + i * 24)
            if info >> 4 == 0 or other & 3 not in (0, 3):
                continue
            index = struct.unpack_from("<H", self.data, versions + i * 2)[0] & 0x7FFF if versions else 1
            text = self.string(name)
            content = None
            if section and info & 15 == STT_OBJECT and size == 4 and text.endswith("_version"):
                content = self.bytes_at(value, 4)
            yield text, index, section != 0, info >> 4 == STB_WEAK, content

    def bytes_at(self, address, length):
        offset = self.file_offset(address)
        return bytes(self.data[offset:offset + length])


def library_listing(path, size, data, with_symbols):
    elf = Elf(data)
    needs, definitions = elf.version_needs(), elf.version_definitions()
    listing = {"path": path, "size": size, "build_id": elf.build_id(), "soname": elf.text(DT_SONAME),
               "needed": [elf.string(offset) for offset in elf.dynamic.get(DT_NEEDED, [])],
               "rpath": elf.text(DT_RPATH), "runpath": elf.text(DT_RUNPATH)}
    imports, exports, constants = {}, {}, {}
    for file, version in needs.values():
        imports.setdefault(file, {}).setdefault(version, [])
    for version in definitions.values():
        exports.setdefault(version, [])
    for name, index, defined, weak, content in elf.symbols() if with_symbols else ():
        if defined:
            exports.setdefault(definitions.get(index, ""), []).append(name)
        elif not weak:
            file, version = needs.get(index, ("", ""))
            imports.setdefault(file, {}).setdefault(version, []).append(name)
        if content:
            constants[name] = content.hex()
    listing.update(imports=imports, exports=exports, constants=constants)
    return {key: value for key, value in listing.items() if value not in (None, [], {})}


def sonames_opened(config):
    versions = dict(re.findall(r'#define TF_(\w+)_VERSION "([\d.]+)"', config))
    return [f"lib{name}.so.{versions[macro]}" for name, macro in OPENED if macro in versions]


def wheel_listing(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata_name = next(name for name in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        metadata = email.message_from_bytes(archive.read(metadata_name))
        listing = {"distribution": metadata["Name"].replace("_", "-").lower(), "version": metadata["Version"],
                   "source": f"{pathlib.Path(wheel).name} from PyPI",
                   "date": datetime.date.today().isoformat(),
                   "requires_python": metadata["Requires-Python"] or "",
                   "requires": metadata.get_all("Requires-Dist") or [], "texts": {}, "files": {}, "libraries": []}
        is_nvidia = listing["distribution"].startswith("nvidia-")
        for info in archive.infolist():
            name = info.filename
            if TEXTS.search(name):
                listing["texts"][name] = archive.read(name).decode()
            elif CUDA_CONFIG.search(name):
                listing["texts"][name] = archive.read(name).decode()
                listing["opens"] = sonames_opened(listing["texts"][name])
            elif OTHER_FILES.search(name):
                listing["files"][name] = info.file_size
        listing["libraries"] = list(libraries_of(archive, LIBRARY if is_nvidia else TENSORFLOW_OBJECTS, is_nvidia))
    listing["libraries"].sort(key=lambda library: library["path"])
    return listing


def libraries_of(archive, pattern, with_symbols):
    members = {info.filename: info for info in archive.infolist()}
    waiting = [name for name in members if pattern.search(name)]
    listed = set()
    while waiting:
        name = waiting.pop()
        if name not in listed:
            listed.add(name)
            library = read_member(archive, members[name], with_symbols)
            waiting += [other for other in members if other.rpartition("/")[2] in library.get("needed", ())]
            yield library


def read_member(archive, info, with_symbols):
    with tempfile.TemporaryFile() as file, archive.open(info) as member:
        shutil.copyfileobj(member, file, 1 << 20)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return library_listing(info.filename, info.file_size, data, with_symbols)


def needed_by_each(libraries):
    """{soname: all sonames that come with it}, over the listed libraries of any version."""
    closure = {library.get("soname"): set() for library in libraries}
    for library in libraries:
        closure[library.get("soname")].update(name for name in library.get("needed", []) if name in closure)
    grown = True
    while grown:
        grown = False
        for names in closure.values():
            more = set().union(*(closure[name] for name in names)) - names
            grown |= bool(more)
            names |= more
    return closure


def trim(listings):
    """Keeps of all imports and exports only the names that meet, and says which imports find no listed provider.

    An import without a version stays where a library that comes with the importer exports the name: others are bound
    to the C library, or to what only a program that needs them brings along (MPI).
    """
    libraries = [library for listing in listings for library in listing["libraries"]]
    exported = {}  # name -> sonames that export it
    for library in libraries:
        for names in library.get("exports", {}).values():
            for name in names:
                exported.setdefault(name, set()).add(library.get("soname"))
    closure = needed_by_each(libraries)
    wanted, lost = set(), set()  # (soname, name)
    for library in libraries:
        with_it = closure[library.get("soname")]
        for file, versions in library.get("imports", {}).items():
            for version, names in versions.items():
                if file in closure:
                    lost.update((file, name) for name in names if file not in exported.get(name, ()))
                elif file:
                    names = []  # the C library's and the like: the version alone is compared
                else:
                    names = [name for name in names if exported.get(name, set()) & with_it]
                versions[version] = sorted(names)
                wanted.update((provider, name) for name in names
                              for provider in ([file] if file else exported[name] & with_it))
        drop_empty(library.get("imports", {}).get("", {}))
        drop_empty(library.get("imports", {}))
    for library in libraries:
        constants = library.get("constants", {})
        for version, names in library.get("exports", {}).items():
            library["exports"][version] = sorted(
                name for name in names if name in constants or (library.get("soname"), name) in wanted)
        if library.get("exports", {}).get("") == []:
            del library["exports"][""]
    return lost


def drop_empty(table):
    if table.get("", None) in ([], {}):
        del table[""]


def write(listing, folder):
    """One line for each library, so that a change can be read in a diff."""
    head = {key: value for key, value in listing.items() if key != "libraries"}
    lines = ",\n".join("  " + json.dumps(library, separators=(",", ":")) for library in listing["libraries"])
    text = json.dumps(head, indent=1)[:-2] + f',\n "libraries": [\n{lines}\n ]\n}}\n'
    json.loads(text)
    (folder / f'{listing["distribution"]}-{listing["version"]}.json').write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("read", "trim"))
    parser.add_argument("inputs", nargs="+", type=pathlib.Path, metavar="WHEEL|FOLDER")
    parser.add_argument("--to", required=True, type=pathlib.Path, help="the folder for the listings")
    arguments = parser.parse_args()
    arguments.to.mkdir(parents=True, exist_ok=True)
    if arguments.task == "read":
        for wheel in arguments.inputs:
            write(wheel_listing(wheel), arguments.to)
        return 0
    listings = {}
    for folder in reversed(arguments.inputs):  # of two listings of one wheel the first folder's counts
        listings.update((path.name, json.loads(path.read_text())) for path in sorted(folder.glob("*.json")))
    listings = list(listings.values())
    for provider, name in sorted(trim(listings)):
        print(f"{name} is exported by no listed {provider}", file=sys.stderr)
    for listing in listings:
        write(listing, arguments.to)
    return 0


if __name__ == "__main__":
    sys.exit(main())
