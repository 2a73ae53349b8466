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
from snnviz.network import Conv2D, Convolution, Dense, DepthwiseConv2D, Layer, SpikingNetwork
from snnviz.simulation.engine import Block, Engine
from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.channelwise import channelwise
from snnviz.simulation.kernels.compiler import prepare
from snnviz.simulation.kernels.counting import count, planes
from snnviz.simulation.kernels.neurons import NO_FLOOR, given_spikes, spiking_input
from snnviz.simulation.kernels.rows import LIST_POSITIONS, LIST_SHARE, LIST_SLACK, rows
from snnviz.simulation.kernels.trains import unpack, words
from snnviz.simulation.settings import Record, Settings
from snnviz.simulation.synops import fanout

CHUNK = 64
"""Most steps for which a patch is held at once: their sums (16 KiB) share the level-1 cache with a tile of weights."""
TRAIN_BUDGET = 2**21
"""Bytes that the largest population's trains may take in one call of a kernel; decides how many items share a call."""
BATCH_BUDGET = 2**27
"""Bytes that the arrays of a batch may take: spikes handed in, potentials and counts handed out."""
BATCH_EVENTS = 2e9
"""About the synaptic adds of a batch, at 15 % density: a fraction of a second, that progress and interruption wait."""

NO_BIAS = np.zeros(64, np.float32)


def _processors() -> int:
    """As many threads as Numba would take."""
    return int(getattr(numba_config, "NUMBA_NUM_THREADS", 1))


def aligned(size: int, dtype: Any) -> np.ndarray:
    """Zeros on a cache line's boundary, so that no vector straddles two lines."""
    line = 64
    raw = np.zeros(size * np.dtype(dtype).itemsize + line, np.uint8)
    start = -raw.ctypes.data % line
    return raw[start : start + size * np.dtype(dtype).itemsize].view(dtype)


def _padded(values: Any, shape: tuple[int, int], width: int) -> np.ndarray:
    """`values`, broadcast to `shape`, with rows padded by zeros to `width`, flattened: float32."""
    padded = aligned(shape[0] * width, np.float32).reshape(shape[0], width)
    padded[:, : shape[1]] = np.broadcast_to(np.asarray(values, np.float32), (shape[0], shape[1]))
    return padded.reshape(-1)


class _Ready:
    """A layer in the form its kernel takes."""

    def __init__(self, layer: Layer, lanes: int, blocks: int) -> None:
        shape = (1, 1, layer.weights.shape[0]) if isinstance(layer, Dense) else layer.input_shape
        out = (1, 1, layer.channels) if isinstance(layer, Dense) else layer.output_shape
        kernel, strides, edges, dilation = (1, 1), (1, 1), (0, 0), (1, 1)
        if isinstance(layer, Convolution):
            kernel, strides, dilation = layer.weights.shape[:2], layer.strides, layer.dilation
            edges = (layer.padding[0][0], layer.padding[1][0])
        self.geometry = np.array([*shape, *out, *kernel, *strides, *edges, *dilation, lanes, blocks], np.int64)
        self.words_in, self.words_out = words(math.prod(shape)), words(layer.neurons)
        self.positions, self.channels = out[0] * out[1], out[2]
        self.width = lanes * blocks
        bias = layer.bias.reshape(-1, layer.channels)  # of a row for all positions, or one for each
        self.bias = _padded(bias, (len(bias), layer.channels), self.width)
        potential = layer.initial_potential
        if np.ndim(potential):
            potential = np.reshape(potential, (self.positions, layer.channels))
        self.initial = _padded(potential, (self.positions, layer.channels), self.width)


