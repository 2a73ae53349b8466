"""A tensor of an ONNX graph as Keras holds it: channels last, while the graph goes on in its own order.

Transposing, reshaping, slicing and joining move numbers about and compute nothing. They change only the note of where each number
of the graph's tensor lies in Keras' one, `places`; a layer that needs its numbers in some order asks for that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from snnviz._memory import check_fits

Shape = tuple[int, ...]


class Disorder(Exception):
    """Numbers do not lie as a layer needs them, and no reshaping brings them there."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Held:
    """One tensor.

    Attributes:
        tensor: Keras' tensor, (None, ...).
        shape: of one item in the graph.
        axes: which axis of the graph's tensor each axis of Keras' one is; None where they do not correspond.
        at: where each number lies in Keras' flattened tensor, (*shape) int64; None where `axes` say it.
        nonnegative: the values are known not to be negative.
        layer: the linear Keras layer, without activation, that made this tensor and nothing else has taken.
        affine: where an affine map made this tensor and nothing else has taken it: (Keras tensor x, factor, offset) by channel.
        gated: where this is a gate such as sigmoid(x), its kind and the Keras tensor x.
    """

    tensor: Any
    shape: Shape
    axes: tuple[int, ...] | None = None
    at: np.ndarray | None = None
    nonnegative: bool = False
    layer: Any = None
    affine: tuple[Any, np.ndarray, np.ndarray] | None = None
    gated: tuple[str, Any] | None = None

    @classmethod
    def channels_last(cls, tensor: Any, **known: Any) -> Held:
        """What a layer of Keras has made, of a graph whose channels come first."""
        inner = tuple(map(int, tensor.shape[1:]))
        rank = len(inner)
        return cls(tensor=tensor, shape=(inner[-1], *inner[:-1]), axes=(*range(1, rank), 0), **known)

    @classmethod
    def in_order(cls, tensor: Any, **known: Any) -> Held:
        """A Keras tensor whose axes are those of the graph."""
        inner = tuple(map(int, tensor.shape[1:]))
        return cls(tensor=tensor, shape=inner, axes=tuple(range(len(inner))), **known)

    def computed(self, tensor: Any, nonnegative: bool = False, gated: tuple[str, Any] | None = None) -> Held:
        """What a layer that treats each number for itself has made of this: its numbers lie where they did."""
        return replace(self, tensor=tensor, nonnegative=nonnegative, layer=None, affine=None, gated=gated)

    @property
    def inner(self) -> Shape:
        """The shape of one item in Keras."""
        return tuple(map(int, self.tensor.shape[1:]))

    @property
    def size(self) -> int:
        """How many numbers an item has in the graph."""
        return math.prod(self.shape)

    @cached_property
    def places(self) -> np.ndarray:
        """Where each number lies in Keras' flattened tensor, (*shape) int64."""
        if self.at is not None:
            return self.at
        axes = self.axes or ()
        size = math.prod(self.inner)
        check_fits("model", 16 * size, 0, "one of its tensors")
        return np.arange(size).reshape(self.inner).transpose(np.argsort(axes) if axes else ())

    def moved(self, change: Callable[[np.ndarray], np.ndarray]) -> Held:
        """The tensor of which numpy's `change` makes another by moving numbers."""
        at = change(self.places)
        return replace(self, at=at, shape=at.shape, axes=None)

    def reshaped(self, shape: Shape) -> Held:
        """The same numbers, in the graph's order, in another shape."""
        return self if shape == self.shape else self.moved(lambda places: places.reshape(shape))

    def transposed(self, order: tuple[int, ...]) -> Held:
        """The tensor with its axes in another order."""
        if self.axes is None:
            return self.moved(lambda places: places.transpose(order))
        shape = tuple(self.shape[axis] for axis in order)
        return replace(self, shape=shape, axes=tuple(order.index(axis) for axis in self.axes))

    @property
    def last_first(self) -> tuple[int, ...]:
        """The order of axes that puts a graph's channels, its first axis, last."""
        return (*range(1, len(self.shape)), 0)

    def arranged(self, order: tuple[int, ...], pick: Callable[[Held, np.ndarray], Any]) -> Any:
        """Keras' tensor with the graph's axes in `order`.

        Args:
            order: which axis of the graph comes where.
            pick: makes a tensor of chosen channels of this one (index of each), its spatial axes kept.

        Raises:
            Disorder: if numbers would have to change places.
        """
        if self.axes == order:
            return self.tensor
        wanted = tuple(self.shape[axis] for axis in order)
        at = self.places.transpose(order)
        if at.size == math.prod(self.inner) and np.array_equal(at.ravel(), np.arange(at.size)):
            return reshaped(self.tensor, wanted)
        if len(self.inner) == len(wanted) and self.inner[:-1] == wanted[:-1]:
            channels = at[(0,) * (at.ndim - 1)]
            whole = np.arange(math.prod(self.inner)).reshape(self.inner)
            if (channels < self.inner[-1]).all() and np.array_equal(whole[..., channels], at):
                return pick(self, channels)
        raise Disorder

    def units(self) -> Held:
        """The same of a flattened Keras tensor, in which every number is a channel."""
        return replace(self, tensor=self.flat(), at=self.places, axes=None, layer=None, affine=None)

    def flat(self) -> Any:
        """Keras' tensor with one axis, in Keras' order."""
        return reshaped(self.tensor, (math.prod(self.inner),))

    def laid_out(self, values: np.ndarray) -> np.ndarray:
        """Values in the graph's order, one a number, in Keras' shape.

        Raises:
            Disorder: if this is not the whole of Keras' tensor.
        """
        size = math.prod(self.inner)
        if self.size != size:
            raise Disorder
        found = np.empty(size, np.float64)
        found[self.places.ravel()] = np.broadcast_to(values, self.shape).ravel()
        return found.reshape(self.inner)

    def by_channel(self, values: np.ndarray) -> np.ndarray | None:
        """Values that broadcast to the graph's tensor, as one for each channel (Keras' last axis); None if they are not."""
        if values.size == 1:
            return np.full(self.inner[-1], values.ravel()[0], np.float64)
        laid = self.laid_out(values).reshape(-1, self.inner[-1])
        return laid[0] if (laid == laid[0]).all() else None


def reshaped(tensor: Any, shape: Shape) -> Any:
    """A Keras tensor with the numbers of an item in another shape."""
    import keras

    if tuple(tensor.shape[1:]) == shape:
        return tensor
    return keras.layers.Flatten()(tensor) if len(shape) == 1 else keras.layers.Reshape(shape)(tensor)
