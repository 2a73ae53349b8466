"""Depthwise convolutions with one output per channel, average pooling above all: channels do not mix.

Spikes of 64 channels at an input position (of several positions side by side, if channels are few) are the bits of a
word. The bits choose which lanes of a kernel element's row, the weights of these channels, are added. This costs as
much for few spikes as for many, but little, and only at steps at which something arrives: a kernel element has one row
here, where a convolution has one for each channel.
"""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

import numpy as np
from numba import float32, int32, int64, uint64

from snnviz.simulation.kernels import adding, simd, stepping
from snnviz.simulation.kernels.compiler import Flag, Int, array, inner, kernel
from snnviz.simulation.kernels.neurons import GENERAL, between, filled, send, take_steps
from snnviz.simulation.kernels.trains import add_bits, bits_at, silence


@inner
def sent_any(sends, at, geometry, start, beside, first, here):
    """Whether one of the neurons under the windows of positions start .. start + beside ever spikes."""
    height, width, channels, columns = geometry[0], geometry[1], geometry[2], geometry[4]
    for place in range(beside):
        row, column = (start + place) // columns, (start + place) % columns
        y = row * geometry[8] - geometry[10]
        for _ in range(geometry[6]):
            x = column * geometry[9] - geometry[11]
            for _ in range(geometry[7]):
                if (
                    0 <= y < height
                    and 0 <= x < width
                    and bits_at(sends, at, (y * width + x) * channels + first, here) != 0
                ):
                    return True
                x += geometry[13]
            y += geometry[12]
    return False


@inner
def gather(trains, read, steps, geometry, start, beside, first, here, begin, lag, chunk, arrived):
    """Bits of the windows of positions start .. start + beside, side by side, for `chunk` steps from `begin` on."""
    height, width, channels, columns = geometry[0], geometry[1], geometry[2], geometry[4]
    window = geometry[6] * geometry[7]
    for index in range(np.uintp(window * chunk)):
        arrived[index] = np.uint64(0)
    skipped = 1 if begin < lag else 0  # nothing arrives at the first step of a network with delay
    for place in range(beside):
        row, column = (start + place) // columns, (start + place) % columns
        y = row * geometry[8] - geometry[10]
        for i in range(geometry[6]):
            x = column * geometry[9] - geometry[11]
            for j in range(geometry[7]):
                if 0 <= y < height and 0 <= x < width:
                    add_bits(
                        trains, read + begin + skipped - lag, steps, (y * width + x) * channels + first,
                        arrived, (i * geometry[7] + j) * chunk + skipped, chunk, place * channels, here, chunk - skipped,
                    )  # fmt: skip
                x += geometry[13]
            y += geometry[12]


@inner
def any_bits(arrived, window, chunk):
    """The steps at which any tap has any bit, as bits."""
    found = np.uint64(0)
    for step in range(np.uintp(chunk)):
        some = np.uint64(0)
        for tap in range(np.uintp(window)):
            some |= arrived[tap * np.uintp(chunk) + step]
        if some != 0:
            found |= np.uint64(1) << np.uint64(step)
    return found


