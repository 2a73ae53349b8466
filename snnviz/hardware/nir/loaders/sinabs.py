"""Loads a NIR graph of snnviz in sinabs so that it gives snnviz's spikes. Tried with sinabs 3.1.3, nir 1.0.4 and PyTorch 2.13.

    python THIS.py GRAPH.nir IMAGES.npz SPIKES.npz

IMAGES.npz: x, float32 (items, channels, height, width) or (items, features); steps. SPIKES.npz: the spikes of every IF node by its
name, (items, steps, ...); "output", the potentials of the output layer, (items, steps, classes).
"""

import nir
import numpy as np
import torch
from sinabs.activation import SingleSpike
from sinabs.layers import IAFSqueeze
from sinabs.nir import from_nir

from snnviz.hardware.nir.loaders._shared import Spikes, in_order, last_of, main, taken


def load(file: str, steps: int) -> tuple[torch.nn.Module, nir.NIRGraph]:
    """The model and its graph."""
    graph = nir.read(file)
    model = from_nir(graph, num_timesteps=steps).eval()
    for neurons in model.modules():
        if isinstance(neurons, IAFSqueeze):
            neurons.spike_fn = SingleSpike  # once a step at most, where sinabs fires as often as the potential allows
            neurons.min_v_mem = None  # no floor, where sinabs has one at minus the threshold
    in_order(model, graph)
    return model, graph


@torch.no_grad()
def simulate(file: str, x: np.ndarray, steps: int) -> Spikes:
    """The spikes of every neuron, and the potentials of the output layer."""
    model, graph = load(file, steps)
    step = torch.arange(steps).repeat(len(x))  # items and their steps are in the first dimension together
    spikes: dict[str, torch.Tensor] = {}

    def at_steps(node: nir.NIRNode, currents: torch.Tensor) -> torch.Tensor:
        return taken(node, currents, step.view(-1, *[1] * (currents.ndim - 1)))

    for name, neurons in model.named_children():
        if isinstance(node := graph.nodes[name], nir.IF):
            neurons.register_forward_pre_hook(lambda _, given, node=node: (at_steps(node, given[0]), *given[1:]))
            neurons.register_forward_hook(lambda _, __, fired, name=name: spikes.__setitem__(name, fired.bool()))
    currents, *_ = model(torch.from_numpy(x).repeat_interleave(steps, dim=0))
    output = at_steps(last_of(graph), currents).view(len(x), steps, -1).cumsum(dim=1)
    fired = {name: value.view(len(x), steps, *value.shape[1:]).numpy() for name, value in spikes.items()}
    return {**fired, "output": output.numpy()}


if __name__ == "__main__":
    main(simulate)
