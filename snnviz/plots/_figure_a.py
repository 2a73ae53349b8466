"""Figure A of the paper's supplement: accuracy over time, before and after."""

from __future__ import annotations

from collections.abc import Mapping

import holoviews as hv
import pandas as pd
import xarray as xr

from snnviz import metrics
from snnviz._arguments import checked
from snnviz.plots._accuracy_over_time import accuracy_over_time, accuracy_over_time_data
from snnviz.plots._runs import crossings_data


@checked
def figure_a_data(
    before: xr.Dataset, after: xr.Dataset | None = None, *, threshold: float | tuple[float, float] | None = None
) -> pd.DataFrame:
    """What figure A draws: columns run, time (step), accuracy (fraction), low and high (the ends of its 95 % interval), items,
    threshold, crossing (step; empty if never).
    """
    runs = _runs(before, after)
    crossings = crossings_data(runs, _thresholds(runs, threshold)).set_index("run")
    data = accuracy_over_time_data(runs)
    steps = crossings["time"].where(crossings["crossed"])
    return data.assign(threshold=data["run"].map(crossings["threshold"]), crossing=data["run"].map(steps))


@checked
def figure_a(
    before: xr.Dataset,
    after: xr.Dataset | None = None,
    *,
    threshold: float | tuple[float, float] | None = None,
    zoom: str = "all",
    dark: bool = False,
    intervals: bool = False,
) -> hv.Overlay:
    """Figure A: accuracy over time with a dotted line where the threshold is crossed.

    Args:
        before: a result, drawn alone or as the network before optimisation.
        after: the result of the optimised network.
        threshold: accuracy to reach, a fraction; a pair gives one for each result (the paper: 98 % before and 97.97 %
            after for dense MNIST); None takes `snnviz.metrics.default_threshold` of `before`.
        zoom: "all" of the accuracy axis, or its "top".
        dark: for a dark background.
        intervals: as in `accuracy_over_time`.
    """
    runs = _runs(before, after)
    goals = _thresholds(runs, threshold)
    return accuracy_over_time(runs, threshold=goals, zoom=zoom, dark=dark, intervals=intervals)


def _runs(before: xr.Dataset, after: xr.Dataset | None) -> dict[str, xr.Dataset]:
    return {"before": before} if after is None else {"before": before, "after": after}


def _thresholds(runs: Mapping[str, xr.Dataset], threshold: float | tuple[float, float] | None) -> dict[str, float]:
    if threshold is None:
        threshold = metrics.default_threshold(runs["before"])
    pair = threshold if isinstance(threshold, tuple) else (threshold, threshold)
    return dict(zip(runs, pair, strict=False))
