"""Every network that a search for better scales tried, as points."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz._arguments import checked
from snnviz.plots import theme
from snnviz.plots._scatter import AXES, front_line, on_front, scatter_figure, shown, two_of
from snnviz.plots._tables import checked_table

_METRICS = ("peak_accuracy", "latency", "power")


@checked
def evaluations_data(history: pd.DataFrame) -> pd.DataFrame:
    """Columns evaluation, stage, peak_accuracy, pareto_latency, pareto_power, loss, is_start, is_best, on_front.

    `on_front` says that no other evaluation is at least as good in accuracy, latency and power and better in one.

    Args:
        history: `OptimizationResult.history`: loss, peak_accuracy, latency, power; stage if known.
    """
    table = checked_table("history", history, ("loss", *_METRICS))
    costs = table[list(_METRICS)].to_numpy(float) * np.array([-1, 1, 1])
    order = np.arange(len(table))
    return pd.DataFrame(
        {
            "evaluation": order,
            "stage": table.get("stage", ""),
            "peak_accuracy": table["peak_accuracy"],
            "pareto_latency": table["latency"],
            "pareto_power": table["power"],
            "loss": table["loss"],
            "is_start": order == 0,
            "is_best": order == int(table["loss"].to_numpy().argmin()),
            "on_front": on_front(costs),
        }
    )


@checked
def evaluations(
    history: pd.DataFrame, *, x: str = "latency", y: str = "power", dark: bool = False, height: int = 340
) -> hv.Overlay:
    """Every network that a search tried, in two of accuracy, latency and power; later ones are stronger in colour.

    Evaluations far beyond the start are off the plot. The start and the best (of the loss) are named.

    Args:
        history: as in `evaluations_data`.
        x: "latency", "power" or "accuracy", on the horizontal axis.
        y: another of these.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    across, up = two_of(x, y)
    data = shown(evaluations_data(history))
    palette = theme.palette(dark)
    age = data["evaluation"] / max(len(data) - 1, 1)
    pale = theme.blend(palette.series[0], palette.background, 0.75)
    data["color"] = [theme.blend(pale, palette.series[0], float(share)) for share in age]
    place = [across.column, up.column]
    tooltips = [
        ("evaluation", "@evaluation"),
        ("stage", "@stage"),
        ("loss", "@loss{0.0000}"),
        ("peak accuracy", "@peak_accuracy{0.00} %"),
        ("Pareto latency", "@pareto_latency{0.0000} steps"),
        ("Pareto power", "@pareto_power{0,0} events per item"),
    ]
    hidden = [axis.column for axis in AXES.values() if axis not in (across, up)]
    kept = ["evaluation", "stage", "loss", *hidden, "color"]
    spans = _near_start(data, across.column, across.better), _near_start(data, up.column, up.better)
    ends = [("start", data[data["is_start"]], palette.text), ("best", data[data["is_best"]], palette.series[1])]
    marks = [(row[place[0]].iloc[0], row[place[1]].iloc[0], name, color) for name, row, color in ends]
    turned = "right" if marks[0][0] > sum(spans[0]) / 2 else "left"
    parts = [
        front_line(data, across, up, palette.muted),
        theme.points(hv.Points(data, place, kept), size=6, tooltips=tooltips),
        theme.points(hv.Points(marks, place, ["text", "color"]), "diamond", 10),
        theme.words(marks[:1], place, align=turned, dx=13 if turned == "left" else -13),
        theme.words(marks[1:], place, dx=13),
    ]
    return scatter_figure(
        parts, across, up, spans, dark, height, "the darker, the later" if not dark else "the brighter, the later"
    )


def _near_start(data: pd.DataFrame, column: str, better: int) -> tuple[float, float]:
    """Limits that hold the best side whole and as much of the worse side as lies around the start."""
    values = data[column].to_numpy(float)
    start = values[0]
    best = values.max() if better > 0 else values.min()
    reach = 0.6 * max(abs(start - best), 0.02 * abs(start), 1e-9)
    near = values[values >= start - reach] if better > 0 else values[values <= start + reach]
    low, high = theme.room(near, 0.1)
    # on the worse side it passes between points, or marks would be cut in two
    limits = (
        np.linspace(low, low - (high - low) / 4, 50) if better > 0 else np.linspace(high, high + (high - low) / 4, 50)
    )
    free = np.abs(values[:, None] - limits).min(axis=0)
    edge = float(limits[np.minimum(free, 0.03 * (high - low)).argmax()])
    return (edge, high) if better > 0 else (low, edge)
