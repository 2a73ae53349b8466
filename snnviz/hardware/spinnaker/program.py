"""The program that runs on SpiNNaker's host: it builds a network with sPyNNaker, runs items, and writes what it recorded.

It stands alone: it needs sPyNNaker and numpy, not snnviz, because a job queue runs it on a machine of its own. Beside it lies
`network.npz`, which `snnviz.hardware.spinnaker.layout` writes. On a virtual board nothing is computed; then it writes what the
tool chain planned.

Neurons are IF_trunc_delta: non-leaky, delta synapses, set to V_reset by a spike and never below it. The output population has a
threshold that it never reaches and a V_reset that it never sinks to; its membrane is the answer.
"""

import json
import sys

import numpy as np
import spynnaker.pyNN as sim

THRESHOLD = 1.0
UNREACHABLE = 32767.0
"""A potential that no output neuron reaches, upwards or (negative) downwards."""


def build(arrays, layers):
    """The source of input spikes and a population per layer, with their projections."""
    times = spike_times(arrays, 0, layers[0]["neurons"])
    source = sim.Population(layers[0]["neurons"], sim.SpikeSourceArray(spike_times=times), label=layers[0]["name"])
    populations = [source]
    for index, layer in enumerate(layers[1:]):
        last = index == len(layers) - 2
        cell = sim.extra_models.IFTruncDelta(
            tau_m=1.0,  # with cm = 1 a membrane resistance of exactly 1
            cm=1.0,
            v_reset=-UNREACHABLE if last else 0.0,
            v_thresh=UNREACHABLE if last else THRESHOLD,
            tau_refrac=0.0,
            i_offset=arrays[f"bias_{index}"].tolist(),
        )
        options = {}
        if layer["summed_weights"] is not None:
            options["max_expected_summed_weight"] = layer["summed_weights"]
        population = sim.Population(
            layer["neurons"],
            cell,
            label=layer["name"],
            initial_values={"v": arrays[f"potential_{index}"].tolist()},
            additional_parameters=options,
        )
        for receptor, sign in (("excitatory", 1), ("inhibitory", -1)):
            chosen = np.sign(arrays[f"weight_{index}"]) == sign
            if chosen.any():
                columns = [arrays[f"{name}_{index}"][chosen] for name in ("pre", "post", "weight")]
                synapses = np.column_stack([*columns, np.ones(chosen.sum())])
                connector = sim.FromListConnector(synapses, column_names=["weight", "delay"])
                sim.Projection(populations[-1], population, connector, receptor_type=receptor)
        populations.append(population)
    return populations


def spike_times(arrays, item, neurons):
    """Times in ms, one list for each input neuron; step t is the time t - 1."""
    bits = np.unpackbits(arrays["input_spikes"][item], axis=-1, count=neurons)
    return [np.nonzero(bits[:, neuron])[0].astype(float).tolist() for neuron in range(neurons)]


def run(folder):
    """Build, run every item from the same start, write `recorded.npz` after each, or `plan.json` on a virtual board."""
    with np.load(f"{folder}/network.npz", allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    job = json.loads(arrays["job"].tobytes())
    layers, steps, items = job["layers"], job["steps"], job["items"]
    sim.setup(timestep=1.0)
    populations = build(arrays, layers)
    for population in populations[1:-1]:
        population.record("spikes")
    populations[-1].record("v")
    classes, recorded = layers[-1]["neurons"], {}
    recorded["output"] = np.full((items, steps, classes), np.nan, np.float32)
    for layer in layers[1:-1]:
        recorded[f"spikes_{layer['name']}"] = np.zeros((items, steps, layer["neurons"]), bool)
    for item in range(items):
        if item:
            sim.reset()
            populations[0].set(spike_times=spike_times(arrays, item, layers[0]["neurons"]))
        # a membrane is recorded before it moves: that of the last step appears one step later
        sim.run(steps + 1)
        if job["virtual"]:
            write_plan(f"{folder}/plan.json")
            break
        collect(populations, layers, recorded, item, steps)
        np.savez_compressed(f"{folder}/recorded.npz", done=item + 1, **recorded)
    sim.end()


def collect(populations, layers, recorded, item, steps):
    """Put what was recorded since the last reset into the arrays."""
    for population, layer in zip(populations[1:-1], layers[1:-1], strict=True):
        for neuron, train in enumerate(population.get_data("spikes").segments[-1].spiketrains):
            times = np.rint(np.asarray(train.times.magnitude)).astype(int)
            recorded[f"spikes_{layer['name']}"][item, times[times < steps], neuron] = True
    membrane = populations[-1].get_data("v").segments[-1].filter(name="v")[0]
    recorded["output"][item] = np.asarray(membrane.magnitude)[1 : steps + 1]


def write_plan(path):
    """What the tool chain decided, for every core: place, population, neurons, memory; and the shifts of the weights."""
    from spinn_front_end_common.interface.provenance import ProvenanceReader  # noqa: F401 (fails early on another version)
    from spynnaker.pyNN.data import SpynnakerDataView as View

    machine = View.get_machine()
    cores, shifts = [], {}
    for placement in View.iterate_placemements():
        vertex = placement.vertex
        application = vertex.app_vertex
        sdram = vertex.sdram_required
        cores.append(
            {
                "x": placement.x,
                "y": placement.y,
                "core": placement.p,
                "label": vertex.label,
                "population": None if application is None else application.label,
                "first": vertex.vertex_slice.lo_atom if application is not None else None,
                "neurons": vertex.vertex_slice.n_atoms if application is not None else 0,
                "sdram_bytes": int(sdram.get_total_sdram(View.get_max_run_time_steps())),
            }
        )
        if hasattr(application, "get_ring_buffer_shifts"):
            shifts[application.label] = [int(shift) for shift in application.get_ring_buffer_shifts()]
    chips = [
        {"x": chip.x, "y": chip.y, "cores": chip.n_placable_processors, "sdram_bytes": int(chip.sdram)}
        for chip in machine.chips
    ]
    tables = [
        {"x": table.x, "y": table.y, "entries": table.number_of_entries}
        for table in View.get_precompressed() if hasattr(View, "get_precompressed")
    ] if False else []
    plan = {"cores": cores, "chips": chips, "tables": tables, "ring_buffer_shifts": shifts}
    with open(path, "w") as file:
        json.dump(plan, file)


if __name__ == "__main__":
    run(sys.argv[1] if len(sys.argv) > 1 else ".")
