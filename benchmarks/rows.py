"""The simulators that are measured, and how each is used: what its users would do who want it fast."""

from __future__ import annotations

from benchmarks.workers import Row

# Batches are the fastest found by `python -m benchmarks.tune`, on two threads of an AVX-512 core.
ROWS: tuple[Row, ...] = (
    Row(name="event", label="snnviz, event", script="engine", options={"engine": "event"}),
    Row(name="graph", label="snnviz, graph", script="engine", options={"engine": "graph"}),
    Row(
        name="graph-uncounted",
        label="snnviz, graph, counting switched off",
        script="engine",
        options={"engine": "graph", "count": False},
        note="a switch for this measurement; users always get the counts",
    ),
    Row(
        name="torch",
        label="plain PyTorch loop",
        script="torch_loop.py",
        environment="torch",
        batch={"dense-mnist": 1000, "conv-mnist": 8, "conv-cifar10": 8, "stream": 100},
    ),
    Row(
        name="torch-uncounted",
        label="plain PyTorch loop, not counting",
        script="torch_loop.py",
        environment="torch",
        options={"count": False},
        batch={"dense-mnist": 1000, "conv-mnist": 8, "conv-cifar10": 8, "stream": 100},
    ),
    Row(
        name="torch-compiled",
        label="plain PyTorch loop, torch.compile",
        script="torch_loop.py",
        environment="torch",
        options={"compile": True},
        batch={"dense-mnist": 1000, "conv-mnist": 8, "conv-cifar10": 8, "stream": 100},
        note="a step is compiled as one function, before the time is taken",
    ),
    Row(
        name="spikingjelly",
        label="SpikingJelly",
        script="spikingjelly_peer.py",
        environment="spikingjelly",
        batch={"dense-mnist": 500, "conv-mnist": 64, "conv-cifar10": 16},
        note="its counter leaves pooling out",
    ),
    Row(
        name="spikingjelly-uncounted",
        label="SpikingJelly, not counting",
        script="spikingjelly_peer.py",
        environment="spikingjelly",
        options={"count": False},
        batch={"dense-mnist": 500, "conv-mnist": 64, "conv-cifar10": 16},
    ),
    Row(
        name="sinabs",
        label="sinabs",
        script="sinabs_peer.py",
        environment="sinabs",
        batch={"dense-mnist": 500, "conv-mnist": 8, "conv-cifar10": 4, "stream": 25},
        note="leaves events into pooling out and multiplies those that come after it by the pooling's size",
    ),
    Row(
        name="sinabs-uncounted",
        label="sinabs, not counting",
        script="sinabs_peer.py",
        environment="sinabs",
        options={"count": False},
        batch={"dense-mnist": 500, "conv-mnist": 8, "conv-cifar10": 4, "stream": 25},
    ),
    Row(
        name="snntorch",
        label="snnTorch",
        script="snntorch_peer.py",
        environment="snntorch",
        options={"count": False},
        batch={"dense-mnist": 1000, "conv-mnist": 64, "conv-cifar10": 16},
        note="cannot count; fires above the threshold, not at it",
    ),
    Row(
        name="snntoolbox",
        label="SNN-TB, INI simulator",
        script="snntoolbox_peer.py",
        environment="snntoolbox",
        batch={"dense-mnist": 500, "conv-mnist": 64, "conv-cifar10": 16},
        note="analog input, membranes that start at 0 and a spiking softmax, so not quite the same network; "
        "its counts ignore borders and the input layer",
    ),
    Row(
        name="snntoolbox-uncounted",
        label="SNN-TB, INI simulator, not counting",
        script="snntoolbox_peer.py",
        environment="snntoolbox",
        options={"count": False},
        batch={"dense-mnist": 500, "conv-mnist": 64, "conv-cifar10": 16},
    ),
    Row(
        name="neuron",
        label="NEURON, through PyNN",
        script="engine",
        options={"engine": "neuron"},
        items={"dense-mnist": 20},
        note="one thread; with snnviz's mechanism, since NEURON has no reset by subtraction; events counted from its spikes; "
        "the time to build the network left out",
    ),
)
LIMITS = Row(name="limits", label="the machine", script="machine")
REFERENCES = ("event", "graph", "torch")
"""Whose predictions and counts the others are held against: the first of these that was measured."""


def named(names: list[str] | None) -> list[Row]:
    """The rows of these names, all for None, in the table's order.

    Raises:
        ValueError: if there is no row of that name.
    """
    known = [row.name for row in ROWS]
    for name in names or []:
        if name not in known:
            raise ValueError(f"--rows must be among {', '.join(known)}. Received: {name}")
    return [row for row in ROWS if names is None or row.name in names]
