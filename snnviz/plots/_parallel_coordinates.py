"""Runs as lines across their settings and what came out of them."""

from __future__ import annotations

import itertools

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz._amounts import text_of
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._tables import checked_table

_BEYOND = 0.06
"""From the end of an axis to its word."""
MOST_WORDS = 8
"""Texts that an axis names; of more, the first and the last."""


@checked
def parallel_coordinates_data(table: pd.DataFrame, target: str) -> pd.DataFrame:
    """Columns row, run, axis, value, place: where each run crosses each axis, from 0 (the smallest value) to 1.

    Args:
        table: a row a run: settings (numbers or texts), a column `run` with names if there is one, and `target`, as
            `snnviz.runs.settings_table` gives it or `snnviz.sparsity_sweep.Sweep.table`.
        target: the column with what came out, which is the last axis.
    """
    checked = checked_table("table", table, (target,))
    if not pd.api.types.is_numeric_dtype(checked[target]):
        raise InputError(f"`target` must name a column of numbers. Received: {target!r}")
    names = [*(name for name in checked if name not in ("run", target)), target]
    if len(names) == 1:
        raise InputError(f"`table` must hold a setting beside {target!r}. Received: {', '.join(map(str, checked))}")
    runs = checked["run"].astype(str) if "run" in checked else pd.Series(checked.index.astype(str))
    parts = [
        pd.DataFrame(
            {
                "row": checked.index,
                "run": runs,
                "axis": str(name),
                "value": checked[name].astype(object),
                "place": _places(checked[name]),
            }
        )
        for name in names
    ]
    return pd.concat(parts, ignore_index=True)


def _places(column: pd.Series) -> np.ndarray:
    """Numbers by their size, texts in order; 0.5 where all are the same."""
    numbers = (
        column.to_numpy(float)
        if pd.api.types.is_numeric_dtype(column)
        else pd.Categorical(column.astype(str)).codes.astype(float)
    )
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    return (numbers - low) / (high - low) if high > low else np.full(len(numbers), 0.5)


@checked
def parallel_coordinates(table: pd.DataFrame, target: str, *, dark: bool = False, height: int = 380) -> hv.Overlay:
    """A line for each run across an axis for each setting; its shade says how much came out, which the last axis shows.

    Args:
        table: as in `parallel_coordinates_data`.
        target: as in `parallel_coordinates_data`.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = parallel_coordinates_data(table, target)
    palette = theme.palette(dark)
    axes = list(dict.fromkeys(data["axis"]))
    ends = data[data["axis"] == target].set_index("row")["place"]
    # the lightest of the shades would be lost on the background
    colors = dict(zip(ends.index, theme.shades(0.25 + 0.75 * ends, dark), strict=True))
    order = ends.sort_values().index  # the best are drawn last, on top
    wide = data.pivot(index="row", columns="axis", values="place")[axes]
    lines = [
        (place, wide.loc[row, axis], place + 1, wide.loc[row, following], colors[row])
        for row in order
        for place, (axis, following) in enumerate(itertools.pairwise(axes))
    ]
    dots = [
        (axes.index(one.axis), one.place, one.run, one.axis, text_of(one.value, 18, 8), colors[one.row])
        for one in data.itertuples()
    ]
    tooltips = [("", "@run"), ("@axis", "@value")]
    scales = [(place, 0.0, place, 1.0, palette.muted) for place in range(len(axes))]
    words = [
        word for place, axis in enumerate(axes) for word in _words(data[data["axis"] == axis], place, palette.text)
    ]
    # the ends' words stand beyond the axes, where no line comes
    ends_named = [(x, y + (_BEYOND if y else -_BEYOND), text, color) for x, y, text, color in words if y in (0.0, 1.0)]
    inner = [word for word in words if word[1] not in (0.0, 1.0)]
    parts = [
        theme.lines(scales, dash="solid", width=1.2),
        theme.lines(lines, dash="solid", width=1.8),
        theme.points(hv.Points(dots, ["x", "y"], ["run", "axis", "value", "color"]), size=7, tooltips=tooltips),
        theme.words(inner, dx=7, size=11, clear=True),
        theme.words(ends_named, align="center", dx=0, size=11),
    ]
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel="Settings, and what came out",
        ylabel="Smallest to largest value",
        xlim=(-0.4, len(axes) - 0.6),
        ylim=(-0.12, 1.12),
        xticks=[(place, axis.replace("_", " ")) for place, axis in enumerate(axes)],
        xrotation=0 if len(axes) < 6 else 30,
        yticks=[(-1.0, "")],  # none: every axis has its own
        grid=False,
        height=height,
    )


def _words(axis: pd.DataFrame, place: int, color: str) -> list[tuple[float, float, str, str]]:
    """The values that an axis names: its ends, and between them texts where they are few."""
    known = axis.drop_duplicates("place").sort_values("place")
    if len(known) > 2 and (len(known) > MOST_WORDS or not isinstance(known["value"].iloc[0], str)):
        known = known.iloc[[0, -1]]
    return [(place, row.place, _short(row.value), color) for row in known.itertuples()]


def _short(value: float | str) -> str:
    return theme.large(value) if isinstance(value, int | float) and abs(value) >= 1e4 else text_of(value, 18, 4)
