"""Dense layers and convolutions: for every output position, the sums of the weight rows of the inputs that spike.

A convolution is the same dense layer at every output position, on the inputs under its window: a *patch*. Its weights
are rows of 16, 32 or 64 output channels (a *block* of the layer), one row for each input of the patch. The currents of
all steps are computed first, since the layer's input is known for all of them; then its neurons take step after step.

Two ways of adding up the rows, chosen by how much spikes:

- *by tiles*: the patch is gathered as bits. A tile is 64 rows (16 KiB, they stay in the level-1 cache), those that a
  word of the patch names; it serves all steps, then comes the next. The sums of a step are loaded and stored once per
  tile.
- *by lists*: few spikes would leave most tiles with one row or none. The spikes of each row of the input map become
  lists, of which those under a window are copied together: one list of weight rows for each step and position, and one
  uninterrupted sum in registers. Lists are made for some positions at a time, then used by block after block, so that
  the rows of a block stay in the level-2 cache. For windows that take whole rows: no dilation along the row, no channel
  groups.
"""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

import numpy as np
from numba import float32, int32, int64, njit, uint32, uint64

from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.compiler import OPTIONS, Flag, Int, array, kernel
from snnviz.simulation.kernels.neurons import take_steps
from snnviz.simulation.kernels.trains import ALL, add_bits

GEOMETRY = (
    "height", "width", "channels", "rows", "columns", "outputs", "kernel_height", "kernel_width",
    "down", "right", "top", "left", "dilation_down", "dilation_right", "lanes", "blocks",
)  # fmt: skip
"""Entries of the geometry array: input map, output map, kernel, strides, padding, dilation, block width and number."""
BLOCK = ("first_output", "outputs", "first_input", "inputs", "weights_at")
"""Columns of the block table: which output channels, which input channels they see, where their rows start."""
LIST_BELOW = 4.0
"""Mean spikes per word of the patch below which lists are quicker than tiles (measured)."""
LIST_SHARE = LIST_BELOW / 64
"""Upper limit, about, of the share of inputs that spike in lists; decides how much memory lists get."""
LIST_POSITIONS, LIST_ROOM = 16, 2**14
"""Most positions that lists are made for at a time, and most entries, about; these stay in the level-2 cache."""
LIST_SLACK = 20
"""Elements beyond its end that making a list may write."""


@njit(**OPTIONS)
def gather(trains, at, steps, geometry, position, first, count, begin, lag, chunk, patch):
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


@njit(**OPTIONS)
def add_tiles(patch, words, chunk, lanes, weights, at, zeros_at, sums):
    """Sums of the rows that the patch names, tile by tile: sums (chunk, lanes)."""
    for index in range(np.uintp(chunk * lanes)):
        sums[index] = np.float32(0)
    if lanes == 64:
        for word in range(words):
            read, tile = np.uintp(word * chunk), np.uintp(at + word * 64 * 64)
            for step in range(np.uintp(chunk)):
                mask = patch[read + step]
                if mask != 0:
                    simd.add_masked_rows_64(sums, step * np.uintp(64), weights, tile, mask)
        return
    zeros = np.uintp(zeros_at)
    for word in range(0, words, 2):
        first, second = np.uintp(at + word * 64 * lanes), np.uintp(at + (word + 1) * 64 * lanes)
        read, read_second = np.uintp(word * chunk), np.uintp((word + 1) * chunk)
        even, odd = ALL, ALL
        if word + 1 == words:  # the last tile has no partner: its even and its odd rows are a pair
            second, read_second = first, read
            even, odd = ALL // np.uint64(3), ALL - ALL // np.uint64(3)
        if lanes == 32:
            for step in range(np.uintp(chunk)):
                mask, other = patch[read + step] & even, patch[read_second + step] & odd
                if (mask | other) != 0:
                    simd.add_masked_rows_32(sums, step * np.uintp(32), weights, first, second, zeros, mask, other)
        else:
            for step in range(np.uintp(chunk)):
                mask, other = patch[read + step] & even, patch[read_second + step] & odd
                if (mask | other) != 0:
                    simd.add_masked_rows_16(sums, step * np.uintp(16), weights, first, second, zeros, mask, other)


