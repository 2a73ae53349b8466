"""What an engine is: the contract between `simulate` and the simulators behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from snnviz.network import SpikingNetwork
from snnviz.simulation.settings import Record, Settings
from snnviz.simulation.stopping import Stop


@dataclass(frozen=True, kw_only=True)
class Block:
    """What an engine returns for a batch of B items over T steps, L weighted layers.

    Attributes:
        output: float32 (B, T, classes), the membrane potential of the last layer after each step.
        events: int64 (B, T, L), synaptic events that arrive at each weighted layer, exact.
        spikes: int64 (B, T, L), spikes sent in each step by the input and the hidden layers; column 0 is the input (0
            throughout when the input is analog).
        spike_trains: for each population asked for, bool (traced, T, neurons), neurons flattened row-major.
        potentials: for each population asked for, float32 (traced, T, neurons), after reset.
    """

    output: np.ndarray
    events: np.ndarray
    spikes: np.ndarray
    spike_trains: dict[str, np.ndarray] = field(default_factory=dict)
    potentials: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def empty(cls, network: SpikingNetwork, steps: int, record: Record, items: int, traced: int) -> Block:
        """A block of zeros for `items` items, the first `traced` of them with spike trains and potentials, to be filled."""
        depth = len(network.layers)
        sizes = network.neurons
        return cls(
            output=np.zeros((items, steps, network.classes), np.float32),
            events=np.zeros((items, steps, depth), np.int64),
            spikes=np.zeros((items, steps, depth), np.int64),
            spike_trains={name: np.zeros((traced, steps, sizes[name]), bool) for name in record.spikes},
            potentials={name: np.zeros((traced, steps, sizes[name]), np.float32) for name in record.potentials},
        )


class Engine(ABC):
    """A simulator made ready for one network and one set of options.

    `run` may be called any number of times, from one thread at a time. Items are independent. Sums of float32 values on a
    dyadic grid are exact, so that on such networks engines agree bit for bit, however items are split into batches.
    Elementwise work is done in float32 in the order v + f + b, then the threshold.
    An analog input to the first layer ("analog") is synaptic input of intensity x: it carries an event across each synapse
    of every pixel with x > 0, at each step.

    Args:
        network: the network.
        settings: the options; `settings.readout` and `settings.seed` are not the engine's business.
        record: which spike trains and potentials to return.
    """

    name: ClassVar[str]
    compiling_s: float = 0.0
    """Seconds that `run` has spent on compiling so far, once for each form of batch, which are no simulation."""
    stop: Stop | None = None
    """When items end, set by whoever runs the engine. It may save the steps after an item's end, whose values in a block nobody
    looks at, or take them all the same."""

    def __init__(self, network: SpikingNetwork, settings: Settings, record: Record) -> None:
        self.network = network
        self.settings = settings
        self.record = record

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """The number of items this engine likes to get at once, from its memory budget."""

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the packages behind it, by name, where they are not snnviz's own."""
        return {}

    @abstractmethod
    def run(self, inputs: np.ndarray, traced: int = 0) -> Block:
        """Simulate a batch.

        Args:
            inputs: float32 intensities (B, *input_shape); for inputs "poisson" and "spikes" the spikes, uint8 (B, T, *input_shape).
            traced: for how many of the first items spike trains and potentials are returned.
        """
