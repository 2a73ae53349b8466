#!/bin/sh
# nir 1.0.4 and 1.0.8: the neuron nir.IF changed its equation within one minor version, from subtracting the threshold to going to
# v_reset. A file of the first is read by the second as one that resets to 0, with no version asked and nothing said.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 1.0.4 1.0.8; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet --no-compile "nir==$version" numpy==2.4.6 h5py==3.14.0
done
"$folder/1.0.4/bin/python" - "$folder/graph.nir" <<'PYTHON'
import sys

import nir
import numpy as np

nodes = {"input": nir.Input(np.array([2])), "neurons": nir.IF(r=np.ones(2), v_threshold=np.ones(2)), "output": nir.Output(np.array([2]))}
nir.write(sys.argv[1], nir.NIRGraph(nodes, [("input", "neurons"), ("neurons", "output")]))
subtracts = "v-v_{thr}" in nir.IF.__doc__
print("nir 1.0.4: an IF subtracts its threshold:", subtracts, "- has v_reset:", hasattr(nodes["neurons"], "v_reset"))
sys.exit(not subtracts)
PYTHON
"$folder/1.0.8/bin/python" - "$folder/graph.nir" <<'PYTHON'
import sys

import nir

neurons = nir.read(sys.argv[1]).nodes["neurons"]
print("nir 1.0.8 reads it with v_reset", neurons.v_reset, "- an IF goes to v_reset:", "v_{reset} & z=1" in nir.IF.__doc__)
seen = (neurons.v_reset == 0).all() and "v_{reset} & z=1" in nir.IF.__doc__
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
