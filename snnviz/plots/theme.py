"""Colours, type and axes shared by all plots, for pages (Bokeh) and for files (Matplotlib).

Every element is styled for both backends at once, so that the same object is drawn in a page and exported to a journal; what a page
draws for itself alone is styled for pages (`on_pages`).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz._amounts import count

for _backend in ("bokeh", "mpl"):
    # registers the backend; unlike hv.extension it leaves the reader's choice of backend and notebook alone
    __import__(f"holoviews.plotting.{_backend}")

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
"""Fonts of pages: whatever the reader's system has; nothing is fetched."""
EXPORT_FONT = "DejaVu Sans"
"""Font of files; it comes with Matplotlib, so a figure looks the same wherever it is made."""
FAMILIES = {"sans": EXPORT_FONT, "serif": "STIXGeneral"}
"""Fonts of files by kind; STIX, which has the shapes of Times, comes with Matplotlib too."""
LEAST_POINTS = 6.5
"""Journals print no smaller type."""


@dataclass(frozen=True)
class Palette:
    """Colours of one appearance.

    Attributes:
        series: colours of runs, in order (Okabe and Ito's colour-blind-safe set, adapted to the background).
        depths: (first, last) position in the viridis colour map for layers from input to output.
        missed: of whatever never reached its goal; always used together with a shape or a word.
    """

    name: str
    background: str
    text: str
    muted: str
    grid: str
    missed: str
    series: tuple[str, ...]
    depths: tuple[float, float]


LIGHT = Palette(
    name="light",
    background="#ffffff",
    text="#1b2430",
    muted="#5b6675",
    grid="#e3e7ec",
    missed="#c1121f",
    series=("#0072b2", "#d55e00", "#009e73", "#aa4499", "#56b4e9", "#8c6d1f", "#000000"),
    depths=(0.05, 0.85),
)
DARK = Palette(
    name="dark",
    background="#161c24",
    text="#e6eaf0",
    muted="#9aa6b5",
    grid="#2b343f",
    missed="#ff6b6b",
    series=("#56b4e9", "#e69f00", "#2fc79c", "#dd8fc0", "#f0e442", "#b3c2d1", "#ffffff"),
    depths=(0.38, 1.0),
)
# one line style per run beside its colour: curves stay apart in grey print; Bokeh knows four by name, others as lengths
DASHES = ("solid", "dashed", "dotdash", "dotted", "14 4", "6 3 2 3 2 3", "2 7")
_MPL_DASHES = {
    "solid": "-",
    "dashed": (0, (5, 2)),
    "dotdash": (0, (1, 2, 5, 2)),
    "dotted": (0, (1, 1.6)),
    "14 4": (0, (11, 2)),
    "6 3 2 3 2 3": (0, (5, 1.5, 1, 1.5, 1, 1.5)),
    "2 7": (0, (1, 4)),
}


def palette(dark: bool) -> Palette:
    """The colours for a dark or light background."""
    return DARK if dark else LIGHT


def series_color(index: int, dark: bool = False) -> str:
    """The colour of the run at position `index`."""
    colors = palette(dark).series
    return colors[index % len(colors)]