@njit(**OPTIONS)
def list_spikes(trains, at, steps, geometry, begin, lag, chunk, bits, spikes, ends):
    """Lists of the spikes in each row of the input map at each step: column * channels + channel, in order.

    The spikes of row y and step s in columns before x end at ends[(y * chunk + s) * (width + 1) + x].

    Returns:
        how many there are, or -1 if they do not fit `spikes`.
    """
    height, width, channels = geometry[0], geometry[1], geometry[2]
    across = width * channels
    words = (across + 63) >> 6
    skipped = 1 if begin < lag else 0
    end = np.uintp(0)
    for y in range(height):
        if end + np.uintp(across * chunk + LIST_SLACK) > np.uintp(len(spikes)):
            return -1
        for index in range(np.uintp(words * chunk)):
            bits[index] = np.uint64(0)
        add_bits(
            trains, at + begin + skipped - lag, steps, y * across, bits, skipped, chunk, 0, across, chunk - skipped
        )
        for step in range(chunk):
            write = np.uintp((y * chunk + step) * (width + 1))
            ends[write] = end
            bit = 0
            for x in range(width):
                left = channels
                while left > 0:
                    here = min(64 - (bit & 63), left)
                    mask = bits[np.uintp((bit >> 6) * chunk + step)] >> np.uint64(bit & 63)
                    mask &= ALL >> np.uint64(64 - here)
                    first = np.uint32(bit)
                    after = end + np.uintp(simd.bit_count(mask))
                    # four without a branch, then the rest: what is written beyond the end is overwritten
                    for offset in range(np.uintp(4)):
                        spikes[end + offset] = first + np.uint32(simd.lowest_bit(mask))
                        mask &= mask - np.uint64(1)
                    end += np.uintp(4)
                    while mask != 0:
                        spikes[end] = first + np.uint32(simd.lowest_bit(mask))
                        mask &= mask - np.uint64(1)
                        end += np.uintp(1)
                    end = after
                    bit += here
                    left -= here
                ends[write + np.uintp(x + 1)] = end
    return np.int64(end)


