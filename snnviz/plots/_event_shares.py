"""Where the synaptic events arrive: the layers' shares of the cost."""

from __future__ import annotations

import holoviews as hv
import pandas as pd
import xarray as xr

from snnviz import metrics
from snnviz._arguments import checked
from snnviz.plots import theme
from snnviz.plots._runs import named


@checked
def event_shares_data(result: xr.Dataset) -> pd.DataFrame:
    """Columns layer, events (synaptic events per item over all steps), share (fraction); the input receives none."""
    (result,) = named(result).values()
    frame = pd.DataFrame(
        {
            "layer": result["layer"].values.astype(str),
            "events": result["synaptic_events"].sum("time").values,
            "share": metrics.event_shares(result).values,
        }
    )
    return frame[(frame["layer"] != "input") | (frame["events"] > 0)].reset_index(drop=True)


@checked
def event_shares(result: xr.Dataset, *, dark: bool = False, height: int = 340) -> hv.Overlay:
    """Each layer's share of all synaptic events, one bar a layer, the first layer on top.

    Args:
        result: one result.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = event_shares_data(result)
    count = len(data)
    # the colours of `spike_rates`, whose first is the input's
    colors = theme.depth_colors(count + 1, dark)[1:]
    bars, words = [], []
    for index, row in enumerate(data.itertuples()):
        at = count - 1 - index
        percent = 100 * row.share
        bars.append((0.0, at - 0.32, percent, at + 0.32, row.layer, row.events, percent, colors[index]))
        words.append((percent, at, f"{percent:.1f} %", theme.palette(dark).text))
    rectangles = hv.Rectangles(bars, ["x0", "y0", "x1", "y1"], ["layer", "events", "percent", "color"])
    tooltips = [("layer", "@layer"), ("share", "@percent{0.00} %"), ("events", "@events{0,0} per item")]
    theme.rectangles(rectangles, tooltips=tooltips)
    text = theme.words(words, dx=6, clear=True)
    longest = max([100 * float(data["share"].max()), 1.0]) if count else 1.0
    return theme.figure(
        hv.Overlay([rectangles, text]),
        dark=dark,
        xlabel="Share of synaptic events (%)",
        ylabel="",
        xlim=(0.0, 1.28 * longest),
        ylim=(-0.6, max(count, 1) - 0.4),
        yticks=[(count - 1 - index, name) for index, name in enumerate(data["layer"])],
        height=height,
    )
