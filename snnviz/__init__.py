"""snnviz: anytime perception with spiking neural networks, from trained model to curves, costs and pictures.

Importing the package is quick: the public names below are loaded when first used, and TensorFlow only where it runs.
"""

from __future__ import annotations

import importlib
from typing import Any

from snnviz._quiet import hush

__version__ = "0.2.0"

_MODULES = (
    "answers", "architectures", "conversion", "dashboard", "datasets", "energy", "errors", "events", "figures", "hardware",
    "importing", "jobs", "metrics", "network", "neurobench", "optimization", "plots", "pretrained", "reports", "results", "runs",
    "simulation", "sparsity", "sparsity_sweep", "testing", "training", "uncertainty",
)  # fmt: skip
"""The public modules: `snnviz.NAME` is there without an import of its own."""
# public name -> (module, attribute)
_PUBLIC = {
    "InputError": ("snnviz.errors", "InputError"),
    "Input": ("snnviz.network", "Input"),
    "Dense": ("snnviz.network", "Dense"),
    "Conv2D": ("snnviz.network", "Conv2D"),
    "DepthwiseConv2D": ("snnviz.network", "DepthwiseConv2D"),
    "Sum": ("snnviz.network", "Sum"),
    "DenseProjection": ("snnviz.network", "DenseProjection"),
    "Conv2DProjection": ("snnviz.network", "Conv2DProjection"),
    "DepthwiseProjection": ("snnviz.network", "DepthwiseProjection"),
    "IdentityProjection": ("snnviz.network", "IdentityProjection"),
    "SpikingNetwork": ("snnviz.network", "SpikingNetwork"),
    "load_network": ("snnviz.network", "load_network"),
    "Record": ("snnviz.simulation", "Record"),
    "Settings": ("snnviz.simulation", "Settings"),
    "Stop": ("snnviz.simulation", "Stop"),
    "simulate": ("snnviz.simulation", "simulate"),
    "load_result": ("snnviz.results", "load"),
    "save_result": ("snnviz.results", "save"),
    "train": ("snnviz.training", "train"),
    "finetune": ("snnviz.training", "finetune"),
    "adapt": ("snnviz.training", "adapt"),
    "sweep": ("snnviz.sparsity_sweep", "sweep"),
    "convert": ("snnviz.conversion", "convert"),
    "check_convertible": ("snnviz.conversion", "check_convertible"),
    "conversion_report": ("snnviz.conversion", "conversion_report"),
    "optimize": ("snnviz.optimization", "optimize"),
    "explore": ("snnviz.dashboard", "Explorer"),
}

hush()

__all__ = ["__version__", *_MODULES, *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"snnviz.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'snnviz' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
