#!/usr/bin/env python3
"""The names of XLA's flags in wheels of TensorFlow: usage: xla_flags.py WHEEL... >data/xla-flags.toml

Give one wheel of each minor release. A name is the end of a string of a library from xla_ or tf_xla_ on: some are no
flags, but no flag is missing.
"""
import datetime
import re
import sys
import zipfile

LIBRARIES = ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2", "_pywrap_tensorflow_internal.so")
# Linkers let a string be the end of a longer one: what stands before it does not count.
NAME = re.compile(rb"((?:tf_)?xla_[a-z0-9_]+)\0")


def names(wheel):
    """A library is up to a gigabyte: it is read in pieces that overlap."""
    found = set()
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            if member.rsplit("/", 1)[-1] not in LIBRARIES:
                continue
            with archive.open(member) as library:
                tail = b""
                while piece := library.read(16 << 20):
                    for name in NAME.findall(tail + piece):
                        found |= {name.decode(), name.decode().removeprefix("tf_")}
                    tail = (tail + piece)[-256:]
    return found


def main():
    releases = {}
    for wheel in sys.argv[1:]:
        major, minor = re.search(r"tensorflow-(\d+)\.(\d+)", wheel).groups()
        releases[int(major), int(minor)] = names(wheel)
    print("# Names that XLA_FLAGS and TF_XLA_FLAGS may hold, by the minor releases whose library first and last holds the name.")
    print("# Made by tools/xla_flags.py; a release that no row names was not looked at.\n")
    print("[[xla_flags]]")
    print(f'source = "strings of the wheels {", ".join(f"{a}.{b}" for a, b in sorted(releases))}"')
    print(f'date = "{datetime.date.today()}"')
    print("rows = [")
    for flag in sorted(set().union(*releases.values())):
        having = sorted(release for release, flags in releases.items() if flag in flags)
        first, last = (".".join(map(str, release)) for release in (having[0], having[-1]))
        print(f'  {{ flag = "{flag}", first = "{first}", last = "{last}" }},')
    print("]")


main()
