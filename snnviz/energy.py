"""What a simulation might cost in energy on a platform: an estimate from counted events and published constants.

    energy(t) = events(t) * (energy per synaptic event) + t * neurons * (energy per neuron update)
                + macs(t) * (energy per multiply-accumulate)

events(t) are the synaptic events up to step t, mean per item; every neuron but the input's is updated once a step. With
analog input, what reaches the first layer are values and not spikes: macs(t) multiply-accumulates, which are no events.
Beside the estimate stand the least and the most that published constants give: other figures for a synaptic event, neurons
that do not fire, and what it costs to send a spike.

The constants were measured or simulated by others, on other workloads, and leave out what depends on the system around the chip
(static power, memory, communication between chips). So a figure from here is an estimate, good for an order of magnitude and for
comparing networks on one platform; it is not a measurement, and platforms should not be ranked by it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from snnviz import _checks as check
from snnviz._amounts import in_units
from snnviz._arguments import checked

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from snnviz.network import SpikingNetwork


@dataclass(frozen=True)
class Platform:
    """Energy constants of one platform.

    Attributes:
        synaptic: energy per synaptic event (of a spiking platform) or per multiply-accumulate (of a dense one), in joules.
        update: energy per neuron and step, in joules; 0 where the synaptic figure includes it.
        spiking: whether it pays for events; if not, it computes every synapse of the analog network once per item.
        source: where the constants were published.
        note: what to know about them.
        synaptic_range: the least and the most that is published per synaptic event; None, `synaptic` alone.
        idle: energy per step of a neuron that does not fire, for the least; None, that of `update`.
        spike: the least and the most that it costs to send a spike, beside what it does where it arrives.
        multiply: energy per multiply-accumulate of a spiking platform; None where none is published.
    """

    synaptic: float
    update: float
    spiking: bool
    source: str
    note: str = ""
    synaptic_range: tuple[float, float] | None = None
    idle: float | None = None
    spike: tuple[float, float] = (0.0, 0.0)
    multiply: float | None = None

    def spiking_range(self, events: float, updates: float, spikes: float) -> tuple[float, float]:
        """The least and the most energy, in joules, of so many synaptic events, neuron updates and spikes."""
        low, high = self.synaptic_range or (self.synaptic, self.synaptic)
        idle = self.update if self.idle is None else self.idle
        firing = min(spikes, updates)
        least = events * low + firing * self.update + (updates - firing) * idle + spikes * self.spike[0]
        return least, events * high + updates * self.update + spikes * self.spike[1]


_KERAS_SPIKING = "as collected in KerasSpiking (Applied Brain Research), class ModelEnergy"
_HOEPPNER = "Höppner et al., Dynamic power management for neuromorphic many-core systems, IEEE TCAS I 66(8), 2019"
_DEGNAN = (
    "Degnan, Marr, Hasler, Assessing trends in performance per watt for signal processing applications, IEEE TVLSI 24(1), 2016",
    f"one pass of the ordinary network, every synapse computed; {_KERAS_SPIKING}",
)
PLATFORMS: Mapping[str, Platform] = {
    "Loihi": Platform(
        23.6e-12, 81e-12, True,
        "Davies et al., Loihi: a neuromorphic manycore processor with on-chip learning, IEEE Micro 38(1), 2018",
        "from circuit simulation at 0.75 V: the least energy of a synaptic operation, and an active neuron update. Range: 23.6 pJ "
        "an event there, 27.1 in KerasSpiking 0.3 (with a hop between tiles), 24.0 (convolution) to 35.5 (dense) in SANA-FE "
        "2.2.9; 52 pJ a neuron that is inactive; a spike 1.7 pJ within a tile there, 69.3 + 111 pJ to fire and send in SANA-FE, "
        "hops not counted",
        synaptic_range=(23.6e-12, 35.5e-12), idle=52e-12, spike=(1.7e-12, 180.3e-12),
    ),
    "TrueNorth": Platform(
        26e-12, 0.0, True,
        "Merolla et al., A million spiking-neuron integrated circuit with a scalable communication network and interface, "
        "Science 345, 2014",
        "energy of a whole chip per synaptic event, neuron updates included",
    ),
    "SpiNNaker 2": Platform(
        450e-12, 2.19e-9, True, _HOEPPNER,
        f"of a prototype chip; {_KERAS_SPIKING}",
    ),
    "SpiNNaker": Platform(
        13.3e-9, 26e-9, True, _HOEPPNER,
        f"the comparison in that paper, {_KERAS_SPIKING}",
    ),
    "45 nm additions": Platform(
        0.9e-12, 0.0, True,
        "Horowitz, Computing's energy problem (and what we can do about it), IEEE ISSCC 2014",
        "one 32-bit floating-point addition per event and nothing else: a floor, without any memory access; with a multiplication "
        "4.6 pJ. Range: from 0.1 pJ, an addition of 32-bit integers",
        synaptic_range=(0.1e-12, 0.9e-12), multiply=4.6e-12,
    ),
    "GPU, analog network": Platform(
        0.3e-9, 0.3e-9, False, *_DEGNAN,
    ),
    "CPU, analog network": Platform(
        8.6e-9, 8.6e-9, False, *_DEGNAN,
    ),
}  # fmt: skip
"""Platform -> constants, each with its source."""


@checked
def estimate(result: xr.Dataset, time: int | None = None, network: SpikingNetwork | None = None) -> pd.DataFrame:
    """Estimated energy per item on every platform of `PLATFORMS`.

    Args:
        result: a simulation result.
        time: the step t at which the network is stopped; None takes the last.
        network: the network simulated; with it the platforms that compute the analog network are included.

    Returns:
        A row per platform: columns platform, spiking; synaptic, updates, multiplications and energy (joules per item; energy is the
        sum of the other three, but without multiplications where they are NaN, for want of a constant, which the note says); low
        and high, the range; source, note. `attrs` holds "estimate", True; "time", "events", "macs", "spikes", all per item, and
        "neurons".

    Raises:
        InputError: if an argument is wrong.
    """
    import pandas as pd

    per_step = result["synaptic_events"]
    step = per_step.sizes["time"] if time is None else check.integer("time", time, 1, per_step.sizes["time"])
    neurons = _neurons(result)
    arrived = per_step[:step].sum("time").values
    macs = float(arrived[_taking_the_image(result, network)].sum())
    spent, spikes = float(arrived.sum()) - macs, _spikes(result, step)
    synapses = None if network is None else _synapses(network)
    rows = []
    for name, platform in PLATFORMS.items():
        multiplied, note = 0.0, platform.note
        if platform.spiking:
            synaptic, updates = spent * platform.synaptic, neurons * step * platform.update
            low, high = platform.spiking_range(spent, neurons * step, spikes)
            if macs:
                multiplied = np.nan if platform.multiply is None else macs * platform.multiply
                if platform.multiply is None:
                    note += (
                        f"; without {macs:.4g} multiply-accumulates of the image, which no constant is published for"
                    )
        elif synapses is not None:
            synaptic, updates = synapses * platform.synaptic, neurons * platform.update
            low = high = synaptic + updates
        else:
            continue
        added = float(np.nan_to_num(multiplied))
        figures = (synaptic, updates, multiplied, synaptic + updates + added, low + added, high + added)
        rows.append((name, platform.spiking, *figures, platform.source, note))
    names = ["platform", "spiking", "synaptic", "updates", "multiplications", "energy", "low", "high", "source", "note"]
    frame = pd.DataFrame(rows, columns=names)
    frame.attrs = {
        "estimate": True, "time": step, "events": spent, "macs": macs, "spikes": spikes, "neurons": neurons
    }  # fmt: skip
    return frame


def readable(joules: float) -> str:
    """An energy in three digits: 4.51 µJ."""
    check.real("joules", joules, 0)
    return in_units(joules, ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ"), (1e-12, "pJ")))


def _taking_the_image(result: xr.Dataset, network: SpikingNetwork | None) -> list[int]:
    """Places of the layers that take the image itself and nothing else: the first one, or what a known network says."""
    if json.loads(str(result.attrs.get("settings", "{}"))).get("input") != "analog":
        return []
    if network is None:
        return [1]
    return [place for place, sources in enumerate(network.sources, start=1) if set(sources) == {0}]


def _spikes(result: xr.Dataset, step: int) -> float:
    """Spikes of all neurons but the input's up to a step, mean per item."""
    counts = json.loads(str(result.attrs.get("neurons", "{}")))
    rates = result["spike_rate"][:step].sum("time")
    return float(sum(float(rates.sel(layer=name)) * counts.get(str(name), 0) for name in result["layer"].values[1:]))


def _neurons(result: xr.Dataset) -> int:
    """Neurons that are updated every step: all but the input's."""
    counts = json.loads(str(result.attrs.get("neurons", "{}")))
    first = str(np.asarray(result["layer"].values)[0])
    return int(sum(count for name, count in counts.items() if name != first))


def _synapses(network: SpikingNetwork) -> int:
    from snnviz.simulation.synops import synapses

    return sum(synapses(layer, "all") for layer in network.layers)
