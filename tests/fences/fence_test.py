#!/usr/bin/env python3
"""A wrong include does not compile, and rules touch nothing outside. Usage: fence_test.py COMPILER BUILD_FOLDER"""
import pathlib, re, subprocess, sys, tempfile

compiler, build = sys.argv[1], pathlib.Path(sys.argv[2])
failures = []

# (folder, what its files may include, what they may not)
FENCES = [
    ("rules", "facts/facts.h", "system/system.h"),
    ("rules", "diagnose/rule.h", "probes/probes.h"),
    ("diagnose", "knowledge/knowledge.h", "system/system.h"),
    ("facts", "base/text.h", "knowledge/knowledge.h"),
    ("render", "diagnose/diagnosis.h", "system/system.h"),
    ("driver", "base/text.h", "system/system.h"),
    ("tensorflow", "base/text.h", "system/system.h"),
    ("prove", "facts/facts.h", "rules/all.h"),
    ("elf", "system/system.h", "python/version.h"),
    ("python", "system/system.h", "facts/facts.h"),
]


def compiles(folder, header):
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
        source.write(f'#include "{header}"\nint main() {{}}\n')
        source.flush()
        return subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-DFMT_HEADER_ONLY=1", f"-I{build}/view/{folder}", source.name],
                              capture_output=True).returncode == 0


for folder, allowed, forbidden in FENCES:
    if not compiles(folder, allowed):
        failures.append(f"src/{folder} cannot include {allowed}, which it may")
    if compiles(folder, forbidden):
        failures.append(f"src/{folder} can include {forbidden}, which it must not")

# What a pure function of facts can never need from the C library or from us.
OUTSIDE = re.compile(r"^(open(at)?(64)?|creat|fopen(64)?|popen|system|getenv|secure_getenv|setenv|dlopen|fork|vfork|posix_spawnp?|exec[lv]p?e?|"
                     r"socket|connect|stat(64|x)?|lstat(64)?|access|readlink|opendir|time|clock_gettime|gettimeofday|rand|random)$")
for library in ("rules", "diagnose", "facts"):
    names = subprocess.run(["nm", "-u", "-C", f"{build}/lib{library}.a"], capture_output=True, text=True, check=True).stdout
    undefined = {line.split(None, 1)[1] for line in names.splitlines() if line.strip().startswith("U ")}
    if not undefined:
        failures.append(f"lib{library}.a: nm lists nothing")
    for name in sorted(undefined):
        if OUTSIDE.match(name) or "tfdoctor::System" in name or "tfdoctor::LiveSystem" in name or "filesystem::" in name or "basic_ifstream" in name:
            failures.append(f"lib{library}.a needs {name}")

print("\n".join(failures) or f"{len(FENCES)} fences hold")
sys.exit(bool(failures))
