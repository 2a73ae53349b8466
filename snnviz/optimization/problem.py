"""The expensive part of an evaluation: simulate the network of a vector on some items and count."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz.events import Recordings
from snnviz.hardware.spinnaker import model as spinnaker
from snnviz.network import SpikingNetwork
from snnviz.network.file import network_bytes, network_from_bytes
from snnviz.optimization.objective import Counts
from snnviz.optimization.onsets import OnsetSpace
from snnviz.optimization.scales import ScaleSpace
from snnviz.optimization.searcher import ONSETS, SCALES, WEIGHTS
from snnviz.optimization.weights import WeightSpace
from snnviz.simulation import Record, Settings
from snnviz.simulation.encoding import Inputs, Spikes
from snnviz.simulation.engine import Engine
from snnviz.simulation.stopping import read_out

ENGINES = ("event", "graph")
Space = ScaleSpace | OnsetSpace | WeightSpace
TARGETS = ("spinnaker",)
"""Hardware under whose constraints a network can be evaluated."""


class Problem:
    """A network, items, and how to simulate: everything that turns a vector into `Counts`.

    It can be sent to another process or machine; there the network arrives as the bytes of its file.

    Args:
        network: H_0.
        x: intensities in [0, 1], (items, *network.input_shape), or event recordings.
        y: class indices (items,).
        steps: time steps T.
        per: granularity of the vectors, see `ScaleSpace`.
        with_potentials: whether vectors hold initial potentials.
        engine: "event", which needs no TensorFlow, or "graph".
        target: evaluate the network as "spinnaker" would compute it (`snnviz.hardware.spinnaker.model`), without a pooling of
            its input; None for no constraints.
        vary: what vectors hold (`snnviz.optimization.searcher`); `per` and `with_potentials` are about "scales" alone.
        step_ms: milliseconds of a step, of recordings.
        input: how images arrive without a target, see `snnviz.Settings`.

    Raises:
        InputError: if the data do not fit, or there are none.
    """

    def __init__(
        self,
        network: SpikingNetwork,
        x: np.ndarray | Recordings,
        y: np.ndarray,
        steps: int = 50,
        per: str = "channel",
        with_potentials: bool = False,
        engine: str = "event",
        target: str | None = None,
        vary: str = SCALES,
        step_ms: float | None = None,
        input: str = "spiking",
    ) -> None:
        self.target = None if target is None else check.choice("target", target, TARGETS)
        mode = {"input": "spikes", "step_ms": step_ms} if isinstance(x, Recordings) else {"input": input}
        self.settings = Settings(steps=steps, **(spinnaker.SETTINGS if self.target else mode))
        self.x: Any = Inputs.of(network, x, self.settings).x
        self.y = check.labels("y", y, len(self.x), network.classes)
        self.per, self.with_potentials = per, with_potentials
        self.engine = check.choice("engine", engine, ENGINES)
        self.vary = check.choice("vary", vary, (SCALES, ONSETS, WEIGHTS))
        self.space = self._space(network)
        self._file = b""

    def _space(self, network: SpikingNetwork) -> Space:
        if self.vary == ONSETS:
            return OnsetSpace(network)
        return WeightSpace(network) if self.vary == WEIGHTS else ScaleSpace(network, self.per, self.with_potentials)

    @property
    def network(self) -> SpikingNetwork:
        """H_0."""
        return self.space.network

    @cached_property
    def reference(self) -> float:
        """A_ref, the accuracy of the analog network on the items; scales do not change it."""
        return self.inputs.accuracy(self.network, self.y)

    @cached_property
    def inputs(self) -> Inputs | Spikes:
        """The items as engines take them."""
        return Inputs.of(self.network, self.x, self.settings)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of everything that a vector's counts depend on: network, items, settings, meaning of the vector."""
        found = hashlib.sha256(self.network.hash.encode())
        found.update(
            repr(
                (len(self.x), self.x.shape, self.settings, self.target, self.per, self.with_potentials, self.vary)
            ).encode()
        )
        for part in (self.x.t, self.x.place, self.x.starts) if isinstance(self.x, Recordings) else (self.x,):
            found.update(np.ascontiguousarray(part).data)
        found.update(self.y.data)
        return found.hexdigest()

    def key(self, vector: np.ndarray) -> str:
        """The name of an evaluation: SHA-256 of its content."""
        return hashlib.sha256(self.hash.encode() + np.ascontiguousarray(vector, np.float64).tobytes()).hexdigest()

    def count(self, vector: np.ndarray, start: int = 0, stop: int | None = None, threads: int | None = None) -> Counts:
        """Simulate items `start` to `stop` with the network of `vector`.

        Args:
            vector: see `ScaleSpace`.
            start: the first item.
            stop: one beyond the last item; None for all.
            threads: of the event engine; None takes one per processor.
        """
        inputs, end = self.inputs, len(self.x) if stop is None else min(stop, len(self.x))
        network = self.space.apply(vector)
        if self.target:
            network = spinnaker.quantise(network).network
        engine = self._made_ready(network, threads)
        correct = np.zeros(self.settings.steps, np.int64)
        events = np.zeros(self.settings.steps, np.int64)
        for first in range(start, end, engine.batch_size):
            last = min(first + engine.batch_size, end)
            block = engine.run(inputs.part(first, last))
            predicted = read_out(block.output, self.settings).argmax(axis=-1)
            correct += (predicted == self.y[first:last, None]).sum(axis=0)
            events += block.events.sum(axis=(0, 2))
        return Counts(correct, events, end - start)

    def _made_ready(self, network: SpikingNetwork, threads: int | None) -> Engine:
        record = Record(prediction=False)
        if self.engine == "event":
            from snnviz.simulation.event_graph import event_engine

            return event_engine(network, self.settings, record, threads)
        from snnviz.simulation.graph import GraphEngine

        return GraphEngine(network, self.settings, record)

    def __getstate__(self) -> dict[str, Any]:
        state = {
            name: getattr(self, name)
            for name in ("x", "y", "settings", "target", "per", "with_potentials", "engine", "vary")
        }
        return state | {"_file": self._file or network_bytes(self.network)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.space = self._space(network_from_bytes(self._file))
