"""Loads a NIR graph of snnviz in snnTorch so that it gives snnviz's spikes. Tried with snnTorch 1.0.0, nir 1.0.8 and PyTorch 2.13.

    python THIS.py GRAPH.nir IMAGES.npz SPIKES.npz

IMAGES.npz: x, float32 (items, channels, height, width) or (items, features); steps. SPIKES.npz: the spikes of every IF node by its
name, (items, steps, ...); "output", the potentials of the output layer, (items, steps, classes).
"""

import nir
import numpy as np
import snntorch
import torch
from snntorch.import_nir import import_from_nir

from snnviz.hardware.nir.loaders._shared import main, step_by_step


def load(file: str) -> tuple[torch.nn.Module, nir.NIRGraph]:
    """The model and its graph."""
    graph = nir.read(file, type_check=False)  # its check takes every kernel for square
    model = import_from_nir(graph).eval()
    for neurons in model.modules():
        if isinstance(neurons, snntorch.Leaky):
            neurons.beta.fill_(1.0)  # no leak, where snnTorch takes 0.9 for every IF
            neurons.init_hidden = True  # hands on spikes alone
            neurons.spike_grad = lambda above: (above >= 0).to(above.dtype)  # at the threshold, not only above
            neurons.mem_reset = torch.zeros_like  # else a membrane that stays above the threshold keeps silent
    return model, graph


def simulate(file: str, x: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """The spikes of every neuron, and the potentials of the output layer."""
    return step_by_step(*load(file), x, steps)


if __name__ == "__main__":
    main(simulate)
