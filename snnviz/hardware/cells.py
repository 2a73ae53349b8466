"""How PyNN simulators are made to compute the neurons of snnviz: the contract, and the standard cell that comes near.

One potential of 1 is one mV, one time step is one ms.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from snnviz.errors import InputError
from snnviz.network import THRESHOLD, SpikingNetwork
from snnviz.simulation.neurons import Neurons
from snnviz.simulation.settings import Settings


def check_begins_at_once(network: SpikingNetwork, simulator: str) -> None:
    """Raise `InputError` if a layer of `network` has an onset, which the neurons of `simulator` cannot have."""
    for layer in network.layers:
        if layer.onset:
            raise InputError(
                f"`onset` of layer {layer.name!r} must be 0 on {simulator}, whose neurons begin at once; "
                f"convert with a clamp of 0, or take `network.clamped(0)`. Received: {layer.onset}"
            )


class Cells(ABC):
    """Neurons, spike sources and recordings on one PyNN simulator. `snnviz.hardware.pynn` builds the network from them.

    Args:
        simulator: the PyNN simulator module.
        settings: the options of the simulation.
        depth: number of weighted layers.

    Attributes:
        delay: of every synapse, in ms.
        weight_scale: what a weight of 1 is on this simulator.
        potential: what it calls the membrane potential.

    Raises:
        InputError: for a setting that these cells cannot do.
    """

    resets: ClassVar[bool]
    """Whether a network can be used for another item after `reset`; else it is built anew for each."""
    delay: float
    weight_scale: float = 1.0
    potential: str = "v"

    def __init__(self, simulator: ModuleType, settings: Settings, depth: int) -> None:
        self.simulator, self.settings, self.depth = simulator, settings, depth

    def check(self, network: SpikingNetwork) -> None:  # noqa: B027 - most have nothing against any network
        """Raise `InputError` if the network is too much for the simulator."""

    @abstractmethod
    def setup(self) -> None:
        """Set the simulator up, which forgets every network it holds."""

    @abstractmethod
    def neurons(self, name: str, depth: int, bias: np.ndarray, initial: np.ndarray, model: Neurons) -> Any:
        """A population of neurons.

        Args:
            name: its label.
            depth: 0 for the input, 1 for the first layer, ...
            bias: (neurons,), added at each step.
            initial: (neurons,), membrane potentials before the first step.
            model: what they do in a step.
        """

    @abstractmethod
    def drive(self, population: Any, bias: np.ndarray) -> None:
        """Give a population of neurons other biases."""

    @abstractmethod
    def spike_times(self, depth: int) -> np.ndarray:
        """float64 (steps,): when a neuron at `depth` that spikes in a step does so, in ms."""

    def sources(self, name: str, size: int) -> Any:
        """A population that sends given spikes."""
        return self.simulator.Population(size, self.simulator.SpikeSourceArray(), label=name)

    def feed(self, sources: Any, spikes: np.ndarray) -> None:
        """Give spike sources their spikes, bool (steps, neurons)."""
        from pyNN.parameters import Sequence

        times = self.spike_times(0)
        sources.set(spike_times=[Sequence(times[train]) for train in spikes.T])

    def record(self, population: Any, spikes: bool, potentials: bool) -> None:
        """Have the spikes and potentials of a population recorded from now on."""
        population.record([name for name, wanted in (("spikes", spikes), (self.potential, potentials)) if wanted])

    def run(self) -> None:
        """Simulate all steps."""
        self.simulator.run(float(self.settings.steps))

    def reset(self) -> None:
        """Go back to the start, with the network as it is."""
        self.simulator.reset()

    def spikes(self, population: Any, depth: int) -> np.ndarray:
        """bool (steps, neurons): what a recorded population has sent since the start."""
        segment = population.get_data("spikes").segments[-1]
        times = self.spike_times(depth)
        found = np.zeros((len(times), population.size), bool)
        for train in segment.spiketrains:
            at = np.searchsorted(times, np.asarray(train.magnitude) - 0.25)
            found[at, train.annotations["source_index"]] = True
        return found

    def potentials(self, population: Any) -> np.ndarray:
        """float32 (steps, neurons): the membrane potentials of a recorded population after each step."""
        signal = population.get_data(self.potential).segments[-1].filter(name=self.potential)[0]
        neurons = signal.array_annotations["channel_index"]
        return np.asarray(signal.magnitude, np.float32)[-self.settings.steps :, np.argsort(neurons)]


class DeltaCells(Cells):
    """The standard cell type IF_curr_delta as NEST has it: reset to zero, and one step of delay a layer.

    It leaks, so its time constant is made long, and the threshold is lowered by `TOLERANCE` lest a potential of exactly 1 be
    missed: single spikes may differ from those of `snnviz.simulate(..., delay=1, reset="zero")`.
    """

    TIME_CONSTANT = 1e6
    """ms; the leak in a step is one millionth of the potential."""
    TOLERANCE = 2.0**-12
    NEVER = 1e9
    """Threshold of neurons that never fire."""
    NEEDS: ClassVar[dict[str, Any]] = {"input": "spiking", "delay": 1, "clamp": 0, "floor": None}
    """Of the settings; a spike source of PyNN's on NEST cannot spike in the first step."""

    resets = False
    delay = 1.0

    def __init__(self, simulator: ModuleType, settings: Settings, depth: int) -> None:
        super().__init__(simulator, settings, depth)
        needs = self.needs()
        if settings.input_reset is not None:
            needs["input_reset"] = needs.get("reset", settings.reset)
        other = {name: needed for name, needed in needs.items() if getattr(settings, name) != needed}
        if other:
            names = " and ".join(f"`{name}`" for name in other)
            wanted, given = (
                " and ".join(repr(value) for value in values)
                for values in (other.values(), [getattr(settings, name) for name in other])
            )
            raise InputError(f"{names} must be {wanted} on {simulator.__name__}. Received: {given}")

    def needs(self) -> dict[str, Any]:
        """The settings that these cells need, by their names."""
        return {**self.NEEDS, "reset": "zero"}

    def check(self, network: SpikingNetwork) -> None:
        check_begins_at_once(network, self.simulator.__name__)

    def setup(self) -> None:
        self.simulator.setup(timestep=1.0, min_delay=1.0)

    def kind(self) -> Any:
        """The cell type."""
        return self.simulator.IF_curr_delta

    def neurons(self, name: str, depth: int, bias: np.ndarray, initial: np.ndarray, model: Neurons) -> Any:
        cell = self.kind()(
            cm=1.0,  # nF: a current of 1 nA adds 1 mV in 1 ms
            tau_m=self.TIME_CONSTANT,
            tau_refrac=float(model.refractory),
            v_rest=0.0,
            v_reset=0.0,
            v_thresh=self.threshold(model) - self.TOLERANCE,
            i_offset=bias.astype(np.float64),
        )
        return self.simulator.Population(len(bias), cell, initial_values={"v": initial.astype(np.float64)}, label=name)

    def threshold(self, model: Neurons) -> float:
        """Of neurons that compute as `model` says."""
        return THRESHOLD if model.fires else self.NEVER

    def drive(self, population: Any, bias: np.ndarray) -> None:
        population.set(i_offset=bias.astype(np.float64))

    def spike_times(self, depth: int) -> np.ndarray:
        return np.arange(1.0, self.settings.steps + 1)


