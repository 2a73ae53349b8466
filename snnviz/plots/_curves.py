"""What the two accuracy plots share: curves, the threshold line and the marks where it is crossed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz import _checks as check
from snnviz import uncertainty
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._marks import WORD, Frame, ann_words, mark_rows, marks
from snnviz.plots._runs import Results, crossings_data, curves_data, named
from snnviz.plots.inplace import put

ZOOMS = ("all", "top")


def accuracy_overlay(
    results: Results,
    x: str,
    *,
    threshold: float | Mapping[str, float] | None,
    reference: bool,
    dark: bool,
    zoom: str,
    log: bool,
    xlabel: str,
    height: int,
    dashes: bool,
    intervals: bool = False,
) -> hv.Overlay:
    """Accuracy (in percent) over column `x` of `curves_data`; the arguments are those of the public plots.

    The overlay has the same elements whatever the threshold, so that a page can update it in place.
    """
    runs = named(results)
    check.choice("zoom", zoom, ZOOMS)
    data, ends = _curves(runs, x, log)
    limits = _accuracy_range(data, runs, threshold, zoom)
    colors = _colors(runs, dark)
    frame = Frame(x, ends, limits, log).around(data, _levels(runs, threshold, reference))
    ends_of = {name: 100 * uncertainty.accuracy_interval(run) for name, run in runs.items()} if intervals else {}
    parts: list[Any] = [_told(data, x, runs, ends_of)]
    parts += [_band(data[data["run"] == name], x, ends, colors[name]) for name, ends in ends_of.items()]
    if reference:
        anns = _anns(runs)  # what each curve approaches
        lines = [(ends[0], ann, ends[1], ann, colors[name]) for name, ann in anns.items() if np.isfinite(ann)]
        parts.append(theme.lines(lines, dash="dotted", width=1.2))
        palette = theme.palette(dark)
        words = ann_words(frame, anns, colors, palette) or [(np.nan, np.nan, "", palette.muted)]
        told = hv.Labels(words, [*WORD[:2]], [*WORD[2:]])
        parts.append(theme.labels(told, align="right", dx=-2, size=11, clear=True))
    for index, name in enumerate(runs):
        curve = hv.Curve(data[data["run"] == name], x, "accuracy", label=name)
        dash = theme.DASHES[index % len(theme.DASHES)] if dashes else "solid"
        parts.append(theme.curve(curve, colors[name], dash=dash, width=2.4))
    if threshold is not None:
        crossings = crossings_data(runs, threshold)
    if threshold is not None and len(crossings):
        parts += marks(mark_rows(crossings, frame, colors, theme.palette(dark)))
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel=xlabel,
        ylabel="Accuracy (%)",
        xlim=_room(ends, log),
        ylim=limits,
        logx=log,
        xticks=_log_ticks(x, ends) if log else None,
        legend="bottom_right" if len(runs) > 1 else None,
        large=x != "time",
        height=height,
    )


@checked
def move_threshold(
    figure: Any,
    results: Results,
    x: str,
    *,
    threshold: float,
    zoom: str = "all",
    log: bool = False,
    dark: bool = False,
    reference: bool = True,
) -> None:
    """Move the marks of an accuracy plot that a page shows to another threshold, in place.

    It takes a tenth of the time of drawing the plot anew, and a hundredth of the bytes.

    Args:
        figure: the Bokeh figure of `accuracy_over_time` or `accuracy_over_events`, drawn with a threshold and with the same
            results and other arguments.
        results: as in these.
        x: "time" or "cumulative_events", what is on the horizontal axis.
        threshold: the new one, a fraction.
        zoom: as in these.
        log: as in these.
        dark: as in these.
        reference: as in these.
    """
    check.choice("x", x, ("time", "cumulative_events"))
    runs = named(results)
    data, ends = _curves(runs, x, log)
    limits = _accuracy_range(data, runs, threshold, zoom)
    frame = Frame(x, ends, limits, log).around(data, _levels(runs, threshold, reference))
    colors = _colors(runs, dark)
    words = ann_words(frame, _anns(runs), colors, theme.palette(dark)) if reference else []
    rows = mark_rows(crossings_data(runs, threshold), frame, colors, theme.palette(dark))
    figure.y_range.update(start=limits[0], end=limits[1], reset_start=limits[0], reset_end=limits[1])
    # they are drawn last, in this order; before them the curves, and before these the names of what they approach
    moved = [*zip(figure.renderers[-len(rows) :], rows.values(), strict=True)]
    if words:
        moved.append((figure.renderers[-len(rows) - len(runs) - 1], (WORD, words)))
    for renderer, (columns, values) in moved:
        put(renderer, {column: [row[place] for row in values] for place, column in enumerate(columns)})


def _curves(runs: Mapping[str, Any], x: str, log: bool) -> tuple[pd.DataFrame, tuple[float, float]]:
    """`curves_data` in percent as far as it can be drawn, and the ends of the horizontal axis."""
    data = curves_data(runs).assign(accuracy=lambda frame: 100 * frame["accuracy"])
    if log:
        data = data[data[x] > 0]
        if data.empty:
            raise InputError("`log` must be False for runs without a synaptic event. Received: True")
    return data, (float(data[x].min()), float(data[x].max()))


def _anns(runs: Mapping[str, Any]) -> dict[str, float]:
    """Accuracies of the analog networks in percent, NaN where none is known."""
    return {name: 100 * float(run.attrs.get("ann_accuracy", np.nan)) for name, run in runs.items()}


def _band(own: pd.DataFrame, x: str, ends: np.ndarray, color: str) -> hv.Area:
    """Between the ends of a curve's interval, as far as it is drawn."""
    low, high = (end[own["time"].to_numpy() - 1] for end in ends)
    return theme.band(hv.Area((own[x].to_numpy(), low, high), x, ["accuracy", "high"]), color)


