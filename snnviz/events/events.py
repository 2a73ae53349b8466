"""One event recording as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import check_fields, checked
from snnviz.errors import InputError

MOST_PIXELS = 2**24
"""Of a sensor: the largest made have a few million."""


@dataclass(frozen=True, eq=False)
class Events:
    """What an event camera sent, in the order of the file.

    Attributes:
        t: int64 (events,), microseconds as the camera gave them: since it was switched on, or since 1970, by format. Mostly rising;
            small steps back are normal, since cameras read out rows of pixels.
        x: column of the pixel, from 0 at the left, int32 (events,).
        y: row of the pixel, from 0 at the top, int32 (events,).
        polarity: uint8 (events,), 1 where it became brighter, 0 where darker.
        sensor: (height, width) in pixels, what the camera has, not what events happened to reach.
        notes: what was odd in the recording, a sentence each.

    Raises:
        InputError: for arrays of different lengths, pixels outside the sensor, or polarities that are not booleans, 0/1 or -1/1.
    """

    t: np.ndarray
    x: np.ndarray
    y: np.ndarray
    polarity: np.ndarray
    sensor: tuple[int, int]
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        put = object.__setattr__
        check_fields(self)
        put(self, "sensor", checked_sensor(self.sensor))
        put(self, "t", _whole("t", self.t, np.int64))
        for name, size in (("x", self.sensor[1]), ("y", self.sensor[0])):
            values = _whole(name, getattr(self, name), np.int32)
            if len(values) and (values.min() < 0 or values.max() >= size):
                raise InputError(
                    f"`{name}` must be pixels of the sensor, 0 to {size - 1}. "
                    f"Received: {int(values.min())} to {int(values.max())}"
                )
            put(self, name, values)
        put(self, "polarity", _polarity(self.polarity))
        lengths = [len(getattr(self, name)) for name in ("t", "x", "y", "polarity")]
        if len(set(lengths)) > 1:
            raise InputError(f"`t`, `x`, `y` and `polarity` must have one value an event. Received: {lengths} values")

    @classmethod
    @checked
    def of(cls, array: Any, sensor: tuple[int, int]) -> Events:
        """Events from rows of (t, x, y, p): a structured array with fields of these names, or a whole-number array (events, 4).

        Args:
            array: the rows; t in microseconds.
            sensor: (height, width).
        """
        try:
            array = np.asarray(array)
        except (TypeError, ValueError) as error:  # of lists of several lengths, among others
            raise InputError(f"`array` must have rows of (t, x, y, p). Received: {check.describe(array)}") from error
        names = array.dtype.names
        if names is not None and set("txyp") <= set(names):
            columns = [array[name] for name in "txyp"]
        elif array.ndim == 2 and array.shape[1] == 4:
            columns = list(array.T)
        else:
            raise InputError(
                "`array` must have rows of (t, x, y, p), as four columns or as fields of these names. "
                f"Received: {check.describe(array)}"
            )
        t, x, y, polarity = columns
        return cls(t, x, y, polarity, sensor)

    def __len__(self) -> int:
        return len(self.t)

    @property
    def place(self) -> np.ndarray:
        """Index of each event's pixel and polarity in a flattened (height, width, 2), int64 (events,)."""
        return (self.y.astype(np.int64) * self.sensor[1] + self.x) * 2 + self.polarity

    @property
    def span(self) -> tuple[int, int]:
        """The earliest and the latest time, in microseconds; (0, 0) without events."""
        return (int(self.t.min()), int(self.t.max())) if len(self) else (0, 0)

    def odd(self) -> tuple[str, ...]:
        """What a reader of this recording should know: its notes, and steps back in time, the longest pause and double events."""
        found = list(self.notes)
        steps = np.diff(self.t)
        back = steps[steps < 0]
        if len(back):
            found.append(f"time steps back {len(back)} times, by at most {-int(back.min())} µs")
        if len(steps) and steps.max() > 1_000_000:
            found.append(f"the longest pause is {steps.max() / 1e6:.3g} s")
        rows = np.stack([self.t, self.place], axis=1)
        twice = len(rows) - len(np.unique(rows, axis=0)) if len(rows) else 0
        if twice:
            found.append(f"{twice} events are there more than once (same time, pixel and polarity)")
        return tuple(found)


def checked_sensor(sensor: Any) -> tuple[int, int]:
    """(height, width) as two whole numbers above 0 that memory can hold."""
    if not isinstance(sensor, (tuple, list)) or len(sensor) != 2:
        raise InputError(f"`sensor` must be (height, width). Received: {check.describe(sensor)}")
    height, width = (check.integer("sensor", side, 1, MOST_PIXELS) for side in sensor)
    if height * width > MOST_PIXELS:
        raise InputError(f"`sensor` must have at most {MOST_PIXELS} pixels. Received: {height} x {width}")
    return height, width


def _whole(name: str, values: Any, dtype: type) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise InputError(f"`{name}` must be whole numbers, one an event. Received: {check.describe(array)}")
    if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise InputError(f"`{name}` must be whole numbers of at most 63 bits. Received: {int(array.max())}")
    limits = np.iinfo(dtype)
    if array.size and (array.min() < limits.min or array.max() > limits.max):
        raise InputError(
            f"`{name}` must be from {limits.min} to {limits.max}. Received: {int(array.min())} to {int(array.max())}"
        )
    return array.astype(dtype)


def _polarity(values: Any) -> np.ndarray:
    """0/1 of booleans, 0/1 or -1/1."""
    array = np.asarray(values)
    allowed = array.ndim == 1 and (array.dtype.kind in "biu" or not array.size)
    seen = {int(value) for value in np.unique(array)[:4]} if allowed else set()
    if not allowed or not (seen <= {0, 1} or seen <= {-1, 1}):
        found = ", ".join(map(str, sorted(seen))) or check.describe(array)
        raise InputError(f"`polarity` must be true or false, 0 or 1, or -1 or 1, one an event. Received: {found}")
    return (array > 0).astype(np.uint8)
