"""Holds documents to the strict schema of the version of CycloneDX that they name.

Reads a list of documents, and prints of each what is wrong with it, in a line."""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

for document in json.load(sys.stdin):
    validator = JsonStrictValidator(SchemaVersion.from_version(document["specVersion"]))
    faults = validator.validate_str(json.dumps(document), all_errors=True) or []
    print(json.dumps([fault.data.message for fault in faults]))
