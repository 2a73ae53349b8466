"""The event-driven engine: what a simulation costs is the number of its synaptic events.

A network is feed-forward, so each layer can be simulated for all steps before the next one begins: its spikes are
then known for all steps at once, and a weight that is read serves many of them. Compiled kernels
(`snnviz.simulation.kernels`) do a layer of some items at a time; threads share the items. No Python runs between steps
or neurons.

Float32 sums run in an order that an item's own data determine, so that neither threads nor batches change a number.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numba import config as numba_config

from snnviz import _checks as check
from snnviz.network import THRESHOLD, Conv2D, Convolution, DepthwiseConv2D, Layer, SpikingNetwork
from snnviz.simulation._rows import WeightRows, aligned, beside, geometry, laid_beside
from snnviz.simulation._silent import Active
from snnviz.simulation.engine import Block, Engine
from snnviz.simulation.kernels.activations import convolve
from snnviz.simulation.kernels.channelwise import channelwise, plain_channelwise
from snnviz.simulation.kernels.compiler import Kernel, prepare
from snnviz.simulation.kernels.counting import count, planes
from snnviz.simulation.kernels.neurons import NO_FLOOR, given_spikes, plain_spiking_input, spiking_input
from snnviz.simulation.kernels.rows import plain_rows, rows
from snnviz.simulation.kernels.trains import INPUTS_BELOW, unpack, words
from snnviz.simulation.settings import Record, Settings
from snnviz.simulation.stopping import read_out
from snnviz.simulation.synops import fanout

CHUNK = 64
"""Most steps for which a patch is held at once: as many as a word has bits. Their sums (16 KiB) share the level-1 cache with a
tile of weights."""
TRAIN_BUDGET = 2**21
"""Bytes that the largest population's trains may take in one call of a kernel; decides how many items share a call."""
STOP_STEPS = 4
"""Steps that are taken before it is looked which items have ended: few waste little on those that have, many cost less each."""
STOP_BUDGET = 2**24
"""Bytes that trains and membranes of the items in one call may take where items end at their own steps."""
TABLE_INPUTS = 32
"""Most inputs to a window of a first layer for which the sums of subsets of four are made: they fit into the level-1 cache."""
CELL = 128
"""Most channels whose events are grouped by steps: their weight rows share the level-1 cache with the sums."""
CALL_EVENTS = 1.5e10
"""About the synaptic adds, at 15 % density, of items that share a call of a kernel, 8 at most where each takes long: fewer would
load anew what the kernel needs, more would let threads wait for one another."""
BATCH_BUDGET = 2**27
"""Bytes that the arrays of a batch may take: spikes handed in, potentials and counts handed out."""
BATCH_EVENTS = 2e9
"""About the synaptic adds of a batch, at 15 % density: a fraction of a second, that progress and interruption wait."""


def _processors() -> int:
    """As many threads as Numba would take."""
    return int(getattr(numba_config, "NUMBA_NUM_THREADS", 1))


def _padded(values: Any, shape: tuple[int, int], width: int) -> np.ndarray:
    """`values`, broadcast to `shape`, with rows padded by zeros to `width`, flattened: float32."""
    padded = aligned(shape[0] * width, np.float32).reshape(shape[0], width)
    padded[:, : shape[1]] = np.broadcast_to(np.asarray(values, np.float32), (shape[0], shape[1]))
    return padded.reshape(-1)


class _Ready:
    """A layer in the form its kernel takes."""

    def __init__(self, layer: Layer, lanes: int, blocks: int) -> None:
        self.geometry = geometry(layer, lanes, blocks)
        shape, out = self.geometry[:3], self.geometry[3:6]
        self.words_in, self.words_out = words(int(shape.prod())), words(layer.neurons)
        self.positions, self.channels = int(out[0] * out[1]), int(out[2])
        self.width = lanes * blocks
        bias = layer.bias.reshape(-1, layer.channels)  # of a row for all positions, or one for each
        self.bias = _padded(bias, (len(bias), layer.channels), self.width)
        potential = layer.initial_potential
        if np.ndim(potential):
            potential = np.reshape(potential, (self.positions, layer.channels))
        self.initial = _padded(potential, (self.positions, layer.channels), self.width)


