"""Finding runs: by words that stand in them, and by comparisons with their settings and metrics."""

from __future__ import annotations

import operator
import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.runs.run import Run

_COMPARISON = re.compile(r"(?:(params|metrics)\.)?([\w.]+?)(>=|<=|!=|=|>|<)(.+)")
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "=": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


@checked
def matching(runs: Sequence[Run], query: str) -> list[Run]:
    """The runs that a search finds, in their order.

    Args:
        runs: as `snnviz.runs.Store.list` gives them.
        query: words with spaces between, all of which must fit a run. `peak_accuracy>0.98` and `steps=50` compare a metric or a
            setting (`metrics.steps`, `params.steps` where both have the name); any other word must stand in the run's name, kind,
            status, id, labels, note or a setting's value, in capitals or not. Quotes hold words with spaces together.

    Raises:
        InputError: if a quote is not closed, or numbers are compared with what is none.
    """
    if not isinstance(query, str):
        raise InputError(f"`query` must be a text. Received: {check.describe(query)}")
    try:
        words = shlex.split(query)
    except ValueError:
        raise InputError(f"`query` must close each quote that it opens. Received: {check.describe(query)}") from None
    tests = [_test(word) for word in words]
    return [run for run in runs if all(test(run) for test in tests)]


def check_compared(runs: Sequence[Run], query: str) -> None:
    """Refuse a search that `matching` takes, where it compares what none of the runs has.

    Raises:
        InputError: if it does.
    """
    known = {name: None for run in runs for name in (*run.metrics, *run.params)}
    for word in shlex.split(query):
        found = _COMPARISON.fullmatch(word)
        if found is not None and found[2] not in known:
            meant = check.suggestion(found[2], known)
            raise InputError(f"`query` must compare metrics or settings of the runs. Received: {found[2]!r}{meant}")


def _test(word: str) -> Callable[[Run], bool]:
    found = _COMPARISON.fullmatch(word)
    if found is None:
        return lambda run: word.lower() in _said(run)
    where, name, sign, wanted = found.groups()
    number = as_number(wanted)
    if number is None and sign not in ("=", "!="):
        raise InputError(f"`query` must compare numbers by {sign}. Received: {check.describe(word)}")

    def fits(run: Run) -> bool:
        value: Any = None if where == "params" else run.metrics.get(name)
        value = run.params.get(name) if value is None and where != "metrics" else value
        own = as_number(value)
        if number is not None and own is not None:
            return _SIGNS[sign](own, number)
        return value is not None and sign in ("=", "!=") and _SIGNS[sign](str(value).lower(), wanted.lower())

    return fits


def as_number(value: Any) -> float | None:
    """A setting or metric as a number; None if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _said(run: Run) -> str:
    """All words of a run, in small letters."""
    words = (run.name, run.kind, run.status, run.id, run.note, *run.labels, *run.params.values())
    return "\n".join(words).lower()
