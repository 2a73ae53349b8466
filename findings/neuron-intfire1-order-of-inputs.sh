#!/bin/sh
# NEURON 9.0.2, IntFire1 without a leak (tau 1e9 ms), refractory time 0: three spikes arrive at the same time, with weights 0.6, 0.6 and
# -0.6. Their sum is 0.6, below the threshold of 1. Whether the cell fires is told by the order in which the NetCons were made: each is
# taken alone, and 0.6 + 0.6 fires before -0.6 is seen, which is then lost altogether: the membrane is 0 afterwards. So a network of
# such cells is none that adds up what arrives within a time step.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile neuron==9.0.2 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import sys

from neuron import h

h.load_file("stdrun.hoc")


def run(weights):
    """Times of spikes, and the membrane at the end."""
    cell = h.IntFire1()
    cell.tau, cell.refrac = 1e9, 0
    kept = []
    for weight in weights:
        source = h.NetStim()
        source.start, source.number, source.noise = 5, 1, 0
        connection = h.NetCon(source, cell)
        connection.weight[0], connection.delay = weight, 1
        kept += [source, connection]
    times, output = h.Vector(), h.NetCon(cell, None)
    output.record(times)
    h.tstop = 20
    h.run()
    return list(times), round(cell.m, 6)


found = {order: run(order) for order in ((0.6, 0.6, -0.6), (0.6, -0.6, 0.6), (-0.6, 0.6, 0.6))}
for order, (times, membrane) in found.items():
    print(f"weights {order}: spikes at {times} ms, membrane at the end {membrane}")
seen = list(found.values()) == [([6.0], 0.0), ([], 0.6), ([], 0.6)]
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
