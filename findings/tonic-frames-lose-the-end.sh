#!/bin/sh
# tonic 1.7.0, ToFrame(n_time_bins=n): a bin is (last - first) // n long, so that what is left over at the end is in no frame. With times
# in milliseconds, as tonic's own Downsample(time_factor=0.001) makes them, a third of a recording of 0.3 s is missing from 200 frames, and
# 300 frames are empty. With an overlap of half a bin the last sixth is missing whatever the unit.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile numpy==2.4.6 tonic==1.7.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
from tonic.transforms import Compose, Downsample, ToFrame

TIMES = range(0, 300_000, 10)  # an event every 10 us for 0.3 s
events = np.array([(0, 0, t, 1) for t in TIMES], np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", bool)]))


def kept(bins, factor):
    frames = Compose([Downsample(time_factor=factor), ToFrame(sensor_size=(1, 1, 2), n_time_bins=bins)])(events)
    return int(frames.sum())


def of_the_end(overlap):
    marked = events.copy()
    marked["p"][len(events) * 5 // 6 :] = 0  # the last sixth has a polarity of its own
    return int(ToFrame(sensor_size=(1, 1, 2), n_time_bins=10, overlap=overlap)(marked)[:, 0].sum())


print(f"events in frames, of {len(events)}:")
found = {(bins, unit): kept(bins, factor) for bins in (200, 300) for unit, factor in (("us", 1.0), ("ms", 0.001))}
for (bins, unit), number in found.items():
    print(f"  {bins} bins, times in {unit}: {number}")
end = {overlap: of_the_end(overlap) for overlap in (0.0, 0.5)}
print(f"events of the last sixth ({len(events) // 6}) in 10 frames: {end[0.0]}, with an overlap of 0.5: {end[0.5]}")
seen = found[200, "us"] > 29_900 and found[200, "ms"] == 20_000 and found[300, "us"] > 29_900 and found[300, "ms"] == 0
seen = seen and end[0.0] > 4_900 and end[0.5] == 0
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
