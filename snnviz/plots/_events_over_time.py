"""The plane of time and cost: the synaptic events spent by each step, and where an accuracy is reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz._arguments import checked
from snnviz.plots import theme
from snnviz.plots._runs import Results, crossings_data, curves_data, named, step_unit
from snnviz.plots.inplace import put

_MARK = ("time", "cumulative_events", "color")


@checked
def events_over_time_data(results: Results) -> pd.DataFrame:
    """Columns run, time (step), cumulative_events (synaptic events per item up to that step), accuracy (fraction)."""
    return curves_data(results)[["run", "time", "cumulative_events", "accuracy"]]


@checked
def events_over_time(
    results: Results,
    *,
    threshold: float | Mapping[str, float] | None = None,
    dark: bool = False,
    height: int = 340,
) -> hv.Overlay:
    """The synaptic events spent so far (mean per item) against time, one line a run; further left and lower is better.

    Args:
        results: a result, a sequence of results, or a mapping from names.
        threshold: an accuracy, a fraction, or one per run: a dot marks the step and the events at which it is reached, a red cross
            at the end a run that never reaches it. None for no marks.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    runs = named(results)
    data = events_over_time_data(runs)
    told = dict.fromkeys(runs, "@cumulative_events{0,0} events per item, @accuracy{0.00 %}")
    parts = [theme.at_once(data, "run", ("step", "time"), "cumulative_events", told)]
    for index, (name, rows) in enumerate(data.groupby("run", sort=False)):
        curve = hv.Curve(rows, "time", "cumulative_events", label=str(name))
        dash = theme.DASHES[index % len(theme.DASHES)]
        parts.append(theme.curve(curve, theme.series_color(index, dark), dash=dash, width=2.4))
    if threshold is not None:
        for marks, shape in zip(_marks(runs, data, threshold, dark), ("circle", "x"), strict=True):
            parts.append(theme.points(hv.Points(marks, list(_MARK[:2]), _MARK[2]), marker=shape, size=11))
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel=f"Time ({step_unit(results)})",
        ylabel="Synaptic events so far (per item)",
        xlim=(0.0, 1.05 * float(data["time"].max())),
        ylim=(0.0, 1.08 * max(float(data["cumulative_events"].max()), 1.0)),
        large_y=True,
        legend="bottom_right" if len(runs) > 1 else None,
        height=height,
    )


@checked
def move_events_threshold(figure: Any, results: Results, *, threshold: float, dark: bool = False) -> None:
    """Move the marks of the plot that a page shows to another threshold, in place.

    Args:
        figure: the Bokeh figure of `events_over_time`, drawn with a threshold and with the same results.
        results: as there.
        threshold: the new one, a fraction.
        dark: as there.
    """
    runs = named(results)
    marks = _marks(runs, events_over_time_data(runs), threshold, dark)
    for renderer, rows in zip(figure.renderers[-len(marks) :], marks, strict=True):  # drawn last, in this order
        put(renderer, {column: [row[place] for row in rows] for place, column in enumerate(_MARK)})


def _marks(
    runs: Mapping[str, Any], data: pd.DataFrame, threshold: float | Mapping[str, float], dark: bool
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows of `_MARK`: where runs reach the threshold, and the ends of those that never do."""
    palette = theme.palette(dark)
    colors = {name: theme.series_color(index, dark) for index, name in enumerate(runs)}
    dots, crosses = [], []
    for row in crossings_data(runs, threshold).itertuples():
        if row.crossed:
            dots.append((row.time, row.events, colors[row.run]))
        else:
            last = data[data["run"] == row.run].iloc[-1]
            crosses.append((last["time"], last["cumulative_events"], palette.missed))
    nowhere = [
        (np.nan, np.nan, palette.muted)
    ]  # a mark that is not there keeps its element, so that it can be moved in place
    return dots or nowhere, crosses or nowhere
