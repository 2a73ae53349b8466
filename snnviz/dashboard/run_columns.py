"""The columns of the list of runs: what each says of a run, and what it is sorted by."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from snnviz._amounts import duration, percent, text_of
from snnviz.dashboard import uploads
from snnviz.dashboard.run_words import state, state_words
from snnviz.runs import Run
from snnviz.runs.search import as_number

_BEST: dict[str, tuple[str, str, Callable[[Any], str]]] = {
    "simulate": ("peak_accuracy", "peak", percent),
    "spinnaker": ("peak_accuracy", "peak", percent),
    "optimize": ("best_loss", "loss", partial(text_of, digits=4)),
    "train": ("val_accuracy", "held out", percent),
    "finetune": ("val_accuracy", "held out", percent),
    "adapt": ("val_accuracy", "held out", percent),
}
_LONGEST = 40


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: its head.
        value: what a run is sorted by; None comes last.
        text: what the cell says.
        words: whether values are words, which one looks at from the beginning.
    """

    title: str
    value: Callable[[Run], Any]
    text: Callable[[Run], str]
    words: bool = True


def _said(value: Any) -> str:
    return "" if value is None else text_of(value, _LONGEST)


def _best(run: Run) -> str:
    metric, word, text = _BEST.get(run.kind, ("", "", text_of))
    return f"{word} {text(run.metrics[metric])}" if metric in run.metrics else ""


def _started(run: Run) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))


def _progress(run: Run) -> str:
    """How far a run is: first what is seen of it in a narrow cell."""
    told = run.progress
    if told is None or run.status != "RUNNING":
        return state_words(run)
    first = [] if told.fraction is None else [percent(told.fraction, 0)]
    first += [] if told.seconds_left is None else [f"{duration(told.seconds_left)} left"]
    return ", ".join([*first, state_words(replace(run, progress=replace(told, seconds_left=None)))])


FIXED = {
    "name": Column("Run", lambda run: (run.name or run.kind).lower(), lambda run: run.name or run.kind),
    "state": Column("State", state, state),
    "progress": Column("Progress", _progress, _progress),
}
"""Columns that are always there."""
FURTHER = {
    "kind": Column("Kind", lambda run: run.kind, lambda run: run.kind),
    "best": Column("Best", lambda run: run.metrics.get(_BEST.get(run.kind, ("", ""))[0]), _best, words=False),
    "started": Column("Started", lambda run: run.started, _started, words=False),
    "took": Column(
        "Took", lambda run: run.seconds, lambda run: "" if run.status == "SCHEDULED" else duration(run.seconds), words=False
    ),
    "note": Column("Note", lambda run: run.note.lower() or None, lambda run: _said(" ".join(run.note.split()))),
}  # fmt: skip
DEFAULT = ["kind", "best", "started", "took"]


def column(key: str) -> Column:
    """The column of a key: one of `FIXED` and `FURTHER`, or metrics.NAME, or params.NAME."""
    if key in FIXED:
        return FIXED[key]
    if key in FURTHER:
        return FURTHER[key]
    where, name = key.split(".", 1)
    if where == "metrics":
        return Column(name, lambda run: run.metrics.get(name), lambda run: _said(run.metrics.get(name)), words=False)
    return Column(name, lambda run: _sorted(_setting(run, name)), lambda run: _said(_setting(run, name)))


def _setting(run: Run, name: str) -> str | None:
    value = run.params.get(name)
    return None if value is None else uploads.shown(value)


def _sorted(value: str | None) -> tuple[bool, Any] | None:
    """Numbers before texts."""
    number = as_number(value)
    return None if value is None else (number is None, value.lower() if number is None else number)


def known(runs: Sequence[Run]) -> dict[str, str]:
    """The columns that may be chosen for some runs: what a reader sees -> key."""
    metrics = sorted({name for run in runs for name in run.metrics})
    params = sorted({name for run in runs for name in run.params} - set(metrics))
    return (
        {made.title: key for key, made in FURTHER.items()}
        | {name: f"metrics.{name}" for name in metrics}
        | {name: f"params.{name}" for name in params}
    )


def ordered(runs: Sequence[Run], sort: str) -> list[Run]:
    """Runs sorted by a column, "-key" for falling values; those of which nothing is known come last."""
    wanted = column(sort.removeprefix("-"))
    told = [(wanted.value(run), run) for run in runs]
    some = sorted(
        (pair for pair in told if pair[0] not in (None, "")), key=lambda pair: pair[0], reverse=sort.startswith("-")
    )
    return [run for _, run in some] + [run for value, run in told if value in (None, "")]


def row(run: Run, keys: Sequence[str]) -> dict[str, Any]:
    """A run as `RunTable` takes it."""
    fraction = run.progress.fraction if run.active and run.progress is not None else None
    return {
        "id": run.id,
        "name": run.name or run.kind,
        "note": run.note,
        "labels": list(run.labels),
        "star": run.starred,
        "state": run.status,
        "word": state(run),
        "fraction": fraction,
        "said": _progress(run),
        "cells": [column(key).text(run) for key in keys],
    }
