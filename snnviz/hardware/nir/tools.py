"""NIR graphs for one other simulator: what does not travel, the script that sets it there, and whether its spikes are equal."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from snnviz import _checks as check
from snnviz._files import replacing
from snnviz._npz import Arrays
from snnviz.hardware import outside
from snnviz.hardware.nir import save, to_graph
from snnviz.hardware.nir.loaders import TOOLS
from snnviz.network import SpikingNetwork
from snnviz.simulation import Record, simulate


def loader(tool: str) -> str:
    """The script that loads a NIR graph of snnviz in `tool` so that it gives snnviz's spikes.

    Raises:
        InputError: for a tool that there is none for.
    """
    check.choice("tool", tool, TOOLS)
    own, shared = (
        resources.files("snnviz.hardware.nir.loaders").joinpath(f"{name}.py").read_text(encoding="utf-8")
        for name in (tool, "_shared")
    )
    _, _, code = shared.partition("\n\n")  # without its docstring
    return re.sub(r"^from snnviz\.hardware\.nir\.loaders\._shared import .*\n", lambda _: code, own, flags=re.MULTILINE)


def save_loader(tool: str, graph: Path) -> Path:
    """Write the script of `tool` beside a graph's file, and return its path."""
    path = graph.with_name(f"{graph.stem}_{tool}.py")
    with replacing(path) as temporary:
        temporary.write_text(loader(tool), encoding="utf-8")
    return path


def left_behind(network: SpikingNetwork) -> str:
    """What NIR has no words for in `network`, in one line."""
    potentials = [network.input.initial_potential, *(layer.initial_potential for layer in network.layers)]
    parts = []
    if any(np.any(potential) for potential in potentials):
        single = {float(potential) if np.ndim(potential) == 0 else None for potential in potentials}
        parts.append(
            f"initial potentials ({single.pop():g})"
            if len(single) == 1 and None not in single
            else "initial potentials"
        )
    if any(layer.onset for layer in network.layers):
        parts.append("onsets")
    parts += ["reset by subtraction", "firing at the threshold", "one spike a step at most"]
    return f"NIR has no words for {', '.join(parts[:-1])} and {parts[-1]}: --for {'|'.join(TOOLS)} writes what sets them there"


@dataclass(frozen=True)
class LayerSpikes:
    """The spikes of one population.

    Attributes:
        name: of the layer.
        ours: spikes, all items and steps.
        theirs: likewise, in the other simulator.
        first: (item, step, neuron) of the first difference, steps from 1, neurons row by row with the channels last; None if equal.
    """

    name: str
    ours: int
    theirs: int
    first: tuple[int, int, int] | None


@dataclass(frozen=True)
class Agreement:
    """What another simulator made of a network.

    Attributes:
        items: how many.
        steps: time steps of each.
        equal_predictions: items with the same class after the last step.
        layers: the populations that fire, the input first.
    """

    items: int
    steps: int
    equal_predictions: int
    layers: tuple[LayerSpikes, ...]

    @property
    def equal(self) -> bool:
        """Whether every spike and every prediction is."""
        return self.equal_predictions == self.items and all(layer.first is None for layer in self.layers)


def compare(network: SpikingNetwork, tool: str, python: str, x: np.ndarray, steps: int) -> Agreement:
    """Simulate `network` here and, by its loader script, in `tool`.

    Args:
        network: the network.
        tool: one of `TOOLS`.
        python: the interpreter of an environment that has it.
        x: intensities in [0, 1], float `(items, *network.input_shape)`.
        steps: time steps.

    Raises:
        InputError: if the other simulator fails; the last line that it says is named.
    """
    theirs = _run(network, tool, python, x, steps)
    record = Record(spikes=network.firing_names, logits=True, items=len(x))
    ours = simulate(network, x, np.zeros(len(x), np.int64), steps, engine="event", record=record, progress=False)
    layers = [
        _layer(name, ours[f"spikes_{name}"].values, _channels_last(theirs[node]))
        for name, node in zip(network.firing_names, _neurons(network), strict=True)
    ]
    predicted = ours["logits"].values[:, -1].argmax(axis=-1) == theirs["output"][:, -1].argmax(axis=-1)
    return Agreement(len(x), steps, int(predicted.sum()), tuple(layers))


def _neurons(network: SpikingNetwork) -> list[str]:
    """The names of the network's IF nodes, from the input on."""
    return [name for name, node in to_graph(network).nodes.items() if type(node).__name__ == "IF"]


def _layer(name: str, ours: np.ndarray, theirs: np.ndarray) -> LayerSpikes:
    differ = np.argwhere(ours.reshape(theirs.shape) != theirs)
    first = None
    if len(differ):
        item, step, neuron = (int(index) for index in differ[np.lexsort(differ.T[[2, 0, 1]])[0]])
        first = (item, step + 1, neuron)
    return LayerSpikes(name, int(ours.sum()), int(theirs.sum()), first)


def _channels_last(spikes: np.ndarray) -> np.ndarray:
    """Spikes (items, steps, neurons) from (items, steps, ...), channels first."""
    moved = np.moveaxis(spikes, 2, -1) if spikes.ndim == 5 else spikes
    return moved.reshape(*spikes.shape[:2], -1)


def _run(network: SpikingNetwork, tool: str, python: str, x: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory(prefix="snnviz-nir-") as name:
        folder = Path(name)
        graph = save(network, folder / "graph.nir")
        images = np.moveaxis(x, -1, 1) if x.ndim == 4 else x
        np.savez(folder / "images.npz", x=np.ascontiguousarray(images, np.float32), steps=steps)
        files = [graph, folder / "images.npz", folder / "spikes.npz"]
        outside.run(loader(tool), folder, files, python=python, tool=tool, install=TOOLS[tool])
        arrays = Arrays(folder / "spikes.npz")
        return {name: arrays[name] for name in (*_neurons(network), "output")}
