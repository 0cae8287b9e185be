"""Validates lines of JSON from stdin, `[schema, value]`; prints one line for each fault.

The argument is the folder of the schemas. A schema is read once, held against the language's own
schema, and may refer to the others of the folder by their file names.

A schema for clients leaves room for new fields, and a test does not: a field that no schema names
is a fault.
"""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012


def forbid_unnamed(schema):
    """Makes each object that names its fields refuse others."""
    if isinstance(schema, list):
        for part in schema:
            forbid_unnamed(part)
    elif isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            forbid_unnamed(part)


def registry_of(folder):
    resources = []
    for path in sorted(folder.glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        forbid_unnamed(schema)
        resources.append((path.name, Resource.from_contents(schema, DRAFT202012)))
    return Registry().with_resources(resources)


def main():
    folder = pathlib.Path(sys.argv[1])
    registry = registry_of(folder)
    validators = {}
    for line in sys.stdin:
        name, value = json.loads(line)
        if name not in validators:
            validators[name] = Draft202012Validator({"$ref": name}, registry=registry)
        for error in validators[name].iter_errors(value):
            place = "/".join(str(part) for part in error.absolute_path)
            print(f"{name}: at /{place}: {error.message[:300]}")


if __name__ == "__main__":
    main()
