"""Many recordings of one sensor, as a simulation takes them: events only, never a dense array of all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import check_fields, checked
from snnviz._memory import check_room
from snnviz.errors import InputError
from snnviz.events.binning import check_window, count, send
from snnviz.events.events import Events, checked_sensor


@dataclass(frozen=True, eq=False)
class Recordings:
    """Recordings one after the other. Arrays may be memory-mapped: only what is asked for is read.

    Attributes:
        t: microseconds since its own recording began, (events,), whole numbers.
        place: index of pixel and polarity in a flattened (height, width, 2), (events,).
        starts: where each recording's events begin, and after the last one where they end, int64 (items + 1,).
        sensor: (height, width).
    """

    t: np.ndarray
    place: np.ndarray
    starts: np.ndarray
    sensor: tuple[int, int]
    _whole: bool = field(default=False, repr=False)  # parts of what was checked are not checked again

    def __post_init__(self) -> None:
        if self._whole is True:
            return
        check_fields(self)
        object.__setattr__(self, "sensor", checked_sensor(self.sensor))
        for name in ("t", "place"):
            values = getattr(self, name)
            if values.ndim != 1 or values.dtype.kind not in "iu" or len(values) != self.t.size:
                raise InputError(f"`{name}` must be whole numbers, one an event. Received: {check.describe(values)}")
        starts = self.starts
        fits = starts.ndim == 1 and len(starts) > 1 and starts.dtype.kind in "iu" and starts[0] == 0
        if not fits or np.any(np.diff(starts.astype(np.int64)) < 0) or starts[-1] != len(self.t):
            raise InputError(f"`starts` must rise from 0 to the number of events. Received: {check.describe(starts)}")
        size = self.sensor[0] * self.sensor[1] * 2
        if len(self.place) and (self.place.min() < 0 or self.place.max() >= size):
            raise InputError(f"`place` must be from 0 to {size - 1}. Received: up to {int(self.place.max())}")
        object.__setattr__(self, "starts", starts.astype(np.int64))

    @classmethod
    @checked
    def of(cls, recordings: Iterable[Events], begins: Sequence[int] | None = None) -> Recordings:
        """Several recordings of one sensor.

        Args:
            recordings: at least one.
            begins: when each begins, in its own microseconds; None takes each one's first event (the earliest).
        """
        parts = list(recordings)
        if not parts or len({part.sensor for part in parts}) != 1:
            found = sorted({part.sensor for part in parts}) or "none"
            raise InputError(f"`recordings` must be at least one, all of one sensor. Received: {found}")
        zeros = [part.span[0] for part in parts] if begins is None else list(begins)
        if len(zeros) != len(parts):
            raise InputError(f"`begins` must have one time a recording, {len(parts)}. Received: {len(zeros)}")
        return cls(
            np.concatenate([part.t - zero for part, zero in zip(parts, zeros, strict=True)]),
            np.concatenate([part.place for part in parts]).astype(np.uint32),
            np.cumsum([0, *map(len, parts)]),
            parts[0].sensor,
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        """Raises: as a whole they never become an array."""
        raise InputError(
            "`x` must be an array of intensities here: recordings go with input 'spikes' alone. Received: recordings"
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one step of one recording: (height, width, 2)."""
        return (*self.sensor, 2)

    @property
    def events(self) -> np.ndarray:
        """Number of events of each recording, int64 (items,)."""
        return np.diff(self.starts)

    def __getitem__(self, items: slice | np.ndarray) -> Recordings:
        """Some of the recordings: of a slice, whose arrays are views of these, or of whole-number indices, in their order."""
        if isinstance(items, slice):
            first, stop, step = items.indices(len(self))
            if step != 1 or stop <= first:
                raise InputError(
                    f"`items` must be a slice of at least one of {len(self)} recordings in a row. Received: {first}:{stop}:{step}"
                )
            starts = self.starts[first : stop + 1]
            own = slice(int(starts[0]), int(starts[-1]))
            return Recordings(self.t[own], self.place[own], starts - starts[0], self.sensor, _whole=True)
        if not isinstance(items, np.ndarray) or items.ndim != 1 or items.dtype.kind not in "iu":
            raise InputError(f"`items` must be a slice or an array of whole numbers. Received: {check.describe(items)}")
        parts = [slice(int(self.starts[item]), int(self.starts[item + 1])) for item in items]
        return Recordings(
            np.concatenate([self.t[part] for part in parts]),
            np.concatenate([self.place[part] for part in parts]),
            np.cumsum([0, *(part.stop - part.start for part in parts)]),
            self.sensor,
            _whole=True,
        )

    @checked
    def one(self, item: int) -> Events:
        """Recording `item` by itself, its time from 0."""
        own = self[item : item + 1]
        place = own.place.astype(np.int64)
        pixel = place // 2
        return Events(own.t.astype(np.int64), pixel % self.sensor[1], pixel // self.sensor[1], place % 2, self.sensor)

    @checked
    def counts(self, steps: int, step_us: int) -> np.ndarray:
        """Events by step, uint16 (items, steps, height, width, 2); those beyond the last step are left out.

        Bins are those of `snnviz.events.frames` from 0 to steps * step_us. For few recordings at a time: this is dense.
        """
        counts = self._empty(steps, step_us, np.dtype(np.uint16))
        count(self.t, self.place, self.starts, 0, steps * step_us, counts)
        return counts.reshape(len(self), steps, *self.shape)

    @checked
    def spikes(self, steps: int, step_us: int) -> np.ndarray:
        """Spikes by step, uint8 (items, steps, height, width, 2): events of `counts`, at most one a step; others wait."""
        spikes = self._empty(steps, step_us, np.dtype(np.uint8))
        send(self.t, self.place, self.starts, steps * step_us, spikes)
        return spikes.reshape(len(self), steps, *self.shape)

    def _empty(self, steps: int, step_us: int, dtype: np.dtype[Any]) -> np.ndarray:
        """Zeros (items, steps, places), where they fit into memory."""
        check_window(0, check.integer("steps", steps, 1) * check.integer("step_us", step_us, 1), steps)
        needed = dtype.itemsize * len(self) * steps * math.prod(self.shape)
        check_room(needed, "`steps` must be so few that counts fit into memory", f"{steps}, which take")
        return np.zeros((len(self), steps, math.prod(self.shape)), dtype)

    @checked
    def by_step(self, steps: int, step_us: int) -> np.ndarray:
        """Events of all recordings together by step, int64 (steps,)."""
        check_window(0, check.integer("steps", steps, 1) * check.integer("step_us", step_us, 1), steps)
        counts = np.zeros((1, steps, 1), np.int64)
        count(
            self.t, np.broadcast_to(np.uint8(0), self.t.shape), np.array([0, len(self.t)]), 0, steps * step_us, counts
        )
        return counts[0, :, 0]

    @checked
    def rates(self, steps: int | np.ndarray, step_us: int) -> np.ndarray:
        """Events a step of each pixel and polarity over the first steps, at most 1, float32 (items, height, width, 2).

        Args:
            steps: how many, for all recordings or for each.
            step_us: microseconds of a step.
        """
        check.integer("step_us", step_us, 1)
        windows = np.asarray(steps)
        if windows.dtype.kind not in "iu" or windows.shape not in ((), (len(self),)) or windows.min() < 1:
            raise InputError(
                f"`steps` must be a whole number from 1, or one for each of {len(self)} recordings. "
                f"Received: {check.describe(steps)}"
            )
        windows = np.broadcast_to(windows.astype(np.int64), (len(self),))
        check_window(0, int(windows.max()) * step_us, 1)
        rates = np.empty((len(self), *self.shape), np.float32)
        for item, window in enumerate(windows):
            total = np.zeros((1, 1, rates[item].size), np.uint32)
            own = self.starts[item : item + 2]
            count(self.t, self.place, own, 0, int(window) * step_us, total)
            rates[item] = np.minimum(total.reshape(self.shape) / np.float32(window), 1)
        return rates
