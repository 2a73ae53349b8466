#!/bin/sh
# SANA-FE 2.2.9, the neuron of its own Loihi example: a membrane without a leak is cut to a multiple of 1/64 in every step, so that
# constants chosen around 1 behave otherwise than the same ones times 100. A weight of 0.01 never reaches a threshold of 1, however
# many spikes come; a weight of 1 reaches 100.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile sanafe==2.2.9
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON' | grep -v "Executed steps"
import sys
from pathlib import Path

import sanafe

STEPS = 200


def spikes(weight, threshold):
    arch = sanafe.load_arch(str(Path(sanafe.__file__).parent / "examples" / "loihi.yaml"))
    network = sanafe.Network()
    source, target = network.create_neuron_group("source", 1)[0], network.create_neuron_group("target", 1)[0]
    source.set_attributes(
        soma_hw_name="loihi_inputs[0]",
        default_synapse_hw_name="loihi_dense_synapse",
        log_spikes=True,
        model_attributes={"spikes": [1] * STEPS},
    )
    target.set_attributes(
        soma_hw_name="loihi_lif",
        default_synapse_hw_name="loihi_dense_synapse",
        log_spikes=True,
        model_attributes={"threshold": threshold, "leak_decay": 1.0, "reset": 0.0},
    )
    source.connect_to_neuron(target, {"weight": weight})
    for neuron in (source, target):
        neuron.map_to_core(arch.tiles[0].cores[0])
    chip = sanafe.SpikingChip(arch)
    chip.load(network)
    trace = chip.sim(STEPS, spike_trace=True)["spike_trace"]
    return sum("target" in str(neuron) for step in trace for neuron in step)


small, large = spikes(0.01, 1.0), spikes(1.0, 100.0)
print(f"spikes in {STEPS} steps: {small} with weight 0.01 and threshold 1, {large} with weight 1 and threshold 100")
seen = small == 0 and large > 0
print("as found" if seen else "changed")
Path("exit").write_text(str(int(not seen)))
PYTHON
exit "$(cat exit)"
