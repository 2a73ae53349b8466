#!/bin/sh
# sinabs 3.1.3, normalize_weights (after Rueckauer et al., 2017): scaling each layer by its largest activation should leave a network's answers
# as they are. It divides a layer's weights and biases by the same number, though what comes in has been scaled already, so that biases
# behind the first layer weigh too much. 145 of 1000 random items get another answer; without biases there, none.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 sinabs==3.1.3
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from sinabs.utils import normalize_weights
from torch import nn


@torch.no_grad()
def changed(bias):
    torch.manual_seed(0)
    items = 20 * torch.rand(1000, 8)
    network = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32, bias), nn.ReLU(), nn.Linear(32, 4, bias=False))
    before = network(items).argmax(1)
    normalize_weights(network, items, output_layers=["1", "3"], param_layers=["0", "2"], percentile=100)
    return int((before != network(items).argmax(1)).sum())


with_biases, without = changed(True), changed(False)
print(f"answers of 1000 that normalisation changes: {with_biases} with biases in the second layer, {without} without")
seen = with_biases > 100 and without == 0
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
