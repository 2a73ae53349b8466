"""Accuracy over cost: what an answer takes in synaptic events."""

from __future__ import annotations

from collections.abc import Mapping

import holoviews as hv
import pandas as pd

from snnviz._arguments import checked
from snnviz.plots._curves import accuracy_overlay
from snnviz.plots._runs import Results, curves_data


@checked
def accuracy_over_events_data(results: Results) -> pd.DataFrame:
    """Columns run, time (step), cumulative_events (synaptic events per item up to that step), accuracy (fraction)."""
    return curves_data(results)[["run", "time", "cumulative_events", "accuracy"]]


@checked
def accuracy_over_events(
    results: Results,
    *,
    threshold: float | Mapping[str, float] | None = None,
    reference: bool = True,
    log: bool = False,
    zoom: str = "all",
    dark: bool = False,
    height: int = 340,
    dashes: bool = True,
    intervals: bool = False,
) -> hv.Overlay:
    """Accuracy against the synaptic events spent so far (mean per item), one curve a run.

    Args:
        results: a result, a sequence of results, or a mapping from names.
        threshold: as in `accuracy_over_time`; the marks stand where its events have been spent.
        reference: as in `accuracy_over_time`.
        log: logarithmic cost axis; steps before the first event are left out.
        zoom: as in `accuracy_over_time`.
        dark: for a dark background.
        height: on pages, in pixels.
        dashes: as in `accuracy_over_time`.
        intervals: as in `accuracy_over_time`.
    """
    return accuracy_overlay(
        results,
        "cumulative_events",
        threshold=threshold,
        reference=reference,
        dark=dark,
        zoom=zoom,
        log=log,
        xlabel="Synaptic events so far (per item)",
        height=height,
        dashes=dashes,
        intervals=intervals,
    )
