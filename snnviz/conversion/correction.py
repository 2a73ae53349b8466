"""Correction after conversion: let neurons fire as often within a few time steps as the ANN says.

In a deep network spikes arrive unevenly, and what a neuron sends too early cannot be taken back, so that after T steps mean rates
are not the ANN's activations. What a neuron has sent too much or too little by then is a charge, and there are two ways to make
up for it (Li et al. 2021, "A free lunch from ANN", arXiv:2106.06984), layer by layer, each seeing what the corrected layers before
it send: a bias brings a T-th of the charge in each step, an initial potential all of it at once. The charge comes of the first
steps and does not grow with time. So a corrected potential stays right, while a bias goes on: at step t it has brought t / T times
the charge, and far beyond T it is the larger error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from snnviz import _checks as check
from snnviz import _progress
from snnviz._arguments import checked
from snnviz.conversion.report import TRACE_BUDGET
from snnviz.network import Population, SpikingNetwork
from snnviz.simulation import Record, Settings, analog
from snnviz.simulation.event_graph import GraphEventEngine

ITEMS = 384
"""Items that `snnviz.convert` corrects on, if it has as many."""
FEWEST_ACTIVE, OF_SPIKES = 0.1, 0.5
"""A channel or neuron is taken for active in at least this fraction: where few neurons fire, a mean says little, and of a single
neuron with spiking input less. With 0.1 there, CIFAR-10's network (99.9 per layer) settles at step 27 instead of 20; with direct
coding 0.1 is as good."""
WHATS = ("bias", "potential")


@checked
def corrected(
    network: SpikingNetwork,
    x: np.ndarray,
    steps: int,
    progress: bool = False,
    *,
    what: str = "bias",
    input: str = "spiking",
) -> SpikingNetwork:
    """The network with biases or initial potentials that make up for the mean error of firing rates after `steps` time steps.

        bias:       b <- b + (mean a - mean r) / max(f, 0.1)              for each channel
        potential:  v(0) <- v(0) + T' (mean a - mean r) / max(f, 0.1)     for each neuron; 0.5 with spiking input

    with means over items (and positions of a channel), a = min(max(0, z), 1) the ANN's activation, r the firing rate in the T'
    steps since the onset, and f the fraction of positive a: only an active neuron follows its bias. Li et al. correct by the
    numerator alone. Averages (pooling) keep their biases, not their potentials; the last layer, which does not fire, stays. The
    analog twin stays the ANN that it was (`Layer.ann_bias`).

    Args:
        network: a normalised network.
        x: training items, float intensities (items, *network.input_shape); some hundreds will do.
        steps: T, the number of time steps in which rates are measured; beyond every hidden layer's onset.
        progress: show a progress bar if it takes more than two seconds.
        what: "bias", for the answer after T steps and not long after them, or "potential", for every step.
        input: how images will come in, "spiking" or "analog" (`snnviz.simulation.Settings`).

    Raises:
        InputError: if an argument is wrong.
    """
    check_steps("steps", steps, network)
    check.choice("what", what, WHATS)
    check.choice("input", input, ("spiking", "analog"))
    x = check.images("x", x, network.input_shape)
    hidden = [index for index, layer in enumerate(network.layers[:-1]) if what == "potential" or not layer.pools]
    wanted, active = _wanted(network, x, hidden, what)
    relay = _Relay(network, Settings(steps=steps, input=input), x)
    fewest = OF_SPIKES if (what, input) == ("potential", "spiking") else FEWEST_ACTIVE
    with _progress.bar(len(network.layers) - 1, "correcting", "layer", progress) as bar:
        for index, layer in enumerate(network.layers[:-1]):
            if index in wanted:
                width = len(wanted[index])
                places = len(x) * layer.neurons // width
                spikes = relay.counts(index).reshape(-1, width).sum(axis=0)
                error = (wanted[index] - spikes / (steps - layer.onset)) / places
                charge = error / np.maximum(active[index] / places, fewest)
                relay.put(index, _changed(layer, what, charge, steps))
            relay.pass_on(index)
            bar.update(1)
    return replace(network, layers=relay.layers)


def _changed(layer: Population, what: str, charge: np.ndarray, steps: int) -> Population:
    """The population that gets `charge` in every step, as a bias or, for all of `steps`, at once."""
    if what == "bias":
        return replace(
            layer, bias=layer.bias + charge, ann_bias=layer.bias if layer.ann_bias is None else layer.ann_bias
        )
    begins = layer.initial_potential + (steps - layer.onset) * charge.reshape(layer.output_shape)
    return replace(layer, initial_potential=begins.astype(np.float32))


def _wanted(
    network: SpikingNetwork, x: np.ndarray, layers: list[int], what: str
) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Sums of what each channel's or neuron's rate should be, and how often it is active."""
    chosen = {index: network.layers[index] for index in layers}
    width = {index: each.channels if what == "bias" else each.neurons for index, each in chosen.items()}
    wanted = {index: np.zeros(width[index]) for index in layers}
    active = {index: np.zeros(width[index]) for index in layers}
    with analog.one_thread():
        for _, values in analog.batches(network, x):
            for index, layer in chosen.items():
                found = values[layer.name].reshape(-1, width[index])
                wanted[index] += np.minimum(found, 1).sum(axis=0, dtype=np.float64)
                active[index] += np.count_nonzero(found, axis=0)
    return wanted, active


