"""The line that marks a moment."""

from __future__ import annotations

import holoviews as hv
import numpy as np

from snnviz import _checks as check
from snnviz.plots import theme


def cursor(time: int | None, steps: int, span: tuple[float, float], palette: theme.Palette) -> hv.Segments:
    """A vertical line at step `time` over `span` of the vertical axis; None gives a line that is nowhere, but there to update."""
    at = np.nan if time is None else float(check.integer("time", time, 1, int(steps)))
    return theme.lines([(at, span[0], at, span[1], palette.text)], dash="solid", width=1.2)
