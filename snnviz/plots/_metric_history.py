"""A metric of runs over their steps: the loss of a training, the best loss of a search."""

from __future__ import annotations

from collections.abc import Mapping

import holoviews as hv
import pandas as pd

from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme


@checked
def metric_history_data(histories: Mapping[str, pd.DataFrame], metrics: str | list[str]) -> pd.DataFrame:
    """Columns run, metric, step, value.

    Args:
        histories: metrics over steps by the run's name, each as `snnviz.runs.Store.history` returns it.
        metrics: a metric, or several of them.
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    parts = [
        pd.DataFrame({"run": run, "metric": name, "step": history.index, "value": history[name].to_numpy()}).dropna()
        for run, history in histories.items()
        for name in names
        if name in history
    ]
    if not parts or all(part.empty for part in parts):
        raise InputError(f"`metrics` must be what a run has recorded by step. Received: {', '.join(names) or 'none'}")
    return pd.concat(parts, ignore_index=True)


@checked
def metric_history(
    histories: Mapping[str, pd.DataFrame], metrics: str | list[str], *, dark: bool = False, height: int = 300
) -> hv.Overlay:
    """Metrics over steps, a curve for each run and metric.

    Args:
        histories: as in `metric_history_data`.
        metrics: as in `metric_history_data`.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = metric_history_data(histories, metrics)
    several = data["run"].nunique() > 1
    words = list(dict.fromkeys(data["metric"]))
    apart = ["run"] * several + ["metric"] * (len(words) > 1 or not several)
    data["label"] = data[apart].astype(str).agg(": ".join, axis=1).str.replace("_", " ")
    curves = [theme.at_once(data, "label", ("step", "step"), "value", dict.fromkeys(data["label"], "@value{0.00000}"))]
    for index, (label, part) in enumerate(data.groupby("label", sort=False)):
        line = hv.Curve(part, "step", "value", label=label)
        dash = theme.DASHES[index % len(theme.DASHES)]
        curves.append(theme.curve(line, theme.series_color(index, dark), dash=dash))
    steps = range(int(data["step"].min()), int(data["step"].max()) + 1)
    return theme.figure(
        hv.Overlay(curves),
        dark=dark,
        xlabel="Step",
        ylabel=words[0].replace("_", " ").capitalize() if len(words) == 1 else "Value",
        xlim=theme.room(data["step"], 0.03),
        ylim=theme.room(data["value"]),
        xticks=[(step, str(step)) for step in steps] if len(steps) < 9 else None,  # there is none between two
        legend="right" if len(curves) > 2 else None,
        height=height,
    )
