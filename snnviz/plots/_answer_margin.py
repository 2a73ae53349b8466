"""By how much the true class leads its strongest rival, or lags behind it, over time."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._cursor import cursor
from snnviz.plots._runs import recorded, traced_item

_SHARE = 0.09
"""Of the steps, for which a rival must stand in front of the others to be named."""


@checked
def answer_margin_data(result: xr.Dataset, item: int) -> pd.DataFrame:
    """Columns time (step), label (the true class), rival (the best of the other classes then), margin (score of the true class
    minus that of the rival), right (whether the margin is above 0).

    Args:
        result: a result with `logits`, from `simulate(..., record=["logits"])`.
        item: index of the item, from 0.
    """
    logits = recorded(result, "logits", 'record=["logits"]')
    scores = logits.isel(item=traced_item(item, logits, "item")).transpose("time", "class").values.astype(float)
    if scores.shape[1] < 2:
        raise InputError(f"`result` must have at least two classes for a margin. Received: {scores.shape[1]}")
    classes, label = result["class"].values.astype(str), int(result["label"].values[item])
    others = scores.copy()
    others[:, label] = -np.inf
    rival = others.argmax(axis=1)
    margin = scores[:, label] - others.max(axis=1)
    return pd.DataFrame(
        {
            "time": result["time"].values,
            "label": classes[label],
            "rival": classes[rival],
            "margin": margin,
            "right": margin > 0,
        }
    )


@checked
def answer_margin(
    result: xr.Dataset, item: int, *, time: int | None = None, dark: bool = False, height: int = 340
) -> hv.Overlay:
    """How far the true class is ahead of its strongest rival (blue, above 0) or behind it (orange, below), and who that is.

    Args:
        result: as in `answer_margin_data`.
        item: index of the item, from 0.
        time: a step to mark with a line, or None.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = answer_margin_data(result, item)
    palette = theme.palette(dark)
    low, high = theme.room([*data["margin"], 0.0], 0.16)
    steps = float(data["time"].iloc[-1])
    areas = [
        theme.band(hv.Area((data["time"], 0.0 * side, side), "time", ["base", "margin"]), color, alpha=0.45)
        for side, color in (
            (data["margin"].clip(lower=0.0), palette.series[0]),
            (data["margin"].clip(upper=0.0), palette.series[1]),
        )
    ]
    tooltips = [("step", "@time"), ("strongest rival", "@rival"), ("margin", "@margin{0.000}")]
    line = theme.curve(hv.Curve(data, "time", ["margin", "rival"]), palette.text, width=1.8, tooltips=tooltips)
    words = _rivals(data, _SHARE * steps, low + 0.05 * (high - low), palette.muted)
    return theme.figure(
        hv.Overlay(
            [
                *areas,
                theme.lines([(0.0, 0.0, steps, 0.0, palette.muted)], dash="dashed", width=1.2),
                line,
                theme.words(words, ["time", "margin"], align="center", dx=0, size=11),
                cursor(time, int(steps), (low, high), palette),
            ]
        ),
        dark=dark,
        xlabel="Time (steps)",
        ylabel=f"Score of {data['label'].iloc[0]} minus its best rival's",
        xlim=(0.0, steps + 0.5),
        ylim=(low, high),
        height=height,
    )


def _rivals(data: pd.DataFrame, least: float, height: float, color: str) -> list[tuple[float, float, str, str]]:
    """Names of rivals below the stretches of time in which they are the strongest, where there is room."""
    stretches = data.groupby((data["rival"] != data["rival"].shift()).cumsum())
    ends = [(part["time"].iloc[0], part["time"].iloc[-1], part["rival"].iloc[0]) for _, part in stretches]
    return [
        ((first + last) / 2, height, f"vs {name}", color) for first, last, name in ends if last - first + 1 >= least
    ]
