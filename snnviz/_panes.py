"""Panes of Panel's that tell a browser what has changed, and no more."""

from __future__ import annotations

from typing import Any

import panel as pn


class ObjectAlone(pn.pane.base.ModelPane):
    """A pane whose other object is sent alone.

    Panel sets every property anew, style sheets among them: on pages Bokeh then searches the whole document for models, and a
    notebook asks a public server for them.
    """

    def _update(self, ref: str, model: Any) -> None:
        model.update(**self._process_param_change({"object": self.object}))


class Png(ObjectAlone, pn.pane.PNG):
    """A picture."""
