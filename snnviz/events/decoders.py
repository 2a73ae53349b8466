"""Decoders of formats for which no library with a free licence is right everywhere, each from the format's public description.

All take a whole file's bytes (after its text header) and answer in numpy. Wraps of a clock are where time falls by more than half
of its range; smaller steps back are the camera's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from snnviz.errors import InputError

Columns = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]
"""t (int64), x, y, polarity, notes."""

OVERFLOW_ROW = 240
"""The row that no pixel of an ATIS has (304 x 240): N-MNIST's format uses it to say that its clock has wrapped."""
OVERFLOW_US = 2**13
POLARITY, PACKET_HEADER = 1, 28


def unwrapped(t: np.ndarray, wrap: int) -> np.ndarray:
    """Times whose clock begins again after `wrap` microseconds, int64, going on instead."""
    t = t.astype(np.int64)
    falls = np.diff(t) < -wrap // 2
    return t + wrap * np.concatenate([[0], np.cumsum(falls)]) if len(t) else t


def nmnist(raw: bytes, height: int) -> Columns:
    """N-MNIST and N-Caltech101: 5 bytes an event, x, y, then a bit of polarity and 23 of microseconds, big-endian.

    Where the sensor has no row 240, an event there is no event: time goes on by 8192 microseconds from it.
    """
    whole = len(raw) // 5 * 5
    rows = np.frombuffer(raw[:whole], np.uint8).reshape(-1, 5)
    notes = _rest(len(raw) - whole, 5)
    x, y = rows[:, 0], rows[:, 1]
    t = (rows[:, 2].astype(np.int64) & 0x7F) << 16 | rows[:, 3].astype(np.int64) << 8 | rows[:, 4]
    polarity = rows[:, 2] >> 7
    if height <= OVERFLOW_ROW:
        over = y == OVERFLOW_ROW
        t = (t + OVERFLOW_US * np.cumsum(over))[~over]
        x, y, polarity = x[~over], y[~over], polarity[~over]
    return t, x, y, polarity, notes


def dat(raw: bytes) -> Columns:
    """Prophesee DAT, version 2, after its type and size: 8 bytes an event, time, then polarity (4 bits), y (14), x (14)."""
    whole = len(raw) // 8 * 8
    words = np.frombuffer(raw[:whole], "<u4").reshape(-1, 2)
    data = words[:, 1]
    return (
        unwrapped(words[:, 0], 2**32),
        data & 0x3FFF,
        data >> 14 & 0x3FFF,
        data >> 28,
        _rest(len(raw) - whole, 8),
    )


def evt2(raw: bytes) -> Columns:
    """Prophesee EVT 2.0: words of 32 bits. Type 8 sets the upper 28 bits of the time; 0 (OFF) and 1 (ON) are events with its lower
    6, x (11) and y (11); other types (triggers, statistics) are passed over."""
    whole = len(raw) // 4 * 4
    words = np.frombuffer(raw[:whole], "<u4")
    kind = words >> 28
    is_time = kind == 8
    highs = unwrapped(words[is_time] & 0xFFFFFFF, 2**28)
    latest = np.cumsum(is_time) - 1
    of_pixel = kind <= 1
    early = of_pixel & (latest < 0)
    notes = _rest(len(raw) - whole, 4)
    if early.any():
        notes += (f"{int(early.sum())} events come before the first time word and are left out",)
    taken = of_pixel & (latest >= 0)
    events = words[taken]
    t = (highs[latest[taken]] << 6) + (events >> 22 & 0x3F) if len(events) else np.zeros(0, np.int64)
    return t, events >> 11 & 0x7FF, events & 0x7FF, kind[taken], notes


def aedat3(raw: bytes) -> Columns:
    """iniVation AEDAT 3.1 after its header: packets of 28 bytes of header and their events; those of polarity, type 1, have 8
    bytes: x (15 bits), y (15), polarity, valid, and 31 bits of microseconds, whose overflows the packet's header counts. Invalid
    events are left out, packets of other types (frames, triggers, motion) passed over."""
    parts, at, invalid = [], 0, 0
    notes: tuple[str, ...] = ()
    while at + PACKET_HEADER <= len(raw):
        kind = int.from_bytes(raw[at : at + 2], "little")
        size, _, overflow, capacity, number, _ = np.frombuffer(raw, "<i4", 6, at + 4).tolist()
        if size <= 0 or not 0 <= number <= capacity or overflow < 0 or (kind == POLARITY and size != 8):
            raise InputError(
                f"the file must be whole packets. Received: one at byte {at} of {number} events of {size} bytes, type {kind}"
            )
        at += PACKET_HEADER
        if at + number * size > len(raw):
            notes += (f"the last packet is cut off: {(len(raw) - at) // size} of its {number} events are there",)
            number = (len(raw) - at) // size
        if kind == POLARITY:
            words = np.frombuffer(raw, "<u4", 2 * number, at).reshape(-1, 2)
            words = words[words[:, 0] & 1 == 1]
            invalid += number - len(words)
            parts.append((words, np.full(len(words), overflow, np.int64)))
        at += number * size
    if at < len(raw):
        notes += (f"{len(raw) - at} bytes at the end are no packet",)
    if invalid:
        notes += (f"{invalid} events are marked invalid and left out",)
    words = np.concatenate([np.zeros((0, 2), np.uint32), *(part for part, _ in parts)])
    overflows = np.concatenate([np.zeros(0, np.int64), *(counts for _, counts in parts)])
    data = words[:, 0]
    t = (overflows << 31) + words[:, 1].astype(np.int64)
    return t, data >> 17 & 0x7FFF, data >> 2 & 0x7FFF, data >> 1 & 1, notes


@dataclass(frozen=True)
class Header:
    """The text at the beginning of a Prophesee file.

    Attributes:
        size: of it, in bytes.
        format: "evt2", "evt3", "dat" or, where it does not say, "".
        sensor: (height, width), None where it does not say.
        version: of the format, where a DAT says it.
    """

    size: int
    format: str
    sensor: tuple[int, int] | None
    version: int | None


def prophesee_header(raw: bytes) -> Header:
    """The lines that begin with "%"; "% end", where it is there, is the last of them."""
    at, lines = 0, []
    while raw[at : at + 1] == b"%":
        end = raw.find(b"\n", at)
        if end < 0 or end - at > 4096:
            break
        lines.append(raw[at:end].decode("ascii", "replace").strip("% \r").lower())
        at = end + 1
        if lines[-1] == "end":
            break
    text = "\n".join(lines)
    found = re.search(r"^(?:format evt|evt )([23])(?:\.\d)?\b", text, re.M)
    size = {name: re.search(rf"\b{name}[ =](\d+)", text) for name in ("height", "width")}
    geometry = re.search(r"^geometry (\d+)x(\d+)", text, re.M)
    sensor = None
    if size["height"] and size["width"]:
        sensor = (int(size["height"][1]), int(size["width"][1]))
    elif geometry:
        sensor = (int(geometry[2]), int(geometry[1]))
    version = re.search(r"^version (\d+)", text, re.M)
    return Header(at, f"evt{found[1]}" if found else "", sensor, int(version[1]) if version else None)


def _rest(left: int, size: int) -> tuple[str, ...]:
    return (f"the last {left} bytes are no whole event of {size} bytes",) if left else ()
