"""Says which requirements this interpreter does not meet, as JSON.

    environment.py requirements.txt

Prints {"version": "3.11.4", "unmet": [{"requirement", "installed"}]}; `installed` is null for a missing package.
Lines that are no plain requirements (options, addresses, files) count as not met, since nothing tells.
"""

import json
import sys
from importlib import metadata
from pathlib import Path

try:
    from packaging.requirements import InvalidRequirement, Requirement
except ModuleNotFoundError:
    from pip._vendor.packaging.requirements import InvalidRequirement, Requirement


def unmet(line):
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return {"requirement": line, "installed": None}
    if requirement.marker is not None and not requirement.marker.evaluate():
        return None
    try:
        installed = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return {"requirement": line, "installed": None}
    if requirement.url or not requirement.specifier.contains(installed, prereleases=True):
        return {"requirement": line, "installed": installed}
    return None


lines = [line.split(" #")[0].strip() for line in Path(sys.argv[1]).read_text().splitlines()]
found = [unmet(line) for line in lines if line and not line.startswith("#")]
print(json.dumps({"version": ".".join(map(str, sys.version_info[:3])), "unmet": [f for f in found if f]}))
