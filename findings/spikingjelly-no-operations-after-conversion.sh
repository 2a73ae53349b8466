#!/bin/sh
# SpikingJelly 2.0.0: its converter puts a scale behind every spiking neuron, so that what comes out is 0 or that layer's largest activation,
# and its counter of synaptic operations takes a layer's input for spikes only if it is 0 or 1. Of a network that the one has converted,
# the other counts 0 operations, and says nothing; the scales moved into the weights behind them, it counts what the spikes did.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 spikingjelly==2.0.0
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import sys

import torch
from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.ann2snn import Converter, RateCodingRecipe
from spikingjelly.activation_based.op_counter import DispatchCounterMode, SynOpCounter
from torch import nn

STEPS = 20
torch.manual_seed(1)
images = torch.rand(8, 16)
ann = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4)).eval()
converted = Converter(recipe=RateCodingRecipe([(images, None)])).convert(ann)
scale_in, scale_out = converted.spiking_0.scaler0.scale, converted.spiking_0.scaler1.scale
moved = nn.Sequential(nn.Linear(16, 32), neuron.IFNode(v_reset=None), nn.Linear(32, 4))
with torch.no_grad():
    for ours, theirs, scale in ((moved[0], ann[0], scale_in), (moved[2], ann[2], scale_out)):
        ours.weight.copy_(theirs.weight * scale)
        ours.bias.copy_(theirs.bias)
    moved[0].bias.mul_(scale_in)


@torch.no_grad()
def run(model):
    spikes = []
    watched = next(module for module in model.modules() if isinstance(module, neuron.IFNode))
    watched.register_forward_hook(lambda _module, _given, out: spikes.append(int(out.sum())))
    functional.reset_net(model)
    counter = SynOpCounter()
    with DispatchCounterMode([counter]):
        for _ in range(STEPS):
            model(images)
    return sum(spikes), counter.get_total()


(spikes, counted), (spikes_moved, counted_moved) = run(converted), run(moved)
print(f"as converted: {spikes} spikes onto 4 neurons each, {counted} operations counted")
print(f"scales moved into the weights: {spikes_moved} spikes, {counted_moved} operations counted")
seen = spikes > 100 and counted == 0 and counted_moved == 4 * spikes_moved
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
