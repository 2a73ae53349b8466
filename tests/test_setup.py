"""What the set-up installs."""

import importlib.metadata
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]


def test_every_pinned_package_takes_the_oldest_python_that_is_promised() -> None:
    """One that does not, soupsieve 4.1.2 on Debian 12's Python 3.11.2, kept pip looking for a way out for half an hour."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    installed = {each.metadata["Name"].lower().replace("_", "-"): each for each in importlib.metadata.distributions()}
    checked, refused = 0, []
    for pin in pins:
        found = installed.get(pin.name.lower().replace("_", "-"))
        if found is None or not pin.specifier.contains(found.version, prereleases=True):
            continue  # of another system, or replaced here
        checked += 1
        if not SpecifierSet(found.metadata.get("Requires-Python") or "").contains("3.11.0"):
            refused.append(f"{pin.name} {found.version} wants Python {found.metadata['Requires-Python']}")
    assert checked > 200
    assert not refused
