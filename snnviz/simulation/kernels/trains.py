"""Moving bits of spike trains. Inlined into the kernels; see the package for the layout."""

# mypy: disable-error-code="call-arg"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.compiler import OPTIONS

ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


def words(neurons: int) -> int:
    """Number of 64-bit words that hold a bit for each of `neurons` neurons."""
    return -(-neurons // 64)


@njit(**OPTIONS)
def add_bits(
    source: Any,
    source_at: int,
    source_steps: int,
    source_bit: int,
    target: Any,
    target_at: int,
    target_steps: int,
    target_bit: int,
    count: int,
    steps: int,
) -> None:
    """Set `count` bits from `target_bit` on to those from `source_bit` on, for `steps` steps; they must be 0 before.

    `..._at` is where the first step of the first word is in the flat array, `..._steps` the distance of words.
    """
    while count > 0:
        out = np.uint64(source_bit & 63)
        into = np.uint64(target_bit & 63)
        taken = min(64 - (source_bit & 63), 64 - (target_bit & 63), count)
        mask = ALL >> np.uint64(64 - taken)
        read = np.uintp(source_at + (source_bit >> 6) * source_steps)
        write = np.uintp(target_at + (target_bit >> 6) * target_steps)
        for step in range(np.uintp(steps)):
            target[write + step] |= ((source[read + step] >> out) & mask) << into
        source_bit += taken
        target_bit += taken
        count -= taken


@njit(**OPTIONS)
def bits_at(words: Any, at: int, bit: int, count: int) -> Any:
    """The `count` <= 64 bits from `bit` on of the words from words[at] on."""
    place, shift = np.uintp(at + (bit >> 6)), np.uint64(bit & 63)
    bits = words[place] >> shift
    if (bit & 63) + count > 64:
        bits |= words[place + np.uintp(1)] << (np.uint64(64) - shift)
    return bits & (ALL >> np.uint64(64 - count))


@njit(**OPTIONS)
def by_neuron(
    trains: Any,
    at: int,
    steps: int,
    sends: Any,
    first: int,
    words: int,
    begin: int,
    lag: int,
    chunk: int,
    column: Any,
    times: Any,
) -> None:
    """Trains the other way round: times[neuron] = the steps, begin .. begin + chunk, at which its spikes arrive, as bits.

    Only of words whose neurons send anything, those with sends[first + word] != 0; the others are left as they are.
    """
    skipped = 1 if begin < lag else 0  # nothing arrives at the first step of a network with delay
    for step in range(64):
        column[step] = np.uint64(0)
    for word in range(words):
        if sends[first + word] != 0:
            read = np.uintp(at + word * steps + begin - lag)
            for step in range(np.uintp(skipped), np.uintp(chunk)):
                column[step] = trains[read + step]
            simd.transpose(column, np.uintp(0), times, np.uintp(word * 64))


def unpack(trains: np.ndarray, neurons: int) -> np.ndarray:
    """Trains uint64 (items, words, steps) as bool (items, steps, neurons)."""
    items, count, steps = trains.shape
    ordered = np.ascontiguousarray(trains.transpose(0, 2, 1)).astype("<u8", copy=False)
    bits = np.unpackbits(ordered.view(np.uint8).reshape(items, steps, count * 8), axis=-1, bitorder="little")
    return bits[..., :neurons].astype(bool)
