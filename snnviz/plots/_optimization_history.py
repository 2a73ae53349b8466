"""How a search for better scales went: the loss, and the terms of the best network so far."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._tables import checked_table

TERMS = {"accuracy_term": "accuracy term", "latency_term": "latency term", "power_term": "power term"}


@checked
def optimization_history_data(history: pd.DataFrame) -> pd.DataFrame:
    """Columns evaluation, seconds, stage, loss, best_loss (so far), and the terms of the best so far (`best_..._term`).

    Args:
        history: `OptimizationResult.history` (`snnviz.optimize`): loss, accuracy_term, latency_term, power_term; stage and
            seconds if known.
    """
    table = checked_table("history", history, ("loss", *TERMS))
    best = table["loss"].cummin()
    # the row in which each best was found
    found = np.maximum.accumulate(np.where(table["loss"] == best, np.arange(len(table)), 0))
    return pd.DataFrame(
        {
            "evaluation": np.arange(len(table)),
            "seconds": table.get("seconds", np.nan),
            "stage": table.get("stage", ""),
            "loss": table["loss"],
            "best_loss": best,
            **{f"best_{name}": table[name].values[found] for name in TERMS},
        }
    )


@checked
def optimization_history(
    history: pd.DataFrame, *, x: str = "evaluation", dark: bool = False, height: int = 340
) -> hv.Overlay:
    """The loss of every evaluation (points), the best so far, and what the best is made of.

    Evaluations much worse than the start are off the plot.

    Args:
        history: as in `optimization_history_data`.
        x: "evaluation" (its number) or "seconds".
        dark: for a dark background.
        height: on pages, in pixels.
    """
    labels = {"evaluation": "Evaluation", "seconds": "Time (s)"}
    check.choice("x", x, labels)
    data = optimization_history_data(history)
    if x == "seconds" and data["seconds"].isna().any():
        raise InputError("`history` must have the column seconds for x='seconds'. Received: one without")
    palette = theme.palette(dark)
    tooltips = [
        ("evaluation", "@evaluation"),
        ("stage", "@stage"),
        ("loss", "@loss{0.0000}"),
        ("best", "@best_loss{0.0000}"),
    ]
    details = [name for name in ("evaluation", "stage", "best_loss") if name != x]
    tried = data.assign(color=theme.blend(palette.muted, palette.background, 0.45))
    parts = [theme.points(hv.Points(tried, [x, "loss"], [*details, "color"], label="tried"), size=4, tooltips=tooltips)]
    series = [("best_loss", "best loss", palette.text, "solid", 2.4)]
    series += [
        (f"best_{name}", f"its {label}", theme.series_color(index, dark), theme.DASHES[1 + index % 3], 1.8)
        for index, (name, label) in enumerate(TERMS.items())
    ]
    for column, label, color, dash, width in series:
        steps = hv.Curve(data, x, column, label=label).opts(interpolation="steps-post", backend="bokeh")
        steps = steps.opts(interpolation="steps-post", backend="matplotlib")
        parts.append(theme.curve(steps, color, dash=dash, width=width))
    lowest = float(min(data["best_loss"].min(), data[[f"best_{name}" for name in TERMS]].min().min()))
    highest = max(float(data["loss"].iloc[0]) * 1.25, float(data["loss"].quantile(0.5)), lowest + 1e-6)
    free = 0.05 * (highest - lowest)
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel=labels[x],
        ylabel="Loss",
        xlim=theme.room(data[x], 0.02),
        ylim=(lowest - free, highest + free),
        legend="right",
        height=height,
    )
