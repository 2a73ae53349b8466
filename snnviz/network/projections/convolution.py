"""Two-dimensional convolutions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.network.arrays import Scale, Shape, sizes
from snnviz.network.populations import Layer
from snnviz.network.projections.base import Ops, Projection, Synapses, Tensor

Padding = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Projection):
    """What `Conv2D` and `DepthwiseConv2D` have in common: where the kernel goes. Attributes are described there."""

    strides: tuple[int, int] = (1, 1)
    padding: Padding = ((0, 0), (0, 0))
    dilation: tuple[int, int] = (1, 1)

    _weights_ndim: ClassVar[int] = 4

    def _check_geometry(self) -> None:
        put = object.__setattr__
        put(self, "input_shape", sizes(f"input_shape of {self._words}", self.input_shape, 3))
        put(self, "strides", sizes(f"strides of {self._words}", self.strides, 2))
        put(self, "dilation", sizes(f"dilation of {self._words}", self.dilation, 2))
        try:
            (top, bottom), (left, right) = self.padding
        except (TypeError, ValueError) as error:
            raise InputError(
                f"`padding` of {self._words} must be ((top, bottom), (left, right)). "
                f"Received: {check.describe(self.padding)}"
            ) from error
        edges = [check.integer(f"padding of {self._words}", edge, 0) for edge in (top, bottom, left, right)]
        put(self, "padding", ((edges[0], edges[1]), (edges[2], edges[3])))
        if min(self._output_size) < 1:
            raise InputError(
                f"`weights` of {self._words}: the dilated kernel must fit into the padded input. "
                f"Received: kernel {self.weights.shape[:2]}, dilation {self.dilation}, input {self.input_shape}, "
                f"padding {self.padding}"
            )

    @property
    def _output_size(self) -> tuple[int, int]:
        found = []
        for axis in range(2):
            span = (self.weights.shape[axis] - 1) * self.dilation[axis] + 1
            room = self.input_shape[axis] + sum(self.padding[axis]) - span
            found.append(room // self.strides[axis] + 1)
        return found[0], found[1]

    @property
    def groups(self) -> int:
        """Number of channel groups."""
        raise NotImplementedError

    @property
    def grouped_weights(self) -> np.ndarray:
        """The kernel as a grouped convolution's: (kernel height, kernel width, in channels / groups, out channels)."""
        raise NotImplementedError

    @property
    def options(self) -> dict[str, Any]:
        return {"strides": self.strides, "padding": self.padding, "dilation": self.dilation}

    def padded(self, ops: Ops, rows: Tensor) -> Tensor:
        """`rows` (n, *input_shape) with the zeros around them."""
        return ops.pad(rows, ((0, 0), *self.padding, (0, 0))) if any(map(any, self.padding)) else rows

    def taps(self, padded: Tensor) -> Iterator[tuple[int, int, Tensor]]:
        """For each kernel element (i, j) the padded inputs that it meets, (n, *output size, channels)."""
        (rows, columns), (down, right) = self._output_size, self.strides
        for i in range(self.weights.shape[0]):
            top = i * self.dilation[0]
            for j in range(self.weights.shape[1]):
                left = j * self.dilation[1]
                across = slice(left, left + (columns - 1) * right + 1, right)
                yield i, j, padded[:, top : top + (rows - 1) * down + 1 : down, across, :]

    def fanout(self, synapses: str = "nonzero") -> np.ndarray:
        per_element = self._outgoing(self._present(synapses))
        return np.einsum("yi,xj,ijc->yxc", self._meets(0), self._meets(1), per_element, optimize=True)

    def _outgoing(self, present: np.ndarray) -> np.ndarray:
        """Synapses of each kernel element and input channel, from where there are some: int64 (kh, kw, channels)."""
        raise NotImplementedError

    def _meets(self, axis: int) -> np.ndarray:
        """int64 (input size, kernel size): 1 where a kernel element reads an input position for some output position."""
        positions = np.arange(self._output_size[axis])[:, None] * self.strides[axis]
        elements = np.arange(self.weights.shape[axis])[None, :] * self.dilation[axis]
        read = positions + elements - self.padding[axis][0]  # (output positions, kernel elements)
        return (read[:, None, :] == np.arange(self.input_shape[axis])[None, :, None]).any(axis=0).astype(np.int64)

    def synapse_list(self, pruned: bool = False) -> Synapses:
        # one block of synapses for each element (i, j) of the kernel: output positions x channel pairs
        kernel = self.grouped_weights
        _, width, channels = self.input_shape
        _, columns, outputs = self.output_shape
        group = np.arange(outputs) // (outputs // self.groups)
        pre, post, weight = [], [], []
        for i in range(kernel.shape[0]):
            p, y = self._reads(0, i)
            for j in range(kernel.shape[1]):
                q, x = self._reads(1, j)
                element = kernel[i, j]
                c, o = np.nonzero(np.ones(element.shape, bool) if pruned else element)
                before = (y[:, None] * width + x).reshape(-1, 1) * channels + group[o] * kernel.shape[2] + c
                after = (p[:, None] * columns + q).reshape(-1, 1) * outputs + o
                pre.append(before.astype(np.int32).ravel())
                post.append(after.astype(np.int32).ravel())
                weight.append(np.broadcast_to(element[c, o], before.shape).ravel())
        all_pre, all_post = np.concatenate(pre), np.concatenate(post)
        order = np.lexsort((all_pre, all_post))
        return Synapses(all_pre[order], all_post[order], np.concatenate(weight)[order])

    def _reads(self, axis: int, element: int) -> tuple[np.ndarray, np.ndarray]:
        """Output positions along an axis at which a kernel element reads inside the input, and the input positions it reads."""
        positions = np.arange(self._output_size[axis])
        read = positions * self.strides[axis] + element * self.dilation[axis] - self.padding[axis][0]
        inside = (read >= 0) & (read < self.input_shape[axis])
        return positions[inside], read[inside]


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv2DProjection(Convolution):
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
        groups = check.integer(f"groups of {self._words}", self.groups, 1)
        object.__setattr__(self, "groups", groups)
        per_group, outputs = self.weights.shape[2:]
        if per_group * groups != self.input_shape[2] or outputs % groups:
            raise InputError(
                f"`weights` of {self._words} must have shape (kh, kw, input channels / groups, output channels) "
                f"with {self.input_shape[2]} input channels and output channels divisible by {groups} groups. "
                f"Received: shape {self.weights.shape}"
            )

    @property
    def output_shape(self) -> Shape:
        return (*self._output_size, self.weights.shape[3])

    @property
    def scratch(self) -> int:
        return math.prod(self._output_size) * math.prod(self.weights.shape[:3])

    @property
    def options(self) -> dict[str, Any]:
        return {**super().options, "groups": self.groups}

    @property
    def grouped_weights(self) -> np.ndarray:
        return self.weights

    def linear(self, ops: Ops, rows: Tensor, weights: Tensor) -> Tensor:
        padded = self.padded(ops, rows)
        if self.groups == 1:
            return self._convolution(ops, padded, weights)
        # no framework has a fast grouped convolution on a CPU, nor its gradient
        parts = zip(ops.split(padded, self.groups), ops.split(weights, self.groups), strict=True)
        return ops.concatenate([self._convolution(ops, part, kernel) for part, kernel in parts])

    def _convolution(self, ops: Ops, padded: Tensor, kernel: Tensor) -> Tensor:
        inputs = math.prod(self.weights.shape[:3])
        # TensorFlow has no convolution that is both strided and dilated
        if inputs <= ops.patch_inputs or (max(self.strides) > 1 and max(self.dilation) > 1):
            patches = ops.concatenate([tap for _, _, tap in self.taps(padded)])
            product = ops.matmul(ops.reshape(patches, (-1, inputs)), ops.reshape(kernel, (inputs, -1)))
            return ops.reshape(product, (-1, *self._output_size, self.weights.shape[3] // self.groups))
        return ops.convolution(padded, kernel, self.strides, self.dilation)

    def _outgoing(self, present: np.ndarray) -> np.ndarray:
        height, width, per_group, outputs = self.weights.shape
        by_group = present.reshape(height, width, per_group, self.groups, outputs // self.groups)
        # input channel = group * per_group + channel within the group
        return by_group.sum(axis=4, dtype=np.int64).swapaxes(2, 3).reshape(height, width, -1)

    def scaled_weights(self, output_scale: Scale, input_scale: Scale) -> np.ndarray:
        incoming = np.asarray(input_scale, np.float64)
        if incoming.ndim:
            incoming = self.by_input_channel(incoming)
        return self.weights * np.asarray(output_scale, np.float64) / incoming

    def by_input_channel(self, values: np.ndarray) -> np.ndarray:
        """`values`, one for each input channel, in a shape that meets the weights' last two axes."""
        if self.groups == 1:
            return values[:, None]
        # kernel channel c of output o is input channel group(o) * (channels / groups) + c
        per_group, outputs = self.weights.shape[2:]
        return np.repeat(values.reshape(self.groups, per_group).T, outputs // self.groups, axis=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv2D(Conv2DProjection, Layer):
    """A layer behind a `Conv2DProjection`, which describes its attributes."""
