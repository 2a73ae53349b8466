"""How pages and reports put runs into words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from snnviz._amounts import duration, text_of
from snnviz.dashboard import parts
from snnviz.runs.run import STATES
from snnviz.runs.search import as_number

if TYPE_CHECKING:
    import pandas as pd

    from snnviz.runs import Run

_LONGEST = 28
_AGAINST_ANN = ("pareto_latency", "pareto_power")
NOT_ALIKE = """<p class='note notes'>The Pareto metrics of a run are against its own ANN, and these ANNs differ in accuracy:
no best is marked. The Explorer takes one reference for all.</p>"""
OVER_SEEDS = """<p class='note notes'>These runs differ in their seed alone. The interval of the mean (Student's) says how far
other seeds would move it; other items are another matter.</p>"""
_LESS_IS_BETTER = ("loss", "latency", "power", "events", "seconds", "error")
CURVES = {
    "train": ["loss", "val_loss"],
    "finetune": ["loss", "val_loss"],
    "adapt": ["loss", "val_loss"],
    "optimize": ["best_loss"],
    "simulate": ["accuracy"],
    "spinnaker": ["accuracy"],
}
"""Kind of run -> the metrics over steps that tell how it goes."""


def state_words(run: Run) -> str:
    """How far a run is, in words."""
    if run.status == "SCHEDULED":
        ahead = f", {run.ahead} before it" if run.ahead else ""
        return f"waits for its turn{ahead}"
    if run.progress is not None and run.status == "RUNNING":
        told = run.progress
        amount = "" if not told.total else f" {told.done:,.0f} of {told.total:,.0f} {told.unit}"
        left = "" if told.seconds_left is None else f", {duration(told.seconds_left)} left"
        return f"{told.what}{amount}{left}".strip()
    return run.reason


def state(run: Run) -> str:
    """The state of a run in a word."""
    return STATES.get(run.status, run.status)


def less_is_better(metric: str) -> bool:
    """Whether a metric is the better the smaller it is, by its name."""
    return metric.endswith("_s") or any(word in metric.split("_") for word in _LESS_IS_BETTER)


def comparison_table(table: pd.DataFrame, names: list[str]) -> str:
    """HTML of what `snnviz.runs.Store.compare` returns: settings that differ and the best of every metric are marked."""
    rows = []
    found = dict(zip(table.index, table.to_numpy(), strict=True)).get(("metric", "ann_accuracy"), ())
    apart = len({value for value in found if value is not None and value == value}) > 1
    for (part, name), row in zip(table.index, table.to_numpy(), strict=True):
        if name == "name":
            continue
        row = [STATES.get(value, value) for value in row] if name == "status" else row
        cells = [escape(_value(value)) for value in row]
        title = escape(str(name))
        # runs of another kind have no such setting
        if part == "setting" and len({str(value) for value in row if value is not None and value == value}) > 1:
            title = f"<span class='differs' title='differs'>≠ {title}</span>"
        if part == "metric" and not (apart and name in _AGAINST_ANN):
            cells = [
                f"<b title='best'>{cell} ★</b>" if place in _best(str(name), row) else cell
                for place, cell in enumerate(cells)
            ]
        rows.append([title, escape(str(part)), *cells])
    return parts.table(["", "", *map(escape, names)], rows, words=2) + (NOT_ALIKE if apart else "")


def seeds_table(table: pd.DataFrame) -> str:
    """HTML of what `snnviz.runs.over_seeds` returns; nothing where no runs differ in their seed alone."""
    if table.empty:
        return ""
    rows = [
        [escape(str(row.metric)), escape(str(row.run)), _value(row.mean), f"{_value(row.low)} to {_value(row.high)}", str(row.n)]
        for row in table.itertuples()
    ]  # fmt: skip
    head = ["Over seeds", "like", "mean", "95 % interval", "seeds"]
    return OVER_SEEDS + parts.table(head, rows, words=2)


def _best(metric: str, row: Any) -> list[int]:
    """Where the best value of a metric stands; nowhere if all are alike or some unknown."""
    numbers = [as_number(value) for value in row]
    told = [number for number in numbers if number is not None and number == number]
    if len(set(told)) < 2 or metric in ("epoch", "seconds", "step"):
        return []
    best = (min if less_is_better(metric) else max)(told)
    return [place for place, number in enumerate(numbers) if number == best]


def _value(value: Any) -> str:
    return "–" if value is None or value != value else text_of(value, _LONGEST)
