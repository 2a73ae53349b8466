#!/bin/sh
# evio 0.1.0: in N-MNIST's .bin files an event in row 240 is none, but says that the clock, whose range the recorder cut to 8192 us, has
# wrapped (Orchard et al., 2015, Read_Ndataset.m). evio gives it back as an event of a pixel that the sensor of 34 x 34 does not have,
# and lets time fall back there, so that what comes after it comes too early.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile numpy==2.4.6 evio==0.1.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import evio


def event(x, y, t):
    return bytes([x, y, 128 | t >> 16, t >> 8 & 255, t & 255])


with open("a.bin", "wb") as file:
    file.write(event(3, 4, 8000) + event(0, 240, 0) + event(5, 6, 100))
found = evio.read("a.bin")
rows, times = found["y"].tolist(), found["t"].tolist()
print(f"rows {rows}, times {times}; meant are rows [4, 6], times [8000, 8292]")
seen = rows == [4, 240, 6] and times == [8000, 0, 100]
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
