#!/bin/sh
# akida 2.19.3 (its simulator, no device): the "step-wise ReLU" of FullyConnected, with 4 bits of activation, is neither the floor that a
# firing neuron gives nor the rounding of a quantised ReLU: it rounds up. A potential of 1 with an activation step of 16 comes out as a
# whole step. Weights quantised for floor or for rounding thus get activations that are too large, by about a whole or half a step, unless
# thresholds are raised by as much.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile akida==2.19.3 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import akida
import numpy as np

potentials = np.arange(16, dtype=np.uint8)


def activations(threshold, step):
    """What a neuron of weight 1 makes of the inputs 0 to 15."""
    layer = akida.FullyConnected(units=1, weights_bits=4, act_bits=4, activation=True)
    model = akida.Model()
    model.add(akida.InputData(input_shape=(1, 1, 1), input_bits=4))
    model.add(layer)
    layer.set_variable("weights", np.ones((1, 1, 1, 1), np.int8))
    layer.set_variable("threshold", np.array([threshold], np.int32))
    layer.set_variable("act_step", np.array([step], np.float32))
    return model.forward(potentials.reshape(16, 1, 1, 1)).ravel().astype(int)


seen = True
for threshold, step in ((0, 16.0), (0, 4.0), (2, 4.0), (3, 2.0)):
    found, above = activations(threshold, step), (potentials.astype(float) - threshold) / step
    up, down, nearest = (np.clip(way(above), 0, 15).astype(int) for way in (np.ceil, np.floor, np.round))
    print(f"threshold {threshold}, step {step:g}: {found.tolist()}")
    seen &= np.array_equal(found, up) and not np.array_equal(found, down)
    if threshold == 0:
        seen &= not np.array_equal(found, nearest)
        print(f"  floor gives        {down.tolist()}\n  rounding gives     {nearest.tolist()}")
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
