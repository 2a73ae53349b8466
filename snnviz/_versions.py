"""Which versions of packages made something."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable

from snnviz import __version__

COMPUTING = ("keras", "tensorflow", "tensorflow-cpu", "jax", "numpy", "numba", "xarray")
"""The packages whose versions can change a number."""


def installed(packages: Iterable[str] = COMPUTING) -> dict[str, str]:
    """Versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def versions(packages: Iterable[str] = COMPUTING) -> dict[str, str]:
    """Versions of Python, of snnviz, and of those packages that are installed."""
    return {"python": platform.python_version(), "snnviz": __version__, **installed(packages)}
