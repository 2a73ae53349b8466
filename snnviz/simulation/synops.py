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
from snnviz.network import Population, Projection
from snnviz.simulation.settings import SYNAPSES


def fanout(layer: Projection, synapses: str = "nonzero") -> np.ndarray:
    """The number of outgoing synapses of each neuron that feeds `layer`.

    Args:
        layer: a layer or another projection.
        synapses: "nonzero" counts synapses whose weight is not zero, "all" pruned ones too.

    Returns:
        int64 array of shape `layer.input_shape`.

    Raises:
        InputError: if `synapses` is neither, or the layer is none.
    """
    check.choice("synapses", synapses, SYNAPSES)
    if not isinstance(layer, Projection):
        raise InputError(f"`layer` must be Dense, Conv2D or DepthwiseConv2D. Received: {check.describe(layer)}")
    return layer.fanout(synapses)


def synapses(layer: Population, synapses: str = "all") -> int:
    """The number of connections a layer makes, a shared weight counting once for each; "nonzero" leaves out pruned ones."""
    return layer.synapses(check.choice("synapses", synapses, SYNAPSES))
