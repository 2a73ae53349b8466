"""Networks beyond snnviz: PyNN and its simulators, NEURON, SpiNNaker, SANA-FE's Loihi, and the exchange format NIR.

Each part is a module, loaded when first used, and so are the packages behind it:

- `snnviz.hardware.synapses`: any layer as a list of synapses;
- `snnviz.hardware.pynn`: a network on any PyNN simulator;
- `snnviz.hardware.neuron`: the same on NEURON, with neurons that are exactly those of snnviz;
- `snnviz.hardware.nir`: NIR graphs;
- `snnviz.hardware.sanafe`: energy and latency on a model of Loihi;
- `snnviz.hardware.spinnaker`: SpiNNaker: what to expect, a dry run, runs.
"""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = ("neuron", "nir", "pynn", "sanafe", "spinnaker", "synapses")

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'snnviz.hardware' has no attribute {name!r}")
    return importlib.import_module(f"snnviz.hardware.{name}")


def __dir__() -> list[str]:
    return sorted(_MODULES)
