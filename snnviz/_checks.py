"""Checks of arguments, each answering a mistake with one clear sentence (see `snnviz.errors.InputError`)."""

from __future__ import annotations

import difflib
import itertools
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from snnviz.errors import InputError

LARGEST = 2**63 - 1
"""The largest whole number: numpy's, netCDF's and HDF5's have 64 bits."""


def describe(value: Any) -> str:
    """A short description of a received value, fit for the end of an error message."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    if isinstance(value, int) and abs(value) >= 10**80:  # Python refuses to write out very long ones
        return f"a whole number of {value.bit_length()} bits"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # whatever it is
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


ALSO = "; and "
"""Stands between what several checks say."""


def all_of(*checks: Callable[[], Any]) -> None:
    """Do several checks, and say everything that they find at once.

    Raises:
        InputError: with what they say, one after the other.
    """
    found = []
    for each in checks:
        try:
            each()
        except InputError as error:
            found.append(str(error))
    if found:
        raise InputError(ALSO.join(found))


def suggestion(value: str, allowed: Collection[str]) -> str:
    """What was probably meant, as the end of a message: "; did you mean 'mnist'?", or nothing."""
    close = difflib.get_close_matches(value, allowed, n=1, cutoff=0.7)
    return f"; did you mean {close[0]!r}?" if close else ""


def beside(path: str | os.PathLike[str]) -> str:
    """The same for the path of a file that is not there: a name alike beside it, of the same kind where it has an ending."""
    place = Path(path)
    try:
        names = [each.name for each in itertools.islice(place.parent.iterdir(), _LOOKED_AT)]
    except (OSError, ValueError):
        return ""
    if place.suffix:
        names = [name for name in names if name.endswith(place.suffix)]
    alike = difflib.get_close_matches(place.name, names, n=1, cutoff=0.7)
    alike = alike or [name for name in names if not place.suffix and Path(name).stem == place.name]
    return f"; did you mean {str(place.with_name(alike[0]))!r}?" if alike else ""


_LOOKED_AT = 2000
"""Names of a folder among which one is looked for."""


def integer(name: str, value: Any, minimum: int, maximum: int | None = None) -> int:
    """`value` as an int between `minimum` and `maximum` (both included)."""
    allowed = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise InputError(f"`{name}` must be a whole number, {allowed}. Received: {describe(value)}")
    value = int(value)
    if maximum is None and value > LARGEST:
        allowed, maximum = f"from {minimum} to {LARGEST}", LARGEST
    if value < minimum or (maximum is not None and value > maximum):
        raise InputError(f"`{name}` must be a whole number, {allowed}. Received: {describe(value)}")
    return value


def real(name: str, value: Any, minimum: float = -math.inf, maximum: float = math.inf, *, above: bool = False) -> float:
    """`value` as a finite float between `minimum` and `maximum`; `above` excludes the minimum itself."""
    bounds = []
    if minimum > -math.inf:
        bounds.append(f"{'above' if above else 'at least'} {minimum:g}")
    if maximum < math.inf:
        bounds.append(f"at most {maximum:g}")
    allowed = "a finite number" + (f", {' and '.join(bounds)}" if bounds else "")
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"`{name}` must be {allowed}. Received: {describe(value)}")
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond all floats
        number = math.inf
    if not math.isfinite(number) or number < minimum or number > maximum or (above and number == minimum):
        raise InputError(f"`{name}` must be {allowed}. Received: {number:g}")
    return number


def input_range(value: Any) -> float:
    """`value`, what stands for full intensity: above 0, and no more than 32-bit images have."""
    return real("input_range", value, 0, 2**32, above=True)


def flag(name: str, value: Any) -> bool:
    """`value`, which must be true or false."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"`{name}` must be true or false. Received: {describe(value)}")
    return bool(value)


