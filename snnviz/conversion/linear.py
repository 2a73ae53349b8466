"""Linear layers in double precision, into which affine maps (batch normalisation, input scaling) are folded exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from snnviz.network import (
    LAYER_KINDS,
    Conv2DProjection,
    DenseProjection,
    DepthwiseProjection,
    IdentityProjection,
    Layer,
    Padding,
    Projection,
    Shape,
)
from snnviz.simulation import analog

NO_PADDING: Padding = ((0, 0), (0, 0))
DENSE_LIMIT = 2**24
"""Most weights of a dense layer that stands for a final pooling layer or convolution."""
PRODUCT_LIMIT = 2**28
"""Most synapses, zeros included, of a linear layer that is multiplied out with the next."""


@dataclass(frozen=True, kw_only=True)
class Affine:
    """A map x -> scale * x + shift of the last axis; both float64 (size of that axis,)."""

    scale: np.ndarray
    shift: np.ndarray

    @property
    def trivial(self) -> bool:
        """True if it maps everything to itself."""
        return bool((self.scale == 1).all() and (self.shift == 0).all())

    @property
    def linear(self) -> bool:
        """True if zero stays zero, so that zeros padded before or after are the same."""
        return not self.shift.any()

    @property
    def keeps_sign(self) -> bool:
        """True if what is not negative stays so."""
        return bool((self.scale >= 0).all() and (self.shift >= 0).all())

    def then(self, other: Affine) -> Affine:
        """The map that applies this one first and `other` second."""
        return Affine(scale=other.scale * self.scale, shift=other.scale * self.shift + other.shift)

    def resized(self, size: int) -> Affine | None:
        """The same map on an axis of another size, whose positions are flattened or equal; None if there is none."""
        present = self.scale.size
        if size == present:
            return self
        if (self.scale == self.scale[0]).all() and (self.shift == self.shift[0]).all():
            return Affine(scale=np.full(size, self.scale[0]), shift=np.full(size, self.shift[0]))
        if size % present == 0:  # channels are last: they repeat over the flattened positions
            return Affine(scale=np.tile(self.scale, size // present), shift=np.tile(self.shift, size // present))
        blocks = np.stack([self.scale, self.shift]).reshape(2, -1, size) if present % size == 0 else None
        if blocks is not None and (blocks == blocks[:, :1]).all():  # a flattened map, the same at every position
            return Affine(scale=blocks[0, 0], shift=blocks[1, 0])
        return None


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A linear layer while it is being folded: the fields of `snnviz.network`'s projections, and a bias, in float64.

    Attributes:
        kind: the network's projection class.
        name: of the layer that it comes from.
    """

    kind: type[Projection]
    name: str
    input_shape: Shape
    weights: np.ndarray
    bias: np.ndarray
    strides: tuple[int, int] = (1, 1)
    padding: Padding = NO_PADDING
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    pooling: bool = False
    first: int = 0
    channels: int | None = None

    @classmethod
    def identity(cls, name: str, shape: Shape, first: int = 0, channels: int | None = None) -> Linear:
        """One that passes neurons of `shape` on, to channels from `first` on of `channels` channels."""
        weights, total = np.ones(shape[-1]), shape[-1] if channels is None else channels
        bias = np.zeros(total)
        return cls(
            kind=IdentityProjection,
            name=name,
            input_shape=shape,
            weights=weights,
            bias=bias,
            first=first,
            channels=total,
        )

    def projection(self, source: str | None = None) -> Projection:
        """The network's projection, in float32."""
        return self.kind(**self._fields(), source=source)

    def layer(self, source: str | None = None, cap: float | None = None) -> Layer:
        """The network's layer, in float32."""
        return LAYER_KINDS[self.kind.kind](**self._fields(), name=self.name, source=source, bias=self.bias, cap=cap)

    def _fields(self) -> dict[str, Any]:
        known = {item.name for item in fields(self.kind)} - {"source"}
        return {name: getattr(self, name) for name in known}

    @cached_property
    def output_shape(self) -> Shape:
        """Shape of the output of one item."""
        made: Any = self.projection() if self.kind is IdentityProjection else self.layer()
        return tuple(made.output_shape)

    @property
    def padded(self) -> bool:
        """True if zeros are put around the input."""
        return any(map(any, self.padding))

    def followed_by(self, affine: Affine) -> Linear:
        """This layer with `affine` of its output folded in: weights and bias scaled, then the bias shifted."""
        scale = affine.scale
        if self.kind is DepthwiseProjection:
            scale = scale.reshape(self.weights.shape[2:])
        elif self.kind is IdentityProjection:
            scale = scale[self.first : self.first + len(self.weights)]
        return replace(self, weights=self.weights * scale, bias=self.bias * affine.scale + affine.shift)

    def preceded_by(self, affine: Affine) -> Linear:
        """This layer with `affine` of its input folded in: f(a S + d; W) = f(S; a W) + f(d; W).

        The second term is the same at every position unless a shift meets zero padding: then each neuron has a bias of its own.
        """
        scale, shift = affine.scale, affine.shift
        if self.kind is IdentityProjection:
            bias = self.bias.copy()
            bias[self.first : self.first + len(self.weights)] += self.weights * shift
            return replace(self, weights=self.weights * scale, bias=bias)
        moved: np.ndarray | None = None
        made = self.projection()
        if self.padded and shift.any():
            given = np.broadcast_to(shift, self.input_shape).astype(np.float32)
            moved = analog.linear(made, given[None])[0].astype(np.float64)
        if isinstance(made, Conv2DProjection):
            scale, shift = made.by_input_channel(scale), made.by_input_channel(shift)
        else:
            scale, shift = scale[:, None], shift[:, None]
        if moved is None:
            axes = (0, 1) if self.kind is DepthwiseProjection else tuple(range(self.weights.ndim - 1))
            moved = (self.weights * shift).sum(axis=axes).reshape(-1)
        return replace(self, weights=self.weights * scale, bias=self.bias + moved)

    def dense(self) -> Linear:
        """A convolution or pooling with one output position as a dense layer; synapses outside the kernel are zero."""
        bias = np.broadcast_to(self.bias, self.output_shape).reshape(-1)
        return replace(self, kind=DenseProjection, weights=np.concatenate(list(self.rows())), bias=bias)

    def rows(self) -> Iterator[np.ndarray]:
        """The synapses of this layer as a matrix (inputs, neurons), float64, some of its rows at a time."""
        if self.kind is DenseProjection:
            yield self.weights
            return
        layer, inputs = self.projection(), math.prod(self.input_shape)
        for start in range(0, inputs, 1024):
            unit = np.zeros((min(1024, inputs - start), inputs), np.float32)
            unit[np.arange(len(unit)), start + np.arange(len(unit))] = 1
            yield analog.linear(layer, unit).reshape(len(unit), -1).astype(np.float64) + 0.0  # no zero is negative

    @property
    def positionwise(self) -> bool:
        """True if every position that is kept is treated for itself: a convolution of one position, without padding or groups."""
        alone = self.kind is Conv2DProjection and self.weights.shape[:2] == (1, 1)
        return alone and self.groups == 1 and not self.padded

    @property
    def pointwise(self) -> bool:
        """True if all positions are kept as well."""
        return self.positionwise and self.strides == (1, 1)


