"""What a page says."""

import re

import panel as pn


def written(page):
    """Everything written on the page, tags removed."""
    html = " ".join(pane.object for pane in page.__panel__().select(pn.pane.HTML) if pane.visible)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
