"""What a measurement of sparsity holds, of a Keras model (`snnviz.sparsity`) or a spiking network (`snnviz.simulation.analog`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WEIGH = ("size", "events")
"""What a layer's share of the sparsity penalties can go by (`snnviz.sparsity.shares`)."""


@dataclass(frozen=True)
class LayerSparsity:
    """Sparsity of one weighted layer; `activations` is None for a layer with no ReLU after it (the classifier)."""

    name: str
    neurons: int
    synapses: int
    activations: float | None
    weights: float

    @property
    def combined(self) -> float | None:
        """S_c = 1 - (1 - S_a)(1 - S_w)."""
        return None if self.activations is None else combined(self.activations, self.weights)


@dataclass(frozen=True)
class Sparsity:
    """Fractions of zero activations (S_a) and zero synapses (S_w), and S_c = 1 - (1 - S_a)(1 - S_w).

    Attributes:
        activations: S_a over all hidden ReLU outputs, each neuron counting alike.
        weights: S_w over all synapses.
        activations_as_published: S_a as the paper's code measures it, without the last hidden layer.
        layers: the same layer by layer.
        items: number of images it was measured on.
    """

    activations: float
    weights: float
    activations_as_published: float
    layers: tuple[LayerSparsity, ...]
    items: int

    @property
    def combined(self) -> float:
        """S_c over all hidden ReLU outputs."""
        return combined(self.activations, self.weights)

    @property
    def combined_as_published(self) -> float:
        """S_c from `activations_as_published`."""
        return combined(self.activations_as_published, self.weights)

    def as_json(self) -> dict[str, Any]:
        """The measures under their symbols, as JSON holds them."""
        return {
            "S_a": self.activations,
            "S_w": self.weights,
            "S_c": self.combined,
            "S_a without the last hidden layer (as published)": self.activations_as_published,
            "S_c without the last hidden layer (as published)": self.combined_as_published,
            "items": self.items,
            "layers": [
                {
                    "name": layer.name,
                    "neurons": layer.neurons,
                    "synapses": layer.synapses,
                    "S_a": layer.activations,
                    "S_w": layer.weights,
                    "S_c": layer.combined,
                }
                for layer in self.layers
            ],
        }


def combined(activations: float, weights: float) -> float:
    """S_c = 1 - (1 - S_a)(1 - S_w)."""
    return 1.0 - (1.0 - activations) * (1.0 - weights)


@dataclass(frozen=True)
class LayerCount:
    """What was counted of a weighted layer: its neurons, and how many of its synapses have a zero weight."""

    name: str
    neurons: int
    synapses: int
    zero_synapses: int


@dataclass(frozen=True)
class ActiveCount:
    """What was counted of a hidden layer's rectified outputs: those above zero, over all items; `owner` is the weighted layer."""

    owner: str
    neurons: int
    active: int


def from_counts(layers: Sequence[LayerCount], hidden: Sequence[ActiveCount], items: int) -> Sparsity:
    """The fractions that follow from counts.

    Args:
        layers: the weighted layers, in order.
        hidden: the rectified layers, in order, at least one.
        items: number of images that `hidden` was counted on.
    """

    def silent(upto: int) -> float:
        neurons = sum(layer.neurons for layer in hidden[:upto])
        return 1.0 - sum(layer.active for layer in hidden[:upto]) / (items * neurons)

    of_layer = {layer.owner: 1.0 - layer.active / (items * layer.neurons) for layer in hidden}
    return Sparsity(
        activations=silent(len(hidden)),
        weights=sum(layer.zero_synapses for layer in layers) / sum(layer.synapses for layer in layers),
        # of a single hidden layer there is no other choice
        activations_as_published=silent(max(1, len(hidden) - 1)),
        layers=tuple(
            LayerSparsity(
                name=layer.name,
                neurons=layer.neurons,
                synapses=layer.synapses,
                activations=of_layer.get(layer.name),
                weights=layer.zero_synapses / layer.synapses,
            )
            for layer in layers
        ),
        items=items,
    )
