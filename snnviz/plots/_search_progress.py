"""How far searchers got with their time: the best loss so far against minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme

POINTS = 241
"""Of the common axis of minutes."""

Histories = Mapping[str, pd.DataFrame | Sequence[pd.DataFrame]]


@checked
def search_progress_data(histories: Histories, *, minutes: float | None = None) -> pd.DataFrame:
    """Columns run, minutes, median, low, high: over the searches of one name, the best loss so far.

    Args:
        histories: by name, the `history` of a search (`snnviz.optimization.OptimizationResult`), or of several that differ in
            their seeds.
        minutes: length of the axis; None takes that of the longest search. A search that ended earlier keeps its best.
    """
    groups = _checked(histories)
    if minutes is None:
        minutes = max(float(frame["seconds"].max()) for group in groups.values() for frame in group) / 60
    axis = np.linspace(0, check.real("minutes", minutes, 0, above=True), POINTS)
    parts = []
    for name, group in groups.items():
        curves = []
        for frame in group:
            done = np.searchsorted(frame["seconds"].to_numpy() / 60, axis, side="right")
            # until its first evaluation is done a search has what it begins with
            curves.append(frame["loss"].cummin().to_numpy()[np.maximum(done - 1, 0)])
        parts.append(
            pd.DataFrame(
                {
                    "run": name,
                    "minutes": axis,
                    "median": np.median(curves, axis=0),
                    "low": np.min(curves, axis=0),
                    "high": np.max(curves, axis=0),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@checked
def search_progress(
    histories: Histories, *, minutes: float | None = None, dark: bool = False, height: int = 340
) -> hv.Overlay:
    """The best loss L_SNN so far against minutes: a line for the median of each name's searches, a band for their range.

    Args:
        histories: see `search_progress_data`.
        minutes: length of the axis.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = search_progress_data(histories, minutes=minutes)
    bands: list[Any] = []
    told = dict.fromkeys(data["run"], "@median{0.000} (@low{0.000} to @high{0.000})")
    lines: list[Any] = [theme.at_once(data, "run", ("minutes", "minutes"), "median", told, form="{0.0}")]
    for index, (name, rows) in enumerate(data.groupby("run", sort=False)):
        color = theme.series_color(index, dark)
        bands.append(theme.band(hv.Area(rows, "minutes", ["low", "high"]), color))
        curve = hv.Curve(rows, "minutes", "median", label=str(name))
        dash = theme.DASHES[index % len(theme.DASHES)]
        lines.append(theme.curve(curve, color, dash=dash, width=2.4))
    return theme.figure(
        hv.Overlay([*bands, *lines]),
        dark=dark,
        xlabel="Time (minutes)",
        ylabel="Best loss so far",
        xlim=(0.0, float(data["minutes"].max())),
        ylim=theme.room(data[["low", "high"]]),
        legend="right",
        height=height,
    )


def _checked(histories: Any) -> dict[str, list[pd.DataFrame]]:
    groups = {}
    for name, given in histories.items() if isinstance(histories, Mapping) else ():
        group = list(given) if isinstance(given, Sequence) else [given]
        for frame in group:
            if not isinstance(frame, pd.DataFrame) or frame.empty or not {"seconds", "loss"} <= set(frame.columns):
                raise InputError(
                    "`histories` must hold the histories of searches, with columns seconds and loss. "
                    f"Received: {check.describe(frame)} as {name!r}"
                )
        if group:
            groups[str(name)] = group
    if not groups:
        raise InputError(f"`histories` must hold at least one search, by name. Received: {check.describe(histories)}")
    return groups
