"""Results in the form of NeuroBench's harness, so that they can be compared there.

NeuroBench: Yik et al., Nature Communications 16, 2025, doi:10.1038/s41467-025-56739-4. The numbers are those that its
metrics, version 2.3, give for a PyTorch model of the same network.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.network import DepthwiseConv2D, Layer, SpikingNetwork
from snnviz.simulation.synops import synapses

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["harness"]


@checked
def harness(result: xr.Dataset, network: SpikingNetwork) -> dict[str, Any]:
    """What NeuroBench's `Benchmark.run` returns, and its `save_benchmark_results` writes.

    - Footprint: bytes of weights and biases, float32; ParameterCount: how many. Average pooling has none.
    - ConnectionSparsity: the share of zeros among the weights, a shared one counted once.
    - ClassificationAccuracy: after the last step, a fraction.
    - ActivationSparsity: the share of neurons and steps without a spike, over the populations that fire.
    - SynapticOperations, mean per item over all steps: Effective_ACs, our synaptic events but for those at pooling, which
      NeuroBench does not count; Effective_MACs, those of an analog image; Dense, all synapses in every step.

    Args:
        result: a simulation result.
        network: the network simulated.

    Raises:
        InputError: if the result is of another network.
    """
    if result.attrs.get("network_hash") != network.hash:
        raise InputError("`network` must be the one that was simulated. Received: another than the result's")
    settings = json.loads(str(result.attrs["settings"]))
    layers = network.single_path("NeuroBench's metrics")
    weighted = [layer for layer in layers if not _pools(layer)]
    parameters = sum(layer.weights.size + layer.bias.size for layer in weighted)
    zeros = sum(int((layer.weights == 0).sum()) for layer in weighted)
    events = result["synaptic_events"].sum("time")
    counted = {layer.name: float(events.sel(layer=layer.name)) for layer in weighted}
    first = layers[0].name
    macs = counted.pop(first, 0.0) if settings["input"] == "analog" else 0.0
    steps = result.sizes["time"]
    return {
        "Footprint": 4 * parameters,
        "ParameterCount": parameters,
        "ConnectionSparsity": round(zeros / sum(layer.weights.size for layer in weighted), 4),
        "ClassificationAccuracy": float(result["accuracy"].values[-1]),
        "ActivationSparsity": _silence(result, network, spiking=settings["input"] != "analog"),
        "SynapticOperations": {
            "Effective_MACs": macs,
            "Effective_ACs": sum(counted.values()),
            "Dense": float(steps * sum(synapses(layer, "all") for layer in weighted)),
        },
    }


def _pools(layer: Layer) -> bool:
    return isinstance(layer, DepthwiseConv2D) and layer.pooling


def _silence(result: xr.Dataset, network: SpikingNetwork, *, spiking: bool) -> float:
    """The share of neurons and steps without a spike."""
    names = network.firing_names if spiking else network.firing_names[1:]
    if not names:
        return 0.0  # as NeuroBench has it where there are no activations
    counts = {network.input.name: network.input.neurons, **{layer.name: layer.neurons for layer in network.layers}}
    neurons = np.array([counts[name] for name in names], np.float64)
    rates = result["spike_rate"].sel(layer=list(names)).mean("time").values
    return 1 - float(rates @ neurons / neurons.sum())
