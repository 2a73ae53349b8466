#!/bin/sh
# SpikingJelly 2.0.0: a network that goes through the same convolution and batch normalisation twice (shared weights) is converted with the
# normalisation folded into that convolution twice. It spikes, and its rates have nothing to do with the network; without folding they have.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 spikingjelly==2.0.0
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import sys

import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.ann2snn import Converter, RateCodingRecipe
from torch import nn

STEPS = 1000


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1, eps=0.0)
        self.first, self.second = nn.ReLU(), nn.ReLU()

    def forward(self, x):
        x = self.first(self.norm(self.conv(x)))
        return self.second(self.norm(self.conv(x)))


model = Twice().eval()
with torch.no_grad():
    model.conv.weight.fill_(0.25)
    model.norm.running_var.fill_(0.25)  # deviation 0.5: the layer is x -> 0.5 x
image = torch.ones(1, 1, 1, 1)


@torch.no_grad()
def rate(fold):
    spiking = Converter(recipe=RateCodingRecipe([(image, None)], fuse_flag=fold)).convert(model)
    functional.reset_net(spiking)
    return sum(float(spiking(image)) for _ in range(STEPS)) / STEPS


network, folded, apart = float(model(image)), rate(True), rate(False)
print(f"the network's answer: {network}; its spiking network's over {STEPS} steps: {folded:.3f}, without folding {apart:.3f}")
seen = network == 0.25 and abs(folded - 1.0) < 0.01 and abs(apart - 0.25) < 0.01
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
