"""snnviz: anytime perception with spiking neural networks, from trained model to curves, costs and pictures.

Importing the package is quick: the public names below are loaded when first used, and TensorFlow only where it runs.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# public name -> (module, attribute); attribute None is the module itself
_PUBLIC: dict[str, tuple[str, str | None]] = {
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
    "simulate": ("snnviz.simulation", "simulate"),
    "load_result": ("snnviz.results", "load"),
    "save_result": ("snnviz.results", "save"),
    "train": ("snnviz.training", "train"),
    "finetune": ("snnviz.training", "finetune"),
    "sweep": ("snnviz.sparsity_sweep", "sweep"),
    "convert": ("snnviz.conversion", "convert"),
    "check_convertible": ("snnviz.conversion", "check_convertible"),
    "conversion_report": ("snnviz.conversion", "conversion_report"),
    "optimize": ("snnviz.optimization", "optimize"),
    "architectures": ("snnviz.architectures", None),
    "datasets": ("snnviz.datasets", None),
    "jobs": ("snnviz.jobs", None),
    "metrics": ("snnviz.metrics", None),
    "plots": ("snnviz.plots", None),
    "pretrained": ("snnviz.pretrained", None),
    "reports": ("snnviz.reports", None),
    "figures": ("snnviz.figures", None),
    "runs": ("snnviz.runs", None),
    "dashboard": ("snnviz.dashboard", None),
    "explore": ("snnviz.dashboard", "Explorer"),
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'snnviz' has no attribute {name!r}")
    module_name, attribute = _PUBLIC[name]
    module = importlib.import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
