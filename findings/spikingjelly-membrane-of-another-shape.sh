#!/bin/sh
# SpikingJelly 2.0.0: a membrane set before the first step, of a shape that broadcasts to the input's but is not the same, is replaced
# by zeros without a word. 0.75 + 0.5 passes the threshold of 1 if the membrane is (2, 3) or one number, not if it is (1, 3).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 spikingjelly==2.0.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from spikingjelly.activation_based import neuron

spikes = {}
for name, membrane in {"one number": 0.75, "(2, 3)": torch.full((2, 3), 0.75), "(1, 3)": torch.full((1, 3), 0.75)}.items():
    neurons = neuron.IFNode(v_reset=None).eval()
    neurons.v = membrane
    spikes[name] = int(neurons(torch.full((2, 3), 0.5)).sum())
print("spikes of six neurons, by the membrane's shape:", spikes)
seen = spikes == {"one number": 6, "(2, 3)": 6, "(1, 3)": 0}
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
