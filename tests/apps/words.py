"""What a page says."""

import re
from pathlib import Path

import panel as pn

from snnviz import plots


def written(page):
    """Everything written on the page, tags removed."""
    html = " ".join(pane.object for pane in page.__panel__().select(pn.pane.HTML) if pane.visible)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def same_again(figure):
    """Whether the Python of a figure's button draws what is shown, in the file that it writes where it is run."""
    python = figure._again()[0]
    exec(python, {})
    (file,) = re.findall(r"save\(figure, '(.+\.pdf)'\)", python)
    return Path(file).read_bytes() == plots.render(figure._draw(), "pdf")
