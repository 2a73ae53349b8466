"""Options as they are declared (`snnviz._options`), as arguments of a command."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Mapping
from typing import Any

from snnviz import _checks as check
from snnviz._options import Option, one_of, options_of, typed
from snnviz.cli._numbers import real, whole
from snnviz.jobs.work.sources import DataOptions

_READ: Mapping[str, Callable[[str], Any]] = {"int": whole, "float": real}


class Words(argparse.Action):
    """Several words, with spaces or commas between."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Take them apart."""
        setattr(namespace, self.dest, [word for value in values for word in value.split(",")])


def add(parser: Any, options: Any, *, without: Collection[str] = (), **changes: Mapping[str, Any]) -> None:
    """Add the options that a dataclass declares.

    Args:
        parser: of the command.
        options: the dataclass.
        without: names of options that this command has no word for.
        **changes: by option, arguments of argparse that stand instead of the derived ones.
    """
    for name, each in options_of(options).items():
        if name not in without:
            words = () if each.required else (each.flag,)
            parser.add_argument(*(words or (name,)), **{**_arguments(each), **changes.get(name, {})})


def add_outside(parser: Any, tool: str, items: int) -> None:
    """Add what a command takes that simulates a network in another program, `items` test items where nothing is said."""
    parser.add_argument("--python", metavar="PYTHON", help=f"interpreter that has {tool} (default: this one)")
    parser.add_argument(
        "--limit", type=whole, default=items, metavar="N", help="the first N test items (default: %(default)s)"
    )
    parser.add_argument("--steps", type=whole, default=20, metavar="T", help="time steps (default: %(default)s)")
    add(parser, DataOptions)


def _arguments(each: Option) -> dict[str, Any]:
    """What argparse is told of an option."""
    found: dict[str, Any] = {"help": help_of(each).replace("%", "%%")}
    if each.kind == "bool":
        return {**found, "action": "store_true", "default": each.default}
    if each.kind != "str":
        found["type"] = _listed(_READ[each.kind]) if each.commas else _READ[each.kind]
    if each.many and not each.commas:
        found["nargs"] = "+"
    if each.metavar is not None:
        found["metavar"] = each.metavar
    return found if each.required else {**found, "default": each.default}


def help_of(each: Option) -> str:
    """What an option means, what it may be, and what holds where it is not given."""
    text = each.help
    if each.choices is not None and not callable(each.choices):
        told = all(f"({choice})" in text for choice in each.choices)  # each where it is explained
        text += "" if told else f"{': ' if text else ''}{one_of(each.choices)}"
    holds = each.unset
    if not holds and each.default is not None and each.default != "" and not isinstance(each.default, bool):
        holds = "" if each.required else typed(each.default)
    return f"{text} (default: {holds})" if holds else text


def _listed(kind: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """A reader of numbers with commas between."""

    def read(text: str) -> list[Any]:
        try:
            return [kind(word) for word in text.split(",")]
        except argparse.ArgumentTypeError:
            which = "whole numbers" if kind is whole else "numbers"
            raise argparse.ArgumentTypeError(
                f"must be {which} with commas between. Received: {check.describe(text)}"
            ) from None

    return read
