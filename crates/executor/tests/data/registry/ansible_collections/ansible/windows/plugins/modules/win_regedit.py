"""An imitation: sets a value of a registry that is a file of JSON, `$REGISTRY`, or removes it. What it lists as
`fixed` stays, as where another policy sets it."""

import json
import os
import pathlib

from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(
    {
        "path": {"type": "path"},
        "name": {"type": "str"},
        "data": {"type": "raw"},
        "type": {"type": "str"},
        "state": {"type": "str", "default": "present"},
    }
)
given = module.params
file = pathlib.Path(os.environ["REGISTRY"])
registry = json.loads(file.read_text())
key = f"{given['path']}!{given['name']}"
if given["name"] is None or key in registry.get("fixed", []):
    pass
elif given["state"] == "absent":
    registry.pop(key, None)
elif given["type"] == "dword":
    registry[key] = int(given["data"])
else:
    registry[key] = str(given["data"])
file.write_text(json.dumps(registry))
module.exit_json(changed=True)
