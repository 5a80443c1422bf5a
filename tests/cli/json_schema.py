"""The part of JSON Schema that docs/schema/ uses. An unknown keyword is an error: none is silently not checked."""
import functools
import json
import pathlib
import re

TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
}
COMMENTS = {"$schema", "title", "description", "$defs"}
SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "docs/schema"


@functools.cache
def schema(name="answer-1"):
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


def parsed(text, name="answer-1"):
    """The value of a JSON text that is as its schema has it; a ValueError says what is wrong with it."""
    value = json.loads(text)
    if wrong := faults(schema(name), value):
        raise ValueError(f"not as docs/schema/{name}.schema.json has it: " + "; ".join(wrong[:5]))
    return value


def faults(schema, value, root=None, at=""):
    """What is wrong with `value`, each with its place; an empty list when it is valid."""
    root = root or schema
    found = []

    def expect(fine, keyword):
        if not fine:
            found.append(f"{at or '/'}: {keyword} {schema[keyword]!r}: {value!r:.200}")

    for keyword, rule in schema.items():
        if keyword in COMMENTS:
            continue
        if keyword == "$ref":
            target = root
            for part in rule.removeprefix("#/").split("/"):
                target = target[part]
            found += faults(target, value, root, at)
        elif keyword == "type":
            expect(any(TYPES[kind](value) for kind in ([rule] if isinstance(rule, str) else rule)), keyword)
        elif keyword == "const":
            expect(value == rule and type(value) is type(rule), keyword)
        elif keyword == "enum":
            expect(value in rule, keyword)
        elif keyword == "minimum":
            expect(not TYPES["number"](value) or value >= rule, keyword)
        elif keyword == "maximum":
            expect(not TYPES["number"](value) or value <= rule, keyword)
        elif keyword == "minLength":
            expect(not isinstance(value, str) or len(value) >= rule, keyword)
        elif keyword == "pattern":
            expect(not isinstance(value, str) or re.search(rule, value), keyword)
        elif keyword == "minItems":
            expect(not isinstance(value, list) or len(value) >= rule, keyword)
        elif keyword == "maxItems":
            expect(not isinstance(value, list) or len(value) <= rule, keyword)
        elif keyword == "items":
            for i, item in enumerate(value if isinstance(value, list) else []):
                found += faults(rule, item, root, f"{at}/{i}")
        elif keyword == "required":
            found += [f"{at or '/'}: no {name}" for name in rule if isinstance(value, dict) and name not in value]
        elif keyword == "properties":
            for name, below in rule.items():
                if isinstance(value, dict) and name in value:
                    found += faults(below, value[name], root, f"{at}/{name}")
        elif keyword == "additionalProperties":
            assert rule is False
            unexpected = value.keys() - schema["properties"].keys() if isinstance(value, dict) else ()
            found += [f"{at or '/'}: unexpected {name}" for name in sorted(unexpected)]
        else:
            raise AssertionError(f"schema keyword that the test does not know: {keyword}")
    return found
