"""A dry run: sPyNNaker maps a network to a virtual board, and says what it would take; nothing is computed.

The tool chain partitions, places and routes the network and writes its data specifications, all without hardware. What it
decided is read back; figures that do not depend on it (fan-in, bursts of spikes) are counted on the network as stored and on the
spikes to expect.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz import _progress
from snnviz._memory import check_room
from snnviz._versions import installed
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.hardware.spinnaker import layout, process, program
from snnviz.hardware.synapses import Synapses, synapse_list
from snnviz.network import SpikingNetwork
from snnviz.simulation import Record, simulate

if TYPE_CHECKING:
    import pandas as pd

TIMEOUT = 540.0
"""Seconds that the tool chain has, at least; five times what it is expected to take, if that is more."""
BASE, PER_SYNAPSE = (5.0, 2.0e8), (28e-6, 150.0)
"""What sPyNNaker 7.4.1 takes, in seconds of processor time and bytes: of its own, and for each synapse. Measured on shipped MNIST
networks of 24 466, 53 210 and 1 661 325 synapses: 5, 5 and 52 s, 193, 198 and 430 MB."""
BOARD = {"version": 5}
"""A SpiNN-5 board: 48 chips of 18 cores."""
SPIKE_BUFFER = 256
"""Spikes that a core holds until it has processed them, `incoming_spike_buffer_size` of sPyNNaker 7."""
SOURCE_BURST = 100
"""Spikes in a step from which on sPyNNaker 7 warns of a spike source."""
CORE_SYNAPSES = 256
"""Neurons of a core, and synapses in one row of its synaptic matrix, at most."""


@dataclass(frozen=True)
class Core:
    """A core in use.

    Attributes:
        x: column of its chip.
        y: row of its chip.
        core: its number on the chip.
        population: whose neurons it holds; None for the tool chain's own.
        first: the first of these neurons; 0 where there are none.
        neurons: how many.
        sdram: bytes of its chip's memory that it takes.
    """

    x: int
    y: int
    core: int
    population: str | None
    first: int
    neurons: int
    sdram: int


@dataclass(frozen=True)
class Chip:
    """A chip of the machine.

    Attributes:
        x: column.
        y: row.
        cores: cores that can be used.
        sdram: bytes of memory.
        entries: routing entries that the network takes.
        router: routing entries that there are.
        board: (x, y) of its board's first chip.
    """

    x: int
    y: int
    cores: int
    sdram: int
    entries: int
    router: int
    board: tuple[int, int]


@dataclass(frozen=True)
class LayerPlan:
    """What a population takes.

    Attributes:
        name: of the layer.
        neurons: how many.
        cores: over how many cores they are spread.
        sdram: bytes of memory, recording included.
        synapses: that arrive, 0 for the input.
        fan_in: most synapses onto one neuron.
        fan_out: most synapses from one neuron.
        burst: most spikes that it sends in one step, over all items; 0 for the output.
        arrivals: most spikes that reach one of its cores in one step, over all items: those of every core of the layer before
            from which it has a synapse; 0 for the input.
        shifts: of its ring buffers (excitatory, inhibitory), as the tool chain chose them; None for the input.
        lost: weights that round to zero there.
        sources: whose spikes it takes; none for the input.
    """

    name: str
    neurons: int
    cores: int
    sdram: int
    synapses: int
    fan_in: int
    fan_out: int
    burst: int
    arrivals: int
    shifts: tuple[int, int] | None
    lost: int
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a dry run found.

    Attributes:
        layers: the populations in order, the input first.
        cores: every core in use.
        chips: every chip of the machine.
        boards: how many boards the machine needs.
        warnings: in plain words, each with the remedy; empty if there is nothing to say.
        steps: time steps of an item.
        items: items whose spikes were counted.
        seconds: that the tool chain took.
        versions: of the tool chain.
    """

    layers: tuple[LayerPlan, ...]
    cores: tuple[Core, ...]
    chips: tuple[Chip, ...]
    boards: int
    warnings: tuple[str, ...]
    steps: int
    items: int
    seconds: float
    versions: dict[str, str]

    @property
    def fits_one_board(self) -> bool:
        """Whether one SpiNN-5 board is enough."""
        return self.boards == 1

    @property
    def application_cores(self) -> int:
        """Cores that hold neurons."""
        return sum(core.population is not None for core in self.cores)

    @property
    def used_chips(self) -> int:
        """Chips that hold neurons."""
        return len({(core.x, core.y) for core in self.cores if core.population is not None})

    @property
    def sdram(self) -> int:
        """Bytes of memory that the populations take."""
        return sum(layer.sdram for layer in self.layers)

    @property
    def routing_entries(self) -> int:
        """Of the chip that has most."""
        return max(chip.entries for chip in self.chips)

    def table(self) -> pd.DataFrame:
        """The populations as a table, one row each."""
        import pandas as pd

        return pd.DataFrame([asdict(layer) for layer in self.layers]).set_index("name")

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON holds it."""
        return asdict(self) | {
            "fits_one_board": self.fits_one_board,
            "application_cores": self.application_cores,
            "used_chips": self.used_chips,
            "sdram": self.sdram,
            "routing_entries": self.routing_entries,
        }

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        from snnviz._files import replacing

        with replacing(path) as temporary:
            temporary.write_text(json.dumps(self.as_json(), indent=1))

    @classmethod
    def load(cls, path: Path) -> Plan:
        """Read what `save` wrote.

        Raises:
            InputError: if the file is something else.
        """
        try:
            return cls.of(json.loads(Path(path).read_text()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"`path` must be a plan of a dry run (.json). Received: {str(path)!r} ({error})"
            ) from error

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Plan:
        """A plan from what `as_json` gave."""
        return cls(
            layers=tuple(
                LayerPlan(
                    **{
                        **layer,
                        "shifts": None if layer["shifts"] is None else tuple(layer["shifts"]),
                        "sources": tuple(layer.get("sources", ())),
                    }
                )
                for layer in found["layers"]
            ),
            cores=tuple(Core(**core) for core in found["cores"]),
            chips=tuple(Chip(**{**chip, "board": tuple(chip["board"])}) for chip in found["chips"]),
            warnings=tuple(found["warnings"]),
            **{name: found[name] for name in ("boards", "steps", "items", "seconds", "versions")},
        )


@dataclass(frozen=True)
class Cost:
    """What a dry run is expected to take.

    Attributes:
        synapses: that are mapped.
        seconds: of processor time.
        memory: bytes.
    """

    synapses: int
    seconds: float
    memory: float

    def __str__(self) -> str:
        return f"{self.synapses:,} synapses, about {self.seconds:.0f} s of processor time and {self.memory / 1e9:.1f} GB of memory"


def cost(network: SpikingNetwork) -> Cost:
    """What a dry run of `network` will take, from its number of synapses that are not zero."""
    synapses = sum(layer.synapses("nonzero") for layer in network.layers)
    seconds, memory = (base + each * synapses for base, each in zip(BASE, PER_SYNAPSE, strict=True))
    return Cost(synapses, seconds, memory)


def dry_run(
    network: SpikingNetwork,
    x: np.ndarray | Recordings,
    steps: int = 50,
    *,
    headroom: str = "exact",
    step_ms: float | None = None,
    timeout: float | None = None,
    progress: bool = True,
) -> Plan:
    """Map `network` to a virtual SpiNN-5 board with sPyNNaker 7.

    Args:
        network: the network; an average pooling that comes first is done by the host.
        x: items, whose spikes are counted and of which the first is mapped: float `(items, *network.input_shape)` in [0, 1],
            or event recordings.
        steps: time steps of an item.
        headroom: see `model.quantise`.
        step_ms: of recordings, milliseconds of a step; the chip takes a millisecond for each.
        timeout: seconds for the tool chain; None, what `cost` says several times over.
        progress: show that it goes on if it takes more than two seconds.

    Raises:
        InputError: if sPyNNaker is missing, the network does not fit on a machine or its synapses into memory, or an argument is
            wrong.
    """
    if not isinstance(network, SpikingNetwork):
        raise InputError(f"`network` must be a SpikingNetwork. Received: {check.describe(network)}")
    check.integer("steps", steps, 1)
    expected = cost(network)
    timeout = max(TIMEOUT, 5 * expected.seconds) if timeout is None else check.real("timeout", timeout, 0, above=True)
    what = "`network` must fit into memory, where sPyNNaker maps it"
    check_room(expected.memory, what, f"{expected.synapses:,} synapses, which take about")
    process.require_spynnaker()
    laid = layout.prepare(network, x, steps, headroom, step_ms)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="snnviz-spinnaker-") as name:
        folder = Path(name)
        layout.write(folder, laid, CONFIGURATION, virtual=True)
        told = f"mapping to a virtual board, {expected.seconds:.0f} s of processor time"
        with _progress.bar(_cores(laid.stored.network), told, "core", progress) as bar:
            process.run_program(folder, timeout, on_line=lambda line: _tell(bar, line))
        decided = json.loads((folder / "plan.json").read_text())
        entries = _routing_entries(folder)
    return _plan(laid, decided, entries, steps, time.perf_counter() - began)


def _cores(network: SpikingNetwork) -> int:
    """How many cores its layers take, at sPyNNaker's neurons a core."""
    return sum(-(-layer.neurons // CORE_SYNAPSES) for layer in network.layers)


def _tell(bar: Any, line: str) -> None:
    """Move a bar by what the program says: before the first core's data come minutes of few words."""
    _, found, name = line.partition(program.CORE)  # behind what sPyNNaker's own bar has drawn
    if found:
        bar.set_description(f"writing the data of {name.strip()}", refresh=False)
        bar.update(1)


CONFIGURATION: dict[str, dict[str, Any]] = {
    "Machine": {"virtual_board": True, **BOARD},
    "Mode": {"mode": "Production"},
    "Reports": {"write_json_routing_tables": True, "keep_json_files": True},
}


def _routing_entries(folder: Path) -> dict[tuple[int, int], int]:
    """Entries of each chip's routing table, from the tool chain's report, before compression on the machine."""
    found = sorted(folder.glob("reports/*/run_1/json_files/routing_tables.json"))
    if not found:
        raise InputError("`target` must write its routing tables; sPyNNaker 7 is needed. Received: no such report")
    return {(table["x"], table["y"]): len(table["entries"]) for table in json.loads(found[-1].read_text())}


def _plan(
    laid: layout.Laid,
    decided: dict[str, Any],
    entries: dict[tuple[int, int], int],
    steps: int,
    seconds: float,
) -> Plan:
    cores = tuple(
        Core(
            **{name: core[name] for name in ("x", "y", "core", "population", "first", "neurons")},
            sdram=int(core["sdram_fixed"] + core["sdram_per_step"] * (steps + 1)),
        )
        for core in decided["cores"]
    )
    chips = tuple(
        Chip(
            chip["x"],
            chip["y"],
            chip["cores"],
            chip["sdram"],
            entries.get((chip["x"], chip["y"]), 0),
            chip["router_entries"],
            tuple(chip["board"]),
        )
        for chip in decided["chips"]
    )
    layers = _layers(laid, cores, decided["shifts"])
    return Plan(
        layers=layers,
        cores=cores,
        chips=chips,
        boards=len({chip.board for chip in chips}),
        warnings=(
            *(
                f"sPyNNaker has no program {name} for its cores, so the network runs on no board. Remedy: install sPyNNaker anew."
                for name in decided["missing"]
            ),
            *_warnings(layers, cores, chips, laid.stored.headroom),
        ),
        steps=steps,
        items=len(laid.x),
        seconds=seconds,
        versions=installed(["sPyNNaker", "numpy"]),
    )


def _layers(laid: layout.Laid, cores: tuple[Core, ...], shifts: dict[str, Any]) -> tuple[LayerPlan, ...]:
    network = laid.stored.network
    spikes = _spikes(laid)
    names = network.layer_names
    synapses = [
        (source, place, synapse_list(each))
        for place, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True), 1)
        for each, source in zip(layer.projections, sources, strict=True)
    ]
    found = []
    for position, name in enumerate(names):
        own = _of(cores, name)
        sources = dict.fromkeys(source for source, place, _ in synapses if place == position)
        leaving = [part.pre for source, _, part in synapses if source == position]
        entering = [part.post for _, place, part in synapses if place == position]
        reached = np.zeros(1, np.int64)
        for source in sources:
            parts = [part for start, place, part in synapses if (start, place) == (source, position)]
            reached = reached + _arrivals(parts, spikes[names[source]], own, _of(cores, names[source]))
        found.append(
            LayerPlan(
                name=name,
                neurons=network.input.neurons if position == 0 else network.layers[position - 1].neurons,
                cores=len(own),
                sdram=sum(core.sdram for core in own),
                synapses=sum(map(len, entering)),
                fan_in=_most(entering),
                fan_out=_most(leaving),
                burst=int(spikes[name].sum(axis=-1).max()) if name in spikes else 0,
                arrivals=int(reached.max()),
                shifts=(shifts[name][0], shifts[name][1]) if name in shifts else None,
                lost=laid.stored.lost[position - 1] if position else 0,
                sources=tuple(names[source] for source in sources),
            )
        )
    return tuple(found)


