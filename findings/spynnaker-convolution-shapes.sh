#!/bin/sh
# sPyNNaker 7.4.1, ConvolutionConnector: padding=True is one pixel on each side whatever the kernel, so that 8 x 8 stays 8 x 8 for a kernel
# of 3 and becomes 6 x 6 for one of 5. And with strides of s an input of n and a kernel of k give (n - k + 1) // s outputs, where deep
# learning has (n - k) // s + 1: for 7 and 3 and strides of 2 there are 2 instead of 3, and the last row and column are not seen.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "spynnaker==1!7.4.1"
touch "$folder/.spynnaker.cfg"
cd "$folder"
HOME="$folder" "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import spynnaker.pyNN as sim

sim.setup(timestep=1.0)
padded = {size: tuple(sim.ConvolutionConnector(np.ones((size, size)), padding=True).get_post_shape((8, 8))) for size in (3, 5, 7)}
strided = {size: tuple(sim.ConvolutionConnector(np.ones((3, 3)), strides=2).get_post_shape((size, size))) for size in (7, 8, 9)}
print("padding=True on 8 x 8, by size of the kernel:", padded)
print("kernel 3, strides 2, by size of the input:", strided, "- PyTorch:", {size: ((size - 3) // 2 + 1,) * 2 for size in strided})
seen = padded == {3: (8, 8), 5: (6, 6), 7: (4, 4)} and strided == {7: (2, 2), 8: (3, 3), 9: (3, 3)}
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
