#!/bin/sh
# PyNN 0.13 on NEST 3.10, current-based delta neurons, whose weights PyNN gives in mV: a weight set to 1 moves the membrane by 1 mV, and
# Projection.get returns 0.001 for it. A positive weight of an inhibitory projection is refused when it is given as a number, and when it
# comes from a list it is taken and excites.
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


def spikes(receptor, connector, synapse):
    sim.setup(timestep=1.0, min_delay=1.0, spike_precision="on_grid")
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[2.0, 5.0]))
    cell = sim.IF_curr_delta(cm=1.0, tau_m=1e6, tau_refrac=0.0, v_rest=0.0, v_reset=0.0, v_thresh=0.99)
    target = sim.Population(2, cell)
    target.node_collection.set({"V_m": 0.0})
    try:
        projection = sim.Projection(source, target, connector, synapse, receptor_type=receptor)
    except Exception as error:
        return None, type(error).__name__
    target.record("spikes")
    weight = float(projection.get("weight", format="list")[0][2])
    sim.run(10.0)
    return weight, [float(time) for time in target.get_data().segments[-1].spiketrains[0].magnitude]


listed = sim.FromListConnector([(0, 0, 1.0)], column_names=["weight"])
excited = spikes("excitatory", listed, sim.StaticSynapse(delay=1.0))
inhibited = spikes("inhibitory", listed, sim.StaticSynapse(delay=1.0))
refused = spikes("inhibitory", sim.OneToOneConnector(), sim.StaticSynapse(weight=1.0, delay=1.0))
print("weight 1 from a list, excitatory: get() gives", excited[0], "- spikes at", excited[1])
print("weight 1 from a list, inhibitory: get() gives", inhibited[0], "- spikes at", inhibited[1])
print("weight 1 as a number, inhibitory:", refused[1])
seen = excited == inhibited == (0.001, [3.0, 6.0]) and refused == (None, "ConnectionError")
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
