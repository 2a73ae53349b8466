"""`snnviz info`: versions of this installation, or what a network or result file holds.

Without FILE: versions, shipped models, data at hand. With FILE: what a network (.npz) or result (.nc) holds.

Example: snnviz info dense-mnist-optimized
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from snnviz.cli import _options
from snnviz.errors import InputError
from snnviz.jobs.work.sources import DataOptions

PACKAGES = (
    "numpy", "numba", "xarray", "keras", "tensorflow", "tensorflow-cpu", "jax", "panel", "holoviews", "bokeh", "matplotlib",
    "mlflow", "nlopt", "cma", "optuna", "pynn", "neuron", "nest-simulator", "spynnaker", "nir",
)  # fmt: skip


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="a network (.npz), a result (.nc) or a shipped network")
    data = "data set (default: none; with it a network's sparsity is measured on its test images)"
    _options.add(parser, DataOptions, data={"help": data})


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Look."""
    if args.data is not None and (args.file is None or Path(args.file).suffix == ".nc"):
        raise InputError(f"`--data` is for a network. Received: {args.file or 'no file'}")
    if args.file is None:
        return _installation()
    if Path(args.file).suffix == ".nc":
        return _result(args.file)
    return _network(args.file, args)


def _installation() -> dict[str, Any]:
    from snnviz import __version__, datasets, pretrained
    from snnviz._versions import installed

    return {
        "kind": "installation",
        "snnviz": __version__,
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}, {os.cpu_count()} cores",
        "packages": installed(PACKAGES),
        "shipped models": list(pretrained.names()),
        "data at hand": [record.name for record in datasets.available() if record.state != "not here"],
    }


def _network(path: str, args: argparse.Namespace) -> dict[str, Any]:
    from snnviz import pretrained
    from snnviz.jobs.work.sources import data_of
    from snnviz.simulation import analog
    from snnviz.simulation.synops import synapses

    network = pretrained.network(path)
    late = any(layer.onset for layer in network.layers)
    layers = [
        {
            "name": layer.name,
            "kind": layer.label,
            "neurons": layer.neurons,
            "output": "x".join(map(str, layer.output_shape)),
            "synapses": synapses(layer),
            "nonzero": synapses(layer, "nonzero"),
            **({"onset": layer.onset} if late else {}),
        }
        for layer in network.layers
    ]
    measured = None
    if args.data is not None:
        data = data_of(network, path, DataOptions.of(args), "test")
        measured = analog.sparsity(network, data.images.x).as_json()
    return {
        "kind": "network",
        "file": path,
        "hash": network.hash,
        "input": "x".join(map(str, network.input_shape)),
        "classes": list(network.class_names),
        "layers": layers,
        "sparsity": measured,
        "metadata": dict(network.metadata),
    }


def _result(path: str) -> dict[str, Any]:
    from snnviz import results

    result = results.load(path)
    return {
        "kind": "result",
        "file": path,
        "holds": {str(name): dict(zip(map(str, v.dims), v.shape, strict=True)) for name, v in result.data_vars.items()},
        "attributes": {
            name: json.loads(value) if name in ("settings", "versions", "neurons") else value
            for name, value in _plain(result.attrs).items()
        },
    }


def _plain(attributes: dict[Any, Any]) -> dict[str, Any]:
    """Attributes as JSON can hold them (netCDF gives numpy scalars)."""
    return {str(key): value.item() if hasattr(value, "item") else value for key, value in attributes.items()}


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    if answer["kind"] == "network":
        import pandas as pd

        table = pd.DataFrame(answer["layers"]).to_string(index=False)
        classes = ", ".join(answer["classes"])
        head = f"network {answer['file']} ({answer['hash'][:12]}), input {answer['input']}, classes {classes}"
        measures = [
            f"{name:50} {value:.3f}" for name, value in (answer["sparsity"] or {}).items() if isinstance(value, float)
        ]
        return "\n".join([head, "", table, *([""] if measures else []), *measures])
    lines = []
    for key, value in answer.items():
        if isinstance(value, dict):
            lines.append(f"{key}:")
            lines += [f"  {name}: {item}" for name, item in value.items()]
        elif isinstance(value, list):
            lines.append(f"{key}: {', '.join(map(str, value)) or 'none'}")
        elif key != "kind":
            lines.append(f"{key}: {value}")
    return "\n".join(lines)
