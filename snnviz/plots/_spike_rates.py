"""Spike rates of the layers over time."""

from __future__ import annotations

import holoviews as hv
import pandas as pd
import xarray as xr

from snnviz._arguments import checked
from snnviz.plots import theme
from snnviz.plots._runs import named, step_unit


@checked
def spike_rates_data(result: xr.Dataset) -> pd.DataFrame:
    """Columns layer, time (step), spike_rate (spikes per neuron and step); the silent output layer is left out."""
    (result,) = named(result).values()
    firing = result["spike_rate"].isel(layer=slice(0, max(result.sizes["layer"] - 1, 1)))
    return firing.transpose("layer", "time").to_dataframe().reset_index()[["layer", "time", "spike_rate"]]


@checked
def spike_rates(result: xr.Dataset, *, dark: bool = False, height: int = 340) -> hv.Overlay:
    """Mean spike rate of the input and of each hidden layer at each step, darker to lighter with depth and each with its dashes.

    The eighth layer and those after it have the first ones' dashes again, as thinner lines.

    Args:
        result: one result.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = spike_rates_data(result)
    layers = list(dict.fromkeys(data["layer"]))
    told = dict.fromkeys(layers, "@spike_rate{0.0000}")
    curves = [theme.at_once(data, "layer", ("step", "time"), "spike_rate", told)]
    for index, (name, color) in enumerate(zip(layers, theme.depth_colors(len(layers), dark), strict=True)):
        part = hv.Curve(data[data["layer"] == name], "time", "spike_rate", label=str(name))
        again, at = divmod(index, len(theme.DASHES))
        curves.append(theme.curve(part, color, dash=theme.DASHES[at], width=2.2 if again == 0 else 1.2))
    top = max(float(data["spike_rate"].max()), 1e-9)
    return theme.figure(
        hv.Overlay(curves),
        dark=dark,
        xlabel=f"Time ({step_unit(result)})",
        ylabel="Spike rate (per neuron and step)",
        xlim=(0.0, float(data["time"].max()) + 0.5),
        ylim=(0.0, 1.08 * top),
        legend="right",
        height=height,
    )
