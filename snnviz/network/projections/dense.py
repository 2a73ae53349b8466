"""All-to-all projections."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snnviz.errors import InputError
from snnviz.network.arrays import Scale, Shape, sizes
from snnviz.network.populations import Layer
from snnviz.network.projections.base import Ops, Projection, Synapses, Tensor


@dataclass(frozen=True, eq=False, kw_only=True)
class DenseProjection(Projection):
    """All-to-all synapses on the flattened (row-major, channels last) input.

    f(S; W)[j] = sum_i S[i] W[i, j],    W: (inputs, outputs)
    """

    kind: ClassVar[str] = "dense"
    _weights_ndim: ClassVar[int] = 2

    def _check_geometry(self) -> None:
        object.__setattr__(self, "input_shape", sizes(f"input_shape of {self._words}", self.input_shape))
        if math.prod(self.input_shape) != self.weights.shape[0]:
            raise InputError(
                f"`weights` of dense {self._words} must have one row per input, "
                f"{math.prod(self.input_shape)} for input shape {self.input_shape}. "
                f"Received: shape {self.weights.shape}"
            )

    @property
    def output_shape(self) -> Shape:
        return (self.weights.shape[1],)

    def takes(self, shape: Shape) -> bool:
        return math.prod(self.input_shape) == math.prod(shape)

    def linear(self, ops: Ops, rows: Tensor, weights: Tensor) -> Tensor:
        return ops.matmul(ops.reshape(rows, (-1, self.weights.shape[0])), weights)

    def fanout(self, synapses: str = "nonzero") -> np.ndarray:
        return self._present(synapses).sum(axis=1, dtype=np.int64).reshape(self.input_shape)

    def synapse_list(self, pruned: bool = False) -> Synapses:
        post, pre = np.nonzero(self._present("all" if pruned else "nonzero").T)
        return Synapses(pre.astype(np.int32), post.astype(np.int32), self.weights[pre, post])

    def scaled_weights(self, output_scale: Scale, input_scale: Scale) -> np.ndarray:
        incoming = np.asarray(input_scale, np.float64)
        if incoming.ndim:  # one per channel of the population before: channels are last, so they repeat over positions
            incoming = np.tile(incoming, self.weights.shape[0] // incoming.size)[:, None]
        return self.weights * np.asarray(output_scale, np.float64) / incoming


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(DenseProjection, Layer):
    """A layer behind a `DenseProjection`."""
