"""Where items ended: the histogram of their last steps."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from snnviz import _checks as check
from snnviz._amounts import count
from snnviz._arguments import checked
from snnviz._margins import softmax_margin
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._runs import named, recorded


@checked
def exit_steps_data(result: xr.Dataset, level: float | None = None) -> pd.DataFrame:
    """Columns step (1 to the last), items (how many ended after it), share (fraction of all), right (fraction of all that ended
    after it with the right answer).

    Args:
        result: a result with `exit_step`, from `simulate(..., stop=...)`; or with `logits` for a level.
        level: of a result that ran on: the softmax margin at which an item would have ended, see
            `snnviz.metrics.confidence_cutoff`.
    """
    (result,) = named(result).values()
    exits, answers = _stopped(result) if level is None else _would_stop(result, check.real("level", level, 0, 1))
    steps = result.sizes["time"]
    items = np.bincount(exits, minlength=steps + 1)[1:]
    right = np.bincount(exits, weights=answers == result["label"].values, minlength=steps + 1)[1:]
    total = len(exits)
    return pd.DataFrame(
        {"step": np.arange(1, steps + 1), "items": items, "share": items / total, "right": right / total}
    )


def _stopped(result: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Last steps and answers of items that ended when sure."""
    for name in ("exit_step", "prediction"):
        if name not in result:
            raise InputError(
                f"`result` must hold {name!r}; simulate with stop=... and the default record. Received: a result without"
            )
    answers = result["prediction"].transpose("item", "time").values[:, -1]
    return result["exit_step"].values.astype(np.int64), answers


def _would_stop(result: xr.Dataset, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Last steps and answers of items that ran on, had they ended once the margin of their two best scores reached `level`."""
    logits = recorded(result, "logits", 'record=["logits"]').transpose("item", "time", "class")
    if logits.sizes["class"] < 2:
        raise InputError(f"`result` must have at least two classes for a margin. Received: {logits.sizes['class']}")
    sure = softmax_margin(logits.values, 1.0) >= level
    stop = np.where(sure.any(axis=1), sure.argmax(axis=1), sure.shape[1] - 1)
    return stop + 1, logits.values[np.arange(len(stop)), stop].argmax(axis=1)


@checked
def exit_steps(result: xr.Dataset, level: float | None = None, *, dark: bool = False, height: int = 340) -> hv.Overlay:
    """How many items ended after each step, the wrong answers pale on top; the title names the means.

    Args:
        result: as in `exit_steps_data`.
        level: as in `exit_steps_data`.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = exit_steps_data(result, level)
    color = theme.series_color(0, dark)
    faint = theme.blend(theme.palette(dark).background, color, 0.3)
    bars = []
    for row in data[data["items"] > 0].itertuples():
        left, right, middle = row.step - 0.4, row.step + 0.4, 100 * row.right
        details = (row.step, row.items, row.items - round(row.items * row.right / row.share))
        bars.append((left, 0.0, right, middle, *details, color))
        bars.append((left, middle, right, 100 * row.share, *details, faint))
    rectangles = hv.Rectangles(bars, ["x0", "y0", "x1", "y1"], ["step", "items", "wrong", "color"])
    theme.rectangles(rectangles, tooltips=[("ended after step", "@step"), ("items", "@items"), ("wrong", "@wrong")])
    mean = float((data["step"] * data["share"]).sum())
    events = float(result["synaptic_events"].sum())
    spent = f"{count(events)} events an item, " if level is None else ""
    top = 100 * float(data["share"].max())
    last = int(data.loc[data["items"] > 0, "step"].max())
    words = f"mean {mean:.2f} steps, {spent}{100 * data['right'].sum():.2f} % right"
    return theme.figure(
        hv.Overlay([rectangles]),
        dark=dark,
        xlabel="Step after which the item ended",
        ylabel="Share of items (%)",
        xlim=(0.4, last + 0.6),
        ylim=(0.0, 1.08 * top),
        title=words,
        height=height,
    )
