"""What every page is: a `param` Viewer with a header, a menu, light and dark, and its state in parameters."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode

import panel as pn
import param
from panel.io.state import set_curdoc

from snnviz.dashboard import delivery, parts, style
from snnviz.dashboard.components import Sheet
from snnviz.dashboard.turns import soon
from snnviz.dashboard.workspace import Workspace
from snnviz.errors import InputError

T = TypeVar("T")

_log = logging.getLogger(__name__)
_OUT_OF_RANGE = re.compile(r"\w+ parameter '\w+\.(?P<name>\w+)' (?P<allowed>must be .+), not (?P<given>.+)\.")
"""How param says that a number is out of range."""
WAIT = "<p class='note' role='status'>One moment.</p>"
FIRST = """<p>Convert a trained classifier, yours or a shipped one, then press Simulate this.</p>
<p class='steps'><a class='step' href='convert'>Convert a classifier</a></p>
<p class='note'>Or on the command line.</p>"""


def out_of_range(error: BaseException | None) -> re.Match[str] | None:
    """What `error` says, if it is that of a number which was typed into a field and is out of range, or of an emptied field."""
    return _OUT_OF_RANGE.fullmatch(str(error)) if isinstance(error, ValueError) else None


def prefers_dark() -> bool:
    """Whether the browser of this session says that its system is dark, see scheme.js."""
    return bool(pn.state.cookies.get("snnviz_scheme") == "dark")


class Zoomed(param.Dict):  # type: ignore[type-arg]
    """What is looked at of plots: a plot's name -> [left, right, bottom, top], where that is not the whole."""

    def _validate(self, val: Any) -> None:
        super()._validate(val)
        for name, window in val.items():
            ends = window if isinstance(window, list) and len(window) == len(_ENDS) else [math.nan] * len(_ENDS)
            if not all(isinstance(end, int | float) and math.isfinite(end) for end in ends) or not _wide(*ends):
                raise ValueError(f"a zoom must be {', '.join(_ENDS)}. Received: {name}: {window}")


_ENDS = ("left", "right", "bottom", "top")


def _wide(left: float, right: float, bottom: float, top: float) -> bool:
    return left < right and bottom < top


