#!/bin/sh
# tonic 1.7.0: ToVoxelGrid writes -1 into the polarities of off events, in the events' own type. Where that is a boolean, as in tonic's own
# DVS-Gesture, DVS-Lips, CIFAR10-DVS and DSEC, -1 is True: off events count as on events, and a grid that should have both signs is the
# number of events. The same events with polarities as integers have the right grid.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile numpy==2.4.6 tonic==1.7.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
from tonic.datasets import DVSGesture
from tonic.transforms import ToVoxelGrid

rows = [(0, 0, 0, 1), (1, 0, 200, 0), (0, 0, 400, 1), (1, 0, 1000, 0)]  # x, y, t, p: pixel 0 on, pixel 1 off
grids = {}
for name, kind in {"DVS-Gesture's": DVSGesture.dtype["p"], "integers": np.dtype(int)}.items():
    events = np.array(rows, np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", kind)]))
    grids[name] = ToVoxelGrid(sensor_size=(2, 1, 2), n_time_bins=2)(events).sum(axis=(0, 1, 2)).tolist()
    print(f"polarities of type {kind}, {name}: pixels 0 (on) and 1 (off) have", grids[name])
own, right = grids["DVS-Gesture's"], grids["integers"]
seen = DVSGesture.dtype["p"] == bool and right[1] < 0 < own[1] and own[1] == -right[1] and own[0] == right[0]
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
