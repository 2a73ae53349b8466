"""Dense layers and convolutions: for every output position, the sums of the weight rows of the inputs that spike.

A convolution is the same dense layer at every output position, on the inputs under its window: a *patch*. Its weights
are rows of 16, 32 or 64 output channels (a *block* of the layer), one row for each input of the patch. The currents of
all steps are computed first, since the layer's input is known for all of them; then its neurons take step after step.

Two ways of adding up the rows, chosen by how much spikes:

- *by tiles*: the patch is gathered as bits. A tile is 64 rows (16 KiB, they stay in the level-1 cache), those that a
  word of the patch names; it serves all steps, then comes the next. The sums of a step are loaded and stored once per
  tile.
- *by inputs*: where little spikes most tiles would have one row or none, and most steps of most positions nothing at all.
  Here the inputs of the patch that spike at all are listed, those whose rows are not all zeros, each with its steps as
  bits; a row is then read once and added to the sums of its steps. Membranes move by their biases alone before the first
  of these steps and after the last. The lists of some positions are used by block after block, so that the rows of a
  block stay in the level-2 cache.

Both add up the rows of a step in the order of the inputs, one after the other, so that the sums do not depend on which is
taken, nor on how many steps are simulated at a time.
"""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

import numpy as np
from numba import float32, int32, int64, njit, uint32, uint64

from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.compiler import OPTIONS, Flag, Int, array, kernel
from snnviz.simulation.kernels.neurons import at_rest, span, take_span, take_steps
from snnviz.simulation.kernels.trains import add_bits, bits_at, by_neuron

