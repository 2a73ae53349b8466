"""A network as a picture: its layers, how large they are, how busy, and where the events arrive."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from snnviz import _checks as check
from snnviz import metrics
from snnviz._amounts import count
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork
from snnviz.plots import theme
from snnviz.plots._runs import single

_BOX = (0.0, 0.3)
_COLUMNS = {"neurons": 0.4, "synapses": 0.57, "rate": 0.76, "share": 0.92}
_HEADS = {"neurons": "neurons", "synapses": "synapses", "rate": "spike rate", "share": "event share"}
_WIDEST = 0.26
"""Width of the connection that carries all events."""
_LANE, _LINE = 0.02, 0.002
"""Distance of connections that pass layers by, and half their width."""


@checked
def layer_graph_data(network: SpikingNetwork, result: xr.Dataset | None = None) -> pd.DataFrame:
    """One row a layer, the input first.

    Columns layer, kind, shape (of its neurons, as text), neurons, synapses (connections that arrive, a shared weight counting once
    for each), nonzero (of these), sources (whose spikes it takes, as text), and from the result spike_rate (mean over time, spikes
    per neuron and step), events (synaptic events per item) and event_share (fraction); NaN without a result.

    Args:
        network: a network.
        result: a simulation of it, or None.
    """
    if not isinstance(network, SpikingNetwork):
        raise InputError(f"`network` must be a SpikingNetwork. Received: {check.describe(network)}")
    rows = [(network.input.name, "input", _times(network.input_shape), network.input.neurons, 0, 0, "")]
    for layer, sources in zip(network.layers, network.sources, strict=True):
        kind = "average pooling" if layer.pools else _KINDS[layer.kind]
        told = ", ".join(network.layer_names[source] for source in sources)
        rows.append(
            (
                layer.name,
                kind,
                _times(layer.output_shape),
                layer.neurons,
                layer.synapses(),
                layer.synapses("nonzero"),
                told,
            )
        )
    frame = pd.DataFrame(rows, columns=["layer", "kind", "shape", "neurons", "synapses", "nonzero", "sources"])
    if result is None:
        return frame.assign(spike_rate=np.nan, events=np.nan, event_share=np.nan)
    found = single(result)
    if list(found["layer"].values.astype(str)) != list(frame["layer"]):
        raise InputError(
            f"`result` must be of this network, with layers {', '.join(frame['layer'])}. "
            f"Received: one with layers {', '.join(found['layer'].values.astype(str))}"
        )
    return frame.assign(
        spike_rate=found["spike_rate"].mean("time").values,
        events=found["synaptic_events"].sum("time").values,
        event_share=metrics.event_shares(found).values,
    )


@checked
def layer_graph(
    network: SpikingNetwork, result: xr.Dataset | None = None, *, dark: bool = False, height: int | None = None
) -> hv.Overlay:
    """The layers from the input down, with their neurons, synapses, spike rates and shares of the events.

    The bands between layers are as wide as the share of all synaptic events that runs through them. What passes layers by runs
    along the left.

    Args:
        network: a network.
        result: a simulation of it, or None for the network alone.
        dark: for a dark background.
        height: on pages, in pixels; None gives each layer what it needs.
    """
    data = layer_graph_data(network, result)
    palette = theme.palette(dark)
    colors = theme.depth_colors(len(data), dark)
    center = sum(_BOX) / 2
    links, boxes, inside, words, details = [], [], [], [], []
    shown = ["neurons", "synapses"] if result is None else list(_COLUMNS)
    for index, (row, color) in enumerate(zip(data.itertuples(), colors, strict=True)):
        y = -float(index)
        fill = theme.blend(color, palette.background, 0.15)
        facts = (row.layer, row.kind, row.shape, row.neurons, row.synapses, row.nonzero)
        boxes.append((_BOX[0], y - 0.3, _BOX[1], y + 0.3, *facts, fill))
        inside.append((center, y + 0.11, row.layer, theme.ink(fill)))
        details.append((center, y - 0.12, f"{row.kind}, {row.shape}", theme.ink(fill)))
        if index and index - 1 in network.sources[index - 1]:
            share = 1 / 8 if result is None else float(row.event_share)
            half = max(_WIDEST * share, 0.004) / 2
            links.append((center - half, y + 0.3, center + half, y + 0.7, palette.muted))
        cells = {
            "neurons": f"{row.neurons:,}",
            "synapses": _synapses(row) if index else "",
            "rate": f"{row.spike_rate:.3f}" if index < len(data) - 1 else "silent",
            "share": f"{100 * row.event_share:.1f} %" if index else "",
        }
        words += [(_COLUMNS[name], y, cells[name], palette.text) for name in shown]
    passing = _lanes([(a, b) for b, sources in enumerate(network.sources, start=1) for a in sources if a != b - 1])
    for lane, (a, b) in passing:
        x, top, end = _BOX[0] - _LANE * (lane + 1), -a - 0.15, -b + 0.15  # out below the middle, in above it
        links += [(x - _LINE, end, x + _LINE, top, palette.muted)]
        links += [(x - _LINE, y - 0.025, _BOX[0], y + 0.025, palette.muted) for y in (top, end)]
    words += [(_COLUMNS[name], 0.62, _HEADS[name], palette.muted) for name in shown]
    columns = ["layer", "kind", "shape", "neurons", "synapses", "nonzero", "color"]
    tooltips = [
        ("layer", "@layer, @kind"),
        ("shape", "@shape"),
        ("neurons", "@neurons{0,0}"),
        ("synapses", "@synapses{0,0}"),
        ("nonzero", "@nonzero{0,0}"),
    ]
    corners, place = ["x0", "y0", "x1", "y1"], ["x", "y"]
    parts = [
        theme.rectangles(hv.Rectangles(links, corners, "color")),
        theme.rectangles(hv.Rectangles(boxes, corners, columns), tooltips=tooltips),
        theme.words(inside, place, align="center", dx=0, size=12),
        theme.words(details, place, align="center", dx=0, size=10),
        theme.words(words, place, align="center", dx=0, size=11),
    ]
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel="",
        ylabel="",
        xlim=(-0.01 - _LANE * (1 + max((lane for lane, _ in passing), default=-1)), 0.7 if result is None else 1.0),
        ylim=(-len(data) + 0.6, 0.8),
        grid=False,
        axes=False,
        height=62 * len(data) + 60 if height is None else height,
        inches=0.43 * len(data) + 0.3,
    )


_KINDS = {"sum": "sum", "dense": "dense", "conv2d": "convolution", "depthwise_conv2d": "depthwise convolution"}


def _lanes(edges: list[tuple[int, int]]) -> list[tuple[int, tuple[int, int]]]:
    """Each edge, from a row to one below, with a lane in which none other runs beside it; lane 0 is nearest to the layers."""
    found: list[tuple[int, tuple[int, int]]] = []
    for a, b in sorted(set(edges), key=lambda edge: edge[1] - edge[0]):
        taken = {lane for lane, (c, d) in found if c < b and a < d}
        found.append((next(lane for lane in range(len(found) + 1) if lane not in taken), (a, b)))
    return found


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _synapses(row: object) -> str:
    """Synapses, and how many are left if some are zero."""
    total, nonzero = (count(float(getattr(row, name))).replace(" ", "") for name in ("synapses", "nonzero"))
    return total if total == nonzero else f"{nonzero} of {total}"
