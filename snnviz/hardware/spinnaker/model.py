"""What SpiNNaker computes of a network, as another network and other settings for snnviz's own engines.

The neuron is sPyNNaker's IF_trunc_delta, non-leaky with delta synapses. At each step of 1 ms, in 32-bit fixed point with 15
fractional bits (s16.15)::

    v <- max(v + E - I + b, V_reset),    a spike where v >= V_thresh, and then v <- V_reset

with V_reset = 0 and V_thresh = 1: reset to zero, and a floor at zero. Spikes travel a step from each population to the next. E
and I are sums of excitatory and inhibitory weights, in 16 bits each (a *ring buffer*), shifted left by a number of bits that is
fixed for a population and a sign. A weight w is therefore stored as ::

    rint(|w| 2^(15 - shift)),    of which a sum must stay below 2^16.

The tool chain estimates how large sums may become, w_max times the largest fan-in, and takes the shift from that; it can also be
told (`max_expected_summed_weight`). We tell it the smallest shift with which no sum can overflow: finer weights, no saturation.

Input spikes are computed by the host, so that they reset by subtraction, and average pooling that comes first is done there too,
on intensities. The output population has a threshold out of reach and no floor; its membrane is read.

On these grids all sums are exact in float32 (up to 2^9), so that the engines compute what the chip's integers do, bit for bit:
tests/hardware/spinnaker holds them against a simulator in integers. Sources: neuron_model_if_trunc.h, synapses.c,
population_vertex.py (get_ring_buffer_shifts) and synapse_dynamics_static.py of sPyNNaker 7.4.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.hardware.cells import check_begins_at_once
from snnviz.hardware.synapses import synapse_list
from snnviz.network import Input, Population, SpikingNetwork
from snnviz.simulation import Record, Settings, analog, simulate
from snnviz.simulation.encoding import Inputs

if TYPE_CHECKING:
    import xarray as xr

SETTINGS: dict[str, Any] = {"reset": "zero", "input_reset": "subtract", "floor": 0.0, "delay": 1}
"""The chip's neurons as `snnviz.simulation.Settings`."""

HEADROOMS = ("exact", "estimate")
FRACTION = 15
"""Fractional bits of s16.15."""
LARGEST_SUM = 2**16 - 1
"""Of stored weights that arrive at a neuron in a step."""


@dataclass(frozen=True)
class Quantised:
    """A network as the tool chain stores it.

    Attributes:
        network: weights, biases and initial potentials on the chip's grids; weights that round to zero are zero.
        shifts: for each layer the shifts (excitatory, inhibitory) of its ring buffers.
        lost: for each layer the number of weights that rounded to zero.
        headroom: how the shifts were found, see `quantise`.
    """

    network: SpikingNetwork
    shifts: tuple[tuple[int, int], ...]
    lost: tuple[int, ...]
    headroom: str


def quantise(network: SpikingNetwork, headroom: str = "exact") -> Quantised:
    """`network` with the weights, biases and initial potentials that SpiNNaker would hold.

    Args:
        network: the network, without a pooling of its input if the host is to do that (`with_pooled_input`).
        headroom: "exact", the smallest shifts with which no sum of weights overflows; "estimate", those that the tool chain
            chooses when it is told nothing, of single paths.

    Raises:
        InputError: if a weight, bias or potential is beyond the chip's range, or a layer begins later than the first step.
    """
    check.choice("headroom", headroom, HEADROOMS)
    check_begins_at_once(network, "SpiNNaker")
    layers, shifts, lost = [], [], []
    if headroom == "estimate":
        network.single_path("headroom 'estimate' on SpiNNaker")
    for layer in network.layers:
        before = [each.weights for each in layer.projections]
        signs = [[np.maximum(sign * weights, 0) for weights in before] for sign in (1, -1)]
        found = [_shift(layer, parts, headroom) for parts in signs]
        up, down = (np.float64(2.0 ** (FRACTION - shift)) for shift in found)
        weights = [
            np.rint(more.astype(np.float64) * up) / up - np.rint(less.astype(np.float64) * down) / down
            for more, less in zip(*signs, strict=True)
        ]
        lost.append(sum(int(np.count_nonzero(w) - np.count_nonzero(n)) for w, n in zip(before, weights, strict=True)))
        layers.append(
            layer.with_weights(
                weights,
                bias=s1615(f"bias of layer {layer.name!r}", layer.bias),
                initial_potential=s1615(f"initial_potential of layer {layer.name!r}", layer.initial_potential),
            )
        )
        shifts.append((found[0], found[1]))
    return Quantised(replace(network, layers=tuple(layers)), tuple(shifts), tuple(lost), headroom)


