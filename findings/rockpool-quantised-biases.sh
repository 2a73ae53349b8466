#!/bin/sh
# Rockpool 3.1.0, quantisation for Xylo: global_quantize scales the biases of the output neurons by the factor of the hidden layer, not by that
# of the weights and thresholds beside them. channel_quantize rounds the biases of hidden neurons with one synapse without scaling them at
# all, so that half a threshold becomes 0; and it writes scaled output biases into the arrays that it was given, so that a second call
# scales them again.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 rockpool==3.1.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
from rockpool.transform.quantize_methods import channel_quantize, global_quantize

dashes = {f"dash_{name}": np.full(1, 4.0) for name in ("mem", "mem_out", "syn", "syn_2", "syn_out")}


def chain():
    # one neuron into one neuron; each has a weight equal to its threshold, and a bias of half of it
    one = np.ones((1, 1))
    hidden = dict(weights_in=one / 10, weights_rec=0 * one, threshold=np.full(1, 0.1), bias=np.full(1, 0.05))
    out = dict(weights_out=one, threshold_out=np.ones(1), bias_out=np.full(1, 0.5))
    return {**hidden, **out, **dashes}


def shown(specs):
    return [int(specs[name].item()) for name in ("weights_in", "threshold", "bias", "weights_out", "threshold_out", "bias_out")]


given = chain()
whole, channels, again = shown(global_quantize(**chain())), shown(channel_quantize(**given)), shown(channel_quantize(**given))
print("weight, threshold and bias, hidden and out, meant 127 127 64 127 127 64")
for name, found in {"global_quantize": whole, "channel_quantize": channels, "the same once more": again}.items():
    print(f"{name}:", *found)
seen = whole == [127, 127, 64, 127, 127, 635] and channels == [127, 127, 0, 127, 127, 64] and again[-1] == 8128
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
