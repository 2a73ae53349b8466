"""Networks without the channels that pruning has silenced.

Pruning leaves channels whose synapses are all zero, or come from such channels alone. Where nothing else raises them either, they
are zero whatever the input, and a network is computed faster without them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from snnviz.network import Conv2D, Dense, DepthwiseConv2D, Layer

Quiet = Callable[[Layer], np.ndarray]


@dataclass(frozen=True)
class Active:
    """The layers of a network without silent channels.

    Attributes:
        layers: the layers, without these channels and what they would send.
        kept: for each layer which channels of its input are kept, bool.
    """

    layers: tuple[Layer, ...]
    kept: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, path: tuple[Layer, ...], quiet: Quiet | None) -> Active:
        """Of a path of layers.

        Args:
            path: its layers.
            quiet: for a layer, which of its channels are zero if nothing reaches them, bool (channels,); None keeps every channel.
        """
        first = np.ones(path[0].input_shape[-1], bool)
        kept = [first, *(np.ones(layer.channels, bool) for layer in path)]
        if quiet is not None:
            kept[1:-1] = _needed(path, first, quiet)
        layers = tuple(
            _reduced(layer, before, after) for layer, before, after in zip(path, kept[:-1], kept[1:], strict=True)
        )
        return cls(layers, tuple(kept[:-1]))


def _needed(path: tuple[Layer, ...], first: np.ndarray, quiet: Quiet) -> list[np.ndarray]:
    """For each hidden layer the channels that may be other than zero, or that what follows cannot do without."""
    needed, before = [], first
    for layer in path[:-1]:
        raised = ~quiet(layer)
        if _mixes(layer):
            synapses = layer.weights.reshape(-1, len(before), layer.channels)[:, before]
            before = raised | (synapses != 0).any(axis=(0, 1))
        elif _passes(layer):
            before = raised | before
        else:
            before = np.ones(layer.channels, bool)
        if not before.any():
            before = np.arange(layer.channels) == 0  # a layer has one at least
        needed.append(before)
    # a channel goes only where the next layer can do without it
    for index in range(len(needed) - 1, -1, -1):
        following = path[index + 1]
        if _passes(following) and index + 1 < len(needed):
            needed[index] = needed[index] | needed[index + 1]
        elif not _mixes(following):
            needed[index] = np.ones_like(needed[index])
    # and the channels of a layer that does not mix them are those of its input
    for index, layer in enumerate(path[:-1]):
        if _passes(layer):
            needed[index] = needed[index - 1] if index else first
    return needed


def _mixes(layer: Layer) -> bool:
    """Whether each output channel sees all input channels."""
    return isinstance(layer, Dense) or (isinstance(layer, Conv2D) and layer.groups == 1)


def _passes(layer: Layer) -> bool:
    """Whether each channel is made of the same one of the input alone."""
    return isinstance(layer, DepthwiseConv2D) and layer.weights.shape[3] == 1


def _reduced(layer: Layer, before: np.ndarray, after: np.ndarray) -> Layer:
    """`layer` with the channels `before` of its input and `after` of its output."""
    if before.all() and after.all():
        return layer
    if _mixes(layer):
        shape = layer.weights.shape
        weights = layer.weights.reshape(*shape[:-2], -1, len(before), shape[-1])[..., before, :][..., after]
        weights = weights.reshape(*shape[:-2], -1, int(after.sum()))
    else:
        weights = layer.weights[:, :, before]
    potential, cap = layer.initial_potential, layer.cap
    return replace(
        layer,
        input_shape=(len(weights),) if isinstance(layer, Dense) else (*layer.input_shape[:-1], int(before.sum())),
        weights=weights,
        bias=layer.bias[..., after],
        initial_potential=np.asarray(potential)[..., after] if np.ndim(potential) else potential,
        cap=cap[after] if isinstance(cap, np.ndarray) else cap,
        ann_bias=None if layer.ann_bias is None else layer.ann_bias[..., after],
    )
