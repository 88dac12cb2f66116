"""An imitation: makes the key of a registry that is a file of JSON, `$REGISTRY`, which a script asks for, until the
next restart."""

import json
import os
import pathlib
import re

from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({"script": {"type": "str"}})
asked = re.search(r"LocalMachine\.CreateSubKey\('([^']+)',.*RegistryOptions\]::Volatile\)", module.params["script"])
file = pathlib.Path(os.environ["REGISTRY"])
registry = json.loads(file.read_text())
registry[f"HKLM:\\{asked[1]}!None"] = "volatile"
file.write_text(json.dumps(registry))
module.exit_json(changed=True)
