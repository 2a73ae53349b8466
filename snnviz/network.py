"""Spiking networks as plain data: layers of integrate-and-fire neurons with their weights.

A `SpikingNetwork` is what simulators, exporters and the optimiser take; Keras ends at `snnviz.convert`.
Every neuron is non-leaky integrate-and-fire with threshold 1. At each time step, with incoming spikes S,

    v <- v + f(S; W) + b,    s = 1 where v >= 1 else 0,    v <- v - s,

where f is the linear part of the layer, given in the docstring of its class. The last layer never fires: its
membrane potential is read out.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias, cast

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import check_fields, checked
from snnviz._files import replacing
from snnviz._memory import JSON_GROWS, check_fits
from snnviz._npz import Arrays, Unreadable
from snnviz.errors import InputError

FORMAT = "snnviz-network"
FORMAT_VERSION = 1
THRESHOLD = 1.0
"""Firing threshold of every neuron; a neuron fires when its membrane potential is at or above it."""

Shape = tuple[int, ...]
Scale: TypeAlias = "float | np.ndarray"
Padding = tuple[tuple[int, int], tuple[int, int]]


@checked
def onset_at(depth: int, clamp: float) -> int:
    """The onset of a layer at `depth` where every layer begins `clamp` time steps after the one before, rounded down."""
    # 0.29 * 100 is a little less than 29; beyond 2**53 floats count no more, and no simulation is as long
    return math.floor(min(clamp * depth + 1e-9, 2.0**53))


def _frozen(name: str, value: Any, shape: Shape | None = None, ndim: int | None = None) -> np.ndarray:
    """A read-only float32 copy of `value`, checked for shape and finiteness."""
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, which is refused below
            array = np.array(value, dtype=np.float32, order="C")
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` must be an array of numbers. Received: {check.describe(value)}") from error
    if shape is not None and array.shape != shape:
        raise InputError(f"`{name}` must have shape {shape}. Received: {check.describe(array)}")
    if ndim is not None and array.ndim != ndim:
        raise InputError(f"`{name}` must have {ndim} dimensions. Received: {check.describe(array)}")
    if array.size == 0:
        raise InputError(f"`{name}` must not be empty. Received: {check.describe(array)}")
    check.finite(name, array)
    array.setflags(write=False)
    return array


def _shape(name: str, value: Any, ndim: int | None = None) -> Shape:
    if not isinstance(value, Sequence) or (ndim is not None and len(value) != ndim) or not value:
        wanted = "a non-empty tuple" if ndim is None else f"a tuple of {ndim}"
        raise InputError(f"`{name}` must be {wanted} positive whole numbers. Received: {check.describe(value)}")
    return tuple(check.integer(name, size, 1) for size in value)


def _potential(name: str, value: Any, shape: Shape) -> Scale:
    if np.ndim(value) == 0:
        return check.real(name, value)
    return _frozen(name, value, shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class Input:
    """The spiking input layer: one neuron per pixel, driven by the pixel's intensity.

        v <- v + x,  x in [0, 1]

    so that its mean firing rate is the intensity.

    Attributes:
        shape: shape of one item, (height, width, channels) or (features,).
        initial_potential: membrane potential before the first step; one number, or an array of `shape`.
        name: "input".
    """

    shape: Shape
    initial_potential: Scale = 0.5
    name: str = "input"

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "shape", _shape("shape", self.shape))
        if len(self.shape) not in (1, 3):
            raise InputError(
                f"`shape` of the input must be (features,) or (height, width, channels). Received: {self.shape}"
            )
        object.__setattr__(
            self, "initial_potential", _potential("initial_potential", self.initial_potential, self.shape)
        )

    @property
    def neurons(self) -> int:
        """Number of input neurons."""
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """A weighted layer; see the subclasses for its linear part f(S; W).

    Attributes:
        name: unique name within the network.
        input_shape: shape of the incoming spikes of one item.
        weights: float32 synaptic weights, read-only; their layout is in the subclass.
        bias: float32 (channels,), added to the membrane at every step; of a convolution also `output_shape`, one per neuron, as
            it becomes where a shift of the input meets zero padding.
        initial_potential: membrane potential before the first step; one number, or an array of `output_shape`.
        cap: the activation at which the ANN's unit saturates (6 / scale for a ReLU6), one number or (channels,);
            None for a plain ReLU. Only `snnviz.simulation.analog` reads it: a spiking neuron saturates at rate 1.
        onset: for its first `onset` time steps the layer is frozen and silent, so that it does not integrate what the
            layers before it send before they have settled; 0, it takes part from the first step.
        ann_bias: the ANN's bias, likewise, where `bias` has been corrected (`snnviz.conversion.corrected`); None where they are
            one. Only `snnviz.simulation.analog` and the gradient's target read it.
    """

    name: str
    input_shape: Shape
    weights: np.ndarray
    bias: np.ndarray
    initial_potential: Scale = 0.5
    cap: Scale | None = None
    onset: int = 0
    ann_bias: np.ndarray | None = None

    kind: ClassVar[str]
    _weights_ndim: ClassVar[int]

    def __post_init__(self) -> None:
        check_fields(self)
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"`name` of a layer must be a non-empty string. Received: {check.describe(self.name)}")
        put = object.__setattr__
        put(self, "weights", _frozen(f"weights of layer {self.name!r}", self.weights, ndim=self._weights_ndim))
        self._check_geometry()
        put(self, "bias", self._checked_bias("bias", self.bias))
        potential = _potential(f"initial_potential of layer {self.name!r}", self.initial_potential, self.output_shape)
        put(self, "initial_potential", potential)
        if self.cap is not None:
            cap = self.cap
            if np.ndim(cap) == 0:
                cap = check.real(f"cap of layer {self.name!r}", cap, 0, above=True)
            else:
                cap = _frozen(f"cap of layer {self.name!r}", cap, (self.channels,))
            put(self, "cap", cap)
        put(self, "onset", check.integer(f"onset of layer {self.name!r}", self.onset, 0))
        if self.ann_bias is not None:
            put(self, "ann_bias", self._checked_bias("ann_bias", self.ann_bias))

    def _checked_bias(self, name: str, bias: Any) -> np.ndarray:
        each = len(self.output_shape) == 3 and np.shape(bias) == self.output_shape
        return _frozen(f"{name} of layer {self.name!r}", bias, self.output_shape if each else (self.channels,))

    def _check_geometry(self) -> None:
        raise NotImplementedError

    @property
    def output_shape(self) -> Shape:
        """Shape of this layer's neurons for one item."""
        raise NotImplementedError

    @property
    def channels(self) -> int:
        """Number of output channels (units of a dense layer): neurons that share a bias and a scale."""
        return self.output_shape[-1]

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return math.prod(self.output_shape)

    def _scaled_weights(self, output_scale: Scale, input_scale: Scale) -> np.ndarray:
        raise NotImplementedError

    def scaled(self, output_scale: Scale, input_scale: Scale) -> Layer:
        """This layer with its outputs multiplied by `output_scale` when its inputs were multiplied by `input_scale`.

        Args:
            output_scale: one positive number, or (channels,).
            input_scale: one positive number, or one per channel of the preceding layer.
        """
        out = np.asarray(output_scale, np.float64)
        cap = None if self.cap is None else np.asarray(self.cap * out, np.float64)
        return replace(
            self,
            weights=self._scaled_weights(output_scale, input_scale),
            bias=self.bias.astype(np.float64) * out,
            cap=None if cap is None else (float(cap) if cap.ndim == 0 else cap),
            ann_bias=None if self.ann_bias is None else self.ann_bias.astype(np.float64) * out,
        )

    def _options(self) -> dict[str, Any]:
        """What the file's header stores beside the arrays."""
        return {}


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(Layer):
    """All-to-all synapses on the flattened (row-major, channels last) input.

    f(S; W)[j] = sum_i S[i] W[i, j],    W: (inputs, outputs)
    """

    kind: ClassVar[str] = "dense"
    _weights_ndim: ClassVar[int] = 2

    def _check_geometry(self) -> None:
        object.__setattr__(self, "input_shape", _shape(f"input_shape of layer {self.name!r}", self.input_shape))
        if math.prod(self.input_shape) != self.weights.shape[0]:
            raise InputError(
                f"`weights` of dense layer {self.name!r} must have one row per input, "
                f"{math.prod(self.input_shape)} for input shape {self.input_shape}. "
                f"Received: shape {self.weights.shape}"
            )

    @property
    def output_shape(self) -> Shape:
        return (self.weights.shape[1],)

    def _scaled_weights(self, output_scale: Scale, input_scale: Scale) -> np.ndarray:
        incoming = np.asarray(input_scale, np.float64)
        if incoming.ndim:  # one per channel of the layer before: channels are last, so they repeat over positions
            incoming = np.tile(incoming, self.weights.shape[0] // incoming.size)[:, None]
        return self.weights * np.asarray(output_scale, np.float64) / incoming


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Layer):
    """What `Conv2D` and `DepthwiseConv2D` have in common: where the kernel goes. Attributes are described there."""

    strides: tuple[int, int] = (1, 1)
    padding: Padding = ((0, 0), (0, 0))
    dilation: tuple[int, int] = (1, 1)

    _weights_ndim: ClassVar[int] = 4

    def _check_geometry(self) -> None:
        put = object.__setattr__
        put(self, "input_shape", _shape(f"input_shape of layer {self.name!r}", self.input_shape, 3))
        put(self, "strides", _shape(f"strides of layer {self.name!r}", self.strides, 2))
        put(self, "dilation", _shape(f"dilation of layer {self.name!r}", self.dilation, 2))
        try:
            (top, bottom), (left, right) = self.padding
        except (TypeError, ValueError) as error:
            raise InputError(
                f"`padding` of layer {self.name!r} must be ((top, bottom), (left, right)). "
                f"Received: {check.describe(self.padding)}"
            ) from error
        edges = [check.integer(f"padding of layer {self.name!r}", edge, 0) for edge in (top, bottom, left, right)]
        put(self, "padding", ((edges[0], edges[1]), (edges[2], edges[3])))
        if min(self._output_size) < 1:
            raise InputError(
                f"`weights` of layer {self.name!r}: the dilated kernel must fit into the padded input. "
                f"Received: kernel {self.weights.shape[:2]}, dilation {self.dilation}, input {self.input_shape}, "
                f"padding {self.padding}"
            )

    @property
    def _output_size(self) -> tuple[int, int]:
        sizes = []
        for axis in range(2):
            span = (self.weights.shape[axis] - 1) * self.dilation[axis] + 1
            room = self.input_shape[axis] + sum(self.padding[axis]) - span
            sizes.append(room // self.strides[axis] + 1)
        return sizes[0], sizes[1]

    @property
    def groups(self) -> int:
        """Number of channel groups."""
        raise NotImplementedError

    @property
    def grouped_weights(self) -> np.ndarray:
        """The kernel as a grouped convolution's: (kernel height, kernel width, in channels / groups, out channels)."""
        raise NotImplementedError

    def _options(self) -> dict[str, Any]:
        return {"strides": self.strides, "padding": self.padding, "dilation": self.dilation}


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv2D(Convolution):
    """Two-dimensional cross-correlation, channels last, optionally in channel groups.

        f(S; W)[p, q, o] = sum_{i, j, c} S[y(p, i), x(q, j), c] W[i, j, c, o],
        y(p, i) = p * stride_h + i * dilation_h - top,    x(q, j) = q * stride_w + j * dilation_w - left

    with S = 0 outside the input; W: (kernel height, kernel width, in channels / groups, out channels). In a grouped
    convolution output channel o sees the input channels of group o // (out channels / groups).

    Attributes:
        strides: (vertical, horizontal).
        padding: zeros around the input, ((top, bottom), (left, right)).
        dilation: (vertical, horizontal) spacing of the kernel's elements.
        groups: number of channel groups.
    """

    groups: int = 1

    kind: ClassVar[str] = "conv2d"

    def _check_geometry(self) -> None:
        super()._check_geometry()
        groups = check.integer(f"groups of layer {self.name!r}", self.groups, 1)
        object.__setattr__(self, "groups", groups)
        per_group, outputs = self.weights.shape[2:]
        if per_group * groups != self.input_shape[2] or outputs % groups:
            raise InputError(
                f"`weights` of layer {self.name!r} must have shape (kh, kw, input channels / groups, output channels) "
                f"with {self.input_shape[2]} input channels and output channels divisible by {groups} groups. "
                f"Received: shape {self.weights.shape}"
            )

    @property
    def output_shape(self) -> Shape:
        return (*self._output_size, self.weights.shape[3])

    @property
    def grouped_weights(self) -> np.ndarray:
        return self.weights

    def _scaled_weights(self, output_scale: Scale, input_scale: Scale) -> np.ndarray:
        incoming = np.asarray(input_scale, np.float64)
        if incoming.ndim and self.groups > 1:
            # kernel channel c of output o is input channel group(o) * (channels / groups) + c
            per_group, outputs = self.weights.shape[2:]
            incoming = np.repeat(incoming.reshape(self.groups, per_group).T, outputs // self.groups, axis=1)
        elif incoming.ndim:
            incoming = incoming[:, None]
        return self.weights * np.asarray(output_scale, np.float64) / incoming

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "groups": self.groups}


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseConv2D(Convolution):
    """A convolution within each channel; average pooling is one with weights 1 / (height * width).

        f(S; W)[p, q, c * M + m] = sum_{i, j} S[y(p, i), x(q, j), c] W[i, j, c, m]

    with y and x as in `Conv2D`; W: (kernel height, kernel width, channels, M). Attributes as those of `Conv2D`.

    Attributes:
        pooling: True for a converted average pooling (a label for people; the equation is the same).
    """

    pooling: bool = False

    kind: ClassVar[str] = "depthwise_conv2d"

    def _check_geometry(self) -> None:
        super()._check_geometry()
        if self.weights.shape[2] != self.input_shape[2]:
            raise InputError(
                f"`weights` of depthwise layer {self.name!r} must have shape (kh, kw, {self.input_shape[2]}, multiplier). "
                f"Received: shape {self.weights.shape}"
            )

    @property
    def output_shape(self) -> Shape:
        return (*self._output_size, self.weights.shape[2] * self.weights.shape[3])

    @property
    def groups(self) -> int:
        return self.input_shape[2]

    @property
    def grouped_weights(self) -> np.ndarray:
        kernel = self.weights.shape
        return self.weights.reshape(kernel[0], kernel[1], 1, kernel[2] * kernel[3])

    def _scaled_weights(self, output_scale: Scale, input_scale: Scale) -> np.ndarray:
        out = np.asarray(output_scale, np.float64)
        if out.ndim:
            out = out.reshape(self.weights.shape[2:])
        incoming = np.asarray(input_scale, np.float64)
        if incoming.ndim:
            incoming = incoming[:, None]
        return self.weights * out / incoming

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "pooling": self.pooling}


