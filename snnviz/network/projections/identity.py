"""Projections of neuron to neuron, for shortcuts and concatenations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.network.arrays import Scale, Shape, sizes
from snnviz.network.projections.base import Ops, Projection, Synapses, Tensor


@dataclass(frozen=True, eq=False, kw_only=True)
class IdentityProjection(Projection):
    """One synapse from each neuron to the one at its place, with a weight for each channel.

        f(S; W)[..., first + c] = S[..., c] W[c],    W: (input channels,)

    and zero in the channels that no input channel reaches.

    Attributes:
        first: the channel of the target that input channel 0 leads to.
        channels: number of the target's channels; None for as many as it takes.
    """

    first: int = 0
    channels: int | None = None

    kind: ClassVar[str] = "identity"
    _weights_ndim: ClassVar[int] = 1

    def _check_geometry(self) -> None:
        put, last = object.__setattr__, self.weights.shape[0]
        put(self, "input_shape", sizes(f"input_shape of {self._words}", self.input_shape))
        put(self, "first", check.integer(f"first of {self._words}", self.first, 0))
        most = self.first + last
        put(self, "channels", most if self.channels is None else check.integer("channels", self.channels, 1))
        if self.input_shape[-1] != last or self.output_shape[-1] < most:
            raise InputError(
                f"`weights` of {self._words} must be one for each of {self.input_shape[-1]} input channels, and lead to "
                f"channels that there are. Received: {last}, from channel {self.first} of {self.channels} on"
            )

    @property
    def output_shape(self) -> Shape:
        return (*self.input_shape[:-1], int(self.channels or 0))

    @property
    def options(self) -> dict[str, Any]:
        return {"first": self.first, "channels": self.channels}

    def linear(self, ops: Ops, rows: Tensor, weights: Tensor) -> Tensor:
        sent = ops.reshape(rows, (-1, *self.input_shape)) * weights
        before, after = self.first, self.output_shape[-1] - self.first - self.input_shape[-1]
        return ops.pad(sent, (*[(0, 0)] * len(self.input_shape), (before, after))) if before or after else sent

    def fanout(self, synapses: str = "nonzero") -> np.ndarray:
        return np.broadcast_to(self._present(synapses).astype(np.int64), self.input_shape)

    def synapse_list(self, pruned: bool = False) -> Synapses:
        neurons = np.arange(np.prod(self.input_shape), dtype=np.int32).reshape(-1, self.input_shape[-1])
        channels = np.flatnonzero(self._present("all" if pruned else "nonzero"))
        pre = neurons[:, channels]
        post = np.arange(len(neurons), dtype=np.int32)[:, None] * self.output_shape[-1] + (self.first + channels)
        weight = np.broadcast_to(self.weights[channels], pre.shape)
        return Synapses(pre.ravel(), post.astype(np.int32).ravel(), weight.ravel())

    def scaled_weights(self, output_scale: Scale, input_scale: Scale) -> np.ndarray:
        out = np.asarray(output_scale, np.float64)
        if out.ndim:
            out = out[self.first : self.first + len(self.weights)]
        return self.weights * out / np.asarray(input_scale, np.float64)
