"""What to type to get the same again: a run or a plot as a command and as Python."""

from __future__ import annotations

import pprint
import shlex
from collections.abc import Mapping
from typing import Any

from snnviz._options import options_of, words
from snnviz.errors import InputError
from snnviz.figures.catalog import FIGURES
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


def loading(results: Mapping[str, tuple[str, str]]) -> str:
    """The Python that loads results.

    Args:
        results: by name, ("file", its name), ("run", its id) or ("", "") for one that only this process has.
    """
    ways = {
        "file": "snnviz.load_result({!r})",
        "run": "snnviz.runs.Store().result({!r})",
        "": "...  # from snnviz.simulate{}",
    }
    rows = [f"    {name!r}: {ways[kind].format(where)}," for name, (kind, where) in results.items()]
    return "\n".join(["import snnviz", "", "results = {", *rows, "}"])


def plot(name: str, results: Mapping[str, tuple[str, str]], *given: Any, several: bool = True, **options: Any) -> str:
    """The Python that draws a plot of `snnviz.plots` from results and writes it into a file."""
    shown = "results" if several else f"results[{next(iter(results))!r}]"
    words = [
        shown,
        *map(repr, given),
        *(f"{key}={value!r}" for key, value in options.items() if value not in (None, False)),
    ]
    drawn = f"figure = snnviz.plots.{name}({', '.join(words)})"
    return f"{loading(results)}\n{drawn}\nsnnviz.plots.save(figure, {name.replace('_', '-') + '.pdf'!r})"


def figures_command(name: str, results: Mapping[str, tuple[str, str]]) -> str | None:
    """The command that writes the same plot as a journal's figure; None where there is none."""
    figure = _FIGURES.get(name, name.replace("_", "-"))
    sources = [where for kind, where in results.values() if kind]
    if figure not in FIGURES or len(sources) < len(results):
        return None
    return shlex.join(["snnviz", "figures", "--run", *sources, "--names", figure])


_FIGURES = {"accuracy_over_time": "figure-a", "accuracy_over_events": "figure-5", "prediction_strip": "figure-b"}


def _options(spec: Mapping[str, Any]) -> Any:
    """What a run was told, checked; None where this snnviz does not know how."""
    try:
        return Spec.of(spec).options
    except InputError:
        return None
