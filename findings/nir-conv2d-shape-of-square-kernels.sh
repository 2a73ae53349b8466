#!/bin/sh
# nir 1.0.8: a Conv2d node works out its own output shape from the height of the kernel alone. A kernel of 1 x 3 on 8 x 8 gives 8 x 6;
# the node says 8 x 8, so that a correct graph is refused by its type check, and one with the wrong shape passes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile nir==1.0.8 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import nir
import numpy as np

kernel = np.ones((1, 1, 1, 3), np.float32)
conv = nir.Conv2d(input_shape=(8, 8), weight=kernel, stride=1, padding=0, dilation=1, groups=1, bias=np.zeros(1, np.float32))
print("kernel 1 x 3 on 8 x 8, no padding: the node's output shape is", conv.output_type["output"], "and not [1 8 6]")


def graph(shape):
    nodes = {"input": nir.Input(np.array([1, 8, 8])), "conv": conv, "output": nir.Output(np.array(shape))}
    try:
        nir.NIRGraph(nodes, [("input", "conv"), ("conv", "output")])
    except ValueError as error:
        return f"refused ({error})"
    return "taken"


right, wrong = graph([1, 8, 6]), graph([1, 8, 8])
print("output [1 8 6]:", right)
print("output [1 8 8]:", wrong)
seen = list(conv.output_type["output"]) == [1, 8, 8] and right.startswith("refused") and wrong == "taken"
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