def _told(data: pd.DataFrame, x: str, runs: Mapping[str, Any], ends_of: Mapping[str, np.ndarray]) -> hv.Curve:
    """What hovering tells of a place: where each of the curves stands, and how well the items tell it."""
    words = {}
    for name, run in runs.items():
        between = ""
        if name in ends_of:
            own = data["run"] == name
            for side, end in zip(("low", "high"), ends_of[name], strict=True):
                data.loc[own, side] = end[data.loc[own, "time"] - 1]
            between = f" (@low{{0.00}} to @high{{0.00}}, {uncertainty.items(run):,} items)"
        other = "@cumulative_events{0,0} events per item" if x == "time" else "step @time"
        words[name] = f"@accuracy{{0.00}} %{between}, {other}"
    return theme.at_once(data, "run", ("step" if x == "time" else "events", x), "accuracy", words)


def _log_ticks(x: str, ends: tuple[float, float]) -> list[tuple[float, str]] | None:
    """What a logarithmic axis names; None leaves it to the powers of ten, where there are enough of them."""
    if x == "time":
        return log_steps(ends)
    if ends[1] > 100 * ends[0]:
        return None
    return [(place, theme.large(place)) for place in _ones_twos_fives(_room(ends, True))]


def log_steps(ends: tuple[float, float]) -> list[tuple[float, str]]:
    """Steps that a logarithmic axis names: 1, 2, 5, 10, 20, 50, ..."""
    return [(step, f"{step:,.0f}") for step in _ones_twos_fives(ends)]


def _ones_twos_fives(ends: tuple[float, float]) -> list[float]:
    places = [float(base * 10**power) for power in range(15) for base in (1, 2, 5)]
    return [place for place in places if ends[0] <= place <= ends[1]]


def _colors(runs: Mapping[str, Any], dark: bool) -> dict[str, str]:
    return {name: theme.series_color(index, dark) for index, name in enumerate(runs)}


def _accuracy_range(
    data: pd.DataFrame, runs: Mapping[str, Any], threshold: float | Mapping[str, float] | None, zoom: str
) -> tuple[float, float]:
    """Limits of the accuracy axis in percent: all of it, or the part in which good runs differ."""
    if zoom == "all":
        return 0.0, 102.0
    anns = _anns(runs).values()
    peaks = data.groupby("run")["accuracy"].max()
    best = max([float(peaks.max()), *(100 * goal for goal in _goals(threshold)), *(a for a in anns if np.isfinite(a))])
    span = max(5.0, 1.5 * (best - float(peaks.min())))
    return max(best - span, 0.0), best + 0.08 * span


def _levels(runs: Mapping[str, Any], threshold: float | Mapping[str, float] | None, reference: bool) -> list[float]:
    """Accuracies in percent at which a level line is drawn."""
    found = [100 * goal for goal in _goals(threshold)] + (list(_anns(runs).values()) if reference else [])
    return [level for level in found if np.isfinite(level)]


def _goals(threshold: float | Mapping[str, float] | None) -> list[float]:
    if threshold is None:
        return []
    return list(threshold.values()) if isinstance(threshold, Mapping) else [threshold]


def _room(ends: tuple[float, float], log: bool) -> tuple[float, float]:
    """Limits of the horizontal axis with room for marks at the right."""
    first, last = ends
    if log:
        stretch = max(np.log10(last / first), 0.1)
        return first * 10 ** (-0.02 * stretch), last * 10 ** (0.06 * stretch)
    return 0.0, last + 0.05 * max(last - first, 1.0)
