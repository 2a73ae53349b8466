#!/bin/sh
# Rockpool 3.1.0 (nir 1.0.8): of a network that it has written as a NIR graph it reads back neurons without their biases, which are written
# as a leak to 0, and a readout whose time constant of 20 ms has become a whole number of seconds: 0. Neurons that fire by their bias are
# silent, and the readout of spikes is 0 throughout. Nothing is said on either way.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 scipy==1.17.1 nir==1.0.8 nirtorch==2.6 rockpool==3.1.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import ExpSynTorch, LIFTorch, LinearTorch
from rockpool.nn.modules.torch.nir import from_nir, to_nir


def each(value):
    return torch.full((2,), value)


def both(network, given):
    return [float(model(given)[0].sum()) for model in (network, from_nir(to_nir(network)))]


def linear():
    return LinearTorch((2, 2), weight=torch.eye(2), has_bias=False)


spiking = Sequential(
    linear(), LIFTorch(2, tau_mem=each(0.02), tau_syn=each(0.01), bias=each(0.1), threshold=each(1.0), dt=1e-3)
)
readout = Sequential(linear(), ExpSynTorch(2, tau=each(0.02), dt=1e-3))
spikes, sums = both(spiking, torch.zeros(1, 100, 2)), both(readout, torch.ones(1, 100, 2))
print("spikes of two neurons with a bias in 100 steps without input, before and after:", spikes)
print("sum of a readout of a spike in every step, before and after:", sums)
seen = spikes[0] > 0 and spikes[1] == 0 and sums[0] > 0 and sums[1] == 0
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
