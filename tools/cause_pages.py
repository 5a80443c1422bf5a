#!/usr/bin/env python3
"""Writes docs/causes/ from the pages inside the rules, as the built binary knows them.

usage: cause_pages.py TFDOCTOR [--check]

With --check nothing is written; the exit status is 1 when the committed pages differ.
"""
import json
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "docs" / "causes"
NOTE = "<!-- Made by tools/cause_pages.py from src/rules/. Change the rule, then run it again. -->\n"


def pages(binary):
    """File name -> text of everything that belongs into docs/causes/."""
    out = subprocess.run([binary, "causes", "--format", "json"], check=True, stdout=subprocess.PIPE).stdout
    causes = json.loads(out)["causes"]
    index = [NOTE, "# Causes\n", "| cause | link | effect | |", "|---|---|---|---|"]
    texts = {}
    for cause in causes:
        index.append("| [{id}]({id}.md) | {link} | {effect} | {title} |".format(**cause))
        texts[cause["id"] + ".md"] = "{}\n# {title}\n\n`{id}` · link: {link} · effect: {effect}\n\n{page}\n".format(
            NOTE, **dict(cause, page=cause["page"].strip()))
    texts["README.md"] = "\n".join(index) + "\n"
    return texts


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--check"]):
        sys.exit(__doc__)
    wanted = pages(sys.argv[1])
    present = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if sys.argv[2:]:
        if stale:
            sys.exit("docs/causes/ is not current (run tools/cause_pages.py): " + ", ".join(stale))
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    print(f"docs/causes: {len(wanted)} pages, {len(stale)} changed")


if __name__ == "__main__":
    main()
