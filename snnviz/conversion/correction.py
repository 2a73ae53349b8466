"""Bias correction: after conversion, let neurons fire as often within a few time steps as the ANN says.

In a deep network spikes arrive unevenly, and what a neuron sends too early cannot be taken back, so that after T steps mean rates
are not the ANN's activations. The mean error of a channel can be taken off its bias (Li et al. 2021, "A free lunch from ANN",
arXiv:2106.06984), layer by layer, each seeing what the corrected layers before it send.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from snnviz import _checks as check
from snnviz import _progress
from snnviz._arguments import checked
from snnviz.conversion.report import TRACE_BUDGET
from snnviz.network import Dense, Layer, Population, SpikingNetwork
from snnviz.simulation import Record, Settings, analog
from snnviz.simulation.driver import make_engine

ITEMS = 384
"""Items that `snnviz.convert` corrects on, if it has as many."""
FEWEST_ACTIVE = 0.1
"""A channel is taken for active at least in this fraction of places: where few neurons fire, a mean says little."""


@checked
def corrected(network: SpikingNetwork, x: np.ndarray, steps: int, progress: bool = False) -> SpikingNetwork:
    """The network with biases that make up for the mean error of each channel's firing rate after `steps` time steps.

        b <- b + (mean a - mean r) / max(f, 0.1),

    with means over items and positions, a = min(max(0, z), 1) the ANN's activation, r the firing rate since the onset, and f
    the fraction of positive a: only an active neuron follows its bias. Li et al. correct by the numerator alone. Averages
    (pooling) and the last layer, which does not fire, stay. The analog twin stays the ANN that it was (`Layer.ann_bias`).

    Args:
        network: a normalised network.
        x: training items, float intensities (items, *network.input_shape); some hundreds will do.
        steps: T, the number of time steps in which rates are measured; beyond every hidden layer's onset.
        progress: show a progress bar if it takes more than two seconds.

    Raises:
        InputError: if an argument is wrong.
    """
    check_steps("steps", steps, network)
    x = check.images("x", x, network.input_shape)
    layers = list(network.layers)
    hidden = [index for index, layer in enumerate(layers[:-1]) if not layer.pools]
    names = [layers[index].name for index in hidden]
    wanted = {name: np.zeros(layers[index].channels) for name, index in zip(names, hidden, strict=True)}
    active = {name: np.zeros_like(values) for name, values in wanted.items()}
    for _, values in analog.batches(network, x):
        for name in names:
            by_channel = values[name].reshape(-1, values[name].shape[-1])
            wanted[name] += np.minimum(by_channel, 1).sum(axis=0, dtype=np.float64)
            active[name] += np.count_nonzero(by_channel, axis=0)
    with _progress.bar(len(hidden) * len(x), "correcting", "item", progress) as bar:
        for name, index in zip(names, hidden, strict=True):
            layer = layers[index]
            spikes = np.zeros(layer.channels)
            for sent in _sent(replace(network, layers=tuple(layers)), index, x, steps):
                spikes += sent.reshape(-1, layer.channels).sum(axis=0)
                bar.update(len(sent))
            places = len(x) * layer.neurons // layer.channels
            error = (wanted[name] - spikes / (steps - layer.onset)) / places
            bias = layer.bias + error / np.maximum(active[name] / places, FEWEST_ACTIVE)
            ann_bias = layer.bias if layer.ann_bias is None else layer.ann_bias
            layers[index] = replace(layer, bias=bias, ann_bias=ann_bias)
    return replace(network, layers=tuple(layers))


def check_steps(name: str, steps: int, network: SpikingNetwork) -> None:
    """Raise `InputError`, naming the argument, unless every hidden layer of `network` has begun within `steps` time steps."""
    check.integer(name, steps, 1 + max((layer.onset for layer in network.layers[:-1]), default=0))


def _sent(network: SpikingNetwork, index: int, x: np.ndarray, steps: int) -> Iterator[np.ndarray]:
    """How many spikes each neuron of layer `index` sends in `steps` steps, (items of a batch, neurons), batch by batch."""
    layer = network.layers[index]
    before = network
    if network.is_path:  # what comes behind need not be simulated
        before = replace(network, layers=(*network.layers[: index + 1], _silent(layer)), class_names=())
    batch = max(1, TRACE_BUDGET // (steps * layer.neurons))
    record = Record(prediction=False, spikes=(layer.name,), items=batch)
    engine = make_engine("event", before, Settings(steps=steps), record)
    for start in range(0, len(x), batch):
        items = x[start : start + batch]
        yield engine.run(items, traced=len(items)).spike_trains[layer.name].sum(axis=1)


def _silent(layer: Population) -> Layer:
    """Something to read out behind `layer`: a network ends in a layer that does not fire."""
    return Dense(name="none", input_shape=layer.output_shape, weights=np.zeros((layer.neurons, 1)), bias=np.zeros(1))
