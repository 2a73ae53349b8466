#!/bin/sh
# sinabs 3.1.3 (nir 1.0.4): a NIR graph with an AvgPool2d node loads without a word, and without the pooling. A map of 4 x 4 that
# should come out as 2 x 2 comes out as 4 x 4: the convolution behind it takes the image itself.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 sinabs==3.1.3 nir==1.0.4 nirtorch==2.0.2
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import itertools
import sys

import nir
import numpy as np
import torch
from sinabs.nir import from_nir

two, none = np.array([2, 2]), np.array([0, 0])
kernel = np.ones((1, 1, 1, 1), np.float32)
nodes = {
    "input": nir.Input(np.array([1, 4, 4])),
    "pool": nir.AvgPool2d(kernel_size=two, stride=two, padding=none),
    "conv": nir.Conv2d(input_shape=(2, 2), weight=kernel, stride=1, padding=0, dilation=1, groups=1, bias=np.zeros(1, np.float32)),
    "output": nir.Output(np.array([1, 2, 2])),
}
model = from_nir(nir.NIRGraph(nodes, list(itertools.pairwise(nodes))), num_timesteps=1)
out, *_ = model(torch.ones(1, 1, 4, 4))
names = [name for name, _ in model.named_children()]
shape = tuple(out.shape)[-2:]
print("nodes of the graph:", list(nodes), "- modules of the model:", names, "- output of", shape, "and not (2, 2)")
seen = "pool" not in names and shape == (4, 4)
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
