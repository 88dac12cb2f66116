"""Reads documents of OpenVEX with another reader. A name that it does not know it leaves out, so what it read is
held against what was there.

Reads a list of documents, and prints of each what is wrong with it, in a line."""

import json
import sys

from vexipy import Document


def names(value, path=""):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}/{name}"
            yield from names(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from names(inner, f"{path}/{at}")


def faults(document):
    try:
        read = Document.from_json(json.dumps(document))
    except ValueError as why:
        return [str(why)]
    read = read.model_dump(mode="json", by_alias=True, exclude_none=True)
    return sorted(set(names(document)) - set(names(read)))


for document in json.load(sys.stdin):
    print(json.dumps(faults(document)))
