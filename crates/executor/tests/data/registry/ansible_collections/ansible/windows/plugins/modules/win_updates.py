"""An imitation: installs nothing, and says what stands in a registry that is a file of JSON, `$REGISTRY`."""

import json
import os
import pathlib

from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(
    {
        "accept_list": {"type": "list", "elements": "str"},
        "category_names": {"type": "list", "elements": "str"},
        "reboot": {"type": "bool"},
        "state": {"type": "str"},
    }
)
registry = json.loads(pathlib.Path(os.environ["REGISTRY"]).read_text())
module.exit_json(changed=True, reboot_required=registry["reboot_required"])
