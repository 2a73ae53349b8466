#!/bin/sh
# Spyx 1.0.0 (nir 1.0.8): from_nir follows one edge from each node, the first in the list, and leaves out the rest of the graph without a word.
# Of a network with a shortcut, x + 10 x, it computes x or 10 x as the edges happen to be listed. A dilated convolution loses its dilation, and
# average pooling is left out.
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


def times(factor):
    return nir.Linear(weight=np.array([[factor]], np.float32))


def one():
    return np.array([1])


def answer(first, second):
    nodes = {"input": nir.Input(one()), "one": times(1.0), "ten": times(10.0), "sum": times(1.0), "output": nir.Output(one())}
    edges = [("input", first), ("input", second), (first, "sum"), (second, "sum"), ("sum", "output")]
    return float(from_nir(nir.NIRGraph(nodes, edges), np.ones((1, 1, 1), np.float32))[1].item())


def conv(size, dilation):
    kernel = np.ones((1, 1, 3, 3), np.float32)
    return nir.Conv2d(
        input_shape=(size, size), weight=kernel, stride=1, padding=0, dilation=dilation, groups=1, bias=np.zeros(1, np.float32)
    )


def shape(*layers, size):
    nodes = {"input": nir.Input(np.array([1, 8, 8])), **{f"layer{index}": layer for index, layer in enumerate(layers)}}
    nodes["output"] = nir.Output(np.array([1, size, size]))
    graph = nir.NIRGraph(nodes, list(itertools.pairwise(nodes)))
    return from_nir(graph, np.ones((1, 1, 8, 8, 1), np.float32))[1].shape[2:4]


two = np.array([2, 2])
sums = answer("one", "ten"), answer("ten", "one")
dilated = shape(conv(8, 2), size=4)
pooled = shape(nir.AvgPool2d(kernel_size=two, stride=two, padding=0 * two), conv(4, 1), size=2)
print("x + 10 x for x = 1, edges listed in two orders:", sums, "and not 11")
print("a kernel of 3 dilated by 2 on 8 x 8 gives", dilated, "and not (4, 4)")
print("average pooling by 2 and a kernel of 3 on 8 x 8 gives", pooled, "and not (2, 2)")
seen = sums == (1, 10) and dilated == (6, 6) and pooled == (6, 6)
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
