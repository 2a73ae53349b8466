"""How many synapses can go: accuracy against weight sparsity as ever larger weights are pruned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz import uncertainty
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._tables import checked_table

_COLUMNS = ("epsilon", "S_w", "accuracy")


@checked
def pruning_curve_data(curves: Sequence[Any] | pd.DataFrame | Mapping[str, Any]) -> pd.DataFrame:
    """Columns model, epsilon (limit of pruning), S_w (fraction of zero synapses), accuracy (fraction), low and high (its interval,
    see `snnviz.uncertainty.wilson`; nothing where a curve has no column items).

    Args:
        curves: what `snnviz.sparsity.pruning_curve` returned, or several of these by the model's name.
    """
    several = curves if isinstance(curves, Mapping) and not isinstance(curves, pd.DataFrame) else {"": curves}
    if not several:
        raise InputError("`curves` must hold at least one curve. Received: none")
    parts = []
    for name, curve in several.items():
        table = checked_table("curves", curve, _COLUMNS).sort_values("epsilon")
        low, high = _interval(table)
        parts.append(table.assign(model=str(name), low=low, high=high)[["model", *_COLUMNS, "low", "high"]])
    return pd.concat(parts, ignore_index=True)


def _interval(table: pd.DataFrame) -> np.ndarray:
    if "items" not in table:
        return np.full((2, len(table)), np.nan)
    return uncertainty.wilson(table["accuracy"].to_numpy(), int(table["items"].iloc[0]))


@checked
def pruning_curve(
    curves: Sequence[Any] | pd.DataFrame | Mapping[str, Any],
    *,
    chosen: float | None = None,
    dark: bool = False,
    height: int = 340,
) -> hv.Overlay:
    """Accuracy over the fraction of synapses that are zero once weights below epsilon are pruned, a point an epsilon.

    The shade holds the true accuracy in 95 of 100 such measurements, as far as the choice of items is chance.

    Args:
        curves: as in `pruning_curve_data`.
        chosen: an epsilon to mark, e.g. the one that was used.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = pruning_curve_data(curves)
    data = data.assign(zero=100 * data["S_w"], **{name: 100 * data[name] for name in ("accuracy", "low", "high")})
    models = list(dict.fromkeys(data["model"]))
    palette = theme.palette(dark)
    tooltips = [
        ("", "@model"),
        ("pruned below", "@epsilon{0.0e0}"),
        ("zero synapses", "@zero{0.0} %"),
        ("accuracy", "@accuracy{0.00} %" + (" (@low{0.00} to @high{0.00})" if data["low"].notna().all() else "")),
    ]
    parts, marks = [], []
    for index, name in enumerate(models):
        color = theme.series_color(index, dark)
        rows = data[data["model"] == name].assign(color=color)
        if rows["low"].notna().all():
            shade = hv.Area((rows["zero"], rows["low"], rows["high"]), "zero", ["accuracy", "high"])
            parts.append(theme.band(shade, color))
        parts.append(
            theme.curve(hv.Curve(rows, "zero", "accuracy", label=name or "accuracy"), color,
                        dash=theme.DASHES[index % len(theme.DASHES)], width=2.2)
        )  # fmt: skip
        details = ["model", "epsilon", "low", "high", "color"]
        parts.append(theme.points(hv.Points(rows, ["zero", "accuracy"], details), size=7, tooltips=tooltips))
        # the last points before and after accuracy is lost are those worth reading
        kept = rows[rows["accuracy"] >= rows["accuracy"].max() - 1.0]
        shown = rows[rows["epsilon"] == chosen] if chosen is not None else kept.tail(1)
        marks += [(row.zero, row.accuracy, f"ε = {row.epsilon:g}", palette.text) for row in shown.itertuples()]
    limits = theme.room(data[["accuracy", "low", "high"]], 0.1)
    below = 0.08 * (limits[1] - limits[0])
    marks = [(x, y - below, text, color) for x, y, text, color in marks]
    rings = [(x, y + below, color) for x, y, _, color in marks] or [(float("nan"),) * 2 + (palette.text,)]
    parts.append(theme.points(hv.Points(rings, ["zero", "accuracy"], "color"), "diamond", 7))
    parts.append(theme.words(marks, ["zero", "accuracy"], align="right", dx=6, clear=True))
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel="Zero synapses (%)",
        ylabel="Accuracy (%)",
        xlim=theme.room([*data["zero"], 100.0], 0.03),
        ylim=limits,
        legend="bottom_left" if len(models) > 1 else None,
        height=height,
    )
