#!/bin/sh
# BindsNET 0.3.4, ann_to_snn with data: activations should come to 1 at most. In a network of Linear and ReLU layers no weight is changed,
# since only a layer that is not Linear is remembered as the one to scale. Hidden activations of 4 and 2 stay, and neurons that fire at most
# once a step give the same spikes for both. And AvgPool2d is left out of a converted network, without a word.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.14.1 torchvision==0.29.1 numpy==2.4.6 bindsnet==0.3.4
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from bindsnet.conversion import ann_to_snn, data_based_normalization
from bindsnet.network.monitors import Monitor
from torch import nn

STEPS = 100


def dense():
    network = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 2), nn.ReLU())
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[4.0], [2.0]]))
        network[2].weight.copy_(torch.eye(2))
        network[0].bias.zero_()
        network[2].bias.zero_()
    return network


item = torch.ones(1, 1)
largest = float(data_based_normalization(dense(), item, percentile=100)[:2](item).max())
spiking = ann_to_snn(dense(), input_shape=(1,), data=item, percentile=100)
monitor = Monitor(spiking.layers["1"], ["s"], time=STEPS)
spiking.add_monitor(monitor, "hidden")
spiking.run({"Input": torch.ones(STEPS, 1, 1)}, time=STEPS)
spikes = monitor.get("s").reshape(STEPS, 2).sum(0).tolist()
pooled = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(2, 3, 3), nn.ReLU())
shapes = [tuple(layer.shape) for layer in ann_to_snn(pooled, input_shape=(1, 8, 8)).layers.values()]
print(f"largest hidden activation after normalisation: {largest}; spikes in {STEPS} steps of the neurons of 4 and 2: {spikes}")
print("populations of convolution, average pooling by 2 and convolution on 8 x 8:", shapes)
seen = largest == 4 and spikes[0] == spikes[1] > 90 and shapes == [(1, 8, 8), (2, 6, 6), (3, 4, 4)]
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
