"""Parts of pages that the browser draws itself: a table of runs, a gallery of items."""

from __future__ import annotations

from typing import Any

import panel as pn
import param

from snnviz.dashboard import style


class RunTable(pn.custom.JSComponent):
    """Runs as a table that keeps its place while it is updated: a row opens its details, boxes choose runs to compare."""

    columns: Any = param.List(default=[], doc="heads, of the name and of every cell")
    rows: Any = param.List(
        default=[], doc="one dict a run: id, name, state, fraction or None, cells (the first two unused)"
    )
    chosen: Any = param.List(default=[], doc="ids of the runs whose boxes are ticked")
    opened = param.String(default="", doc="id of the run whose details are shown")

    _esm = style.source("run_table.js")
    _stylesheets = [style.sheet("text"), style.sheet("components")]  # noqa: RUF012 - Panel's own


class Gallery(pn.custom.JSComponent):
    """Items as small pictures, each a button."""

    items: Any = param.List(default=[], doc="one dict an item: item (its index), label, image (a data URI) or None")
    answers: Any = param.List(default=[], doc="one dict an item: answer (class), right (whether it is the true class)")
    chosen = param.Integer(default=0, doc="index of the item that is chosen")

    _esm = style.source("gallery.js")
    _stylesheets = [style.sheet("text"), style.sheet("components")]  # noqa: RUF012 - Panel's own
