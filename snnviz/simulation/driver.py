"""`simulate`: checks what it gets, feeds an engine batch by batch, and gathers one result."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz import _progress, pretrained
from snnviz._arguments import checked, shows_fields
from snnviz._memory import check_room
from snnviz._versions import versions
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.network import SpikingNetwork
from snnviz.simulation.encoding import Inputs, Spikes
from snnviz.simulation.engine import Block, Engine
from snnviz.simulation.engines import ENGINES, EngineMaker, check_engine, make_engine
from snnviz.simulation.settings import Record, Settings, other_input
from snnviz.simulation.stopping import Stop, read_out

if TYPE_CHECKING:
    import xarray as xr


def _settings(steps: int | Settings, given: Mapping[str, Any]) -> Settings:
    """What `simulate` was given, as one."""
    allowed = Settings.__dataclass_fields__
    if unknown := sorted(set(given) - set(allowed)):
        raise InputError(f"`settings` must be among {', '.join(allowed)}. Received: {', '.join(unknown)}")
    if not isinstance(steps, Settings):
        return Settings(steps=steps, **given)
    if given:
        raise InputError(
            f"`steps` as Settings must be all that is set. Received: {', '.join(sorted(given))} beside them"
        )
    return steps


@shows_fields(Settings, but=("steps",))
@checked
def simulate(
    network: SpikingNetwork | str | os.PathLike[str],
    x: np.ndarray | Recordings,
    y: np.ndarray,
    steps: int | Settings = 50,
    *,
    engine: str | EngineMaker = "auto",
    record: Record | Sequence[str] | str | None = None,
    batch_size: int | None = None,
    progress: bool = True,
    title: str = "",
    first_item: int = 0,
    stop: Stop | Mapping[str, Any] | float | None = None,
    scheduler: str | None = None,
    **settings: Any,
) -> xr.Dataset:
    """Simulate `network` on every item of `x` for `steps` time steps, counting synaptic events.

    Args:
        network: the network, e.g. from `snnviz.convert`; its .npz file; or the name of a shipped one.
        x: intensities in [0, 1], float `(items, *network.input_shape)`; with input "spikes" `snnviz.events.Recordings`, which never
            become a dense array as a whole, or booleans or counts `(items, steps, *network.input_shape)`.
        y: class indices, int (items,).
        steps: number of time steps T; or `Settings`, which say it and all of the last arguments.
        engine: "graph", "event", or "auto", the faster of the two for this network; the name of one that another package
            brings (entry points "snnviz.engines"); or a function of the network, its `Settings` and the `Record` that makes
            an `Engine`.
        record: what to keep beside the curves, a `Record` or names among "prediction", "logits" and "events".
        batch_size: items simulated at once; None lets the engine choose. It changes no number of the event engine, and none
            of the graph engine where sums are exact (elsewhere matrix products may round differently).
        progress: show a progress bar if it takes more than two seconds.
        title: a name for the result, used as the label of its curves.
        first_item: index of `x[0]` in the data set, whose Poisson spikes depend on it; for a part of what was simulated.
        stop: end each item as soon as the network is sure of its answer: a `snnviz.simulation.Stop`, a mapping of its fields, or
            a number, the softmax margin to reach. What the result then says of a step is as in `snnviz.results`.
        scheduler: address of a dask.distributed scheduler whose workers simulate, in parts of 50 items; the result is the same for
            any number of them. `engine` is then "auto", "graph" or "event".
        **settings: the other fields of `snnviz.simulation.Settings`.

    Returns:
        The result, a dataset as described in `snnviz.results`.

    Raises:
        InputError: if an argument is wrong.
    """
    if not isinstance(network, SpikingNetwork):
        network = pretrained.network(network)
    if not callable(engine):
        check_engine(engine)
    options = _settings(steps, settings)
    steps = options.steps
    when = Stop.of(stop)
    if when is not None:
        when.check(options, network.classes)
    kept = Record.of(record)
    kept.check(network)
    inputs = Inputs.of(network, x, options, check.integer("first_item", first_item, 0))
    y = check.labels("y", y, len(inputs), network.classes)
    if batch_size is not None:
        check.integer("batch_size", batch_size, 1)

    _check_room(network, kept, len(inputs), steps)

    clock = _Clock()
    reason = "asked for"
    if engine == "auto":
        from snnviz.simulation.auto import choose

        engine, reason = choose(network, options, inputs)
    clock.note("engine_choice_s")
    with _ready(engine, network, options, kept, scheduler) as simulator:
        simulator.stop = when
        gathered = _Gathered(network, options, kept, y, when)
        clock.note("engine_start_s")
        size = min(batch_size or simulator.batch_size, len(inputs))
        with _progress.bar(len(inputs), "simulating", "item", progress) as bar:
            for start in range(0, len(inputs), size):
                batch = inputs.part(start, start + size)
                gathered.add(start, simulator.run(batch, traced=min(max(kept.items - start, 0), len(batch))))
                bar.update(len(batch))
    clock.note("wall_time_s")
    clock.move(simulator.compiling_s, "wall_time_s", "engine_start_s")
    result = gathered.dataset()
    if isinstance(inputs, Spikes):
        about = {"long_name": "camera events", "units": "events per item and step"}
        result["camera_events"] = ("time", inputs.sent(), about)
    if options.step_ms is not None:
        result.attrs["step_ms"] = options.step_ms
    note = other_input(network, options.input)
    if note:
        result.attrs["note"] = note
    if when is not None:
        result.attrs["stop"] = json.dumps(asdict(when))
    accuracy = inputs.accuracy(network, y)
    clock.note("ann_s")
    result.attrs |= {
        "title": title or str(network.metadata.get("title", "")),
        "ann_accuracy": accuracy,
        "engine": simulator.name,
        "engine_choice": reason,
        **clock.noted,
        "versions": json.dumps(_versions(simulator)),
    }
    return result


@contextmanager
def _ready(
    engine: str | EngineMaker, network: SpikingNetwork, settings: Settings, record: Record, scheduler: str | None
) -> Iterator[Engine]:
    """The engine, here or on the cluster at `scheduler`."""
    if scheduler is None:
        yield engine(network, settings, record) if callable(engine) else make_engine(engine, network, settings, record)
        return
    if engine not in ENGINES:
        raise InputError(
            f"`engine` must be among {', '.join(ENGINES)} on a cluster. Received: {check.describe(engine)}"
        )
    from snnviz._cluster import Cluster
    from snnviz.simulation.cluster import ClusterEngine

    with Cluster(scheduler) as cluster:
        yield ClusterEngine(network, settings, record, str(engine), cluster)


class _Clock:
    """Seconds of each part of the work, noted when it ends."""

    def __init__(self) -> None:
        self.noted: dict[str, float] = {}
        self._began = time.perf_counter()

    def note(self, name: str) -> None:
        """Note what has passed since the last part ended."""
        now = time.perf_counter()
        self.noted[name], self._began = now - self._began, now

    def move(self, seconds: float, source: str, target: str) -> None:
        """Count some of one part's seconds to another part."""
        self.noted[source] -= seconds
        self.noted[target] += seconds


