"""Cases: a network with inputs in a file that any simulator can read with numpy alone."""

from __future__ import annotations

import json
import os

import numpy as np

from snnviz._files import replacing
from snnviz.network import SpikingNetwork


def save_case(
    path: str | os.PathLike[str], network: SpikingNetwork, x: np.ndarray, y: np.ndarray | None, steps: int
) -> None:
    """Write a case for `benchmarks.peers.common.Case`, and the network itself for snnviz beside it (`.network.npz`).

    Args:
        path: the case's file.
        network: the network; its initial potentials must all be one number.
        x: float32 (items, *network.input_shape), intensities in [0, 1].
        y: classes (items,), or None where they mean nothing.
        steps: number of time steps.
    """
    potentials = {float(np.unique(layer.initial_potential).item()) for layer in (network.input, *network.layers)}
    if len(potentials) != 1:
        raise ValueError(f"the peers know one initial potential for all neurons; the network has {sorted(potentials)}")
    header = {
        "layers": [
            {
                "kind": layer.kind,
                "name": layer.name,
                "input_shape": layer.input_shape,
                "output_shape": layer.output_shape,
                "strides": getattr(layer, "strides", None),
                "padding": getattr(layer, "padding", None),
                "pooling": getattr(layer, "pooling", False),
            }
            for layer in network.layers
        ],
        "input_shape": network.input_shape,
        "initial_potential": potentials.pop(),
        "steps": steps,
    }
    arrays: dict[str, np.ndarray] = {"header": np.array(json.dumps(header)), "x": np.asarray(x, np.float32)}
    if y is not None:
        arrays["y"] = np.asarray(y, np.int64)
    for index, layer in enumerate(network.layers):
        arrays[f"weights{index}"] = layer.weights
        arrays[f"bias{index}"] = layer.bias
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)
    network.save(f"{path}.network.npz")
