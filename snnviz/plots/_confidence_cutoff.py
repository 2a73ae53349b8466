"""Stopping when sure, beside stopping at a fixed time."""

from __future__ import annotations

from collections.abc import Iterable

import holoviews as hv
import pandas as pd

from snnviz import _checks as check
from snnviz import metrics, uncertainty
from snnviz._arguments import checked
from snnviz.plots import theme
from snnviz.plots._runs import Results, curves_data, named, step_unit

_SHAPES = ("circle", "square", "diamond")
COSTS = {"time": "Mean time to the answer ({steps})", "events": "Synaptic events to the answer (mean per item)"}


@checked
def confidence_cutoff_data(
    results: Results, levels: Iterable[float] | None = None, temperature: float = 1.0
) -> pd.DataFrame:
    """Columns run, level (softmax margin), accuracy (fraction), low and high (its interval, see `snnviz.uncertainty.wilson`), time
    (mean steps), events (mean per item), stopped (fraction).

    Args:
        results: results with `logits` and `item_events`, from `simulate(..., record=["logits", "events"])`.
        levels: margins in [0, 1]; None takes `snnviz.metrics.DEFAULT_LEVELS`.
        temperature: see `snnviz.metrics.confidence_cutoff`.
    """
    chosen = None if levels is None else list(levels)
    parts = []
    for name, result in named(results).items():
        table = metrics.confidence_cutoff(result, chosen, temperature).to_dataframe().reset_index()
        low, high = uncertainty.wilson(table["accuracy"].to_numpy(), uncertainty.items(result))
        table = table.assign(run=name, low=low, high=high)
        parts.append(table[["run", "level", "accuracy", "low", "high", "time", "events", "stopped"]])
    return pd.concat(parts, ignore_index=True)


@checked
def confidence_cutoff(
    results: Results,
    levels: Iterable[float] | None = None,
    temperature: float = 1.0,
    *,
    x: str = "time",
    dark: bool = False,
    height: int = 340,
) -> hv.Overlay:
    """Accuracy over mean cost if each item stops as soon as the network is sure; dotted, if all stop at the same step.

    The shade holds the true accuracy in 95 of 100 such measurements, as far as the choice of items is chance.

    Args:
        results: as in `confidence_cutoff_data`.
        levels: margins in [0, 1], a point each.
        temperature: see `snnviz.metrics.confidence_cutoff`.
        x: the cost, "time" or "events".
        dark: for a dark background.
        height: on pages, in pixels.
    """
    check.choice("x", x, COSTS)
    runs = named(results)
    data = confidence_cutoff_data(runs, levels, temperature)
    fixed = curves_data(runs).rename(columns={"cumulative_events": "events"})
    fixed = fixed.assign(accuracy=100 * fixed["accuracy"])
    data = data.assign(**{name: 100 * data[name] for name in ("accuracy", "low", "high")})
    tooltips = [
        ("", "@run"),
        ("stop at margin", "@level{0.0000}"),
        ("accuracy", "@accuracy{0.00} % (@low{0.00} to @high{0.00})"),
        ("mean time", "@time{0.0} steps"),
        ("events", "@events{0,0} per item"),
        ("stopped early", "@stopped{0 %}"),
    ]
    other = "events" if x == "time" else "time"
    parts = []
    for index, name in enumerate(runs):
        color = theme.series_color(index, dark)
        line = fixed[fixed["run"] == name]
        points = data[data["run"] == name].sort_values("level").assign(color=color)
        whose = f"{name}, " if len(runs) > 1 else ""
        all_at_once = hv.Curve(line, x, "accuracy", label=f"{whose}all at one step")
        parts.append(theme.curve(all_at_once, color, dash="dotted", width=1.6))
        parts.append(theme.band(hv.Area((points[x], points["low"], points["high"]), x, ["accuracy", "high"]), color))
        sure = hv.Curve(points, x, "accuracy", label=f"{whose}each when sure")
        parts.append(theme.curve(sure, color, dash=("solid", "dashed")[index % 2], width=2.2))
        details = ["run", "level", "low", "high", other, "stopped", "color"]
        shape = _SHAPES[index % len(_SHAPES)]
        parts.append(theme.points(hv.Points(points, [x, "accuracy"], details), shape, 5, tooltips))
    # the whole of the adaptive curve, and as much again of the fixed one
    far = min(float(fixed[x].max()), 2.2 * float(data[x].max()))
    best = max(float(data["high"].max()), float(fixed["accuracy"].max()))
    low = min(float(data["accuracy"].min()), float(fixed["accuracy"].min()))
    span = max(best - low, 1.0)
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel=COSTS[x].format(steps=step_unit(runs)),
        ylabel="Accuracy (%)",
        xlim=(0.0, 1.04 * far),
        ylim=(max(low - 0.08 * span, 0.0), min(best + 0.08 * span, 100 + 0.02 * span)),
        legend="bottom_right",
        large=x == "events",
        height=height,
    )
