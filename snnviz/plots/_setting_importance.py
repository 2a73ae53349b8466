"""How much each setting decides what comes out."""

from __future__ import annotations

import holoviews as hv
import pandas as pd

from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._tables import checked_table


@checked
def setting_importance_data(importances: pd.DataFrame) -> pd.DataFrame:
    """Columns setting, importance (fraction of 1), the largest first.

    Args:
        importances: as `snnviz.runs.importance` returns it.
    """
    checked = checked_table("importances", importances, ("setting", "importance"))
    if not pd.api.types.is_numeric_dtype(checked["importance"]):
        raise InputError("`importances` must hold a number for every setting. Received: other values")
    return checked[["setting", "importance"]].sort_values("importance", ascending=False, ignore_index=True)


@checked
def setting_importance(importances: pd.DataFrame, *, dark: bool = False, height: int = 300) -> hv.Overlay:
    """A bar for each setting, the most important on top.

    Args:
        importances: as in `setting_importance_data`.
        dark: for a dark background.
        height: on pages, in pixels.
    """
    data = setting_importance_data(importances)
    palette, count = theme.palette(dark), len(data)
    bars, words = [], []
    for index, row in enumerate(data.itertuples()):
        at = count - 1 - index
        bars.append((0.0, at - 0.32, row.importance, at + 0.32, str(row.setting), row.importance, palette.series[0]))
        words.append((row.importance, at, f"{row.importance:.2f}", palette.text))
    drawn = hv.Rectangles(bars, ["x0", "y0", "x1", "y1"], ["setting", "importance", "color"])
    theme.rectangles(drawn, tooltips=[("setting", "@setting"), ("importance", "@importance{0.000}")])
    return theme.figure(
        hv.Overlay([drawn, theme.words(words, dx=6)]),
        dark=dark,
        xlabel="Importance (fraction)",
        ylabel="",
        xlim=(0.0, 1.2 * max(float(data["importance"].max()), 0.01)),
        ylim=(-0.6, count - 0.4),
        yticks=[(count - 1 - index, str(name).replace("_", " ")) for index, name in enumerate(data["setting"])],
        height=height,
    )