@kernel(
    array(uint64),  # trains: (items, words, steps), spikes that arrive
    array(int64),  # active: items to simulate
    array(uint64),  # sends: (items, words), neurons of which a spike arrives in these steps
    Int,  # steps
    Int,  # begin: first step to take
    Int,  # end: the one after the last
    Int,  # chunk: steps at a time, at most 64
    Int,  # lag: steps that spikes travel
    Int,  # frozen: steps at the start in which the layer does nothing
    Flag,  # to_zero
    float32,  # floor of potentials, -inf for none
    Int,  # refractory
    array(int64),  # geometry, see rows.GEOMETRY
    Int,  # side: positions side by side in a word, 1 for 64 channels and more
    array(float32),  # weights: (kernel height, kernel width, blocks * 64), repeated for positions side by side
    array(float32),  # bias: (blocks * 64,), likewise, or like initial
    array(float32),  # initial: (neurons + 63,) potentials before the first step
    array(uint64, 1, True),  # sent, out: (items, words, steps), spikes that leave
    Int,  # keeping: for how many of the first items potentials are kept
    array(float32, 3, True),  # kept, out: (keeping, steps, neurons)
    array(float32, 1, True),  # states: (items, neurons) potentials between calls, or empty where all steps are taken
    array(int32, 1, True),  # resting: likewise the steps that neurons still wait
    array(uint64, 1, True),  # arrived, scratch: kernel height * kernel width * chunk
    array(float32, 1, True),  # sums, scratch: 64 * 64
    array(float32, 1, True),  # potentials, scratch: 64
    array(int32, 1, True),  # waits, scratch: 64
    array(uint64, 1, True),  # fired, scratch: chunk
)
def channelwise(
    trains, active, sends, steps, begin, end, chunk, lag, frozen, to_zero, floor, refractory, geometry, side, weights, bias,
    initial, sent, keeping, kept, states, resting, arrived, sums, potentials, waits, fired,
):  # fmt: skip
    """A layer for some items, some steps."""
    channels, rows, columns = geometry[2], geometry[3], geometry[4]
    words_in = (geometry[0] * geometry[1] * channels + 63) >> 6
    neurons = rows * columns * channels
    words_out = (neurons + 63) >> 6
    window = geometry[6] * geometry[7]
    padded = len(weights) // window
    shared = len(bias) == padded
    carried = len(states) > 0
    for index in range(len(active)):
        item = active[index]
        read, write = item * words_in * steps, item * words_out * steps
        silence(sent, write, words_out, steps, begin, end)
        plain = refractory == 0 and floor == -np.inf and item >= keeping
        for start in range(0, rows * columns, side):
            beside = min(side, rows * columns - start)
            for first in range(0, channels, 64):
                here = min(64, channels - first)
                neuron, count = start * channels + first, here if side == 1 else beside * channels
                bias_at = first if shared else neuron
                for lane in range(64):
                    potentials[lane] = np.float32(0)
                    waits[lane] = 0
                    if lane < count and begin == 0:
                        potentials[lane] = initial[neuron + lane]
                    elif lane < count:
                        potentials[lane] = states[item * neurons + neuron + lane]
                        if refractory > 0:
                            waits[lane] = resting[item * neurons + neuron + lane]
                reached = not plain or sent_any(sends, item * words_in, geometry, start, beside, first, here)
                at_step = begin
                while at_step < end:
                    taken = min(chunk, end - at_step)
                    idle = min(max(frozen - at_step, 0), taken)
                    found = np.uint64(0)
                    if reached:
                        gather(trains, read, steps, geometry, start, beside, first, here, at_step, lag, taken, arrived)
                        found = between(0, taken)
                        if plain:
                            found = filled(any_bits(arrived, window, taken) & between(idle, taken))
                    left = found
                    while left != 0:
                        step = simd.lowest_bit(left)
                        adding.sum_chosen_lanes_64(
                            sums, step, bias, bias_at, weights, first, padded, arrived, step, taken, window
                        )  # fmt: skip
                        left &= left - np.uint64(1)
                    if plain:
                        who = stepping.take_arrivals(
                            64,
                            potentials,
                            0,
                            sums,
                            bias,
                            bias_at,
                            to_zero,
                            fired,
                            idle,
                            taken,
                            found,
                            at_step + taken == steps,
                        )
                        send(fired, who, sent, write + at_step, steps, neuron, count)
                    elif GENERAL:
                        take_steps(
                            at_step, taken, frozen, 64, potentials, 0, sums, 0, 64,
                            waits, refractory, to_zero, floor, fired, 0, item < keeping, kept, item, neuron, count,
                        )  # fmt: skip
                        add_bits(fired, 0, taken, 0, sent, write + at_step, steps, neuron, count, taken)
                    at_step += taken
                if carried:
                    for lane in range(count):
                        states[item * neurons + neuron + lane] = potentials[lane]
                        if refractory > 0:
                            resting[item * neurons + neuron + lane] = waits[lane]


plain_channelwise = channelwise.fixed("plain_channelwise", GENERAL=False)
