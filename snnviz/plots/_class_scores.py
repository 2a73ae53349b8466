"""The class scores of one item over time: how the answer comes about."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from snnviz._arguments import checked
from snnviz.plots import theme
from snnviz.plots._cursor import cursor
from snnviz.plots._runs import recorded, step_unit, traced_item

_RIVALS = 3


@checked
def class_scores_data(result: xr.Dataset, item: int) -> pd.DataFrame:
    """Columns class (name), time (step), score, is_label (whether it is the true class), leads (whether it is the answer then).

    Args:
        result: a result with `logits`, from `simulate(..., record=["logits"])`.
        item: index of the item, from 0.
    """
    logits = recorded(result, "logits", 'record=["logits"]')
    scores = logits.isel(item=traced_item(item, logits, "item")).transpose("class", "time")
    leading = scores.values.argmax(axis=0)
    classes, steps = scores.shape
    label = int(result["label"].values[item])
    return pd.DataFrame(
        {
            "class": np.repeat(scores["class"].values.astype(str), steps),
            "time": np.tile(scores["time"].values, classes),
            "score": scores.values.ravel(),
            "is_label": np.repeat(np.arange(classes) == label, steps),
            "leads": (np.arange(classes)[:, None] == leading).ravel(),
        }
    )


@checked
def class_scores(
    result: xr.Dataset, item: int, *, time: int | None = None, dark: bool = False, height: int = 340
) -> hv.Overlay:
    """The score of every class after each step, the highest being the answer.

    The true class is drawn thick, its strongest rivals in colour, the others pale.

    Args:
        result: as in `class_scores_data`.
        item: index of the item, from 0.
        time: a step to mark with a line, or None.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = class_scores_data(result, item)
    palette = theme.palette(dark)
    label = data.loc[data["is_label"], "class"].iloc[0]
    # rivals: most often in the lead, then the best at any time
    rank = data[data["class"] != label].groupby("class", sort=False).agg({"leads": "sum", "score": "max"})
    rivals = list(rank.sort_values(["leads", "score"], ascending=False).index[:_RIVALS])
    pale = theme.blend(palette.muted, palette.background, 0.6)
    others = [name for name in dict.fromkeys(data["class"]) if name not in (label, *rivals)]
    by_class = dict(iter(data.groupby("class", sort=False)[["time", "score"]]))
    told = dict.fromkeys(data["class"], "@score{0.000}")  # in their own order: another item's plot is built alike
    parts = [theme.at_once(data, "class", ("step", "time"), "score", told)]
    for place, name in enumerate([label, *rivals]):  # in the legend's order
        line = hv.Curve(by_class[name], "time", "score", label=name if place else f"{name} (true)")
        dash, width = (theme.DASHES[place], 2.0) if place else ("solid", 3.2)
        parts.append(theme.curve(line, theme.series_color(place, dark), dash=dash, width=width))
    if others:  # in one line with gaps: an element a class would take most of the time of drawing
        gap = pd.DataFrame({"time": [np.nan], "score": [np.nan]})
        line = hv.Curve(
            pd.concat([rows for name in others for rows in (by_class[name], gap)]),
            "time",
            "score",
            label="other classes",
        )
        parts.append(theme.curve(line, pale, width=1.0))
    span = theme.room(data["score"])
    parts.append(cursor(time, data["time"].max(), span, palette))
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel=f"Time ({step_unit(result)})",
        ylabel="Class score (firing threshold = 1)",
        xlim=(0.0, float(data["time"].max()) + 0.5),
        ylim=span,
        legend="right",
        height=height,
    )