def check_steps(name: str, steps: int, network: SpikingNetwork) -> None:
    """Raise `InputError`, naming the argument, unless every hidden layer of `network` has begun within `steps` time steps."""
    check.integer(name, steps, 1 + max((layer.onset for layer in network.layers[:-1]), default=0))


class _Relay:
    """Populations simulated one after the other on the same items, each of which may be changed before its spikes go on.

    Spikes wait in bits, eight neurons a byte, until nothing takes them any more.
    """

    def __init__(self, network: SpikingNetwork, settings: Settings, x: np.ndarray) -> None:
        self._engine = GraphEventEngine(network, settings, Record())
        self._x = x
        self._size = max(1, TRACE_BUDGET // (settings.steps * max(network.neurons.values())))
        self._sent = {0: [self._packed(self._engine.pixels(x[part])) for part in self._parts()]}

    @property
    def layers(self) -> tuple[Population, ...]:
        """As they are by now."""
        return self._engine.network.layers

    def counts(self, index: int) -> np.ndarray:
        """How many spikes each neuron of a layer sends, over all items and steps, float64 (neurons,)."""
        return sum((trains.sum(axis=(0, 1)) for trains in self._trains(index)), np.zeros(1))

    def put(self, index: int, layer: Population) -> None:
        """Change a layer."""
        self._engine.put(index, layer)

    def pass_on(self, index: int) -> None:
        """Let a layer send its spikes to those behind it."""
        self._sent[index + 1] = [self._packed(trains) for trains in self._trains(index)]
        needed = {source for sources in self._engine.network.sources[index + 1 :] for source in sources}
        self._sent = {source: kept for source, kept in self._sent.items() if source in needed}

    def _parts(self) -> list[slice]:
        return [slice(start, start + self._size) for start in range(0, len(self._x), self._size)]

    def _trains(self, index: int) -> Iterator[np.ndarray]:
        """Spikes of a layer, bool (items of a batch, steps, neurons), batch by batch."""
        network, name = self._engine.network, self._engine.network.layers[index].name
        for place, part in enumerate(self._parts()):
            arriving = [
                np.unpackbits(self._sent[source][place], axis=-1, count=math.prod(network.shapes[source])).view(bool)
                for source in network.sources[index]
            ]
            yield self._engine.heard(index, self._x[part], arriving).spike_trains[name]

    @staticmethod
    def _packed(trains: np.ndarray) -> np.ndarray:
        return np.packbits(trains, axis=-1)  # along what is contiguous, several times faster than along steps