def depth_colors(count: int, dark: bool = False) -> list[str]:
    """Colours for `count` layers, from input to output, ordered in lightness as the layers are in depth."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    first, last = palette(dark).depths
    return [to_hex(color) for color in colormaps["viridis"](np.linspace(first, last, max(count, 1)))]


def shades(values: Any, dark: bool = False) -> list[str]:
    """Colours for values from 0 to 1, from near the background to far from it, even in lightness."""
    near, middle, far = ("#1f2c3a", "#2f86bd", "#e3f3ff") if dark else ("#e8f1f8", "#5aa5d1", "#08366b")
    found = []
    for value in np.clip(np.asarray(values, float), 0, 1):
        lower = value < 0.5
        found.append(blend(*((near, middle) if lower else (middle, far)), float(2 * value if lower else 2 * value - 1)))
    return found


def blend(color: str, other: str, share: float) -> str:
    """`color` with `share` (0 to 1) of `other` in it."""
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round((1 - share) * one + share * two):02x}" for one, two in pairs)


def ink(color: str) -> str:
    """Black or white, whichever is easier to read on `color`."""
    red, green, blue = ((value / 255) ** 2.2 for value in _channels(color))
    return "#ffffff" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.19 else "#000000"


def _channels(color: str) -> tuple[int, ...]:
    return tuple(int(color[start : start + 2], 16) for start in (1, 3, 5))


def room(values: Any, share: float = 0.06, log: bool = False) -> tuple[float, float]:
    """Limits of an axis that leave `share` of the span free on both sides of `values`."""
    array = np.asarray(values, float)
    array = array[np.isfinite(array) & ((array > 0) | (not log))]
    if array.size == 0:
        return (1.0, 10.0) if log else (0.0, 1.0)
    low, high = (float(np.log10(edge)) if log else float(edge) for edge in (array.min(), array.max()))
    free = share * (high - low) if high > low else 0.05 * max(abs(high), 0.1)
    limits = low - free, high + free
    return (10 ** limits[0], 10 ** limits[1]) if log else limits


def free_corner(x: Any, y: Any) -> str:
    """The corner for a legend: that from which the nearest of some points is farthest."""
    places = np.stack([np.asarray(x, float), np.asarray(y, float)], axis=1)
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        return "bottom_left"
    low, high = places.min(axis=0), places.max(axis=0)
    places = (places - low) / np.where(high > low, high - low, 1)
    corners = {"bottom_left": (0, 0), "top_right": (1, 1), "bottom_right": (1, 0), "top_left": (0, 1)}
    return max(corners, key=lambda name: np.linalg.norm(places - corners[name], axis=1).min())


_pages_alone: ContextVar[bool] = ContextVar("_pages_alone", default=False)


@contextmanager
def on_pages() -> Iterator[None]:
    """What is drawn meanwhile is shown on pages alone, and not written to files: a tenth of drawing is saved. Also a decorator."""
    before = _pages_alone.set(True)
    try:
        yield
    finally:
        _pages_alone.reset(before)


def style(element: Any, *, bokeh: dict[str, Any], mpl: dict[str, Any]) -> Any:
    """`element` with options for both backends, in place."""
    element = element.opts(**bokeh, backend="bokeh")
    return element if _pages_alone.get() else element.opts(**mpl, backend="matplotlib")


def curve(
    element: hv.Curve,
    color: str,
    *,
    dash: str = "solid",
    width: float = 2.0,
    tooltips: Sequence[tuple[str, str]] = (),
) -> hv.Curve:
    """A line; `tooltips` are Bokeh's (label, "@field") pairs; none of them means no hovering, see `at_once`."""
    if element.label in [dimension.name for dimension in element.dimensions()]:
        element = element.relabel(f"{element.label} ")  # or HoloViews would take the name of a run for a column
    bokeh: dict[str, Any] = {"color": color, "line_dash": dash, "line_width": width}
    if tooltips:
        bokeh |= {"tools": ["hover"], "hover_tooltips": list(tooltips), "hover_mode": "vline"}
    return style(element, bokeh=bokeh, mpl={"color": color, "linestyle": _MPL_DASHES[dash], "linewidth": 0.65 * width})


