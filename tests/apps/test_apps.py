"""The files in apps/: one for every page, which Panel's own server serves."""

import sys
from pathlib import Path

import panel as pn
import pytest
from bokeh.application.handlers import ScriptHandler
from bokeh.document import Document

from snnviz.dashboard.pages import PAGES

FOLDER = Path(__file__).parents[2] / "apps"


def test_every_page_has_one():
    assert {path.stem for path in FOLDER.glob("*.py")} == {page.slug for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.slug)
def test_it_serves_its_page(page, monkeypatch):
    served = []
    monkeypatch.setattr(sys, "argv", ["app"])
    monkeypatch.setattr(
        pn.template.base.BaseTemplate, "servable", lambda self, title=None, **_: served.append((self, title))
    )
    handler = ScriptHandler(filename=str(FOLDER / f"{page.slug}.py"))
    handler.modify_document(Document())
    assert not handler.failed, handler.error_detail
    assert [title for _, title in served] == [f"snnviz {page.title.lower()}"]