def choice(name: str, value: Any, allowed: Collection[str], otherwise: str = "", also: str = "") -> str:
    """`value`, which must be one of the strings in `allowed`.

    `otherwise` ends the message where none of them is alike; `also` says what else the argument may be.
    """
    if not isinstance(value, str) or value not in allowed:
        options = ", ".join(repr(option) for option in allowed)
        meant = (suggestion(value, allowed) or otherwise) if isinstance(value, str) else ""
        also = f"{also} or " if also else ""
        raise InputError(f"`{name}` must be {also}one of {options}. Received: {describe(value)}{meant}")
    return value


def different(name: str, values: Sequence[str]) -> None:
    """Names of which none may occur twice: they are told apart by them."""
    repeated = next((value for value, times in Counter(values).items() if times > 1), None)
    if repeated is not None:
        raise InputError(f"`{name}` must have different names. Received: {repeated!r} more than once")


def text(name: str, value: Any) -> str | None:
    """`value`, which must be a text that is not empty, or None."""
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise InputError(f"`{name}` must be a text that is not empty. Received: {describe(value)}")
    return value


def is_path(value: Any) -> bool:
    """Whether `value` can be the path of a file, which takes no NUL and has an end."""
    if not isinstance(value, (str, os.PathLike)) or not isinstance(text := os.fspath(value), str) or not text:
        return False
    try:
        raw = os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return b"\0" not in raw and len(raw) < 4096 and all(len(part) < 256 for part in raw.split(os.sep.encode()))


def file(name: str, value: Any, suffix: str) -> str | None:
    """`value`, which must be the path of a file that ends in `suffix`, or None."""
    if value is not None and (not isinstance(value, str) or not value.endswith(suffix)):
        raise InputError(f"`{name}` must end in {suffix}. Received: {describe(value)}")
    return value


def as_json(name: str, value: Any, indent: int | None = None) -> str:
    """`value` as the text of JSON."""
    try:
        return json.dumps(value, indent=indent)
    except (TypeError, ValueError) as error:  # of another kind, or within itself
        raise InputError(f"`{name}` must hold what JSON can. Received: {describe(value)} ({error})") from error


def half(name: str, array: np.ndarray) -> np.ndarray:
    """`array` rounded to half precision (IEEE 754 binary16), whose largest number it must not exceed."""
    largest = float(np.abs(array).max(initial=0.0))
    if largest > float(np.finfo(np.float16).max):
        raise InputError(f"`{name}` must be at most 65504 in magnitude for half precision. Received: {largest:g}")
    return array.astype(np.float16)


def finite(name: str, array: np.ndarray) -> np.ndarray:
    """`array`, which must hold no NaN and no infinity."""
    if not np.isfinite(array).all():
        bad = int(array.size - np.isfinite(array).sum())
        raise InputError(
            f"`{name}` must hold finite numbers only. Received: {bad} of {array.size} that are NaN or infinite"
        )
    return array


ROUNDING = 1e-6
"""How far beyond [0, 1] an intensity may lie for rounding's sake, as after scaling a picture; it is clipped."""


