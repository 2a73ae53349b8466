"""Networks: populations in the order in which spikes travel, and the projections between them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import check_fields, checked
from snnviz.errors import InputError
from snnviz.network.arrays import Scale, Shape
from snnviz.network.populations import Input, Layer, Population, onset_at


@dataclass(frozen=True, eq=False)
class SpikingNetwork:
    """A feed-forward network of integrate-and-fire neurons.

    Layers follow one another, each taking the spikes of the one before (a single path), or say with `source` whose spikes they
    take; a `Sum` takes those of several populations. Within a time step spikes travel through all of them in order.

    Attributes:
        input: the spiking input layer.
        layers: populations, each behind those that it takes spikes of; the last is read out and never fires.
        class_names: one name per output.
        metadata: anything JSON can hold about where the network came from (source model, settings of the conversion).

    Raises:
        InputError: if shapes do not follow from one another, names repeat, spikes would run in a circle or nowhere, or there are
            no layers.
    """

    input: Input
    layers: tuple[Population, ...]
    class_names: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self)
        if not isinstance(self.input, Input):
            raise InputError(f"`input` must be an Input layer. Received: {check.describe(self.input)}")
        layers = tuple(self.layers)
        if not layers or not all(isinstance(layer, Population) for layer in layers):
            raise InputError(f"`layers` must hold at least one layer. Received: {check.describe(self.layers)}")
        put = object.__setattr__
        put(self, "layers", layers)
        check.different("layers", self.layer_names)
        self._check_wiring()
        if self.is_path:  # of which no layer needs to say it
            put(self, "layers", tuple(replace(layer, source=None) if layer.source else layer for layer in self._path))
        shape = layers[-1].output_shape
        if len(shape) != 1:
            raise InputError(f"`layers` must end in one value per class. Received: an output of shape {shape}")
        class_names = tuple(map(str, self.class_names)) or tuple(str(index) for index in range(shape[0]))
        if len(class_names) != shape[0]:
            raise InputError(f"`class_names` must have one name per output ({shape[0]}). Received: {len(class_names)}")
        check.different("class_names", class_names)
        put(self, "class_names", class_names)
        put(self, "metadata", MappingProxyType(dict(self.metadata)))

    def _check_wiring(self) -> None:
        shapes, names = self.shapes, self.layer_names
        for position, (layer, sources) in enumerate(zip(self.layers, self.sources, strict=True)):
            for projection, source in zip(layer.projections, sources, strict=True):
                if not projection.takes(shapes[source]):
                    where = "the layer before it" if source == position else "its source"
                    raise InputError(
                        f"`layers[{position}]` ({layer.name!r}) must take the shape of {where}, {names[source]!r}: "
                        f"{shapes[source]}. Received: {projection.input_shape}"
                    )
        heard = {source for sources in self.sources for source in sources}
        deaf = [name for position, name in enumerate(names[:-1]) if position not in heard]
        if deaf:
            raise InputError(
                "`layers` must have one read-out, the last, with a way to it from everywhere else. "
                f"Received: {deaf[0]!r}, whose spikes nothing takes, beside {names[-1]!r}"
            )

    @cached_property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """For each layer, where its projections come from: places in `layer_names`, of which 0 is the input."""
        place = {name: position for position, name in enumerate(self.layer_names)}
        found = []
        for position, layer in enumerate(self.layers):
            names = [self.layer_names[position] if each.source is None else each.source for each in layer.projections]
            for name in names:
                if name not in place:
                    raise InputError(
                        f"`source` of {layer.name!r} must be the name of a population before it. "
                        f"Received: {name!r}{check.suggestion(name, list(place))}"
                    )
                if place[name] > position:
                    raise InputError(
                        "`layers` must stand behind those whose spikes they take, and spikes must not run in a circle. "
                        f"Received: {layer.name!r}, which takes those of {name!r}"
                    )
            found.append(tuple(place[name] for name in names))
        return tuple(found)

    @property
    def is_path(self) -> bool:
        """Whether every layer takes the spikes of the one before it, and of no other."""
        found = enumerate(zip(self.layers, self.sources, strict=True))
        return all(isinstance(layer, Layer) and sources == (position,) for position, (layer, sources) in found)

    @property
    def _path(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if isinstance(layer, Layer))

    @checked
    def single_path(self, who: str) -> tuple[Layer, ...]:
        """The layers, for what knows single paths only.

        Args:
            who: what asks for them, for the message.

        Raises:
            InputError: if there are sums or branches.
        """
        if not self.is_path:
            name, sources = next(
                (layer.name, sources)
                for position, (layer, sources) in enumerate(zip(self.layers, self.sources, strict=True))
                if sources != (position,) or not isinstance(layer, Layer)
            )
            told = " and ".join(dict.fromkeys(repr(self.layer_names[source]) for source in sources))
            raise InputError(
                f"`network` must be a single path of layers for {who}. "
                f"Received: a graph, in which {name!r} takes the spikes of {told}"
            )
        return self._path

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """How many layers spikes pass on their longest way to each population, itself included; 0 for the input."""
        depths = [0]
        for sources in self.sources:
            depths.append(1 + max(depths[source] for source in sources))
        return tuple(depths)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Shapes of the neurons of the input and of every layer."""
        return (self.input.shape, *(layer.output_shape for layer in self.layers))

    @property
    def neurons(self) -> dict[str, int]:
        """Number of neurons of the input and of every layer, by name."""
        return {self.input.name: self.input.neurons} | {layer.name: layer.neurons for layer in self.layers}

    @property
    def input_shape(self) -> Shape:
        """Shape of one item."""
        return self.input.shape

    @property
    def classes(self) -> int:
        """Number of outputs."""
        return self.layers[-1].neurons

    @property
    def firing_names(self) -> tuple[str, ...]:
        """Names of the populations that fire: the input and every layer but the last."""
        return (self.input.name, *(layer.name for layer in self.layers[:-1]))

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the input and of every weighted layer, the `layer` coordinate of a result."""
        return (self.input.name, *(layer.name for layer in self.layers))

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of everything that determines a simulation: shapes, options, weights, initial potentials."""
        digest = hashlib.sha256()
        header, arrays = self.encode()
        digest.update(json.dumps({"input": header["input"], "layers": header["layers"]}, sort_keys=True).encode())
        for name in sorted(arrays):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(arrays[name], "<f4").tobytes())
        return digest.hexdigest()

    @checked
    def scaled(self, scales: Sequence[Scale]) -> SpikingNetwork:
        """The network with the output of layer i multiplied by `scales[i]`.

        Multiplying the output of a layer by s multiplies its weights and bias by s and divides the weights that leave
        it by s (mission's data-based normalisation; Rueckauer et al. 2017, doi:10.3389/fnins.2017.00682). The analog function
        is unchanged up to the positive factor of the last scale.

        Args:
            scales: one entry per layer of `layers`; a positive number, or (channels,) positive numbers. The last must be
                one number, since different factors of the outputs would change the argmax.
        """
        if len(scales) != len(self.layers):
            raise InputError(f"`scales` must have one entry per layer ({len(self.layers)}). Received: {len(scales)}")
        checked: list[Scale] = []
        for layer, scale in zip(self.layers, scales, strict=True):
            array = np.asarray(scale, np.float64)
            if array.shape not in ((), (layer.channels,)) or not (np.isfinite(array).all() and (array > 0).all()):
                raise InputError(
                    f"`scales` for layer {layer.name!r} must be a positive number or {layer.channels} of them. "
                    f"Received: {check.describe(scale)}"
                )
            checked.append(float(array) if array.ndim == 0 else array)
        if np.ndim(checked[-1]):
            raise InputError("`scales` of the last layer must be one number. Received: one per class")
        sent: list[Scale] = [1.0, *checked[:-1]]
        layers = [
            layer.rescaled(out, [sent[source] for source in sources])
            for layer, out, sources in zip(self.layers, checked, self.sources, strict=True)
        ]
        return replace(self, layers=tuple(layers))

    def halved(self) -> SpikingNetwork:
        """The network with every weight rounded to the nearest number of half precision (IEEE 754 binary16).

        Raises:
            InputError: for a weight beyond half precision's largest number, 65 504.
        """
        layers = [
            layer.with_weights(
                [check.half(f"weights of layer {layer.name!r}", each.weights) for each in layer.projections]
            )
            for layer in self.layers
        ]
        return replace(self, layers=tuple(layers))

    @checked
    def with_initial_potentials(self, potentials: Sequence[Scale]) -> SpikingNetwork:
        """The network with other initial membrane potentials, one entry for the input and one per layer."""
        if len(potentials) != len(self.layers) + 1:
            raise InputError(
                f"`potentials` must have one entry for the input and one per layer ({len(self.layers) + 1}). "
                f"Received: {len(potentials)}"
            )
        layers = [
            replace(layer, initial_potential=value) for layer, value in zip(self.layers, potentials[1:], strict=True)
        ]
        return replace(self, input=replace(self.input, initial_potential=potentials[0]), layers=tuple(layers))

    @checked
    def with_onsets(self, onsets: Sequence[int]) -> SpikingNetwork:
        """The network whose layer i begins after `onsets[i]` time steps; one entry per layer of `layers`."""
        if len(onsets) != len(self.layers):
            raise InputError(f"`onsets` must have one entry per layer ({len(self.layers)}). Received: {len(onsets)}")
        layers = [replace(layer, onset=onset) for layer, onset in zip(self.layers, onsets, strict=True)]
        return replace(self, layers=tuple(layers))

    @checked
    def clamped(self, clamp: float) -> SpikingNetwork:
        """The network whose layer at depth d (first weighted layer 1, ...) begins after clamp * d time steps, rounded down."""
        check.real("clamp", clamp, 0)
        return self.with_onsets([onset_at(depth, clamp) for depth in self.depths[1:]])

    def encode(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The network as what a file holds: a header that JSON can hold, and arrays by the names that it uses."""
        from snnviz.network import file

        return file.encode(self)

    @checked
    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the network to `path` (.npz: arrays and a JSON header, no pickle) and return the path.

        Arrays that half precision holds exactly, as those of `halved`, are written so.
        """
        from snnviz.network import file

        return file.save(self, Path(path))
