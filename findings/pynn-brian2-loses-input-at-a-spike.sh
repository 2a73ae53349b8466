#!/bin/sh
# PyNN 0.13, the same script on NEST 3.10 and Brian 2.9: an integrate-and-fire neuron without a refractory period that gets three quarters
# of its threshold in every step fires in every second step on NEST, and in every third on Brian 2, where what arrives in the step of its
# own spike is lost.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile pynn==0.13.0 nest-simulator==3.10.0 brian2==2.9.0 numpy==2.3.5
cat > "$folder/times.py" <<'PYTHON'
import importlib
import sys

name = sys.argv[1]
if name == "brian2":
    import brian2

    brian2.prefs.codegen.target = "numpy"
    brian2.BrianLogger.log_level_error()
sim = importlib.import_module(f"pyNN.{name}")
sim.setup(timestep=1.0, min_delay=1.0, **({"spike_precision": "on_grid"} if name == "nest" else {}))
shared = dict(cm=1.0, tau_m=1e6, tau_refrac=0.0, v_rest=0.0, v_reset=0.0, v_thresh=0.99)
# the first fires in every step, driven by a current
first, second = (sim.Population(1, sim.IF_curr_delta(i_offset=current, **shared)) for current in (1.0, 0.0))
for population in (first, second):
    if name == "nest":  # where PyNN has no initial value for it
        population.node_collection.set({"V_m": 0.0})
    else:
        population.initialize(v=0.0)
    population.record("spikes")
connector = sim.FromListConnector([(0, 0, 0.75)], column_names=["weight"])
sim.Projection(first, second, connector, sim.StaticSynapse(delay=1.0), receptor_type="excitatory")
sim.run(24.0)
first, second = ([float(time) for time in cells.get_data().segments[-1].spiketrains[0].magnitude] for cells in (first, second))
gaps = {later - earlier for earlier, later in zip(second, second[1:])}
print("gaps", len(first), *gaps)
PYTHON
gaps() {
    "$folder/venv/bin/python" -W ignore "$folder/times.py" "$1" | sed -n 's/^gaps //p'
}
nest=$(gaps nest)
brian2=$(gaps brian2)
echo "spikes of the first neuron, and steps between those of the second: NEST $nest, Brian 2 $brian2"
[ "$nest" = "24 2.0" ] && [ "$brian2" = "24 3.0" ] && echo "as found" && exit 0
echo "changed"
exit 1
