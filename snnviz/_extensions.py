"""What others add to snnviz: named things of installed packages, declared as entry points."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from collections.abc import Mapping
from typing import Any

from snnviz import _checks as check
from snnviz.errors import InputError


@functools.cache
def _entries(group: str) -> dict[str, importlib.metadata.EntryPoint]:
    """What other packages bring to a group, by name: every installed package is asked, once in a process."""
    return {entry.name: entry for entry in reversed(importlib.metadata.entry_points(group=group))}


def names(group: str, own: Mapping[str, str]) -> tuple[str, ...]:
    """The names in a group: our own, then those of other packages in alphabetical order."""
    return (*own, *sorted({*_entries(group)} - {*own}))


def known(argument: str, name: str, group: str, own: Mapping[str, str]) -> str:
    """`name`, which must be in the group; other packages, of which there may be hundreds, are asked only if it is not ours."""
    return name if isinstance(name, str) and name in own else check.choice(argument, name, names(group, own))


def load(argument: str, name: str, group: str, own: Mapping[str, str]) -> Any:
    """The thing of that name; nothing else is imported.

    Args:
        argument: what a message calls the name.
        name: of the thing.
        group: of entry points, e.g. "snnviz.engines".
        own: our own things, each as "module:attribute". They cannot be replaced.

    Raises:
        InputError: for an unknown name, or where the package that has it cannot be imported.
    """
    known(argument, name, group, own)
    if name in own:
        module, _, attribute = own[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    entry = _entries(group)[name]
    try:
        return entry.load()
    except Exception as error:  # somebody else's package may raise anything
        package = entry.dist.name if entry.dist is not None else entry.value
        raise InputError(
            f"`{argument}` must be one whose package can be imported. Received: {name!r} of {package} ({error})"
        ) from error
