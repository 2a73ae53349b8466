"""What other packages bring under a name."""

import importlib.metadata

import numpy as np
import pytest

import snnviz
from snnviz import _extensions
from snnviz.errors import InputError
from snnviz.jobs.work.optimize import Options
from snnviz.optimization import Searcher, optimize
from snnviz.simulation import Settings, analog
from snnviz.simulation.event_graph import event_engine
from tests.parity.networks import random_inputs, random_network

OWN = {"join": "posixpath:join"}


@pytest.fixture
def installed(monkeypatch):
    """Packages that bring an engine, and one that cannot be imported."""
    entries = [
        importlib.metadata.EntryPoint("slow", "tests.test_extensions:slow_engine", "snnviz.engines"),
        importlib.metadata.EntryPoint("broken", "tests.no_such_module:engine", "snnviz.engines"),
        importlib.metadata.EntryPoint("walk", "tests.test_extensions:Walk", "snnviz.searchers"),
    ]

    others = importlib.metadata.entry_points

    def entry_points(**asked):
        group = asked.get("group", "")
        return [one for one in entries if one.group == group] if group.startswith("snnviz.") else others(**asked)

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    _extensions._entries.cache_clear()
    yield
    _extensions._entries.cache_clear()


def slow_engine(network, settings, record):
    engine = event_engine(network, settings, record)
    engine.name = "slow"
    return engine


class Walk(Searcher):
    """A random walk that keeps every step."""

    name = title = "walk"
    about = "Walks."
    options = ("stride",)

    def __init__(self, size, seed, stride):
        self._stream, self._at, self._stride = np.random.default_rng(seed), np.zeros(size), stride

    @classmethod
    def begin(cls, at, stride=0.1):
        return cls(at.size, at.seed, stride)

    def ask(self):
        self._at = self._at + self._stride * self._stream.standard_normal(len(self._at))
        return [self._at]

    def tell(self, losses):
        pass


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


def test_a_package_brings_a_searcher(installed):
    net = random_network(0)
    x = random_inputs(net, Settings(steps=4), 6, 0)
    y = analog.logits(net, x).argmax(axis=1)
    given = {"steps": 4, "per": ["layer", "channel"], "budget_evaluations": 6, "lambdas": (1, 1, 1), "progress": False}
    short, long = (optimize(net, x, y, method="walk", options={"stride": s}, **given) for s in (0.01, 0.5))
    assert (len(short.history), len(long.history)) == (6, 6)
    assert not short.history["loss"].equals(long.history["loss"])
    assert set(long.history["stage"]) == {"start", "walk"}
    with pytest.raises(InputError, match=r"`options` of method 'walk' must be among stride\. Received: step"):
        optimize(net, x, y, method="walk", options={"step": 1}, **given)


def test_the_command_takes_it_and_its_options(installed):
    assert Options(network="n.npz", method="walk", searcher=["stride=0.5"]).further() == {"stride": 0.5}
    assert Options(network="n.npz", method="percentile", searcher=["grid=[50, 99]"]).further() == {"grid": [50, 99]}
    for wrong, said in (
        ({"method": "walk", "searcher": ["stride"]}, "must be NAME=VALUE"),
        ({"method": "walk", "searcher": ["step=1"]}, "must be among stride"),
        (
            {"method": "subplex", "updates": 3},
            "`updates` is of methods auto, gradient and weights. Received: method 'subplex'",
        ),
        ({"method": "walk", "target": "other"}, "target"),
        ({"method": "wlak"}, "did you mean 'walk'"),
    ):
        with pytest.raises(InputError, match=said):
            Options(network="n.npz", **wrong)
