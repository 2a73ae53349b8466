"""Any layer as a list of synapses: what simulators and chips take that know no convolutions.

Built with array operations; a convolution of a million synapses takes a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.network import Convolution, Dense, Layer


@dataclass(frozen=True)
class Synapses:
    """Synapses as parallel arrays, ordered by postsynaptic and then by presynaptic neuron.

    Attributes:
        pre: int32 (synapses,), presynaptic neurons, numbered row-major over the layer's input shape (channels last).
        post: int32 (synapses,), postsynaptic neurons, numbered likewise over its output shape.
        weight: float32 (synapses,).
    """

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.weight)

    @property
    def excitatory(self) -> Synapses:
        """Those with a positive weight."""
        return self._where(self.weight > 0)

    @property
    def inhibitory(self) -> Synapses:
        """Those with a negative weight, which stays negative."""
        return self._where(self.weight < 0)

    def _where(self, chosen: np.ndarray) -> Synapses:
        return Synapses(self.pre[chosen], self.post[chosen], self.weight[chosen])


def synapse_list(layer: Layer, *, pruned: bool = False) -> Synapses:
    """Every synapse of `layer`.

    Args:
        layer: a weighted layer; a weight of a convolution appears once for each pair of neurons that it connects.
        pruned: include synapses of weight zero.

    Raises:
        InputError: if the layer is of an unknown kind.
    """
    if isinstance(layer, Dense):
        present = np.ones(layer.weights.shape, bool) if pruned else layer.weights != 0
        post, pre = np.nonzero(present.T)
        return Synapses(pre.astype(np.int32), post.astype(np.int32), layer.weights[pre, post])
    if isinstance(layer, Convolution):
        return _convolution(layer, pruned)
    raise InputError(f"`layer` must be Dense, Conv2D or DepthwiseConv2D. Received: {check.describe(layer)}")


def _convolution(layer: Convolution, pruned: bool) -> Synapses:
    """One block of synapses for each element (i, j) of the kernel: output positions x channel pairs."""
    kernel = layer.grouped_weights  # (kh, kw, input channels of a group, output channels)
    _, width, channels = layer.input_shape
    _, columns, outputs = layer.output_shape
    group = np.arange(outputs) // (outputs // layer.groups)
    pre, post, weight = [], [], []
    for i in range(kernel.shape[0]):
        p, y = _reads(layer, 0, i)
        for j in range(kernel.shape[1]):
            q, x = _reads(layer, 1, j)
            element = kernel[i, j]
            c, o = np.nonzero(np.ones(element.shape, bool) if pruned else element)
            before = (y[:, None] * width + x).reshape(-1, 1) * channels + group[o] * kernel.shape[2] + c
            after = (p[:, None] * columns + q).reshape(-1, 1) * outputs + o
            pre.append(before.astype(np.int32).ravel())
            post.append(after.astype(np.int32).ravel())
            weight.append(np.broadcast_to(element[c, o], before.shape).ravel())
    all_pre, all_post = np.concatenate(pre), np.concatenate(post)
    order = np.lexsort((all_pre, all_post))
    return Synapses(all_pre[order], all_post[order], np.concatenate(weight)[order])


def _reads(layer: Convolution, axis: int, element: int) -> tuple[np.ndarray, np.ndarray]:
    """Output positions along an axis at which a kernel element reads inside the input, and the input positions it reads."""
    positions = np.arange(layer.output_shape[axis])
    read = positions * layer.strides[axis] + element * layer.dilation[axis] - layer.padding[axis][0]
    inside = (read >= 0) & (read < layer.input_shape[axis])
    return positions[inside], read[inside]