def joined(first: Linear, second: Linear) -> list[Linear] | None:
    """What does the same as two linear layers one after the other, with no signal between that can be negative.

    Args:
        first: a layer whose output may be negative, not rectified.
        second: the layer that takes it.

    Returns:
        One layer with the product of both; or, where `second` is a pooling of the outputs of a 1x1 convolution, that pooling and
        then the convolution, since both orders give the same and a pooling of spikes is wanted anyway. None where the product is no
        layer, or too large.
    """
    if first.kind is IdentityProjection:
        if first.first or first.output_shape != first.input_shape:
            return None
        return [replace(second.preceded_by(Affine(scale=first.weights, shift=first.bias)), pooling=False)]
    if first.pointwise and second.pooling and not second.padded and first.bias.ndim == 1:
        channels = first.weights.shape[2]
        window = np.full((*second.weights.shape[:2], channels, 1), 1 / math.prod(second.weights.shape[:2]))
        pooled = replace(second, input_shape=first.input_shape, weights=window, bias=np.zeros(channels))
        return [pooled, replace(first, input_shape=pooled.output_shape)]
    if second.kind is IdentityProjection:
        if second.first or second.output_shape != second.input_shape:
            return None
        return [first.followed_by(Affine(scale=second.weights, shift=second.bias))]
    common: dict[str, Any] = {"name": second.name, "input_shape": first.input_shape}
    convolves = first.kind is DepthwiseProjection or (first.kind is Conv2DProjection and first.groups == 1)
    if second.positionwise and convolves and first.bias.ndim == 1:
        mixing, (down, right) = second.weights[0, 0], second.strides
        depthwise = first.kind is DepthwiseProjection
        kernel = merged_separable(first.weights, mixing) if depthwise else first.weights @ mixing
        bias = first.bias @ mixing + second.bias
        strides = (first.strides[0] * down, first.strides[1] * right)
        changed = {"kind": Conv2DProjection, "weights": kernel, "bias": bias, "strides": strides, "pooling": False}
        return [replace(first, **common, **changed)]
    if first.pointwise and second.kind is Conv2DProjection and second.groups == 1 and first.bias.ndim == 1:
        if second.padded and first.bias.any():  # the padding is not shifted: a bias for each position
            second = second.preceded_by(Affine(scale=np.ones_like(first.bias), shift=first.bias))
            first = replace(first, bias=np.zeros_like(first.bias))
        kernel = np.einsum("cm,ijmo->ijco", first.weights[0, 0], second.weights)
        bias = np.einsum("m,ijmo->o", first.bias, second.weights) + second.bias
        return [replace(second, **common, weights=kernel, bias=bias)]
    inputs, between = math.prod(first.input_shape), math.prod(first.output_shape)
    outputs = math.prod(second.output_shape)
    if outputs != second.output_shape[-1] or inputs * outputs > DENSE_LIMIT or inputs * between > PRODUCT_LIMIT:
        return None
    after = np.concatenate(list(second.rows()))
    weights = np.concatenate([rows @ after for rows in first.rows()])
    bias = np.broadcast_to(first.bias, first.output_shape).reshape(-1) @ after + second.bias
    return [Linear(kind=DenseProjection, weights=weights, bias=bias, **common)]


