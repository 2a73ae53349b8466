#!/bin/sh
# snnTorch 1.0.0 with nir 1.0.8: a Leaky neuron without a leak (beta 1) goes to NIR and comes back with a threshold of NaN, so that a
# neuron that fired at every step never fires. tau = dt / (1 - beta) and r = tau / dt are infinite, and r dt / tau is not a number.
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

leaky = snntorch.Leaky(beta=torch.ones(1), threshold=torch.ones(1), init_hidden=True)
network = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), leaky)
with torch.no_grad():
    network[0].weight.fill_(1.0)
graph = export_to_nir(network, torch.zeros(1, 1), ignore_dims=[0])
back = import_from_nir(graph)
before, after, state = [], [], None
for _ in range(5):
    value = torch.full((1, 1), 1.5)
    before.append(int(network(value)))
    out, state = back(value, state)
    after.append(int(out[0] if isinstance(out, tuple) else out))
threshold = next(float(module.threshold) for module in back.modules() if isinstance(module, snntorch.Leaky))
print("spikes before:", before, "after:", after, "threshold after:", threshold)
seen = before == [1] * 5 and after == [0] * 5 and threshold != threshold
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
