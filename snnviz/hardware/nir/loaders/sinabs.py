"""Loads a NIR graph of snnviz in sinabs so that it gives snnviz's spikes. Tried with sinabs 3.1.3, nir 1.0.4 and PyTorch 2.13.

    python THIS.py GRAPH.nir IMAGES.npz SPIKES.npz

IMAGES.npz: x, float32 (items, channels, height, width) or (items, features); steps. SPIKES.npz: the spikes of every IF node by its
name, (items, steps, ...); "output", the potentials of the output layer, (items, steps, classes).
"""

import sys

import nir
import numpy as np
import torch
from sinabs.activation import SingleSpike
from sinabs.layers import IAFSqueeze
from sinabs.nir import from_nir


def load(file: str, steps: int) -> tuple[torch.nn.Module, nir.NIRGraph]:
    """The model and its graph."""
    graph = nir.read(file)
    model = from_nir(graph, num_timesteps=steps).eval()
    for neurons in model.modules():
        if isinstance(neurons, IAFSqueeze):
            neurons.spike_fn = SingleSpike  # once a step at most, where sinabs fires as often as the potential allows
            neurons.min_v_mem = None  # no floor, where sinabs has one at minus the threshold
    # nirtorch would run a node before all that it takes are there, where paths of different lengths meet
    order: list[str] = []
    while len(order) < len(graph.nodes):
        order += [
            name for name in graph.nodes if name not in order and {a for a, b in graph.edges if b == name} <= {*order}
        ]
    model.execution_order.sort(key=lambda node: order.index(node.name))
    return model, graph


def said(node: nir.NIRNode) -> tuple[torch.Tensor, int]:
    """What snnviz left at a node: the membrane potentials before the first step, and how many steps the layer waits."""
    return torch.tensor(node.metadata["initial_potential"], dtype=torch.float32), int(node.metadata["onset"][0])


def taken(node: nir.NIRNode, currents: torch.Tensor, steps: int) -> torch.Tensor:
    """What neurons take at each step: nothing until they begin, then the initial potential with the first input.

    Items and their steps are in the first dimension together.
    """
    potential, onset = said(node)
    step = torch.arange(steps).repeat(len(currents) // steps).view(-1, *[1] * (currents.ndim - 1))
    return currents * (step >= onset) + potential * (step == onset)


@torch.no_grad()
def simulate(file: str, x: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """The spikes of every neuron, and the potentials of the output layer."""
    model, graph = load(file, steps)
    spikes: dict[str, torch.Tensor] = {}
    for name, neurons in model.named_children():
        if isinstance(node := graph.nodes[name], nir.IF):
            neurons.register_forward_pre_hook(lambda _, given, node=node: (taken(node, given[0], steps), *given[1:]))
            neurons.register_forward_hook(lambda _, __, fired, name=name: spikes.__setitem__(name, fired.bool()))
    currents, *_ = model(torch.from_numpy(x).repeat_interleave(steps, dim=0))
    ends = [graph.nodes[a] for a, b in graph.edges if isinstance(graph.nodes[b], nir.Output)]
    last = next(node for node in ends if "onset" in node.metadata)  # the first of those that the output adds up
    output = taken(last, currents, steps).view(len(x), steps, -1).cumsum(dim=1)
    fired = {name: value.view(len(x), steps, *value.shape[1:]).numpy() for name, value in spikes.items()}
    return {**fired, "output": output.numpy()}


if __name__ == "__main__":
    graph_file, images_file, spikes_file = sys.argv[1:]
    images = np.load(images_file)
    np.savez(spikes_file, **simulate(graph_file, images["x"], int(images["steps"])))
