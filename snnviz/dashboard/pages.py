"""The pages there are, in the order of the menu."""

from snnviz.dashboard.explorer import Explorer
from snnviz.dashboard.page import Page

PAGES: tuple[type[Page], ...] = (Explorer,)
