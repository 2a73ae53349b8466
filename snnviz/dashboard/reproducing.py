"""What to type to get the same again: a run as a command and as Python."""

from __future__ import annotations

import pprint
import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from snnviz.jobs.spec import KINDS, Spec

_COMMANDS = {
    "train": ("train", "architecture"),
    "finetune": ("finetune", "model"),
    "optimize": ("optimize", "network"),
    "simulate": ("simulate", "network"),
}
"""Kind of job -> its command, and the option that has no name there."""


def command(spec: Mapping[str, Any]) -> str | None:
    """The command that asks for what a run's spec asks for, from the same folder; None for a kind without one of its own."""
    if spec["kind"] not in _COMMANDS:
        return None
    name, first = _COMMANDS[spec["kind"]]
    options = _given(spec)
    words = ["snnviz", name, str(options.pop(first))]
    for option, value in options.items():
        flag = f"--{option.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif option == "per" and not isinstance(value, str):
            words += [flag, ",".join(value)]
        else:
            words += [flag, *map(str, value if isinstance(value, (list, tuple)) else [value])]
    if spec["kind"] == "simulate":
        words.append("--track")
    return shlex.join([*words, "--name", spec["name"]] if spec.get("name") else words)


def python(spec: Mapping[str, Any]) -> str:
    """The lines of Python that do."""
    asked: dict[str, Any] = {"kind": spec["kind"], "options": _given(spec)}
    if spec.get("name"):
        asked["name"] = spec["name"]
    return f"from snnviz import jobs\n\njobs.run({pprint.pformat(asked, sort_dicts=False, width=100)})"


def _given(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not at their defaults."""
    if spec["kind"] not in KINDS:  # of another snnviz
        return dict(spec["options"])
    defaults = {entry.name: entry.default for entry in fields(type(Spec.of(spec).options))}
    return {name: value for name, value in spec["options"].items() if value != defaults.get(name)}
