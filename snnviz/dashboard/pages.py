"""The pages there are, in the order of the menu."""

from snnviz.dashboard.explorer import Explorer
from snnviz.dashboard.page import Page
from snnviz.dashboard.predictions import Predictions
from snnviz.dashboard.runs_page import Runs

PAGES: tuple[type[Page], ...] = (Explorer, Predictions, Runs)
