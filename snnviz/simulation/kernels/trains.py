"""Moving bits of spike trains. Inlined into the kernels; see the package for the layout."""

# mypy: disable-error-code="call-arg"
from __future__ import annotations

from typing import Any

import numpy as np

from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.compiler import inner

INPUTS_BELOW = 0.14
"""Share of inputs that spike in a step below which going by inputs is quicker than by tiles, and by steps at which something
arrives quicker than by all (measured)."""
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


def words(neurons: int) -> int:
    """Number of 64-bit words that hold a bit for each of `neurons` neurons."""
    return -(-neurons // 64)


@inner
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


@inner
def bits_at(words: Any, at: int, bit: int, count: int) -> Any:
    """The `count` <= 64 bits from `bit` on of the words from words[at] on."""
    place, shift = np.uintp(at + (bit >> 6)), np.uint64(bit & 63)
    bits = words[place] >> shift
    if (bit & 63) + count > 64:
        bits |= words[place + np.uintp(1)] << (np.uint64(64) - shift)
    return bits & (ALL >> np.uint64(64 - count))


@inner
def list_neurons(
    trains: Any, at: int, steps: int, sends: Any, first: int, used: Any, pixels: int, channels: int, begin: int, lag: int,
    chunk: int, column: Any, senders: Any, times: Any, starts: Any, any_time: Any,
) -> None:  # fmt: skip
    """Trains the other way round: the neurons of which a spike arrives in the steps begin .. begin + chunk, and when.

    Args:
        trains: trains of an item from `at` on.
        at: see `trains`.
        steps: all of them.
        sends: bits of neurons that send anything, words from `first` on; nothing is sent by the others.
        first: see `sends`.
        used: bits of neurons that matter.
        pixels: positions of the map.
        channels: neurons of each.
        begin: first step.
        lag: steps that spikes travel.
        chunk: number of steps, at most 64.
        column: scratch, 128 words.
        senders: out, the neurons, in order.
        times: out, for each of them the steps as bits.
        starts: out, where the list of each position begins; one more for the end.
        any_time: out, the steps at which any of a position's neurons sends.
    """
    skipped = 1 if begin < lag else 0  # nothing arrives at the first step of a network with delay
    for step in range(64):
        column[step] = np.uint64(0)
    end, pixel, edge = np.uintp(0), np.uintp(0), np.uintp(0)
    for word in range((pixels * channels + 63) >> 6):
        bits = sends[first + word] & used[word]
        if bits != 0:
            read = np.uintp(at + word * steps + begin - lag)
            for step in range(np.uintp(skipped), np.uintp(chunk)):
                column[step] = trains[read + step]
            simd.transpose(column, np.uintp(0), column, np.uintp(64))
            while bits != 0:
                bit = simd.lowest_bit(bits)
                when = column[np.uintp(64) + bit]
                if when != 0:
                    neuron = np.uintp(word * 64) + bit
                    while edge <= neuron:
                        starts[pixel] = end
                        any_time[pixel] = np.uint64(0)
                        pixel += np.uintp(1)
                        edge += np.uintp(channels)
                    senders[end] = neuron
                    times[end] = when
                    any_time[pixel - np.uintp(1)] |= when
                    end += np.uintp(1)
                bits &= bits - np.uint64(1)
    while pixel <= np.uintp(pixels):
        starts[pixel] = end
        any_time[pixel] = np.uint64(0)
        pixel += np.uintp(1)


def unpack(trains: np.ndarray, neurons: int) -> np.ndarray:
    """Trains uint64 (items, words, steps) as bool (items, steps, neurons)."""
    items, count, steps = trains.shape
    ordered = np.ascontiguousarray(trains.transpose(0, 2, 1)).astype("<u8", copy=False)
    bits = np.unpackbits(ordered.view(np.uint8).reshape(items, steps, count * 8), axis=-1, bitorder="little")
    return bits[..., :neurons].astype(bool)
