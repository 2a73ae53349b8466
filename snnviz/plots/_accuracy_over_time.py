"""Accuracy over time: the anytime curve itself."""

from __future__ import annotations

from collections.abc import Mapping

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz import uncertainty
from snnviz._arguments import checked
from snnviz.plots._curves import accuracy_overlay
from snnviz.plots._runs import Results, curves_data, named, step_unit


@checked
def accuracy_over_time_data(results: Results) -> pd.DataFrame:
    """Columns run, time (step), accuracy (fraction), low and high (the ends of its 95 % interval), items."""
    runs = named(results)
    data = curves_data(runs)[["run", "time", "accuracy"]]
    ends = np.concatenate([uncertainty.accuracy_interval(run) for run in runs.values()], axis=1)
    counts = [uncertainty.items(run) for run in runs.values() for _ in range(run.sizes["time"])]
    return data.assign(low=ends[0], high=ends[1], items=counts)


@checked
def accuracy_over_time(
    results: Results,
    *,
    threshold: float | Mapping[str, float] | None = None,
    reference: bool = True,
    zoom: str = "all",
    log: bool = False,
    dark: bool = False,
    height: int = 340,
    dashes: bool = True,
    intervals: bool = False,
) -> hv.Overlay:
    """Accuracy after each time step, one curve a run.

    Args:
        results: a result, a sequence of results (named by their titles), or a mapping from names.
        threshold: an accuracy (fraction), or one per run by name: a dotted line goes down from where each run first
            reaches it, and a red cross at the right marks a run that never does.
        reference: draw the analog network's accuracy as a thin dotted line.
        zoom: "all" of the accuracy axis, or its "top", where good runs differ.
        log: logarithmic time axis, on which the first steps can be told apart.
        dark: for a dark background.
        height: on pages, in pixels.
        dashes: tell runs apart by line style as well as by colour.
        intervals: a band around each curve, and hovering, say how well the items tell it (95 %, `snnviz.uncertainty`).
    """
    return accuracy_overlay(
        results,
        "time",
        threshold=threshold,
        reference=reference,
        dark=dark,
        zoom=zoom,
        log=log,
        xlabel=f"Time ({step_unit(results)})",
        height=height,
        dashes=dashes,
        intervals=intervals,
    )
