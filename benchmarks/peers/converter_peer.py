"""What another tool's converter makes of a classifier: `python converter_peer.py SETTING CASE NORM ANSWER`.

CASE is that of `benchmarks.case.save_case`, the classifier's own weights with test images; NORM holds `x`, the items to
normalise on. ANSWER gets predictions (items, steps), mean synaptic events of an item in each step, and seconds of processor time
for an item, taken without counting. The image is a current in every step, so its products count as no events.
"""

from __future__ import annotations

import itertools
import sys
import time

import numpy as np
import torch
from common import Case, fanout
from torch_common import channels_first, flattens, linear_layer

BATCH = 8


def classifier(case):
    """The case's network as torch modules with a ReLU behind every weighted layer but the last."""
    modules = []
    for index, layer in enumerate(case.layers):
        if flattens(layer):
            modules.append(torch.nn.Flatten())
        modules.append(linear_layer(layer))
        if index < len(case.layers) - 1 and not layer["pooling"]:
            modules.append(torch.nn.ReLU())
    return torch.nn.Sequential(*modules).eval()


def fanouts(case):
    """For each layer that fires, the synapses that a spike of each neuron arrives at, channels first.

    Behind an average the spike reaches what its window's mean reaches: no neurons stand between, and the average is part of the
    weights.
    """
    maps = []
    for place, layer in enumerate(case.layers[:-1]):
        if layer["pooling"]:
            continue
        after = case.layers[place + 1]
        found = fanout(case.layers[place + 2] if after["pooling"] else after).reshape(
            after["output_shape"] if after["pooling"] else layer["output_shape"]
        )
        if after["pooling"]:
            for axis in (0, 1):
                found = found.repeat(after["weights"].shape[axis], axis)
        maps.append(torch.from_numpy(np.ascontiguousarray(np.moveaxis(found, -1, 0))))
    return maps


def spikingjelly(ann, case, x, **options):
    """Steps of a network that SpikingJelly converted, and its firing modules."""
    from spikingjelly.activation_based import functional, neuron
    from spikingjelly.activation_based.ann2snn import FXConverter, RateCodingRecipe

    batches = [(part, torch.zeros(len(part))) for part in channels_first(x).split(100)]
    network = FXConverter(RateCodingRecipe(batches, **options)).convert(ann).eval()
    firing = [module for module in network.modules() if isinstance(module, neuron.BaseNode)]

    def run(images):
        functional.reset_net(network)
        return torch.stack([network(images) for _ in range(case.steps)], 1)

    return run, firing


def sinabs(ann, case, x, percentile=None):
    """The same of sinabs, normalised on `x` where a percentile is given."""
    from sinabs.from_torch import from_model
    from sinabs.layers import IAFSqueeze
    from sinabs.utils import normalize_weights, set_batch_size

    if percentile is not None:
        names = [name for name, module in ann.named_children() if not isinstance(module, torch.nn.Flatten)]
        pairs = [pair for pair in itertools.pairwise(names) if isinstance(ann.get_submodule(pair[1]), torch.nn.ReLU)]
        before, after = zip(*pairs, strict=True)
        normalize_weights(ann, channels_first(x), list(after), list(before), percentile)
    network = from_model(ann, batch_size=BATCH).spiking_model
    firing = [module for module in network.modules() if isinstance(module, IAFSqueeze)]

    def run(images):
        set_batch_size(network, len(images))
        for module in firing:
            module.reset_states()
        return network(images.repeat_interleave(case.steps, dim=0)).reshape(len(images), case.steps, -1)

    return run, firing


SETTINGS = {
    "SpikingJelly, default": lambda *given: spikingjelly(*given),
    "SpikingJelly, 99.9 % per channel, half threshold": lambda *given: spikingjelly(
        *given, mode="99.9%", channel_wise=True, half_threshold=True
    ),
    "sinabs, default": lambda *given: sinabs(*given),
    "sinabs, normalised to 99 %": lambda *given: sinabs(*given, percentile=99),
}


def main(setting, case_file, norm_file, answer_file):
    """Convert, run, write the answer."""
    case = Case({"case": case_file})
    with np.load(norm_file) as norm:
        run, firing = SETTINGS[setting](classifier(case), case, norm["x"])
    parts = list(channels_first(case.x).split(BATCH))
    run(parts[0][:1])
    begun = time.process_time()
    run(parts[0])
    seconds = (time.process_time() - begun) / len(parts[0])
    maps, counted = fanouts(case), []
    if len(maps) != len(firing):
        raise ValueError(f"{len(firing)} modules fire for {len(maps)} layers")
    for module, synapses in zip(firing, maps, strict=True):
        module.register_forward_hook(
            lambda _module, _given, spikes, synapses=synapses: counted.append(
                (spikes.reshape(len(spikes), -1) @ synapses.reshape(-1)).double()
            )
        )
    predictions, events = [], np.zeros(case.steps)
    for part in parts:
        counted.clear()
        predictions.append(run(part).cumsum(1).argmax(2).numpy())
        if len(counted) == len(firing):  # time and batch in one dimension
            events += sum(each.reshape(len(part), case.steps).sum(0).numpy() for each in counted)
        else:
            events += np.array([float(each.sum()) for each in counted]).reshape(case.steps, len(firing)).sum(1)
    np.savez(
        answer_file,
        predictions=np.concatenate(predictions).astype(np.int16),
        events=events / len(case.x),
        seconds=seconds,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
