"""An imitation: what a value of a registry says that is a file of JSON, `$REGISTRY`."""

import json
import os
import pathlib

from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({"path": {"type": "path"}, "name": {"type": "str"}})
file = pathlib.Path(os.environ["REGISTRY"])
registry = json.loads(file.read_text())
key = f"{module.params['path']}!{module.params['name']}"
if key in registry:
    module.exit_json(exists=True, value=registry[key])
module.exit_json(exists=False)
