"""Public names that are called otherwise now; see `docs/decisions/versions.md`."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any


def renamed(module: str, **names: str) -> Callable[[str], Any]:
    """A module's `__getattr__` that knows former names, each with the one that stands for it, and warns where one is used."""

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        told = f"{module}.{name} is called {names[name]} now; the former name will be gone in the next minor version"
        warnings.warn(told, DeprecationWarning, stacklevel=2)
        return getattr(importlib.import_module(module), names[name])

    return find
