#!/bin/sh
# nir 1.0.8, recordings of a graph's neurons: TimeGriddedData.to_event and EventData.to_time_gridded, the way there and back. Times are divided
# by dt and cut off, so that rounding decides. With dt = 0.0001, a neuron that fires in all but the last of 98 steps comes back silent in steps
# 49, 59 and 81, as those spikes are in the steps before; 98 steps come back as 97, and a spike in the last one is an IndexError.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile nir==1.0.8 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import nir
import numpy as np

STEPS, DT = 98, 1e-4


def back(*fires):
    train = np.isin(np.arange(STEPS), fires).reshape(1, STEPS, 1)
    made = nir.TimeGriddedData(train, DT).to_event(STEPS).to_time_gridded(DT)
    return made.n_time_steps, np.flatnonzero(made.data[0, :, 0]).tolist()


steps, fired = back(*range(STEPS - 1))
silent = sorted(set(range(STEPS - 1)) - set(fired))
print(f"{STEPS} steps of {DT} s come back as {steps}, silent in {silent}")
print("a spike in step 49 alone comes back in", back(49)[1])
try:
    last = str(back(STEPS - 1))
except IndexError as error:
    last = f"IndexError: {error}"
print("one in the last step:", last)
seen = steps == 97 and silent == [49, 59, 81] and back(49)[1] == [48] and last.startswith("IndexError")
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
