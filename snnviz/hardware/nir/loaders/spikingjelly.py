"""Loads a NIR graph of snnviz in SpikingJelly so that it gives snnviz's spikes. Tried with SpikingJelly 2.0.0 and nir 1.0.8.

    python THIS.py GRAPH.nir IMAGES.npz SPIKES.npz

IMAGES.npz: x, float32 (items, channels, height, width) or (items, features); steps. SPIKES.npz: the spikes of every IF node by its
name, (items, steps, ...); "output", the potentials of the output layer, (items, steps, classes).
"""

import nir
import numpy as np
import torch
from spikingjelly.activation_based.neuron import IFNode
from spikingjelly.activation_based.nir_exchange import import_from_nir

from snnviz.hardware.nir.loaders._shared import main, step_by_step


def load(file: str) -> tuple[torch.nn.Module, nir.NIRGraph]:
    """The model and its graph."""
    graph = nir.read(file, type_check=False)  # its check takes every kernel for square
    model = import_from_nir(graph, dt=1.0).eval()  # r must be 1 / dt
    for neurons in model.modules():
        if isinstance(neurons, IFNode):
            neurons.v_reset = None  # reset by subtraction
    return model, graph


def simulate(file: str, x: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """The spikes of every neuron, and the potentials of the output layer."""
    return step_by_step(*load(file), x, steps)


if __name__ == "__main__":
    main(simulate)
