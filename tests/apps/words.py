"""What a page says."""

import re

import panel as pn

from snnviz import plots


def written(page):
    """Everything written on the page, tags removed."""
    html = " ".join(pane.object for pane in page.__panel__().select(pn.pane.HTML) if pane.visible)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def same_again(figure):
    """Whether the Python of a figure's button draws what is shown; it writes a file where it is run."""
    found = {}
    exec(figure._again()[0], found)
    return plots.render(found["figure"], "svg") == plots.render(figure._draw(), "svg")
