#!/bin/sh
# evlib 0.13.2: of an AEDAT 3.1 recording (as those of DVS-Gesture are) with 100 valid events in one packet it reads none, and says
# nothing. A program that goes on sees a camera that saw nothing.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile numpy==2.4.6 evlib==0.13.2
cd "$folder"
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import struct
import sys

import evlib

events = b"".join(
    struct.pack("<Ii", (i % 64) << 17 | (i % 48) << 2 | (i % 2) << 1 | 1, 1000 + 10 * i) for i in range(100)
)
packet = struct.pack("<hhiiiiii", 1, 1, 8, 4, 0, 100, 100, 100)
header = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n"
with open("a.aedat", "wb") as file:
    file.write(header + packet + events)
try:
    found = len(evlib.load_events("a.aedat").collect())
    print(f"{found} of 100 events, and no error")
except Exception as error:
    found = None
    print(f"an error: {error}")
seen = found == 0
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