def s1615(name: str, value: float | np.ndarray) -> Any:
    """`value` rounded to s16.15.

    Raises:
        InputError: if it is beyond the range of s16.15.
    """
    array = np.asarray(value, np.float64)
    if np.abs(array).max() >= 2.0**16:
        raise InputError(
            f"`{name}` must be within SpiNNaker's range, below 65536 in size. Received: {np.abs(array).max():g}"
        )
    rounded = np.rint(array * 2.0**FRACTION) / 2.0**FRACTION
    return float(rounded) if rounded.ndim == 0 else rounded


def _shift(layer: Population, weights: Sequence[np.ndarray], headroom: str) -> int:
    """The ring buffers' shift for weights of one sign, of each projection, given as positive numbers; 0 where there is none."""
    largest = max(float(each.max()) for each in weights)
    if not largest:
        return 0
    parts = list(zip(layer.projections, weights, strict=True))
    if headroom == "estimate":
        synapses = synapse_list(replace(parts[0][0], weights=weights[0]))
        summed = largest * int(np.bincount(synapses.post).max())
        shift = math.ceil(max(0.0, math.log2(summed)))
        return shift + 1 if 2**shift <= summed else shift
    for shift in range(FRACTION + 1):
        grid = 2.0 ** (FRACTION - shift)
        if np.rint(largest * grid) > LARGEST_SUM:
            continue
        stored = [replace(each, weights=np.rint(own.astype(np.float64) * grid)) for each, own in parts]
        sums = [analog.linear(each, np.ones((1, *each.input_shape), np.float32)) for each in stored]
        if np.sum(sums, axis=0).max() <= LARGEST_SUM:
            return shift
    raise InputError(
        f"`weights` of layer {layer.name!r} must have sums below {2 ** (FRACTION + 1)} for SpiNNaker. "
        f"Received: up to {largest:g} each"
    )


def told_sums(quantised: Quantised) -> list[list[float] | None]:
    """For each layer what `max_expected_summed_weight` must be for its shifts; None leaves the tool chain to its estimate."""
    if quantised.headroom == "estimate":
        return [None] * len(quantised.shifts)
    return [[0.75 * 2.0**shift for shift in pair] for pair in quantised.shifts]


def with_pooled_input(network: SpikingNetwork) -> SpikingNetwork:
    """The network without the average pooling that it begins with, if it does; its input is then what `pooled` gives."""
    if not _pools_first(network):
        return network
    first = network.layers[0]
    return replace(
        network,
        input=Input(shape=first.output_shape, initial_potential=first.initial_potential, name=network.input.name),
        layers=network.layers[1:],
    )


def with_pooling_of(whole: SpikingNetwork, network: SpikingNetwork) -> SpikingNetwork:
    """`network`, made from `with_pooled_input(whole)`, with the pooling of `whole` before it again."""
    if not _pools_first(whole):
        return network
    pooling = replace(whole.layers[0], initial_potential=network.input.initial_potential)
    return replace(network, input=whole.input, layers=(pooling, *network.layers))