class Page(pn.viewable.Viewer):
    """A page; its parameters are its state.

    In a notebook: a page in a cell after `panel.extension(inline=True)`; in a browser: `snnviz.dashboard.serve`.

    Args:
        workspace: a `Workspace`; or a result, a sequence of results (named by their titles), or a mapping from names; None
            shows what to do next.
        menu: (slug, title) of the pages to lead to; none in a notebook.
        **state: initial values of parameters.

    Attributes:
        workspace: what the page shows and what it may do.
        menu: see above.
        notice: where `say` writes.
    """

    dark = param.Boolean(False, doc="dark appearance")
    zoomed: Any = Zoomed(default={}, doc="what is looked at of the plots that were zoomed")

    place: ClassVar[int] = 0
    """In the menu: the lower, the earlier."""
    slug: ClassVar[str] = ""
    """The page's address below the server's."""
    title: ClassVar[str] = ""
    """Its name in menus."""
    heading: ClassVar[str] = ""
    lead: ClassVar[str] = ""
    """A sentence or two below the heading."""
    terms: ClassVar[tuple[str, ...]] = ()
    """Words of the glossary that the page uses."""
    url_state: ClassVar[tuple[str, ...]] = ()
    """Parameters that the page keeps in its address, `dark` and `zoomed` being there anyway."""

    def __init__(self, workspace: Any = None, menu: Sequence[tuple[str, str]] = (), **state: Any) -> None:
        delivery.ensure()
        self.workspace = Workspace.of(workspace)
        self.menu = list(menu)
        self._document = pn.state.curdoc
        self._served = getattr(self._document, "session_context", None) is not None
        self.notice = parts.written("", classes=["snn-notice"])
        self.notice.visible = False
        self._prepare(state)
        super().__init__(**state)
        self._view = self._layout()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _prepare(self, state: dict[str, Any]) -> None:
        """Set the objects of selectors and defaults in `state`, before the parameters get their values."""

    def _body(self) -> list[Any]:
        """What stands below the header."""
        raise NotImplementedError

    def _layout(self) -> pn.Column:
        page = Sheet(
            self._header(),
            self.notice,
            parts.written(WAIT),
            sizing_mode="stretch_width",
            margin=0,
        )
        layout_sheet = style.sheet("layout")

        def recolor(dark: bool) -> None:
            page.stylesheets = [layout_sheet, style.properties(dark)]
            page.css_classes = ["snn-page", "snn-dark" if dark else "snn-light"]

        def fill() -> None:
            words = [parts.glossary(self.terms)] if self.terms else []
            page[2:] = [*self._body(), *words]

        recolor(self.dark)
        self.param.watch(lambda event: recolor(event.new), "dark")
        soon(fill)
        return page

    def _header(self) -> Any:
        words = parts.written(f"<h1>{escape(self.heading)}</h1><p class='lead'>{escape(self.lead)}</p>")
        switch = parts.widget(pn.widgets.Toggle.from_param(self.param.dark, label="Dark", width=72, height=32))
        switch.sizing_mode = "fixed"
        head = parts.row(words, switch, classes=["snn-header"])
        head.sizing_mode = "stretch_width"
        if len(self.menu) < 2:
            return head
        return parts.box(self.live(self._links, "dark"), head, classes=["snn-top"])

    def _links(self) -> str:
        query = f"?{urlencode({'dark': str(self.dark).lower()})}" if self.dark != prefers_dark() else ""
        items = []
        for slug, title in self.menu:
            here = " aria-current='page'" if slug == self.slug else ""
            items.append(f"<a href='{escape(slug)}{escape(query)}'{here}>{escape(title)}</a>")
        context = pn.state.curdoc.session_context if pn.state.curdoc else None
        if getattr(context, "logout_url", None):
            items.append("<a href='logout'>Log out</a>")
        return f"<nav aria-label='Pages'><span class='brand'>snnviz</span>{''.join(items)}</nav>"

    @property
    def gone(self) -> bool:
        """Whether the browser that had the page has left: Bokeh has emptied all models, and what is drawn finds no place.

        Bokeh takes the context from the document of a session that it has destroyed.
        """
        context = getattr(self._document, "session_context", None)
        return self._served and (context is None or bool(context.destroyed))

    def empty(self, title: str, words: str) -> pn.Column:
        """A card for when there is nothing to show: what to do next (`words`, HTML), or where on the pages it is done."""
        if self.menu and self.workspace.may_launch:
            words = FIRST + words
        return parts.empty(title, words)

    def say(self, words: str, run_id: str = "") -> None:
        """Tell the reader something, and lead to a run; nothing takes it away but the next thing to say."""
        link = f" <a href='runs?opened={escape(run_id)}'>Follow it</a>" if run_id and self.menu else ""
        self.notice.object = f"<p class='notice' role='status'>{escape(words)}{link}</p>" if words else ""
        self.notice.visible = bool(words)

    def failed(self, error: BaseException) -> None:
        """Tell the reader that something that was asked for did not work; a mistake of ours goes to the server's log in full."""
        typed = out_of_range(error)
        if isinstance(error, InputError):
            self.say(str(error))
            return
        if (
            typed and typed["name"] in self.param
        ):  # an empty field sends the first number as it is typed, and None once emptied
            given = "nothing" if "NoneType" in typed["given"] else typed["given"]
            self.say(f"{self.param[typed['name']].label} {typed['allowed']}. Received: {given}")
            return
        _log.error("a callback of the page %s failed", self.title, exc_info=error)
        self.say(
            f"This did not work ({type(error).__name__}), and the plots may be older than the buttons: reload the page. "
            "The log of the server says more."
        )

    def guarded(self, work: Callable[..., Any]) -> Callable[..., None]:
        """`work` for whom nobody watches over: what it raises is told (`failed`) and goes no further.

        Bokeh calls some functions directly. An exception that passes through Bokeh there leaves this session's document behind as
        the current one, for all sessions.
        """

        @functools.wraps(work)
        def guarded(*arguments: Any) -> None:
            try:
                work(*arguments)
            except Exception as error:
                self.failed(error)

        return guarded

    def apart(self, work: Callable[[], T], done: Callable[[T], None], button: Any = None) -> None:
        """Do `work` in a thread, while this session and others go on; then `done` with what it returned.

        What is shown changes under the lock of the page's document alone: changed without, as after an `await`, it would raise
        inside Bokeh. Where there is no browser everything is done at once.

        Args:
            work: changes nothing that is shown.
            done: changes it.
            button: what was pressed, if anything was; it is disabled meanwhile.
        """
        document = pn.state.curdoc
        if button is not None:
            button.disabled = True

        def finish(ended: Callable[[], T]) -> None:
            if button is not None:
                button.disabled = False
            self.guarded(lambda: done(ended()))()

        if document is None or document.session_context is None or asyncio._get_running_loop() is None:
            finish(work)
            return

        def under_lock(future: asyncio.Future[T]) -> None:
            context = document.session_context
            if context is not None and not context.destroyed:
                with set_curdoc(document):
                    pn.state.execute(functools.partial(finish, future.result), schedule=True)

        asyncio.get_running_loop().run_in_executor(None, work).add_done_callback(under_lock)

    @staticmethod
    def later(make: Callable[[], Any], *, shown: bool = True) -> pn.Column:
        """A place that `make` fills when what was begun before is done (see `turns.soon`), `shown` as such until then.

        It is visible as long as what it holds is: an empty one would still have a gap on either side.
        """
        place = parts.box(*([parts.written(parts.SKELETON)] if shown else []), classes=[])
        place.visible = shown

        def fill() -> None:
            made = make()
            place[:], place.visible = [made], made.visible
            made.param.watch(lambda event: setattr(place, "visible", event.new), "visible")

        soon(fill)
        return place

    def every(self, work: Callable[[], None], seconds: float = 1.0) -> None:
        """Call `work` again and again for as long as the page is open in a browser."""

        def begin() -> None:
            pn.state.add_periodic_callback(self.guarded(work), period=int(1000 * seconds))

        if pn.state.curdoc is not None:
            # from when the browser has the page: what changes while it is on its way there gets lost
            pn.state.onload(begin)

    def live(self, write: Callable[[], str], *parameters: str) -> pn.pane.HTML:
        """Words that are written anew when one of `parameters` changes."""
        pane = parts.written(write())

        def update(*_: Any) -> None:
            words = write()
            if words != pane.object:
                pane.object = words

        self.param.watch(update, list(parameters))
        return pane
