"""A run as files in a folder: the program, the network and its input spikes, and the tool chain's configuration."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.hardware.spinnaker import model, program
from snnviz.hardware.synapses import synapse_list
from snnviz.network import Projection, SpikingNetwork
from snnviz.simulation import Block, Engine, Record, Settings, make_engine
from snnviz.simulation.encoding import Inputs

PROGRAM = "program.py"
NETWORK = "network.npz"
RECORDED = "recorded.npz"
CONFIGURATION = "spynnaker.cfg"
MOST_SYNAPSES = 4_000_000
"""A list of more synapses would take the tool chain gigabytes and many minutes, and boards have no room for their matrices."""


@dataclass(frozen=True)
class Laid:
    """What a folder holds.

    Attributes:
        stored: the network as the chip stores it, the pooling of its input left out.
        x: the items' intensities, or event recordings, as that network takes them.
        input_spikes: bool (items, steps, inputs), computed by the host.
        settings: of the chip.
    """

    stored: model.Quantised
    x: np.ndarray | Recordings
    input_spikes: np.ndarray
    settings: Settings


def prepare(
    network: SpikingNetwork,
    x: np.ndarray | Recordings,
    steps: int,
    headroom: str = "exact",
    step_ms: float | None = None,
) -> Laid:
    """The network as stored, and the spikes of its input.

    Raises:
        InputError: if the network is too large to be given as a list of synapses, or an argument is wrong.
    """
    settings = model.settings_for(x, steps, step_ms)
    pooled = model.pooled(network, x)
    stored = model.quantise(model.with_pooled_input(network), headroom)
    too_many = sum(
        int(np.count_nonzero(each.weights)) * _repeats(each)
        for layer in stored.network.layers
        for each in layer.projections
    )
    if too_many > MOST_SYNAPSES:
        raise InputError(
            f"`network` must have at most {MOST_SYNAPSES:,} synapses for SpiNNaker; prune it, or pool its input. "
            f"Received: about {too_many:,}"
        )
    name, inputs = stored.network.input.name, Inputs.of(stored.network, pooled, settings)
    engine = make_engine("event", stored.network, settings, Record(spikes=(name,), items=len(pooled)))
    spikes = []
    for start in range(0, len(inputs), engine.batch_size):
        part = inputs.part(start, start + engine.batch_size)
        spikes.append(engine.run(part, len(part)).spike_trains[name])
    return Laid(stored, pooled, np.concatenate(spikes), settings)


def _repeats(layer: Projection) -> int:
    """How many synapses a weight makes, borders aside."""
    return math.prod(layer.output_shape[:-1])


def arrays(laid: Laid, *, virtual: bool) -> dict[str, np.ndarray]:
    """What `network.npz` holds; see `snnviz.hardware.spinnaker.program`."""
    network = laid.stored.network
    found: dict[str, np.ndarray] = {"input_spikes": np.packbits(laid.input_spikes, axis=-1)}
    layers: list[dict[str, Any]] = [{"name": network.input.name, "neurons": network.input.neurons}]
    for index, (layer, told) in enumerate(zip(network.layers, model.told_sums(laid.stored), strict=True)):
        parts = [synapse_list(each) for each in layer.projections]
        for name in ("pre", "post", "weight"):
            found[f"{name}_{index}"] = np.concatenate([getattr(part, name) for part in parts])
        found[f"source_{index}"] = np.repeat(np.array(network.sources[index], np.int32), [len(part) for part in parts])
        found[f"bias_{index}"] = np.broadcast_to(layer.bias, layer.output_shape).reshape(-1)
        found[f"potential_{index}"] = np.broadcast_to(np.float32(layer.initial_potential), layer.output_shape).reshape(
            -1
        )
        layers.append({"name": layer.name, "neurons": layer.neurons, "summed_weights": told})
    items, steps = laid.input_spikes.shape[:2]
    job = {"layers": layers, "steps": steps, "items": items, "virtual": virtual}
    found["job"] = np.frombuffer(json.dumps(job).encode(), np.uint8)
    return found


def write(folder: Path, laid: Laid, configuration: dict[str, dict[str, Any]], *, virtual: bool = False) -> None:
    """Write everything that a run needs into `folder`; no credentials are among it.

    Args:
        folder: an empty folder.
        laid: the run.
        configuration: sections of `spynnaker.cfg`.
        virtual: for a virtual board, on which nothing is computed.
    """
    np.savez_compressed(folder / NETWORK, allow_pickle=False, **arrays(laid, virtual=virtual))
    (folder / PROGRAM).write_text(Path(program.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    lines = []
    for section, entries in configuration.items():
        lines += [f"[{section}]", *(f"{key} = {value}" for key, value in entries.items()), ""]
    (folder / CONFIGURATION).write_text("\n".join(lines), encoding="utf-8")


class Replay(Engine):
    """What a board recorded, in the place of a simulator: its items are handed out in order.

    Args:
        network: the network as stored.
        settings: as `model.SETTINGS`.
        record: which spike trains to return; potentials but the output's are not recorded.
        laid: the run.
        path: `recorded.npz`.

    Raises:
        InputError: if the file is not what this run's program writes, or holds fewer items.
    """

    name = "spinnaker"

    def __init__(self, network: SpikingNetwork, settings: Settings, record: Record, laid: Laid, path: Path) -> None:
        super().__init__(network, settings, record)
        self._laid, self._next = laid, 0
        items, steps = laid.input_spikes.shape[:2]
        try:
            with np.load(path, allow_pickle=False) as archive:
                found = {name: archive[name] for name in archive.files}
            done = int(found["done"])
            self._output = found["output"].astype(np.float32)
            trains = [found[f"spikes_{index}"] for index in range(1, len(network.layers))]
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"`{path.name}` must be what the program on SpiNNaker records. Received: {error}"
            ) from error
        shapes = [(items, steps, layer.neurons) for layer in network.layers]
        if [*(train.shape for train in trains), self._output.shape] != shapes or any(t.dtype != bool for t in trains):
            raise InputError(f"`{path.name}` must be of this run. Received: arrays of other shapes")
        if done < items:
            raise InputError(f"`{path.name}` must hold all {items} items. Received: {done}; the run ended early")
        self._trains = [laid.input_spikes, *trains]

    @property
    def batch_size(self) -> int:
        return len(self._output)

    def run(self, inputs: np.ndarray, traced: int = 0) -> Block:
        items = slice(self._next, self._next + len(inputs))
        self._next += len(inputs)
        network, delay = self.network, self.settings.delay
        steps = self.settings.steps
        events = np.zeros((len(inputs), steps, len(network.layers)), np.int64)
        for index, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True)):
            for each, source in zip(layer.projections, sources, strict=True):
                arriving = self._trains[source][items] @ each.fanout(self.settings.synapses).reshape(-1)
                events[:, delay:, index] += arriving[:, : steps - delay]
        trains = dict(zip(network.firing_names, (train[items] for train in self._trains), strict=True))
        output = self._output[items]
        return Block(
            output=output,
            events=events,
            spikes=np.stack([train.sum(axis=2) for train in trains.values()], axis=2).astype(np.int64),
            spike_trains={name: trains[name][:traced] for name in self.record.spikes},
            potentials=dict.fromkeys(self.record.potentials, output[:traced]),
        )
