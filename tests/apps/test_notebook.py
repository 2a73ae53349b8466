"""A page in a notebook: nothing of it is asked of another server, neither at first nor when it changes."""

import panel as pn
import pytest
from bokeh.document import Document
from bokeh.models import ImportedStyleSheet, UIElement
from panel.io.notebook import patch_inline_stylesheets
from panel.io.resources import set_resource_mode
from panel.io.state import set_curdoc
from pyviz_comms import Comm

from snnviz import dashboard
from tests.synthetic import dense_mnist


def asked_for(model):
    sheets = [sheet for each in model.references() for sheet in getattr(each, "stylesheets", [])]
    return {sheet.url for sheet in sheets if isinstance(sheet, ImportedStyleSheet)}


@pytest.fixture
def document():
    """A document of its own that is the current one: Panel keeps one style sheet for each of its own for a current document, and
    another test may have left one."""
    made = Document()
    with set_curdoc(made):
        yield made


def test_no_style_sheet_comes_from_elsewhere(document):
    page = dashboard.Explorer({"before": dense_mnist(), "after": dense_mnist(fast=True)})
    with set_resource_mode("inline"):  # as Panel draws in a notebook after extension(inline=True)
        model = page.__panel__()._render_model(document, Comm())
    with document.models.freeze():  # else Bokeh counts all models again after each
        for element in model.select({"type": UIElement}):
            patch_inline_stylesheets(element)
    assert asked_for(model) == set()
    for state in (
        {"threshold": 0.5},
        {"x_scale": "log"},
        {"dark": True},
        {"runs": ["after"]},
        {"runs": ["before", "after"]},
    ):
        page.param.update(**state)
        assert asked_for(model) == set(), state
    page.say("something")
    assert asked_for(model) == set()
    assert page.run == "after"
    assert page.__panel__().select(pn.pane.HTML)
