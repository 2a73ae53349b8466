"""What the simulators built on PyTorch share."""

from __future__ import annotations

import os

import numpy as np
import torch

torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "2")))
torch.set_grad_enabled(False)


def linear_layer(layer: dict, library=torch.nn, **options) -> torch.nn.Module:
    """The linear part of a layer as a module of `library`, for inputs (batch, channels, height, width).

    A dense layer after a convolution has its rows reordered, since torch flattens channels first.
    """
    bias = torch.from_numpy(layer["bias"].copy())
    if layer["kind"] == "dense":
        weights = layer["weights"]
        if len(layer["input_shape"]) == 3:
            outputs = weights.shape[1]
            weights = weights.reshape(*layer["input_shape"], outputs).transpose(2, 0, 1, 3).reshape(-1, outputs)
        module = library.Linear(*weights.shape, **options)
        module.weight.data = torch.from_numpy(np.ascontiguousarray(weights.T))
        module.bias.data = bias
        return module
    (top, bottom), (left, right) = layer["padding"]
    if top != bottom or left != right:
        raise ValueError("padding must be the same on opposite sides")
    if layer.get("pooling"):
        if bias.any() or (top, left) != (0, 0):
            raise ValueError("pooling with a bias or padding")
        return library.AvgPool2d(layer["weights"].shape[:2], tuple(layer["strides"]), **options)
    if layer["kind"] != "conv2d":
        raise ValueError(f"no module for layers of kind {layer['kind']!r}")
    kernel = layer["weights"]
    module = library.Conv2d(
        kernel.shape[2],
        kernel.shape[3],
        kernel.shape[:2],
        stride=tuple(layer["strides"]),
        padding=(top, left),
        **options,
    )
    module.weight.data = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()).to(memory_format=torch.channels_last)
    module.bias.data = bias
    return module


def channels_first(x: np.ndarray) -> torch.Tensor:
    """(batch, height, width, channels) as a (batch, channels, height, width) tensor that keeps its memory layout."""
    tensor = torch.from_numpy(np.ascontiguousarray(x))
    return tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def flattens(layer: dict) -> bool:
    """Whether spikes have to be flattened before they reach `layer`."""
    return layer["kind"] == "dense" and len(layer["input_shape"]) == 3
