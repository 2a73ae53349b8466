"""Depthwise convolutions with one output per channel, average pooling above all: channels do not mix.

Spikes of 64 channels at an input position (of several positions side by side, if channels are few) are the bits of a
word. The bits choose which lanes of a kernel element's row, the weights of these channels, are added. This costs as
much for few spikes as for many, but little: a kernel element has one row here, where a convolution has one for each
channel.
"""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

import numpy as np
from numba import float32, int32, int64, uint64

from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.compiler import Flag, Int, array, kernel
from snnviz.simulation.kernels.neurons import take_steps
from snnviz.simulation.kernels.trains import add_bits


@kernel(
    array(uint64),  # trains: (items, words, steps), spikes that arrive
    Int,  # items
    Int,  # steps
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
    array(uint64, 1, True),  # arrived, scratch: kernel height * kernel width * steps
    array(float32, 1, True),  # sums, scratch: steps * 64
    array(float32, 1, True),  # potentials, scratch: 64
    array(int32, 1, True),  # waits, scratch: 64
    array(uint64, 1, True),  # fired, scratch: steps
)
def channelwise(
    trains, items, steps, lag, frozen, to_zero, floor, refractory, geometry, side, weights, bias, initial, sent, keeping, kept,
    arrived, sums, potentials, waits, fired,
):  # fmt: skip
    """A layer for some items, all steps."""
    height, width, channels, rows, columns = geometry[0], geometry[1], geometry[2], geometry[3], geometry[4]
    words_in = (height * width * channels + 63) >> 6
    words_out = (rows * columns * channels + 63) >> 6
    window = geometry[6] * geometry[7]
    padded = len(weights) // window
    shared = len(bias) == padded
    for item in range(items):
        read, write = item * words_in * steps, item * words_out * steps
        for index in range(words_out * steps):
            sent[write + index] = np.uint64(0)
        for start in range(0, rows * columns, side):
            beside = min(side, rows * columns - start)
            for first in range(0, channels, 64):
                here = min(64, channels - first)
                for index in range(np.uintp(window * steps)):
                    arrived[index] = np.uint64(0)
                for place in range(beside):
                    row, column = (start + place) // columns, (start + place) % columns
                    y = row * geometry[8] - geometry[10]
                    for i in range(geometry[6]):
                        x = column * geometry[9] - geometry[11]
                        for j in range(geometry[7]):
                            if 0 <= y < height and 0 <= x < width:
                                add_bits(
                                    trains, read, steps, (y * width + x) * channels + first,
                                    arrived, (i * geometry[7] + j) * steps + lag, steps, place * channels,
                                    here, steps - lag,
                                )  # fmt: skip
                            x += geometry[13]
                        y += geometry[12]
                for step in range(np.uintp(steps)):
                    simd.sum_chosen_lanes_64(
                        sums, step * np.uintp(64), weights, np.uintp(first), np.uintp(padded),
                        arrived, step, np.uintp(steps), np.uintp(window),
                    )  # fmt: skip
                neuron, count = start * channels + first, here if side == 1 else beside * channels
                for lane in range(64):
                    potentials[lane] = initial[neuron + lane] if lane < count else np.float32(0)
                    waits[lane] = 0
                take_steps(
                    0, steps, frozen, 64, potentials, 0, sums, 0, 64, bias, first if shared else neuron,
                    waits, refractory, to_zero, floor, True, fired, 0, item < keeping, kept, item, neuron, count,
                )  # fmt: skip
                add_bits(fired, 0, steps, 0, sent, write, steps, neuron, count, steps)
