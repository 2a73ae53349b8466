"""NEURON through PyNN, with neurons that are exactly those of snnviz: an independent judge of its engines.

The neurons are a mechanism of our own (`snnviz_if.mod`), for NEURON and PyNN have none with reset by subtraction. It is
compiled when first used, for which g++ and make are needed, and kept in the user's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz._arguments import checked
from snnviz.events import Recordings
from snnviz.hardware import pynn
from snnviz.hardware.neuron import mechanism
from snnviz.network import SpikingNetwork
from snnviz.simulation import Record, Settings
from snnviz.simulation import simulate as _simulate

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["make_engine", "simulate"]


@checked
def make_engine(network: SpikingNetwork, settings: Settings, record: Record) -> pynn.PyNNEngine:
    """NEURON as an engine, made ready for `network`.

    Raises:
        InputError: if NEURON, PyNN or a compiler is missing, or the input is analog.
    """
    return pynn.PyNNEngine(network, settings, record, mechanism.load())


@checked
def simulate(
    network: SpikingNetwork,
    x: np.ndarray | Recordings,
    y: np.ndarray,
    steps: int = 50,
    *,
    record: Record | Sequence[str] | str | None = None,
    progress: bool = True,
    title: str = "",
    **settings: Any,
) -> xr.Dataset:
    """Simulate `network` in NEURON, item by item.

    Weights, potentials and sums are double precision there. On weights of a dyadic grid, where sums are exact, the result is
    that of `snnviz.simulate`, spike for spike; elsewhere a potential may round to the other side of the threshold.

    Args:
        network: the network.
        x: intensities in [0, 1], float `(items, *network.input_shape)`; or with input "spikes" what `snnviz.simulate` takes.
        y: class indices, int (items,).
        steps: number of time steps.
        record: as in `snnviz.simulate`.
        progress: show a progress bar if it takes more than two seconds.
        title: a name for the result.
        **settings: the other fields of `snnviz.simulation.Settings`; `input` may not be "analog".

    Returns:
        The result, a dataset as described in `snnviz.results`.

    Raises:
        InputError: if an argument is wrong, or NEURON, PyNN or a compiler is missing.
    """
    return _simulate(
        network, x, y, steps, engine=make_engine, record=record, progress=progress, title=title, **settings
    )
