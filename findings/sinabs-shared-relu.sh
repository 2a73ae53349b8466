#!/bin/sh
# sinabs 3.1.3, from_model: "all ReLUs" become spiking neurons, but a ReLU that stands at two places, as people write it and as in every
# block of torchvision's ResNets, does not become two populations. Listed twice in a Sequential, it spikes at the first place and stays a
# ReLU at the second. Called twice in a module, it is one membrane for both layers: run step by step, an answer of 0.2 becomes 0.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 sinabs==3.1.3
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from sinabs.from_torch import from_model
from torch import nn

STEPS = 1000


def half():
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 0.5)
    return layer


class Block(nn.Module):
    def __init__(self, first, second):
        super().__init__()
        self.a, self.b, self.first, self.second = half(), half(), first, second

    def forward(self, x):
        return self.second(self.b(self.first(self.a(x))))


@torch.no_grad()
def rate(block):
    spiking = from_model(block, batch_size=1)
    return sum(float(spiking(torch.full((1, 1), 0.8))) for _ in range(STEPS)) / STEPS


class Twice(Block):
    def __init__(self):
        super().__init__(nn.ReLU(), None)

    def forward(self, x):
        return self.first(self.b(self.first(self.a(x))))


shared = nn.ReLU()
kinds = [type(layer).__name__ for layer in from_model(nn.Sequential(half(), shared, half(), shared), batch_size=1).spiking_model]
print("one ReLU listed twice in a Sequential becomes", kinds)
own, one = rate(Block(nn.ReLU(), nn.ReLU())), rate(Twice())
print(f"0.8 through two halves is 0.2; over {STEPS} steps two ReLUs give {own:.3f}, one called twice {one:.3f}")
seen = kinds == ["Linear", "IAFSqueeze", "Linear", "ReLU"] and abs(own - 0.2) < 0.01 and one == 0
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
