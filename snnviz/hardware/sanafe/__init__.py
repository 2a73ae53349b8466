"""A network on SANA-FE's model of a Loihi chip: energy and latency by step, as a second opinion beside `snnviz.energy`.

SANA-FE (Boyle et al., IEEE TCAD 44(8), 2025) simulates cores, synapses and the network between them. It is GPL: it runs in a
process and an environment of its own. Its neurons truncate potentials to 1/64 and fire above the threshold only: weights are scaled
up, so that the first does no harm, and thresholds lowered by less than that: its spikes are then those of `snnviz.simulate` with
delay 1.
"""

from __future__ import annotations

import math
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnviz import _checks as check
from snnviz import _progress
from snnviz._arguments import checked
from snnviz._memory import check_room
from snnviz._npz import Arrays
from snnviz.errors import InputError
from snnviz.hardware import outside
from snnviz.hardware.synapses import synapse_list
from snnviz.network import THRESHOLD, Population, SpikingNetwork
from snnviz.simulation import Record
from snnviz.simulation import simulate as _simulate

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["INSTALL", "Both", "simulate"]

INSTALL = "sanafe==2.2.9 numpy"
"""What pip installs in the environment of `python`."""
PARTS = ("synapse", "dendrite", "soma", "network")
DONE = "snnviz item"
"""What `chip.py` says when an item is done."""
RESOLUTION = 1 / 64
"""Potentials are truncated to multiples of it."""
LARGEST_SCALE = 2.0**12
CHIP_BYTES = 1.8e9
SYNAPSE_BYTES = 860
"""Memory of SANA-FE 2.2.9 for its chip and for each synapse, measured on the shipped MNIST networks."""


class Both(NamedTuple):
    """A network on the chip's model and here.

    Attributes:
        there: dims item, time (from 1), part and layer.

            - `energy` (item, time, part): joules spent in each step by synapses, dendrites, somas and the network on chip;
            - `latency` (item, time): seconds that each step takes;
            - `deliveries` (item, time): spikes times their synapses, in the step in which they are sent; SANA-FE calls them
              spikes;
            - `events` (item, time): the same as snnviz counts them, in the step in which they arrive, one later;
            - `spikes` and `spikes_here` (layer): totals there and here; `same_spikes` (layer): whether each one is equal;
            - `prediction` and `prediction_here` (item, time).
        here: the result of `snnviz.simulate` with `delay=1`.
    """

    there: xr.Dataset
    here: xr.Dataset


@checked
def simulate(
    network: SpikingNetwork,
    x: np.ndarray,
    y: np.ndarray,
    steps: int = 50,
    *,
    python: str = sys.executable,
    progress: bool = True,
) -> Both:
    """Simulate `network` on the chip's model, and compare every spike with `snnviz.simulate(..., delay=1)`.

    Populations fill core after core of 1024 neurons, each beginning on a new one. The input's spikes are given, at no cost.

    Args:
        network: the network; its layers may not wait (onsets).
        x: intensities in [0, 1], float `(items, *network.input_shape)`.
        y: class indices, int (items,).
        steps: time steps.
        python: the interpreter of an environment with `INSTALL`.
        progress: show a progress bar if it takes more than two seconds.

    Raises:
        InputError: for a network that cannot be expressed or does not fit into memory, or if SANA-FE is not there or fails.
    """
    _check(network)
    x = check.images("x", x, network.input_shape)
    record = Record(spikes=network.firing_names, events=True, logits=True, items=len(x))
    ours = _simulate(network, x, y, steps, engine="event", delay=1, record=record, progress=False)
    scale = _scale(network, steps)
    with tempfile.TemporaryDirectory(prefix="snnviz-sanafe-") as name:
        given, measured = Path(name) / "network.npz", Path(name) / "measured.npz"
        np.savez(given, **_described(network, scale), spikes=_spikes(ours, network.input.name))
        script = resources.files(__name__).joinpath("chip.py").read_text(encoding="utf-8")
        with _progress.bar(len(x), "on SANA-FE's chip, which is built first", "item", progress) as bar:
            outside.run(
                script, Path(name), [given, measured], python=python, tool="SANA-FE", install=INSTALL,
                on_line=lambda line: bar.update(int(line.startswith(DONE))),
            )  # fmt: skip
        return Both(_compared(dict(Arrays(measured)), ours, network), ours)


