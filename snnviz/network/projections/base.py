"""What a projection is, and what each kind of projection knows of itself."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar, Protocol

import numpy as np

from snnviz._arguments import check_fields
from snnviz.network.arrays import Scale, Shape, frozen

Tensor = Any


class Ops(Protocol):
    """The array operations that linear parts are written in: numpy's, or those of a framework.

    Attributes:
        patch_inputs: convolutions with at most so many inputs to an output become a matrix product of unfolded patches.
        reshape: of values and a shape, which may hold one -1.
        matmul: of two matrices.
        pad: of values and (before, after), how many zeros, for each axis.
    """

    patch_inputs: float
    reshape: Callable[..., Tensor]
    matmul: Callable[..., Tensor]
    pad: Callable[..., Tensor]

    def concatenate(self, parts: Sequence[Tensor]) -> Tensor:
        """`parts` side by side along the last axis."""

    def split(self, values: Tensor, parts: int) -> Sequence[Tensor]:
        """`values` in equal parts along the last axis."""

    def total(self, terms: Iterable[Tensor]) -> Tensor:
        """The sum of `terms`, of one shape."""

    def convolution(self, padded: Tensor, kernel: Tensor, strides: Shape, dilation: Shape) -> Tensor:
        """A cross-correlation without padding; not asked for where patches do."""


class Numpy:
    """`Ops` of numpy."""

    def __init__(self) -> None:
        self.patch_inputs: float = 0
        self.reshape: Callable[..., Any] = np.reshape
        self.matmul: Callable[..., Any] = np.matmul
        self.pad: Callable[..., Any] = np.pad

    @staticmethod
    def concatenate(parts: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts, axis=-1)

    @staticmethod
    def split(values: np.ndarray, parts: int) -> Sequence[np.ndarray]:
        return np.split(values, parts, axis=-1)

    @staticmethod
    def total(terms: Iterable[np.ndarray]) -> np.ndarray:
        return reduce(lambda sum_, term: np.add(sum_, term, out=sum_), terms)

    @staticmethod
    def convolution(padded: np.ndarray, kernel: np.ndarray, strides: Shape, dilation: Shape) -> np.ndarray:
        spans = tuple((taps - 1) * apart + 1 for taps, apart in zip(kernel.shape[:2], dilation, strict=True))
        windows = np.lib.stride_tricks.sliding_window_view(padded, spans, axis=(1, 2))
        windows = windows[:, :: strides[0], :: strides[1], :, :: dilation[0], :: dilation[1]]
        # in this order a window's row of inputs lies in one piece, and is copied as one
        patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kernel[..., 0].size)
        return (patches @ kernel.reshape(patches.shape[1], -1)).reshape(*windows.shape[:3], -1)


@dataclass(frozen=True)
class Synapses:
    """Synapses as parallel arrays, ordered by postsynaptic and then by presynaptic neuron.

    Attributes:
        pre: int32 (synapses,), presynaptic neurons, numbered row-major over the projection's input shape (channels last).
        post: int32 (synapses,), postsynaptic neurons, numbered likewise over its output shape.
        weight: float32 (synapses,).
    """

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.weight)

    @property
    def excitatory(self) -> Synapses:
        """Those with a positive weight."""
        return self._where(self.weight > 0)

    @property
    def inhibitory(self) -> Synapses:
        """Those with a negative weight, which stays negative."""
        return self._where(self.weight < 0)

    def _where(self, chosen: np.ndarray) -> Synapses:
        return Synapses(self.pre[chosen], self.post[chosen], self.weight[chosen])


@dataclass(frozen=True, eq=False, kw_only=True)
class Projection:
    """Synapses from one population to another, with a linear part f(S; W); see the subclasses.

    A kind of projection is a subclass in a file of its own, which says everything about it: shapes, linear part, synapses and
    their number, scaling, what a file stores.

    Attributes:
        input_shape: shape of the incoming spikes of one item.
        weights: float32 synaptic weights, read-only; their layout is in the subclass.
        source: name of the population that the spikes come from; None for the one before, in a single path.
    """

    input_shape: Shape
    weights: np.ndarray
    source: str | None = None

    kind: ClassVar[str]
    """What a file calls it."""
    _weights_ndim: ClassVar[int]

    def __post_init__(self) -> None:
        check_fields(self)
        self._check_weights()

    @property
    def _words(self) -> str:
        return f"the projection from {self.source!r}"

    def _check_weights(self) -> None:
        weights = frozen(f"weights of {self._words}", self.weights, ndim=self._weights_ndim)
        object.__setattr__(self, "weights", weights)
        self._check_geometry()

    def _check_geometry(self) -> None:
        """Check, and bring into form, all that says which neurons are connected."""
        raise NotImplementedError

    @property
    def output_shape(self) -> Shape:
        """Shape of the neurons that it leads to, for one item."""
        raise NotImplementedError

    @property
    def scratch(self) -> int:
        """Numbers that numpy unfolds for each item in `linear`; 0 where it unfolds none."""
        return 0

    @property
    def options(self) -> dict[str, Any]:
        """What a file's header stores beside the arrays."""
        return {}

    def takes(self, shape: Shape) -> bool:
        """Whether spikes of a population of `shape` fit."""
        return self.input_shape == shape

    def linear(self, ops: Ops, rows: Tensor, weights: Tensor) -> Tensor:
        """f(rows; weights), the one place where it is computed.

        Args:
            ops: array operations.
            rows: `(n, *input_shape)`.
            weights: in place of this projection's own, of their shape.

        Returns:
            `(n, *output_shape)`.
        """
        raise NotImplementedError

    def fanout(self, synapses: str = "nonzero") -> np.ndarray:
        """The number of outgoing synapses of each presynaptic neuron: int64 of `input_shape`.

        `synapses` is "nonzero" for those whose weight is not zero, "all" for pruned ones too.
        """
        raise NotImplementedError

    def synapse_list(self, pruned: bool = False) -> Synapses:
        """Every synapse; `pruned` includes those of weight zero."""
        raise NotImplementedError

    def scaled_weights(self, output_scale: Scale, input_scale: Scale) -> np.ndarray:
        """float64 weights for outputs multiplied by `output_scale` where inputs were multiplied by `input_scale`.

        Each is one positive number, or one for each channel.
        """
        raise NotImplementedError

    def _present(self, synapses: str) -> np.ndarray:
        return self.weights != 0 if synapses == "nonzero" else np.ones(self.weights.shape, bool)

    @property
    def form(self) -> tuple[Any, ...]:
        """Everything but the weights' values, hashable: what shapes a program."""
        return self.kind, self.input_shape, self.weights.shape, *sorted(self.options.items())

    def without_weights(self) -> Projection:
        """This projection with weights that take no memory, for `linear` alone."""
        bare = copy.copy(self)
        object.__setattr__(bare, "weights", np.broadcast_to(np.float32(0), self.weights.shape))
        return bare
