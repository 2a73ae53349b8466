"""Loads a NIR graph of snnviz in Norse so that it gives snnviz's spikes. Tried with Norse 1.1.0, nir 1.0.8 and PyTorch 2.13.

    python THIS.py GRAPH.nir IMAGES.npz SPIKES.npz

IMAGES.npz: x, float32 (items, channels, height, width) or (items, features); steps. SPIKES.npz: the spikes of every IF node by its
name, (items, steps, ...); "output", the potentials of the output layer, (items, steps, classes).
"""

from typing import Any

import nir
import norse.torch
import numpy as np
import torch
from norse.torch.functional.iaf import IAFFeedForwardState

from snnviz.hardware.nir.loaders._shared import in_order, main, step_by_step


def fire(
    current: torch.Tensor, state: IAFFeedForwardState, p: Any, dt: float
) -> tuple[torch.Tensor, IAFFeedForwardState]:
    """A step of an IF neuron as in snnviz: it fires at the threshold, not only above, and subtracts it. Norse does neither."""
    v = state.v + current
    spikes = (v >= p.v_th).to(v.dtype)
    return spikes, IAFFeedForwardState(v=v - spikes * p.v_th)


def load(file: str) -> tuple[torch.nn.Module, nir.NIRGraph]:
    """The model and its graph."""
    graph = nir.read(file, type_check=False)  # its check takes every kernel for square
    model = norse.torch.from_nir(graph).eval()
    for neurons in model.modules():
        if isinstance(neurons, norse.torch.IAFCell):
            neurons.activation = fire
            neurons.state_fallback = lambda current: IAFFeedForwardState(v=torch.zeros_like(current))
    in_order(model, graph)
    return model, graph


def simulate(file: str, x: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """The spikes of every neuron, and the potentials of the output layer."""
    return step_by_step(*load(file), x, steps)


if __name__ == "__main__":
    main(simulate)