def settings_for(x: np.ndarray | Recordings, steps: int, step_ms: float | None) -> Settings:
    """The chip's settings for images, or for event recordings in steps of `step_ms`."""
    if isinstance(x, Recordings):
        return Settings(steps=steps, input="spikes", step_ms=step_ms, **SETTINGS)
    if step_ms is not None:
        raise InputError(f"`step_ms` must be left out where `x` are no event recordings. Received: {step_ms:g}")
    return Settings(steps=steps, **SETTINGS)


def pooled(network: SpikingNetwork, x: np.ndarray | Recordings) -> np.ndarray | Recordings:
    """Intensities `x` `(items, *network.input_shape)` as `with_pooled_input(network)` takes them, at most 1; or recordings."""
    if isinstance(x, Recordings):
        if _pools_first(network):
            raise InputError(
                "`network` must not begin with pooling for event recordings: the host would have to pool them. "
                f"Received: {network.layers[0].name!r} first"
            )
        return x
    x = check.images("x", x, network.input_shape)
    if not _pools_first(network):
        return x
    return np.clip(analog.linear(network.layers[0].projections[0], x), 0, 1).astype(np.float32)


def _pools_first(network: SpikingNetwork) -> bool:
    first = network.layers[0]
    return (
        network.is_path
        and first.pools
        and not first.onset
        and not first.bias.any()
        and len(first.output_shape) == 3
        and len(network.layers) > 1
    )


def expect(
    network: SpikingNetwork,
    x: np.ndarray | Recordings,
    y: np.ndarray,
    steps: int = 50,
    *,
    headroom: str = "exact",
    step_ms: float | None = None,
    engine: str = "auto",
    record: Record | Sequence[str] | str | None = None,
    progress: bool = True,
    title: str = "",
) -> xr.Dataset:
    """The result to expect of `network` on SpiNNaker, computed on this machine.

    Args:
        network: the network; an average pooling that comes first is done by the host.
        x: intensities in [0, 1], float `(items, *network.input_shape)`; or event recordings.
        y: class indices, int (items,).
        steps: time steps.
        headroom: of the stored weights, see `quantise`.
        step_ms: of recordings, milliseconds of a step; the chip takes a millisecond for each.
        engine: of snnviz, see `snnviz.simulate`.
        record: see `snnviz.simulate`.
        progress: show a progress bar if it takes more than two seconds.
        title: label of the curves.

    Returns:
        The result (`snnviz.results`). Its accuracy counts against the ANN's of `network` itself; its events are those on the
        chip, without the pooling that the host did and without synapses whose weight rounded to zero.

    Raises:
        InputError: if an argument is wrong, or a number beyond the chip's range.
    """
    if not isinstance(network, SpikingNetwork):
        raise InputError(f"`network` must be a SpikingNetwork. Received: {check.describe(network)}")
    settings = settings_for(x, steps, step_ms)
    stored = quantise(with_pooled_input(network), headroom)
    result = simulate(
        stored.network,
        pooled(network, x),
        y,
        settings,
        engine=engine,
        record=record,
        progress=progress,
        title=title or "SpiNNaker, expected",
    )
    result.attrs["ann_accuracy"] = Inputs.of(network, x, settings).accuracy(network, y)
    result.attrs["target"] = "spinnaker, expected"
    result.attrs["headroom"] = headroom
    return result


def as_simulated(
    result: xr.Dataset, network: SpikingNetwork, x: np.ndarray | Recordings
) -> tuple[SpikingNetwork, np.ndarray | Recordings]:
    """The network and the items that a result is of: as the chip holds them where it is one of SpiNNaker, else as they are.

    Args:
        result: the result.
        network: the network that was asked for.
        x: images or recordings that it was asked for.
    """
    if not str(result.attrs.get("target", "")).startswith("spinnaker"):
        return network, x
    headroom = str(result.attrs.get("headroom", "exact"))  # results of 0.1.0 do not say
    return quantise(with_pooled_input(network), headroom).network, pooled(network, x)
