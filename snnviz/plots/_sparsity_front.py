"""What sparsity costs in accuracy: the points of a sweep and the front of the best of them."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import pandas as pd

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._scatter import on_front

MEASURES = {
    "S_c": "Sparsity of synaptic events S_c",
    "S_a": "Sparsity of activations S_a",
    "S_w": "Sparsity of weights S_w",
    "S_c_as_published": "S_c without the last hidden layer",
    "S_a_as_published": "S_a without the last hidden layer",
}


@checked
def sparsity_front_data(table: pd.DataFrame, *, measure: str = "S_c") -> pd.DataFrame:
    """Columns lambda_a, lambda_w, `measure`, accuracy (fractions), on_front.

    Args:
        table: of a sweep (`snnviz.sweep`), or read from its sweep.csv.
        measure: one of `MEASURES`. A point is on the front if no other one is better in it or in accuracy and not worse in the
            other.
    """
    check.choice("measure", measure, MEASURES)
    columns = ["lambda_a", "lambda_w", measure, "accuracy"]
    if not isinstance(table, pd.DataFrame) or table.empty or not set(columns) <= set(table.columns):
        raise InputError(
            f"`table` must be the table of a sweep, with columns {', '.join(columns)}. Received: {check.describe(table)}"
        )
    data = table[columns].sort_values(["lambda_a", "lambda_w"], ignore_index=True)
    return data.assign(on_front=on_front(-data[[measure, "accuracy"]].to_numpy(float)))


@checked
def sparsity_front(table: pd.DataFrame, *, measure: str = "S_c", dark: bool = False, height: int = 340) -> hv.Overlay:
    """Accuracy against sparsity, a line for each lambda_a along growing lambda_w; the front is dashed, its points are named.

    Args:
        table: of a sweep.
        measure: of sparsity, see `sparsity_front_data`.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = sparsity_front_data(table, measure=measure).assign(accuracy=lambda frame: 100 * frame["accuracy"])
    strengths = sorted(data["lambda_a"].unique())
    colors = dict(zip(strengths, theme.depth_colors(len(strengths), dark), strict=True))
    palette = theme.palette(dark)
    front = data[data["on_front"]].sort_values(measure)
    parts: list[Any] = [theme.curve(hv.Curve(front, measure, "accuracy"), palette.muted, dash="dashed", width=1.4)]
    tooltips = [("lambda_a", "@lambda_a"), ("lambda_w", "@lambda_w"), ("accuracy", "@accuracy{0.00} %")]
    for strength in strengths:
        line = data[data["lambda_a"] == strength]
        curve = hv.Curve(line, measure, ["accuracy", "lambda_a", "lambda_w"], label=f"λa = {strength:g}")
        parts.append(theme.curve(curve, colors[strength], tooltips=tooltips))
    dots = data.assign(color=data["lambda_a"].map(colors))
    for chosen, size in ((dots[~dots["on_front"]], 6.0), (dots[dots["on_front"]], 11.0)):
        parts.append(theme.points(hv.Points(chosen, [measure, "accuracy"], "color"), size=size))
    words = dots[dots["on_front"]].assign(text=lambda frame: frame["lambda_w"].map("{:g}".format), color=palette.text)
    parts.append(theme.words(words, [measure, "accuracy"], dx=9))
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel=f"{MEASURES[measure]}  (at points: λw)",
        ylabel="Accuracy after pruning (%)",
        xlim=_padded(data[measure], 0.06, 0.1),
        ylim=_padded(data["accuracy"], 0.08, 0.08),
        legend=theme.free_corner(data[measure], data["accuracy"]),
        height=height,
    )


def _padded(values: pd.Series, before: float, after: float) -> tuple[float, float]:
    """The range of `values` with room for marks, as fractions of it."""
    low, high = float(values.min()), float(values.max())
    span = max(high - low, 1e-3)
    return low - before * span, high + after * span
