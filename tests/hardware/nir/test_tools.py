"""Exported graphs in other simulators: what is said of them, the scripts, and the same spikes where they are installed."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from benchmarks.peers import setup
from snnviz import pretrained
from snnviz.errors import InputError
from snnviz.simulation import Record, Settings
from tests.parity.networks import KINDS, random_graph, random_inputs, with_random_potentials
from tests.parity.reference import ReferenceEngine

pytest.importorskip("nir", reason="NIR is not installed: pip install 'snnviz[nir]'")

from snnviz.hardware import outside
from snnviz.hardware.nir import to_graph, tools
from snnviz.hardware.nir.loaders import TOOLS

STEPS = 9


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        "dense",
        "conv same",
        "conv groups",
        "pooling",
        "depthwise multiplier",
        "deep",
        "deep, with onsets",
        "graph",
        "graph, with onsets",
    ],
)
@pytest.mark.parametrize("tool", TOOLS)
def test_the_tool_fires_when_snnviz_does(tool, kind):
    if not setup.ready(tool):
        pytest.skip(f"{tool} is not set up: python -m benchmarks.peers.setup {tool}")
    graph = kind.startswith("graph")
    network = with_random_potentials(random_graph(7) if graph else KINDS[kind.partition(",")[0]](seed=3), seed=1)
    if "onsets" in kind:
        network = network.with_onsets([index % 3 for index in range(len(network.layers))])
    x = random_inputs(network, Settings(), items=4, seed=1)
    found = tools.compare(network, tool, str(setup.python_of(tool)), x, STEPS)
    assert found.equal, found


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_has_a_script_that_compiles_and_needs_nothing_of_snnviz(tool, tmp_path):
    text = tools.loader(tool)
    compile(text, f"{tool}.py", "exec")
    assert not any("snnviz" in line for line in text.splitlines() if line.startswith(("import", "from")))
    assert TOOLS[tool].partition("==")[2].partition(" ")[0] in text
    path = tools.save_loader(tool, tmp_path / "graph.nir")
    assert path == tmp_path / f"graph_{tool}.py"
    assert path.read_text() == text


def answers(network, x, change=None):
    """What a simulator that does the same would say."""
    record = Record(spikes=network.firing_names, items=len(x))
    block = ReferenceEngine(network, Settings(steps=STEPS), record).run(x, traced=len(x))
    nodes = [name for name, node in to_graph(network).nodes.items() if type(node).__name__ == "IF"]
    shapes = [network.input_shape, *(layer.output_shape for layer in network.layers[:-1])]
    found = {"output": block.output}
    for node, shape, name in zip(nodes, shapes, network.firing_names, strict=True):
        spikes = block.spike_trains[name].reshape(len(x), STEPS, *shape)
        found[node] = np.moveaxis(spikes, -1, 2) if len(shape) == 3 else spikes
    if change:
        change(found, nodes)
    return found


def compared(monkeypatch, kind, change=None):
    network = KINDS[kind](seed=3)
    x = random_inputs(network, Settings(), items=3, seed=1)
    found = answers(network, x, change)
    monkeypatch.setattr(tools, "_run", lambda *_: found)
    return network, tools.compare(network, "norse", "python", x, STEPS)


@pytest.mark.parametrize("kind", ["dense", "pooling"])
def test_equal_spikes_are_found_equal(monkeypatch, kind):
    network, found = compared(monkeypatch, kind)
    assert found.equal
    assert [layer.name for layer in found.layers] == list(network.firing_names)
    assert all(layer.ours == layer.theirs for layer in found.layers)


def test_the_first_difference_is_named_with_channels_last(monkeypatch):
    def change(found, nodes):
        spikes = found[nodes[1]] = found[nodes[1]].copy()  # (items, steps, channels, height, width)
        spikes[2, 4, 1, 0, 2] ^= True
        spikes[0, 6, 0, 0, 0] ^= True  # a later step

    network, found = compared(monkeypatch, "pooling", change)
    assert not found.equal
    height, width, channels = network.layers[0].output_shape
    assert found.layers[1].first == (2, 5, 2 * channels + 1)
    assert found.layers[0].first is None
    assert found.equal_predictions == 3
    assert (height, width) > (0, 2)


def test_a_tool_that_is_not_there_is_said_with_what_installs_it():
    network = KINDS["dense"](seed=3)
    x = random_inputs(network, Settings(), items=2, seed=1)
    with pytest.raises(InputError, match=r"pip install sinabs==.*ModuleNotFoundError: No module named"):
        tools.compare(network, "sinabs", sys.executable, x, STEPS)
    with pytest.raises(InputError, match=r"`python` must be a Python that runs norse.*'/no/python'"):
        tools.compare(network, "norse", "/no/python", x, STEPS)
    with pytest.raises(InputError, match="`tool` must be one of 'sinabs'"):
        tools.loader("rockpool")


def test_what_does_not_travel_is_one_line():
    network = pretrained.network("dense-mnist-heuristic")
    text = tools.left_behind(network)
    assert "\n" not in text
    assert "initial potentials (0.5), reset by subtraction, firing at the threshold and one spike" in text
    zero = network.with_initial_potentials([0.0] * 4).with_onsets([0, 1, 0])
    assert "words for onsets, reset" in tools.left_behind(zero)


def test_dyadic_weights_are_multiples():
    network = outside.dyadic(pretrained.network("dense-mnist-optimized"))
    for layer in network.layers:
        for values in (layer.weights, layer.bias, np.asarray(layer.initial_potential)):
            np.testing.assert_array_equal(values * 1024, np.rint(values * 1024))