class NestCells(DeltaCells):
    """NEST's IF_curr_delta, for resets to zero."""

    def setup(self) -> None:
        # NEST's cells "off the grid" fire between steps
        self.simulator.setup(timestep=1.0, min_delay=1.0, spike_precision="on_grid")

    def kind(self) -> Any:
        kind = self.simulator.IF_curr_delta
        if not hasattr(kind, "variable_map"):
            # PyNN 0.13 forgot to say what NEST calls the potential
            return type(kind.__name__, (kind,), {"variable_map": {"v": "V_m"}})
        return kind


class NestSubtractingCells(NestCells):
    """NEST's `eprop_iaf`, which subtracts its threshold.

    It is made for learning by eligibility traces (Bellec et al., 2020) and, with ordinary synapses, is the one neuron of NEST's
    that subtracts and whose input lasts a single step. Its threshold must be exact, for it is what is subtracted, so the initial
    potential is raised instead: by more than the leak takes, and less than any weight gives.
    """

    TIME_CONSTANT = 2.0**40
    """ms; a power of two, for then what a current adds in a step is exact."""
    RAISED = 2.0**-20

    weight_scale = 1e-3  # a weight is a current here, and PyNN's nA become NEST's pA
    potential = "V_m"

    def __init__(self, simulator: ModuleType, settings: Settings, depth: int) -> None:
        super().__init__(simulator, settings, depth)
        self._initial: dict[str, np.ndarray] = {}

    def needs(self) -> dict[str, Any]:
        # a refractory neuron of this kind loses what its spike left
        return {**self.NEEDS, "refractory": 0}

    def kind(self) -> Any:
        return subtracting_kind()

    def neurons(self, name: str, depth: int, bias: np.ndarray, initial: np.ndarray, model: Neurons) -> Any:
        cell = self.kind()(C_m=1.0, tau_m=self.TIME_CONSTANT, t_ref=0.0, E_L=0.0, V_th=self.threshold(model))
        population = self.simulator.Population(len(bias), cell, label=name)
        self._initial[name] = initial.astype(np.float64) + self.RAISED
        self.drive(population, bias)
        return population

    def drive(self, population: Any, bias: np.ndarray) -> None:
        current = bias.astype(np.float64)
        # a current acts from the second step on, so the first step's is there from the beginning
        population.set(I_e=current)
        population.initialize(V_m=self._initial[population.label] + current)


