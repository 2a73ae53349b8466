"""What every page is: a `param` Viewer with a header, a menu, light and dark, and its state in parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any, ClassVar
from urllib.parse import urlencode

import panel as pn
import param

from snnviz.dashboard import parts, style
from snnviz.dashboard.turns import soon
from snnviz.dashboard.workspace import Workspace

WAIT = "<p class='note' role='status'>One moment.</p>"


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
        notice: where `say` writes.
    """

    dark = param.Boolean(False, doc="dark appearance")

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
    """Parameters that the page keeps in its address, `dark` being one anyway."""

    def __init__(self, workspace: Any = None, menu: Sequence[tuple[str, str]] = (), **state: Any) -> None:
        self.workspace = Workspace.of(workspace)
        self._menu = list(menu)
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
        page = pn.Column(
            self._header(), parts.written(WAIT), css_classes=["snn-page"], sizing_mode="stretch_width", margin=0
        )
        layout_sheet = style.sheet("layout")

        def recolor(dark: bool) -> None:
            page.stylesheets = [layout_sheet, style.properties(dark)]

        def fill() -> None:
            words = [parts.glossary(self.terms)] if self.terms else []
            page[1:] = [*self._body(), *words]

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
        if len(self._menu) < 2:
            return head
        return parts.box(self.live(self._links, "dark"), head, classes=["snn-top"])

    def _links(self) -> str:
        query = f"?{urlencode({'dark': 'true'})}" if self.dark else ""
        items = []
        for slug, title in self._menu:
            here = " aria-current='page'" if slug == self.slug else ""
            items.append(f"<a href='{escape(slug)}{escape(query)}'{here}>{escape(title)}</a>")
        context = pn.state.curdoc.session_context if pn.state.curdoc else None
        if getattr(context, "logout_url", None):
            items.append("<a href='logout'>Log out</a>")
        return f"<nav aria-label='Pages'><span class='brand'>snnviz</span>{''.join(items)}</nav>"

    def say(self, words: str) -> None:
        """Tell the reader something; nothing takes it away but the next thing to say."""
        self.notice.object = f"<p class='notice' role='status'>{escape(words)}</p>" if words else ""
        self.notice.visible = bool(words)

    @staticmethod
    def later(make: Callable[[], Any]) -> pn.Column:
        """A place that `make` fills when what was begun before is done; see `turns.soon`."""
        place = parts.box(classes=[])

        def fill() -> None:
            place[:] = [make()]

        soon(fill)
        return place

    @staticmethod
    def every(work: Callable[[], None], seconds: float = 1.0) -> None:
        """Call `work` again and again for as long as the page is open in a browser."""

        def begin() -> None:
            pn.state.add_periodic_callback(work, period=int(1000 * seconds))

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
