"""A plot on a page: a heading, the picture, which follows the page's state, and a row of files to take away."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Hashable, Sequence
from html import escape
from typing import Any

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.core.property.validation import validate
from bokeh.core.serialization import Deserializer, Serializer
from bokeh.document import Document
from bokeh.events import RangesUpdate
from bokeh.models import Range1d, TapTool
from bokeh.util.serialization import make_id

from snnviz import plots
from snnviz.dashboard import parts
from snnviz.dashboard.components import Export
from snnviz.dashboard.turns import in_order, soon
from snnviz.errors import InputError
from snnviz.plots import theme

EXPORTS = ("png", "svg", "pdf", "csv")
_EXPORT = "<span class='label'>Export</span>"


def rendered(element: Any) -> Any:
    """The Bokeh figure of an element, drawn in a document of its own.

    Else HoloViews asks Bokeh for the current one, which is not this session's after an exception passed through Bokeh: it is
    that of the session where that happened, or none once that has ended.

    It is as `plots.refresh` leaves it: glyphs that took their colours from another column later on would do so in a browser
    before the data that come with them.
    """
    figure = hv.renderer("bokeh").instance(mode="server").get_plot(element, doc=Document()).state
    plots.refresh(figure, element, element)
    for axis in (figure.x_range, figure.y_range):
        if isinstance(axis, Range1d):  # wherever it is looked at first, a reset shows all
            axis.update(reset_start=axis.start, reset_end=axis.end)
    return figure


class _Drawn:
    """An element and the Bokeh figure of it, of which copies cost a third of drawing."""

    def __init__(self, element: Any) -> None:
        self.element = element
        self._first = _lean(rendered(element))
        self._figure = Serializer().encode(self._first)

    def copy(self) -> Any:
        """A figure whose models have ids of their own: a document, and the browser with it, keeps one model an id."""
        first, self._first = self._first, None
        if first is not None:  # whoever had it drawn needs no copy
            return first
        with validate(False):  # it was valid
            figure = Deserializer().decode(self._figure)
        for model in figure.references():
            model._id = make_id()
        return figure


def _lean(figure: Any) -> Any:
    """Without the second to fourth look of what can be neither selected nor muted, a quarter of all models."""
    named = {renderer for legend in figure.legend for item in legend.items for renderer in item.renderers}
    chosen = any(isinstance(tool, TapTool) for tool in figure.tools)
    for renderer in figure.renderers:
        if not chosen:
            renderer.selection_glyph = renderer.nonselection_glyph = None
        if renderer not in named:
            renderer.muted_glyph = None
    return figure


def _whole(figure: Any) -> list[float]:
    """Left, right, bottom and top of all that was drawn, to which a reset leads; nothing where an axis counts no numbers."""
    axes = (figure.x_range, figure.y_range)
    if not all(isinstance(axis, Range1d) for axis in axes):
        return []
    return [float(end) for axis in axes for end in (axis.reset_start, axis.reset_end)]


def _alike(ends: Sequence[float], others: Sequence[float], share: float = 1e-4) -> bool:
    """Whether left, right, bottom and top differ by no more than a share of what there is between `others`."""
    if len(ends) != len(others):
        return False
    least = share * np.repeat(np.diff(np.reshape(others, (2, 2))), 2)
    return bool((np.abs(np.subtract(ends, others)) <= np.abs(least)).all())


class PlotCard:
    """One plot of a page.

    Args:
        page: whose parameters the plot follows.
        name: of the files, with underscores.
        title: heading.
        note: a sentence below it.
        draw: makes the HoloViews element in the page's present state; an `InputError` is shown in the plot's place.
        data: makes the table that is drawn.
        redraw: parameters on whose change the plot is drawn anew; `dark` always is one.
        move: parameters on whose change `mover(figure)` is called with the Bokeh figure, to change it in place, which takes
            the server and the browser a tenth of the time of drawing it anew.
        mover: see `move`; it is called after every drawing as well.
        linker: called with every new Bokeh figure, to react to what is done to it.
        tip: words shown in the plot's place when there is nothing to draw yet; `draw` then returns None.
        shared: what the plot depends on beside the workspace and `dark`, as something hashable; sessions that begin in the same
            state then share the work of drawing it. None where the state is the session's own.
        least: pixels of width that it needs; where a screen has less, it scrolls.
        again: gives what to type for the same plot, as Python and, where there is one, as a command; None where there is nothing.

    Attributes:
        view: the card.
        figure: the Bokeh figure that is shown, or None.
    """

    _element: Any
    _dark: Any
    _picture: list[Any]

    def __init__(
        self,
        page: Any,
        name: str,
        title: str,
        note: str,
        draw: Callable[[], Any],
        data: Callable[[], Any],
        *,
        redraw: Sequence[str] = (),
        move: Sequence[str] = (),
        mover: Callable[[Any], None] | None = None,
        linker: Callable[[Any], None] | None = None,
        tip: str = "Nothing to draw yet.",
        size: tuple[float, float | None] = (plots.DOUBLE_COLUMN / 1.4, None),
        controls: Sequence[Any] = (),
        shared: Callable[[], Hashable] | None = None,
        least: int = 0,
        again: Callable[[], tuple[str, str | None] | None] | None = None,
    ) -> None:
        self.name, self._draw, self._data, self._mover, self._linker = name, draw, data, mover, linker
        self._tip, self._size, self._element = tip, size, None
        self._page, self._dark, self._shared, self._again, self._least = page, None, shared, again, least
        self._label = parts.written(_EXPORT, stretch=False)
        self.figure: Any = None
        self._begun = False
        self._whole: list[float] = []
        self._title = title
        self._pane = pn.pane.Bokeh(None, sizing_mode="stretch_width", margin=0)
        self._words = parts.written(parts.SKELETON)
        self._place = parts.box(self._words, classes=[])
        self.view = parts.card(parts.heading(title, note), *controls, self._place)
        soon(self._begin)
        page.param.watch(lambda *_: self.redraw(), ["dark", *redraw])
        page.param.watch(lambda *_: self._look(), "zoomed")
        if move:
            page.param.watch(lambda *_: self.move(), list(move))

    def _begin(self) -> None:
        self._begun = True
        picture = parts.box(self._pane, classes=["snn-wide"]) if self._least else self._pane
        self._picture = [picture, self._export_row(self._title)]
        self.redraw()

    @in_order()
    def redraw(self) -> None:
        """Show the present state: in place if the plot is built alike, else by drawing it anew; not before its first turn."""
        if self._page.gone or not self._begun:
            return
        words, element, drawn = "", None, None
        try:
            # what comes first in a session is what others begin with as well
            key = None if self._shared is None or self._element is not None else self._shared()
            if key is not None:
                drawn = self._page.workspace.remembered(
                    ("figure", type(self._page), self.name, self._page.dark, key), self._drawn
                )
            element = self._shown() if drawn is None else drawn.element
            words = self._tip if element is None else ""
        except InputError as error:
            words = str(error)
        # the colours of axes are not in the element's options
        before = self._element if self._dark == self._page.dark else None
        self._element, self._dark = element, self._page.dark
        if element is None:
            self.figure = None
        elif before is None or self.figure is None or not plots.refresh(self.figure, before, element):
            self.figure = rendered(element) if drawn is None else drawn.copy()
            self.figure.html_attributes = {"role": "figure", "aria-label": self._title}
            if self._least:
                self.figure.min_width = self._least
            if self._linker is not None:
                self._linker(self.figure)
            self.figure.on_event(RangesUpdate, self._page.guarded(self._looked))
        self.move()
        if self._mover is None:
            self._tell()
        if self._pane.object is not self.figure:
            self._pane.object = self.figure
        self._words.object = f"<p class='note missing'>{escape(words)}</p>" if words else ""
        # in one change: the browser lays out the whole page after each
        content = [self._words] if words else self._picture
        if self._place.objects != content:
            self._place[:] = content

    def _frame(self) -> None:
        """Take in the limits of what was drawn: a zoom is kept for as long as they stay about where they were."""
        before, self._whole = self._whole, _whole(self.figure)
        if before and not _alike(before, self._whole, 0.1):
            self._zoom(None)
        self._look()

    @in_order()
    def _look(self) -> None:
        """Show the part that the page's state says."""
        if self.figure is None or not self._whole:
            return
        window = self._page.zoomed.get(self.name, self._whole)
        axes = self.figure.x_range, self.figure.y_range
        if not _alike([end for axis in axes for end in (axis.start, axis.end)], window):
            axes[0].update(start=window[0], end=window[1])
            axes[1].update(start=window[2], end=window[3])

    def _looked(self, event: Any) -> None:
        """Somebody zoomed, moved or reset the plot."""
        if not self._whole:
            return
        window = [event.x0, event.x1, event.y0, event.y1]
        self._zoom(None if _alike(window, self._whole) else [float(f"{end:.6g}") for end in window])

    def _zoom(self, window: list[float] | None) -> None:
        others = {name: other for name, other in self._page.zoomed.items() if name != self.name}
        self._page.zoomed = others if window is None else others | {self.name: window}

    def _tell(self) -> None:
        """Keep what the buttons copy true to what is shown."""
        if self._again is None or self._element is None or not pn.state.curdoc:
            return
        told = self._again()
        if told is None:
            self._label.object = _EXPORT
            return
        python, command = told
        ways = [("Python", python), *([("command", command)] if command else [])]
        self._label.object = (
            "".join(parts.copier(title, text, f"{title} of {self._title}") for title, text in ways) + _EXPORT
        )

    @theme.on_pages()
    def _shown(self) -> Any:
        return self._draw()

    def _drawn(self) -> _Drawn | None:
        element = self._shown()
        return None if element is None else _Drawn(element)

    @in_order()
    def move(self) -> None:
        """Change in place what moves."""
        if self.figure is None:
            return
        if self._mover is not None:
            self._mover(self.figure)
            self._tell()
        self._frame()

    def export(self, kind: str) -> io.BytesIO:
        """The plot as it is shown, or its numbers ("csv"), as a file."""
        return self._written(kind, self._exported(kind))

    def _exported(self, kind: str) -> Any:
        return self._data() if kind == "csv" else self._draw()

    def _written(self, kind: str, drawn: Any) -> io.BytesIO:
        width, height = self._size
        return io.BytesIO(plots.render(drawn, kind, width=width, height=height))

    def _export_row(self, title: str) -> pn.Row:
        buttons = [
            parts.widget(
                Export(
                    self._page,
                    functools.partial(self._exported, kind),
                    functools.partial(self._written, kind),
                    filename=f"{self.name.replace('_', '-')}.{kind}",
                    label=kind.upper(),
                    width=52,
                    height=26,
                    css_classes=["snn-small"],
                )
            )
            for kind in EXPORTS
        ]
        return parts.row(self._label, *buttons, classes=["snn-export"], name=f"Export {title}")
