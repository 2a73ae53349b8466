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
from snnviz.network import SpikingNetwork

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["harness"]


@checked
def harness(result: xr.Dataset, network: SpikingNetwork) -> dict[str, Any]:
    """What NeuroBench's `Benchmark.run` returns, and its `save_benchmark_results` writes.

    - Footprint: bytes of weights and biases, float32; ParameterCount: how many. Average pooling has none; an identity has its
      factors, as a 1x1 depthwise convolution.
    - ConnectionSparsity: the share of zeros among the weights, a shared one counted once.
    - ClassificationAccuracy: after the last step, a fraction.
    - ActivationSparsity: the share of neurons and steps without a spike, over the populations that fire.
    - SynapticOperations, mean per item over all steps: Effective_ACs, our synaptic events but for those at pooling, which
      NeuroBench does not count; Effective_MACs, those of an analog image; Dense, all synapses in every step.

    Args:
        result: a simulation result.
        network: the network simulated.

    Raises:
        InputError: if the result is of another network, or a population adds an analog image up with spikes.
    """
    if result.attrs.get("network_hash") != network.hash:
        raise InputError("`network` must be the one that was simulated. Received: another than the result's")
    settings = json.loads(str(result.attrs["settings"]))
    analog = settings["input"] == "analog"
    weighted = [layer for layer in network.layers if not layer.pools]
    weights = [each.weights for layer in weighted for each in layer.projections]
    parameters = sum(each.size for each in weights) + sum(layer.bias.size for layer in weighted)
    zeros = sum(int((each == 0).sum()) for each in weights)
    events = result["synaptic_events"].sum("time")
    counted = {layer.name: float(events.sel(layer=layer.name)) for layer in weighted}
    macs = sum(counted.pop(name, 0.0) for name in _seeing(network)) if analog else 0.0
    steps = result.sizes["time"]
    return {
        "Footprint": 4 * parameters,
        "ParameterCount": parameters,
        "ConnectionSparsity": round(zeros / sum(each.size for each in weights), 4),
        "ClassificationAccuracy": float(result["accuracy"].values[-1]),
        "ActivationSparsity": _silence(result, network, spiking=not analog),
        "SynapticOperations": {
            "Effective_MACs": macs,
            "Effective_ACs": sum(counted.values()),
            "Dense": float(steps * sum(layer.synapses() for layer in weighted)),
        },
    }


def _seeing(network: SpikingNetwork) -> list[str]:
    """The populations that take the image, and nothing else, which an analog image gives no spikes to count."""
    found = {
        layer.name: sources for layer, sources in zip(network.layers, network.sources, strict=True) if 0 in sources
    }
    for name, sources in found.items():
        if any(sources):
            raise InputError(
                "`network` must add an analog image up with nothing else, since its synaptic operations are of another kind. "
                f"Received: {name!r}, which takes spikes of {network.layer_names[max(sources)]!r} too"
            )
    return list(found)


def _silence(result: xr.Dataset, network: SpikingNetwork, *, spiking: bool) -> float:
    """The share of neurons and steps without a spike."""
    names = network.firing_names if spiking else network.firing_names[1:]
    if not names:
        return 0.0  # as NeuroBench has it where there are no activations
    counts = {network.input.name: network.input.neurons, **{layer.name: layer.neurons for layer in network.layers}}
    neurons = np.array([counts[name] for name in names], np.float64)
    rates = result["spike_rate"].sel(layer=list(names)).mean("time").values
    return 1 - float(rates @ neurons / neurons.sum())
