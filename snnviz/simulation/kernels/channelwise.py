"""Depthwise convolutions with one output per channel, average pooling above all: channels do not mix.

Spikes of 64 channels at an input position are the bits of a word; its bits choose which lanes of the kernel's row, the weights
of 64 channels at one kernel element, are added. This costs as much for few spikes as for many, but little: a kernel element has
one row here, where a convolution has one for each channel.
"""

from __future__ import annotations

import numpy as np
from numba import float32, int32, int64, uint64

from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.compiler import Flag, Int, array, kernel
from snnviz.simulation.kernels.rows import take_steps
from snnviz.simulation.kernels.trains import add_bits


@kernel(
    array(uint64),  # trains: (items, words, steps), spikes that arrive
    Int,  # items
    Int,  # steps
    Int,  # lag: steps that spikes travel
    Int,  # frozen: steps at the start in which the layer does nothing
    Flag,  # to_zero
    Int,  # refractory
    array(int64),  # geometry, see rows.GEOMETRY
    array(float32),  # weights: (kernel height, kernel width, blocks * 64)
    array(float32),  # bias: (blocks * 64,)
    array(float32),  # initial: (positions, blocks * 64) potentials before the first step
    array(uint64, 1, True),  # sent, out: (items, words, steps), spikes that leave
    Int,  # keeping: for how many of the first items potentials are kept
    array(float32, 3, True),  # kept, out: (keeping, steps, neurons)
    array(uint64, 1, True),  # arrived, scratch: steps
    array(float32, 1, True),  # sums, scratch: steps * 64
    array(float32, 1, True),  # potentials, scratch: 64
    array(int32, 1, True),  # waits, scratch: 64
    array(uint64, 1, True),  # fired, scratch: steps
)
def channelwise(  # type: ignore[no-untyped-def]
    trains, items, steps, lag, frozen, to_zero, refractory, geometry, weights, bias, initial, sent, keeping, kept,
    arrived, sums, potentials, waits, fired,
):  # fmt: skip
    """A layer for some items, all steps."""
    height, width, channels, rows, columns = geometry[0], geometry[1], geometry[2], geometry[3], geometry[4]
    words_in = (height * width * channels + 63) >> 6
    words_out = (rows * columns * channels + 63) >> 6
    padded = len(bias)
    for item in range(items):
        read, write = item * words_in * steps, item * words_out * steps
        for index in range(words_out * steps):
            sent[write + index] = np.uint64(0)
        for position in range(rows * columns):
            row, column = position // columns, position % columns
            for first in range(0, channels, 64):
                count = min(64, channels - first)
                for index in range(np.uintp(steps * 64)):
                    sums[index] = np.float32(0)
                y = row * geometry[8] - geometry[10]
                for i in range(geometry[6]):
                    x = column * geometry[9] - geometry[11]
                    for j in range(geometry[7]):
                        if 0 <= y < height and 0 <= x < width:
                            for step in range(np.uintp(steps)):
                                arrived[step] = np.uint64(0)
                            add_bits(
                                trains, read, steps, (y * width + x) * channels + first,
                                arrived, lag, steps, 0, count, steps - lag,
                            )  # fmt: skip
                            at = np.uintp((i * geometry[7] + j) * padded + first)
                            for step in range(np.uintp(steps)):
                                if arrived[step] != 0:
                                    simd.add_chosen_lanes_64(sums, step * np.uintp(64), weights, at, arrived[step])
                        x += geometry[13]
                    y += geometry[12]
                for lane in range(64):
                    potentials[lane] = initial[position * padded + first + lane]
                    waits[lane] = 0
                first_neuron = position * channels + first
                take_steps(
                    steps, 0, frozen, True, 64, potentials, 0, sums, 64, bias, first,
                    waits, refractory, to_zero, fired, keeping, kept, item, first_neuron, count,
                )  # fmt: skip
                add_bits(fired, 0, steps, 0, sent, write, steps, first_neuron, count, steps)
