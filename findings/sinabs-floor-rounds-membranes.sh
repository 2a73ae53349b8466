#!/bin/sh
# sinabs 3.1.3: a floor under the membrane (min_v_mem, which its NIR import always sets) is computed as relu(v - floor) + floor. With a
# floor of -1 that rounds positive potentials too, that are far from it: neurons driven by a grey value g / 255, at a threshold of 1,
# spike at other steps than without a floor for 38 of the 255 values, though no membrane is ever negative.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 sinabs==3.1.3
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from sinabs.activation import SingleSpike
from sinabs.layers import IAFSqueeze


@torch.no_grad()
def train(floor, grey):
    neuron = IAFSqueeze(batch_size=1, min_v_mem=floor, spike_fn=SingleSpike)
    fired = neuron(torch.full((100, 1), grey / 255)).ravel()
    return [step for step, spike in enumerate(fired.tolist(), start=1) if spike]


other = [grey for grey in range(1, 256) if train(None, grey) != train(-1.0, grey)]
print(f"{len(other)} of 255 grey values spike at other steps with a floor of -1: {other[:8]} ...")
print(f"{other[0]} / 255: first spike at step {train(None, other[0])[0]} without a floor, {train(-1.0, other[0])[0]} with it")
seen = len(other) > 20
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
