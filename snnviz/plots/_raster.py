"""Which neuron fires when: the spikes of one item, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._cursor import cursor
from snnviz.plots._runs import recorded, single, step_unit, traced_item

MOST_NEURONS = 256
"""Of a larger layer that many neurons are drawn, evenly spaced."""
_GAP = 0.05


@checked
def recorded_layers(result: xr.Dataset, kind: str = "spikes") -> list[str]:
    """Names of the populations whose "spikes" or "potential" a result holds, from the input on."""
    prefix = f"{kind}_"
    found = {str(name).removeprefix(prefix) for name in single(result).data_vars if str(name).startswith(prefix)}
    return [name for name in result["layer"].values.astype(str) if name in found]


@checked
def raster_data(
    result: xr.Dataset, item: int, layers: Sequence[str] | None = None, *, neurons: int | None = MOST_NEURONS
) -> pd.DataFrame:
    """One row a spike: columns layer, neuron (index within the layer, row-major), time (step).

    Args:
        result: a result with spikes, from `simulate(..., record=Record(spikes=network.firing_names))`.
        item: index of the item, from 0, among those traced.
        layers: names of the layers; None takes all that were recorded.
        neurons: how many of a layer at most, evenly spaced; None takes all.
    """
    rows = []
    for name in _layers(result, layers):
        spikes = recorded(result, f"spikes_{name}", f"record=Record(spikes=[{name!r}])")
        kept = _kept(spikes.shape[2], neurons)
        step, place = np.nonzero(spikes.values[traced_item(item, spikes)][:, kept])
        rows.append(pd.DataFrame({"layer": name, "neuron": kept[place], "time": step + 1}))
    return pd.concat(rows, ignore_index=True)


@checked
def raster(
    result: xr.Dataset,
    item: int,
    layers: Sequence[str] | None = None,
    *,
    neurons: int | None = MOST_NEURONS,
    time: int | None = None,
    dark: bool = False,
    height: int = 420,
) -> hv.Overlay:
    """The spikes of one item: a mark where a neuron fires, a band a layer, the input on top.

    Args:
        result: as in `raster_data`.
        item: index of the item, from 0, among those traced.
        layers: names of the layers; None takes all that were recorded.
        neurons: how many of a layer at most.
        time: a step to mark with a line, or None.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    names = _layers(result, layers)
    data = raster_data(result, item, names, neurons=neurons)
    sizes = {name: int(result[f"spikes_{name}"].sizes[f"neuron_{name}"]) for name in names}
    drawn = {name: len(_kept(size, neurons)) for name, size in sizes.items()}
    colors = dict(zip(names, theme.depth_colors(len(names), dark), strict=True))
    palette = theme.palette(dark)
    # small layers get more room for a neuron than large ones, or they could not be seen
    shares = np.sqrt(list(drawn.values()))
    shares = shares / shares.sum()
    parts, ticks, edges = [], [], []
    top = 1.0
    for index, name in enumerate(names):
        room = shares[index] - (_GAP * shares.min() if len(names) > 1 else 0)
        band = data[data["layer"] == name]
        rank = np.searchsorted(_kept(sizes[name], neurons), band["neuron"])
        heights = top - room * (rank + 0.5) / drawn[name]
        marks = pd.DataFrame({"time": band["time"], "height": heights, "neuron": band["neuron"]})
        if marks.empty:  # keeps its element, so that a page can update it in place
            marks = pd.DataFrame({"time": [np.nan], "height": [np.nan], "neuron": [0]})
        thickness = float(np.clip(0.8 * 300 * room / drawn[name], 2.4, 6.0))
        element = hv.Points(marks, ["time", "height"], ["neuron"])
        # the layer's name and colour once, not with each of thousands of spikes; in a label Bokeh looks for no fields
        tooltips = [(f"neuron of {name}", "@neuron"), ("step", "@time")]
        parts.append(theme.points(element, "square", thickness, tooltips, colors[name]))
        count = f"{sizes[name]:,}" if drawn[name] == sizes[name] else f"{drawn[name]:,} of {sizes[name]:,}"
        ticks.append((top - room / 2, f"{name}\n{count}"))
        top -= shares[index]
        edges.append((0.5, top, result.sizes["time"] + 0.5, top, palette.grid))
    parts.append(theme.lines(edges[:-1] or [(np.nan,) * 4 + (palette.grid,)], dash="solid", width=1.0))
    parts.append(cursor(time, result.sizes["time"], (0.0, 1.0), palette))
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel=f"Time ({step_unit(result)})",
        ylabel="Neurons",
        xlim=(0.0, result.sizes["time"] + 1.0),
        ylim=(-0.01, 1.01),
        yticks=ticks,
        grid=False,
        height=height,
    )


def _layers(result: xr.Dataset, layers: Sequence[str] | None) -> list[str]:
    known = recorded_layers(result)
    if not known:
        raise InputError(
            "`result` must hold spikes; simulate with record=Record(spikes=network.firing_names). "
            f"Received: {sorted(map(str, result.data_vars))}"
        )
    if layers is None:
        return known
    names = [layers] if isinstance(layers, str) else list(layers)
    if not names:
        raise InputError("`layers` must name at least one layer. Received: none")
    return [check.choice("layers", name, known) for name in names]


def _kept(size: int, most: int | None) -> np.ndarray:
    """Indices of the neurons that are drawn."""
    if most is None or size <= check.integer("neurons", most, 1):
        return np.arange(size)
    return np.unique(np.linspace(0, size - 1, most).round().astype(int))