def _check(network: SpikingNetwork) -> None:
    waiting = [layer.name for layer in network.layers if layer.onset]
    if waiting:
        raise InputError(
            "`network` must take part from the first step in SANA-FE; convert with a clamp of 0, or take `network.clamped(0)`. "
            f"Received: onsets, of {', '.join(waiting)}"
        )
    synapses = sum(layer.synapses("nonzero") for layer in network.layers)
    what = "`network` must fit into memory, where SANA-FE makes an object of each synapse"
    check_room(CHIP_BYTES + synapses * SYNAPSE_BYTES, what, f"{synapses:,} synapses, which take about")


def _scale(network: SpikingNetwork, steps: int) -> float:
    """The power of two by which weights are multiplied: potentials over `RESOLUTION` are held in 32 bits there."""
    most = max(
        sum(float(np.abs(each.weights).max()) * math.prod(each.input_shape) for each in layer.projections)
        + float(np.abs(layer.bias).max())
        for layer in network.layers
    )
    largest = 2.0**31 * RESOLUTION / (steps * most + 1)
    return min(LARGEST_SCALE, 2.0 ** math.floor(math.log2(largest)))


def _spikes(result: xr.Dataset, name: str) -> np.ndarray:
    """The spikes of a population, bool (items, steps, neurons)."""
    spikes = result[f"spikes_{name}"].values
    return spikes.reshape(*spikes.shape[:2], -1)


def _described(network: SpikingNetwork, scale: float) -> dict[str, Any]:
    """The network as `chip.py` takes it."""
    given: dict[str, Any] = {
        "sizes": np.array([network.input.neurons, *(layer.neurons for layer in network.layers)]),
        # fires above it only; what it is lowered by is truncated away before the next step
        "threshold": np.array(scale * THRESHOLD - RESOLUTION / 2),
    }
    k = 0
    for place, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True), 1):
        each = np.broadcast_to(np.asarray(layer.bias, np.float64), layer.output_shape)
        potential = np.broadcast_to(np.asarray(layer.initial_potential, np.float64), layer.output_shape)
        given |= {
            f"bias{place}": scale * each.ravel(),
            f"potential{place}": scale * potential.ravel(),
            f"unit{place}": _unit(layer),
        }
        for projection, source in zip(layer.projections, sources, strict=True):
            found = synapse_list(projection)
            given |= {
                f"ends{k}": np.array([source, place]),
                f"pre{k}": found.pre,
                f"post{k}": found.post,
                f"weight{k}": scale * found.weight.astype(np.float64),
            }
            k += 1
    return given


def _unit(layer: Population) -> str:
    """Which of the chip's synapses: those of convolutions, of dense matrices, or of lists without the pruned ones."""
    if len(layer.output_shape) == 3:
        return "conv"
    return "dense" if layer.synapses("nonzero") == layer.synapses("all") else "sparse"


def _compared(found: dict[str, np.ndarray], ours: xr.Dataset, network: SpikingNetwork) -> xr.Dataset:
    import xarray as xr

    both = [(found[f"spikes{place}"], _spikes(ours, name)) for place, name in enumerate(network.firing_names)]
    return xr.Dataset(
        {
            "energy": (("item", "time", "part"), np.stack([found[f"energy_{part}"] for part in PARTS], axis=-1)),
            "latency": (("item", "time"), found["latency"]),
            "deliveries": (("item", "time"), found["deliveries"]),
            "events": (("item", "time"), ours["item_events"].sum("layer").values),
            "spikes": ("layer", [int(there.sum()) for there, _ in both]),
            "spikes_here": ("layer", [int(here.sum()) for _, here in both]),
            "same_spikes": ("layer", [bool(np.array_equal(*pair)) for pair in both]),
            "prediction": (("item", "time"), found["output"].argmax(axis=-1)),
            "prediction_here": (("item", "time"), ours["logits"].values.argmax(axis=-1)),
        },
        coords={"time": ours["time"], "part": list(PARTS), "layer": list(network.firing_names)},
    )
