#!/bin/sh
# Spyx 1.0.0 (nir 1.0.8): NIR's maps have their channels first, Spyx' own last, and from_nir turns kernels and thresholds for that, but not the
# weights behind a Flatten. A convolutional network from elsewhere loads without a word and reads other pixels of other channels: a neuron
# connected to channel 0 at (0, 1) sees channel 1 at (0, 0). to_nir leaves them as they are too, so that Spyx' own round trip does not show it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile numpy==2.4.6 nir==1.0.8 jax==0.10.2 flax==0.12.8 spyx==1.0.0
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import itertools
import sys

import nir
import numpy as np
from spyx.nir import from_nir

SHAPE = (2, 2, 2)  # channels, height, width
kernel = np.eye(2, dtype=np.float32).reshape(2, 2, 1, 1)  # a convolution that leaves everything as it is
nodes = {
    "input": nir.Input(np.array(SHAPE)),
    "conv": nir.Conv2d(input_shape=SHAPE[1:], weight=kernel, stride=1, padding=0, dilation=1, groups=1, bias=np.zeros(2, np.float32)),
    "flatten": nir.Flatten(input_type=np.array(SHAPE), start_dim=0, end_dim=-1),
    "neurons": nir.Linear(weight=np.eye(8, dtype=np.float32)),  # neuron n is connected to place n
    "output": nir.Output(np.array([8])),
}
graph = nir.NIRGraph(nodes, list(itertools.pairwise(nodes)))
found = {}
for place in np.ndindex(SHAPE):
    channel, row, column = place
    image = np.zeros((1, 1, *SHAPE[1:], SHAPE[0]), np.float32)  # steps, items, height, width, channels
    image[0, 0, row, column, channel] = 1
    _, out = from_nir(graph, image)
    found[place] = int(np.argmax(np.asarray(out)[0, 0]))
meant = {place: index for index, place in enumerate(np.ndindex(SHAPE))}
print("the neuron that sees (channel, row, column), found and meant:")
for place in meant:
    print(" ", place, found[place], meant[place])
seen = found == {(c, h, w): 4 * h + 2 * w + c for c, h, w in np.ndindex(SHAPE)} != meant
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
