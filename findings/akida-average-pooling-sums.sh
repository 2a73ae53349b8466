#!/bin/sh
# akida 2.19.3 (its simulator, no device): the pooling "Average" of Convolutional, which covers the whole map, does not divide. Of the
# numbers 0 to 15 through a kernel of 1 it gives 120, their sum, and not 7.5; for a map of four times as many positions about four times
# as much. The layer's documentation speaks of the average over the window.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile akida==2.19.3 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import akida
import numpy as np


def pooled(image, pooling):
    """What a convolution with one 1 x 1 kernel of 1 and a pooling give for an image of one channel."""
    layer = akida.Convolutional(
        kernel_size=(1, 1), filters=1, padding=akida.Padding.Valid, weights_bits=4, activation=False, pool_type=pooling
    )
    model = akida.Model()
    model.add(akida.InputData(input_shape=(*image.shape, 1), input_bits=4))
    model.add(layer)
    layer.set_variable("weights", np.ones_like(layer.get_variable("weights")))
    return model.forward(image[None, :, :, None]).ravel().tolist()


small = np.arange(16, dtype=np.uint8).reshape(4, 4)
large = np.kron(small, np.ones((2, 2), np.uint8))
plain = pooled(small, akida.PoolType.NoPooling)
found = [pooled(image, akida.PoolType.Average) for image in (small, large)]
print(f"4 x 4 without pooling: {plain}")
print(f"average of 4 x 4: {found[0]}, of the same at 8 x 8: {found[1]}; their means are {small.mean()} and {large.mean()}")
seen = plain == list(range(16)) and found == [[120], [480]]
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
