"""Sparsity layer by layer, before and after fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import pandas as pd

from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme

_GROUP_HEIGHT = 36  # pixels: two lines of text
_MEASURES = {"S_a": "activations", "S_w": "weights"}


@checked
def layer_sparsity_data(measured: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Columns stage, layer, measure ("S_a", "S_w"), value (fraction); a layer without ReLU has no S_a.

    Args:
        measured: stage (e.g. "before", "after") -> what `snnviz.sparsity.measure(...)` says of it as JSON, as cards hold it: a
            mapping with `layers`, each with name, S_a and S_w.
    """
    rows = []
    for stage, found in measured.items():
        if not isinstance(found, Mapping) or not found.get("layers"):
            raise InputError(f"`measured` must hold layers for every stage. Received: none for {stage!r}")
        for layer in found["layers"]:
            rows += [
                (str(stage), str(layer["name"]), measure, float(layer[measure]))
                for measure in _MEASURES
                if layer.get(measure) is not None
            ]
    if not rows:
        raise InputError("`measured` must hold at least one stage. Received: none")
    return pd.DataFrame(rows, columns=["stage", "layer", "measure", "value"])


@checked
def layer_sparsity(
    measured: Mapping[str, Mapping[str, Any]], *, dark: bool = False, height: int | None = None
) -> hv.Overlay:
    """The fraction of zeros among each layer's activations and weights, a bar a stage, the first layer on top.

    Args:
        measured: as in `layer_sparsity_data`.
        dark: for a dark background.
        height: on pages, in pixels; None makes room for the layers there are.
    """
    data = layer_sparsity_data(measured)
    palette = theme.palette(dark)
    stages = list(dict.fromkeys(data["stage"]))
    groups = list(dict.fromkeys(zip(data["layer"], data["measure"], strict=True)))
    thickness = 0.8 / len(stages)
    bars, words = [], []
    for row in data.itertuples():
        place = len(groups) - 1 - groups.index((row.layer, row.measure))
        index = stages.index(row.stage)
        top = place + 0.4 - index * thickness
        percent = 100 * row.value
        color = theme.series_color(index, dark)
        bars.append((0.0, top - 0.9 * thickness, percent, top, row.stage, row.layer, row.measure, percent, color))
        words.append((percent, top - thickness / 2, f"{percent:.1f} %", palette.text))
    rectangles = hv.Rectangles(bars, ["x0", "y0", "x1", "y1"], ["stage", "layer", "measure", "percent", "color"])
    tooltips = [("", "@stage"), ("layer", "@layer"), ("", "@measure"), ("zero", "@percent{0.0} %")]
    ticks: list[tuple[float, str]] = [
        (len(groups) - 1 - index, f"{layer}\n{_MEASURES[measure]}") for index, (layer, measure) in enumerate(groups)
    ]
    text = theme.words(words, dx=6, size=11)
    # a legend of bars: empty curves carry the names
    names = [
        theme.curve(hv.Curve([(0.0, 0.0)], label=stage), theme.series_color(index, dark), width=8)
        for index, stage in enumerate(stages)
    ]
    return theme.figure(
        hv.Overlay([*names, theme.rectangles(rectangles, tooltips=tooltips), text]),
        dark=dark,
        xlabel="Zeros (%)",
        ylabel="",
        xlim=(0.0, 118.0),
        ylim=(-0.6, len(groups) - 0.4),
        yticks=ticks,
        legend="bottom_right" if len(stages) > 1 else None,
        height=height or max(340, _GROUP_HEIGHT * len(groups) + 60),
    )  # fmt: skip
