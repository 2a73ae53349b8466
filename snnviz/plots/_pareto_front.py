"""Runs as points: accuracy, Pareto latency, Pareto power, and which of them no other run beats in all three."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from snnviz import metrics, uncertainty
from snnviz._arguments import checked
from snnviz.plots import theme
from snnviz.plots._runs import Results, named
from snnviz.plots._scatter import AXES, Axis, front_line, limits, on_front, scatter_figure, shown, two_of
from snnviz.plots._tables import checked_table

COLUMNS = ("run", "peak_accuracy", "pareto_latency", "pareto_power")
_ENDS = tuple(f"{figure}_{end}" for figure in COLUMNS[1:] for end in ("low", "high"))
_MOST_NAMES = 12
_ROOM = 0.36
"""That a name takes, of the width."""


@checked
def pareto_front_data(
    results: Results | pd.DataFrame, *, reference: str | float = "ann", intervals: bool = False
) -> pd.DataFrame:
    """Columns run, peak_accuracy (fraction), pareto_latency (time steps), pareto_power (events per item), on_front.

    `on_front` says that no other run is at least as good in all three and better in one.

    Args:
        results: results; or a table with the first four columns, e.g. of runs whose results are not at hand.
        reference: A_ref, see `snnviz.metrics.reference_accuracy`; of no effect on a table.
        intervals: further columns NAME_low and NAME_high of each metric, its 95 % interval over items
            (`snnviz.uncertainty.intervals`), NaN where a result holds no predictions. Those that a table has stay anyway.
    """
    if isinstance(results, pd.DataFrame):
        whole = checked_table("results", results, COLUMNS)
        table = whole[list(COLUMNS)]
        frame = table.assign(run=table["run"].astype(str), **{name: whole[name] for name in _ENDS if name in whole})
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
        if intervals:
            frame = frame.join(_ends(named(results), reference), on="run")
    costs = frame[["peak_accuracy", "pareto_latency", "pareto_power"]].to_numpy(float) * np.array([-1, 1, 1])
    return frame.assign(on_front=on_front(costs))


def _ends(results: Mapping[str, xr.Dataset], reference: str | float) -> pd.DataFrame:
    """The ends of the intervals by run; no rows where no result holds predictions."""
    told = {name: result for name, result in results.items() if "prediction" in result}
    if not told:
        return pd.DataFrame(columns=list(_ENDS), dtype=float)
    table = uncertainty.intervals(told, reference).pivot(index="run", columns="figure", values=["low", "high"])
    return pd.DataFrame({f"{figure}_{end}": table[end, figure] for end, figure in table})[list(_ENDS)]


def _whiskers(data: pd.DataFrame, across: Axis, up: Axis) -> list[tuple[Any, ...]]:
    """A line along each axis for the intervals of each point, where they are known."""
    rows: list[tuple[Any, ...]] = []
    for row in data.to_dict("records"):
        for axis in (across, up):
            ends = [row.get(f"{axis.column}_{end}", np.nan) for end in ("low", "high")]
            if np.isfinite(ends).all():
                x, y = (ends if axis is each else [row[each.column]] * 2 for each in (across, up))
                rows.append((x[0], y[0], x[1], y[1], row["color"]))
    return rows


def _span(data: pd.DataFrame, axis: Axis) -> tuple[float, float]:
    """Limits of an axis that hold points and intervals."""
    return limits(pd.concat([data[name] for name in data if str(name).startswith(axis.column)]))


def _sides(words: list[tuple[Any, ...]], span: tuple[float, float], outwards: bool) -> tuple[list[Any], list[Any]]:
    """Which names stand to the left of their points, and which to the right: where there is room, and `outwards` from others."""
    middle = float(np.mean([word[0] for word in words])) if words else 0.0
    left: list[Any] = []
    right: list[Any] = []
    for word in words:
        share = (word[0] - span[0]) / (span[1] - span[0])
        edge = 0.5 if not outwards else _ROOM if word[0] < middle else 1 - _ROOM
        (left if share > edge else right).append(word)
    return left, right


@checked
def pareto_front(
    results: Results | pd.DataFrame,
    *,
    x: str = "latency",
    y: str = "accuracy",
    reference: str | float = "ann",
    selected: Collection[str] = (),
    intervals: bool = False,
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
        intervals: draw the 95 % intervals of results as whiskers; a table has to have them.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    across, up = two_of(x, y)
    palette = theme.palette(dark)
    data = shown(pareto_front_data(results, reference=reference, intervals=intervals))
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
    words = [
        (row[across.column], row[up.column], theme.narrow(row["run"]), palette.text) for _, row in named_rows.iterrows()
    ]
    spans = _span(data, across), _span(data, up)
    bars = _whiskers(data, across, up)
    left, right = _sides(words, spans[0], outwards=bool(bars))
    tooltips = [
        ("", "@run"),
        ("peak accuracy", "@peak_accuracy{0.00} %"),
        ("Pareto latency", "@pareto_latency{0.0000} steps"),
        ("Pareto power", "@pareto_power{0,0} events per item"),
    ]
    kept = ["run", *(axis.column for axis in AXES.values() if axis not in (across, up)), "color", "size"]
    place = [across.column, up.column]
    above = 16 if bars else 0  # a word beside a point would lie on its bar
    parts = [
        front_line(data, across, up, palette.muted),
        *([theme.lines(bars, dash="solid", width=1.5)] if bars else []),
        theme.points(hv.Points(data, place, kept), size="size", tooltips=tooltips),
        theme.words(right, place, dx=9, dy=above, clear=True),
        theme.words(left, place, align="right", dx=-9, dy=above, clear=True),
    ]
    beaten = not data["on_front"].all()
    return scatter_figure(parts, across, up, spans, dark, height, "small, pale: dominated" if beaten else "")