class _Rows(_Ready):
    """A dense layer or convolution as blocks of weight rows."""

    def __init__(self, layer: Layer) -> None:
        layer = _side_by_side(layer)
        kernel, groups = _as_grouped(layer)
        outputs = layer.channels
        lanes = next((lanes for lanes in simd.LANES if lanes >= outputs), simd.LANES[-1])
        super().__init__(layer, lanes, -(-outputs // lanes))
        window, per_group = kernel.shape[0] * kernel.shape[1], kernel.shape[2]
        outputs_per_group = outputs // groups
        table, places = [], 0
        for first in range(0, outputs, lanes):
            here = min(lanes, outputs - first)
            low, high = first // outputs_per_group, (first + here - 1) // outputs_per_group + 1
            table.append((first, here, low * per_group, (high - low) * per_group, places * lanes))
            places += window * (high - low) * per_group + 1  # and a row of zeros
        self.blocks = np.array(table, np.int64)
        self.fan_in = window * int(self.blocks[:, 3].max())
        width, channels = int(self.geometry[1]), int(self.geometry[2])
        self.patch_words = max(words(self.fan_in), words(width * channels))
        self.weights = aligned(places * lanes, np.float32)
        for first, here, low, inputs, at in table:
            block = self.weights[at : at + window * inputs * lanes].reshape(*kernel.shape[:2], inputs, lanes)
            for group in range(low // per_group, (low + inputs) // per_group):
                start = max(first, group * outputs_per_group)
                stop = min(first + here, (group + 1) * outputs_per_group)
                incoming = slice(group * per_group - low, (group + 1) * per_group - low)
                block[:, :, incoming, start - first : stop - first] = kernel[..., start:stop]

    def lists(self, chunk: int) -> tuple[int, int, int]:
        """Sizes of the arrays spikes, ends and listed of `rows`: for the worst, memory that is rarely touched."""
        height, width, channels = (int(size) for size in self.geometry[:3])
        spikes = int(LIST_SHARE * height * width * channels * chunk) + width * channels * chunk + LIST_SLACK
        room = min(self.fan_in * chunk, spikes) + (LIST_SLACK + simd.UNROLLED) * chunk
        together = min(int(self.geometry[4]), LIST_POSITIONS)
        return spikes + LIST_SLACK, height * chunk * (width + 1), together * room


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


def _side_by_side(layer: Layer) -> Layer:
    """`layer`, or, if it is a convolution of few channels, one whose channels are those of several columns side by side.

    It has the same neurons in the same order. Its kernel is wider by the columns in between, with zeros where a column's
    own kernel does not reach; a spike then adds one long row where it would add a short one for each column.
    """
    if not isinstance(layer, Conv2D) or layer.groups > 1 or layer.dilation[1] > 1:
        return layer
    height, width, channels, outputs = layer.weights.shape
    stride = layer.strides[1]
    rows, columns, _ = layer.output_shape
    side = next((side for side in (4, 2) if side * outputs <= simd.LANES[-1] and columns % side == 0), 1)
    if side == 1 or width <= stride:  # windows that share no column share no row either
        return layer
    kernel = np.zeros((height, width + (side - 1) * stride, channels, side, outputs), np.float32)
    for column in range(side):
        kernel[:, column * stride : column * stride + width, :, column] = layer.weights
    potential = layer.initial_potential
    return replace(
        layer,
        weights=kernel.reshape(*kernel.shape[:3], side * outputs),
        bias=np.tile(layer.bias, side) if layer.bias.ndim == 1 else layer.bias.reshape(rows, columns // side, -1),
        strides=(layer.strides[0], side * stride),
        initial_potential=np.reshape(potential, (rows, columns // side, -1)) if np.ndim(potential) else potential,
        cap=None,
        ann_bias=None,
    )


def _as_grouped(layer: Layer) -> tuple[np.ndarray, int]:
    """Any layer's weights as those of a grouped convolution, and the number of groups."""
    if isinstance(layer, Dense):
        return layer.weights[None, None], 1
    if isinstance(layer, (Conv2D, DepthwiseConv2D)):
        return layer.grouped_weights, layer.groups
    raise NotImplementedError(f"no event-driven form of layer kind {layer.kind!r}")


@dataclass
class _Scratch:
    """What one thread works with; nothing in it outlives a call but its memory."""

    trains: tuple[np.ndarray, np.ndarray]
    patch: np.ndarray
    sums: np.ndarray
    potentials: np.ndarray
    waits: np.ndarray
    fired: np.ndarray
    arrived: np.ndarray
    spikes: np.ndarray
    ends: np.ndarray
    listed: np.ndarray
    starts: np.ndarray
    steps: np.ndarray


@dataclass
class _Job:
    """A batch being simulated: its inputs and its results, in which every item has places of its own."""

    inputs: np.ndarray
    traced: int
    block: Block
    spikes: np.ndarray
    stop: threading.Event = field(default_factory=threading.Event)


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
        self._path = network.single_path("EventEngine (`make_engine` takes graphs)")
        maps = [fanout(layer, settings.synapses).reshape(-1) for layer in self._path]
        for index, layer in enumerate(self._path):
            alone = isinstance(layer, DepthwiseConv2D) and layer.weights.shape[3] == 1
            driven_by_numbers = index == 0 and settings.input == "analog"
            if isinstance(layer, DepthwiseConv2D) and alone and not driven_by_numbers:
                self._layers.append(_Channelwise(layer))
            else:
                self._layers.append(_Rows(layer))
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
        self._items_per_call = int(max(1, min(64, TRAIN_BUDGET // train_bytes, 3e7 // max(1.0, self._adds))))
        self._free: list[_Scratch] = []
        kernels = [count, *{channelwise if isinstance(layer, _Channelwise) else rows for layer in self._layers}]
        if settings.input != "analog":
            kernels.append(spiking_input if settings.input == "spiking" else given_spikes)
        prepare(*kernels)

    @property
    def batch_size(self) -> int:
        settings, network = self.settings, self.network
        per_item = settings.steps * (4 * network.classes + 16 * len(network.layers))
        if settings.input == "poisson":
            per_item += 5 * settings.steps * network.input.neurons  # drawing the spikes takes a float32 each
        size = int(min(BATCH_BUDGET // per_item, BATCH_EVENTS // max(1.0, self._adds), 8192))
        together = self._items_per_call * self.threads
        return max(1, size // together) * together

    def run(self, inputs: np.ndarray, traced: int = 0) -> Block:
        network, steps, depth = self.network, self.settings.steps, len(self.network.layers)
        items = len(inputs)
        block = Block.empty(network, steps, self.record, items, traced)
        job = _Job(inputs, traced, block, np.zeros((items, steps, depth), np.int64))
        self._share(job, range(0, items, self._items_per_call))
        block.spikes[:] = job.spikes.sum(axis=0)
        last = network.layers[-1].name
        if last in block.potentials:
            block.potentials[last][:] = block.output[:traced]
        return block

    def _share(self, job: _Job, starts: range) -> None:
        """Simulate all items, `_items_per_call` at a time, on `threads` threads."""
        queue: Iterator[int] = iter(starts)
        lock = threading.Lock()

        def work() -> None:
            scratch = self._free.pop() if self._free else self._scratch()
            while not job.stop.is_set():
                with lock:
                    start = next(queue, None)
                if start is None:
                    break
                self._simulate(job, start, min(start + self._items_per_call, len(job.inputs)), scratch)
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
                job.stop.set()  # an error or an interrupt: the others stop after the items they are at

    def _scratch(self) -> _Scratch:
        steps, chunk = self.settings.steps, self._chunk
        sent = [layer.words_in for layer in self._layers]
        matrices = [layer for layer in self._layers if isinstance(layer, _Rows)]
        longest = max(steps if isinstance(layer, _Channelwise) else chunk for layer in self._layers)
        wide = [layer for layer in self._layers if isinstance(layer, _Channelwise)]
        taps = max((int(layer.geometry[6] * layer.geometry[7]) for layer in wide), default=0)
        membranes = max(64, *(len(layer.initial) for layer in matrices))
        lists = [layer.lists(chunk) for layer in matrices]
        size = self._items_per_call * steps
        return _Scratch(
            trains=(aligned(size * max(sent[::2]), np.uint64), aligned(size * max([1, *sent[1::2]]), np.uint64)),
            patch=aligned(max(layer.patch_words for layer in matrices) * chunk, np.uint64),
            sums=aligned(64 * longest, np.float32),
            potentials=aligned(membranes, np.float32),
            waits=aligned(membranes if self.settings.refractory else 64, np.int32),
            fired=aligned(longest, np.uint64),
            arrived=aligned(taps * steps, np.uint64),
            spikes=aligned(max(spikes for spikes, _, _ in lists), np.uint32),
            ends=aligned(max(ends for _, ends, _ in lists), np.uint32),
            listed=aligned(max(listed for _, _, listed in lists), np.uint32),
            starts=np.zeros(LIST_POSITIONS * chunk + 1, np.int64),
            steps=np.zeros(steps, np.int64),
        )

    def _simulate(self, job: _Job, start: int, stop: int, scratch: _Scratch) -> None:
        """Simulate items start .. stop, layer by layer."""
        network, settings = self.network, self.settings
        items, steps = stop - start, settings.steps
        frozen = settings.frozen_steps(network)
        keeping = max(0, min(job.traced, stop) - start)
        totals = np.zeros(items, np.int64)
        events, spikes = job.block.events[start:stop], job.spikes[start:stop]
        trains = scratch.trains[0][: items * self._layers[0].words_in * steps]
        constant = np.zeros(0, np.float32)
        if settings.input == "analog":
            constant = self._constant(job.inputs[start:stop])
            arriving = (job.inputs[start:stop].reshape(items, -1) > 0) @ self._first_fanout
            events[:, settings.delay :, 0] = arriving[:, None]
        else:
            self._send_input(job, start, stop, trains, keeping, scratch)
        for name in {network.input.name} & set(job.block.potentials):
            if settings.input != "spiking":
                job.block.potentials[name][start : start + keeping] = np.nan
        for index, (layer, ready) in enumerate(zip(network.layers, self._layers, strict=True)):
            given = index == 0 and settings.input == "analog"
            if not given:
                self._trace(job, network.firing_names[index], trains, start, keeping)
                count(
                    trains, ready.words_in, steps, settings.delay, *self._planes[index], index, events, spikes,
                    totals, scratch.steps,
                )  # fmt: skip
            last = index == len(self._layers) - 1
            sent = scratch.trains[(index + 1) % 2][: 0 if last else items * ready.words_out * steps]
            kept, keeping_here = self._kept(job, layer.name, start, keeping)
            if last:
                kept, keeping_here = job.block.output[start:stop], items
            to_zero = settings.resets_to_zero(input_layer=False)
            floor = NO_FLOOR if settings.floor is None else np.float32(settings.floor)
            if isinstance(ready, _Rows):
                rows(
                    trains, totals, constant if given else constant[:0], steps, self._chunk, settings.delay, frozen[index + 1],
                    not last, to_zero, floor, settings.refractory, ready.geometry, ready.blocks, ready.weights, ready.bias,
                    ready.initial, sent, keeping_here, kept, scratch.patch, scratch.sums, scratch.potentials,
                    scratch.waits, scratch.fired, scratch.spikes, scratch.ends, scratch.listed, scratch.starts,
                )  # fmt: skip
            else:
                channelwise(
                    trains, items, steps, settings.delay, frozen[index + 1], to_zero, floor, settings.refractory, ready.geometry,
                    ready.side, ready.weights, ready.bias, ready.initial, sent, keeping_here, kept, scratch.arrived,
                    scratch.sums, scratch.potentials, scratch.waits, scratch.fired,
                )  # fmt: skip
            trains = sent

    def _send_input(
        self, job: _Job, start: int, stop: int, trains: np.ndarray, keeping: int, scratch: _Scratch
    ) -> None:
        settings, pixels = self.settings, self.network.input.neurons
        if settings.input == "poisson":
            spikes = np.ascontiguousarray(job.inputs[start:stop], np.uint8).reshape(-1)
            given_spikes(spikes, pixels, settings.steps, trains)
            return
        intensities = np.zeros((stop - start, len(self._initial)), np.float32)
        intensities[:, :pixels] = job.inputs[start:stop].reshape(stop - start, -1)
        kept, keeping = self._kept(job, self.network.input.name, start, keeping)
        spiking_input(
            intensities.reshape(-1), self._initial, pixels, settings.steps, settings.resets_to_zero(input_layer=True),
            settings.refractory, trains, keeping, kept, NO_BIAS, scratch.potentials, scratch.waits,
        )  # fmt: skip

    def _constant(self, inputs: np.ndarray) -> np.ndarray:
        """The first layer's current under analog input, in the form its kernel takes; item by item, as sums of a matrix
        product depend on the size of the matrix."""
        from snnviz.simulation.analog import linear

        ready, layer = self._layers[0], self._path[0]
        current = np.zeros((len(inputs), ready.positions, ready.width), np.float32)
        for item in range(len(inputs)):
            values = linear(layer, inputs[item : item + 1])
            current[item, :, : ready.channels] = values.reshape(ready.positions, ready.channels)
        return current.reshape(-1)

    @staticmethod
    def _kept(job: _Job, name: str, start: int, keeping: int) -> tuple[np.ndarray, int]:
        """Where potentials of a population go, and for how many items."""
        if name in job.block.potentials and keeping:
            return job.block.potentials[name][start : start + keeping], keeping
        return np.zeros((0, 0, 0), np.float32), 0

    def _trace(self, job: _Job, name: str, trains: np.ndarray, start: int, keeping: int) -> None:
        if name in job.block.spike_trains and keeping:
            target = job.block.spike_trains[name]
            neurons, steps = target.shape[2], self.settings.steps
            size = words(neurons)
            shaped = trains[: keeping * size * steps].reshape(keeping, size, steps)
            target[start : start + keeping] = unpack(shaped, neurons)
