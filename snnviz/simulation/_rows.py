"""Dense layers and convolutions as blocks of weight rows, the form that kernels take: see `snnviz.simulation.kernels.rows`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnviz.network import Conv2DProjection, Convolution, DenseProjection, Projection

LANES = (16, 32, 48, 64)
"""Widths for which kernels have row operations: channels of a layer are padded to a multiple of one of them."""
MOST_BESIDE = 4
"""Most columns whose channels are laid side by side."""


def aligned(size: int, dtype: Any) -> np.ndarray:
    """Zeros on a cache line's boundary, so that no vector straddles two lines."""
    line = 64
    raw = np.zeros(size * np.dtype(dtype).itemsize + line, np.uint8)
    start = -raw.ctypes.data % line
    return raw[start : start + size * np.dtype(dtype).itemsize].view(dtype)


def geometry(projection: Projection, lanes: int, blocks: int) -> np.ndarray:
    """What `kernels.rows.GEOMETRY` names, int64; a dense layer is a convolution of one position."""
    dense = isinstance(projection, DenseProjection)
    shape = (1, 1, projection.weights.shape[0]) if dense else projection.input_shape
    out = (1, 1, math.prod(projection.output_shape)) if dense else projection.output_shape
    kernel, strides, edges, dilation = (1, 1), (1, 1), (0, 0), (1, 1)
    if isinstance(projection, Convolution):
        kernel, strides, dilation = projection.weights.shape[:2], projection.strides, projection.dilation
        edges = (projection.padding[0][0], projection.padding[1][0])
    return np.array([*shape, *out, *kernel, *strides, *edges, *dilation, lanes, blocks], np.int64)


def beside(projection: Projection) -> int:
    """How many columns of a convolution of few channels are laid side by side, see `laid_beside`; 1 for anything else."""
    if not isinstance(projection, Conv2DProjection) or projection.groups > 1 or projection.dilation[1] > 1:
        return 1
    columns, outputs = projection.output_shape[1:]
    if projection.weights.shape[1] <= projection.strides[1]:  # windows that share no column share no row either
        return 1
    most = min(MOST_BESIDE, LANES[-1] // outputs)
    return next((side for side in range(most, 1, -1) if columns % side == 0), 1)


def laid_beside(projection: Conv2DProjection, side: int) -> dict[str, Any]:
    """Weights and strides of the convolution whose channels are those of `side` columns side by side.

    It has the same neurons in the same order. Its kernel is wider by the columns in between, with zeros where a column's
    own kernel does not reach; an input then adds one long row where it would add a short one for each column.
    """
    height, width, channels, outputs = projection.weights.shape
    down, stride = projection.strides
    kernel = np.zeros((height, width + (side - 1) * stride, channels, side, outputs), np.float32)
    for column in range(side):
        kernel[:, column * stride : column * stride + width, :, column] = projection.weights
    return {"weights": kernel.reshape(*kernel.shape[:3], side * outputs), "strides": (down, side * stride)}


@dataclass(frozen=True)
class WeightRows:
    """Weights in blocks of `lanes` output channels, a row for each input of a window.

    Attributes:
        lanes: one of `LANES`.
        blocks: int64 (blocks, 5), see `kernels.rows.BLOCK`.
        weights: float32, the rows of all blocks one after the other, each block with a row of zeros at its end.
        window: positions of a window.
    """

    lanes: int
    blocks: np.ndarray
    weights: np.ndarray
    window: int

    @classmethod
    def of(cls, projection: Projection) -> WeightRows:
        """The rows of a dense layer or a convolution, grouped or not."""
        kernel, groups = _as_grouped(projection)
        outputs, per_group = kernel.shape[3], kernel.shape[2]
        lanes = next((lanes for lanes in LANES if lanes >= outputs), LANES[-1])
        window = kernel.shape[0] * kernel.shape[1]
        outputs_per_group = outputs // groups
        table, places = [], 0
        for first in range(0, outputs, lanes):
            here = min(lanes, outputs - first)
            low, high = first // outputs_per_group, (first + here - 1) // outputs_per_group + 1
            table.append((first, here, low * per_group, (high - low) * per_group, places * lanes))
            places += window * (high - low) * per_group + 1  # and a row of zeros
        weights = aligned(places * lanes, np.float32)
        for first, here, low, inputs, at in table:
            block = weights[at : at + window * inputs * lanes].reshape(*kernel.shape[:2], inputs, lanes)
            for group in range(low // per_group, (low + inputs) // per_group):
                start = max(first, group * outputs_per_group)
                stop = min(first + here, (group + 1) * outputs_per_group)
                incoming = slice(group * per_group - low, (group + 1) * per_group - low)
                block[:, :, incoming, start - first : stop - first] = kernel[..., start:stop]
        return cls(lanes, np.array(table, np.int64), weights, window)

    @property
    def fan_in(self) -> int:
        """The most inputs of a block."""
        return self.window * int(self.blocks[:, 3].max())


def _as_grouped(projection: Projection) -> tuple[np.ndarray, int]:
    """Any projection's weights as those of a grouped convolution, and the number of groups."""
    if isinstance(projection, DenseProjection):
        return projection.weights[None, None], 1
    if isinstance(projection, Convolution):
        return projection.grouped_weights, projection.groups
    raise NotImplementedError(f"no event-driven form of projection kind {projection.kind!r}")