GEOMETRY = (
    "height", "width", "channels", "rows", "columns", "outputs", "kernel_height", "kernel_width",
    "down", "right", "top", "left", "dilation_down", "dilation_right", "lanes", "blocks",
)  # fmt: skip
"""Entries of the geometry array: input map, output map, kernel, strides, padding, dilation, block width and number."""
BLOCK = ("first_output", "outputs", "first_input", "inputs", "weights_at", "used_at")
"""Columns of the block table: which output channels, which input channels they see, where their rows start, and where the
bits that tell which inputs of a patch have rows that are not all zeros, in any block that sees the same inputs."""
INPUTS_BELOW = 0.08
"""Share of inputs that spike in a step below which going by inputs is quicker than tiles (measured)."""
LIST_POSITIONS, LIST_ROOM = 16, 2**14
"""Most positions that lists are made for at a time, and most entries, about; these stay in the level-2 cache."""


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
    zeros, whole = np.uintp(zeros_at), np.uintp(chunk)
    even = np.uintp(chunk // 2 * 2)
    for word in range(words):
        read, tile = np.uintp(word * chunk), np.uintp(at + word * 64 * lanes)
        if lanes == 64:
            for step in range(whole):
                mask = patch[read + step]
                if mask != 0:
                    simd.add_masked_rows_64(sums, step * np.uintp(64), weights, tile, mask)
        else:
            for step in range(np.uintp(0), whole, np.uintp(2)):
                paired = step < even
                after = step + np.uintp(1) if paired else step
                mask, other = patch[read + step], patch[read + after] if paired else np.uint64(0)
                if (mask | other) != 0 and lanes == 32:
                    simd.add_masked_rows_32(
                        sums, after * np.uintp(32), step * np.uintp(32), weights, tile, zeros, other, mask
                    )
                elif (mask | other) != 0:
                    simd.add_masked_rows_16(
                        sums, after * np.uintp(16), step * np.uintp(16), weights, tile, zeros, other, mask
                    )


@njit(**OPTIONS)
def list_inputs(sends, sends_at, times, geometry, position, first, count, used, used_at, listed, arrivals, number):
    """Append the inputs that spike of the patch of an output position, channels first .. first + count.

    Returns:
        how many there are then, in `listed` their indices within the patch, in `arrivals` the steps; and the steps of any.
    """
    height, width, channels, columns = geometry[0], geometry[1], geometry[2], geometry[4]
    kernel_height, kernel_width = geometry[6], geometry[7]
    any_step, end = np.uint64(0), np.uintp(number)
    y = position // columns * geometry[8] - geometry[10]
    left = position % columns * geometry[9] - geometry[11]
    together = count == channels and geometry[13] == 1  # a row of the window lies in one piece
    parts = 1 if together else kernel_width
    for i in range(kernel_height):
        if 0 <= y < height:
            for j in range(parts):
                x = left + j * geometry[13]
                start, stop = 0, 1
                if together:
                    start, stop = max(0, -x), min(kernel_width, width - x)
                if start < stop and 0 <= x + start < width:
                    bit = (y * width + x + start) * channels + first
                    row = (i * kernel_width + j + start) * count
                    left_bits = (stop - start) * count
                    while left_bits > 0:
                        here = min(64, left_bits)
                        bits = bits_at(sends, sends_at, bit, here)
                        if bits != 0:
                            bits &= bits_at(used, used_at, row, here)
                            while bits != 0:
                                place = simd.lowest_bit(bits)
                                steps = times[np.uintp(bit) + place]
                                listed[end] = np.uint32(np.uintp(row) + place)
                                arrivals[end] = steps
                                any_step |= steps
                                end += np.uintp(1)
                                bits &= bits - np.uint64(1)
                        bit += here
                        row += here
                        left_bits -= here
        y += geometry[12]
    return np.int64(end), any_step


@njit(**OPTIONS)
def add_inputs(listed, arrivals, begin, end, lanes, weights, at, sums):
    """Add the row of each input in a list to the sums of its steps: sums (chunk, lanes)."""
    rows_at = np.uintp(at)
    for index in range(np.uintp(begin), np.uintp(end)):
        steps = arrivals[index]
        if steps != 0:
            row = rows_at + np.uintp(listed[index]) * np.uintp(lanes)
            if lanes == 64:
                simd.add_row_at_steps_64(sums, weights, row, steps)
            elif lanes == 32:
                simd.add_row_at_steps_32(sums, weights, row, steps)
            else:
                simd.add_row_at_steps_16(sums, weights, row, steps)


@kernel(
    array(uint64),  # trains: (items, words, steps), spikes that arrive
    array(int64),  # active: items to simulate
    array(int64),  # totals: (items,), how many of their spikes arrive in these steps
    array(uint64),  # sends: (items, words), neurons of which a spike arrives in these steps
    array(float32),  # constant: (items, positions, blocks * lanes) current in every step instead of spikes, or empty
    Int,  # steps
    Int,  # begin: first step to take
    Int,  # end: the one after the last
    Int,  # chunk: steps at a time, at most 64
    Int,  # lag: steps that spikes travel
    Int,  # frozen: steps at the start in which the layer does nothing
    Flag,  # fires: False for the output layer
    Flag,  # to_zero
    float32,  # floor of potentials, -inf for none
    Int,  # refractory
    array(int64),  # geometry, see GEOMETRY
    array(int64, 2),  # blocks, see BLOCK; blocks of equal inputs lie together
    array(float32),  # weights: rows of all blocks, each block with a row of zeros at its end
    array(uint64),  # used: see BLOCK
    array(float32),  # bias: (blocks * lanes,), or like initial
    array(float32),  # initial: (positions, blocks * lanes) potentials before the first step
    array(uint64, 1, True),  # sent, out: (items, words, steps), spikes that leave
    Int,  # keeping: for how many of the first items potentials are kept
    array(float32, 3, True),  # kept, out: (keeping, steps, neurons)
    array(float32, 1, True),  # potentials: like initial, `apart` from item to item
    array(int32, 1, True),  # waits: likewise
    Int,  # apart: 0 where all steps are taken, so that items need no potentials of their own
    array(uint64, 1, True),  # patch, scratch: words of a patch * chunk, at least 64
    array(float32, 1, True),  # sums, scratch: 64 * lanes
    array(uint64, 1, True),  # fired, scratch: chunk
    array(uint64, 1, True),  # times, scratch: inputs, in whole words
    array(uint32, 1, True),  # listed, scratch: inputs of the largest patch, or LIST_ROOM
    array(uint64, 1, True),  # arrivals, scratch: like listed
    array(int64, 1, True),  # starts, scratch: LIST_POSITIONS + 1
    array(uint64, 1, True),  # any_steps, scratch: LIST_POSITIONS
)
def rows(
    trains, active, totals, sends, constant, steps, begin, end, chunk, lag, frozen, fires, to_zero, floor, refractory, geometry,
    blocks, weights, used, bias, initial, sent, keeping, kept, potentials, waits, apart, patch, sums, fired, times, listed,
    arrivals, starts, any_steps,
):  # fmt: skip
    """A layer for some items, some steps."""
    channels, outputs, lanes = geometry[2], geometry[5], geometry[14]
    positions = geometry[3] * geometry[4]
    window = geometry[6] * geometry[7]
    inputs = geometry[0] * geometry[1] * channels
    words_in, words_out = (inputs + 63) >> 6, (positions * outputs + 63) >> 6
    padded = len(blocks) * lanes
    driven = len(constant) > 0
    shared = len(bias) == padded
    for index in range(len(active)):
        item = active[index]
        read, write, membranes = item * words_in * steps, item * words_out * steps, item * apart
        if begin == 0:
            for neuron in range(len(initial)):
                potentials[membranes + neuron] = initial[neuron]
            if refractory > 0:
                for neuron in range(len(initial)):
                    waits[membranes + neuron] = 0
            if fires:
                for word in range(words_out * steps):
                    sent[write + word] = np.uint64(0)
        few = not driven and totals[item] < INPUTS_BELOW * (inputs * (end - begin))
        quick = fires and refractory == 0 and floor == -np.inf and item >= keeping
        at_step = begin
        while at_step < end:
            here = min(chunk, end - at_step)
            ends = at_step + here == steps
            idle = min(max(frozen - at_step, 0), here)
            if few:
                by_neuron(trains, read, steps, sends, item * words_in, words_in, at_step, lag, here, patch, times)
            block = 0
            while block < len(blocks):
                # blocks that see the same inputs
                first, count, used_at = blocks[block, 2], blocks[block, 3], blocks[block, 5]
                stop = block + 1
                while stop < len(blocks) and blocks[stop, 2] == first and blocks[stop, 3] == count:
                    stop += 1
                next_position = 0
                while next_position < positions:
                    from_position, together = next_position, positions
                    if few:
                        together = 1
                        if stop > block + 1:
                            together = min(
                                positions - from_position, LIST_POSITIONS, max(1, LIST_ROOM // (window * count))
                            )
                        starts[0] = 0
                        for number in range(together):
                            starts[number + 1], any_steps[number] = list_inputs(
                                sends, item * words_in, times, geometry, from_position + number, first, count,
                                used, used_at, listed, arrivals, starts[number],
                            )  # fmt: skip
                    next_position += together
                    for number in range(block, stop):
                        rows_at = blocks[number, 4]
                        for position in range(from_position, next_position):
                            at = position * padded + number * lanes
                            bias_at = number * lanes if shared else at
                            neuron = position * outputs + blocks[number, 0]
                            some = True
                            if few:
                                place = position - from_position
                                rests = quick and at_rest(potentials, membranes + at, bias, bias_at, lanes)
                                span_from, span_to = 0, here
                                if quick:
                                    span_from, span_to = span(any_steps[place], idle, here, rests)
                                for lane in range(np.uintp(span_from * lanes), np.uintp(span_to * lanes)):
                                    sums[lane] = np.float32(0)
                                if span_from < span_to:
                                    add_inputs(
                                        listed,
                                        arrivals,
                                        starts[place],
                                        starts[place + 1],
                                        lanes,
                                        weights,
                                        rows_at,
                                        sums,
                                    )
                                if quick:
                                    some = take_span(
                                        span_from, span_to, idle, here, rests, ends, lanes, potentials, membranes + at, sums,
                                        bias, bias_at, to_zero, fired,
                                    )  # fmt: skip
                            elif driven:
                                for step in range(here):
                                    for lane in range(lanes):
                                        current = constant[item * len(initial) + at + lane]
                                        sums[step * lanes + lane] = current if at_step + step >= lag else np.float32(0)
                            else:
                                words = gather(
                                    trains, read, steps, geometry, position, first, count, at_step, lag, here, patch
                                )
                                zeros_at = rows_at + window * count * lanes
                                add_tiles(patch, words, here, lanes, weights, rows_at, zeros_at, sums)
                            if not (few and quick):
                                take_steps(
                                    at_step, here, frozen, lanes, potentials, membranes + at, sums, 0, lanes, bias, bias_at,
                                    waits, refractory, to_zero, floor, fires, fired, 0,
                                    item < keeping, kept, item, neuron, blocks[number, 1],
                                )  # fmt: skip
                            if fires and some:
                                add_bits(
                                    fired, 0, here, 0, sent, write + at_step, steps, neuron, blocks[number, 1], here
                                )
                block = stop
            at_step += here
