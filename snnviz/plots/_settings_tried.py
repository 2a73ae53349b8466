"""What `snnviz.convert` tried before it chose: the accuracy of every setting over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork
from snnviz.plots import theme
from snnviz.plots._curves import log_steps

_NEVER = "never"


@checked
def settings_tried_data(network: SpikingNetwork) -> pd.DataFrame:
    """Columns setting, time (step), accuracy (fraction), settled (the step from which on the accuracy stays within 1 % of the
    ANN's; NaN: never), pareto_latency (steps), events (an item, in all steps until then), chosen; the best setting first.

    Args:
        network: one whose settings were chosen by `snnviz.convert`; its metadata remember what was tried.
    """
    return pd.DataFrame(
        [
            {
                "setting": _words(row),
                "time": step,
                "accuracy": accuracy,
                "settled": np.nan if row["settled"] is None else row["settled"],
                "pareto_latency": row["pareto_latency"],
                "events": row["events"],
                "chosen": row["chosen"],
            }
            for row in _choice(network)["rows"]
            for step, accuracy in enumerate(row["accuracy"], start=1)
        ]
    )


@checked
def settings_tried(network: SpikingNetwork, *, dark: bool = False, height: int = 340) -> hv.Overlay:
    """The accuracy of every setting after each step on the held-out items, the chosen one as a thick line.

    A setting is named by its granularity, its percentile, whether initial potentials were corrected, and its clamp if it has
    one. A dot marks the step from which on it stays within 1 % of the ANN, whose accuracy is the dotted line.

    Args:
        network: as in `settings_tried_data`.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    choice = _choice(network)
    data = settings_tried_data(network)
    ann, steps = 100 * choice["ann_accuracy"], choice["steps"]
    tooltips = [("", "@setting"), ("step", "@time"), ("accuracy", "@accuracy{0.0} %"), ("settled at step", "@told")]
    told = data["settled"].map(lambda step: _NEVER if np.isnan(step) else f"{step:.0f}")
    shown = data.assign(accuracy=100 * data["accuracy"], told=told)
    parts: list[Any] = [theme.lines([(1, ann, steps, ann, theme.palette(dark).muted)], dash="dotted", width=1.2)]
    dots = []
    for index, (name, rows) in enumerate(shown.groupby("setting", sort=False)):
        color, chosen = theme.series_color(index, dark), bool(rows["chosen"].iloc[0])
        label = f"{name}: chosen" if chosen else str(name)
        curve = hv.Curve(rows, "time", ["accuracy", "setting", "told"], label=label)
        dash = theme.DASHES[index % len(theme.DASHES)]
        parts.append(theme.curve(curve, color, dash=dash, width=3.4 if chosen else 1.6, tooltips=tooltips))
        dots += [(*row, color) for row in rows.loc[rows["time"] == rows["settled"], ["time", "accuracy"]].to_numpy()]
    parts.append(theme.points(hv.Points(dots, ["time", "accuracy"], ["color"]), size=7))
    low, high = theme.room([*shown["accuracy"], ann], 0.04)
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel="Time (steps)",
        ylabel="Accuracy (%)",
        xlim=(0.95, 1.05 * steps),
        logx=True,  # good settings differ in the first steps
        xticks=log_steps((1, steps)),
        ylim=(low, high),
        title=f"{choice['items']} held-out items, {choice['input']} input; dotted: the ANN",
        legend="bottom_right",
        height=height,
    )


def _words(row: Mapping[str, Any]) -> str:
    """A setting in short; initial potentials are the same for all, but for whether they are corrected."""
    told = f"{row['per']} {row['percentile']:g} %" + (", corrected" if row["correct_potential"] else "")
    return told + (f", clamp {row['clamp']:g}" if row.get("clamp") else "")  # networks of before have none


def _choice(network: SpikingNetwork) -> Mapping[str, Any]:
    if not isinstance(network, SpikingNetwork):
        raise InputError(f"`network` must be a SpikingNetwork. Received: {check.describe(network)}")
    choice = network.metadata.get("choice")
    if not choice:
        raise InputError(
            "`network` must be one whose settings `snnviz.convert` chose (per, percentile or initial_potential left open). "
            "Received: a network without a choice"
        )
    return choice
