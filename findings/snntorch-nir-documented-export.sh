#!/bin/sh
# snnTorch 1.0.0 with nir 1.0.8: `export_to_nir` refuses the kind of network that its own documentation exports, neurons with one
# number for the leak. They become nodes without a shape, which the types of the layer before do not match; one leak for each neuron
# helps.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 nir==1.0.8 nirtorch==2.6 snntorch==1.0.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import snntorch
import torch
from snntorch.export_nir import export_to_nir


def export(beta, threshold):
    neurons = snntorch.Leaky(beta=beta, threshold=threshold, init_hidden=True, output=True)
    try:
        export_to_nir(torch.nn.Sequential(torch.nn.Linear(4, 3), neurons), torch.zeros(1, 4), ignore_dims=[0])
    except ValueError as error:
        return str(error)
    return "exported"


single, each = export(0.9, 1.0), export(torch.full((3,), 0.9), torch.ones(3))
print("one leak for all neurons:", single)
print("one for each:", each)
seen = "type mismatch" in single and each == "exported"
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
