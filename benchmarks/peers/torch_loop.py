"""A plain PyTorch loop over time steps: the simulator one would write by hand in an afternoon.

Membranes are updated in place, convolutions run on channels-last tensors, and events are counted per item with one
dot product of the spikes and the fan-out map a layer and step. With the option "compile", a step is one function of torch.compile.
"""

from __future__ import annotations

import torch
from common import Answer, fanout, serve
from torch_common import at_rest, by_step, flattens, linear_layer


def prepare(case):
    modules = [linear_layer(layer) for layer in case.layers]
    maps = [torch.from_numpy(fanout(layer).ravel()) for layer in case.layers]
    rearrange = [flattens(layer) for layer in case.layers]

    def advance(drive, pixels, membranes):
        """One step; returns the events of each layer."""
        events = []
        pixels.add_(drive)
        spikes = pixels.ge(1.0).to(torch.float32)
        pixels.sub_(spikes)
        for index, module in enumerate(modules):
            if case.count:
                rows = spikes.permute(0, 2, 3, 1).flatten(1) if spikes.ndim == 4 else spikes
                events.append((rows @ maps[index]).sum(dtype=torch.float64))
            if rearrange[index]:
                spikes = spikes.flatten(1)
            membrane = membranes[index].add_(module(spikes))
            if index < len(modules) - 1:
                spikes = membrane.ge(1.0).to(torch.float32)
                membrane.sub_(spikes)
        return events

    step_by = torch.compile(advance) if case.options.get("compile") else advance

    def run():
        predictions = torch.empty(case.items, case.steps, dtype=torch.int16)
        events = torch.zeros(len(modules), dtype=torch.float64)
        for start, images in case.batches():
            drives = by_step(images, case)
            pixels = torch.full_like(drives[0], case.initial_potential)
            membranes = [at_rest(layer, len(images)) for layer in case.layers]
            for step in range(case.steps):
                counted = step_by(drives[step], pixels, membranes)
                if case.count:
                    events += torch.stack(counted)
                predictions[start : start + len(images), step] = membranes[-1].argmax(1)
        return Answer(predictions.numpy(), events.numpy() if case.count else None)

    return run, {"torch": torch.__version__}


if __name__ == "__main__":
    serve(prepare)
