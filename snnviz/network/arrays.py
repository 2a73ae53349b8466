"""Checks of what networks are made of: arrays of float32, shapes, numbers for each neuron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from snnviz import _checks as check
from snnviz.errors import InputError

Shape = tuple[int, ...]
Scale: TypeAlias = "float | np.ndarray"


def frozen(name: str, value: Any, shape: Shape | None = None, ndim: int | None = None) -> np.ndarray:
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


def sizes(name: str, value: Any, ndim: int | None = None) -> Shape:
    """`value` as a tuple of positive whole numbers."""
    if not isinstance(value, Sequence) or (ndim is not None and len(value) != ndim) or not value:
        wanted = "a non-empty tuple" if ndim is None else f"a tuple of {ndim}"
        raise InputError(f"`{name}` must be {wanted} positive whole numbers. Received: {check.describe(value)}")
    return tuple(check.integer(name, size, 1) for size in value)


def potential(name: str, value: Any, shape: Shape) -> Scale:
    """`value` as one number, or one for each neuron."""
    if np.ndim(value) == 0:
        return check.real(name, value)
    return frozen(name, value, shape)
