"""The program that runs on SpiNNaker's host: it builds a network with sPyNNaker, runs items, and writes what it recorded.

It stands alone: it needs sPyNNaker and numpy, not snnviz, because a job queue runs it on a machine of its own. Beside it lies
`network.npz`, which `snnviz.hardware.spinnaker.layout` writes. On a virtual board nothing is computed; then it writes what the
tool chain planned.

Neurons are IF_trunc_delta: non-leaky, delta synapses, set to V_reset by a spike and never below it. The output population has a
threshold that it never reaches and a V_reset that it never sinks to; its membrane is the answer.
"""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

THRESHOLD = 1.0
UNREACHABLE = 32767.0
"""A potential that no output neuron reaches, upwards or (negative) downwards."""
DONE = "snnviz item"
"""A line that begins with this says how many items are done."""
CORE = "snnviz core of"
"""What follows this in a line says whose neurons' data are written next."""
SAVE_EVERY = 25
"""Items from one write of what was recorded to the next: a job that is killed leaves what it had."""


def quicken() -> None:
    """Replace two steps of sPyNNaker 7.4 whose time grows with the square of a layer's size by ones that do the same.

    - the values of a core's neurons were found by going through those of the whole layer, for every core;
    - the rows of a synaptic matrix were found by going through all of its synapses, for every row.

    Nor are all synapses read back, row by row, for weights that nobody asks for. And it says which layer's data are written.
    Other versions of sPyNNaker are left as they are.
    """
    if not importlib.metadata.version("spynnaker").startswith("1!7.4."):
        return
    from spinn_utilities.ranged.abstract_list import AbstractList
    from spynnaker.pyNN.models.neural_projections import SynapseInformation
    from spynnaker.pyNN.models.neuron.population_machine_vertex import PopulationMachineVertex
    from spynnaker.pyNN.models.neuron.synapse_dynamics.abstract_sdram_synapse_dynamics import (
        AbstractSDRAMSynapseDynamics,
    )

    lists: Any = AbstractList
    dynamics: Any = AbstractSDRAMSynapseDynamics
    vertices: Any = PopulationMachineVertex
    synapses: Any = SynapseInformation
    usual, written = lists.iter_ranges_by_ids, vertices.generate_data_specification

    def rows(_dynamics: Any, indices: Any, n_rows: int, data: Any, most: int) -> list[Any]:
        return split_rows(indices, n_rows, data, most)

    def tell(vertex: Any, *given: Any, **named: Any) -> Any:
        sys.stdout.write(f"{CORE} {vertex.app_vertex.label}\n")
        sys.stdout.flush()
        return written(vertex, *given, **named)

    lists.iter_ranges_by_ids = lambda values, ids: ranges_by_ids(values, ids, usual)
    dynamics.convert_per_connection_data_to_rows = rows
    vertices.generate_data_specification = tell
    synapses.add_pre_run_connection_holder = lambda _synapses, _holder: None


def ranges_by_ids(values: Any, ids: Any, usual: Any) -> Any:
    """The ranges of equal values of these neurons: of neighbours as a slice, else as `usual(values, ids)` finds them."""
    numbers = np.asarray(ids)
    if len(numbers) and numbers[0] + len(numbers) - 1 == numbers[-1] and np.all(np.diff(numbers) == 1):
        return values.iter_ranges_by_slice(int(numbers[0]), int(numbers[-1]) + 1)
    return usual(values, ids)


def split_rows(indices: np.ndarray, n_rows: int, data: np.ndarray, most: int) -> list[np.ndarray]:
    """`data` by the rows that `indices` name, in its own order, at most so many in each, flat."""
    order = np.argsort(indices, kind="stable")
    ends = np.searchsorted(np.asarray(indices)[order], np.arange(n_rows + 1))
    arranged = data[order]
    return [arranged[start : min(end, start + most)].reshape(-1) for start, end in itertools.pairwise(ends)]


def build(sim: Any, arrays: dict[str, np.ndarray], layers: list[dict[str, Any]]) -> list[Any]:
    """The source of input spikes and a population per layer, with their projections."""
    times = spike_times(arrays, 0, layers[0]["neurons"])
    populations = [
        sim.Population(layers[0]["neurons"], sim.SpikeSourceArray(spike_times=times), label=layers[0]["name"])
    ]
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
            signed = np.sign(arrays[f"weight_{index}"]) == sign
            for source in np.unique(arrays[f"source_{index}"][signed]):
                chosen = signed & (arrays[f"source_{index}"] == source)
                columns = [arrays[f"{name}_{index}"][chosen] for name in ("pre", "post", "weight")]
                synapses = np.column_stack([*columns, np.ones(chosen.sum())])
                connector = sim.FromListConnector(synapses, column_names=["weight", "delay"])
                sim.Projection(populations[source], population, connector, receptor_type=receptor)
        populations.append(population)
    return populations


