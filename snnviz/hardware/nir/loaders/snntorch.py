"""Loads a NIR graph of snnviz in snnTorch so that it gives snnviz's spikes. Tried with snnTorch 1.0.0, nir 1.0.8 and PyTorch 2.13.

    python THIS.py GRAPH.nir IMAGES.npz SPIKES.npz

IMAGES.npz: x, float32 (items, channels, height, width) or (items, features); steps. SPIKES.npz: the spikes of every IF node by its
name, (items, steps, ...); "output", the potentials of the output layer, (items, steps, classes).
"""

import sys

import nir
import numpy as np
import snntorch
import torch
from snntorch.import_nir import import_from_nir


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


def said(node: nir.NIRNode) -> tuple[torch.Tensor, int]:
    """What snnviz left at a node: the membrane potentials before the first step, and how many steps the layer waits."""
    return torch.tensor(node.metadata["initial_potential"], dtype=torch.float32), int(node.metadata["onset"][0])


def taken(node: nir.NIRNode, current: torch.Tensor, step: int) -> torch.Tensor:
    """What neurons take at a step: nothing until they begin, then the initial potential with the first input."""
    potential, onset = said(node)
    return current * (step >= onset) + potential * (step == onset)


@torch.no_grad()
def simulate(file: str, x: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """The spikes of every neuron, and the potentials of the output layer."""
    model, graph = load(file)
    step = 0
    found: dict[str, list[torch.Tensor]] = {"output": []}
    for name, neurons in model.named_children():
        if isinstance(node := graph.nodes[name], nir.IF):
            neurons.register_forward_pre_hook(lambda _, given, node=node: (taken(node, given[0], step), *given[1:]))
            neurons.register_forward_hook(
                lambda _, __, fired, name=name: found.setdefault(name, []).append(fired.bool())
            )
    ends = [graph.nodes[a] for a, b in graph.edges if isinstance(graph.nodes[b], nir.Output)]
    last = next(node for node in ends if "onset" in node.metadata)  # the first of those that the output adds up
    membrane, onset = said(last)
    images, state = torch.from_numpy(x), None
    for step in range(steps):
        *currents, state = model(images, state)
        membrane = membrane + sum(currents) * (step >= onset)
        found["output"].append(membrane)
    return {name: torch.stack(values, dim=1).numpy() for name, values in found.items()}


if __name__ == "__main__":
    graph_file, images_file, spikes_file = sys.argv[1:]
    images = np.load(images_file)
    np.savez(spikes_file, **simulate(graph_file, images["x"], int(images["steps"])))