def composed(first: Linear, second: Linear) -> Linear | None:
    """Two convolutions or poolings in a row as one, exactly; neither's output is rectified in between.

    Its kernel is K[a d + i e s] = sum over a, i of F[a] G[i], where F has the dilation d and the strides s, and G the dilation e.

    Returns:
        One convolution; None where groups do not fit, a shift has no place, or `second` pads with zeros where a window of `first`
        would see a part of the input, which one convolution cannot tell apart.
    """
    depthwise = first.kind is DepthwiseProjection and first.weights.shape[3] == 1
    if not depthwise and (first.kind is DepthwiseProjection or first.groups > 1 or second.groups > 1):
        return None
    if first.bias.any():
        if first.bias.ndim > 1:
            return None
        second = second.preceded_by(Affine(scale=np.ones(first.bias.size), shift=first.bias))
    high, wide = (_composed_axis(first, second, axis) for axis in (0, 1))
    if high is None or wide is None:
        return None
    parts = {}
    for a, b in np.ndindex(*first.weights.shape[:2]):
        element = first.weights[a, b]
        if depthwise:
            parts[a, b] = second.preceded_by(Affine(scale=element[:, 0], shift=np.zeros(len(element)))).weights
        elif second.kind is DepthwiseProjection:
            each = np.einsum("cm,ijmk->ijcmk", element, second.weights)
            parts[a, b] = each.reshape(*each.shape[:3], -1)
        else:
            parts[a, b] = np.einsum("cm,ijmo->ijco", element, second.weights)
    steps = [second.dilation[axis] * first.strides[axis] for axis in (0, 1)]
    size = [
        (first.weights.shape[axis] - 1) * first.dilation[axis] + (second.weights.shape[axis] - 1) * steps[axis] + 1
        for axis in (0, 1)
    ]
    weights = np.zeros((*size, *parts[0, 0].shape[2:]))
    for corner, part in parts.items():
        starts = [at * dilation for at, dilation in zip(corner, first.dilation, strict=True)]
        ends = [start + (part.shape[axis] - 1) * steps[axis] + 1 for axis, start in enumerate(starts)]
        weights[starts[0] : ends[0] : steps[0], starts[1] : ends[1] : steps[1]] += part
    return replace(
        second,
        kind=second.kind if depthwise else Conv2DProjection,
        input_shape=first.input_shape,
        weights=weights,
        strides=(first.strides[0] * second.strides[0], first.strides[1] * second.strides[1]),
        padding=(high, wide),
        dilation=(1, 1),
        pooling=False,
    )


def _composed_axis(first: Linear, second: Linear, axis: int) -> tuple[int, int] | None:
    """Zeros before and after the input along an axis for both convolutions as one; None where there is no such number."""
    between, outputs = first.output_shape[axis], second.output_shape[axis]
    before, stride = first.padding[axis][0], first.strides[axis]
    span = (first.weights.shape[axis] - 1) * first.dilation[axis]
    reach = (second.weights.shape[axis] - 1) * second.dilation[axis]
    padded = second.padding[axis][0]
    last = (outputs - 1) * second.strides[axis] + reach - padded
    # the windows of `first` next to its outputs, where `second` has zeros, must lie outside the input
    if (padded and span >= stride + before) or (
        last >= between and between * stride - before < first.input_shape[axis]
    ):
        return None
    start = padded * stride + before
    end = (outputs - 1) * second.strides[axis] * stride + reach * stride + span + 1
    return start, max(0, end - start - first.input_shape[axis])


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """(before, after) of Keras' padding "same": as many outputs as ceil(size / stride), the odd zero at the end."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def merged_separable(depthwise: np.ndarray, pointwise: np.ndarray) -> np.ndarray:
    """One convolution kernel for a depthwise convolution and the 1x1 convolution after it.

    Args:
        depthwise: (kh, kw, channels, multiplier).
        pointwise: (1, 1, channels * multiplier, filters).

    Returns:
        (kh, kw, channels, filters): K[i, j, c, f] = sum_m D[i, j, c, m] P[c * multiplier + m, f].
    """
    channels, multiplier = depthwise.shape[2:]
    mixing = pointwise.reshape(channels, multiplier, -1)
    return np.einsum("ijcm,cmf->ijcf", depthwise, mixing)
