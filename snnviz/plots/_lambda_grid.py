"""What the strengths of the two penalties lead to, as a heat map."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._tables import checked_table


@checked
def lambda_grid_data(table: pd.DataFrame, value: str = "value") -> pd.DataFrame:
    """Columns lambda_a, lambda_w, value: the mean of what was found there, in the order of the strengths.

    Args:
        table: a row per fine-tuning with columns lambda_a, lambda_w and `value`.
        value: name of the column to show.
    """
    checked = checked_table("table", table, ("lambda_a", "lambda_w", value))
    if not pd.api.types.is_numeric_dtype(checked[value]):
        raise InputError(f"`value` must name a column of numbers. Received: {value!r}")
    means = checked.groupby(["lambda_a", "lambda_w"])[value].mean()
    return means.rename("value").reset_index()


@checked
def lambda_grid(
    table: pd.DataFrame,
    value: str = "value",
    *,
    label: str | None = None,
    best: str | None = "max",
    dark: bool = False,
    height: int = 340,
) -> hv.Overlay:
    """A cell for every pair of strengths, coloured by what it leads to; the best of several has a frame.

    Args:
        table: as in `lambda_grid_data`.
        value: name of the column to show.
        label: what it is, for the title; None takes `value`.
        best: "max", "min" or None, which value to frame.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    if best not in ("max", "min", None):
        raise InputError(f"`best` must be 'max', 'min' or None. Received: {best!r}")
    data = lambda_grid_data(table, value)
    across, down = (sorted(set(data[name])) for name in ("lambda_w", "lambda_a"))
    palette = theme.palette(dark)
    low, high = float(data["value"].min()), float(data["value"].max())
    colors = theme.shades((data["value"] - low) / (high - low) if high > low else np.full(len(data), 0.5), dark)
    cells, words = [], []
    for row, color in zip(data.itertuples(), colors, strict=True):
        x, y = across.index(row.lambda_w), down.index(row.lambda_a)
        cells.append((x - 0.5, y - 0.5, x + 0.5, y + 0.5, row.lambda_a, row.lambda_w, row.value, color))
        words.append((x, y, f"{row.value:.4g}", theme.ink(color)))
    columns = ["lambda_a", "lambda_w", "value", "color"]
    tooltips = [("λa", "@lambda_a"), ("λw", "@lambda_w"), (label or value, "@value{0.0000}")]
    boxes = theme.rectangles(
        hv.Rectangles(cells, ["x0", "y0", "x1", "y1"], columns), tooltips=tooltips, edge=palette.background, width=1.5
    )
    parts = [boxes, theme.words(words, align="center", dx=0)]
    if best is not None and len(data) > 1:
        row = data.loc[data["value"].idxmax() if best == "max" else data["value"].idxmin()]
        x, y = across.index(row["lambda_w"]), down.index(row["lambda_a"])
        corners = [(x - 0.46, y - 0.46), (x + 0.46, y - 0.46), (x + 0.46, y + 0.46), (x - 0.46, y + 0.46)]
        sides = [(*corners[side], *corners[(side + 1) % 4], palette.series[1]) for side in range(4)]
        parts.append(theme.lines(sides, dash="solid", width=3.0))
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel="λw (penalty on weights)",
        ylabel="λa (penalty on activations)",
        xlim=(-0.5, len(across) - 0.5),
        ylim=(-0.5, len(down) - 0.5),
        xticks=[(index, f"{number:g}") for index, number in enumerate(across)],
        yticks=[(index, f"{number:g}") for index, number in enumerate(down)],
        title=label or value,
        grid=False,
        height=height,
    )
