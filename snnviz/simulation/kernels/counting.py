"""Spikes and synaptic events of a population, from its trains.

The events that spikes S cause in the next layer are <S, fanout>. Neurons of a word mostly have the same fan-out, so the
map is written as bit planes: events = sum over planes of value * count(S and plane). A word of equal fan-outs is one
plane; a word of different ones has the smallest as a plane, and one plane for each binary digit of the rest.
"""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

import numpy as np
from numba import int64, uint64

from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.compiler import Int, array, kernel
from snnviz.simulation.kernels.trains import words


def planes(fanout: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A fan-out map as bit planes.

    Args:
        fanout: int64 fan-out of each neuron, flattened.

    Returns:
        for each plane its word (int64), its neurons within the word (uint64 bits) and its value (int64).
    """
    count = words(fanout.size)
    padded = np.zeros(count * 64, np.int64)
    padded[: fanout.size] = fanout
    present = np.arange(count * 64).reshape(count, 64) < fanout.size
    by_word = padded.reshape(count, 64)
    least = np.where(present, by_word, np.iinfo(np.int64).max).min(axis=1)
    rest = np.where(present, by_word - least[:, None], 0)
    sets, values = [present], [least]
    for digit in range(int(rest.max()).bit_length()):
        sets.append((rest >> digit & 1).astype(bool))
        values.append(np.full(count, 1 << digit))
    masks = np.stack([np.packbits(chosen, axis=1, bitorder="little").view("<u8")[:, 0] for chosen in sets], axis=1)
    value = np.stack(values, axis=1)
    used = (masks != 0) & (value != 0)
    word = np.broadcast_to(np.arange(count)[:, None], used.shape)
    return word[used], masks[used].astype(np.uint64), value[used]


@kernel(
    array(uint64),  # trains: (items, words, steps)
    array(int64),  # active: items to count
    Int,  # words
    Int,  # steps
    Int,  # begin: first step
    Int,  # end: the one after the last
    Int,  # lag: steps that spikes travel
    array(int64),  # plane words
    array(uint64),  # plane bits
    array(int64),  # plane values
    Int,  # layer: column of `events` and `spikes`
    array(int64, 3, True),  # events, out: (items, steps, layers), of the layer that receives the spikes
    array(int64, 3, True),  # spikes, out: (items, steps, layers), of the population that sends them
    array(int64, 1, True),  # totals, out: (items,), spikes that arrive in these steps
    array(uint64, 1, True),  # sends, out: (items, words), neurons of which a spike arrives in these steps
    array(int64, 1, True),  # scratch: steps
)
def count(
    trains, active, words, steps, begin, end, lag, plane_words, plane_bits, plane_values, layer, events, spikes, totals, sends,
    scratch,
):  # fmt: skip
    """Count what each item sends at each step, and what arrives."""
    sent_from, sent_to = max(begin - lag, 0), max(end - lag, 0)
    for index in range(len(active)):
        item = active[index]
        start = item * words * steps
        for step in range(sent_from, end):
            scratch[step] = 0
        for word in range(words):
            at = np.uintp(start + word * steps)
            some = np.uint64(0)
            for step in range(np.uintp(sent_from), np.uintp(end)):
                some |= trains[at + step]
            if some != 0:
                if sent_to < end:
                    some = np.uint64(0)
                    for step in range(np.uintp(sent_from), np.uintp(sent_to)):
                        some |= trains[at + step]
                for step in range(np.uintp(sent_from), np.uintp(end)):
                    scratch[step] += simd.bit_count(trains[at + step])
            sends[item * words + word] = some
        total = 0
        for step in range(begin, end):
            spikes[item, step, layer] = scratch[step]
        for step in range(sent_from, sent_to):
            total += scratch[step]
            scratch[step] = 0
        totals[item] = total
        if total > 0:
            for plane in range(len(plane_words)):
                bits, value = plane_bits[plane], plane_values[plane]
                if sends[item * words + plane_words[plane]] & bits != 0:
                    at = np.uintp(start + plane_words[plane] * steps)
                    shift = np.int64(simd.lowest_bit(np.uint64(value)))
                    if value == 1 << shift:  # a product of vectors of 64-bit integers takes long
                        for step in range(np.uintp(sent_from), np.uintp(sent_to)):
                            scratch[step] += simd.bit_count(trains[at + step] & bits) << shift
                    else:
                        for step in range(np.uintp(sent_from), np.uintp(sent_to)):
                            scratch[step] += value * simd.bit_count(trains[at + step] & bits)
        for step in range(sent_from, sent_to):
            events[item, step + lag, layer] = scratch[step]
