"""Populations of neurons: the input, layers with a projection of their own, and sums of several projections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import check_fields, checked
from snnviz.errors import InputError
from snnviz.network.arrays import Scale, Shape, frozen, potential, sizes
from snnviz.network.projections.base import Projection

THRESHOLD = 1.0
"""Firing threshold of every neuron; a neuron fires when its membrane potential is at or above it."""


@checked
def onset_at(depth: int, clamp: float) -> int:
    """The onset of a layer at `depth` where every layer begins `clamp` time steps after the one before, rounded down."""
    # 0.29 * 100 is a little less than 29; beyond 2**53 floats count no more, and no simulation is as long
    return math.floor(min(clamp * depth + 1e-9, 2.0**53))


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
        object.__setattr__(self, "shape", sizes("shape", self.shape))
        if len(self.shape) not in (1, 3):
            raise InputError(
                f"`shape` of the input must be (features,) or (height, width, channels). Received: {self.shape}"
            )
        object.__setattr__(
            self, "initial_potential", potential("initial_potential", self.initial_potential, self.shape)
        )

    @property
    def neurons(self) -> int:
        """Number of input neurons."""
        return math.prod(self.shape)


P = TypeVar("P", bound="Population")


@dataclass(frozen=True, eq=False, kw_only=True)
class Population:
    """Neurons that add up what their projections bring, and their bias: v <- v + sum_k f_k(S_k; W_k) + b.

    Attributes:
        name: unique name within the network.
        bias: float32 (channels,), added to the membrane at every step; of a map also `output_shape`, one per neuron, as
            it becomes where a shift of the input meets zero padding.
        initial_potential: membrane potential before the first step; one number, or an array of `output_shape`.
        cap: the activation at which the ANN's unit saturates (6 / scale for a ReLU6), one number or (channels,);
            None for a plain ReLU. It is of the ANN alone, for whatever computes or bounds its activations (the analog twin,
            normalisation, levels, the gradient's target): a spiking neuron saturates at rate 1, whatever it says.
        onset: for its first `onset` time steps the layer is frozen and silent, so that it does not integrate what the
            layers before it send before they have settled; 0, it takes part from the first step.
        ann_bias: the ANN's bias, likewise, where `bias` has been corrected (`snnviz.conversion.corrected`); None where they are
            one. Only `snnviz.simulation.analog` and the gradient's target read it.
    """

    name: str
    bias: np.ndarray
    initial_potential: Scale = 0.5
    cap: Scale | None = None
    onset: int = 0
    ann_bias: np.ndarray | None = None

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        check_fields(self)
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"`name` of a layer must be a non-empty string. Received: {check.describe(self.name)}")
        self._check_arriving()
        put = object.__setattr__
        put(self, "bias", self._checked_bias("bias", self.bias))
        known = f"initial_potential of layer {self.name!r}"
        put(self, "initial_potential", potential(known, self.initial_potential, self.output_shape))
        if self.cap is not None:
            cap = self.cap
            if np.ndim(cap) == 0:
                cap = check.real(f"cap of layer {self.name!r}", cap, 0, above=True)
            else:
                cap = frozen(f"cap of layer {self.name!r}", cap, (self.channels,))
            put(self, "cap", cap)
        put(self, "onset", check.integer(f"onset of layer {self.name!r}", self.onset, 0))
        if self.ann_bias is not None:
            put(self, "ann_bias", self._checked_bias("ann_bias", self.ann_bias))

    def _checked_bias(self, name: str, bias: Any) -> np.ndarray:
        each = len(self.output_shape) == 3 and np.shape(bias) == self.output_shape
        return frozen(f"{name} of layer {self.name!r}", bias, self.output_shape if each else (self.channels,))

    def _check_arriving(self) -> None:
        """Check the projections."""
        raise NotImplementedError

    @property
    def projections(self) -> tuple[Projection, ...]:
        """What it adds up."""
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

    @property
    def pools(self) -> bool:
        """Whether it is an average pooling."""
        return False

    @property
    def label(self) -> str:
        """Its kind, for people."""
        return "average pooling" if self.pools else self.kind

    def synapses(self, counted: str = "all") -> int:
        """The number of connections that arrive, a shared weight counting once for each; "nonzero" leaves out pruned ones."""
        return sum(int(projection.fanout(counted).sum()) for projection in self.projections)

    def with_weights(self: P, weights: Sequence[np.ndarray], **changes: Any) -> P:
        """This population with other weights, one array for each projection, and other attributes."""
        raise NotImplementedError

    def rescaled(self: P, output_scale: Scale, input_scales: Sequence[Scale]) -> P:
        """This population with its activations multiplied by `output_scale` when those of its sources were by `input_scales`.

        Args:
            output_scale: one positive number, or (channels,).
            input_scales: for each projection one positive number, or one per channel of its source.
        """
        out = np.asarray(output_scale, np.float64)
        cap = None if self.cap is None else np.asarray(self.cap * out, np.float64)
        return self.with_weights(
            [
                projection.scaled_weights(output_scale, into)
                for projection, into in zip(self.projections, input_scales, strict=True)
            ],
            bias=self.bias.astype(np.float64) * out,
            cap=None if cap is None else (float(cap) if cap.ndim == 0 else cap),
            ann_bias=None if self.ann_bias is None else self.ann_bias.astype(np.float64) * out,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer(Population, Projection):
    """A population with one projection, which is a part of it; see the subclasses for its linear part f(S; W)."""

    @property
    def _words(self) -> str:
        return f"layer {self.name!r}"

    def _check_arriving(self) -> None:
        self._check_weights()

    @property
    def projections(self) -> tuple[Projection, ...]:
        return (self,)

    def with_weights(self: P, weights: Sequence[np.ndarray], **changes: Any) -> P:
        changed: P = replace(self, **{"weights": weights[0], **changes})
        return changed

    def scaled(self, output_scale: Scale, input_scale: Scale) -> Layer:
        """`rescaled` of its one projection."""
        return self.rescaled(output_scale, [input_scale])


@dataclass(frozen=True, eq=False, kw_only=True)
class Sum(Population):
    """A population that adds up several projections, as behind a residual sum.

    Attributes:
        projections: at least one, each with its `source`; they lead to neurons of one shape.
    """

    projections: tuple[Projection, ...] = ()

    kind: ClassVar[str] = "sum"

    def _check_arriving(self) -> None:
        found = tuple(self.projections)
        object.__setattr__(self, "projections", found)
        for each in found:
            if not isinstance(each, Projection) or isinstance(each, Layer) or each.source is None:
                raise InputError(
                    f"`projections` of {self.name!r} must be projections that name their source. "
                    f"Received: {check.describe(each)}"
                )
            if each.output_shape != self.output_shape:
                raise InputError(
                    f"`projections` of {self.name!r} must lead to neurons of one shape. Received: {self.output_shape} "
                    f"from {found[0].source!r}, and {each.output_shape} from {each.source!r}"
                )
        if not found:
            raise InputError(f"`projections` of {self.name!r} must be at least one. Received: none")

    @property
    def output_shape(self) -> Shape:
        return self.projections[0].output_shape

    def with_weights(self: P, weights: Sequence[np.ndarray], **changes: Any) -> P:
        parts = tuple(replace(each, weights=new) for each, new in zip(self.projections, weights, strict=True))
        changed: P = replace(self, **{"projections": parts, **changes})
        return changed
