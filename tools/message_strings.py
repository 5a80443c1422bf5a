#!/usr/bin/env python3
"""Which of the literals of data/messages.toml stand in a real TensorFlow: usage: message_strings.py SITE-PACKAGES >tests/logs/strings/VERSION.txt

Looks into the shared objects and Python files of tensorflow and keras there. One literal a line, the longest of each text.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def literals():
    data = tomllib.loads((ROOT / "data/messages.toml").read_text(encoding="utf-8"))
    for group in data["messages"]:
        for row in group["rows"]:
            for text in row["texts"]:
                yield max(re.split(r"\{[^}]*\}", text), key=len)


def main():
    site = pathlib.Path(sys.argv[1])
    wanted = sorted(set(literals()))
    files = []
    for package in ("tensorflow", "keras", "tensorflow_core", "tf_keras"):
        for path in (site / package).rglob("*"):
            if path.is_file() and (".so" in path.name or path.suffix == ".py"):
                files.append(str(path))
    with tempfile.NamedTemporaryFile("w") as patterns:
        patterns.write("\n".join(wanted) + "\n")
        patterns.flush()
        found = set()
        for start in range(0, len(files), 500):
            done = subprocess.run(["grep", "-ahoF", "-f", patterns.name, *files[start : start + 500]], capture_output=True,
                                  env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
            found |= set(done.stdout.decode(errors="replace").splitlines())
    # grep reports the longest at a place: what is a part of another was found, too.
    print("\n".join(w for w in wanted if any(w in f for f in found)))


if __name__ == "__main__":
    main()
