#!/bin/sh
# snnTorch 1.0.0: a Leaky neuron with beta 1 and reset_delay=False, as its NIR import makes every neuron, is given 2.5 once, at a
# threshold of 1. It fires and keeps 1.5, above the threshold, and then never fires again. With reset_delay=True it fires twice.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 snntorch==1.0.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import snntorch
import torch


def train(delay):
    neuron, membrane, fired = snntorch.Leaky(beta=1.0, threshold=1.0, reset_delay=delay), torch.zeros(1), []
    for value in (2.5, 0.0, 0.0, 0.0):
        spike, membrane = neuron(torch.tensor([value]), membrane)
        fired.append((int(spike), float(membrane)))
    print(f"reset_delay={delay}: (spike, membrane) by step:", fired)
    return fired


at_once, later = train(False), train(True)
seen = at_once == [(1, 1.5), (0, 1.5), (0, 1.5), (0, 1.5)] and sum(spike for spike, _ in later) == 2
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