def at_once(
    data: Any, by: str, place: tuple[str, str], height: str, told: Mapping[Any, str], form: str = "{0,0}"
) -> hv.Curve:
    """A curve that is not seen, where hovering tells in one box of all series of a table at one place.

    Args:
        data: a long table, a row for each series and place.
        by: column with the names of the series.
        place: what its column is called in the box, and the column: that of the horizontal axis. A series without a row at a place
            has its last one before it, and none after its end.
        height: column of the vertical axis.
        told: series -> what is said of it, Bokeh's "@field" for the columns of `data`.
        form: how Bokeh writes the place.
    """
    title, x = place
    wide = {"top": data.groupby(x)[height].max()}
    places = wide["top"].index
    groups = dict(iter(data.groupby(by, sort=False)))
    tooltips = [(title, f"@{x}{form}")]
    for index, (name, text) in enumerate(told.items()):
        own = groups.get(name, data[:0]).drop_duplicates(x, keep="last").set_index(x)
        for field in set(re.findall(r"@(\w+)", text)):
            held = own[field]
            if len(held) < len(places):
                held = held.reindex(places, method="ffill").where(places <= own.index.max())
            wide[f"{field}_{index}"] = held
        tooltips.append((str(name), re.sub(r"@(\w+)", rf"@\1_{index}", text)))
    table = pd.DataFrame(wide).reset_index()
    bokeh = {"alpha": 0, "tools": ["hover"], "hover_tooltips": tooltips, "hover_mode": "vline"}
    return style(hv.Curve(table, x, [*table.columns[1:]]), bokeh=bokeh, mpl={"alpha": 0})


def band(element: hv.Area, color: str, alpha: float = 0.15) -> hv.Area:
    """A faint area between two values, behind the line it belongs to."""
    return style(
        element,
        bokeh={"color": color, "fill_alpha": alpha, "line_alpha": 0},
        mpl={
            "color": color,
            "facecolor": color,
            "alpha": alpha,
            "linewidth": 0,
        },  # each alone would leave the other cycling
    )


def segments(element: hv.Segments, *, dash: str, width: float) -> hv.Segments:
    """Straight lines, each in the colour of its value dimension "color"."""
    return style(
        element,
        bokeh={"color": "color", "line_dash": dash, "line_width": width},
        mpl={"color": "color", "linestyle": _MPL_DASHES[dash], "linewidth": 0.65 * width},
    )


def points(
    element: hv.Points,
    marker: str = "circle",
    size: float | str = 9.0,
    tooltips: Sequence[tuple[str, str]] = (),
    color: str = "color",
) -> hv.Points:
    """Markers, each in the colour of its value dimension "color", or all in one.

    Args:
        element: the positions.
        marker: "circle", "square", "diamond" or "x".
        size: in pixels, or the name of the value dimension that holds it.
        tooltips: Bokeh's (label, "@field") pairs; none of them means no hovering.
        color: a colour for all, or the name of the value dimension that holds it.
    """
    bokeh: dict[str, Any] = {"color": color, "marker": marker, "line_width": 2.5 if marker == "x" else 1}
    # a diamond of Bokeh's is smaller than its size
    bokeh["size"] = 1.6 * size if marker == "diamond" and not isinstance(size, str) else size
    if tooltips:
        bokeh |= {"tools": ["hover", "tap"], "hover_tooltips": list(tooltips), "nonselection_alpha": 0.5}
    area = hv.dim(size) ** 2 / 2 if isinstance(size, str) else size**2 / 2
    symbol = {"circle": "o", "square": "s", "diamond": "D", "x": "X"}[marker]
    edge = {} if marker == "x" else {"linewidth": 0}  # a spike of half a point would drown in its own outline
    return style(element, bokeh=bokeh, mpl={"color": color, "s": area, "marker": symbol, **edge})


def rectangles(
    element: hv.Rectangles, *, tooltips: Sequence[tuple[str, str]] = (), edge: str | None = None, width: float = 1.0
) -> hv.Rectangles:
    """Filled rectangles, each in the colour of its value dimension "color", with a line around them if `edge` has a colour."""
    bokeh: dict[str, Any] = {"color": "color", "line_width": 0}
    mpl: dict[str, Any] = {"color": "color", "linewidth": 0}
    if edge is not None:
        bokeh |= {"line_color": edge, "line_width": width}
        mpl = {"facecolor": "color", "edgecolor": edge, "linewidth": 0.65 * width}
    if tooltips:
        bokeh |= {"tools": ["hover"], "hover_tooltips": list(tooltips)}
    return style(element, bokeh=bokeh, mpl=mpl)


