"""The pages there are, in the order of the menu; a further page is a further line."""

from snnviz.dashboard.adapt_page import Adapt
from snnviz.dashboard.convert_page import Convert
from snnviz.dashboard.explorer import Explorer
from snnviz.dashboard.hardware_page import Hardware
from snnviz.dashboard.live_page import Live
from snnviz.dashboard.network_page import Network
from snnviz.dashboard.optimize_page import Optimize
from snnviz.dashboard.page import Page
from snnviz.dashboard.predictions import Predictions
from snnviz.dashboard.runs_page import Runs
from snnviz.dashboard.sparsity_page import Sparsity

PAGES: tuple[type[Page], ...] = (
    Explorer,
    Predictions,
    Live,
    Adapt,
    Sparsity,
    Convert,
    Optimize,
    Network,
    Hardware,
    Runs,
)
