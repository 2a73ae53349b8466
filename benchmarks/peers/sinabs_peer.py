"""sinabs: IAFSqueeze layers with at most one spike a step, time folded into the batch for convolutions.

Its synops hooks scale what follows an average pooling by the pooling's size, although the pooled values have become
spikes in between: events after pooling are overcounted.
"""

from __future__ import annotations

import importlib.metadata

import torch
from common import Answer, serve
from sinabs import hooks
from sinabs.activation import MembraneSubtract, SingleSpike
from sinabs.layers import IAFSqueeze
from torch_common import channels_first, flattens, initial, linear_layer


def prepare(case):
    populations = []

    def fire(shape, layer=None):
        population = IAFSqueeze(
            batch_size=case.batch, spike_threshold=torch.tensor(1.0), spike_fn=SingleSpike, reset_fn=MembraneSubtract()
        )
        populations.append((population, shape, layer))
        return population

    def channels_first_shape(shape):
        return (shape[-1], *shape[:-1])

    modules = [fire(channels_first_shape(case.input_shape))]
    for index, layer in enumerate(case.layers):
        if flattens(layer):
            modules.append(torch.nn.Flatten())
        modules.append(linear_layer(layer))
        if index < len(case.layers) - 1:
            modules.append(fire(channels_first_shape(layer["output_shape"]), layer))
    network = torch.nn.Sequential(*modules).eval()
    last = case.layers[-1]["potential"]
    if case.count:
        hooks.register_synops_hooks(network)

    def run():
        predictions = torch.empty(case.items, case.steps, dtype=torch.int16)
        events = 0.0
        for start, images in case.batches():
            items = len(images)
            for population, shape, layer in populations:
                population.batch_size = items
                population.init_state_with_shape((items, *shape))
                if layer is None:
                    population.v_mem.fill_(case.initial_potential)
                else:
                    population.v_mem.copy_(initial(layer, population.v_mem))
            # batch and time in one dimension
            if case.x is None:
                drive = channels_first(images.reshape(-1, *case.input_shape))
            else:
                drive = channels_first(images).repeat_interleave(case.steps, dim=0)
            currents = network(drive).reshape(items, case.steps, -1)
            predictions[start : start + items] = (torch.from_numpy(last) + currents.cumsum(1)).argmax(2)
            if case.count:
                events += float(network.hook_data["total_synops_per_timestep"]) * items * case.steps
        return Answer(predictions.numpy(), [events] if case.count else None)

    return run, {"sinabs": importlib.metadata.version("sinabs"), "torch": torch.__version__}


if __name__ == "__main__":
    serve(prepare)
