"""The words of the pages: whoever is asked for something is told what it means."""

import re

import panel as pn
import pytest

from snnviz import dashboard


@pytest.mark.parametrize("page", dashboard.PAGES, ids=lambda page: page.slug)
def test_every_field_explains_itself_in_sentences(page, workspace):
    html = " ".join(pane.object for pane in page(workspace).__panel__().select(pn.pane.HTML))
    labels = re.findall(r"<span class='label'>(?:&nbsp;|(.*?)</span>)", html)
    fields = [
        label for label in labels if label not in ("", "Export")
    ]  # room above a button, and what stands before some
    assert fields
    for label in fields:
        assert re.fullmatch(r"<span class='term'.*<span class='tip' role='tooltip'>[^<]+\.", label), label