def spike_times(arrays: dict[str, np.ndarray], item: int, neurons: int) -> list[list[float]]:
    """Times in ms, one list for each input neuron; step t is the time t - 1."""
    bits = np.unpackbits(arrays["input_spikes"][item], axis=-1, count=neurons)
    return [np.nonzero(bits[:, neuron])[0].astype(float).tolist() for neuron in range(neurons)]


def run(folder: Path) -> None:
    """Build, run every item from the same start, write `recorded.npz` now and then, or `plan.json` on a virtual board."""
    import spynnaker.pyNN as sim

    quicken()
    with np.load(folder / "network.npz", allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    job = json.loads(arrays["job"].tobytes())
    layers, steps, items = job["layers"], job["steps"], job["items"]
    sim.setup(timestep=1.0)
    populations = build(sim, arrays, layers)
    for population in populations[1:-1]:
        population.record("spikes")
    populations[-1].record("v")
    recorded = {"output": np.full((items, steps, layers[-1]["neurons"]), np.nan, np.float32)}
    for index, layer in enumerate(layers[1:-1], start=1):
        recorded[f"spikes_{index}"] = np.zeros((items, steps, layer["neurons"]), bool)
    for item in range(items):
        if item:
            sim.reset()
            populations[0].set(spike_times=spike_times(arrays, item, layers[0]["neurons"]))
        # a membrane is recorded before it moves: that of the last step appears one step later
        sim.run(steps + 1)
        if job["virtual"]:
            (folder / "plan.json").write_text(json.dumps(plan()))
            break
        collect(populations, recorded, item, steps)
        if (item + 1) % SAVE_EVERY == 0 or item == items - 1:
            np.savez_compressed(folder / "unfinished.npz", allow_pickle=False, done=np.array(item + 1), **recorded)
            (folder / "unfinished.npz").replace(folder / "recorded.npz")
        sys.stdout.write(f"{DONE} {item + 1}\n")
        sys.stdout.flush()
    sim.end()


def collect(populations: list[Any], recorded: dict[str, np.ndarray], item: int, steps: int) -> None:
    """Put what was recorded since the last reset into the arrays."""
    for index, population in enumerate(populations[1:-1], start=1):
        for neuron, train in enumerate(population.get_data("spikes").segments[-1].spiketrains):
            times = np.rint(np.asarray(train.times.magnitude)).astype(int)
            recorded[f"spikes_{index}"][item, times[times < steps], neuron] = True
    membrane = populations[-1].get_data("v").segments[-1].filter(name="v")[0]
    recorded["output"][item] = np.asarray(membrane.magnitude)[1 : steps + 1]


def plan() -> dict[str, Any]:
    """What the tool chain decided: for every core its place, population, neurons and memory; chips; the weights' shifts.

    And which of the cores' programs are not there.
    """
    from spynnaker.pyNN.data import SpynnakerDataView as View

    machine, cores, missing = View.get_machine(), [], []
    shifts: dict[str, list[int]] = {}
    for placement in View.iterate_placemements():
        vertex = placement.vertex
        owner: Any = vertex.app_vertex
        core: dict[str, Any] = {"x": placement.x, "y": placement.y, "core": placement.p, "label": vertex.label}
        # memory of the longest run between two read-outs, as the partitioner plans it, is a matter of the board
        sdram = vertex.sdram_required
        core |= {"sdram_fixed": int(sdram.fixed), "sdram_per_step": float(sdram.per_timestep)}
        if owner is None:
            core |= {"population": None, "first": 0, "neurons": 0}
        else:
            part = vertex.vertex_slice
            core |= {"population": owner.label, "first": int(part.lo_atom), "neurons": int(part.n_atoms)}
            if hasattr(owner, "get_ring_buffer_shifts"):
                shifts[owner.label] = [int(shift) for shift in owner.get_ring_buffer_shifts()]
        cores.append(core)
        if hasattr(vertex, "get_binary_file_name"):
            missing += absent(View, vertex.get_binary_file_name())
    chips = [
        {
            "x": chip.x,
            "y": chip.y,
            "cores": chip.n_placable_processors,
            "sdram": int(chip.sdram),
            "board": [chip.nearest_ethernet_x, chip.nearest_ethernet_y],
            "router_entries": chip.router.n_available_multicast_entries,
        }
        for chip in machine.chips
    ]
    return {"cores": cores, "chips": chips, "shifts": shifts, "missing": sorted(set(missing))}


def absent(view: Any, binary: str) -> list[str]:
    """The name of a core's program, if the tool chain does not have it, which a virtual board never notices."""
    try:
        view.get_executable_path(binary)
    except KeyError:
        return [binary]
    return []


if __name__ == "__main__":
    run(Path.cwd())
