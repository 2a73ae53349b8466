"""Runs a network of snnviz on SANA-FE's model of a Loihi chip. Tried with SANA-FE 2.2.9, which is GPL: in a process of its own.

    python THIS.py NETWORK.npz MEASURED.npz

NETWORK.npz: `sizes`, neurons of each population, the input first; of each population i from 1 `bias`i and `potential`i, scaled, and
`unit`i, the kind of synapse that arrives; `threshold`, scaled; of each projection k `ends`k (source, target), `pre`k, `post`k and
`weight`k, scaled; `spikes`, of the input, bool (items, steps, neurons).
MEASURED.npz: of every step, (items, steps), the `energy_` parts, the `latency`, `deliveries` and neurons that `fired`; `spikes`i,
bool (items, steps, neurons); `output`, the last population's potentials, scaled, (items, steps, neurons).
"""

import sys
from typing import Any

import numpy as np
import sanafe

PARTS = ("synapse", "dendrite", "soma", "network")
DONE = "snnviz item"  # said when an item is done
NEURONS_A_CORE = 1024


def groups_of(given: dict[str, np.ndarray]) -> tuple[Any, list[Any]]:
    """The populations: sources of spikes, integrate-and-fire neurons, and a last one that never fires."""
    net, groups = sanafe.Network(), []
    for place, size in enumerate(given["sizes"].tolist()):
        fires = place < len(given["sizes"]) - 1
        threshold = float(given["threshold"]) if fires else 2.0**60
        # the potential stays as it is, and what arrives does not linger
        neuron = {"threshold": threshold, "reset_mode": "soft", "leak_decay": 1.0, "input_decay": 0.0}
        groups.append(
            net.create_neuron_group(
                f"p{place}",
                size,
                model_attributes=neuron if place else {},
                soma_hw_name="loihi_lif" if place else "",
                default_synapse_hw_name=f"loihi_{given[f'unit{place}']}_synapse" if place else "",
                log_spikes=fires,
                log_potential=not fires,
            )
        )
        for index, neuron_of_group in enumerate(groups[-1]):
            if place:
                neuron_of_group.set_attributes(model_attributes={"bias": float(given[f"bias{place}"][index])})
            else:  # a core has a unit of its own for each source
                neuron_of_group.set_attributes(soma_hw_name=f"loihi_inputs[{index % NEURONS_A_CORE}]")
    return net, groups


def placed(groups: list[Any], cores: list[Any]) -> None:
    """Fill core after core; each population begins on a new one."""
    core = -1
    for group in groups:
        for index, neuron in enumerate(group):
            core += index % NEURONS_A_CORE == 0
            if core == len(cores):
                raise SystemExit(f"the chip has {len(cores)} cores of {NEURONS_A_CORE} neurons, and more are needed")
            neuron.map_to_core(cores[core])


def connect(groups: list[Any], given: dict[str, np.ndarray]) -> None:
    """The synapses."""
    k = 0
    while f"ends{k}" in given:
        source, target = (groups[place] for place in given[f"ends{k}"].tolist())
        pairs = list(zip(given[f"pre{k}"].tolist(), given[f"post{k}"].tolist(), strict=True))
        source.connect_neurons_sparse(target, {"w": given[f"weight{k}"].tolist()}, pairs)
        k += 1


def measured(chip: Any, steps: int, sizes: list[int]) -> dict[str, np.ndarray]:
    """One item: what the chip says of every step."""
    found = chip.sim(steps, spike_trace=True, potential_trace=True, perf_trace=True)
    perf = found["perf_trace"]
    item = {f"energy_{part}": np.array(perf[f"{part}_energy"], np.float64) for part in PARTS}
    item["latency"] = np.array(perf["sim_time"], np.float64)
    item["deliveries"] = np.array(perf["spikes"], np.int64)
    item["fired"] = np.array(perf["fired"], np.int64)
    item["output"] = np.array(found["potential_trace"], np.float64)
    for place, size in enumerate(sizes[:-1]):
        item[f"spikes{place}"] = np.zeros((steps, size), bool)
    for step, fired in enumerate(found["spike_trace"]):
        for address in fired:
            item[f"spikes{address.group_name[1:]}"][step, address.neuron_offset] = True
    return item


def main(network_file: str, measured_file: str) -> None:
    """Build once, run each item."""
    given = dict(np.load(network_file))
    sizes = given["sizes"].tolist()
    architecture = sanafe.load_loihi()
    net, groups = groups_of(given)
    connect(groups, given)
    placed(groups, architecture.cores())
    chip = sanafe.SpikingChip(architecture)
    chip.load(net)
    items = []
    for spikes in given["spikes"]:
        chip.reset()
        for index, neuron in enumerate(chip.mapped_neuron_groups["p0"]):
            neuron.set_attributes(model_attributes={"spikes": spikes[:, index].tolist()})
        for place in range(1, len(sizes)):  # a reset sets potentials to 0
            for index, neuron in enumerate(chip.mapped_neuron_groups[f"p{place}"]):
                neuron.set_attributes(model_attributes={"potential": float(given[f"potential{place}"][index])})
        items.append(measured(chip, len(spikes), sizes))
        print(f"\n{DONE}", flush=True)  # noqa: T201 - SANA-FE leaves its own lines open
    arrays: dict[str, Any] = {name: np.stack([item[name] for item in items]) for name in items[0]}
    np.savez(measured_file, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
