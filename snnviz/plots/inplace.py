"""Changing a plot that a page shows without drawing it anew: a tenth of the time for the server, and of the bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import holoviews as hv
import numpy as np
from bokeh.core.properties import value
from bokeh.models import FixedTicker, Segment
from bokeh.models.glyph import Glyph

_GLYPHS = ("glyph", "nonselection_glyph", "selection_glyph", "muted_glyph", "hover_glyph")
_COLORS = frozenset(("line_color", "fill_color", "hatch_color", "text_color"))
_RANGES = ("xlim", "ylim")
_FREE = {*_RANGES, "hooks", "xformatter", "yformatter", "ylabel", "yticks"}
QUAD = {"left": "x0", "bottom": "y0", "right": "x1", "top": "y1"}
"""What Bokeh calls the corners of a rectangle, and HoloViews."""
ADDED = "added"
"""Name of a renderer that a hook adds to those of the elements."""


@dataclass(frozen=True)
class Hook:
    """A HoloViews hook that calls `show` with the Bokeh figure; `refresh` calls it as well."""

    show: Callable[[Any], None]

    def __call__(self, plot: Any, element: Any) -> None:
        """Called by HoloViews after drawing."""
        self.show(plot.state)


def refresh(figure: Any, before: hv.Overlay, after: hv.Overlay) -> bool:
    """Make a Bokeh figure that was drawn from `before` show `after`, if both are built alike.

    Args:
        figure: the figure.
        before: what it was drawn from, or last refreshed with.
        after: what it shall show.

    Returns:
        Whether it was done; if not (other elements, options or columns), the figure is as it was and must be drawn anew.
    """
    old, new = list(before), list(after)
    renderers = [renderer for renderer in figure.renderers if renderer.name != ADDED]
    if len(old) != len(new) or len(new) != len(renderers) or _options(before) != _options(after):
        return False
    for one, other, renderer in zip(old, new, renderers, strict=True):
        if type(one) is not type(other) or _options(one) != _options(other):
            return False
        known = (
            {"x", "y"}
            if isinstance(other, hv.Area)
            else {each.name for each in other.dimensions()} | {"text_color", *QUAD}
        )
        if not set(renderer.data_source.data) <= known:
            return False
    for one, other, renderer in zip(old, new, renderers, strict=True):
        put(renderer, _columns(other))
        if one.label != other.label:
            _rename(figure, renderer, other.label)
    for name, axis in (("xlim", figure.x_range), ("ylim", figure.y_range)):
        limits = _plot_options(after).get(name)
        if limits is not None:
            axis.update(start=limits[0], end=limits[1], reset_start=limits[0], reset_end=limits[1])
    ticks, earlier = (dict(_plot_options(each).get("yticks") or {}) for each in (after, before))  # (place, word) pairs
    if ticks != earlier:
        axis = figure.yaxis[0]
        if isinstance(axis.ticker, FixedTicker):  # another ticker would have the whole document searched for models
            axis.ticker.ticks = list(ticks)
        else:
            axis.ticker = FixedTicker(ticks=list(ticks))
        axis.major_label_overrides = ticks
    words = _plot_options(after).get("ylabel")
    if words is not None and words != figure.yaxis[0].axis_label:
        figure.yaxis.axis_label = words
    for hook in _plot_options(after).get("hooks", []):
        if isinstance(hook, Hook):
            hook.show(figure)
    return True


def _columns(element: Any) -> dict[str, Any]:
    """The columns of an element as HoloViews gives them to Bokeh."""
    columns = {dimension.name: element.dimension_values(dimension) for dimension in element.dimensions()}
    if isinstance(element, hv.Rectangles):
        return columns | {side: columns[name] for side, name in QUAD.items()}
    if isinstance(element, hv.Area):  # there along its first values and back along its second
        at, first, second = columns.values()
        return {"x": np.concatenate([at, at[::-1]]), "y": np.concatenate([second, first[::-1]])}
    return columns


def put(renderer: Any, columns: dict[str, Any]) -> None:
    """Give a Bokeh renderer other data; a column "color" colours it."""
    if "text_color" in renderer.data_source.data:  # what HoloViews calls the colour of words
        columns = columns | {"text_color": columns["color"]}
    renderer.data_source.data = columns  # before the glyphs, which would look for it in vain
    if "color" in columns:
        for kind in _GLYPHS:
            glyph = getattr(renderer, kind, None)
            if isinstance(glyph, Glyph):
                for name in sorted(
                    _COLORS & glyph.properties()
                ):  # for `hasattr`, Bokeh looks for names alike: a millisecond
                    setattr(glyph, name, "color")  # HoloViews writes a column of one colour as a constant


def move_cursor(figure: Any, time: int) -> None:
    """Move the line that marks a moment, of all straight lines the last drawn, to step `time`."""
    line = [renderer for renderer in figure.renderers if isinstance(renderer.glyph, Segment)][-1]
    line.data_source.patch({"x0": [(0, time)], "x1": [(0, time)]})


def _rename(figure: Any, renderer: Any, label: str) -> None:
    for legend in figure.legend:
        for item in legend.items:
            if renderer in item.renderers:
                item.label = value(label)


def _plot_options(element: Any) -> dict[str, Any]:
    found: dict[str, Any] = hv.Store.lookup_options("bokeh", element, "plot").kwargs
    return found


def _options(element: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What must not change but by drawing anew."""
    plot = {name: option for name, option in _plot_options(element).items() if name not in _FREE}
    return plot, hv.Store.lookup_options("bokeh", element, "style").kwargs
