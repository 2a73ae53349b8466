#!/bin/sh
# SANA-FE 2.2.9: "spikes" in the result of a simulation, documented as the total spike count, counts what arrives: one spike onto three
# neurons is three, and neurons that fire without synapses are none. "neurons_fired" has the spikes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile sanafe==2.2.9
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON' | grep -v "Executed steps"
from pathlib import Path

import sanafe

STEPS = 10
found = {}
for targets in (1, 3):
    arch = sanafe.load_arch(str(Path(sanafe.__file__).parent / "examples" / "loihi.yaml"))
    network = sanafe.Network()
    source, target = network.create_neuron_group("source", 1)[0], network.create_neuron_group("target", targets)
    source.set_attributes(
        soma_hw_name="loihi_inputs[0]",
        default_synapse_hw_name="loihi_dense_synapse",
        model_attributes={"spikes": [1] * STEPS},
    )
    neurons = [target[index] for index in range(targets)]
    for neuron in neurons:
        neuron.set_attributes(
            soma_hw_name="loihi_lif",
            default_synapse_hw_name="loihi_dense_synapse",
            model_attributes={"threshold": 1000.0, "leak_decay": 1.0, "reset": 0.0},
        )
        source.connect_to_neuron(neuron, {"weight": 1.0})
    for neuron in (source, *neurons):
        neuron.map_to_core(arch.tiles[0].cores[0])
    chip = sanafe.SpikingChip(arch)
    chip.load(network)
    result = chip.sim(STEPS)
    found[targets] = (result["spikes"], result["neurons_fired"])
    print(f"{STEPS} spikes of one neuron onto {targets}: spikes {result['spikes']}, neurons_fired {result['neurons_fired']}")
seen = found == {1: (10, 10), 3: (30, 10)}
print("as found" if seen else "changed")
Path("exit").write_text(str(int(not seen)))
PYTHON
exit "$(cat exit)"
