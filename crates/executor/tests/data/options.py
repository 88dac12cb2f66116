"""Holds the tasks of playbooks to the documentation of their modules: options that there are, those that must be
there, and values of those that can be chosen. Prints what is wrong, a line each.

python options.py ANSIBLE-DOC PLAYBOOK..."""

import json
import subprocess
import sys

import yaml

# What a task may say beside its module.
KEYWORDS = {"name", "when", "loop", "register", "block"}


def tasks(many):
    for task in many:
        yield from tasks(task["block"]) if "block" in task else [task]


used = []
for path in sys.argv[2:]:
    with open(path) as file:
        for play in yaml.safe_load(file):
            for task in tasks(play["tasks"]):
                [module] = set(task) - KEYWORDS
                used.append((f"{path}: {task['name']}", module, task[module]))
modules = sorted({module for _, module, _ in used})
told = subprocess.run([sys.argv[1], "--json", *modules], capture_output=True, check=True)
documented = json.loads(told.stdout)
for place, module, given in used:
    options = documented[module]["doc"].get("options", {})
    names = {name: name for name in options}
    for name, option in options.items():
        names.update((alias, name) for alias in option.get("aliases", []))
    for name, value in given.items():
        if name not in names:
            print(f"{place}: {module} has no option {name}")
            continue
        choices = options[names[name]].get("choices")
        fixed = not (isinstance(value, str) and "{{" in value)
        if choices and fixed and value not in choices:
            print(f"{place}: {module}: {name} cannot be {value}")
    for name, option in options.items():
        if option.get("required") and name not in {names.get(it) for it in given}:
            print(f"{place}: {module} needs {name}")
