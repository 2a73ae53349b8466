"""`snnviz hardware`: run a network on another simulator, or write it for other tools.

Take a spiking network beyond snnviz: simulate it in NEURON through PyNN, exchange it as a NIR graph, ask a model of Loihi for
energy and latency, map it to SpiNNaker or run it there, or compute what to expect of it there.

Example: snnviz hardware neuron dense-mnist-optimized --limit 20 --compare
"""

from __future__ import annotations

from typing import Any

from snnviz.cli import _command

TARGETS = ("neuron", "nir", "sanafe", "spinnaker", "expect")


def arguments(parser: Any) -> None:
    """What it takes."""
    targets = parser.add_subparsers(dest="target", required=True, metavar="TARGET")
    for target in TARGETS:
        _command.add(targets, target, __name__)
