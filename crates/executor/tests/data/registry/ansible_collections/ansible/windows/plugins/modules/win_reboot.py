"""An imitation: counts restarts in a registry that is a file of JSON, `$REGISTRY`, and removes what does not outlive
one. Where `lost` is there, whoever asked never hears of it."""

import json
import os
import pathlib

from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({"reboot_timeout": {"type": "int"}})
file = pathlib.Path(os.environ["REGISTRY"])
registry = json.loads(file.read_text())
if registry.get("lost") != "before":
    registry = {key: value for key, value in registry.items() if value != "volatile"}
    registry["restarts"] = registry.get("restarts", 0) + 1
file.write_text(json.dumps(registry))
if "lost" in registry:
    module.fail_json(msg="the connection is lost")
module.exit_json(changed=True)