@njit(**OPTIONS)
def list_rows(spikes, ends, geometry, row, column, count, chunk, starts, listed):
    """Lists of the weight rows of `count` output positions from (row, column) on: step by step, each all positions."""
    height, width, channels = geometry[0], geometry[1], geometry[2]
    kernel_height, kernel_width, right, dilation = geometry[6], geometry[7], geometry[9], geometry[12]
    no_row = np.uint32(kernel_height * kernel_width * channels)
    y, x = row * geometry[8] - geometry[10], column * right - geometry[11]
    # kernel rows within the map
    top = max(0, (dilation - 1 - y) // dilation)
    bottom = max(top, min(kernel_height, (height - 1 - y) // dilation + 1))
    across = width + 1
    kernel_row = np.uint32(kernel_width * channels)
    apart, read_first = np.uintp(dilation * chunk * across), (y + top * dilation) * chunk * across
    number, end = np.uintp(0), np.uintp(0)
    starts[number] = end
    for _ in range(np.uintp(chunk)):
        left = x
        for _ in range(np.uintp(count)):
            start, stop = min(max(0, left), width), max(min(width, left + kernel_width), 0)
            if start < stop:
                read, read_stop = np.uintp(read_first + start), np.uintp(read_first + stop)
                # modulo 2^32, as it may be negative
                shift = np.uint32((top * kernel_width - left) * channels)
                for _ in range(np.uintp(bottom - top)):
                    first, last = np.uintp(ends[read]), np.uintp(ends[read_stop])
                    simd.copy_shifted(spikes, first, listed, end, last - first, shift)
                    end += last - first
                    read += apart
                    read_stop += apart
                    shift += kernel_row
            simd.pad(listed, end, no_row)
            end = (end + np.uintp(simd.UNROLLED - 1)) & ~np.uintp(simd.UNROLLED - 1)
            number += np.uintp(1)
            starts[number] = end
            left += right
        read_first += across


@njit(**OPTIONS)
def sum_lists(listed, starts, number, stride, chunk, lanes, weights, at, sums):
    """Sums of the rows in `chunk` lists, each `stride` lists after the one before: sums (chunk, lanes)."""
    rows_at, index, apart = np.uintp(at), np.uintp(number), np.uintp(stride)
    for step in range(np.uintp(chunk)):
        begin, end = np.uintp(starts[index]), np.uintp(starts[index + np.uintp(1)])
        if lanes == 64:
            simd.sum_listed_rows_64(sums, step * np.uintp(64), weights, rows_at, listed, begin, end - begin)
        elif lanes == 32:
            simd.sum_listed_rows_32(sums, step * np.uintp(32), weights, rows_at, listed, begin, end - begin)
        else:
            simd.sum_listed_rows_16(sums, step * np.uintp(16), weights, rows_at, listed, begin, end - begin)
        index += apart


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
    float32,  # floor of potentials, -inf for none
    Int,  # refractory
    array(int64),  # geometry, see GEOMETRY
    array(int64, 2),  # blocks, see BLOCK; blocks of equal inputs lie together
    array(float32),  # weights: rows of all blocks, each block with a row of zeros at its end
    array(float32),  # bias: (blocks * lanes,), or like initial
    array(float32),  # initial: (positions, blocks * lanes) potentials before the first step
    array(uint64, 1, True),  # sent, out: (items, words, steps), spikes that leave
    Int,  # keeping: for how many of the first items potentials are kept
    array(float32, 3, True),  # kept, out: (keeping, steps, neurons)
    array(uint64, 1, True),  # patch, scratch: words of a patch, or of a row of the map, * chunk
    array(float32, 1, True),  # sums, scratch: chunk * lanes
    array(float32, 1, True),  # potentials, scratch: like initial
    array(int32, 1, True),  # waits, scratch: like initial
    array(uint64, 1, True),  # fired, scratch: chunk
    array(uint32, 1, True),  # spikes, scratch
    array(uint32, 1, True),  # ends, scratch: height * chunk * (width + 1)
    array(uint32, 1, True),  # listed, scratch
    array(int64, 1, True),  # starts, scratch
)
def rows(
    trains, totals, constant, steps, chunk, lag, frozen, fires, to_zero, floor, refractory, geometry, blocks, weights, bias,
    initial, sent, keeping, kept, patch, sums, potentials, waits, fired, spikes, ends, listed, starts,
):  # fmt: skip
    """A layer for some items, all steps."""
    channels, outputs, lanes = geometry[2], geometry[5], geometry[14]
    columns = geometry[4]
    positions = geometry[3] * columns
    window = geometry[6] * geometry[7]
    inputs = geometry[0] * geometry[1] * channels
    words_in, words_out = (inputs + 63) >> 6, (positions * outputs + 63) >> 6
    padded = len(blocks) * lanes
    driven = len(constant) > 0
    shared = len(bias) == padded
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
        whole = window * channels
        few = totals[item] * whole < LIST_BELOW * ((whole + 63) >> 6) * (inputs * steps)
        lists_fit = not driven and geometry[13] == 1 and blocks[0, 3] == channels and whole > 64
        begin = 0
        while begin < steps:
            here = min(chunk, steps - begin)
            number_of_spikes = -1
            if few and lists_fit:
                number_of_spikes = list_spikes(trains, read, steps, geometry, begin, lag, here, patch, spikes, ends)
            by_lists = number_of_spikes >= 0
            block = 0
            while block < len(blocks):
                # blocks that see the same inputs
                first, count = blocks[block, 2], blocks[block, 3]
                stop = block + 1
                while stop < len(blocks) and blocks[stop, 2] == first and blocks[stop, 3] == count:
                    stop += 1
                next_position = 0
                while next_position < positions:
                    from_position, together = next_position, positions
                    if by_lists:
                        # lists for some positions of a row
                        row, column = from_position // columns, from_position % columns
                        expected = number_of_spikes * window * count // inputs + 1
                        together = min(columns - column, LIST_POSITIONS, max(1, LIST_ROOM // expected))
                        list_rows(spikes, ends, geometry, row, column, together, here, starts, listed)
                    next_position += together
                    for number in range(block, stop):
                        rows_at = blocks[number, 4]
                        for position in range(from_position, next_position):
                            at = position * padded + number * lanes
                            if by_lists:
                                sum_lists(
                                    listed,
                                    starts,
                                    position - from_position,
                                    together,
                                    here,
                                    lanes,
                                    weights,
                                    rows_at,
                                    sums,
                                )
                            elif driven:
                                for step in range(here):
                                    for lane in range(lanes):
                                        current = constant[item * len(initial) + at + lane]
                                        sums[step * lanes + lane] = current if begin + step >= lag else np.float32(0)
                            else:
                                words = gather(
                                    trains, read, steps, geometry, position, first, count, begin, lag, here, patch
                                )
                                zeros_at = rows_at + window * count * lanes
                                add_tiles(patch, words, here, lanes, weights, rows_at, zeros_at, sums)
                            neuron = position * outputs + blocks[number, 0]
                            take_steps(
                                begin, here, frozen, lanes, potentials, at, sums, 0, lanes, bias, number * lanes if shared else at,
                                waits, refractory, to_zero, floor, fires, fired, 0,
                                item < keeping, kept, item, neuron, blocks[number, 1],
                            )  # fmt: skip
                            if fires:
                                add_bits(fired, 0, here, 0, sent, write + begin, steps, neuron, blocks[number, 1], here)
                block = stop
            begin += here
