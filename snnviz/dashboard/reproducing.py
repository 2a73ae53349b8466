"""What to type to get the same again: a run as a command and as Python."""

from __future__ import annotations

import pprint
import shlex
from collections.abc import Mapping
from typing import Any

from snnviz._options import options_of, words
from snnviz.errors import InputError
from snnviz.jobs.spec import Spec

_COMMANDS = {
    "train": "", "finetune": "", "adapt": "", "optimize": "", "simulate": "--track", "convert": "--track", "sweep": "--track",
}  # fmt: skip
"""Kinds of jobs with a command of their name -> what makes it record a run, where it does not by itself."""


def command(spec: Mapping[str, Any]) -> str | None:
    """The command that asks for what a run's spec asks for, from the same folder; None for a kind without one of its own, or for a
    run that was recorded without its options."""
    options = _options(spec)
    if options is None or spec["kind"] not in _COMMANDS:
        return None
    track = _COMMANDS[spec["kind"]]
    name = ["--name", spec["name"]] if spec.get("name") else []
    return shlex.join(["snnviz", spec["kind"], *words(options), *([track] if track else []), *name])


def python(spec: Mapping[str, Any]) -> str | None:
    """The lines of Python that do; None for a run that was recorded without its options."""
    options = _options(spec)
    if options is None:
        return None
    defaults = {name: each.default for name, each in options_of(type(options)).items()}
    given = {name: value for name, value in spec["options"].items() if value != defaults.get(name)}
    asked: dict[str, Any] = {"kind": spec["kind"], "options": given}
    if spec.get("name"):
        asked["name"] = spec["name"]
    return f"from snnviz import jobs\n\njobs.run({pprint.pformat(asked, sort_dicts=False, width=100)})"


def _options(spec: Mapping[str, Any]) -> Any:
    """What a run was told, checked; None where this snnviz does not know how."""
    try:
        return Spec.of(spec).options
    except InputError:
        return None
