"""Dense layers and convolutions: for every output position, the sums of the weight rows of the inputs that spike.

A convolution is the same dense layer at every output position, on the inputs under its window: a *patch*, gathered as bits.
Its weights are rows of 16, 32 or 64 output channels (a *block* of the layer), one row for each input of the patch. The
currents of all steps are computed first, since the layer's input is known for all of them; then its neurons take step after step.

Two ways of adding up the rows, chosen by how much spikes:

- *by tiles*: 64 rows (16 KiB, they stay in the level-1 cache) for all steps, then the next 64; the bits of a word of the patch name the
  rows. The sums of a step are loaded and stored once per tile.
- *by lists*: few spikes would leave most tiles with one row or none. The spikes of the patch become a list of rows, for each
  step and for as many positions as fit a buffer, and each list is one uninterrupted sum in registers; block after block, so
  that the rows of a block stay in the level-2 cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float32, int32, int64, njit, uint32, uint64

from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.compiler import Flag, Int, array, kernel
from snnviz.simulation.kernels.neurons import fire, keep
from snnviz.simulation.kernels.trains import add_bits

GEOMETRY = (
    "height", "width", "channels", "rows", "columns", "outputs", "kernel_height", "kernel_width",
    "down", "right", "top", "left", "dilation_down", "dilation_right", "lanes", "blocks",
)  # fmt: skip
"""Entries of the geometry array: input map, output map, kernel, strides, padding, dilation, block width and number."""
BLOCK = ("first_output", "outputs", "first_input", "inputs", "weights_at")
"""Columns of the block table: which output channels, which input channels they see, where their rows start."""
LIST_BELOW = 3.0
"""Mean spikes per word of the patch below which lists are quicker than tiles (measured)."""


@njit(error_model="numpy")
def gather(trains, at, steps, geometry, position, first, count, begin, lag, chunk, patch):  # type: ignore[no-untyped-def]
    """Bits of the patch of an output position, channels first .. first + count, for `chunk` steps from `begin` on."""
    height, width, channels, columns = geometry[0], geometry[1], geometry[2], geometry[4]
    kernel_height, kernel_width = geometry[6], geometry[7]
    words = (kernel_height * kernel_width * count + 63) >> 6
    for index in range(np.uintp(words * chunk)):
        patch[index] = np.uint64(0)
    skipped = 1 if begin < lag else 0  # nothing arrives at the first step of a network with delay
    read, write, steps_here = at + begin + skipped - lag, skipped, chunk - skipped
    row, column = position // columns, position % columns
    y = row * geometry[8] - geometry[10]
    for i in range(kernel_height):
        if 0 <= y < height:
            x = column * geometry[9] - geometry[11]
            if count == channels and geometry[13] == 1:
                start, stop = max(0, -x), min(kernel_width, width - x)
                if start < stop:
                    add_bits(
                        trains, read, steps, (y * width + x + start) * channels,
                        patch, write, chunk, (i * kernel_width + start) * channels,
                        (stop - start) * channels, steps_here,
                    )  # fmt: skip
            else:
                for j in range(kernel_width):
                    if 0 <= x < width:
                        add_bits(
                            trains, read, steps, (y * width + x) * channels + first,
                            patch, write, chunk, (i * kernel_width + j) * count,
                            count, steps_here,
                        )  # fmt: skip
                    x += geometry[13]
        y += geometry[12]
    return words


@njit(error_model="numpy")
def add_tiles(patch, words, chunk, lanes, weights, at, zeros_at, sums):  # type: ignore[no-untyped-def]
    """Sums of the rows that the patch names, tile by tile: sums (chunk, lanes)."""
    for index in range(np.uintp(chunk * lanes)):
        sums[index] = np.float32(0)
    for word in range(words):
        read = np.uintp(word * chunk)
        tile = np.uintp(at + word * 64 * lanes)
        zeros = np.uintp(zeros_at)
        if lanes == 64:
            for step in range(np.uintp(chunk)):
                mask = patch[read + step]
                if mask != 0:
                    simd.add_masked_rows_64(sums, step * np.uintp(64), weights, tile, zeros, mask)
        elif lanes == 32:
            for step in range(np.uintp(chunk)):
                mask = patch[read + step]
                if mask != 0:
                    simd.add_masked_rows_32(sums, step * np.uintp(32), weights, tile, zeros, mask)
        else:
            for step in range(np.uintp(chunk)):
                mask = patch[read + step]
                if mask != 0:
                    simd.add_masked_rows_16(sums, step * np.uintp(16), weights, tile, zeros, mask)


@njit(error_model="numpy")
def list_rows(patch, words, chunk, padding, starts, list_number, listed):  # type: ignore[no-untyped-def]
    """Append the rows that the patch names to `listed`, a list for each step, padded to a multiple of simd.TOGETHER."""
    end = np.uintp(starts[list_number])
    for step in range(chunk):
        for word in range(words):
            mask = patch[np.uintp(word * chunk + step)]
            first = np.uint32(word * 64)
            spikes = simd.bit_count(mask)
            # four without a branch, then the rest: entries written beyond the end are overwritten
            for offset in range(np.uintp(4)):
                listed[end + offset] = first + np.uint32(simd.lowest_bit(mask))
                mask &= mask - np.uint64(1)
            offset = np.uintp(4)
            while mask != 0:
                listed[end + offset] = first + np.uint32(simd.lowest_bit(mask))
                mask &= mask - np.uint64(1)
                offset += np.uintp(1)
            end += np.uintp(spikes)
        while (end - np.uintp(starts[list_number])) % np.uintp(simd.TOGETHER) != 0:
            listed[end] = np.uint32(padding)
            end += np.uintp(1)
        list_number += 1
        starts[list_number] = end


@njit(error_model="numpy")
def take_steps(  # type: ignore[no-untyped-def]
    chunk, begin, frozen, fires, lanes, potentials, at, sums, sums_stride, bias, bias_at,
    waits, refractory, to_zero, fired, keeping, kept, item, first_neuron, outputs,
):  # fmt: skip
    """Steps of one block of neurons at one position."""
    for step in range(chunk):
        now = begin + step
        bits = np.uint64(0)
        if now >= frozen:
            if fires:
                bits = fire(
                    lanes, potentials, at, sums, step * sums_stride, bias, bias_at, waits, refractory, to_zero
                )
            else:
                for lane in range(lanes):
                    potentials[at + lane] = (
                        potentials[at + lane] + sums[step * sums_stride + lane] + bias[bias_at + lane]
                    )
        fired[step] = bits
        if item < keeping:
            keep(potentials, at, kept, item, now, first_neuron, outputs)


@kernel(
    array(uint64),  # trains: (items, words, steps), spikes that arrive
    array(int64),  # totals: (items,), how many
    array(float32),  # constant: (items, positions, blocks * lanes) current in every step instead of spikes, or empty
    Int,  # steps
    Int,  # chunk: steps at a time
    Int,  # lag: steps that spikes travel
    Int,  # frozen: steps at the start in which the layer does nothing
    Flag,  # fires: False for the output layer
    Flag,  # to_zero
    Int,  # refractory
    array(int64),  # geometry, see GEOMETRY
    array(int64, 2),  # blocks, see BLOCK; blocks of equal inputs lie together
    array(float32),  # weights: rows of all blocks, each block with a row of zeros at its end
    array(float32),  # bias: (blocks * lanes,)
    array(float32),  # initial: (positions, blocks * lanes) potentials before the first step
    array(uint64, 1, True),  # sent, out: (items, words, steps), spikes that leave
    Int,  # keeping: for how many of the first items potentials are kept
    array(float32, 3, True),  # kept, out: (keeping, steps, neurons)
    array(uint64, 1, True),  # patch, scratch: words of a patch * chunk
    array(float32, 1, True),  # sums, scratch: chunk * lanes
    array(float32, 1, True),  # potentials, scratch: like initial
    array(int32, 1, True),  # waits, scratch: like initial
    array(uint64, 1, True),  # fired, scratch: chunk
    array(uint32, 1, True),  # listed, scratch
    array(int64, 1, True),  # starts, scratch
)
def rows(  # type: ignore[no-untyped-def]
    trains, totals, constant, steps, chunk, lag, frozen, fires, to_zero, refractory, geometry, blocks, weights, bias,
    initial, sent, keeping, kept, patch, sums, potentials, waits, fired, listed, starts,
):  # fmt: skip
    """A layer for some items, all steps."""
    channels, outputs, lanes = geometry[2], geometry[5], geometry[14]
    positions = geometry[3] * geometry[4]
    window = geometry[6] * geometry[7]
    inputs = geometry[0] * geometry[1] * channels
    words_in, words_out = (inputs + 63) >> 6, (positions * outputs + 63) >> 6
    padded = len(blocks) * lanes
    for item in range(len(totals)):
        read, write = item * words_in * steps, item * words_out * steps
        for index in range(len(initial)):
            potentials[index] = initial[index]
        if refractory > 0:
            for index in range(len(initial)):
                waits[index] = 0
        if fires:
            for index in range(words_out * steps):
                sent[write + index] = np.uint64(0)
        rate = totals[item] / (inputs * steps)
        begin = 0
        while begin < steps:
            here = min(chunk, steps - begin)
            block = 0
            while block < len(blocks):
                first, count = blocks[block, 2], blocks[block, 3]
                stop = block + 1
                while stop < len(blocks) and blocks[stop, 2] == first and blocks[stop, 3] == count:
                    stop += 1
                fan_in = window * count
                words = (fan_in + 63) >> 6
                by_lists = rate * fan_in < LIST_BELOW * words and len(constant) == 0
                next_position = 0
                while next_position < positions:
                    from_position, lists = next_position, 0
                    if by_lists:
                        # lists for as many positions as are sure to fit
                        starts[0] = 0
                        while (
                            next_position < positions
                            and starts[lists] + (fan_in + simd.TOGETHER) * here + 64 <= len(listed)
                            and lists + here < len(starts)
                        ):
                            gather(trains, read, steps, geometry, next_position, first, count, begin, lag, here, patch)
                            list_rows(patch, words, here, fan_in, starts, lists, listed)
                            lists += here
                            next_position += 1
                    else:
                        next_position = positions
                    for number in range(block, stop):
                        for position in range(from_position, next_position):
                            at = position * padded + number * lanes
                            if len(constant) > 0:
                                for step in range(here):
                                    for lane in range(lanes):
                                        arriving = begin + step >= lag
                                        current = constant[item * len(initial) + at + lane]
                                        sums[step * lanes + lane] = current if arriving else np.float32(0)
                            elif by_lists:
                                row_at = np.uintp(blocks[number, 4])
                                for step in range(here):
                                    index = (position - from_position) * here + step
                                    begins = np.uintp(starts[index])
                                    size = np.uintp(starts[index + 1]) - begins
                                    if lanes == 64:
                                        simd.sum_listed_rows_64(
                                            sums, np.uintp(step * 64), weights, row_at, listed, begins, size
                                        )
                                    elif lanes == 32:
                                        simd.sum_listed_rows_32(
                                            sums, np.uintp(step * 32), weights, row_at, listed, begins, size
                                        )
                                    else:
                                        simd.sum_listed_rows_16(
                                            sums, np.uintp(step * 16), weights, row_at, listed, begins, size
                                        )
                            else:
                                gather(trains, read, steps, geometry, position, first, count, begin, lag, here, patch)
                                zeros_at = blocks[number, 4] + fan_in * lanes
                                add_tiles(patch, words, here, lanes, weights, blocks[number, 4], zeros_at, sums)
                            first_neuron = position * outputs + blocks[number, 0]
                            take_steps(
                                here, begin, frozen, fires, lanes, potentials, at, sums, lanes, bias, number * lanes,
                                waits, refractory, to_zero, fired, keeping, kept, item, first_neuron, blocks[number, 1],
                            )  # fmt: skip
                            if fires:
                                add_bits(
                                    fired, 0, here, 0, sent, write + begin, steps, first_neuron, blocks[number, 1], here
                                )
                block = stop
            begin += here