def labels(
    element: hv.Labels, *, align: str = "left", dx: int = 8, dy: int = 0, size: int = 12, clear: bool = False
) -> hv.Labels:
    """Words, each in the colour of its value dimension "color", `dx` screen pixels to the right of their points and `dy` above.

    `size` is that of the type on pages, in pixels; in files it is 7/12 of that in points, and 6.5 at
    least. `clear` hides what passes behind a word; it is for words on the background alone.
    """
    return style(
        element,
        bokeh={
            "text_color": "color", "text_font_size": f"{size}px", "text_align": align, "text_baseline": "middle",
            "hooks": [_bokeh_words(dx, dy, clear)],
        },
        mpl={
            "color": "color", "size": max(7 * size / 12, LEAST_POINTS), "horizontalalignment": align, "verticalalignment": "center",
            "hooks": [_mpl_words(dx, dy, clear)],
        },
    )  # fmt: skip


def words(rows: Any, place: Sequence[str] = ("x", "y"), **how: Any) -> hv.Labels:
    """`labels` of rows or a table (x, y, text, colour), whose coordinates are called as `place` says; none are drawn of no rows."""
    return labels(
        hv.Labels(rows if len(rows) else [(np.nan, np.nan, "", "#000000")], [*place], ["text", "color"]), **how
    )


def narrow(name: str) -> str:
    """The name of a run, on two lines where it is long."""
    return textwrap.fill(name, 24, max_lines=2, placeholder=" …", break_long_words=False)


def lines(rows: Sequence[tuple[Any, ...]], *, dash: str, width: float) -> hv.Segments:
    """`segments` of rows (x0, y0, x1, y1, colour)."""
    return segments(hv.Segments(rows, ["x0", "y0", "x1", "y1"], "color"), dash=dash, width=width)


USUAL_INCHES = 2.5
"""Height of a figure in a file that is as small as others."""


def needed_inches(drawn: Any) -> float:
    """What height a figure needs in a file at least; 0 for one that any will do for."""
    options = hv.Store.lookup_options("matplotlib", drawn, "plot").kwargs
    inches = float(options.get("fig_inches", (0.0, 0.0))[1])
    return inches if inches > USUAL_INCHES and not isinstance(drawn, hv.Layout) else 0.0


