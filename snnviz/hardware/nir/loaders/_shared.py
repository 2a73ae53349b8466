"""What the scripts of this folder have in common. It stands in each in place of the line that imports it, see `tools.loader`."""

import sys
from collections.abc import Callable
from typing import Any

import nir
import numpy as np
import torch

Spikes = dict[str, Any]


def in_order(model: torch.nn.Module, graph: nir.NIRGraph) -> None:
    """Let nodes run when all that they take is there: where paths of different lengths meet, nirtorch runs them before."""
    order: list[str] = []
    while len(order) < len(graph.nodes):
        order += [
            name for name in graph.nodes if name not in order and {a for a, b in graph.edges if b == name} <= {*order}
        ]
    model.execution_order.sort(key=lambda node: order.index(node.name))


def said(node: nir.NIRNode) -> tuple[torch.Tensor, int]:
    """What snnviz left at a node: the membrane potentials before the first step, and how many steps the layer waits."""
    return torch.tensor(node.metadata["initial_potential"], dtype=torch.float32), int(node.metadata["onset"][0])


def taken(node: nir.NIRNode, currents: torch.Tensor, step: int | torch.Tensor) -> torch.Tensor:
    """What neurons take at a step, or at each: nothing until they begin, then the initial potential with the first input."""
    potential, onset = said(node)
    return currents * (step >= onset) + potential * (step == onset)


def last_of(graph: nir.NIRGraph) -> nir.NIRNode:
    """The output layer: the first of those that the output adds up."""
    ends = [graph.nodes[a] for a, b in graph.edges if isinstance(graph.nodes[b], nir.Output)]
    return next(node for node in ends if "onset" in node.metadata)


@torch.no_grad()
def step_by_step(model: torch.nn.Module, graph: nir.NIRGraph, x: np.ndarray, steps: int) -> Spikes:
    """The spikes of every neuron, and the potentials of the output layer, of a model that takes its state and hands it on."""
    step = 0
    found: dict[str, list[torch.Tensor]] = {"output": []}

    def keep(name: str, out: torch.Tensor | tuple[torch.Tensor, ...]) -> None:
        found.setdefault(name, []).append((out[0] if isinstance(out, tuple) else out).bool())

    for name, neurons in model.named_children():
        if isinstance(node := graph.nodes[name], nir.IF):
            neurons.register_forward_pre_hook(lambda _, given, node=node: (taken(node, given[0], step), *given[1:]))
            neurons.register_forward_hook(lambda _, __, out, name=name: keep(name, out))
    membrane, onset = said(last_of(graph))
    images, state = torch.from_numpy(x), None
    for step in range(steps):
        *currents, state = model(images, state)
        membrane = membrane + sum(currents) * (step >= onset)
        found["output"].append(membrane)
    return {name: torch.stack(values, dim=1).numpy() for name, values in found.items()}


def main(simulate: Callable[[str, np.ndarray, int], Spikes]) -> None:
    """Simulate what the command names."""
    graph_file, images_file, spikes_file = sys.argv[1:]
    images = np.load(images_file)
    np.savez(spikes_file, **simulate(graph_file, images["x"], int(images["steps"])))
