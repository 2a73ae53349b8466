"""NEURON's neurons: snnviz's mechanism as a PyNN cell type, and the times at which everything happens.

NEURON delivers each event at its own time, so a step of 1 ms has room for what happens in it, one thing after another, at
times that are binary fractions and therefore exact.

- Without delay: the input takes its step at h ms into each ms, layer d at (2 d + 1) h, and a spike needs h to arrive, so that
  it is there before the next layer takes the same step. h is a power of two, small enough for the last layer.
- With one step of delay a layer: all take their steps at 0.5 ms, and a spike needs 0.75 ms.

Either way nothing happens at whole ms, when membrane potentials are read.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from snnviz._memory import check_room
from snnviz.hardware.cells import Cells
from snnviz.hardware.neuron import mechanism
from snnviz.network import SpikingNetwork
from snnviz.simulation.neurons import Neurons
from snnviz.simulation.settings import Settings
from snnviz.simulation.synops import synapses

SYNAPSE_BYTES = 820
"""Measured over a network of 300 000 synapses, with NEURON 9 and PyNN 0.13."""
NO_FLOOR = -1e30
PARAMETERS = ("bias", "phase", "fires", "subtract", "lowest", "refractory", "clamp")


class NeuronCells(Cells):
    """See the module. Everything that `Settings` can say is done exactly, but for analog input."""

    resets = True
    _populations: ClassVar[list[Any]] = []
    """What NEURON simulates; a process has one NEURON."""

    def __init__(self, simulator: ModuleType, settings: Settings, depth: int) -> None:
        super().__init__(simulator, settings, depth)
        mechanism.load()
        self._unit = 2.0 ** -math.ceil(math.log2(2 * depth + 2)) if settings.delay == 0 else 0.25
        self.delay = self._unit if settings.delay == 0 else 0.75
        self._cell_type = cell_type()
        self._sent: tuple[Any, Any] | None = None
        self._traces: dict[str, list[Any]] = {}

    def check(self, network: SpikingNetwork) -> None:
        count = sum(synapses(layer, "nonzero") for layer in network.layers)
        what = "`network` must fit into memory, where NEURON makes an object of each synapse"
        check_room(count * SYNAPSE_BYTES, what, f"{count:,} synapses, which take about")

    def phase(self, depth: int) -> float:
        """When in each ms the neurons at `depth` take their step."""
        return (2 * depth + 1) * self._unit if self.settings.delay == 0 else 0.5

    def setup(self) -> None:
        from pyNN.neuron import projections

        self.simulator.setup(timestep=self._unit, min_delay=self._unit)
        # PyNN never lets go of a network (its arrays of objects hide a cycle), and NEURON would go on simulating it
        projections._projections.clear()
        for population in self._populations:
            for neuron in population.all_cells:
                vars(neuron).pop("_cell", None)
        self._populations.clear()
        self._sent = None
        self._traces = {}

    def neurons(self, name: str, depth: int, bias: np.ndarray, initial: np.ndarray, model: Neurons) -> Any:
        cell = self._cell_type(
            bias=bias.astype(np.float64),
            phase=self.phase(depth),
            fires=float(model.fires),
            subtract=float(not model.to_zero),
            lowest=NO_FLOOR if model.floor is None else model.floor,
            refractory=float(model.refractory),
            clamp=float(model.frozen),
        )
        start = {"m": initial.astype(np.float64)}
        return self._held(self.simulator.Population(len(bias), cell, initial_values=start, label=name))

    def sources(self, name: str, size: int) -> Any:
        return self._held(super().sources(name, size))

    def _held(self, population: Any) -> Any:
        self._populations.append(population)
        return population

    def drive(self, population: Any, bias: np.ndarray) -> None:
        for neuron, value in zip(population.all_cells, bias.astype(np.float64).tolist(), strict=True):
            neuron._cell.source.bias = value

    def spike_times(self, depth: int) -> np.ndarray:
        return np.arange(self.settings.steps) + self.phase(depth)

    # PyNN's recordings take longer than the simulation: it makes an object for each spike train. NEURON records by itself.

    def record(self, population: Any, spikes: bool, potentials: bool) -> None:
        from neuron import h

        if spikes and self._sent is None:
            self._sent = (h.Vector(), h.Vector())
            h.ParallelContext().spike_record(-1, *self._sent)  # of all neurons
        if potentials:
            traces = []
            for neuron in population.all_cells:
                traces.append(h.Vector())
                traces[-1].record(neuron._cell.source._ref_m, 1.0)
            self._traces[population.label] = traces

    def run(self) -> None:
        for vector in self._sent or ():
            vector.resize(0)
        super().run()

    def spikes(self, population: Any, depth: int) -> np.ndarray:
        found = np.zeros((self.settings.steps, population.size), bool)
        if self._sent is not None:
            times, senders = (vector.as_numpy() for vector in self._sent)
            here = (senders >= int(population.first_id)) & (senders <= int(population.last_id))
            found[times[here].astype(int), senders[here].astype(int) - int(population.first_id)] = True
        return found

    def potentials(self, population: Any) -> np.ndarray:
        traces = [trace.as_numpy() for trace in self._traces[population.label]]
        return np.stack(traces, axis=1)[1 : self.settings.steps + 1].astype(np.float32)


def cell_type() -> type:
    """The mechanism `mechanism.NAME` as a PyNN cell type for pyNN.neuron. Call `mechanism.load` first."""
    from neuron import h, nrn
    from pyNN.neuron import NativeCellType

    class Neuron:
        """What PyNN wants a NEURON cell to be."""

        section = nrn.Section(name="snnviz")  # PyNN asks for one; an artificial cell is in none

        def __init__(self, **parameters: float) -> None:
            self.source = getattr(h, mechanism.NAME)()
            self.source_section = self.section
            self.excitatory = self.inhibitory = self.source
            self.rec = h.NetCon(self.source, None)
            self.spike_times = h.Vector(0)
            self.traces: dict[str, Any] = {}
            self.recording_time = 0
            self.initial_values: dict[str, float] = {}
            for name, value in parameters.items():
                setattr(self.source, name, value)

        def memb_init(self) -> None:
            self.source.m0 = self.initial_values["m"]

    for name in PARAMETERS:
        setattr(Neuron, name, _forwarded(name))

    class SnnvizIF(NativeCellType):
        """Non-leaky integrate-and-fire neuron with threshold 1; see snnviz_if.mod."""

        default_parameters: ClassVar[dict[str, float]] = {
            "bias": 0.0, "phase": 0.5, "fires": 1.0, "subtract": 1.0, "lowest": NO_FLOOR, "refractory": 0.0, "clamp": 0.0,
        }  # fmt: skip
        default_initial_values: ClassVar[dict[str, float]] = {"m": 0.5}
        recordable: ClassVar[list[str]] = ["spikes", "m"]
        units: ClassVar[dict[str, str]] = {"m": "dimensionless"}
        receptor_types: ClassVar[list[str]] = ["excitatory", "inhibitory"]
        conductance_based = False
        injectable = True  # PyNN initialises no others
        model = Neuron

    return SnnvizIF


def _forwarded(name: str) -> property:
    return property(lambda cell: getattr(cell.source, name), lambda cell, value: setattr(cell.source, name, value))
