"""Convolutions of numbers instead of spikes: for every output position, the sum of the weight rows of the inputs that are not 0.

What the analog twin computes, where there are no channel groups. Behind a ReLU most inputs are 0, so that this takes less time
than a matrix product, which adds them all. Inputs of a map that are not 0 are listed once, for all windows that they lie under.
Rows are added one after the other, in the order of the inputs, so that an item's sums depend on nothing but the item.
"""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

import numpy as np
from numba import float32, int64, uint32

from snnviz.simulation.kernels import adding, simd
from snnviz.simulation.kernels.compiler import Flag, Int, array, inner, kernel
from snnviz.simulation.kernels.rows import window
from snnviz.simulation.kernels.trains import ALL

SLACK = 64
"""Entries beyond the inputs of a map that the list of those that are not 0 needs."""


@inner
def nonzero(values, at, count):
    """Which of the `count` <= 64 values from `at` on are not 0, as bits."""
    if at + 64 <= len(values):
        return simd.nonzero(values, np.uintp(at)) & (ALL >> np.uint64(64 - count))
    bits = np.uint64(0)
    for lane in range(count):
        if values[at + lane] != 0:
            bits |= np.uint64(1) << np.uint64(lane)
    return bits


@inner
def list_nonzero(values, at, pixels, channels, listed, starts):
    """The inputs of a map, from values[at] on, that are not 0, by number; `starts` says where those of each position begin."""
    end = np.uintp(0)
    for pixel in range(pixels):
        starts[pixel] = end
        for low in range(0, channels, 64):
            number = pixel * channels + low
            bits = nonzero(values, at + number, min(64, channels - low))
            end += np.uintp(simd.list_bits(bits, listed, end, np.uint32(number), np.uint32(0)))
    starts[pixels] = end


@kernel(
    array(float32),  # values: (items, *map) inputs
    Int,  # items
    array(int64),  # geometry, see rows.GEOMETRY
    array(int64, 2),  # blocks, see rows.BLOCK
    array(float32),  # weights: rows of all blocks
    array(float32),  # start: what sums begin with, `by_item` and `by_position` apart
    Int,  # by_item: 0 where items are alike
    Int,  # by_position: 0 where positions are alike
    Flag,  # rectifies
    array(float32),  # caps: (channels,) upper limits where it rectifies
    array(float32, 1, True),  # outputs, out: (items, positions, channels)
    array(uint32, 1, True),  # listed, scratch: inputs of a map, and `SLACK`
    array(uint32, 1, True),  # starts, scratch: positions of the input map + 1
    array(float32, 1, True),  # sums, scratch: 64
)
def convolve(
    values, items, geometry, blocks, weights, start, by_item, by_position, rectifies, caps, outputs, listed, starts, sums
):  # fmt: skip
    """min(max(0, start + f(values; W)), caps), or without limits."""
    pixels, channels = geometry[0] * geometry[1], geometry[2]
    positions, outs, lanes = geometry[3] * geometry[4], geometry[5], geometry[14]
    kernel_width, down, right = geometry[7], geometry[12], geometry[13]
    parts, wide = (1, kernel_width) if right == 1 else (kernel_width, 1)
    for item in range(items):
        first_value = item * pixels * channels
        list_nonzero(values, first_value, pixels, channels, listed, starts)
        for block in range(len(blocks)):
            low, here, at = blocks[block, 0], blocks[block, 1], blocks[block, 4]
            for position in range(positions):
                begins = np.uintp(item * by_item + position * by_position + low)
                for lane in range(np.uintp(here)):
                    sums[lane] = start[begins + lane]
                top, bottom, y, x = window(geometry, position)
                for i in range(top, bottom):
                    pixel = (y + i * down) * geometry[1]
                    for j in range(parts):
                        left = x + j * right
                        begin, end = max(0, left), min(geometry[1], left + wide)
                        if begin < end:
                            # row of an input: where it is under the window instead of on the map
                            shifted = at + ((i * kernel_width + j) - (pixel + left)) * channels * lanes
                            adding.add_scaled(
                                lanes, sums, weights, shifted, values, first_value, listed,
                                starts[pixel + begin], starts[pixel + end],
                            )  # fmt: skip
                out = np.uintp((item * positions + position) * outs + low)
                if rectifies:
                    for lane in range(np.uintp(here)):
                        outputs[out + lane] = min(max(sums[lane], np.float32(0)), caps[np.uintp(low) + lane])
                else:
                    for lane in range(np.uintp(here)):
                        outputs[out + lane] = sums[lane]
