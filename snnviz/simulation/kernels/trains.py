"""Moving bits of spike trains. Inlined into the kernels; see the package for the layout."""

# mypy: disable-error-code="call-arg"
from __future__ import annotations

from typing import Any

import numpy as np

from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.compiler import inner

INPUTS_BELOW = 0.03
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
def silence(trains: Any, at: int, words: int, steps: int, begin: int, end: int) -> None:
    """No spikes in the steps begin .. end of an item's trains, from trains[at] on."""
    if end - begin == steps:
        for index in range(np.uintp(at), np.uintp(at + words * steps)):
            trains[index] = np.uint64(0)
        return
    for word in range(np.uintp(words)):
        first = np.uintp(at) + word * np.uintp(steps)
        for step in range(np.uintp(begin), np.uintp(end)):
            trains[first + step] = np.uint64(0)


@inner
def bits_at(words: Any, at: int, bit: int, count: int) -> Any:
    """The `count` <= 64 bits from `bit` on of the words from words[at] on."""
    place, shift = np.uintp(at + (bit >> 6)), np.uint64(bit & 63)
    bits = words[place] >> shift
    if (bit & 63) + count > 64:
        bits |= words[place + np.uintp(1)] << (np.uint64(64) - shift)
    return bits & (ALL >> np.uint64(64 - count))


@inner
def arriving(
    trains: Any, at: int, steps: int, sends: Any, first: int, words: int, begin: int, lag: int, chunk: int
) -> int:
    """How many spikes arrive in the steps begin .. begin + chunk, of the neurons whose bits are in `sends`."""
    total = 0
    for word in range(words):
        if sends[first + word] != 0:
            for step in range(max(begin - lag, 0), begin + chunk - lag):
                total += simd.bit_count(trains[at + word * steps + step])
    return total


@inner
def list_events(
    trains: Any, at: int, steps: int, sends: Any, first: int, used: Any, pixels: int, channels: int, begin: int, lag: int,
    chunk: int, column: Any, events: Any, starts: Any, any_time: Any,
) -> None:  # fmt: skip
    """Spikes that arrive in the steps begin .. begin + chunk, one by one, those of a position together.

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
        events: out, 64 * neuron + step of each spike, neuron by neuron.
        starts: out, where the list of each position begins; one more for the end.
        any_time: out, the steps at which any of a position's neurons sends, as bits.
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
                neuron = np.uintp(word * 64) + bit
                while edge <= neuron:
                    starts[pixel] = end
                    any_time[pixel] = np.uint64(0)
                    pixel += np.uintp(1)
                    edge += np.uintp(channels)
                when = column[np.uintp(64) + bit]
                any_time[pixel - np.uintp(1)] |= when
                end += np.uintp(simd.list_bits(when, events, end, np.uint32(neuron << np.uintp(6)), np.uint32(0)))
                bits &= bits - np.uint64(1)
    while pixel <= np.uintp(pixels):
        starts[pixel] = end
        any_time[pixel] = np.uint64(0)
        pixel += np.uintp(1)


@inner
def list_groups(
    trains: Any, at: int, steps: int, sends: Any, first: int, used: Any, pixels: int, channels: int, width: int, begin: int,
    lag: int, chunk: int, events: Any, third: int, starts: Any, any_time: Any,
) -> None:  # fmt: skip
    """The same events step by step for each cell, `width` channels of a position, in fours, pairs and single ones of a step.

    Each step has as many fours as it can, then one pair or none, then one event or none. The lists take a third of `events`
    each, from 0, `third` and 2 * third on, and starts[3 * cell :] says where those of a cell begin.
    """
    skipped = 1 if begin < lag else 0
    fours, pairs, ones = np.uintp(0), np.uintp(third), np.uintp(2 * third)
    cell = 0
    for pixel in range(pixels):
        found = np.uint64(0)
        for low in range(0, channels, width):
            starts[cell], starts[cell + 1], starts[cell + 2] = fours, pairs, ones
            cell += 3
            bit, count = pixel * channels + low, min(width, channels - low)
            if not any_bit(sends, first, bit, count):
                continue
            read = np.uintp(at + begin - lag)
            for step in range(np.uintp(skipped), np.uintp(chunk)):
                end = fours
                for part in range(0, count, 64):
                    here, neuron = min(64, count - part), bit + part
                    shift = np.uint64(neuron & 63)
                    mask = ALL >> np.uint64(64 - here)
                    place = read + np.uintp((neuron >> 6) * steps) + step
                    word = trains[place] >> shift
                    keep = used[neuron >> 6] >> shift
                    if (neuron & 63) + here > 64:
                        word |= trains[place + np.uintp(steps)] << (np.uint64(64) - shift)
                        keep |= used[(neuron >> 6) + 1] << (np.uint64(64) - shift)
                    code = np.uint32((neuron << 6) | np.int64(step))
                    end += np.uintp(simd.list_bits(word & mask & keep, events, end, code, np.uint32(6)))
                number = end - fours
                fours += number & ~np.uintp(3)
                events[pairs] = events[fours]
                events[pairs + np.uintp(1)] = events[fours + np.uintp(1)]
                pairs += number & np.uintp(2)
                if number & np.uintp(1):
                    events[ones] = events[end - np.uintp(1)]
                    ones += np.uintp(1)
                if number != 0:
                    found |= np.uint64(1) << np.uint64(step)
        any_time[pixel] = found
    starts[cell], starts[cell + 1], starts[cell + 2] = fours, pairs, ones


@inner
def any_bit(words: Any, at: int, bit: int, count: int) -> bool:
    """Whether any of `count` bits from `bit` on is set, in the words from words[at] on."""
    last = bit + count - 1
    for word in range(bit >> 6, (last >> 6) + 1):
        chosen = words[at + word]
        if word == bit >> 6:
            chosen &= ALL << np.uint64(bit & 63)
        if word == last >> 6:
            chosen &= ALL >> np.uint64(63 - (last & 63))
        if chosen != 0:
            return True
    return False


def unpack(trains: np.ndarray, neurons: int) -> np.ndarray:
    """Trains uint64 (items, words, steps) as bool (items, steps, neurons)."""
    items, count, steps = trains.shape
    ordered = np.ascontiguousarray(trains.transpose(0, 2, 1)).astype("<u8", copy=False)
    bits = np.unpackbits(ordered.view(np.uint8).reshape(items, steps, count * 8), axis=-1, bitorder="little")
    return bits[..., :neurons].astype(bool)
