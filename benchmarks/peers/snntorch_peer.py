"""snnTorch: Leaky neurons with beta 1 and reset by subtraction, one step after the other.

It fires where the membrane is above the threshold, not at it, and takes the threshold off at the beginning of the next
step. It has no counter of synaptic events.
"""

from __future__ import annotations

import importlib.metadata

import snntorch
import torch
from common import Answer, serve
from torch_common import channels_first, flattens, linear_layer


def prepare(case):
    modules = [
        torch.nn.Sequential(torch.nn.Flatten(), linear_layer(layer)) if flattens(layer) else linear_layer(layer)
        for layer in case.layers
    ]
    neurons = [snntorch.Leaky(beta=1.0, threshold=1.0, reset_mechanism="subtract") for _ in modules]
    readout = snntorch.Leaky(beta=1.0, reset_mechanism="none")

    def run():
        predictions = torch.empty(len(case.x), case.steps, dtype=torch.int16)
        for start, images in case.batches():
            drive = channels_first(images)
            membranes = [torch.full_like(drive, case.initial_potential)] + [None] * len(modules)
            for step in range(case.steps):
                spikes = drive
                for index, neuron in enumerate(neurons):
                    current = spikes if index == 0 else modules[index - 1](spikes)
                    if membranes[index] is None:
                        membranes[index] = torch.full_like(current, case.initial_potential)
                    spikes, membranes[index] = neuron(current, membranes[index])
                current = modules[-1](spikes)
                if membranes[-1] is None:
                    membranes[-1] = torch.full_like(current, case.initial_potential)
                _, membranes[-1] = readout(current, membranes[-1])
                predictions[start : start + len(images), step] = membranes[-1].argmax(1)
        return Answer(predictions.numpy())

    return run, {"snntorch": importlib.metadata.version("snntorch"), "torch": torch.__version__}


if __name__ == "__main__":
    serve(prepare)
