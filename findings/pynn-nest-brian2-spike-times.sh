#!/bin/sh
# PyNN 0.13, the same script on NEST 3.10 and Brian 2.9, step and delay of 1 ms, two integrate-and-fire neurons in a row of which the
# first is driven by a current: Brian 2 stamps the same spike 1 ms earlier than NEST, and the second neuron follows the first after 1 ms
# on NEST and after 2 ms on Brian 2.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile pynn==0.13.0 nest-simulator==3.10.0 brian2==2.9.0 numpy==2.3.5
cat > "$folder/times.py" <<'PYTHON'
import importlib
import json
import sys

name = sys.argv[1]
if name == "brian2":
    import brian2

    brian2.prefs.codegen.target = "numpy"
    brian2.BrianLogger.log_level_error()
sim = importlib.import_module(f"pyNN.{name}")
sim.setup(timestep=1.0, min_delay=1.0, **({"spike_precision": "on_grid"} if name == "nest" else {}))
shared = dict(cm=1.0, tau_m=1e6, tau_refrac=0.0, v_rest=0.0, v_reset=0.0, v_thresh=0.99)
first, second = (sim.Population(1, sim.IF_curr_delta(i_offset=current, **shared)) for current in (0.25, 0.0))
for population in (first, second):
    if name == "nest":  # where PyNN has no initial value for it
        population.node_collection.set({"V_m": 0.0})
    else:
        population.initialize(v=0.0)
    population.record("spikes")
connector = sim.FromListConnector([(0, 0, 1.0)], column_names=["weight"])
sim.Projection(first, second, connector, sim.StaticSynapse(delay=1.0), receptor_type="excitatory")
sim.run(13.0)
trains = [[float(time) for time in population.get_data().segments[-1].spiketrains[0].magnitude] for population in (first, second)]
print("times", json.dumps(trains))
PYTHON
for name in nest brian2; do
    "$folder/venv/bin/python" -W ignore "$folder/times.py" "$name" | sed -n 's/^times //p' > "$folder/$name.json"
    echo "$name: first and second neuron spike at $(cat "$folder/$name.json")"
done
[ "$(cat "$folder/nest.json")" = "[[4.0, 8.0, 12.0], [5.0, 9.0, 13.0]]" ] &&
    [ "$(cat "$folder/brian2.json")" = "[[3.0, 7.0, 11.0], [5.0, 9.0]]" ] && echo "as found" && exit 0
echo "changed"
exit 1
