"""Which class is taken for which, at a moment."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.plots import theme
from snnviz.plots._runs import recorded
from snnviz.plots.inplace import QUAD, put

_MOST_WORDS = 20
_CORNERS = ["x0", "y0", "x1", "y1"]
_TOLD = ["label", "prediction", "count", "percent", "color"]


@checked
def confusion_data(result: xr.Dataset, time: int | None = None) -> pd.DataFrame:
    """Columns label, prediction (classes), count (items), share (of the items of that label; 0 where there are none).

    Args:
        result: a result with `prediction`, from `simulate(..., record=["prediction"])`.
        time: the step; None takes the last.
    """
    predictions = recorded(result, "prediction", 'record=["prediction"]')
    steps = predictions.sizes["time"]
    step = steps if time is None else check.integer("time", time, 1, steps)
    classes = result["class"].values.astype(str)
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, (result["label"].values, predictions.values[:, step - 1]), 1)
    totals = counts.sum(axis=1, keepdims=True)
    return pd.DataFrame(
        {
            "label": np.repeat(classes, len(classes)),
            "prediction": np.tile(classes, len(classes)),
            "count": counts.ravel(),
            "share": (counts / np.maximum(totals, 1)).ravel(),
        }
    )


@checked
def confusion(result: xr.Dataset, time: int | None = None, *, dark: bool = False, height: int = 420) -> hv.Overlay:
    """Confusion matrix at a step: the true class down, the predicted class across, the diagonal being right answers.

    Colours are the share of the label's items. Since mistakes are rare, they are spread by a square root.

    Args:
        result: as in `confusion_data`.
        time: the step; None takes the last.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = confusion_data(result, time)
    classes = list(dict.fromkeys(data["label"]))
    last = len(classes) - 1
    palette = theme.palette(dark)
    boxes, words = _cells(data, dark)
    tooltips = [("true", "@label"), ("predicted", "@prediction"), ("items", "@count"), ("share", "@percent{0.0} %")]
    rectangles = hv.Rectangles(boxes, _CORNERS, _TOLD)
    shown = range(0, len(classes), -(-len(classes) // 25))
    return theme.figure(
        hv.Overlay(
            [
                theme.rectangles(rectangles, tooltips=tooltips, edge=palette.background),
                theme.words(words, align="center", dx=0, size=11),
            ]
        ),
        dark=dark,
        xlabel="Predicted class",
        ylabel="True class",
        xlim=(-0.5, last + 0.5),
        ylim=(-0.5, last + 0.5),
        xticks=[(index, classes[index]) for index in shown],
        yticks=[(last - index, classes[index]) for index in shown],
        xrotation=0 if max(map(len, classes)) <= 3 else 60,
        grid=False,
        height=height,
    )


@checked
def move_confusion(figure: Any, result: xr.Dataset, time: int, *, dark: bool = False) -> None:
    """Show another step in the plot that a page shows, in place.

    Args:
        figure: the Bokeh figure of `confusion`, drawn with the same result.
        result: as there.
        time: the step.
        dark: as there.
    """
    boxes, words = _cells(confusion_data(result, time), dark)
    cells, counts = figure.renderers
    put(cells, {name: [*values] for name, values in zip([*QUAD, *_TOLD], zip(*boxes, strict=True), strict=True)})
    put(
        counts,
        {name: [*values] for name, values in zip(("x", "y", "text", "color"), zip(*words, strict=True), strict=True)},
    )


def _cells(data: pd.DataFrame, dark: bool) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows of a rectangle and of a word for every cell that is not empty."""
    classes = list(dict.fromkeys(data["label"]))
    place = {name: index for index, name in enumerate(classes)}
    cells = data[data["count"] > 0]
    colors = theme.shades(np.sqrt(cells["share"]), dark)
    boxes, words = [], []
    for row, color in zip(cells.itertuples(), colors, strict=True):
        x, y = place[row.prediction], len(classes) - 1 - place[row.label]
        boxes.append((x - 0.5, y - 0.5, x + 0.5, y + 0.5, row.label, row.prediction, row.count, 100 * row.share, color))
        words.append((x, y, str(row.count) if len(classes) <= _MOST_WORDS else "", theme.ink(color)))
    return boxes, words
