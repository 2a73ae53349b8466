"""The paper's main figure (Fig. 5): accuracy against latency and against power, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import pandas as pd

from snnviz._arguments import checked
from snnviz.plots import theme
from snnviz.plots._accuracy_over_events import accuracy_over_events
from snnviz.plots._accuracy_over_time import accuracy_over_time, accuracy_over_time_data
from snnviz.plots._runs import Results, curves_data


@checked
def accuracy_cost_data(results: Results) -> pd.DataFrame:
    """Columns run, time (step), step_events and cumulative_events (synaptic events per item), accuracy (fraction), low and high
    (the ends of its 95 % interval), items.
    """
    costs = curves_data(results)[["run", "time", "step_events", "cumulative_events"]]
    return costs.join(accuracy_over_time_data(results).drop(columns=["run", "time"]))


@checked
def accuracy_cost(
    results: Results,
    *,
    threshold: float | Mapping[str, float] | None = None,
    zoom: str = "top",
    log: bool = False,
    dark: bool = False,
    height: int = 340,
    intervals: bool = False,
) -> hv.Layout:
    """Accuracy against time steps (left) and against synaptic events (right), each run against its dotted ANN accuracy.

    The area between the dotted line and the curve is, as a share of the ANN's accuracy, the Pareto latency on the left and the
    Pareto power on the right.

    Args:
        results: a result, or several, e.g. {"before": ..., "after": ...}.
        threshold: as in `accuracy_over_time`.
        zoom: "all" of the accuracy axis, or its "top".
        log: logarithmic axis of events.
        dark: for a dark background.
        height: on pages, in pixels.
        intervals: as in `accuracy_over_time`.
    """
    shared: dict[str, Any] = {
        "threshold": threshold,
        "zoom": zoom,
        "dark": dark,
        "height": height,
        "intervals": intervals,
    }
    left, right = accuracy_over_time(results, **shared), accuracy_over_events(results, log=log, **shared)
    return theme.side_by_side(left, right)
