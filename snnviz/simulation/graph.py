"""The graph engine: a whole simulation as one compiled program, on TensorFlow or JAX.

Keras chooses the backend (environment variable KERAS_BACKEND). The program itself is in `snnviz.simulation._program`. Weights are
arguments of it and not constants in it: networks of the same architecture, such as the rescaled ones of an
optimisation, share one compilation.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from snnviz import _checks as check
from snnviz._backend import on_cpu, use
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork
from snnviz.simulation._program import EXACT, Form, LayerForm, ProjectionForm, compiled, count_unit, parameters
from snnviz.simulation.engine import Block, Engine
from snnviz.simulation.neurons import neurons_of
from snnviz.simulation.settings import Record, Settings

MEMORY_BUDGET = 2**30
"""Bytes that the program's arrays may take, by default."""
CHUNK = 5
"""Steps in a chunk, at most, by default."""
CHUNK_BYTES = 8 * 2**20
"""What a chunk's largest map and its spikes may take on a CPU, so that a layer's output is still in the cache when it is read."""


class GraphEngine(Engine):
    """One compiled program for the whole simulation of a batch; see `Engine` for the contract.

    Items go through the program in batches of one size, the last of them padded with items that are dropped. On
    networks off a dyadic grid sums round differently with the shape of a matrix product, so that another batch size
    may change last bits (and, rarely, a spike); none of the counts ever rounds.

    Args:
        network: the network.
        settings: the options.
        record: which spike trains and potentials to return.
        memory: bytes that the program's arrays may take, an estimate; batch and chunk are chosen to fit.
        batch_size: items in the program; None chooses.
        chunk: time steps in a chunk; None chooses.
        jit: compile with XLA (seconds, once per architecture and options); False is quicker only for very short
            simulations. JAX always compiles.

    Raises:
        InputError: if an argument is wrong, or a population has more neurons than can be counted exactly (2^24).
    """

    name = "graph"

    def __init__(
        self,
        network: SpikingNetwork,
        settings: Settings,
        record: Record,
        *,
        memory: int = MEMORY_BUDGET,
        batch_size: int | None = None,
        chunk: int | None = None,
        jit: bool = True,
        _counting: bool = True,  # False only to measure what counting costs
    ) -> None:
        super().__init__(network, settings, record)
        check.integer("memory", memory, 1)
        largest = max(network.neurons.values())
        if largest > EXACT:
            raise InputError(f"`network` must have at most {EXACT} neurons in a layer. Received: {largest}")
        most = CHUNK if chunk is None else check.integer("chunk", chunk, 1)
        # as many chunks as needed, all as short as that allows: the last one runs past the end by few steps
        self._chunk = math.ceil(settings.steps / math.ceil(settings.steps / most))
        if batch_size is None:
            self._batch = _fitting_batch(network, settings, self._chunk, memory)
        else:
            self._batch = check.integer("batch_size", batch_size, 1)
        self._jit, self._counting = jit, _counting
        self._sizes: set[int] = set()
        self._fanouts = [[each.fanout(settings.synapses) for each in layer.projections] for layer in network.layers]
        self._layers = tuple(
            LayerForm(
                tuple(map(ProjectionForm.of, layer.projections, sources, maps)), layer.output_shape, layer.bias.shape
            )
            for layer, sources, maps in zip(network.layers, network.sources, self._fanouts, strict=True)
        )
        self._parameters = parameters(network, self._fanouts)

    @property
    def batch_size(self) -> int:
        return self._batch

    def run(self, inputs: np.ndarray, traced: int = 0) -> Block:
        blocks = []
        for start in range(0, len(inputs), self._batch):
            part = inputs[start : start + self._batch]
            blocks.append(self._run_batch(part, min(max(traced - start, 0), len(part))))
        return blocks[0] if len(blocks) == 1 else _joined(blocks)

    def _run_batch(self, inputs: np.ndarray, traced: int) -> Block:
        use()
        form = self._form(self._size(len(inputs)), traced)
        began = time.perf_counter()
        program, arranged = compiled(form), _arranged(form, inputs)
        if program not in _warm:  # its first call compiles; that is told apart from the work by doing this batch twice
            program(self._parameters, arranged)
            _warm.add(program)
            self.compiling_s += time.perf_counter() - began
        answer = program(self._parameters, arranged)
        # (chunks, chunk, ...) to (steps, ...), without the steps past the end
        by_step = {name: value.reshape(-1, *value.shape[2:])[: form.steps] for name, value in answer.items()}
        events, spikes = self._counts(form, inputs, by_step)
        return Block(
            output=np.ascontiguousarray(by_step["output"][:, : len(inputs)].swapaxes(0, 1)),
            events=events,
            spikes=spikes,
            spike_trains=self._traces(self.record.spikes, "train", bool, by_step, traced),
            potentials=self._traces(self.record.potentials, "potential", np.float32, by_step, traced),
        )

    def _traces(
        self, names: Sequence[str], kind: str, dtype: type, by_step: dict[str, np.ndarray], traced: int
    ) -> dict[str, np.ndarray]:
        """What was kept of the populations `names`, (traced, T, neurons)."""
        traces = {}
        for name in names:
            if traced:
                index = self.network.layer_names.index(name)
                traces[name] = np.ascontiguousarray(by_step[f"{kind}_{index}"][:, :traced].swapaxes(0, 1))
            else:
                traces[name] = np.zeros((0, self.settings.steps, self.network.neurons[name]), dtype)
        return traces

    def _size(self, items: int) -> int:
        """The program's batch for `items` items: one in use already that holds them, else a power of two."""
        fitting = [size for size in self._sizes if size >= items]
        size = min(fitting, default=min(self._batch, 1 << (items - 1).bit_length()))
        self._sizes.add(size)
        return size

    def _form(self, batch: int, traced: int) -> Form:
        settings, record = self.settings, self.record
        position = {name: index for index, name in enumerate(self.network.layer_names)}
        tracing = traced > 0 and bool(record.spikes or record.potentials)
        return Form(
            input_shape=self.network.input_shape,
            layers=self._layers,
            steps=settings.steps,
            input="given" if settings.given else settings.input,
            neurons=neurons_of(self.network, settings),
            delay=settings.delay,
            batch=batch,
            chunk=self._chunk,
            # one program for all batches with traced items, though the last of them may trace fewer
            traced=max(traced, min(batch, record.items)) if tracing else 0,
            trains=tuple(position[name] for name in record.spikes) if tracing else (),
            potentials=tuple(position[name] for name in record.potentials) if tracing else (),
            counting=self._counting,
            jit=self._jit,
        )

    def _counts(self, form: Form, inputs: np.ndarray, by_step: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Events and spikes (items, T, L) in integers, from partial sums that are exact in float32."""
        items, depth = len(inputs), len(form.layers)
        events = np.zeros((items, form.steps, depth), np.int64)
        spikes = np.zeros((items, form.steps, depth), np.int64)
        if not form.counting:
            return events, spikes
        sent = {
            index: by_step[f"spikes_{index}"][:, :items].astype(np.int64)
            for index in range(depth)
            if form.spikes(index)
        }
        for index, each in sent.items():
            spikes[..., index] = each.T
        for index, place, one in form.arriving():
            fanout = self._fanouts[index][place]
            if not form.spikes(one.source):  # the same events at every step
                events[:, form.delay :, index] += ((inputs.reshape(items, -1) > 0) @ fanout.ravel())[:, None]
            elif one.parts:
                arrived = by_step[f"events_{index}_{place}"][:, :items].astype(np.int64).sum(axis=-1)
                events[..., index] += arrived.T * count_unit(fanout)
            else:  # as many events for every spike
                events[:, form.delay :, index] += sent[one.source][: form.steps - form.delay].T * fanout.flat[0]
        return events, spikes


_warm: WeakSet[Any] = WeakSet()
"""Programs that have been called."""


def _fitting_batch(network: SpikingNetwork, settings: Settings, chunk: int, memory: int) -> int:
    """The batch whose arrays fit into `memory` and, on a CPU, a chunk of whose largest map fits into the cache."""
    sizes = list(network.neurons.values())
    state = 4 * sum(sizes) * (1 + (settings.refractory > 0) + settings.delay)
    # a layer's arriving and sent spikes, its drive, and what the linear part needs to work on
    maps = 4 * chunk * 4 * max(sizes)
    kept = 4 * settings.steps * (network.classes + 2 * len(network.layers))
    inputs = settings.steps * sizes[0] if settings.given else 4 * sizes[0]
    batch = memory // (2 * state + maps + kept + inputs)  # a loop may hold its state twice
    if on_cpu():
        batch = min(batch, CHUNK_BYTES // (8 * chunk * max(sizes)))
    return max(1, batch)


def _arranged(form: Form, inputs: np.ndarray) -> np.ndarray:
    """Inputs as the program takes them, padded to its batch and for given spikes time first, in chunks."""
    padded = np.zeros((form.batch, *inputs.shape[1:]), inputs.dtype)
    padded[: len(inputs)] = inputs
    if form.input != "given":
        return padded
    steps = form.chunks * form.chunk
    trains = np.zeros((steps, form.batch, *form.input_shape), np.uint8)
    trains[: form.steps] = padded.swapaxes(0, 1)
    return trains.reshape(form.chunks, form.chunk, form.batch, *form.input_shape)


def _joined(blocks: Sequence[Block]) -> Block:
    def traces(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return Block(
        output=np.concatenate([block.output for block in blocks]),
        events=np.concatenate([block.events for block in blocks]),
        spikes=np.concatenate([block.spikes for block in blocks]),
        spike_trains=traces([block.spike_trains for block in blocks]),
        potentials=traces([block.potentials for block in blocks]),
    )
