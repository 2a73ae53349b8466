"""Runs in the environment of sinabs: loads a NIR graph, simulates it, writes the spikes of every layer.

    python nir_in_sinabs.py GRAPH.nir INPUTS.npz SPIKES.npz

INPUTS.npz holds x (items, channels, height, width) or (items, features), steps, and the initial potential of all neurons.
"""

import sys

import nir
import numpy as np
import torch
from sinabs.activation import SingleSpike
from sinabs.layers import IAFSqueeze
from sinabs.nir import from_nir


def main(graph_file, inputs_file, spikes_file):
    inputs = np.load(inputs_file)
    x, steps = torch.from_numpy(inputs["x"]), int(inputs["steps"])
    model = from_nir(nir.read(graph_file), num_timesteps=steps).eval()
    found = {}
    for name, module in model.named_modules():
        if isinstance(module, IAFSqueeze):
            # what NIR 1 has no words for, and sinabs assumes otherwise: a floor under the membrane, several spikes a step,
            # membranes that start at 0
            module.min_v_mem = None
            module.spike_fn = SingleSpike
            module.init_state_with_shape((len(x), *module.spike_threshold.shape))
            module.v_mem.fill_(float(inputs["initial_potential"]))
            module.register_forward_hook(lambda _, __, output, name=name: found.__setitem__(name, output))
    with torch.no_grad():
        currents = model(x.repeat_interleave(steps, dim=0))
    currents = currents[0] if isinstance(currents, tuple) else currents
    arrays = {name: spikes.reshape(len(x), steps, *spikes.shape[1:]).numpy() for name, spikes in found.items()}
    arrays["currents"] = currents.reshape(len(x), steps, -1).numpy()
    np.savez(spikes_file, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
