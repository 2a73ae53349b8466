"""Packages that not everybody needs, and what is said where one is missing."""

from __future__ import annotations

import importlib.util

from snnviz.errors import InputError


def need(what: str, package: str, title: str, extra: str) -> None:
    """Refuse what needs a package that is not installed, before any work is done.

    Args:
        what: what needs it, e.g. "`scheduler`".
        package: the package's name in Python.
        title: its name among people.
        extra: the extra of snnviz that brings it.

    Raises:
        InputError: if it is not installed, with the command that installs it.
    """
    if importlib.util.find_spec(package) is None:
        raise InputError(f"{what} needs {title}: {install(extra)}. Received: no package {package!r}")


def install(extra: str) -> str:
    """The command that installs an extra, for a package from an index and for a clone."""
    return f"pip install 'snnviz[{extra}]', in a clone .venv/bin/pip install -c constraints.txt -e '.[{extra}]'"
