"""`snnviz hardware`: a network on other simulators and in other formats, one module per target, each with `add(subparsers)`."""

from __future__ import annotations

import importlib
from typing import Any

TARGETS = ("neuron", "nir", "sanafe", "spinnaker", "expect")


def add(subparsers: Any) -> None:
    """Add the parser and those of the targets."""
    parser = subparsers.add_parser(
        "hardware",
        help="run a network on another simulator, or write it for other tools",
        description="Take a spiking network beyond snnviz: simulate it in NEURON through PyNN, exchange it as a NIR graph, ask a "
        "model of Loihi for energy and latency, map it to SpiNNaker or run it there, or compute what to expect of it there.",
    )
    targets = parser.add_subparsers(dest="target", required=True, metavar="TARGET")
    for target in TARGETS:
        importlib.import_module(f"snnviz.cli.hardware.{target}").add(targets)
