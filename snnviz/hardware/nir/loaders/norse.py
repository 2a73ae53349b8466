"""Loads a NIR graph of snnviz in Norse so that it gives snnviz's spikes. Tried with Norse 1.1.0, nir 1.0.8 and PyTorch 2.13.

    python THIS.py GRAPH.nir IMAGES.npz SPIKES.npz

IMAGES.npz: x, float32 (items, channels, height, width) or (items, features); steps. SPIKES.npz: the spikes of every IF node by its
name, (items, steps, ...); "output", the potentials of the output layer, (items, steps, classes).
"""

import sys
from typing import Any

import nir
import norse.torch
import numpy as np
import torch
from norse.torch.functional.iaf import IAFFeedForwardState


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
                lambda _, __, out, name=name: found.setdefault(name, []).append(out[0].bool())
            )
    ends = [graph.nodes[a] for a, b in graph.edges if isinstance(graph.nodes[b], nir.Output)]
    last = next(node for node in ends if "onset" in node.metadata)  # the first of those that the output adds up
    membrane, onset = said(last)
    images, state = torch.from_numpy(x), None
    for step in range(steps):
        current, state = model(images, state)
        membrane = membrane + current * (step >= onset)
        found["output"].append(membrane)
    return {name: torch.stack(values, dim=1).numpy() for name, values in found.items()}


if __name__ == "__main__":
    graph_file, images_file, spikes_file = sys.argv[1:]
    images = np.load(images_file)
    np.savez(spikes_file, **simulate(graph_file, images["x"], int(images["steps"])))
