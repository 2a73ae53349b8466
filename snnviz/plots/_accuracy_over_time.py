"""Accuracy over time: the anytime curve itself."""

from __future__ import annotations

from collections.abc import Mapping

import holoviews as hv
import pandas as pd

from snnviz._arguments import checked
from snnviz.plots._curves import accuracy_overlay
from snnviz.plots._runs import Results, curves_data


@checked
def accuracy_over_time_data(results: Results) -> pd.DataFrame:
    """Columns run, time (step), accuracy (fraction)."""
    return curves_data(results)[["run", "time", "accuracy"]]


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
    """
    return accuracy_overlay(
        results,
        "time",
        threshold=threshold,
        reference=reference,
        dark=dark,
        zoom=zoom,
        log=log,
        xlabel="Time (steps)",
        height=height,
        dashes=dashes,
    )
