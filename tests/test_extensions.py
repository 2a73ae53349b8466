"""What other packages bring under a name."""

import importlib.metadata

import numpy as np
import pytest

import snnviz
from snnviz import _extensions
from snnviz.errors import InputError
from snnviz.simulation import Settings
from snnviz.simulation.event_graph import event_engine
from tests.parity.networks import random_inputs, random_network

OWN = {"join": "posixpath:join"}


@pytest.fixture
def installed(monkeypatch):
    """Packages that bring an engine, and one that cannot be imported."""
    entries = [
        importlib.metadata.EntryPoint("slow", "tests.test_extensions:slow_engine", "snnviz.engines"),
        importlib.metadata.EntryPoint("broken", "tests.no_such_module:engine", "snnviz.engines"),
    ]

    others = importlib.metadata.entry_points

    def entry_points(**asked):
        if asked.get("group") != "snnviz.engines":
            return others(**asked)
        return [entry for entry in entries if asked.get("name") in (None, entry.name)]

    monkeypatch.setattr(_extensions.importlib.metadata, "entry_points", entry_points)


def slow_engine(network, settings, record):
    engine = event_engine(network, settings, record)
    engine.name = "slow"
    return engine


def test_ours_come_first_and_are_loaded_by_name(installed):
    assert _extensions.names("snnviz.engines", OWN) == ("join", "broken", "slow")
    assert _extensions.load("how", "join", "snnviz.engines", OWN)("a", "b") == "a/b"


def test_a_package_brings_an_engine(installed):
    net = random_network(0)
    x, y = random_inputs(net, Settings(steps=4), 3, 0), np.zeros(3, int)
    result = snnviz.simulate(net, x, y, 4, engine="slow")
    assert result.attrs["engine"] == "slow"
    assert (result["synaptic_events"] == snnviz.simulate(net, x, y, 4, engine="event")["synaptic_events"]).all()


def test_an_engine_that_is_not_there_or_cannot_be_imported(installed):
    net = random_network(0)
    x, y = random_inputs(net, Settings(steps=4), 3, 0), np.zeros(3, int)
    with pytest.raises(
        InputError, match=r"must be one of 'auto', 'graph', 'event', 'broken', 'slow'.*did you mean 'slow'"
    ):
        snnviz.simulate(net, x, y, 4, engine="slov")
    with pytest.raises(InputError, match=r"whose package can be imported. Received: 'broken' of tests.no_such_module"):
        snnviz.simulate(net, x, y, 4, engine="broken")
