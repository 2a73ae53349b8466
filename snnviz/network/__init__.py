"""Spiking networks as plain data: populations of integrate-and-fire neurons, and the projections between them with their weights.

A `SpikingNetwork` is what simulators, exporters and the optimiser take; Keras ends at `snnviz.convert`.
Every neuron is non-leaky integrate-and-fire with threshold 1. At each time step, with incoming spikes S_k of each of its
projections,

    v <- v + sum_k f_k(S_k; W_k) + b,    s = 1 where v >= 1 else 0,    v <- v - s,

where f is the linear part of a projection, given in the docstring of its class. Most populations have one projection, which is
part of them: `Dense`, `Conv2D`, `DepthwiseConv2D`. The last layer never fires: its membrane potential is read out.
"""

from snnviz.network.arrays import Scale, Shape
from snnviz.network.file import FORMAT, FORMAT_VERSION, LAYER_KINDS, decode, load_network
from snnviz.network.graph import SpikingNetwork
from snnviz.network.populations import THRESHOLD, Input, Layer, Population, Sum, onset_at
from snnviz.network.projections.base import Numpy, Ops, Projection, Synapses
from snnviz.network.projections.convolution import Conv2D, Conv2DProjection, Convolution, Padding
from snnviz.network.projections.dense import Dense, DenseProjection
from snnviz.network.projections.depthwise import DepthwiseConv2D, DepthwiseProjection
from snnviz.network.projections.identity import IdentityProjection

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "LAYER_KINDS",
    "THRESHOLD",
    "Conv2D",
    "Conv2DProjection",
    "Convolution",
    "Dense",
    "DenseProjection",
    "DepthwiseConv2D",
    "DepthwiseProjection",
    "IdentityProjection",
    "Input",
    "Layer",
    "Numpy",
    "Ops",
    "Padding",
    "Population",
    "Projection",
    "Scale",
    "Shape",
    "SpikingNetwork",
    "Sum",
    "Synapses",
    "decode",
    "load_network",
    "onset_at",
]
