"""The network page without a browser."""

import pytest

from snnviz import dashboard, energy
from tests.apps.words import written
from tests.synthetic import dense_mnist


@pytest.fixture
def page(pair):
    return dashboard.Network(pair)


def test_first_state(page, pair):
    text = written(page)
    assert "100,352" in text
    assert "estimate" in text
    for platform in energy.PLATFORMS:
        assert platform in text
    assert all(figure.figure is not None for figure in page.figures.values())


def test_energy_follows_the_step_and_the_run(page, pair):
    page.time = 3
    found = energy.estimate(pair["before"], 3)
    assert energy.readable(found.set_index("platform").loc["Loihi", "energy"]) in written(page)
    page.run = "after"
    found = energy.estimate(pair["after"], 3)
    assert energy.readable(found.set_index("platform").loc["Loihi", "energy"]) in written(page)


def test_conversion_report(page):
    page._compare()
    assert "100 items, 12 steps" in written(page)
    assert not page.compare.disabled


def test_a_network_that_is_not_at_hand():
    text = written(dashboard.Network(dense_mnist()))
    assert "not at hand" in text
    assert "Loihi" in text


def test_empty_state():
    assert "No network yet" in written(dashboard.Network())
