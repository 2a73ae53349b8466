"""The simulator that others are held against: the equations, one step and one neuron at a time.

Slow and plain on purpose. Synapses are enumerated one by one from the equations in the docstrings of the layers, the
state of a neuron is a Python number (double precision, exact on dyadic networks), and nothing is shared with the
package but its data types.
"""

from __future__ import annotations

import math

import numpy as np

from snnviz.network import (
    Conv2DProjection,
    DenseProjection,
    DepthwiseProjection,
    IdentityProjection,
    Projection,
    SpikingNetwork,
)
from snnviz.simulation.engine import Block, Engine
from snnviz.simulation.settings import Record, Settings

Synapses = list[tuple[int, int, float]]


def enumerate_synapses(layer: Projection) -> Synapses:
    """Every synapse as (presynaptic neuron, postsynaptic neuron, weight), neurons numbered row-major."""
    synapses: Synapses = []
    if isinstance(layer, DenseProjection):
        for i in range(layer.weights.shape[0]):
            for j in range(layer.weights.shape[1]):
                synapses.append((i, j, float(layer.weights[i, j])))
        return synapses
    if isinstance(layer, IdentityProjection):
        inputs, outputs = layer.input_shape[-1], layer.output_shape[-1]
        for place in range(math.prod(layer.input_shape[:-1])):
            for c in range(inputs):
                synapses.append((place * inputs + c, place * outputs + layer.first + c, float(layer.weights[c])))
        return synapses
    height, width, channels = layer.input_shape
    rows, columns, outputs = layer.output_shape
    kernel_height, kernel_width = layer.weights.shape[:2]
    (top, _), (left, _) = layer.padding
    for p in range(rows):
        for q in range(columns):
            for o in range(outputs):
                for i in range(kernel_height):
                    for j in range(kernel_width):
                        y = p * layer.strides[0] + i * layer.dilation[0] - top
                        x = q * layer.strides[1] + j * layer.dilation[1] - left
                        if not (0 <= y < height and 0 <= x < width):
                            continue
                        if isinstance(layer, Conv2DProjection):
                            per_group = channels // layer.groups
                            group = o // (outputs // layer.groups)
                            pairs = [(group * per_group + c, layer.weights[i, j, c, o]) for c in range(per_group)]
                        elif isinstance(layer, DepthwiseProjection):
                            multiplier = layer.weights.shape[3]
                            pairs = [(o // multiplier, layer.weights[i, j, o // multiplier, o % multiplier])]
                        else:
                            raise TypeError(layer)
                        after = (p * columns + q) * outputs + o
                        for c, weight in pairs:
                            synapses.append(((y * width + x) * channels + c, after, float(weight)))
    return synapses


class _Population:
    """The neurons of one layer for one item."""

    def __init__(
        self, shape: tuple[int, ...], potential: float | np.ndarray, depth: int, settings: Settings, onset: int
    ) -> None:
        self.v = [float(value) for value in np.broadcast_to(potential, shape).ravel()]
        self.fired_at: list[int | None] = [None] * len(self.v)
        self.silent_steps = max(int(settings.clamp * depth), onset)
        self.settings, self.depth = settings, depth
        self.reset = settings.reset
        if depth == 0 and settings.input_reset is not None:
            self.reset = settings.input_reset

    def step(self, t: int, drive: list[float], fires: bool = True) -> list[int]:
        """Advance to step t (from 1) with `drive`, one number per neuron, and return the spikes."""
        spikes = [0] * len(self.v)
        for n in range(len(self.v)):
            last = self.fired_at[n]
            if t <= self.silent_steps or (last is not None and t - last <= self.settings.refractory):
                continue
            self.v[n] += drive[n]
            if fires and self.depth > 0 and self.settings.floor is not None:
                self.v[n] = max(self.v[n], self.settings.floor)
            if fires and self.v[n] >= 1:
                spikes[n] = 1
                self.fired_at[n] = t
                self.v[n] = 0.0 if self.reset == "zero" else self.v[n] - 1
        return spikes


class ReferenceEngine(Engine):
    """Conventions beyond the contract of `Engine`:

    - a population at depth d, by the longest way, is frozen for the first clamp * d steps;
    - an input that is Poisson or analog has no membrane: its potentials are NaN, and analog input has no spikes;
    - events count when they arrive: with a delay those of step t come from the spikes of step t - 1, and they count
      even where the receiving neuron is frozen and loses them.
    """

    name = "reference"

    @property
    def batch_size(self) -> int:
        return 4

    def run(self, inputs: np.ndarray, traced: int = 0) -> Block:
        network, settings, record = self.network, self.settings, self.record
        items, steps, depth = len(inputs), settings.steps, len(network.layers)
        place = {name: index for index, name in enumerate(network.layer_names)}
        sources = [
            [index if each.source is None else place[each.source] for each in layer.projections]
            for index, layer in enumerate(network.layers)
        ]
        depths = [0]
        for those in sources:
            depths.append(1 + max(depths[source] for source in those))
        synapses = [
            [(source, pre, post, weight) for source, each in zip(those, layer.projections, strict=True)
             for pre, post, weight in enumerate_synapses(each)]
            for those, layer in zip(sources, network.layers, strict=True)
        ]  # fmt: skip
        output = np.zeros((items, steps, network.classes), np.float32)
        events = np.zeros((items, steps, depth), np.int64)
        counts = np.zeros((items, steps, depth), np.int64)
        sizes = {network.input.name: network.input.neurons} | {layer.name: layer.neurons for layer in network.layers}
        trains = {name: np.zeros((traced, steps, sizes[name]), bool) for name in record.spikes}
        potentials = {name: np.zeros((traced, steps, sizes[name]), np.float32) for name in record.potentials}

        for item in range(items):
            pixels = _Population(network.input.shape, network.input.initial_potential, 0, settings, 0)
            populations = [
                _Population(layer.output_shape, layer.initial_potential, depths[index + 1], settings, layer.onset)
                for index, layer in enumerate(network.layers)
            ]
            before: list[list[float]] = [[0.0] * network.input.neurons]
            before += [[0.0] * layer.neurons for layer in network.layers[:-1]]
            for t in range(1, steps + 1):
                spikes: list[int] | None
                if settings.input == "spiking":
                    spikes = pixels.step(t, [float(value) for value in inputs[item].ravel()])
                    sent = [float(spike) for spike in spikes]
                elif settings.given:
                    spikes = [int(spike) for spike in inputs[item, t - 1].ravel()]
                    sent = [float(spike) for spike in spikes]
                else:
                    spikes = [0] * network.input.neurons
                    sent = [float(value) for value in inputs[item].ravel()]
                sending = [sent]
                self._note(
                    network.input.name,
                    item,
                    t,
                    traced,
                    trains,
                    potentials,
                    spikes,
                    pixels.v if settings.input == "spiking" else [math.nan] * len(sent),
                )
                counts[item, t - 1, 0] = sum(spikes)
                for index, layer in enumerate(network.layers):
                    arriving = before if settings.delay else sending
                    drive = [0.0] * layer.neurons
                    for source, pre, post, weight in synapses[index]:
                        drive[post] += arriving[source][pre] * weight
                        if arriving[source][pre] > 0 and (settings.synapses == "all" or weight != 0):
                            events[item, t - 1, index] += 1
                    for n, current in enumerate(np.broadcast_to(layer.bias, layer.output_shape).ravel().tolist()):
                        drive[n] += current
                    last = index == depth - 1
                    spikes = populations[index].step(t, drive, fires=not last)
                    sending.append([float(spike) for spike in spikes])
                    self._note(layer.name, item, t, traced, trains, potentials, spikes, populations[index].v)
                    if not last:
                        counts[item, t - 1, index + 1] = sum(spikes)
                output[item, t - 1] = populations[-1].v
                before = sending[:-1]
        return Block(output=output, events=events, spikes=counts, spike_trains=trains, potentials=potentials)

    @staticmethod
    def _note(name, item, t, traced, trains, potentials, spikes, v) -> None:
        if item >= traced:
            return
        if name in trains:
            trains[name][item, t - 1] = np.array(spikes, bool)
        if name in potentials:
            potentials[name][item, t - 1] = v


def assert_equal(mine: Block, theirs: Block) -> None:
    """Fail unless two blocks are equal bit for bit, types and shapes included."""
    for field in ("output", "events", "spikes"):
        _same(field, getattr(mine, field), getattr(theirs, field))
    for field in ("spike_trains", "potentials"):
        ours, others = getattr(mine, field), getattr(theirs, field)
        assert ours.keys() == others.keys()
        for name in ours:
            _same(f"{field}[{name}]", ours[name], others[name])


def _same(name: str, mine: np.ndarray, theirs: np.ndarray) -> None:
    assert mine.dtype == theirs.dtype, f"{name}: {mine.dtype} against {theirs.dtype}"
    np.testing.assert_array_equal(mine, theirs, err_msg=name, strict=True)


def check_parity(
    engine: type[Engine],
    network: SpikingNetwork,
    settings: Settings,
    inputs: np.ndarray,
    traced: int | None = None,
    **options: object,
) -> Block:
    """Run `engine` (made with `options`) and the reference on the same inputs, everything recorded, and compare.

    Returns:
        the reference's block, for tests that want to see that something happened.
    """
    record = Record(spikes=network.firing_names, potentials=network.layer_names)
    traced = len(inputs) if traced is None else traced
    expected = ReferenceEngine(network, settings, record).run(inputs, traced)
    assert_equal(engine(network, settings, record, **options).run(inputs, traced), expected)  # type: ignore[arg-type]
    return expected
