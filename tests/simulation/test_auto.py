"""The choice of an engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from snnviz.simulation import auto
from snnviz.simulation.encoding import Inputs
from snnviz.simulation.settings import Settings
from tests.parity.networks import KINDS


def choose(**options):
    network = KINDS["deep"](seed=1)
    x = np.random.default_rng(0).random((20, *network.input_shape), dtype=np.float32)
    settings = Settings(steps=5, **options)
    return auto.choose(network, settings, Inputs.of(network, x, settings))


@pytest.mark.parametrize("input_mode", ["spiking", "poisson", "analog"])
def test_small_work_goes_to_the_event_engine(input_mode, monkeypatch):
    monkeypatch.setattr(auto, "_gpu", lambda: False)
    name, reason = choose(input=input_mode)
    assert name == "event"
    assert "less than graph needs to start" in reason


def test_what_beats_the_matrix_rate_needs_no_graph(monkeypatch):
    monkeypatch.setattr(auto, "_gpu", lambda: False)
    monkeypatch.setattr(auto, "GRAPH_START_SECONDS", 0.0)
    monkeypatch.setattr(auto, "_matrix_rate", lambda: 1.0)
    name, reason = choose()
    assert name == "event"
    assert "matrix rate" in reason


@pytest.mark.parametrize(("graph_seconds", "expected"), [(1e-9, "graph"), (1e9, "event")])
def test_otherwise_both_are_timed(graph_seconds, expected, monkeypatch):
    graph = SimpleNamespace(GraphEngine=lambda *arguments: SimpleNamespace(name="graph"))
    monkeypatch.setitem(sys.modules, "snnviz.simulation.graph", graph)
    monkeypatch.setattr(auto, "_gpu", lambda: False)
    monkeypatch.setattr(auto, "GRAPH_START_SECONDS", 0.0)
    monkeypatch.setattr(auto, "_matrix_rate", lambda: 1e30)
    times = {"event": 1e-3, "graph": graph_seconds}
    monkeypatch.setattr(auto, "_seconds_per_item", lambda engine, x: times[engine.name])
    name, reason = choose()
    assert name == expected
    assert reason.startswith(f"{expected}: event takes 1 ms an item, graph ")


def test_a_gpu_takes_the_graph(monkeypatch):
    monkeypatch.setattr(auto, "_gpu", lambda: True)
    assert choose() == ("graph", "graph: there is a GPU")


def test_small_work_does_not_import_a_framework():
    code = """
import sys
from tests.simulation.test_auto import choose
print(choose()[0], "tensorflow" in sys.modules, "keras" in sys.modules)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["event", "False", "False"]
