"""Convolutions within each channel, average pooling among them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from snnviz.errors import InputError
from snnviz.network.arrays import Scale, Shape
from snnviz.network.populations import Layer
from snnviz.network.projections.base import Ops, Tensor
from snnviz.network.projections.convolution import Convolution


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseProjection(Convolution):
    """A convolution within each channel; average pooling is one with weights 1 / (height * width).

        f(S; W)[p, q, c * M + m] = sum_{i, j} S[y(p, i), x(q, j), c] W[i, j, c, m]

    with y and x as in `Conv2D`; W: (kernel height, kernel width, channels, M). Attributes as those of `Conv2D`.

    Attributes:
        pooling: an average pooling. The equation is the same, but the weights are given: what learns weights or biases leaves
            them, measures of sparsity leave the layer out, and its activations saturate where those before it do.
    """

    pooling: bool = False

    kind: ClassVar[str] = "depthwise_conv2d"

    def _check_geometry(self) -> None:
        super()._check_geometry()
        if self.weights.shape[2] != self.input_shape[2]:
            raise InputError(
                f"`weights` of depthwise {self._words} must have shape (kh, kw, {self.input_shape[2]}, multiplier). "
                f"Received: shape {self.weights.shape}"
            )

    @property
    def pools(self) -> bool:
        """Whether it is an average pooling."""
        return self.pooling

    @property
    def output_shape(self) -> Shape:
        return (*self._output_size, self.weights.shape[2] * self.weights.shape[3])

    @property
    def scratch(self) -> int:
        return math.prod(self.output_shape)

    @property
    def options(self) -> dict[str, Any]:
        return {**super().options, "pooling": self.pooling}

    @property
    def groups(self) -> int:
        return self.input_shape[2]

    @property
    def grouped_weights(self) -> np.ndarray:
        kernel = self.weights.shape
        return self.weights.reshape(kernel[0], kernel[1], 1, kernel[2] * kernel[3])

    def linear(self, ops: Ops, rows: Tensor, weights: Tensor) -> Tensor:
        # a sum over the kernel's elements, which XLA makes one loop; its own depthwise convolution is ten times slower
        alone = self.weights.shape[3] == 1
        terms = (
            tap * weights[i, j, :, 0] if alone else tap[..., None] * weights[i, j]
            for i, j, tap in self.taps(self.padded(ops, rows))
        )
        return ops.reshape(ops.total(terms), (-1, *self.output_shape))

    def _outgoing(self, present: np.ndarray) -> np.ndarray:
        return present.sum(axis=3, dtype=np.int64)

    def scaled_weights(self, output_scale: Scale, input_scale: Scale) -> np.ndarray:
        out = np.asarray(output_scale, np.float64)
        if out.ndim:
            out = out.reshape(self.weights.shape[2:])
        incoming = np.asarray(input_scale, np.float64)
        if incoming.ndim:
            incoming = incoming[:, None]
        return self.weights * out / incoming


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseConv2D(DepthwiseProjection, Layer):
    """A layer behind a `DepthwiseProjection`, which describes its attributes."""
