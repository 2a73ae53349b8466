"""What an optimisation did to the layers: the scale of every channel."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork
from snnviz.plots import theme

_WIDTH = 0.36
"""Half of a layer's column."""
_GOLDEN = 0.618034


@checked
def scales_data(before: SpikingNetwork, after: SpikingNetwork) -> pd.DataFrame:
    """Columns layer, channel, scale: how many times as often the channel's neurons fire after as before, for the same input.

    A channel that nothing reaches has no scale (NaN).

    Args:
        before: a network.
        after: the same network with other scales, e.g. `OptimizationResult.network`.
    """
    from snnviz.optimization.scales import relative_scales

    for name, network in (("before", before), ("after", after)):
        if not isinstance(network, SpikingNetwork):
            raise InputError(f"`{name}` must be a SpikingNetwork. Received: {check.describe(network)}")
    parts = []
    for layer, scales in zip(after.layers, relative_scales(before, after), strict=True):
        parts.append(pd.DataFrame({"layer": layer.name, "channel": np.arange(len(scales)), "scale": scales}))
    return pd.concat(parts, ignore_index=True)


@checked
def scales(before: SpikingNetwork, after: SpikingNetwork, *, dark: bool = False, height: int = 340) -> hv.Overlay:
    """The scale of every channel, a point each, layer by layer; the bar is the layer's median.

    1 is the network before. Above it neurons fire more often (earlier answers, more events), below it less.

    Args:
        before: a network.
        after: the same network with other scales.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = scales_data(before, after).dropna()
    names = [layer.name for layer in after.layers]
    colors = dict(zip(names, theme.depth_colors(len(names) + 1, dark)[1:], strict=True))
    palette = theme.palette(dark)
    middle = data["layer"].map({name: index for index, name in enumerate(names)})
    # spread over the column by the golden ratio, which leaves no gaps and needs no chance
    jitter = ((data["channel"] * _GOLDEN) % 1 - 0.5) * 2 * _WIDTH
    single = data.groupby("layer")["channel"].transform("size") == 1
    marks = data.assign(at=middle + jitter.where(~single, 0.0), color=data["layer"].map(colors))
    tooltips = [("layer", "@layer"), ("channel", "@channel"), ("scale", "@scale{0.000}")]
    medians = data.groupby("layer", sort=False)["scale"].median()
    bars = [
        (names.index(name) - _WIDTH, value, names.index(name) + _WIDTH, value, palette.text)
        for name, value in medians.items()
    ]
    low, high = theme.room([*data["scale"], 1.0], 0.08, log=True)
    return theme.figure(
        hv.Overlay(
            [
                theme.lines([(-0.5, 1.0, len(names) - 0.5, 1.0, palette.muted)], dash="dashed", width=1.2),
                theme.points(
                    hv.Points(marks, ["at", "scale"], ["layer", "channel", "color"]), size=5, tooltips=tooltips
                ),
                theme.lines(bars, dash="solid", width=2.4),
            ]
        ),
        dark=dark,
        xlabel="Layer",
        ylabel="Scale (1: as before)",
        xlim=(-0.5, len(names) - 0.5),
        ylim=(low, high),
        logy=True,
        xticks=list(enumerate(names)),
        yticks=_ticks(low, high),
        xrotation=0 if len(names) <= 6 else 60,
        height=height,
    )


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Round factors within the limits: 1, 2, 5 and their tenfolds; fewer where the span is large."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    digits = (1, 2, 5) if high / low < 200 else (1,)
    fine = high / low < 5
    steps = [0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 2, 2.5, 3, 4, 5] if fine else []
    values = steps or [digit * 10.0**power for power in decades for digit in digits]
    return [(value, f"{value:g}") for value in values if low <= value <= high]
