"""An event camera's stream, what the network answers to it meanwhile, and what both have cost so far."""

from __future__ import annotations

import json
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from snnviz import _checks as check
from snnviz._amounts import count
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.events import Events, Recordings
from snnviz.plots import theme
from snnviz.plots._cursor import cursor
from snnviz.plots._polarity import polarity_colors
from snnviz.plots._prediction_strip import prediction_strip_data
from snnviz.plots._runs import recorded, single

STREAM, STRIP, COST = (0.36, 1.0), (0.235, 0.305), (0.0, 0.19)
"""From where to where each band goes on the vertical axis."""
MOST_EVENTS = 20_000
"""Events that are drawn, evenly chosen."""
_TICKS = 6


@checked
def event_stream_data(result: xr.Dataset, item: int, recordings: Recordings) -> pd.DataFrame:
    """One row a camera event: columns time_ms (since the recording began), step (from 1), x, y (pixels), polarity (on or off).

    Args:
        result: a result of input "spikes", whose steps have a length.
        item: index of the item, from 0.
        recordings: those of the result's items.
    """
    events, step_us = _stream(result, item, recordings)
    return pd.DataFrame(
        {
            "time_ms": events.t / 1000,
            "step": np.minimum(events.t // step_us + 1, result.sizes["time"]),
            "x": events.x,
            "y": events.y,
            "polarity": np.where(events.polarity == 1, "on", "off"),
        }
    )


@checked
def event_stream(
    result: xr.Dataset,
    item: int,
    recordings: Recordings,
    *,
    time: int | None = None,
    dark: bool = False,
    height: int = 420,
) -> hv.Overlay:
    """One item's stream, its answers and its costs, over time.

    Events by pixel row, on in green and off in purple; below them the answer after each step, right in blue and wrong in orange;
    below that the events so far, of the camera and of the network, each as a share of its sum.

    Args:
        result: as in `event_stream_data`, with predictions; with events of each item (`record=["prediction", "events"]`) the
            network's are the item's own, else the mean of all.
        item: index of the item, from 0.
        recordings: those of the result's items.
        time: a step to mark with a line, or None.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = event_stream_data(result, item, recordings)
    steps, step_ms, colors = result.sizes["time"], float(result.attrs["step_ms"]), theme.palette(dark)
    by_polarity = polarity_colors(dark)
    drawn = data.iloc[np.linspace(0, len(data) - 1, MOST_EVENTS).astype(int)] if len(data) > MOST_EVENTS else data
    rows = recordings.sensor[0]
    marks = pd.DataFrame(
        {
            "time": 0.5 + drawn["time_ms"] / step_ms,
            "height": STREAM[1] - (drawn["y"] + 0.5) / rows * (STREAM[1] - STREAM[0]),
            "polarity": drawn["polarity"],
            "ms": drawn["time_ms"].round(3),
            "color": drawn["polarity"].map(by_polarity),
        }
    )
    if marks.empty:  # keeps its element, so that a page can update it in place
        marks = pd.DataFrame(
            {"time": [np.nan], "height": [np.nan], "polarity": [""], "ms": [0.0], "color": [colors.text]}
        )
    curves, words = _costs(result, item, data, colors)
    key = [(0.5 + 0.90 * steps, 1.03, "on", by_polarity["on"]), (0.5 + 0.97 * steps, 1.03, "off", by_polarity["off"])]
    parts: list[Any] = [
        theme.points(
            hv.Points(marks, ["time", "height"], ["polarity", "ms", "color"]), "square", 2.2,
            [("", "@polarity"), ("ms", "@ms")],
        ),
        _strip(result, item, colors),
        *curves,
        theme.words([*words, *key], align="right", dx=0, size=11),
        cursor(time, steps, (0.0, 1.0), colors),
    ]  # fmt: skip
    stride = max(1, round(steps / _TICKS))
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel="Time (ms)",
        ylabel="",
        xlim=(0.0, steps + 1.0),
        ylim=(-0.01, 1.06),
        xticks=[(0.5 + step, f"{step * step_ms:g}") for step in range(0, steps + 1, stride)],
        yticks=[
            (STREAM[1], "row 0"),
            (STREAM[0], f"row {rows - 1}"),
            (sum(STRIP) / 2, f"answer\n(true: {_label(result, item)})"),
            (COST[1], "all"),
            (sum(COST) / 2, "events\nso far"),
            (COST[0], "0"),
        ],
        grid=False,
        height=height,
    )


def _stream(result: xr.Dataset, item: int, recordings: Recordings) -> tuple[Events, int]:
    """The item's events within the time simulated, and microseconds of a step."""
    found = single(result)
    settings = json.loads(str(found.attrs.get("settings", "{}")))
    step_ms = found.attrs.get("step_ms")
    if settings.get("input") != "spikes" or step_ms is None:
        raise InputError(
            "`result` must be of input 'spikes' with `step_ms`, from event recordings. "
            f"Received: input {settings.get('input')!r}, step_ms {step_ms!r}"
        )
    if len(recordings) != found.sizes["item"]:
        raise InputError(
            f"`recordings` must be those of the result's {found.sizes['item']} items. Received: {len(recordings)}"
        )
    one = recordings.one(check.integer("item", item, 0, len(recordings) - 1))
    step_us = round(1000 * float(step_ms))
    kept = (one.t >= 0) & (one.t <= step_us * found.sizes["time"])
    return Events(one.t[kept], one.x[kept], one.y[kept], one.polarity[kept], one.sensor), step_us


def _label(result: xr.Dataset, item: int) -> str:
    return str(result["class"].values[int(result["label"].values[item])])


def _strip(result: xr.Dataset, item: int, colors: theme.Palette) -> hv.Rectangles:
    fills = {True: colors.series[0], False: colors.series[1]}
    bars = []
    for row in prediction_strip_data(single(result), [item]).itertuples():
        box = (row.first - 0.5, STRIP[0], row.last + 0.5, STRIP[1])
        bars.append((*box, row.prediction, "right" if row.right else "wrong", fills[bool(row.right)]))
    element = hv.Rectangles(bars, ["x0", "y0", "x1", "y1"], ["prediction", "said", "color"])
    return theme.rectangles(element, tooltips=[("answer", "@prediction, @said")], edge=colors.background, width=1.5)


def stream_costs(result: xr.Dataset, item: int, data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, bool]:
    """Events of each step, of the camera and of the network, and whether the latter are the item's own or a mean."""
    steps = result.sizes["time"]
    camera = np.bincount(data["step"] - 1, minlength=steps)[:steps]
    if "item_events" in result:
        return camera, recorded(result, "item_events", 'record=["events"]').values[item].sum(axis=1), True
    return camera, result["synaptic_events"].sum("layer").values, False


def _costs(result: xr.Dataset, item: int, data: pd.DataFrame, colors: theme.Palette) -> tuple[list[Any], list[Any]]:
    """Curves of the events so far, and what their sums are."""
    steps = result.sizes["time"]
    camera, network, own = stream_costs(result, item, data)
    curves, words = [], []
    about = (("camera", camera, colors.muted, "dashed"), ("network", network, colors.text, "solid"))
    for place, (name, events, color, dash) in enumerate(about):
        total = float(events.sum())
        share = np.concatenate([[0.0], np.cumsum(events) / max(total, 1.0)])
        line = pd.DataFrame({"time": 0.5 + np.arange(steps + 1), "share": COST[0] + share * (COST[1] - COST[0])})
        curves.append(theme.curve(hv.Curve(line, "time", "share"), color, dash=dash, width=1.8))
        said = f"{name}, {dash}: {count(total)}{'' if own or name == 'camera' else ' (mean)'}"
        words.append((0.5 + steps, 0.065 - 0.045 * place, said, color))
    return curves, words
