"""Says which requirements this interpreter does not meet, as JSON.

    environment.py requirements.txt

Prints {"version": "3.11.4", "unmet": [{"requirement", "installed"}]}; `installed` is null for a missing package.
Constraints (`-c file`) are not met where another version is installed. Lines that are no plain requirements (addresses,
files) count as not met, since nothing tells; options of pip say where it looks, and nothing of what is wanted.
"""

import json
import sys
from importlib import metadata
from pathlib import Path

try:
    from packaging.requirements import InvalidRequirement, Requirement
except ModuleNotFoundError:
    from pip._vendor.packaging.requirements import InvalidRequirement, Requirement


def unmet(line, constraint=False):
    try:
        requirement = Requirement(line.split(" --hash=")[0])
    except InvalidRequirement:
        return {"requirement": line, "installed": None}
    if requirement.marker is not None and not requirement.marker.evaluate():
        return None
    try:
        installed = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return None if constraint else {"requirement": line, "installed": None}
    if requirement.url or not requirement.specifier.contains(installed, prereleases=True):
        return {"requirement": line, "installed": installed}
    return None


def lines_of(path):
    """The lines of a file of requirements, each with those that continue it."""
    text = Path(path).read_text().replace("\\\n", " ")
    lines = [line.split(" #")[0].strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def unmet_of(line):
    words = line.replace("=", " ", 1).split()
    if words[0] in ("-c", "--constraint"):
        return [unmet(constraint, True) for constraint in lines_of(words[1])]
    if words[0].startswith("-") and words[0] not in ("-e", "--editable"):
        return []
    return [unmet(line)]


found = [problem for line in lines_of(sys.argv[1]) for problem in unmet_of(line)]
print(json.dumps({"version": ".".join(map(str, sys.version_info[:3])), "unmet": [f for f in found if f]}))
