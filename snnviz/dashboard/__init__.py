"""Pages: each a `param` Viewer that works alone in a notebook, and a function that serves them.

A page gets its results handed in, keeps its state in parameters, and draws with `snnviz.plots`.
"""

from snnviz.dashboard.adapt_page import Adapt
from snnviz.dashboard.convert_page import Convert
from snnviz.dashboard.explorer_page import Explorer
from snnviz.dashboard.hardware_page import Hardware
from snnviz.dashboard.live_page import Live
from snnviz.dashboard.network_page import Network
from snnviz.dashboard.optimize_page import Optimize
from snnviz.dashboard.pages import PAGES
from snnviz.dashboard.predictions_page import Predictions
from snnviz.dashboard.runs_page import Runs
from snnviz.dashboard.server import Serving, create_app, serve, shared_workspace
from snnviz.dashboard.sparsity_page import Sparsity
from snnviz.dashboard.workspace import Workspace

__all__ = [
    "PAGES",
    "Adapt",
    "Convert",
    "Explorer",
    "Hardware",
    "Live",
    "Network",
    "Optimize",
    "Predictions",
    "Runs",
    "Serving",
    "Sparsity",
    "Workspace",
    "create_app",
    "serve",
    "shared_workspace",
]