def _most(ends: list[np.ndarray]) -> int:
    """How many of the numbers in `ends` are the same, at most."""
    together = np.concatenate(ends) if ends else np.zeros(0, np.int64)
    return int(np.bincount(together).max()) if len(together) else 0


def _of(cores: tuple[Core, ...], population: str) -> list[Core]:
    return [core for core in cores if core.population == population]


def _spikes(laid: layout.Laid) -> dict[str, np.ndarray]:
    """The spikes to expect of each firing population, bool (items, steps, neurons)."""
    network = laid.stored.network
    record = Record(spikes=network.firing_names, items=len(laid.x))
    labels = np.zeros(len(laid.x), np.int64)
    result = simulate(network, laid.x, labels, laid.settings, engine="event", record=record, progress=False)
    return {name: result[f"spikes_{name}"].values for name in network.firing_names}


def _arrivals(parts: list[Synapses], spikes: np.ndarray, cores: list[Core], before: list[Core]) -> np.ndarray:
    """The spikes that reach each of `cores` in each step, (items, steps, cores).

    A core sends all its spikes to wherever one of its neurons has a synapse.
    """
    sent = np.stack([spikes[..., core.first : core.first + core.neurons].sum(axis=-1) for core in before], axis=-1)
    from_core, to_core = (
        np.searchsorted([core.first for core in group], ends, side="right") - 1
        for group, ends in (
            (before, np.concatenate([part.pre for part in parts])),
            (cores, np.concatenate([part.post for part in parts])),
        )
    )
    connected = np.zeros((len(before), len(cores)), np.int64)
    connected[from_core, to_core] = 1
    return sent @ connected