def images(name: str, x: Any, input_shape: tuple[int, ...] | None = None) -> np.ndarray:
    """`x` as float32 intensities in [0, 1] of shape (items, *input_shape), at least one item.

    Images of one channel may come without that axis or with it, as may signals (length, channels), which a network has as maps of
    height 1. Whole images may go to a network of (features,): they are flattened as Flatten does, row by row, channels last.
    Booleans are black and white.

    Raises:
        InputError: for integers (a forgotten division by 255), other shapes, no items, NaN, or values outside [0, 1].
    """
    array = np.asarray(x)
    if array.dtype.kind == "b":
        array = array.astype(np.float32)
    if array.dtype.kind in "iu":
        raise InputError(
            f"`{name}` must hold floating-point intensities in [0, 1]; divide 8-bit images by 255. "
            f"Received: {describe(array)}"
        )
    if array.dtype.kind != "f":
        raise InputError(f"`{name}` must be an array of floating-point intensities. Received: {describe(array)}")
    if array.ndim < 2 or (input_shape is not None and not _same_images(array.shape[1:], tuple(input_shape))):
        wanted = "(items, ...)" if input_shape is None else f"(items, {', '.join(map(str, input_shape))})"
        hint = "" if input_shape is None else _as_wanted(array.shape[1:], tuple(input_shape))
        raise InputError(f"`{name}` must have shape {wanted}{hint}. Received: {describe(array)}")
    if len(array) == 0:
        raise InputError(f"`{name}` must hold at least one item. Received: {describe(array)}")
    if input_shape is not None:
        array = array.reshape(len(array), *input_shape)
    low, high = float(array.min()), float(array.max())  # NaN survives min and max
    if not (low >= -ROUNDING and high <= 1.0 + ROUNDING):
        finite(name, array)
        raise InputError(f"`{name}` must hold intensities in [0, 1]. Received: values from {low:.9g} to {high:.9g}")
    array = np.ascontiguousarray(array, dtype=np.float32)
    return array if low >= 0 and high <= 1 else array.clip(0, 1)


def _same_images(received: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether images of one shape are those of another: equal, but for axes of one number, or flattened."""
    if [size for size in received if size != 1] == [size for size in wanted if size != 1]:
        return True
    return len(wanted) == 1 and math.prod(received) == wanted[0]


def _as_wanted(received: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """What makes images of one shape those of another, at the end of what is allowed; or nothing."""
    sizes = tuple(size for size in wanted if size != 1)  # signals are maps of height 1
    if received == sizes[-1:] + sizes[:-1]:  # as PyTorch has them
        return "; channels are last, as in np.moveaxis(x, 1, -1)"
    if len(received) == 1 and received[0] == math.prod(wanted):
        return f"; flat ones are x.reshape(-1, {', '.join(map(str, wanted))})"
    if len(received) == len(wanted) == _MAP and received[:-1] == wanted[:-1]:
        return _CHANNELS.get((received[-1], wanted[-1]), "")
    return ""


_MAP = 3
_BRIGHTNESS = "; the brightness of colours is x[..., :3].mean(-1, keepdims=True)"
_CHANNELS = {
    (3, 1): _BRIGHTNESS, (4, 1): _BRIGHTNESS, (4, 3): "; without transparency they are x[..., :3]",
    (1, 3): "; grey ones are coloured by np.repeat(x, 3, -1)",
}  # fmt: skip
"""What makes the second number of channels of the first."""


def made_indices(y: np.ndarray, items: int) -> str:
    """What makes class indices of labels of another kind, in brackets after what is allowed; or nothing."""
    if y.ndim == 2 and y.shape[0] == items and y.shape[1] > 1:
        return " (of one-hot labels, y.argmax(1))"
    if y.ndim == 1 and y.dtype.kind in "fb":
        return " (of these, y.astype(int))"
    names = y.ndim == 1 and y.dtype.kind in "OSU"
    return " (of names, classes, y = np.unique(y, return_inverse=True))" if names else ""


def labels(name: str, y: Any, items: int, classes: int) -> np.ndarray:
    """`y` as int64 class indices of shape (items,), each in 0 .. classes - 1."""
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]  # as Keras loads CIFAR labels
    if array.ndim != 1 or array.dtype.kind not in "iu":
        hint = made_indices(array, items)
        raise InputError(
            f"`{name}` must be a one-dimensional array of class indices{hint}. Received: {describe(array)}"
        )
    if len(array) != items:
        raise InputError(f"`{name}` must have one label per item ({items}). Received: {len(array)} labels")
    if items and (array.min() < 0 or array.max() >= classes):
        raise InputError(
            f"`{name}` must hold class indices from 0 to {classes - 1}. "
            f"Received: values from {array.min()} to {array.max()}"
        )
    return array.astype(np.int64)
