"""Pages: each a `param` Viewer that works alone in a notebook, and a function that serves it.

A page gets its results handed in, keeps its state in parameters, and draws with `snnviz.plots`.
"""

from snnviz.dashboard.explorer import Explorer
from snnviz.dashboard.server import Serving, create_app, serve

__all__ = ["Explorer", "Serving", "create_app", "serve"]
