#!/bin/sh
# NEST 3.10: the one neuron that subtracts its threshold and whose input lasts a single step is eprop_iaf, made for learning by
# eligibility traces; it takes ordinary synapses and currents. Its bias current acts from the second step on. And PyNN 0.13 makes one
# only where all neurons have equal parameters: with a bias for each, NEST does not take back a flag that it gave out as a default.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile pynn==0.13.0 nest-simulator==3.10.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import nest

nest.set_verbosity("M_ERROR")
import pyNN.nest as sim

nest.ResetKernel()
nest.resolution = 1.0
neuron = nest.Create("eprop_iaf", params={"C_m": 1.0, "tau_m": 1e12, "t_ref": 0.0, "E_L": 0.0, "V_th": 1.0, "I_e": 0.7})
neuron.V_m = 0.0
meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": 1.0})
nest.Connect(meter, neuron)
nest.Simulate(7.0)
potentials = [round(float(potential), 3) for potential in meter.events["V_m"]]
print("eprop_iaf, 0.7 a step, threshold 1: potentials after each step", potentials)


def made(**parameters):
    sim.setup(timestep=1.0)
    try:
        sim.Population(2, sim.native_cell_type("eprop_iaf")(**parameters))
    except AttributeError as error:
        return str(error)
    return "made"


equal, own = made(I_e=0.5), made(I_e=[0.5, 0.25])
print("PyNN, equal biases:", equal)
print("PyNN, a bias for each:", own)
seen = potentials == [0.0, 0.7, 0.4, 0.1, 0.8, 0.5] and equal == "made" and "is not a known type" in own
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
