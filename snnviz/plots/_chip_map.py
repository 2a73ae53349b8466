"""A SpiNNaker machine as a map: which cores of which chips hold which layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import holoviews as hv
import pandas as pd

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.plots import theme

if TYPE_CHECKING:
    from snnviz.hardware.spinnaker.dryrun import Plan

FREE, SYSTEM = "free", "tool chain"
COLUMNS = 5
"""Cores side by side in the drawing of a chip, whose 18 make four rows."""
ZOOMS = ("board", "used")
_GAP, _CORE = 0.06, 0.17
_TOOLTIPS = [
    ("layer", "@population"),
    ("chip", "(@x, @y)"),
    ("core", "@core"),
    ("neurons", "@neurons"),
    ("first neuron", "@first"),
    ("memory", "@sdram_kib KiB"),
]


@checked
def chip_map_data(plan: Plan) -> pd.DataFrame:
    """Columns x, y (of the chip), core, population (a layer, "tool chain" or "free"), neurons, first, sdram (bytes).

    A row for each core that the machine can use; core 0 of a chip is the operating system's and left out.
    """
    used = {(core.x, core.y, core.core): core for core in plan.cores}
    rows = []
    for chip in plan.chips:
        for number in range(1, chip.cores + 1):
            core = used.get((chip.x, chip.y, number))
            population = FREE if core is None else core.population or SYSTEM
            rows.append(
                {
                    "x": chip.x,
                    "y": chip.y,
                    "core": number,
                    "population": population,
                    "neurons": 0 if core is None else core.neurons,
                    "first": 0 if core is None else core.first,
                    "sdram": 0 if core is None else core.sdram,
                }
            )
    return pd.DataFrame(rows)


@checked
def chip_map(plan: Plan, *, zoom: str = "board", dark: bool = False, height: int = 420) -> hv.Overlay:
    """The chips of a machine with their cores, those in use in the colour of their layer (darker to lighter with depth).

    Args:
        plan: of a dry run.
        zoom: "board", all chips; "used", those that hold neurons and their neighbours.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    check.choice("zoom", zoom, ZOOMS)
    colors = theme.palette(dark)
    data = chip_map_data(plan)
    data["sdram_kib"] = (data["sdram"] / 1024).round(1)
    data["x0"] = data["x"] + _GAP + _CORE * ((data["core"] - 1) % COLUMNS)
    data["y0"] = data["y"] + _GAP + 1.2 * _CORE * ((data["core"] - 1) // COLUMNS)
    data["x1"], data["y1"] = data["x0"] + 0.8 * _CORE, data["y0"] + 1.0 * _CORE
    chips = data[["x", "y"]].drop_duplicates()
    outlines = hv.Rectangles([(x + 0.01, y + 0.01, x + 0.97, y + 0.97) for x, y in chips.itertuples(index=False)])
    parts: list[hv.Element] = [_boxes(outlines, colors.background, colors.grid, 1.0)]
    names = [layer.name for layer in plan.layers]
    shades = dict(zip(names, theme.depth_colors(len(names), dark), strict=True))
    for name in (FREE, SYSTEM, *names):
        own = data[data["population"] == name]
        if own.empty:
            continue
        columns = ["population", "core", "x", "y", "neurons", "first", "sdram_kib"]
        boxes = hv.Rectangles(own, ["x0", "y0", "x1", "y1"], columns, label=name)
        fill = shades.get(name, colors.muted if name == SYSTEM else colors.grid)
        parts.append(_boxes(boxes, fill, fill, 0.35 if name == FREE else 1.0, hover=name != FREE))
    shown = chips
    if zoom == "used":
        held = data[data["population"].isin(names)]
        shown = chips[
            chips["x"].between(held["x"].min() - 1, held["x"].max() + 1)
            & chips["y"].between(held["y"].min() - 1, held["y"].max() + 1)
        ]
    spans = {axis: (int(shown[axis].min()), int(shown[axis].max()) + 1) for axis in ("x", "y")}
    ticks = {axis: [(place + 0.49, str(place)) for place in range(*span)] for axis, span in spans.items()}
    drawing = theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel="Chip column (x)",
        ylabel="Chip row (y)",
        xlim=(spans["x"][0] - 0.1, spans["x"][1] + 0.1),
        ylim=(spans["y"][0] - 0.1, spans["y"][1] + 0.1),
        yticks=ticks["y"],
        legend="right",
        height=height,
    )
    return theme.style(drawing, bokeh={"xticks": ticks["x"]}, mpl={"xticks": ticks["x"]})


def _boxes(element: hv.Rectangles, fill: str, line: str, alpha: float, hover: bool = False) -> hv.Rectangles:
    bokeh = {"fill_color": fill, "line_color": line, "alpha": alpha}
    if hover:
        bokeh |= {"tools": ["hover"], "hover_tooltips": _TOOLTIPS}
    return theme.style(
        element, bokeh=bokeh, mpl={"facecolor": fill, "edgecolor": line, "alpha": alpha, "linewidth": 0.6}
    )
