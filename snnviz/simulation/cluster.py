"""An engine on the workers of a dask.distributed cluster: items are shared out in parts of a fixed size."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import numpy as np

from snnviz._cluster import Cluster
from snnviz._versions import installed
from snnviz.network import SpikingNetwork
from snnviz.network.file import network_bytes, network_from_bytes
from snnviz.simulation.engine import Block, Engine
from snnviz.simulation.engines import make_engine
from snnviz.simulation.settings import Record, Settings
from snnviz.simulation.stopping import Stop

PART = 50
"""Items of a task. It does not depend on the number of workers: what matrix products round, they round alike."""
WAITING = 4
"""Tasks for each processor of the cluster that are handed out at once."""


class ClusterEngine(Engine):
    """`simulate`'s engine on a cluster, each task on one processor.

    Args:
        network: the network.
        settings: the options.
        record: which spike trains and potentials to return.
        engine: the engine of the workers, "event" or "graph".
        cluster: whose workers simulate.
    """

    name: ClassVar[str]

    def __init__(
        self, network: SpikingNetwork, settings: Settings, record: Record, engine: str, cluster: Cluster
    ) -> None:
        super().__init__(network, settings, record)
        self.name = engine  # type: ignore[misc]
        self._cluster = cluster
        self._network = cluster.keep(network_bytes(network), f"snnviz-network-{network.hash}")

    @property
    def batch_size(self) -> int:
        return PART * WAITING * self._cluster.processors

    @property
    def versions(self) -> dict[str, str]:
        return installed(["distributed"])

    def run(self, inputs: np.ndarray, traced: int = 0) -> Block:
        rest = (self.network.hash, self._network, self.settings, self.record, self.name, self.stop)
        tasks = [
            (*rest, inputs[start : start + PART], min(max(traced - start, 0), len(inputs[start : start + PART])))
            for start in range(0, len(inputs), PART)
        ]
        return _joined(self._cluster.map(_simulated, tasks))


def _simulated(
    known_as: str,
    file: bytes,
    settings: Settings,
    record: Record,
    name: str,
    stop: Stop | None,
    inputs: np.ndarray,
    traced: int,
) -> Block:
    """In a worker: a part of the items."""
    wanted = (known_as, settings, record, name, stop)
    if getattr(_ready, "wanted", None) != wanted:
        _ready.engine, _ready.wanted = _made(network_from_bytes(file), settings, record, name), wanted
        _ready.engine.stop = stop
    engine: Engine = _ready.engine
    return engine.run(inputs, traced)


_ready = threading.local()
"""In a worker: the engine of the simulation that it works on; each of its threads has its own."""


def _made(network: SpikingNetwork, settings: Settings, record: Record, name: str) -> Engine:
    if name == "event":
        from snnviz.simulation.event_graph import event_engine

        return event_engine(network, settings, record, threads=1)
    return make_engine(name, network, settings, record)


def _joined(blocks: list[Block]) -> Block:
    """The blocks of consecutive items as one."""

    def whole(arrays: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(arrays)

    def each(field: str) -> dict[str, Any]:
        return {name: whole([getattr(block, field)[name] for block in blocks]) for name in getattr(blocks[0], field)}

    return Block(
        output=whole([block.output for block in blocks]),
        events=whole([block.events for block in blocks]),
        spikes=whole([block.spikes for block in blocks]),
        spike_trains=each("spike_trains"),
        potentials=each("potentials"),
    )
