"""What a simulation might cost in energy on a platform: an estimate from counted events and published constants.

    energy(t) = events(t) * (energy per synaptic event) + t * neurons * (energy per neuron update)

events(t) are the synaptic events up to step t, mean per item; every neuron but the input's is updated once a step. The
constants were measured or simulated by others, on other workloads, and leave out what depends on the system around the chip
(static power, memory, communication between chips). So a figure from here is an estimate, good for an order of
magnitude and for comparing networks on one platform; it is not a measurement, and platforms should not be ranked by it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from snnviz import _checks as check
from snnviz import metrics

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
    """

    synaptic: float
    update: float
    spiking: bool
    source: str
    note: str = ""


_KERAS_SPIKING = "as collected in KerasSpiking (Applied Brain Research), class ModelEnergy"
PLATFORMS: Mapping[str, Platform] = {
    "Loihi": Platform(
        23.6e-12, 81e-12, True,
        "Davies et al., Loihi: a neuromorphic manycore processor with on-chip learning, IEEE Micro 38(1), 2018",
        "from circuit simulation at 0.75 V: the least energy of a synaptic operation, and an active neuron update",
    ),
    "TrueNorth": Platform(
        26e-12, 0.0, True,
        "Merolla et al., A million spiking-neuron integrated circuit with a scalable communication network and interface, "
        "Science 345, 2014",
        "energy of a whole chip per synaptic event, neuron updates included",
    ),
    "SpiNNaker 2": Platform(
        450e-12, 2.19e-9, True,
        "Höppner et al., Dynamic power management for neuromorphic many-core systems, IEEE TCAS I 66(8), 2019",
        f"of a prototype chip; {_KERAS_SPIKING}",
    ),
    "SpiNNaker": Platform(
        13.3e-9, 26e-9, True,
        "Höppner et al., Dynamic power management for neuromorphic many-core systems, IEEE TCAS I 66(8), 2019",
        f"the comparison in that paper, {_KERAS_SPIKING}",
    ),
    "45 nm additions": Platform(
        0.9e-12, 0.0, True,
        "Horowitz, Computing's energy problem (and what we can do about it), IEEE ISSCC 2014",
        "one 32-bit floating-point addition per event and nothing else: a floor, without any memory access",
    ),
    "GPU, analog network": Platform(
        0.3e-9, 0.3e-9, False,
        "Degnan, Marr, Hasler, Assessing trends in performance per watt for signal processing applications, IEEE TVLSI 24(1), 2016",
        f"one pass of the ordinary network, every synapse computed; {_KERAS_SPIKING}",
    ),
    "CPU, analog network": Platform(
        8.6e-9, 8.6e-9, False,
        "Degnan, Marr, Hasler, Assessing trends in performance per watt for signal processing applications, IEEE TVLSI 24(1), 2016",
        f"one pass of the ordinary network, every synapse computed; {_KERAS_SPIKING}",
    ),
}  # fmt: skip
"""Platform -> constants, each with its source."""


def estimate(result: xr.Dataset, time: int | None = None, network: SpikingNetwork | None = None) -> pd.DataFrame:
    """Estimated energy per item on every platform of `PLATFORMS`.

    Args:
        result: a simulation result.
        time: the step t at which the network is stopped; None takes the last.
        network: the network simulated; with it the platforms that compute the analog network are included.

    Returns:
        A row per platform: columns platform, spiking, synaptic, updates and energy (joules per item; energy is the sum of the
        other two), source, note. `attrs["estimate"]` is True.

    Raises:
        InputError: if an argument is wrong.
    """
    import pandas as pd

    events = metrics.events_per_step(result)
    step = len(events) if time is None else check.integer("time", time, 1, len(events))
    neurons = _neurons(result)
    spent = float(events[:step].sum())
    synapses = None if network is None else _synapses(network)
    rows = []
    for name, platform in PLATFORMS.items():
        if platform.spiking:
            synaptic, updates = spent * platform.synaptic, neurons * step * platform.update
        elif synapses is not None:
            synaptic, updates = synapses * platform.synaptic, neurons * platform.update
        else:
            continue
        rows.append((name, platform.spiking, synaptic, updates, synaptic + updates, platform.source, platform.note))
    frame = pd.DataFrame(rows, columns=["platform", "spiking", "synaptic", "updates", "energy", "source", "note"])
    frame.attrs = {"estimate": True, "time": step, "events": spent, "neurons": neurons}
    return frame


def readable(joules: float) -> str:
    """An energy in three digits: 4.51 µJ."""
    check.real("joules", joules, 0)
    for size, unit in ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ"), (1e-12, "pJ")):
        if joules >= size:
            return f"{joules / size:.3g} {unit}"
    return f"{joules / 1e-12:.3g} pJ"


def _neurons(result: xr.Dataset) -> int:
    """Neurons that are updated every step: all but the input's."""
    counts = json.loads(str(result.attrs.get("neurons", "{}")))
    first = str(np.asarray(result["layer"].values)[0])
    return int(sum(count for name, count in counts.items() if name != first))


def _synapses(network: SpikingNetwork) -> int:
    from snnviz.simulation.synops import synapses

    return sum(synapses(layer, "all") for layer in network.layers)