def _warnings(
    layers: tuple[LayerPlan, ...], cores: tuple[Core, ...], chips: tuple[Chip, ...], headroom: str = "exact"
) -> list[str]:
    """What a user should know before the board, with the remedy."""
    found = []
    first = layers[0]
    if first.burst > SOURCE_BURST:
        found.append(
            f"The input sends up to {first.burst} spikes in one step, and sPyNNaker warns from {SOURCE_BURST} on: some may come "
            "late or be lost. Remedy: pool the input (an average pooling as the first layer is done by the host), or dim it."
        )
    for layer, after in itertools.pairwise(layers):
        before = " and ".join(after.sources) or layer.name
        if after.arrivals > SPIKE_BUFFER:
            found.append(
                f"Up to {after.arrivals} spikes of {before} reach one core of {after.name} in one step, and its buffer holds "
                f"{SPIKE_BUFFER}: the rest would be lost. Remedy: make {before} narrower or sparser, or pool the input."
            )
        elif after.fan_in > SPIKE_BUFFER:
            found.append(
                f"A neuron of {after.name} has {after.fan_in} inputs, more than the {SPIKE_BUFFER} spikes that its core's buffer "
                f"holds; on these items {after.arrivals} at most come in one step. Remedy, should others spike more: pool the "
                "input, or prune."
            )
    for chip in chips:
        if chip.entries > chip.router:
            found.append(
                f"Chip ({chip.x}, {chip.y}) needs {chip.entries} routing entries of {chip.router}; the machine will try to "
                "compress them. Remedy if that fails: fewer, larger layers."
            )
        held = sum(core.sdram for core in cores if (core.x, core.y) == (chip.x, chip.y))
        if held > chip.sdram:
            found.append(
                f"Chip ({chip.x}, {chip.y}) needs {held / 2**20:.0f} MiB of memory of {chip.sdram / 2**20:.0f}. Remedy: fewer "
                "steps in one run, or a sparser network."
            )
    finer = 'headroom "exact"' if headroom == "estimate" else "a smaller scale for its largest weights"
    found += [
        f"{layer.lost} weights of {layer.name} are too small for its grid and become 0. Remedy, if `snnviz hardware expect` shows "
        f"that accuracy suffers: {finer}."
        for layer in layers
        if layer.lost
    ]
    boards = len({chip.board for chip in chips})
    if boards > 1:
        found.append(f"The network needs {boards} boards. Remedy: a smaller network, or spalloc, which has many.")
    return found
