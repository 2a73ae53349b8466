"""Cases: a network with inputs in a file that any simulator can read with numpy alone."""

from __future__ import annotations

import json
import os

import numpy as np

from snnviz._files import replacing
from snnviz.events import Recordings
from snnviz.network import SpikingNetwork


def save_case(
    path: str | os.PathLike[str],
    network: SpikingNetwork,
    x: np.ndarray | Recordings,
    y: np.ndarray | None,
    steps: int,
    step_us: int = 0,
) -> None:
    """Write a case for `benchmarks.peers.common.Case`, and the network itself for snnviz beside it (`.network.npz`).

    Args:
        path: the case's file.
        network: the network; its initial potentials must all be one number, but with recordings.
        x: float32 (items, *network.input_shape), intensities in [0, 1]; or recordings of an event camera.
        y: classes (items,), or None where they mean nothing.
        steps: number of time steps.
        step_us: of recordings, microseconds of a step.
    """
    potentials = {float(v) for layer in (network.input, *network.layers) for v in np.unique(layer.initial_potential)}
    stream = isinstance(x, Recordings)
    if len(potentials) != 1 and not stream:
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
        "initial_potential": 0.0 if stream else potentials.pop(),  # of the input: counts wait from 0
        "steps": steps,
        "step_us": step_us,
    }
    arrays: dict[str, np.ndarray] = {"header": np.array(json.dumps(header))}
    if isinstance(x, Recordings):
        arrays |= {"t": np.asarray(x.t, np.int64), "place": np.asarray(x.place, np.int64), "starts": x.starts}
    else:
        arrays["x"] = np.asarray(x, np.float32)
    if y is not None:
        arrays["y"] = np.asarray(y, np.int64)
    for index, layer in enumerate(network.layers):
        arrays[f"weights{index}"] = layer.weights
        arrays[f"bias{index}"] = layer.bias
        arrays[f"potential{index}"] = np.asarray(layer.initial_potential, np.float32)
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)
    network.save(f"{path}.network.npz")
