#!/bin/sh
# nirtorch's GraphExecutor runs a node before all that it takes from has run, where paths of different lengths meet: its
# trace_execution lists nodes in depth-first order, not behind what they take. A shortcut of a residual network then is added to what
# the longer path gave one step before, or to nothing, and no message says so. nirtorch 2.6 (2026) does it in `nirtorch.load`, which
# Norse 1.1.0 calls; nirtorch 1.0, which sinabs 3.1.3 installs, does it too. `nirtorch.nir_to_torch` orders nodes rightly.
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


def times(factor):
    return nir.Linear(weight=np.array([[factor]], np.float32))


# x -> short -> sum, and x -> a -> b -> sum: the sum of 1 x and 2 * 5 x
graph = nir.NIRGraph(
    nodes={
        "input": nir.Input(np.array([1])), "short": times(1.0), "a": times(2.0), "b": times(5.0), "sum": times(1.0),
        "output": nir.Output(np.array([1])),
    },
    edges=[("input", "short"), ("input", "a"), ("a", "b"), ("short", "sum"), ("b", "sum"), ("sum", "output")],
)


def module(node):
    if isinstance(node, nir.Linear):
        made = torch.nn.Linear(1, 1, bias=False)
        made.weight.data = torch.from_numpy(node.weight)
        return made


model = nirtorch.load(graph, module)
print("order:", [node.name for node in model.execution_order])
found, _ = model(torch.ones(1, 1))
print("x + 2 * 5 x for x = 1 is", found.item())
seen = found.item() != 11
print("as found" if seen else "changed: the sum waits for both paths")
sys.exit(not seen)
PYTHON
