"""Membrane potentials of single neurons: integrate, fire, subtract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.network import THRESHOLD
from snnviz.plots import theme
from snnviz.plots._cursor import cursor
from snnviz.plots._raster import recorded_layers
from snnviz.plots._runs import recorded, single, step_unit, traced_item

SHOWN_NEURONS = 5


@checked
def membranes_data(
    result: xr.Dataset, item: int, layer: str | None = None, neurons: Sequence[int] | None = None
) -> pd.DataFrame:
    """Columns layer, neuron (index, row-major), time (step), potential (thresholds, after reset), spike (None if not recorded).

    Args:
        result: a result with potentials, from `simulate(..., record=Record(potentials=network.layer_names))`.
        item: index of the item, from 0, among those traced.
        layer: name of the layer; None takes the first hidden one that was recorded.
        neurons: indices of neurons; None takes the five that move most between -1 and the threshold, so neither silenced nor
            saturated ones.
    """
    known = recorded_layers(result, "potential")
    if not known:
        raise InputError(
            "`result` must hold potentials; simulate with record=Record(potentials=network.layer_names). "
            f"Received: {sorted(map(str, single(result).data_vars))}"
        )
    name = known[min(1, len(known) - 1)] if layer is None else check.choice("layer", layer, known)
    potential = recorded(result, f"potential_{name}", f"record=Record(potentials=[{name!r}])")
    traces = potential.values[traced_item(item, potential)]
    if neurons is None:
        within = (traces.min(axis=0) >= -THRESHOLD) & (traces.max(axis=0) < THRESHOLD)
        busy = traces.std(axis=0) - np.where(within, 0.0, 1e6)
        chosen = sorted(int(neuron) for neuron in np.argsort(-busy, kind="stable")[:SHOWN_NEURONS])
    else:
        chosen = [check.integer("neurons", neuron, 0, traces.shape[1] - 1) for neuron in neurons]
        if not chosen:
            raise InputError("`neurons` must name at least one neuron. Received: none")
    spikes = result[f"spikes_{name}"].values[item] if f"spikes_{name}" in result else None
    steps = len(traces)
    return pd.DataFrame(
        {
            "layer": name,
            "neuron": np.repeat(chosen, steps),
            "time": np.tile(np.arange(1, steps + 1), len(chosen)),
            "potential": traces[:, chosen].T.ravel(),
            "spike": None if spikes is None else spikes[:, chosen].T.ravel(),
        }
    )


@checked
def membranes(
    result: xr.Dataset,
    item: int,
    layer: str | None = None,
    neurons: Sequence[int] | None = None,
    *,
    time: int | None = None,
    dark: bool = False,
    height: int = 420,
) -> hv.Overlay:
    """Membrane potentials of a few neurons of one item, one above the other; marks are spikes, dashed is the threshold.

    The potential is the one after the reset, so a neuron that fires is drawn where it starts again.

    Args:
        result: as in `membranes_data`.
        item: index of the item, from 0, among those traced.
        layer: name of the layer.
        neurons: indices of neurons.
        time: a step to mark with a line, or None.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = membranes_data(result, item, layer, neurons)
    name = data["layer"].iloc[0]
    outputs = name == str(result["layer"].values[-1])
    palette = theme.palette(dark)
    shown = list(dict.fromkeys(data["neuron"]))
    # the bands have one scale; where nothing ever moves it is that of the threshold
    low = min(float(data["potential"].min()), 0.0)
    high = max(float(data["potential"].max()), 0.0 if outputs else THRESHOLD)
    band = 1.25 * (high - low)
    steps = int(data["time"].max())
    classes = result["class"].values.astype(str)
    bases = {neuron: (len(shown) - 1 - index) * band - low for index, neuron in enumerate(shown)}
    data["height"] = data["potential"] + data["neuron"].map(bases)
    words = {neuron: classes[neuron] if outputs else str(neuron) for neuron in shown}
    parts: list[Any] = [_told(data, words)]
    ticks, goals, marks = [], [], []
    for index, neuron in enumerate(shown):
        base = bases[neuron]
        trace = data[data["neuron"] == neuron]
        color = theme.series_color(index, dark)
        line = hv.Curve(trace, "time", "height")
        parts.append(theme.curve(line, color, width=1.8))
        ticks.append((base + (low + high) / 2, words[neuron]))
        goals.append((0.5, base + (0.0 if outputs else THRESHOLD), steps + 0.5, palette.muted))
        fired = trace[trace["spike"].fillna(False).astype(bool)] if trace["spike"].notna().any() else trace[:0]
        marks += [(step, base + THRESHOLD, color) for step in fired["time"]]
    lines = [(x0, y, x1, y, color) for x0, y, x1, color in goals]
    parts.append(theme.lines(lines, dash="dashed", width=1.0))
    marks = marks or [(np.nan, np.nan, palette.muted)]
    parts.append(theme.points(hv.Points(marks, ["time", "height"], "color"), "diamond", 7))
    span = (-0.04 * band, len(shown) * band)  # the uppermost marks are whole
    parts.append(cursor(time, steps, span, palette))
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel=f"Time ({step_unit(result)})",
        ylabel=f"Potential by {'class' if outputs else f'neuron of {name}'}",
        xlim=(0.0, steps + 1.0),
        ylim=span,
        yticks=ticks,
        grid=False,
        height=height,
        title="zero, dashed" if outputs else "threshold, dashed; a mark where it fires",
    )


def _told(data: pd.DataFrame, words: dict[int, str]) -> hv.Curve:
    """What hovering tells of a step."""
    named = data.assign(neuron=data["neuron"].map(words))
    return theme.at_once(
        named, "neuron", ("step", "time"), "height", dict.fromkeys(words.values(), "@potential{0.000}")
    )
