#!/bin/sh
# expelliarmus 1.1.12, EVT 3.0: the time of an event is its upper 12 bits (word type 8) over its lower 12 (type 6). A recording of an
# event every 10 us for 0.1 s, both words written as they change, comes back twice as long: the reader adds 4096 us whenever the lower
# bits fall, beside the new upper bits that come with it. evt3 0.4.1 reads the same bytes rightly.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile numpy==2.4.6 expelliarmus==1.1.12 evt3==0.4.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import evt3
import numpy as np
from expelliarmus import Wizard

times = list(range(10_000, 110_000, 10))
words, high = [], None
for t in times:
    if t >> 12 != high:
        high = t >> 12
        words.append(8 << 12 | high)
    words += [6 << 12 | t & 0xFFF, 5, 2 << 12 | 7]  # lower bits of the time, row 5, column 7
header = b"% evt 3.0\n% format EVT3;height=48;width=64\n% geometry 64x48\n% end\n"
with open("a.raw", "wb") as file:
    file.write(header + np.array(words, "<u2").tobytes())

read = {
    "expelliarmus": Wizard("evt3").read("a.raw")["t"].astype(np.int64),
    "evt3": evt3.decode_file("a.raw").timestamp.astype(np.int64),
}
late = {}
for name, found in read.items():
    late[name] = int(found[-1] - times[-1])
    print(f"{name}: {len(found)} of {len(times)} events, the last {late[name]} us late, after {found[-1] - found[0]} us")
seen = late["evt3"] == 0 and late["expelliarmus"] > 50_000
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
