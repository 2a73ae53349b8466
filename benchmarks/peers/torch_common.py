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
    if (top, left) != (bottom, right) and library is not torch.nn:
        raise ValueError("padding must be the same on opposite sides")
    kernel, groups = layer["weights"], 1
    if layer.get("pooling") and np.allclose(kernel, 1 / (kernel.shape[0] * kernel.shape[1])):
        if bias.any() or (top, left) != (0, 0):
            raise ValueError("pooling with a bias or padding")
        return library.AvgPool2d(layer["weights"].shape[:2], tuple(layer["strides"]), **options)
    if layer["kind"] == "depthwise_conv2d" and kernel.shape[3] == 1:  # pooling too, where a scale is multiplied into it
        kernel, groups = kernel.transpose(0, 1, 3, 2), kernel.shape[2]
    elif layer["kind"] != "conv2d":
        raise ValueError(f"no module for layers of kind {layer['kind']!r}")
    module = library.Conv2d(
        kernel.shape[2] * groups,
        kernel.shape[3],
        kernel.shape[:2],
        stride=tuple(layer["strides"]),
        groups=groups,
        padding=(top, left) if (top, left) == (bottom, right) else 0,
        **options,
    )
    module.weight.data = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()).to(memory_format=torch.channels_last)
    module.bias.data = bias
    if (top, left) != (bottom, right):
        return torch.nn.Sequential(torch.nn.ZeroPad2d((left, right, top, bottom)), module)
    return module


def initial(layer: dict, like: torch.Tensor) -> torch.Tensor:
    """Initial potentials of a layer's neurons, for what comes out of `linear_layer`."""
    potential = np.broadcast_to(layer["potential"], layer["output_shape"])
    return channels_first(np.ascontiguousarray(potential)[None]).expand_as(like)


def at_rest(layer: dict, batch: int) -> torch.Tensor:
    """Membranes of a batch before the first step, in the memory layout of what comes out of `linear_layer`."""
    potential = np.broadcast_to(layer["potential"], (batch, *layer["output_shape"]))
    return channels_first(np.array(potential, np.float32))


def by_step(images: np.ndarray, case) -> torch.Tensor:
    """A batch as (steps, batch, channels, height, width): the same at every step, or events counted by step."""
    if case.x is None:
        return torch.from_numpy(images).permute(1, 0, 4, 2, 3)
    drive = channels_first(images)
    return drive.expand(case.steps, *drive.shape)


def channels_first(x: np.ndarray) -> torch.Tensor:
    """(batch, height, width, channels) as a (batch, channels, height, width) tensor that keeps its memory layout."""
    tensor = torch.from_numpy(np.ascontiguousarray(x))
    return tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def flattens(layer: dict) -> bool:
    """Whether spikes have to be flattened before they reach `layer`."""
    return layer["kind"] == "dense" and len(layer["input_shape"]) == 3