def figure(
    overlay: hv.Overlay,
    *,
    dark: bool = False,
    xlabel: str,
    ylabel: str,
    xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None,
    logx: bool = False,
    logy: bool = False,
    xticks: list[tuple[float, str]] | None = None,
    yticks: list[tuple[float, str]] | None = None,
    xrotation: int = 0,
    legend: str | None = None,
    large: bool = False,
    large_y: bool = False,
    grid: bool = True,
    axes: bool = True,
    square: bool = False,
    title: str = "",
    height: int = 340,
    inches: float = 2.5,
) -> hv.Overlay:
    """An overlay with axes, grid, type and colours of the house.

    Args:
        overlay: what is drawn.
        dark: on a dark background.
        xlabel: with its unit.
        ylabel: with its unit.
        xlim: limits of the horizontal axis.
        ylim: limits of the vertical axis.
        logx: logarithmic horizontal axis.
        logy: logarithmic vertical axis.
        xticks: positions and words of the horizontal ticks.
        yticks: positions and words of the vertical ticks.
        xrotation: of the words at the horizontal ticks, in degrees.
        legend: position, "bottom_right", "top_right", "right" (outside), or None for none.
        large: the horizontal axis counts thousands and millions, written 10k, 1M.
        large_y: the vertical axis does.
        grid: draw grid lines.
        axes: draw the axes; False leaves the drawing alone on its background.
        square: a unit is as long on both axes.
        title: above the drawing, where the axes cannot say it.
        height: on pages, in pixels; the width follows the page.
        inches: of height that it needs in a file, if more than usual.
    """
    from bokeh.models import CustomJSTickFormatter

    colors = palette(dark)
    both: dict[str, Any] = {
        "xlabel": xlabel, "ylabel": ylabel, "logx": logx, "logy": logy, "xrotation": xrotation, "show_grid": grid,
        "show_legend": legend is not None, "title": title,
    }  # fmt: skip
    given = {"xlim": xlim, "ylim": ylim, "xticks": xticks, "yticks": yticks, "legend_position": legend}
    both |= {name: value for name, value in given.items() if value is not None}
    if not axes:
        both |= {"xaxis": None, "yaxis": None}
    only_bokeh: dict[str, Any] = {"data_aspect": 1} if square else {}
    for axis, wanted in (("xformatter", large), ("yformatter", large_y)):
        if wanted:
            only_bokeh[axis] = CustomJSTickFormatter(code=_LARGE_JS)
    # Matplotlib's axes of an overlay take no formatter from HoloViews
    counted = [axis for axis, wanted in (("xaxis", large), ("yaxis", large_y)) if wanted]
    return style(
        overlay,
        bokeh={
            **both,
            **only_bokeh,
            "responsive": True, "min_height": height, "height": height, "toolbar": "above",
            "autohide_toolbar": True, "default_tools": ["box_zoom", "pan", "reset"], "active_tools": ["box_zoom"],
            "hooks": [_bokeh_colors(colors, grid)],
        },
        mpl={
            **both,
            "aspect": "equal" if square else "auto", "fig_inches": (3.5, max(inches, USUAL_INCHES)), "bgcolor": colors.background,
            "fontsize": {"labels": 8, "xticks": 7, "yticks": 7, "legend": 7, "title": 8},
            "hooks": [_mpl_axes(colors, grid, axes, counted)],
        },
    )  # fmt: skip


def side_by_side(*drawn: hv.Overlay) -> hv.Layout:
    """Figures in a row, each with axes of its own."""
    layout = hv.Layout(list(drawn)).cols(len(drawn))
    return style(
        layout,
        bokeh={"shared_axes": False, "sizing_mode": "stretch_width", "merge_tools": False},
        mpl={"shared_axes": False, "sublabel_format": "", "fig_inches": (7.16, 2.6), "tight": False},
    )


def add_hooks(drawn: Any, bokeh: Callable[[Any, Any], None], mpl: Callable[[Any, Any], None]) -> Any:
    """`drawn`, made by `figure`, with one more thing to do by each backend when it is drawn, in place."""
    for backend, hook in (("bokeh", bokeh), ("matplotlib", mpl)):
        hooks = hv.Store.lookup_options(backend, drawn, "plot").kwargs.get("hooks", [])
        drawn.opts(hooks=[*hooks, hook], backend=backend)
    return drawn


_LARGE_JS = """
for (const [size, suffix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]])
  if (Math.abs(tick) >= size) return parseFloat((tick / size).toPrecision(3)) + suffix
return String(parseFloat(tick.toPrecision(3)))
"""
"""`large`, for the browser; Bokeh's own formatter writes a million as m."""


def large(value: float, position: int | None = None) -> str:
    """A number at an axis that counts thousands and millions; the second argument is Matplotlib's."""
    return count(value).replace(" ", "")


_CLEAR = "clear"
"""A tag of words that hide what passes behind them."""


def _bokeh_words(dx: int, dy: int, clear: bool) -> Callable[[Any, Any], None]:
    def hook(plot: Any, element: Any) -> None:
        glyph = plot.handles["glyph"]
        glyph.x_offset, glyph.y_offset = dx, -dy
        glyph.text_font = {"value": FONT}  # a bare string would be taken for a column's name
        glyph.tags = [_CLEAR] if clear else []

    return hook


