"""Any layer as a list of synapses: what simulators and chips take that know no convolutions.

Built with array operations; a convolution of a million synapses takes a fraction of a second.
"""

from __future__ import annotations

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.network import Projection, Synapses

__all__ = ["Synapses", "synapse_list"]


def synapse_list(layer: Projection, *, pruned: bool = False) -> Synapses:
    """Every synapse of `layer`.

    Args:
        layer: a layer or another projection; a weight of a convolution appears once for each pair of neurons that it connects.
        pruned: include synapses of weight zero.

    Raises:
        InputError: if it is no layer.
    """
    if not isinstance(layer, Projection):
        raise InputError(f"`layer` must be Dense, Conv2D or DepthwiseConv2D. Received: {check.describe(layer)}")
    return layer.synapse_list(check.flag("pruned", pruned))
