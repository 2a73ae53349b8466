"""What the scatter plots of accuracy, latency and power share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.plots import theme


@dataclass(frozen=True)
class Axis:
    """One of the three anytime metrics as an axis; `better` is 1 where more is better, -1 where less is."""

    column: str
    label: str
    better: int
    large: bool = False


AXES = {
    "latency": Axis("pareto_latency", "Pareto latency (time steps)", -1),
    "power": Axis("pareto_power", "Pareto power (events per item)", -1, large=True),
    "accuracy": Axis("peak_accuracy", "Peak accuracy (%)", 1),
}


def two_of(x: str, y: str) -> tuple[Axis, Axis]:
    """The axes of these names, which must differ."""
    for name, axis in (("x", x), ("y", y)):
        check.choice(name, axis, AXES)
    if x == y:
        raise InputError(f"`y` must differ from `x`. Received: {y!r} for both")
    return AXES[x], AXES[y]


def on_front(costs: np.ndarray) -> np.ndarray:
    """Which rows of `costs` (points, objectives; less is better) no other row dominates; a row with NaN is not on the front."""
    front = np.isfinite(costs).all(axis=1)
    for index, cost in enumerate(costs):
        if front[index]:
            better = (costs <= cost).all(axis=1) & (costs < cost).any(axis=1)
            front[index] = not better.any()
    return front


def shown(data: pd.DataFrame) -> pd.DataFrame:
    """`data` with the accuracy in percent, as the axes say it."""
    return data.assign(**{str(name): 100 * data[name] for name in data if str(name).startswith("peak_accuracy")})


def front_line(data: pd.DataFrame, across: Axis, up: Axis, color: str) -> hv.Curve:
    """The front in the two metrics shown, as a staircase: what is reached at least at each cost."""
    costs = -data[[across.column, up.column]].to_numpy(float) * np.array([across.better, up.better])
    corners = costs[on_front(costs)]
    corners = corners[np.argsort(corners[:, 0])]
    stairs: list[tuple[float, float]] = []
    for point in corners:
        if stairs:
            stairs.append((point[0], stairs[-1][1]))
        stairs.append((point[0], point[1]))
    line = [(-across.better * one, -up.better * two) for one, two in stairs] or [(np.nan, np.nan)]
    return theme.curve(hv.Curve(line, across.column, up.column), color, dash="dotted", width=1.8)


def limits(values: pd.Series) -> tuple[float, float]:
    """Limits of an axis with room for points and names."""
    return theme.room(values, 0.1)


def scatter_figure(
    parts: list[Any],
    across: Axis,
    up: Axis,
    spans: tuple[tuple[float, float], tuple[float, float]],
    dark: bool,
    height: int,
    title: str = "",
) -> hv.Overlay:
    """Elements in the axes of two metrics."""
    return theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel=across.label,
        ylabel=up.label,
        xlim=spans[0],
        ylim=spans[1],
        large=across.large,
        large_y=up.large,
        title=title,
        height=height,
    )
