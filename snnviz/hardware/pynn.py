"""A spiking network on any simulator that PyNN speaks to, with the result that `snnviz.simulate` would give.

Each layer becomes a population, the synapses of each projection an excitatory and an inhibitory one, biases offset currents. Spikes
are recorded, and synaptic events counted from them by the fan-out maps of `snnviz.simulation.synops`. Which neurons stand in
for those of snnviz is the business of `snnviz.hardware.cells`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from snnviz import _checks as check
from snnviz._versions import installed
from snnviz.errors import InputError
from snnviz.hardware.cells import Brian2Cells, Cells, DeltaCells, nest_cells
from snnviz.hardware.synapses import Synapses, synapse_list
from snnviz.network import SpikingNetwork
from snnviz.simulation import Block, Engine, Record, Settings
from snnviz.simulation import simulate as _simulate
from snnviz.simulation.neurons import neurons_of

if TYPE_CHECKING:
    import xarray as xr

CellsMaker = Callable[[ModuleType, Settings, int], Cells]


@dataclass(frozen=True)
class Built:
    """A network as PyNN objects.

    Attributes:
        populations: by name, the input first.
        projections: excitatory and inhibitory ones, where there are synapses of the sign.
    """

    populations: dict[str, Any]
    projections: tuple[Any, ...]


def build(network: SpikingNetwork, cells: Cells) -> Built:
    """Set a simulator up and build `network` on it.

    Args:
        network: the network.
        cells: its neurons. Whether the input is neurons or spike sources, is in their settings.
    """
    cells.setup()
    first = network.input
    models = neurons_of(network, cells.settings)
    populations: dict[str, Any] = {}
    if cells.settings.given:
        populations[first.name] = cells.sources(first.name, first.neurons)
    else:
        dark = np.zeros(first.neurons)
        populations[first.name] = cells.neurons(
            first.name, 0, dark, _each(first.initial_potential, first.shape), models[0]
        )
    projections = []
    for depth, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True), start=1):
        shape = layer.output_shape
        here = cells.neurons(
            layer.name, depth, _each(layer.bias, shape), _each(layer.initial_potential, shape), models[depth]
        )
        for each, source in zip(layer.projections, sources, strict=True):
            before, synapses = populations[network.layer_names[source]], synapse_list(each)
            for sign in ("excitatory", "inhibitory"):
                of_this_sign = getattr(synapses, sign)
                if len(of_this_sign):
                    projections.append(_project(cells, before, here, of_this_sign, sign))
        populations[layer.name] = here
    return Built(populations, tuple(projections))


def _each(values: float | np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """One number per neuron of what is one for all, one per channel or one per neuron."""
    return np.broadcast_to(values, shape).reshape(-1)


def _project(cells: Cells, before: Any, after: Any, synapses: Synapses, sign: str) -> Any:
    sim = cells.simulator
    table = np.stack([synapses.pre, synapses.post, synapses.weight * np.float64(cells.weight_scale)], axis=1)
    return sim.Projection(
        before,
        after,
        sim.FromListConnector(table, column_names=["weight"]),
        sim.StaticSynapse(delay=cells.delay),
        receptor_type=sign,
        label=f"{before.label} to {after.label}, {sign}",
    )


class PyNNEngine(Engine):
    """A PyNN simulator behind the contract of snnviz's engines, for `simulate`.

    A PyNN simulator holds one network at a time: making an engine takes the simulator from the one before it.

    Args:
        network: the network.
        settings: the options.
        record: which spike trains and potentials to return.
        simulator: the PyNN simulator module.
        cells: a subclass of `Cells`, or None for the one that fits the simulator.

    Raises:
        InputError: if the simulator cannot do what `settings` asks for, or the network is too much for it.
    """

    _owners: ClassVar[dict[str, PyNNEngine]] = {}
    """Whose network each simulator holds."""

    def __init__(
        self,
        network: SpikingNetwork,
        settings: Settings,
        record: Record,
        simulator: ModuleType,
        cells: CellsMaker | None = None,
    ) -> None:
        super().__init__(network, settings, record)
        if settings.input == "analog":
            raise InputError(
                "`input` must be 'spiking', 'poisson' or 'spikes': a synapse in PyNN takes spikes. Received: 'analog'"
            )
        self.name = simulator.__name__  # type: ignore[misc]
        self._cells = (cells or cells_for(simulator))(simulator, settings, len(network.layers))
        self._cells.check(network)
        self._maps = [
            (source, index, each.fanout(settings.synapses).reshape(-1))
            for index, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True))
            for each, source in zip(layer.projections, sources, strict=True)
        ]
        self._built: Built | None = None

    @property
    def batch_size(self) -> int:
        return 1

    @property
    def versions(self) -> dict[str, str]:
        simulator = str(getattr(self._cells.simulator.simulator, "name", self.name))
        packages = {"numpy": "numpy", "pynn": "pynn", "NEURON": "neuron", "NEST": "nest-simulator", "Brian2": "brian2"}
        return {
            name: version
            for name, package in packages.items()
            if name in ("numpy", "pynn", simulator)
            for version in installed([package]).values()
        }

    def run(self, inputs: np.ndarray, traced: int = 0) -> Block:
        block = Block.empty(self.network, self.settings.steps, self.record, len(inputs), traced)
        for potentials in block.potentials.values():
            potentials.fill(np.nan)  # not every cell tells its own
        for item in range(len(inputs)):
            self._simulate(item, inputs[item], block, item < traced)
        return block

    def _simulate(self, item: int, values: np.ndarray, block: Block, traced: bool) -> None:
        """Run the simulator on one item and take down what it did."""
        network, settings, cells = self.network, self.settings, self._cells
        populations = self._ready().populations
        first = populations[network.input.name]
        given = values.reshape(settings.steps, -1).astype(bool) if settings.given else None
        if given is None:
            cells.drive(first, values.reshape(-1))
        else:
            cells.feed(first, given)
        cells.run()
        sent = []
        for depth, name in enumerate(network.firing_names):
            spikes = given if depth == 0 and given is not None else cells.spikes(populations[name], depth)
            sent.append(spikes)
            block.spikes[item, :, depth] = spikes.sum(axis=1)
            if traced and name in block.spike_trains:
                block.spike_trains[name][item] = spikes
        for source, index, fanout in self._maps:
            arriving = sent[source] @ fanout
            block.events[item, settings.delay :, index] += arriving[: settings.steps - settings.delay]
        block.output[item] = cells.potentials(populations[network.layers[-1].name])
        for name, kept in block.potentials.items():
            if traced and not (name == network.input.name and given is not None):
                kept[item] = cells.potentials(populations[name])

    def _ready(self) -> Built:
        """The network, at the start of its time."""
        network, cells = self.network, self._cells
        if self._built is not None and cells.resets and self._owners.get(self.name) is self:
            cells.reset()
            return self._built
        self._owners[self.name] = self
        self._built = build(network, cells)
        output = network.layers[-1].name
        for depth, (name, population) in enumerate(self._built.populations.items()):
            neurons = depth > 0 or self.settings.input == "spiking"
            if neurons:
                cells.record(population, depth < len(network.layers), name == output or name in self.record.potentials)
        return self._built


def cells_for(simulator: ModuleType) -> CellsMaker:
    """The cells that stand in for snnviz's neurons on a PyNN simulator.

    Raises:
        InputError: if it is no PyNN simulator, or has none.
    """
    if not all(hasattr(simulator, name) for name in ("setup", "run", "Population", "Projection", "FromListConnector")):
        raise InputError(
            f"`simulator` must be a PyNN simulator module, such as pyNN.nest. Received: {check.describe(simulator)}"
        )
    if simulator.__name__ == "pyNN.neuron":
        from snnviz.hardware.neuron.cells import NeuronCells

        return NeuronCells
    if simulator.__name__ == "pyNN.brian2":
        return Brian2Cells
    if simulator.__name__ == "pyNN.nest":
        return nest_cells
    if hasattr(simulator, "IF_curr_delta"):
        return DeltaCells
    raise InputError(
        "`simulator` must be pyNN.neuron or have the cell type IF_curr_delta; for another, hand in `cells`. "
        f"Received: {simulator.__name__}"
    )


def simulate(
    network: SpikingNetwork,
    x: np.ndarray,
    y: np.ndarray,
    steps: int = 50,
    *,
    simulator: ModuleType,
    cells: CellsMaker | None = None,
    record: Record | Sequence[str] | str | None = None,
    progress: bool = True,
    title: str = "",
    **settings: Any,
) -> xr.Dataset:
    """Simulate `network` on a PyNN simulator, item by item.

    Args:
        network: the network.
        x: intensities in [0, 1], float `(items, *network.input_shape)`.
        y: class indices, int (items,).
        steps: number of time steps.
        simulator: a PyNN simulator module: pyNN.nest, pyNN.neuron (see `snnviz.hardware.neuron`), ...
        cells: which neurons stand in for those of snnviz, a subclass of `snnviz.hardware.cells.Cells`; None takes those that
            fit the simulator.
        record: as in `snnviz.simulate`.
        progress: show a progress bar if it takes more than two seconds.
        title: a name for the result.
        **settings: the other fields of `snnviz.simulation.Settings`; not every simulator can do all of them.

    Returns:
        The result, a dataset as described in `snnviz.results`.

    Raises:
        InputError: if an argument is wrong, or the simulator cannot do what it asks for.
    """

    def engine(network: SpikingNetwork, settings: Settings, record: Record) -> PyNNEngine:
        return PyNNEngine(network, settings, record, simulator, cells)

    return _simulate(network, x, y, steps, engine=engine, record=record, progress=progress, title=title, **settings)