def _mpl_words(dx: int, dy: int, clear: bool) -> Callable[[Any, Any], None]:
    def hook(plot: Any, element: Any) -> None:
        from matplotlib.transforms import ScaledTranslation

        inches = (dx * 0.6 / 72, dy * 0.6 / 72)  # pages are drawn larger than journal columns
        for text in plot.handles["artist"]:
            shift = ScaledTranslation(*inches, text.axes.figure.dpi_scale_trans)
            text.set_transform(text.axes.transData + shift)
            if clear:
                text.set_bbox({"facecolor": text.axes.get_facecolor(), "edgecolor": "none", "pad": 0.5})

    return hook


def _bokeh_colors(colors: Palette, grid: bool) -> Callable[[Any, Any], None]:
    def hook(plot: Any, element: Any) -> None:
        figure = plot.state
        # HoloViews' WebGL takes seconds where there is no graphics card, and saves none here
        figure.output_backend = "canvas"
        # Bokeh (3.9) clears a canvas half a pixel off, and leaves slivers of what it painted first at two of its edges
        figure.stylesheets = [".bk-Canvas { clip-path: inset(1px 0 0 1px); }"]
        figure.background_fill_color = figure.border_fill_color = colors.background
        figure.outline_line_color = None
        figure.toolbar.logo = None
        figure.title.text_color, figure.title.text_font = colors.text, FONT
        figure.title.text_font_size, figure.title.text_font_style = "12px", "normal"
        for axis in figure.axis:
            axis.axis_line_color = axis.major_tick_line_color = colors.grid
            axis.minor_tick_line_color = None
            axis.axis_label_text_color = colors.muted
            axis.major_label_text_color = colors.muted
            axis.axis_label_text_font = axis.major_label_text_font = FONT
            axis.axis_label_text_font_style = "normal"
            axis.axis_label_text_font_size = axis.major_label_text_font_size = "12px"
        for renderer in figure.renderers:
            if _CLEAR in renderer.glyph.tags:
                renderer.glyph.background_fill_color, renderer.glyph.background_fill_alpha = colors.background, 0.85
        for lines in figure.grid:
            lines.grid_line_color = colors.grid if grid else None
            lines.grid_line_alpha = 0.7
        for legend in figure.legend:
            legend.background_fill_color = colors.background
            legend.background_fill_alpha = 0.85
            legend.border_line_color = None
            legend.label_text_color = colors.text
            legend.label_text_font = FONT
            legend.label_text_font_size = "12px"
            legend.click_policy = "mute"
            legend.spacing, legend.padding, legend.margin = 2, 6, 6

    return hook


def _mpl_axes(colors: Palette, grid: bool, frame: bool, counted: Sequence[str]) -> Callable[[Any, Any], None]:
    def hook(plot: Any, element: Any) -> None:
        axes = plot.handles["axis"]
        axes.figure.set_facecolor(colors.background)
        axes.set_facecolor(colors.background)
        if grid:
            axes.grid(True, color=colors.grid, linewidth=0.5)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_zorder(-1)  # HoloViews numbers what it draws from 0: keep the grid below all of it
            if axis.get_scale() == "log":
                axis.set_minor_formatter("")  # on a short axis their numbers would crowd those of the major ticks
        for name in counted:
            getattr(axes, name).set_major_formatter(large)
        for side, spine in axes.spines.items():
            spine.set_visible(frame and side in ("left", "bottom"))
            spine.set_color(colors.muted)
            spine.set_linewidth(0.6)
        axes.tick_params(colors=colors.muted, width=0.6, length=2.5, which="both")
        for text in axes.texts:
            if text.get_bbox_patch() is not None:  # words are drawn before the axes have their colour
                text.get_bbox_patch().set_facecolor(colors.background)
        axes.title.set_color(colors.text)
        axes.xaxis.label.set_color(colors.text)
        axes.yaxis.label.set_color(colors.text)
        legend = axes.get_legend()
        if legend is not None:
            legend.set_frame_on(False)
            if axes.get_xscale() == "log":  # where curves are far apart, and none of the corners may be free
                legend.set_loc("best")
            for text in legend.get_texts():
                text.set_color(colors.text)

    return hook
