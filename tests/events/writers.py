"""Small recordings written as cameras' software writes them, from the formats' public descriptions."""

import struct

import numpy as np

SENSOR = (48, 64)


def some(count=500, seed=0, start=1_000_000, sensor=SENSOR):
    """Columns t, x, y, p in order of time."""
    rng = np.random.default_rng(seed)
    t = start + np.sort(rng.integers(0, 200_000, count))
    return t, rng.integers(0, sensor[1], count), rng.integers(0, sensor[0], count), rng.integers(0, 2, count)


def nmnist(t, x, y, p):
    rows = np.stack([x, y, p << 7 | t >> 16 & 0x7F, t >> 8 & 0xFF, t & 0xFF], axis=1)
    return rows.astype(np.uint8).tobytes()


def dat(t, x, y, p, header=b"% Data file containing CD events.\n% Version 2\n% Height 48\n% Width 64\n", kind=12):
    words = np.stack([t % 2**32, p << 28 | y << 14 | x], axis=1).astype("<u4")
    return header + bytes([kind, 8]) + words.tobytes()


EVT2 = b"% date 2026-11-29\n% evt 2.0\n% format EVT2;height=48;width=64\n% geometry 64x48\n% end\n"
EVT3 = b"% date 2026-11-29\n% evt 3.0\n% format EVT3;height=48;width=64\n% geometry 64x48\n% end\n"


def evt2(t, x, y, p, header=EVT2):
    words, high = [], None
    for when, column, row, up in zip(t.tolist(), x.tolist(), y.tolist(), p.tolist(), strict=True):
        if when >> 6 != high:
            high = when >> 6
            words += [8 << 28 | high % 2**28, 10 << 28 | 1]  # and a trigger, which is no event
        words.append(up << 28 | (when & 63) << 22 | column << 11 | row)
    return header + np.array(words, "<u4").tobytes()


def evt3(t, x, y, p, header=EVT3):
    words, high, low = [], None, None
    for when, column, row, up in zip(t.tolist(), x.tolist(), y.tolist(), p.tolist(), strict=True):
        if when >> 12 != high:
            high = when >> 12
            words.append(8 << 12 | high % 2**12)
        if when & 0xFFF != low:
            low = when & 0xFFF
            words.append(6 << 12 | low)
        words += [row, 2 << 12 | up << 11 | column]
    return header + np.array(words, "<u2").tobytes()


AEDAT = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#Start-Time: 2026-11-29 12:00:00 (TZ+0000)\r\n#!END-HEADER\r\n"


def packet(kind, size, overflow, body, number, valid=None):
    return (
        struct.pack("<hhiiiiii", kind, 1, size, 4, overflow, number, number, number if valid is None else valid) + body
    )


def aedat3(t, x, y, p, invalid=(), size=100):
    """Packets of `size` events, a trigger's between each two; the events `invalid` are marked so."""
    parts = [AEDAT]
    valid = np.ones(len(t), int)
    valid[list(invalid)] = 0
    for first in range(0, len(t), size):
        part = slice(first, first + size)
        for overflow in np.unique(t[part] >> 31):
            own = np.flatnonzero(t[part] >> 31 == overflow) + first
            data = x[own] << 17 | y[own] << 2 | p[own] << 1 | valid[own]
            body = np.stack([data, t[own] & 0x7FFFFFFF], axis=1).astype("<u4").tobytes()
            parts.append(packet(1, 8, int(overflow), body, len(own), int(valid[own].sum())))
        parts.append(packet(0, 8, 0, b"\1\0\0\0\0\0\0\0", 1))
    return b"".join(parts)