def nest_cells(simulator: ModuleType, settings: Settings, depth: int) -> Cells:
    """The neurons of NEST's that reset as `settings` say."""
    kind = NestSubtractingCells if settings.reset == "subtract" else NestCells
    return kind(simulator, settings, depth)


def subtracting_kind() -> Any:
    """NEST's `eprop_iaf` as a cell type of PyNN's, which cannot make one by itself: NEST takes no flag back that it gave out."""
    from pyNN.nest.cells import NativeCellType

    name = "eprop_iaf"
    return type(
        name,
        (NativeCellType,),
        {
            "nest_model": name,
            "nest_name": {"on_grid": name, "off_grid": name},
            "default_parameters": {"C_m": 1.0, "tau_m": 1.0, "t_ref": 0.0, "E_L": 0.0, "V_th": 1.0, "I_e": 0.0},
            "default_initial_values": {"V_m": 0.0},
            "receptor_types": ["excitatory", "inhibitory"],
            "standard_receptor_type": True,
            "conductance_based": False,
            "injectable": True,
            "recordable": ["spikes", "V_m"],
            "units": {"spikes": "ms", "V_m": "mV"},
            "always_local": False,
            "uses_parrot": False,
        },
    )


BRIAN2_EQUATIONS = """
dv/dt = (i_offset + i_inj) / c_m : volt
c_m : farad
i_offset : amp
i_inj : amp
tau_m : second
v_rest : volt
v_thresh : volt (constant)
v_reset : volt (constant)
"""
"""Without a leak; and without "unless refractory", by which a neuron loses what arrives in the step of its own spike."""


class Brian2Cells(DeltaCells):
    """IF_curr_delta on Brian 2, changed to what snnviz computes.

    As PyNN 0.13 has it, spikes are stamped a step lower than on NEST, a delay of one step takes two, and a neuron loses what
    arrives in the step of its own spike. Here resets come before synapses, a delay of 0 is one step, potentials are
    recorded between the two, and the threshold is subtracted where that is asked for.
    """

    SCHEDULE: ClassVar[list[str]] = ["start", "groups", "thresholds", "resets", "end", "synapses"]
    """Of a step; PyNN's recorders look at the end, which is here before what arrives for the next step."""

    delay = 0.0

    def needs(self) -> dict[str, Any]:
        return {**self.NEEDS, "refractory": 0}

    def setup(self) -> None:
        super().setup()
        state = self.simulator.simulator.state
        state.min_delay = self.delay  # PyNN takes none below the time step
        state.network.schedule = self.SCHEDULE

    def kind(self) -> Any:
        from pyNN.brian2.cells import BaseNeuronGroup

        reset = "v = v_reset" if self.settings.reset == "zero" else f"v -= {THRESHOLD}*mV"

        class Group(BaseNeuronGroup):
            def __init__(self, n: int, equations: Any, **parameters: Any) -> None:
                super().__init__(n, BRIAN2_EQUATIONS, "v > v_thresh", reset=reset, **parameters)

        kind = self.simulator.IF_curr_delta
        return type(kind.__name__, (kind,), {"brian2_model": Group})

    def spike_times(self, depth: int) -> np.ndarray:
        return np.arange(float(self.settings.steps))