def _check_room(network: SpikingNetwork, record: Record, items: int, steps: int) -> None:
    """Refuse to record what memory cannot hold, before anything runs; joining the batches' parts takes them twice."""
    neurons = network.neurons
    traced = min(items, record.items) * steps
    needed = 2 * traced * (
        sum(neurons[name] for name in record.spikes) + 4 * sum(neurons[name] for name in record.potentials)
    ) + items * steps * (
        2 * record.prediction + 4 * network.classes * record.logits + 8 * (len(network.layers) + 1) * record.events
    )  # fmt: skip
    fewer = "`record` must have so few items (`record.items`), layers or steps that they fit into memory"
    check_room(needed, fewer, "what takes")


class _Gathered:
    """Accumulates blocks: integer counts summed over items, and whatever is kept per item."""

    def __init__(
        self, network: SpikingNetwork, settings: Settings, record: Record, y: np.ndarray, stop: Stop | None = None
    ) -> None:
        self.network, self.settings, self.record, self.y, self.stop = network, settings, record, y, stop
        items, steps, layers = len(y), settings.steps, len(network.layers)
        self.correct = np.zeros(steps, np.int64)
        self.events = np.zeros((steps, layers), np.int64)
        self.spikes = np.zeros((steps, layers), np.int64)
        self.predictions = np.empty((items, steps), np.int16) if record.prediction else None
        self.logits = np.empty((items, steps, network.classes), np.float32) if record.logits else None
        # the input receives no events: column 0 stays 0
        self.item_events = np.zeros((items, steps, layers + 1), np.int64) if record.events else None
        self.exits = None if stop is None else np.zeros(items, np.int64)
        self.traces: dict[str, list[np.ndarray]] = {}

    def add(self, start: int, block: Block) -> None:
        """Take in the block of the items from `start` on."""
        items = slice(start, start + len(block.output))
        scores = read_out(block.output, self.settings)
        if self.stop is not None and self.exits is not None:
            self.exits[items] = self.stop.exits(scores)
            scores, block = _ended(scores.astype(np.float32), block, self.exits[items])
        predicted = scores.argmax(axis=-1)
        self.correct += (predicted == self.y[items, None]).sum(axis=0)
        self.events += block.events.sum(axis=0)
        self.spikes += block.spikes.sum(axis=0)
        if self.predictions is not None:
            self.predictions[items] = predicted
        if self.logits is not None:
            self.logits[items] = scores
        if self.item_events is not None:
            self.item_events[items, :, 1:] = block.events
        for prefix, arrays in (("spikes", block.spike_trains), ("potential", block.potentials)):
            for name, array in arrays.items():
                if len(array):
                    self.traces.setdefault(f"{prefix}_{name}", []).append(array)

    def dataset(self) -> xr.Dataset:
        """Everything taken in, as a result without the attributes that need the clock or the engine."""
        import xarray as xr

        network, items = self.network, len(self.y)
        neurons = network.neurons
        events = np.zeros((self.settings.steps, len(neurons)))
        events[:, 1:] = self.events / items
        rates = np.zeros_like(events)
        rates[:, :-1] = self.spikes / (items * np.array([neurons[name] for name in network.firing_names]))
        variables: dict[str, Any] = {
            "accuracy": ("time", self.correct / items, {"long_name": "accuracy", "units": "1"}),
            "synaptic_events": (
                ("time", "layer"),
                events,
                {"long_name": "synaptic events", "units": "events per item and step"},
            ),
            "spike_rate": (
                ("time", "layer"),
                rates,
                {"long_name": "spike rate", "units": "spikes per neuron and step"},
            ),
            "label": ("item", self.y, {"long_name": "true class"}),
        }
        if self.predictions is not None:
            variables["prediction"] = (("item", "time"), self.predictions)
        if self.logits is not None:
            variables["logits"] = (("item", "time", "class"), self.logits)
        if self.item_events is not None:
            variables["item_events"] = (("item", "time", "layer"), self.item_events)
        if self.exits is not None:
            about = {"long_name": "step after which the item ended", "units": "time steps"}
            variables["exit_step"] = ("item", self.exits, about)
        for name, parts in self.traces.items():
            population = name.partition("_")[2]
            variables[name] = (("traced", "time", f"neuron_{population}"), np.concatenate(parts))
        return xr.Dataset(
            variables,
            coords={
                "time": np.arange(1, self.settings.steps + 1),
                "layer": list(network.layer_names),
                "class": list(network.class_names),
            },
            attrs={
                "network_hash": network.hash,
                "settings": json.dumps(asdict(self.settings)),
                "seed": self.settings.seed,
                "items": items,
                "steps": self.settings.steps,
                "neurons": json.dumps(neurons),
            },
        )


def _ended(scores: np.ndarray, block: Block, exits: np.ndarray) -> tuple[np.ndarray, Block]:
    """Scores and block of items that end after the steps `exits`: their scores stay as they are then, nothing happens any more,
    and membranes are no longer there."""
    steps = np.arange(1, scores.shape[1] + 1)
    last = np.minimum(steps, exits[:, None]) - 1
    over = (steps > exits[:, None])[..., None]
    ended = replace(
        block,
        events=np.where(over, 0, block.events),
        spikes=np.where(over, 0, block.spikes),
        spike_trains={name: train & ~over[: len(train)] for name, train in block.spike_trains.items()},
        potentials={
            name: np.where(over[: len(values)], np.float32(np.nan), values) for name, values in block.potentials.items()
        },
    )
    return np.take_along_axis(scores, last[..., None], axis=1), ended


def _versions(simulator: Engine) -> dict[str, str]:
    """Versions of what produced a result."""
    packages = {"event": ("numpy", "numba"), "graph": ("numpy", "keras")}.get(simulator.name, ())
    found = versions(packages) | simulator.versions
    if simulator.name == "graph":
        import keras

        backend = keras.backend.backend()
        found["backend"] = f"{backend} {__import__(backend).__version__}"
    return found
