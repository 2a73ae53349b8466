"""What the neurons of a population do in a time step.

The graph engine and the unrolled networks of `snnviz.optimization` compute it here, with `keras.ops`; NEURON's cells get these
numbers. The event engine's kernels say the same neuron by neuron, and the tests' plain simulator once more.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from snnviz.network import THRESHOLD, SpikingNetwork
from snnviz.simulation.settings import Settings

Tensor = Any


@dataclass(frozen=True)
class Neurons:
    """Non-leaky integrate-and-fire neurons: v <- max(v + currents, floor), s = 1 where v >= 1 else 0, v <- v - s or 0 where s = 1.

    Attributes:
        fires: whether they spike; read-outs only integrate, without a floor.
        to_zero: the membrane is 0 after a spike, instead of less by 1.
        floor: the least value of the membrane; None for none.
        refractory: for how many steps after a spike the membrane is frozen.
        frozen: for how many steps it is frozen at first.
    """

    fires: bool = True
    to_zero: bool = False
    floor: float | None = None
    refractory: int = 0
    frozen: int = 0

    def step(
        self,
        v: Tensor,
        currents: Sequence[Tensor],
        t: Any,
        rest: Tensor | None = None,
        spike: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """One time step.

        Args:
            v: membrane potentials.
            currents: what arrives, added one after the other.
            t: the step, from 1; a whole number, or a tensor of one.
            rest: for how many steps each neuron is still refractory; None where `refractory` is 0.
            spike: what makes spikes of potentials, with a derivative; None for none.

        Returns:
            potentials, spikes as 0 and 1 (None of neurons that do not fire), and `rest` after the step.
        """
        from keras import ops

        moved = reduce(operator.add, currents, v)
        if self.floor is not None and self.fires:
            moved = ops.maximum(moved, self.floor)
        active = None
        if self.frozen and not isinstance(t, int):
            active = ops.broadcast_to(t > self.frozen, v.shape)
        elif self.frozen and t <= self.frozen:
            return v, ops.zeros_like(v) if self.fires else None, rest
        if rest is not None:
            ready = ops.equal(rest, 0)
            active = ready if active is None else ops.logical_and(active, ready)
        if active is not None:
            moved = ops.where(active, moved, v)
        if not self.fires:
            return moved, None, rest
        fired = moved >= THRESHOLD
        if active is not None:
            fired = ops.logical_and(fired, active)
        spikes = ops.cast(fired, "float32") if spike is None else spike(moved)
        moved = ops.where(fired, 0.0, moved) if self.to_zero else moved - spikes
        if rest is not None:
            rest = ops.where(fired, self.refractory, ops.maximum(rest - 1, 0))
        return moved, spikes, rest


def neurons_of(network: SpikingNetwork, settings: Settings) -> tuple[Neurons, ...]:
    """The neurons of the input and of every layer."""
    last = len(network.layers)
    return tuple(
        Neurons(
            fires=place < last,
            to_zero=settings.resets_to_zero(input_layer=place == 0),
            floor=settings.floor if 0 < place < last else None,
            refractory=settings.refractory,
            frozen=frozen,
        )
        for place, frozen in enumerate(settings.frozen_steps(network))
    )
