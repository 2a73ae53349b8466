"""Synaptic events without a second convolution: fan-out maps.

The events of a layer in one step are sum(f(S; 1)), its linear part with every synapse counted as one. f is linear, so

    sum f(S; 1) = <S, fanout>,

where fanout is the number of outgoing synapses of each presynaptic neuron. Borders, strides, dilation, padding and
groups are in the map, which is computed once per network. (Dutson, Li, Gupta, WACV 2023, Eq. A of the supplement.)
"""

from __future__ import annotations

import numpy as np

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.network import Conv2D, Dense, DepthwiseConv2D, Layer
from snnviz.simulation.settings import SYNAPSES


def fanout(layer: Layer, synapses: str = "nonzero") -> np.ndarray:
    """The number of outgoing synapses of each neuron that feeds `layer`.

    Args:
        layer: a weighted layer.
        synapses: "nonzero" counts synapses whose weight is not zero, "all" pruned ones too.

    Returns:
        int64 array of shape `layer.input_shape`.

    Raises:
        InputError: if `synapses` is neither, or the layer is of an unknown kind.
    """
    check.choice("synapses", synapses, SYNAPSES)
    if not isinstance(layer, (Dense, Conv2D, DepthwiseConv2D)):
        raise InputError(f"`layer` must be Dense, Conv2D or DepthwiseConv2D. Received: {check.describe(layer)}")
    present: np.ndarray = layer.weights != 0 if synapses == "nonzero" else np.ones(layer.weights.shape, bool)
    if isinstance(layer, Dense):
        return present.sum(axis=1, dtype=np.int64).reshape(layer.input_shape)
    if isinstance(layer, Conv2D):
        height, width, per_group, outputs = layer.weights.shape
        by_group = present.reshape(height, width, per_group, layer.groups, outputs // layer.groups)
        # input channel = group * per_group + channel within the group
        per_element = by_group.sum(axis=4, dtype=np.int64).swapaxes(2, 3).reshape(height, width, -1)
    else:
        per_element = present.sum(axis=3, dtype=np.int64)
    rows = _meets(layer, 0)
    columns = _meets(layer, 1)
    return np.einsum("yi,xj,ijc->yxc", rows, columns, per_element, optimize=True)


def synapses(layer: Layer, synapses: str = "all") -> int:
    """The number of connections a layer makes, a shared weight counting once for each; "nonzero" leaves out pruned ones."""
    return int(fanout(layer, synapses).sum())


def _meets(layer: Conv2D | DepthwiseConv2D, axis: int) -> np.ndarray:
    """int64 (input size, kernel size): 1 where a kernel element reads an input position for some output position."""
    positions = np.arange(layer.output_shape[axis])[:, None] * layer.strides[axis]
    elements = np.arange(layer.weights.shape[axis])[None, :] * layer.dilation[axis]
    read = positions + elements - layer.padding[axis][0]  # (output positions, kernel elements)
    return (read[:, None, :] == np.arange(layer.input_shape[axis])[None, :, None]).any(axis=0).astype(np.int64)
