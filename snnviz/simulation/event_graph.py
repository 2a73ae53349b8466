"""Graphs on the event engine: one population after the other, each as a path of its own.

A network is feed-forward, so a population can be simulated for all steps once its sources' spikes are known. These are laid side by
side along channels, and the sum of its projections becomes one layer on them: a convolution of stride 1 where all are convolutions
and identities, else a dense layer, of the lists of synapses.

A projection with strides s reads a map in which blocks of s x s positions have become channels; what is no full kernel (identities,
depthwise convolutions, groups, smaller windows) has zeros in the kernel, which carry no event and are not counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnviz._memory import check_room
from snnviz.errors import InputError
from snnviz.network import (
    Conv2D,
    Convolution,
    Dense,
    DenseProjection,
    IdentityProjection,
    Input,
    Layer,
    Population,
    Projection,
    SpikingNetwork,
)
from snnviz.simulation.engine import Block, Engine
from snnviz.simulation.event import EventEngine
from snnviz.simulation.settings import Record, Settings

MEMORY_BUDGET = 2**28
"""Bytes that the spikes of all populations of a batch may take."""


def event_engine(network: SpikingNetwork, settings: Settings, record: Record, threads: int | None = None) -> Engine:
    """The event engine for a path or a graph."""
    made = EventEngine if network.is_path else GraphEventEngine
    return made(network, settings, record, threads)


class GraphEventEngine(Engine):
    """See the module.

    Args:
        network: the network.
        settings: the options.
        record: which spike trains and potentials to return.
        threads: as in `EventEngine`.

    Raises:
        InputError: for an analog input where a population adds up what the image and other populations bring.
    """

    name = "event"

    def __init__(self, network: SpikingNetwork, settings: Settings, record: Record, threads: int | None = None) -> None:
        super().__init__(network, settings, record)
        self._whole = [_Whole.of(layer) for layer in network.layers]
        self._threads = threads
        self._engines = [self._alone(index) for index in range(len(network.layers))]
        self._pixels: EventEngine | None = None
        if settings.input == "spiking":
            path = SpikingNetwork(input=network.input, layers=(_unheard(network.input),))
            self._pixels = EventEngine(path, settings, self._recorded(path, network.input.name), threads)

    def _alone(self, index: int) -> EventEngine:
        """One population, behind the spikes that arrive at it."""
        network, settings = self.network, self.settings
        layer, whole = network.layers[index], self._whole[index]
        analog = settings.input == "analog" and 0 in network.sources[index]
        if analog and len(layer.projections) > 1:
            raise InputError(
                "`input` must be 'spiking', 'poisson' or 'spikes' with engine 'event' (or take engine='graph') where a "
                f"population adds up the image and other things, as {layer.name!r} does. Received: 'analog'"
            )
        first = replace(whole.layer, onset=settings.frozen_steps(network)[1 + index])
        layers: tuple[Layer, ...] = (first,) if layer is network.layers[-1] else (first, _unheard(first))
        path = SpikingNetwork(input=Input(shape=whole.shape, name="arriving"), layers=layers)
        options = replace(settings, input="analog" if analog else "poisson", input_reset=None, clamp=0.0)
        return EventEngine(path, options, self._recorded(path, layer.name), self._threads)

    def put(self, index: int, layer: Population) -> None:
        """Let another population take the place of `layers[index]`, which has the same shapes and sources."""
        layers = self.network.layers
        self.network = replace(self.network, layers=(*layers[:index], layer, *layers[index + 1 :]))
        self._whole[index] = _Whole.of(layer)
        self._engines[index] = self._alone(index)

    def _recorded(self, path: SpikingNetwork, name: str) -> Record:
        spikes = (name,) if name in path.firing_names else ()
        return Record(spikes=spikes, potentials=(name,) if name in self.record.potentials else ())

    @property
    def batch_size(self) -> int:
        spikes = sum(self.network.neurons.values()) + max(math.prod(whole.shape) for whole in self._whole)
        potentials = max((self.network.neurons[name] for name in self.record.potentials), default=0)
        fitting = MEMORY_BUDGET // (self.settings.steps * (spikes + 4 * potentials))
        return max(1, min(fitting, *(engine.batch_size for engine in self._engines)))

    def run(self, inputs: np.ndarray, traced: int = 0) -> Block:
        network, settings = self.network, self.settings
        block = Block.empty(network, settings.steps, self.record, len(inputs), traced)
        sent = [self._input(inputs, block, traced)]
        for index, layer in enumerate(network.layers):
            sources = network.sources[index]
            found = self.heard(index, inputs, [sent[source] for source in sources])
            for name, values in found.potentials.items():
                block.potentials[name][:] = values[:traced]
            block.events[..., index] = found.events[..., 0]
            if settings.synapses == "all":
                block.events[..., index] = self._all_events(layer, sources, sent, inputs)
            if layer is network.layers[-1]:
                block.output[:] = found.output
            else:
                sent.append(found.spike_trains[layer.name])
        for index, (name, trains) in enumerate(zip(network.firing_names, sent, strict=True)):
            block.spikes[..., index] = trains.sum(axis=2)
            if name in block.spike_trains:
                block.spike_trains[name][:] = trains[:traced]
        return block

    def heard(self, index: int, inputs: np.ndarray, trains: Sequence[np.ndarray]) -> Block:
        """What `layers[index]` makes of the spikes of its sources, bool (items, steps, neurons) each; all of it is traced."""
        engine, whole = self._engines[index], self._whole[index]
        if engine.settings.input == "analog":
            return engine.run(inputs.reshape(len(inputs), *whole.shape), len(inputs))
        return engine.run(whole.arriving(trains), len(inputs))

    def pixels(self, inputs: np.ndarray) -> np.ndarray:
        """Spikes of the input, bool (items, steps, neurons); none where it is analog."""
        return self._input(inputs, Block.empty(self.network, self.settings.steps, Record(), len(inputs), 0), 0)

    def _input(self, inputs: np.ndarray, block: Block, traced: int) -> np.ndarray:
        """Spikes of the input, bool (items, steps, neurons); none where it is analog."""
        settings, name = self.settings, self.network.input.name
        if self._pixels is not None:
            found = self._pixels.run(inputs, len(inputs))
            if name in block.potentials:
                block.potentials[name][:] = found.potentials[name][:traced]
            return found.spike_trains[name]
        if name in block.potentials:  # there are no membranes
            block.potentials[name][:] = np.nan
        if settings.given:
            return inputs.reshape(len(inputs), settings.steps, -1).astype(bool)
        return np.zeros((len(inputs), settings.steps, self.network.input.neurons), bool)

    def _all_events(
        self, layer: Population, sources: Sequence[int], sent: Sequence[np.ndarray], inputs: np.ndarray
    ) -> np.ndarray:
        """Events over pruned synapses too, (items, steps)."""
        delay, steps = self.settings.delay, self.settings.steps
        events = np.zeros((len(inputs), steps), np.int64)
        for source, each in zip(sources, layer.projections, strict=True):
            fanout = each.fanout("all").ravel()
            if source == 0 and self.settings.input == "analog":
                events[:, delay:] += ((inputs.reshape(len(inputs), -1) > 0) @ fanout)[:, None]
            else:
                events[:, delay:] += sent[source][:, : steps - delay] @ fanout
        return events


def _unheard(before: Input | Layer) -> Layer:
    """Something to read out behind a population."""
    shape = before.shape if isinstance(before, Input) else before.output_shape
    return Dense(name="unheard", input_shape=shape, weights=np.zeros((before.neurons, 1)), bias=np.zeros(1))


@dataclass(frozen=True)
class _Whole:
    """The projections of a population as one layer.

    Attributes:
        layer: on what arrives, side by side.
        shape: of that.
        folds: for each projection how its source's map is laid out, see `_Fold`; None for a flat one.
    """

    layer: Layer
    shape: tuple[int, ...]
    folds: tuple[_Fold | None, ...]

    @classmethod
    def of(cls, layer: Population) -> _Whole:
        if isinstance(layer, Layer):
            return cls(replace(layer, source=None), layer.input_shape, (None,))
        windows = all(isinstance(each, (Convolution, IdentityProjection)) for each in layer.projections)
        if len(layer.output_shape) == 1 or not windows:
            return cls._flat(layer)
        spans = [[_span(each, axis) for each in layer.projections] for axis in (0, 1)]
        low = [min(0, *(first for first, _ in found)) for found in spans]
        high = [max(last for _, last in found) for found in spans]
        size = (layer.output_shape[0] + high[0], layer.output_shape[1] + high[1])
        folds, kernels = [], []
        for each in layer.projections:
            fold = _Fold(each.input_shape, _strides(each), size)
            folds.append(fold)
            kernels.append(_kernel(each, (low[0], low[1]), (high[0] - low[0] + 1, high[1] - low[1] + 1)))
        kernel = np.concatenate(kernels, axis=2)
        shape = (*size, kernel.shape[2])
        whole = _neurons(Conv2D, layer, shape, kernel, padding=((-low[0], 0), (-low[1], 0)))
        return cls(whole, shape, tuple(folds))

    @classmethod
    def _flat(cls, layer: Population) -> _Whole:
        weights = np.concatenate([_matrix(each) for each in layer.projections])
        bias, potential = (
            np.broadcast_to(each, layer.output_shape).reshape(-1) for each in (layer.bias, layer.initial_potential)
        )
        shape = (len(weights),)
        whole = Dense(name=layer.name, input_shape=shape, weights=weights, bias=bias, initial_potential=potential)
        return cls(whole, shape, (None,) * len(layer.projections))

    def arriving(self, trains: Sequence[np.ndarray]) -> np.ndarray:
        """Spikes (items, steps, neurons) of each source as those of one input, uint8 (items, steps, *shape)."""
        parts = [
            train if fold is None else fold.laid_out(train) for train, fold in zip(trains, self.folds, strict=True)
        ]
        together = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
        return together.reshape(*together.shape[:2], *self.shape).view(np.uint8)


@dataclass(frozen=True)
class _Fold:
    """A map whose blocks of `strides` positions become channels, cut or filled up with zeros to `size` blocks."""

    shape: tuple[int, ...]
    strides: tuple[int, int]
    size: tuple[int, int]

    def laid_out(self, train: np.ndarray) -> np.ndarray:
        """(items, steps, neurons) as (items, steps, *size, channels)."""
        (height, width, channels), (down, right) = self.shape, self.strides
        maps = np.zeros((*train.shape[:2], self.size[0] * down, self.size[1] * right, channels), bool)
        rows, columns = min(height, maps.shape[2]), min(width, maps.shape[3])
        maps[:, :, :rows, :columns] = train.reshape(*train.shape[:2], *self.shape)[:, :, :rows, :columns]
        blocks = maps.reshape(*train.shape[:2], self.size[0], down, self.size[1], right, channels)
        return blocks.swapaxes(3, 4).reshape(*train.shape[:2], *self.size, -1)


def _neurons(
    kind: type[Layer], layer: Population, shape: tuple[int, ...], weights: np.ndarray, **options: object
) -> Layer:
    return kind(
        name=layer.name,
        input_shape=shape,
        weights=weights,
        bias=layer.bias,
        initial_potential=layer.initial_potential,
        **options,  # type: ignore[arg-type]
    )


def _matrix(each: Projection) -> np.ndarray:
    """A projection as a matrix (inputs, outputs)."""
    if isinstance(each, DenseProjection):
        return each.weights
    shape = math.prod(each.input_shape), math.prod(each.output_shape)
    what = "`network` must have sums that fit into memory as matrices for engine 'event'"
    check_room(4 * math.prod(shape), what, f"{each.kind!r} from {each.source!r}, which takes")
    synapses, matrix = each.synapse_list(), np.zeros(shape, np.float32)
    matrix[synapses.pre, synapses.post] = synapses.weight
    return matrix


def _strides(each: Projection) -> tuple[int, int]:
    return each.strides if isinstance(each, Convolution) else (1, 1)


def _offsets(each: Projection, axis: int) -> list[int]:
    """By how much the position that each kernel element reads is beyond its output position times the stride."""
    if not isinstance(each, Convolution):
        return [0]
    elements = range(each.weights.shape[axis])
    return [element * each.dilation[axis] - each.padding[axis][0] for element in elements]


def _span(each: Projection, axis: int) -> tuple[int, int]:
    """The first and the last block that an output position reads, counted from its own."""
    blocks = [offset // _strides(each)[axis] for offset in _offsets(each, axis)]
    return min(blocks), max(blocks)


def _kernel(each: Projection, low: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """A projection as the kernel of a convolution of stride 1 on a map laid out by `_Fold`."""
    (down, right), channels, outputs = _strides(each), each.input_shape[-1], each.output_shape[-1]
    kernel = np.zeros((*size, down, right, channels, outputs), np.float32)
    for i, vertical in enumerate(_offsets(each, 0)):
        for j, horizontal in enumerate(_offsets(each, 1)):
            place = (vertical // down - low[0], horizontal // right - low[1], vertical % down, horizontal % right)
            kernel[place] += _element(each, i, j, (channels, outputs))
    return kernel.reshape(*size, -1, outputs)


def _element(each: Projection, i: int, j: int, shape: tuple[int, int]) -> np.ndarray:
    """What element (i, j) of a kernel does, as a matrix (channels, outputs)."""
    if not isinstance(each, Convolution):  # an identity
        return _matrix(replace(each, input_shape=each.input_shape[-1:]))
    grouped = each.grouped_weights[i, j]
    if each.groups == 1:
        return grouped
    matrix, (per_group, outputs) = np.zeros(shape, np.float32), grouped.shape
    for group in range(each.groups):
        own = slice(group * outputs // each.groups, (group + 1) * outputs // each.groups)
        matrix[group * per_group : (group + 1) * per_group, own] = grouped[:, own]
    return matrix