class _Rows(_Ready):
    """A dense layer or convolution as blocks of weight rows."""

    def __init__(self, layer: Layer, leads: bool) -> None:
        layer = _side_by_side(layer)
        made = WeightRows.of(layer)
        super().__init__(layer, made.lanes, len(made.blocks))
        self.blocks, self.weights, self.fan_in = made.blocks, made.weights, made.fan_in
        self.used_inputs = _packed(fanout(layer).reshape(-1) > 0)
        self.patch_words = words(self.fan_in)
        channels = int(self.geometry[2])
        self.cells = -(-channels // CELL)
        self.cell = -(-channels // self.cells)
        self.tables = self._tables(made) if leads and self.fan_in <= TABLE_INPUTS else aligned(0, np.float32)

    def _tables(self, made: WeightRows) -> np.ndarray:
        """Sums of the weight rows of all subsets of four inputs each, (blocks, groups, 16, lanes), flattened."""
        lanes, groups = made.lanes, -(-self.fan_in // 4)
        tables = aligned(len(self.blocks) * groups * 16 * lanes, np.float32)
        shaped = tables.reshape(len(self.blocks), groups, 16, lanes)
        for (*_, inputs, at), block in zip(self.blocks, shaped, strict=True):
            weights_here = self.weights[at : at + made.window * inputs * lanes].reshape(-1, lanes)
            for row, weights in enumerate(weights_here):
                numbers = [number for number in range(16) if number >> row % 4 & 1]
                block[row // 4, numbers] += weights
        return tables


def _packed(flags: np.ndarray) -> np.ndarray:
    """Flags as bits of words, uint64."""
    bits = np.packbits(flags, bitorder="little")
    return np.pad(bits, (0, -len(bits) % 8)).view("<u8").astype(np.uint64)


class _Channelwise(_Ready):
    """A depthwise layer with one output per channel."""

    def __init__(self, layer: DepthwiseConv2D) -> None:
        channels = layer.channels
        super().__init__(layer, 64, -(-channels // 64))
        self.side = max(1, 64 // channels)
        taps = layer.weights.shape[0] * layer.weights.shape[1]
        kernel = np.tile(layer.weights.reshape(taps, channels), (1, self.side))
        self.weights = _padded(kernel, (taps, self.side * channels), self.width)
        # a padded lane never gets anywhere; lanes of positions beyond the last may fire, and are not sent
        if layer.bias.ndim == 1:
            self.bias = _padded(np.tile(layer.bias, self.side), (1, self.side * channels), self.width)
        else:
            self.bias = _padded(layer.bias.reshape(1, -1), (1, layer.neurons), layer.neurons + 63)
        potential = np.broadcast_to(layer.initial_potential, layer.output_shape).reshape(1, -1)
        self.initial = _padded(potential, (1, layer.neurons), layer.neurons + 63)


def _never_fires(layer: Layer) -> np.ndarray:
    """Which channels of a layer never fire if nothing reaches them, bool (channels,)."""
    bias, potential = (
        np.broadcast_to(values, layer.output_shape).reshape(-1, layer.channels).max(axis=0)
        for values in (layer.bias, layer.initial_potential)
    )
    return np.asarray((bias <= 0) & (potential < THRESHOLD))


def _side_by_side(layer: Layer) -> Layer:
    """`layer`, or, if it is a convolution of few channels, that whose channels are those of several columns side by side."""
    side = beside(layer)
    if side == 1 or not isinstance(layer, Conv2D):
        return layer
    rows, columns, _ = layer.output_shape
    potential = layer.initial_potential
    return replace(
        layer,
        **laid_beside(layer, side),
        bias=np.tile(layer.bias, side) if layer.bias.ndim == 1 else layer.bias.reshape(rows, columns // side, -1),
        initial_potential=np.reshape(potential, (rows, columns // side, -1)) if np.ndim(potential) else potential,
        cap=None,
        ann_bias=None,
    )


@dataclass
class _Scratch:
    """What one thread works with; nothing in it outlives a call but its memory."""

    trains: list[np.ndarray]  # of each population that fires
    membranes: list[np.ndarray]  # of each layer
    resting: list[np.ndarray]
    sends: np.ndarray
    events: np.ndarray
    starts: np.ndarray
    any_time: np.ndarray
    patch: np.ndarray
    sums: np.ndarray
    potentials: np.ndarray
    waits: np.ndarray
    fired: np.ndarray
    arrived: np.ndarray
    steps: np.ndarray


@dataclass
class _Batch:
    """A batch being simulated: its inputs and its results, in which every item has places of its own."""

    inputs: np.ndarray
    traced: int
    block: Block
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass
class _Part:
    """The items of a batch that share a call of a kernel.

    Attributes:
        start: the first of them.
        items: how many there are.
        keeping: for how many of the first of them spike trains and potentials are kept.
        active: those that have not ended, counted from `start`.
        constant: the first layer's current under analog input.
    """

    start: int
    items: int
    keeping: int
    active: np.ndarray
    constant: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))


class EventEngine(Engine):
    """See the module.

    Args:
        network: the network.
        settings: the options.
        record: which spike trains and potentials to return.
        threads: number of threads; None takes as many as NUMBA_NUM_THREADS says, by default one per processor.
    """

    name = "event"

    def __init__(self, network: SpikingNetwork, settings: Settings, record: Record, threads: int | None = None) -> None:
        super().__init__(network, settings, record)
        self.threads = _processors() if threads is None else check.integer("threads", threads, 1)
        self._layers: list[_Rows | _Channelwise] = []
        path = network.single_path("EventEngine (`make_engine` takes graphs)")
        # recorded populations are whole
        self._active = Active.of(path, None if record.spikes or record.potentials else _never_fires)
        maps = [
            fanout(layer, settings.synapses).reshape(-1, len(kept))[:, kept].reshape(-1)
            for layer, kept in zip(path, self._active.kept, strict=True)
        ]
        for index, layer in enumerate(self._active.layers):
            alone = isinstance(layer, DepthwiseConv2D) and layer.weights.shape[3] == 1
            driven_by_numbers = index == 0 and settings.input == "analog"
            if isinstance(layer, DepthwiseConv2D) and alone and not driven_by_numbers:
                self._layers.append(_Channelwise(layer))
            else:
                self._layers.append(_Rows(layer, leads=index == 0))
        self._planes = [planes(one) for one in maps]
        self._first_fanout = maps[0]
        pixels = network.input.neurons
        self._initial = _padded(
            np.reshape(network.input.initial_potential, -1)
            if np.ndim(network.input.initial_potential)
            else network.input.initial_potential,
            (1, pixels),
            words(pixels) * 64,
        )
        self._chunk = -(-settings.steps // -(-settings.steps // CHUNK))
        self._adds = 0.15 * settings.steps * float(sum(int(one.sum()) for one in maps))
        train_bytes = 8 * settings.steps * max(layer.words_in for layer in self._layers)
        adds = max(1.0, self._adds)
        self._items_per_call = int(
            max(1, min(64, TRAIN_BUDGET // train_bytes, max(3e7 // adds, min(8, CALL_EVENTS // adds))))
        )
        self._free: list[_Scratch] = []
        self._ending = False
        self._frozen = settings.frozen_steps(network)
        self._to_zero, self._input_to_zero = (settings.resets_to_zero(input_layer=first) for first in (False, True))
        self._floor = NO_FLOOR if settings.floor is None else np.float32(settings.floor)
        general = settings.refractory > 0 or settings.floor is not None or bool(record.potentials)
        self._rows, self._channelwise, self._spiking_input = (
            (rows, channelwise, spiking_input) if general else (plain_rows, plain_channelwise, plain_spiking_input)
        )
        # the one that takes longest to compile first
        kernels: list[Kernel] = [self._rows]
        if any(isinstance(layer, _Channelwise) for layer in self._layers):
            kernels.append(self._channelwise)
        kernels.append(count)
        if settings.input != "analog":
            kernels.append(self._spiking_input if settings.input == "spiking" else given_spikes)
        if any(isinstance(layer, Convolution) for layer in path):
            kernels.append(convolve)  # for the analog twin, which a simulation asks for as well
        prepare(*kernels)

    @property
    def batch_size(self) -> int:
        settings, network = self.settings, self.network
        per_item = settings.steps * (4 * network.classes + 16 * len(network.layers))
        if settings.given:
            per_item += 5 * settings.steps * network.input.neurons  # drawing the spikes takes a float32 each
        size = int(min(BATCH_BUDGET // per_item, BATCH_EVENTS // max(1.0, self._adds), 8192))
        together = self._items_per_call * self.threads
        return max(1, size // together) * together

    def run(self, inputs: np.ndarray, traced: int = 0) -> Block:
        network = self.network
        if self._ending != (self.stop is not None):  # memory is laid out by whether items may end early
            self._ending = not self._ending
            self._free.clear()
        block = Block.empty(network, self.settings.steps, self.record, len(inputs), traced)
        together = min(self._together(), -(-len(inputs) // self.threads))
        self._share(_Batch(inputs, traced, block), range(0, len(inputs), together))
        last = network.layers[-1].name
        if last in block.potentials:
            block.potentials[last][:] = block.output[:traced]
        return block

    def _share(self, batch: _Batch, starts: range) -> None:
        """Simulate all items, from each of `starts` to the next, on `threads` threads."""
        queue: Iterator[int] = iter(starts)
        lock = threading.Lock()

        def work() -> None:
            scratch = self._free.pop() if self._free else self._scratch()
            while not batch.stop.is_set():
                with lock:
                    start = next(queue, None)
                if start is None:
                    break
                self._simulate(batch, start, min(start + starts.step, len(batch.inputs)), scratch)
            self._free.append(scratch)

        threads = min(self.threads, len(starts))
        if threads <= 1:
            work()
            return
        with ThreadPoolExecutor(threads, "snnviz-event") as pool:
            try:
                tasks = [pool.submit(work) for _ in range(threads)]
                done, _ = wait(tasks, return_when=FIRST_EXCEPTION)
                for task in done:
                    task.result()
            finally:
                batch.stop.set()  # an error or an interrupt: the others stop after the items they are at

    def _together(self) -> int:
        """Items in a call of a kernel: fewer where each needs trains and membranes of its own until it ends."""
        if self.stop is None:
            return self._items_per_call
        trains = 8 * self.settings.steps * sum(layer.words_in for layer in self._layers)
        states = (8 if self.settings.refractory else 4) * sum(len(layer.initial) for layer in self._layers)
        return int(max(1, min(64, STOP_BUDGET // (trains + states))))

    def _scratch(self) -> _Scratch:
        steps, chunk, items = self.settings.steps, self._chunk, self._together()
        sent = [layer.words_in for layer in self._layers]
        matrices = [layer for layer in self._layers if isinstance(layer, _Rows)]
        wide = [layer for layer in self._layers if isinstance(layer, _Channelwise)]
        taps = max((int(layer.geometry[6] * layer.geometry[7]) for layer in wide), default=0)
        pixels = max(int(layer.geometry[0] * layer.geometry[1]) for layer in matrices)
        cells = max(int(layer.geometry[0] * layer.geometry[1]) * layer.cells for layer in matrices)
        inputs = max(math.prod(map(int, layer.geometry[:3])) for layer in matrices)
        rests = self.settings.refractory > 0
        if (
            self.stop is None
        ):  # layer by layer for all steps: two trains take turns, and an item's membranes follow another's
            pair = [aligned(items * steps * max(each), np.uint64) for each in (sent[::2], [1, *sent[1::2]])]
            trains = [pair[index % 2] for index in range(len(sent))]
            size = max(64, *(len(layer.initial) for layer in matrices))
            membranes = [aligned(size, np.float32)] * len(sent)
            resting = [aligned(size if rests else 64, np.int32)] * len(sent)
        else:
            trains = [aligned(items * steps * each, np.uint64) for each in sent]
            membranes = [aligned(items * len(layer.initial), np.float32) for layer in self._layers]
            resting = [aligned(items * len(layer.initial) if rests else 64, np.int32) for layer in self._layers]
        return _Scratch(
            trains=trains,
            membranes=membranes,
            resting=resting,
            sends=aligned(items * max(sent), np.uint64),
            events=aligned(3 * (int(INPUTS_BELOW * inputs * chunk) + 128), np.uint32),
            starts=aligned(3 * (cells + 1), np.uint32),
            any_time=aligned(pixels + 1, np.uint64),
            patch=aligned(max(128, *(layer.patch_words * chunk for layer in matrices)), np.uint64),
            sums=aligned(64 * CHUNK, np.float32),
            potentials=aligned(64, np.float32),
            waits=aligned(64, np.int32),
            fired=aligned(CHUNK, np.uint64),
            arrived=aligned(taps * chunk, np.uint64),
            steps=np.zeros(steps, np.int64),
        )

    def _simulate(self, batch: _Batch, start: int, stop: int, scratch: _Scratch) -> None:
        """Simulate items start .. stop: all steps at once, or some at a time while any of them goes on."""
        network, settings = self.network, self.settings
        part = _Part(start, stop - start, max(0, min(batch.traced, stop) - start), np.arange(stop - start))
        if settings.input == "analog":
            part.constant = self._constant(batch.inputs[start:stop])
            arriving = (batch.inputs[start:stop].reshape(part.items, -1) > 0) @ self._first_fanout
            batch.block.events[start:stop, settings.delay :, 0] = arriving[:, None]
        else:
            self._send_input(batch, part, scratch)
        for name in {network.input.name} & set(batch.block.potentials):
            if settings.input != "spiking":
                batch.block.potentials[name][start : start + part.keeping] = np.nan
        length = settings.steps if self.stop is None else STOP_STEPS
        for begin in range(0, settings.steps, length):
            end = min(begin + length, settings.steps)
            self._take(batch, part, scratch, begin, end)
            if self.stop is not None and end < settings.steps:
                scores = read_out(batch.block.output[start:stop][part.active, :end], settings)
                part.active = part.active[~self.stop.sure(scores[:, begin:], begin).any(axis=1)]
                if not len(part.active):
                    break

    def _take(self, batch: _Batch, part: _Part, scratch: _Scratch, begin: int, end: int) -> None:
        """Steps begin .. end of the items that go on, layer by layer."""
        network, settings, steps = self.network, self.settings, self.settings.steps
        totals = np.zeros(part.items, np.int64)
        events, spikes, output = (
            array[part.start : part.start + part.items]
            for array in (batch.block.events, batch.block.spikes, batch.block.output)
        )
        frozen, to_zero, floor = self._frozen, self._to_zero, self._floor
        for index, (layer, ready) in enumerate(zip(self._active.layers, self._layers, strict=True)):
            given = index == 0 and settings.input == "analog"
            last = index == len(self._layers) - 1
            trains = scratch.trains[index]
            sent = scratch.trains[0][:0] if last else scratch.trains[index + 1]
            if not given:
                self._trace(batch, network.firing_names[index], trains, part)
                count(
                    trains, part.active, ready.words_in, steps, begin, end, settings.delay, *self._planes[index], index,
                    events, spikes, totals, scratch.sends, scratch.steps,
                )  # fmt: skip
            kept, keeping = (output, part.items) if last else self._kept(batch, layer.name, part)
            if isinstance(ready, _Rows):
                self._rows(
                    trains, part.active, totals, scratch.sends, part.constant if given else part.constant[:0], steps, begin, end,
                    self._chunk, settings.delay, frozen[index + 1], not last, to_zero, floor, settings.refractory,
                    ready.geometry, ready.cell, ready.blocks, ready.weights, ready.used_inputs, ready.tables, ready.bias,
                    ready.initial, sent, keeping, kept, scratch.membranes[index], scratch.resting[index],
                    0 if self.stop is None else len(ready.initial), scratch.patch, scratch.sums, scratch.fired,
                    scratch.events, scratch.starts, scratch.any_time,
                )  # fmt: skip
            else:
                states = len(scratch.membranes[index]) if self.stop is not None else 0
                self._channelwise(
                    trains, part.active, scratch.sends, steps, begin, end, self._chunk, settings.delay, frozen[index + 1],
                    to_zero, floor, settings.refractory, ready.geometry, ready.side, ready.weights, ready.bias, ready.initial,
                    sent, keeping, kept, scratch.membranes[index][:states], scratch.resting[index], scratch.arrived,
                    scratch.sums, scratch.potentials, scratch.waits, scratch.fired,
                )  # fmt: skip

    def _send_input(self, batch: _Batch, part: _Part, scratch: _Scratch) -> None:
        """The input's spikes of all steps."""
        settings, pixels = self.settings, self.network.input.neurons
        start, stop = part.start, part.start + part.items
        trains = scratch.trains[0][: part.items * self._layers[0].words_in * settings.steps]
        if settings.given:
            spikes = np.ascontiguousarray(batch.inputs[start:stop], np.uint8).reshape(-1)
            given_spikes(spikes, pixels, settings.steps, trains)
            return
        intensities = np.zeros((stop - start, len(self._initial)), np.float32)
        intensities[:, :pixels] = batch.inputs[start:stop].reshape(stop - start, -1)
        kept, keeping = self._kept(batch, self.network.input.name, part)
        self._spiking_input(
            intensities.reshape(-1), self._initial, pixels, settings.steps, self._input_to_zero,
            settings.refractory, trains, keeping, kept, scratch.potentials, scratch.waits,
        )  # fmt: skip

    def _constant(self, inputs: np.ndarray) -> np.ndarray:
        """The first layer's current under analog input, in the form its kernel takes; item by item, as sums of a matrix
        product depend on the size of the matrix."""
        from snnviz.simulation.analog import linear

        ready, layer = self._layers[0], self._active.layers[0]
        current = np.zeros((len(inputs), ready.positions, ready.width), np.float32)
        for item in range(len(inputs)):
            values = linear(layer, inputs[item : item + 1])
            current[item, :, : ready.channels] = values.reshape(ready.positions, ready.channels)
        return current.reshape(-1)

    @staticmethod
    def _kept(batch: _Batch, name: str, part: _Part) -> tuple[np.ndarray, int]:
        """Where potentials of a population go, and for how many items."""
        if name in batch.block.potentials and part.keeping:
            return batch.block.potentials[name][part.start : part.start + part.keeping], part.keeping
        return np.zeros((0, 0, 0), np.float32), 0

    def _trace(self, batch: _Batch, name: str, trains: np.ndarray, part: _Part) -> None:
        if name in batch.block.spike_trains and part.keeping:
            target = batch.block.spike_trains[name]
            neurons, steps = target.shape[2], self.settings.steps
            size = words(neurons)
            shaped = trains[: part.keeping * size * steps].reshape(part.keeping, size, steps)
            target[part.start : part.start + part.keeping] = unpack(shaped, neurons)
