#!/bin/sh
# snnTorch 1.0.0 with nir 1.0.8: a Leaky neuron with the default reset, by subtraction, goes to NIR and comes back with a reset to zero
# (and without the delay of its reset). Nothing is said on either way, and the spikes are others.
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
from snntorch.import_nir import import_from_nir

leaky = snntorch.Leaky(beta=torch.full((1,), 0.9), threshold=torch.ones(1), init_hidden=True)
network = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), leaky)
with torch.no_grad():
    network[0].weight.fill_(1.0)
back = import_from_nir(export_to_nir(network, torch.zeros(1, 1), ignore_dims=[0]))
before, after, state = [], [], None
for _ in range(12):
    value = torch.full((1, 1), 0.75)
    before.append(int(network(value)))
    out, state = back(value, state)
    after.append(int(out[0] if isinstance(out, tuple) else out))
resets = [module.reset_mechanism for model in (network, back) for module in model.modules() if isinstance(module, snntorch.Leaky)]
print("reset before and after:", resets)
print("spikes before:", before, sum(before))
print("spikes after: ", after, sum(after))
seen = resets == ["subtract", "zero"] and before != after
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
