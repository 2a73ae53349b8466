"""Parts of pages that the browser draws itself: a table of runs, a gallery of items."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import panel as pn
import param
from bokeh.models import ImportedStyleSheet, InlineStyleSheet
from panel.io.resources import DIST_DIR

from snnviz._panes import ObjectAlone
from snnviz.dashboard import style


class RunTable(pn.custom.JSComponent):
    """Runs as a table that keeps its place while it is updated: a row opens its details, boxes choose runs to compare.

    Args:
        starred: called with the id of a run whose star was pressed; None shows stars that cannot be pressed.
    """

    columns: Any = param.List(default=[], doc="heads, of the name, the state, what is said and every cell")
    keys: Any = param.List(default=[], doc="what each of them is sorted by")
    words: Any = param.List(default=[], doc="those of the keys that are words and not numbers")
    sort = param.String(default="", doc="the key that rows are sorted by, with a minus where they fall")
    offered: Any = param.List(default=[], doc="(title, key) of the columns that may be chosen")
    picked: Any = param.List(default=[], doc="keys of those that are")
    editable = param.Boolean(default=False, doc="whether stars can be pressed")
    rows: Any = param.List(
        default=[],
        doc="one dict a run: id, name, note, labels, star, state, word (for it), fraction or None, said, cells",
    )
    chosen: Any = param.List(default=[], doc="ids of the runs whose boxes are ticked")
    opened = param.String(default="", doc="id of the run whose details are shown")

    _esm = style.source("run_table.js")
    _stylesheets = [style.sheet("text"), style.sheet("components")]  # noqa: RUF012 - Panel's own

    def __init__(self, starred: Callable[[str], None] | None = None, **options: Any) -> None:
        super().__init__(editable=starred is not None, **options)
        self._starred = starred

    def _handle_msg(self, msg: Any) -> None:
        if self._starred is not None and isinstance(msg, dict) and isinstance(msg.get("star"), str):
            self._starred(msg["star"])


class Inlined(pn.viewable.Viewable):
    """Something whose style sheets are in it wherever no server of ours gives them, as in a notebook.

    Panel puts its own into notebooks when a page is drawn first, and has what changes later ask a public server for them.
    """

    def _process_param_change(self, params: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = super()._process_param_change(params)  # type: ignore[misc]
        document = pn.state.curdoc
        if "stylesheets" in found and (document is None or document.session_context is None):
            found["stylesheets"] = [_inlined(sheet) for sheet in found["stylesheets"]]
        return found


def _inlined(sheet: Any) -> Any:
    """A style sheet of Panel's own as text; any other as it is."""
    place = (
        re.search(r"(?:/dist/|static/extensions/panel/)([^?]+)", sheet.url)
        if isinstance(sheet, ImportedStyleSheet)
        else None
    )
    file = None if place is None else DIST_DIR / place[1]
    return InlineStyleSheet(css=file.read_text(encoding="utf-8")) if file is not None and file.is_file() else sheet


class Written(Inlined, ObjectAlone, pn.pane.HTML):
    """Words."""


class Sheet(Inlined, pn.Column):
    """What lies below a whole page."""


class Named(pn.viewable.Viewable):
    """Something that a screen reader is told the name of, as a group: what it shows has none of its own.

    Bokeh's groups of buttons, sliders and rows write no name into the page; their models take attributes, and Panel passes them on.
    """

    html_attributes: Any = param.Dict(default={}, doc="attributes of the element in the page")

    def called(self, name: str) -> Any:
        """The same, with a name."""
        self.html_attributes = {"role": "group", "aria-label": name}
        return self


class Dropper(Named, pn.widgets.FileDropper):
    """A field for one file, which counts what arrives and drops what is too much: a browser may be told, and need not obey.

    Args:
        most: bytes.
        pending: called with words for as long as a file has not arrived in full, or when it was refused.
    """

    def __init__(self, most: int, pending: Callable[[str], None], **options: Any) -> None:
        super().__init__(multiple=False, **options)
        self._most, self._pending = most, pending

    def _process_event(self, event: Any) -> None:
        if event.event_name != "upload_event":
            super()._process_event(event)
            return
        name, number, of = (event.data[key] for key in ("name", "chunk", "total_chunks"))
        if number == 1:
            self._file_buffer, self.value, self.mime_type = {name: []}, {}, {}
        if name not in self._file_buffer:
            return  # refused already
        arrived = sum(map(len, self._file_buffer[name])) + len(event.data["data"])
        if arrived > self._most or (of - 1) * self.chunk_size > self._most:
            self._file_buffer.clear()
            self._pending(f"an upload must have at most {self._most // 2**20} MiB. Received: more, in {name}")
            return
        if number < of:
            self._pending(f"{name} has not arrived in full")
        super()._process_event(event)


class Export(pn.widgets.FileDownload):
    """A button that gives a file, written in a thread while all sessions go on.

    Args:
        page: whose `apart` does it.
        drawn: gives what is written, on the page's own thread.
        write: makes the file of it.
    """

    def __init__(self, page: Any, drawn: Callable[[], Any], write: Callable[[Any], Any], **options: Any) -> None:
        self._page, self._drawn, self._write = page, drawn, write
        super().__init__(callback=lambda: write(drawn()), description=None, **options)

    @param.depends("_clicks", watch=True)
    def _transfer(self) -> None:
        try:
            drawn = self._drawn()
        except Exception as error:
            self._page.failed(error)
            return
        self._page.apart(lambda: self._write(drawn), self._sync_data)


class RadioButtons(Named, pn.widgets.RadioButtonGroup):
    """Buttons of which one is chosen."""


class CheckButtons(Named, pn.widgets.CheckButtonGroup):
    """Buttons of which some are chosen."""


class FloatSlider(Named, pn.widgets.FloatSlider):
    """A slider."""


class IntSlider(Named, pn.widgets.IntSlider):
    """A slider of whole numbers."""


class NamedRow(Named, pn.Row):
    """A row of buttons that belong together."""


class Gallery(pn.custom.JSComponent):
    """Items as small pictures, each a button."""

    items: Any = param.List(default=[], doc="one dict an item: item (its index), label, image (a data URI) or None")
    answers: Any = param.List(default=[], doc="one dict an item: answer (class), right (whether it is the true class)")
    chosen = param.Integer(default=0, doc="index of the item that is chosen")

    _esm = style.source("gallery.js")
    _stylesheets = [style.sheet("text"), style.sheet("components")]  # noqa: RUF012 - Panel's own