LAYER_KINDS: Mapping[str, type[Layer]] = MappingProxyType(
    {kind.kind: kind for kind in (Dense, Conv2D, DepthwiseConv2D)}
)


@dataclass(frozen=True, eq=False)
class SpikingNetwork:
    """A feed-forward network of integrate-and-fire neurons.

    Attributes:
        input: the spiking input layer.
        layers: weighted layers in order; the last is read out and never fires.
        class_names: one name per output.
        metadata: anything JSON can hold about where the network came from (source model, settings of the conversion).

    Raises:
        InputError: if shapes do not follow from one another, names repeat, or there are no layers.
    """

    input: Input
    layers: tuple[Layer, ...]
    class_names: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self)
        if not isinstance(self.input, Input):
            raise InputError(f"`input` must be an Input layer. Received: {check.describe(self.input)}")
        layers = tuple(self.layers)
        if not layers or not all(isinstance(layer, Layer) for layer in layers):
            raise InputError(f"`layers` must hold at least one layer. Received: {check.describe(self.layers)}")
        shape = self.input.shape
        for position, layer in enumerate(layers):
            flattens = isinstance(layer, Dense) and math.prod(layer.input_shape) == math.prod(shape)
            if layer.input_shape != shape and not flattens:
                raise InputError(
                    f"`layers[{position}]` ({layer.name!r}) must take the shape of the layer before it, {shape}. "
                    f"Received: {layer.input_shape}"
                )
            shape = layer.output_shape
        names = [self.input.name, *(layer.name for layer in layers)]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"`layers` must have different names. Received: {repeated[0]!r} more than once")
        if len(shape) != 1:
            raise InputError(f"`layers` must end in one value per class. Received: an output of shape {shape}")
        class_names = tuple(map(str, self.class_names)) or tuple(str(index) for index in range(shape[0]))
        if len(class_names) != shape[0]:
            raise InputError(f"`class_names` must have one name per output ({shape[0]}). Received: {len(class_names)}")
        put = object.__setattr__
        put(self, "layers", layers)
        put(self, "class_names", class_names)
        put(self, "metadata", MappingProxyType(dict(self.metadata)))

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
        incoming: list[Scale] = [1.0, *checked[:-1]]
        layers = [layer.scaled(out, into) for layer, out, into in zip(self.layers, checked, incoming, strict=True)]
        return replace(self, layers=tuple(layers))

    def halved(self) -> SpikingNetwork:
        """The network with every weight rounded to the nearest number of half precision (IEEE 754 binary16).

        Raises:
            InputError: for a weight beyond half precision's largest number, 65 504.
        """
        layers = [
            replace(layer, weights=check.half(f"weights of layer {layer.name!r}", layer.weights))
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
        return self.with_onsets([onset_at(depth, clamp) for depth in range(1, len(self.layers) + 1)])

    def encode(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The network as what a file holds: a header that JSON can hold, and arrays by the names that it uses."""
        arrays: dict[str, np.ndarray] = {}

        def value_or_array(key: str, value: Scale | None) -> float | str | None:
            if value is None or np.ndim(value) == 0:
                return cast("float | None", value)
            arrays[key] = np.asarray(value)
            return key

        layers = []
        for index, layer in enumerate(self.layers):
            arrays[f"weights_{index}"] = layer.weights
            arrays[f"bias_{index}"] = layer.bias
            layers.append(
                {
                    "kind": layer.kind,
                    "name": layer.name,
                    "input_shape": layer.input_shape,
                    "initial_potential": value_or_array(f"initial_potential_{index}", layer.initial_potential),
                    "cap": value_or_array(f"cap_{index}", layer.cap),
                    **({"onset": layer.onset} if layer.onset else {}),
                    **(
                        {"ann_bias": value_or_array(f"ann_bias_{index}", layer.ann_bias)}
                        if layer.ann_bias is not None
                        else {}
                    ),
                    **layer._options(),
                }
            )
        header = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "input": {
                "shape": self.input.shape,
                "name": self.input.name,
                "initial_potential": value_or_array("initial_potential_input", self.input.initial_potential),
            },
            "layers": layers,
            "class_names": self.class_names,
            "metadata": dict(self.metadata),
        }
        return header, arrays

    @checked
    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the network to `path` (.npz: arrays and a JSON header, no pickle) and return the path.

        Arrays that half precision holds exactly, as those of `halved`, are written so.
        """
        target = Path(path)
        if target.suffix != ".npz":
            raise InputError(f"`path` of a network must end in .npz. Received: {str(path)!r}")
        header, arrays = self.encode()
        try:
            text = json.dumps(header, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"`metadata` must hold only what JSON can hold. Received: {error}") from error
        arrays = {name: _narrow(array) for name, array in arrays.items()}
        with replacing(target) as temporary:
            np.savez_compressed(temporary, allow_pickle=False, header=np.frombuffer(text.encode(), np.uint8), **arrays)
        return target


@checked
def load_network(path: str | os.PathLike[str]) -> SpikingNetwork:
    """Read a network written by `SpikingNetwork.save`.

    Raises:
        InputError: if the file is missing, truncated, of another format, or holds shapes or numbers that make no network.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"`path` must be a network file (.npz). Received: {str(path)!r}, which is not a file")
    try:
        arrays = Arrays(source)
        text = arrays["header"].tobytes()
        check_fits(str(path), JSON_GROWS * len(text), len(text), "its header")
        header = json.loads(text)
    except Unreadable:
        raise
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise InputError(f"`path` must be a whole snnviz network file. Received: {str(path)!r} ({error})") from error
    network = decode(header, arrays, str(path))  # which reads the arrays that the header names, and no others
    # a few weights can stand for any number of neurons; each takes a float to simulate
    neurons = network.input.neurons + sum(layer.neurons for layer in network.layers)
    check_fits(str(path), 4 * neurons, source.stat().st_size, f"the state of its {neurons} neurons")
    return network


def decode(header: Any, arrays: Mapping[str, np.ndarray], path: str) -> SpikingNetwork:
    """The network that `SpikingNetwork.encode` gave `header` and `arrays` of; errors name the file, `path`."""
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"`path` must be a snnviz network file. Received: {path!r}, another kind of npz file")
    if header.get("version") != FORMAT_VERSION:
        raise InputError(
            f"`path` must be a network file of version {FORMAT_VERSION}. "
            f"Received: {path!r} of version {header.get('version')!r}; a newer snnviz may read it"
        )

    def scale(value: Any) -> Any:
        return arrays[value] if isinstance(value, str) else value

    try:
        layers: list[Layer] = []
        for index, entry in enumerate(header["layers"]):
            kind = LAYER_KINDS[entry["kind"]]
            known = {item.name for item in fields(kind)}
            options = {key: _tuples(value) for key, value in entry.items() if key in known}
            options["initial_potential"] = scale(entry["initial_potential"])
            options["cap"] = scale(entry["cap"])
            options["ann_bias"] = scale(entry.get("ann_bias"))
            layers.append(kind(weights=arrays[f"weights_{index}"], bias=arrays[f"bias_{index}"], **options))
        first = header["input"]
        return SpikingNetwork(
            input=Input(
                shape=tuple(first["shape"]), initial_potential=scale(first["initial_potential"]), name=first["name"]
            ),
            layers=tuple(layers),
            class_names=tuple(header["class_names"]),
            metadata=header["metadata"],
        )
    except Unreadable:
        raise
    except InputError as error:
        raise InputError(f"`path` must hold a valid network. Received: {path!r}, where {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"`path` must hold a whole network. Received: {path!r}, lacking {error}") from error


def _narrow(array: np.ndarray) -> np.ndarray:
    """`array` in half precision if that changes nothing."""
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half, array) else array


def _tuples(value: Any) -> Any:
    """JSON's lists back to tuples."""
    return (
        tuple(_tuples(item) for item in value) if isinstance(value, Iterable) and not isinstance(value, str) else value
    )
