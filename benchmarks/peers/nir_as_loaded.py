"""Runs in a peer's environment: loads a NIR graph as its documentation says, changes nothing, and counts spikes.

    python nir_as_loaded.py TOOL GRAPH.nir IMAGES.npz ANSWER.json

IMAGES.npz: x, float32 (items, channels, height, width) or (items, features), and steps. The answer: the class of each
item, by the sum of what came out, and the spikes of each population of neurons.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import nir
import numpy as np
import torch


def sinabs(file, steps):
    from sinabs.layers import IAFSqueeze
    from sinabs.nir import from_nir

    return from_nir(nir.read(file), num_timesteps=steps), IAFSqueeze


def spikingjelly(file, steps):
    from spikingjelly.activation_based.neuron import IFNode
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    return import_from_nir(file), IFNode


def norse(file, steps):
    import norse.torch

    return norse.torch.from_nir(nir.read(file, type_check=False)), norse.torch.IAFCell


def snntorch(file, steps):
    import snntorch
    from snntorch.import_nir import import_from_nir

    return import_from_nir(nir.read(file, type_check=False)), snntorch.Leaky


@torch.no_grad()
def main(tool, graph_file, images_file, answer_file):
    images = np.load(images_file)
    x, steps = torch.from_numpy(images["x"]), int(images["steps"])
    model, kind = {"sinabs": sinabs, "spikingjelly": spikingjelly, "norse": norse, "snntorch": snntorch}[tool](
        graph_file, steps
    )
    spikes = Counter()

    def count(name):
        def hook(_module, _given, out):
            spikes[name] += int((out[0] if isinstance(out, tuple) else out).sum())

        return hook

    for name, module in model.eval().named_modules():
        if isinstance(module, kind):
            module.register_forward_hook(count(name))
    if tool == "sinabs":
        out = model(x.repeat_interleave(steps, dim=0))
        total = (out[0] if isinstance(out, tuple) else out).view(len(x), steps, -1).sum(1)
    else:
        state, total = None, 0
        for _ in range(steps):
            out, state = model(x, state)
            total = total + out
    Path(answer_file).write_text(json.dumps({"classes": total.argmax(-1).tolist(), "spikes": spikes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
