#!/bin/sh
# NIRTorch 2.6 (nir 1.0.8, PyTorch 2.13): `nir_to_torch` without a map of one's own turns a nir.Affine into a torch.nn.Linear whose
# weight is the node's but whose bias is PyTorch's random one. A bias of 10 is not there: two loads of one graph differ.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 nir==1.0.8 nirtorch==2.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import nir
import nirtorch
import numpy as np
import torch

affine = nir.Affine(weight=np.eye(3, dtype=np.float32), bias=np.full(3, 10, np.float32))
nodes = {"input": nir.Input(np.array([3])), "affine": affine, "output": nir.Output(np.array([3]))}
graph = nir.NIRGraph(nodes, [("input", "affine"), ("affine", "output")])
outputs = []
for seed in (1, 2):
    torch.manual_seed(seed)
    out, _ = nirtorch.nir_to_torch(graph, {})(torch.zeros(1, 3))
    outputs.append(out.detach().numpy().ravel())
    print("the bias is 10, the output for an input of zeros is", outputs[-1])
seen = not np.allclose(outputs[0], 10) and not np.allclose(outputs[0], outputs[1])
print("as found" if seen else "changed: the bias arrives")
sys.exit(not seen)
PYTHON
