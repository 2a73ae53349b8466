"""Runs as points: accuracy, Pareto latency, Pareto power, and which of them no other run beats in all three."""

from __future__ import annotations

from collections.abc import Collection

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz import metrics
from snnviz._arguments import checked
from snnviz.plots import theme
from snnviz.plots._runs import Results, named
from snnviz.plots._scatter import AXES, front_line, limits, on_front, scatter_figure, shown, two_of
from snnviz.plots._tables import checked_table

COLUMNS = ("run", "peak_accuracy", "pareto_latency", "pareto_power")
_MOST_NAMES = 12


@checked
def pareto_front_data(results: Results | pd.DataFrame, *, reference: str | float = "ann") -> pd.DataFrame:
    """Columns run, peak_accuracy (fraction), pareto_latency (time steps), pareto_power (events per item), on_front.

    `on_front` says that no other run is at least as good in all three and better in one.

    Args:
        results: results; or a table with the first four columns, e.g. of runs whose results are not at hand.
        reference: A_ref, see `snnviz.metrics.reference_accuracy`; of no effect on a table.
    """
    if isinstance(results, pd.DataFrame):
        table = checked_table("results", results, COLUMNS)[list(COLUMNS)]
        frame = table.assign(run=table["run"].astype(str))
    else:
        rows = [
            (
                name,
                metrics.peak_accuracy(run),
                metrics.pareto_latency(run, reference),
                metrics.pareto_power(run, reference),
            )
            for name, run in named(results).items()
        ]
        frame = pd.DataFrame(rows, columns=list(COLUMNS))
    costs = frame[["peak_accuracy", "pareto_latency", "pareto_power"]].to_numpy(float) * np.array([-1, 1, 1])
    return frame.assign(on_front=on_front(costs))


@checked
def pareto_front(
    results: Results | pd.DataFrame,
    *,
    x: str = "latency",
    y: str = "accuracy",
    reference: str | float = "ann",
    selected: Collection[str] = (),
    dark: bool = False,
    height: int = 340,
) -> hv.Overlay:
    """Runs as points in two of accuracy, latency and power; a line joins the front in the two that are shown.

    Points that no other run beats in all three are large and named; others are small and pale.

    Args:
        results: as in `pareto_front_data`.
        x: "latency", "power" or "accuracy", on the horizontal axis.
        y: another of these.
        reference: A_ref of the Pareto metrics.
        selected: names of runs to draw larger, with their names.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    across, up = two_of(x, y)
    palette = theme.palette(dark)
    data = shown(pareto_front_data(results, reference=reference))
    few = len(data) <= len(palette.series)
    chosen = data["run"].isin(list(selected))
    colors = [theme.series_color(index if few else 0, dark) for index in range(len(data))]
    data["color"] = [
        color if bold else theme.blend(color, palette.background, 0.55)
        for color, bold in zip(colors, data["on_front"] | chosen, strict=True)
    ]
    data["size"] = np.where(chosen, 15.0, np.where(data["on_front"], 11.0, 7.0))
    named_rows = data[data["on_front"] | chosen | (len(data) <= _MOST_NAMES)]
    if len(named_rows) > _MOST_NAMES:
        named_rows = data[chosen]
    words = [(row[across.column], row[up.column], row["run"], palette.text) for _, row in named_rows.iterrows()]
    spans = limits(data[across.column]), limits(data[up.column])
    middle = sum(spans[0]) / 2
    right = [word for word in words if word[0] <= middle]
    left = [word for word in words if word[0] > middle]
    tooltips = [
        ("", "@run"),
        ("peak accuracy", "@peak_accuracy{0.00} %"),
        ("Pareto latency", "@pareto_latency{0.0000} steps"),
        ("Pareto power", "@pareto_power{0,0} events per item"),
    ]
    kept = ["run", *(axis.column for axis in AXES.values() if axis not in (across, up)), "color", "size"]
    place = [across.column, up.column]
    parts = [
        front_line(data, across, up, palette.muted),
        theme.points(hv.Points(data, place, kept), size="size", tooltips=tooltips),
        theme.words(right, place, dx=9, clear=True),
        theme.words(left, place, align="right", dx=-9, clear=True),
    ]
    beaten = not data["on_front"].all()
    return scatter_figure(parts, across, up, spans, dark, height, "small, pale: dominated" if beaten else "")
