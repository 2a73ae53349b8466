"""Pages: each a `param` Viewer that works alone in a notebook, and a function that serves them.

A page gets its results handed in, keeps its state in parameters, and draws with `snnviz.plots`.
"""

from snnviz.dashboard.explorer import Explorer
from snnviz.dashboard.pages import PAGES
from snnviz.dashboard.server import Serving, create_app, serve
from snnviz.dashboard.workspace import Workspace

__all__ = ["PAGES", "Explorer", "Serving", "Workspace", "create_app", "serve"]
