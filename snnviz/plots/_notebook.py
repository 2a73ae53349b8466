"""Plots and pages in a notebook, with all that they need from this machine."""

from __future__ import annotations

from typing import Any


def notebook() -> None:
    """Load what plots, widgets and pages need into a notebook, once, in one of its first cells.

    It stands for `hv.extension("bokeh", inline=True)` and `pn.extension(inline=True)`, after which each plot would still ask a
    public server for four style sheets: HoloViews (1.23) shows plots as models of Panel's (1.9) whose style sheets are addresses.
    """
    import holoviews as hv
    import panel as pn
    from panel.viewable import Viewable

    hv.extension("bokeh", inline=True)
    pn.extension(inline=True)
    if _inlined not in Viewable._preprocessing_hooks:
        Viewable._preprocessing_hooks.append(_inlined)


def _inlined(_shown: Any, root: Any) -> None:
    """Put style sheets that are addresses into what a notebook shows."""
    from bokeh.models.ui import UIElement
    from panel.io.notebook import patch_inline_stylesheets

    document = root.document
    if document is None or document.session_context is None:
        for element in root.select({"type": UIElement}):
            patch_inline_stylesheets(element)
