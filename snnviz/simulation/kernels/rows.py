"""Dense layers and convolutions: for every output position, the sums of the weight rows of the inputs that spike.

A convolution is the same dense layer at every output position, on the inputs under its window: a *patch*. Its weights
are rows of 16, 32 or 64 output channels (a *block* of the layer), one row for each input of the patch. The currents of
all steps are computed first, since the layer's input is known for all of them; then its neurons take step after step.

Ways of adding up the rows, chosen by how much spikes:

- *by tiles*, where much spikes: the patch is gathered as bits. A tile is 64 rows (16 KiB, they stay in the level-1 cache), those
  that a word of the patch names; it serves all steps, then comes the next. The sums of a step are loaded and stored once per tile.
- *by events*, where little does: most tiles would have one row or none, and most steps of most positions nothing at all. Here the
  spikes of the input map are listed once, for all windows that they lie under. Those under a row of a window lie together, and are
  added one after the other without a branch. Only steps at which something arrives under the window are taken one by one; in
  between membranes move by their biases alone. For layers without channel groups.
- *by groups*, in between: the same lists in another order, so that several rows of one step are added at once.
- *by tables*, a first layer of few inputs to a window: the sums of all sixteen subsets of four inputs each, made beforehand.

The first three add up the rows of a step in the order of the inputs, one after the other, beginning with the bias, so that the sums
do not depend on which is taken, nor on how many steps are simulated at a time. Where there are tables, nothing else is taken.
"""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

import numpy as np
from numba import float32, int32, int64, uint32, uint64

from snnviz.simulation.kernels import adding, simd, stepping
from snnviz.simulation.kernels.compiler import Flag, Int, array, inner, kernel
from snnviz.simulation.kernels.neurons import GENERAL, add_up, between, filled, send, take_steps
from snnviz.simulation.kernels.trains import INPUTS_BELOW, add_bits, arriving, list_events, list_groups, silence

GEOMETRY = (
    "height", "width", "channels", "rows", "columns", "outputs", "kernel_height", "kernel_width",
    "down", "right", "top", "left", "dilation_down", "dilation_right", "lanes", "blocks",
)  # fmt: skip
"""Entries of the geometry array: input map, output map, kernel, strides, padding, dilation, block width and number."""
GROUPS_FROM = 2
"""Mean number of events in a step of a cell from which they are taken in groups (measured)."""
MOST_INPUTS = 2**26
"""Inputs whose number, with a step beside it, is less than 32 bits long."""
BLOCK = ("first_output", "outputs", "first_input", "inputs", "weights_at")
"""Columns of the block table: which output channels, which input channels they see, and where their rows start."""


@inner
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


@inner
def add_tiles(patch, words, chunk, lanes, weights, at, zeros_at, sums):
    """Add the rows that the patch names, tile by tile: sums (chunk, lanes)."""
    for word in range(words):
        read, tile = np.uintp(word * chunk), at + word * 64 * lanes
        if lanes == 64:
            for step in range(np.uintp(chunk)):
                mask = patch[read + step]
                if mask != 0:
                    adding.add_masked_rows_64(sums, step, weights, tile, mask)
        else:
            for step in range(np.uintp(0), np.uintp(chunk), np.uintp(2)):
                mask, after, other = patch[read + step], step, np.uint64(0)
                if step + np.uintp(1) < np.uintp(chunk):
                    after = step + np.uintp(1)
                    other = patch[read + after]
                if (mask | other) != 0:
                    adding.add_masked_rows_twice(lanes, sums, after, step, weights, tile, zeros_at, other, mask)


@inner
def window(geometry, position):
    """Rows of the kernel that lie within the map, first to the one after the last; and where the window begins on the map."""
    y = position // geometry[4] * geometry[8] - geometry[10]
    x = position % geometry[4] * geometry[9] - geometry[11]
    down = geometry[12]
    top = max(0, (down - 1 - y) // down)
    return top, max(top, min(geometry[6], (geometry[0] - 1 - y) // down + 1)), y, x


@inner
def arrivals(any_time, geometry, position):
    """The steps at which anything arrives under the window of an output position, as bits."""
    top, bottom, y, x = window(geometry, position)
    found = np.uint64(0)
    for i in range(top, bottom):
        row = (y + i * geometry[12]) * geometry[1]
        if geometry[13] == 1:
            for column in range(max(0, x), min(geometry[1], x + geometry[7])):
                found |= any_time[row + column]
        else:
            for j in range(geometry[7]):
                column = x + j * geometry[13]
                if 0 <= column < geometry[1]:
                    found |= any_time[row + column]
    return found


@inner
def add_window(events, starts, cells, geometry, position, lanes, weights, at, sums):
    """Add the rows of all events under the window of an output position to the sums of their steps: sums (chunk, lanes).

    `cells` is how many lists of groups a position of the input has, 0 where events are listed one by one.
    """
    channels = geometry[2]
    top, bottom, y, x = window(geometry, position)
    right = geometry[13]
    parts, wide = (1, geometry[7]) if right == 1 else (geometry[7], 1)
    for i in range(top, bottom):
        pixel = (y + i * geometry[12]) * geometry[1]
        for j in range(parts):
            left = x + j * right
            start, stop = max(0, left), min(geometry[1], left + wide)
            if start < stop:
                # row of a neuron: where it is under the window instead of on the map
                shifted = at + ((i * geometry[7] + j) - (pixel + left)) * channels * lanes
                begin, end = starts[pixel + start], starts[pixel + stop]
                for cell in range((pixel + start) * cells, max((pixel + stop) * cells, (pixel + start) * cells + 1)):
                    if cells > 0:
                        fours, pairs, begin = starts[3 * cell], starts[3 * cell + 1], starts[3 * cell + 2]
                        adding.add_fours(lanes, sums, weights, shifted, events, fours, starts[3 * cell + 3])
                        adding.add_pairs(lanes, sums, weights, shifted, events, pairs, starts[3 * cell + 4])
                        end = starts[3 * cell + 5]
                    adding.add_events(lanes, sums, weights, shifted, events, begin, end)


@inner
def add_tables(patch, lanes, wanted, bias, bias_at, tables, at, groups, sums):
    """Sums at the steps in `wanted` by the tables of a block, from tables[at] on, for the one word of a patch."""
    while wanted != 0:
        step = simd.lowest_bit(wanted)
        adding.sum_table(lanes, sums, step, bias, bias_at, tables, at, groups, patch[step])
        wanted &= wanted - np.uint64(1)


@inner
def some_bits(patch, steps):
    """The steps at which the one word of a patch has any bit, as bits."""
    found = np.uint64(0)
    for step in range(np.uintp(steps)):
        found |= np.uint64(patch[step] != 0) << np.uint64(step)
    return found


@inner
def begin_sums(sums, active, lanes, bias, bias_at):
    """The bias at the sums of the steps in `active`."""
    left = active
    while left != 0:
        adding.copy_row(lanes, bias, bias_at, sums, np.int64(simd.lowest_bit(left)) * lanes)
        left &= left - np.uint64(1)


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
    Int,  # width: channels of a cell, see `trains.list_groups`
    array(int64, 2),  # blocks, see BLOCK; blocks of equal inputs lie together
    array(float32),  # weights: rows of all blocks, each block with a row of zeros at its end
    array(uint64),  # used_inputs: bits of the inputs that have a row that is not all zeros
    array(float32),  # tables: (blocks, groups, 16, lanes) sums of the subsets of four inputs each, or empty
    array(float32),  # bias: (blocks * lanes,), or like initial
    array(float32),  # initial: (positions, blocks * lanes) potentials before the first step
    array(uint64, 1, True),  # sent, out: (items, words, steps), spikes that leave
    Int,  # keeping: for how many of the first items potentials are kept
    array(float32, 3, True),  # kept, out: (keeping, steps, neurons)
    array(float32, 1, True),  # potentials: like initial, `apart` from item to item
    array(int32, 1, True),  # waits: likewise
    Int,  # apart: 0 where all steps are taken, so that items need no potentials of their own
    array(uint64, 1, True),  # patch, scratch: words of a patch * chunk, at least 128
    array(float32, 1, True),  # sums, scratch: 64 * lanes
    array(uint64, 1, True),  # fired, scratch: chunk
    array(uint32, 1, True),  # events, scratch: see `trains.list_events`, three of equal length
    array(uint32, 1, True),  # starts, scratch: 3 * (cells of the input map + 1)
    array(uint64, 1, True),  # any_time, scratch: positions of the input map + 1
)
def rows(
    trains, active, totals, sends, constant, steps, begin, end, chunk, lag, frozen, fires, to_zero, floor, refractory, geometry,
    width, blocks, weights, used_inputs, tables, bias, initial, sent, keeping, kept, potentials, waits, apart, patch, sums, fired,
    events, starts, any_time,
):  # fmt: skip
    """A layer for some items, some steps."""
    channels, outputs, lanes = geometry[2], geometry[5], geometry[14]
    positions = geometry[3] * geometry[4]
    pixels = geometry[0] * geometry[1]
    inputs = pixels * channels
    words_in, words_out = (inputs + 63) >> 6, (positions * outputs + 63) >> 6
    padded = len(blocks) * lanes
    driven, tabled = len(constant) > 0, len(tables) > 0
    groups = len(tables) // (padded * 16)
    shared = len(bias) == padded
    third = len(events) // 3
    for index in range(len(active)):
        item = active[index]
        read, write, membranes = item * words_in * steps, item * words_out * steps, item * apart
        if begin == 0 and refractory > 0:
            for neuron in range(len(initial)):
                waits[membranes + neuron] = 0
        if fires:
            silence(sent, write, words_out, steps, begin, end)
        plain = fires and refractory == 0 and floor == -np.inf and item >= keeping
        at_step = begin
        while at_step < end:
            here = min(chunk, end - at_step)
            idle = min(max(frozen - at_step, 0), here)
            few, cells = False, 0
            if not driven and not tabled and blocks[0, 3] == channels and inputs <= MOST_INPUTS:
                total = totals[item]
                if here < end - begin:
                    total = arriving(trains, read, steps, sends, item * words_in, words_in, at_step, lag, here)
                few = total < INPUTS_BELOW * (inputs * here)
                parts = (channels + width - 1) // width
                if total > GROUPS_FROM * (pixels * parts * here):
                    cells = parts
            if few and cells > 0:
                list_groups(
                    trains, read, steps, sends, item * words_in, used_inputs, pixels, channels, width, at_step, lag, here,
                    events, third, starts, any_time,
                )  # fmt: skip
            elif few:
                list_events(
                    trains, read, steps, sends, item * words_in, used_inputs, pixels, channels, at_step, lag, here, patch,
                    events, starts, any_time,
                )  # fmt: skip
            for number in range(len(blocks)):
                first, count, rows_at = blocks[number, 2], blocks[number, 3], blocks[number, 4]
                zeros_at = rows_at + geometry[6] * geometry[7] * count * lanes
                for position in range(positions):
                    at = position * padded + number * lanes
                    bias_at = number * lanes if shared else at
                    neuron = position * outputs + blocks[number, 0]
                    wanted = between(idle if plain else 0, here)
                    if at_step == 0:
                        adding.copy_row(lanes, initial, at, potentials, membranes + at)
                    if few:
                        if plain:
                            wanted = filled(wanted & arrivals(any_time, geometry, position))
                        if wanted != 0:
                            begin_sums(sums, wanted, lanes, bias, bias_at)
                            add_window(events, starts, cells, geometry, position, lanes, weights, rows_at, sums)
                    elif driven:
                        for step in range(here):
                            for lane in range(lanes):
                                current = constant[item * len(initial) + at + lane]
                                current = current if at_step + step >= lag else np.float32(0)
                                sums[step * lanes + lane] = current + bias[bias_at + lane]
                    else:
                        words = gather(trains, read, steps, geometry, position, first, count, at_step, lag, here, patch)
                        if tabled:
                            if plain:
                                wanted = filled(wanted & some_bits(patch, here))
                            add_tables(
                                patch, lanes, wanted, bias, bias_at, tables, number * groups * 16 * lanes, groups, sums
                            )
                        else:
                            begin_sums(sums, wanted, lanes, bias, bias_at)
                            add_tiles(patch, words, here, lanes, weights, rows_at, zeros_at, sums)
                    if plain:
                        who = stepping.take_arrivals(
                            lanes, potentials, membranes + at, sums, bias, bias_at, to_zero, fired, idle, here, wanted,
                            at_step + here == steps,
                        )  # fmt: skip
                        send(fired, who, sent, write + at_step, steps, neuron, blocks[number, 1])
                    elif not fires:
                        add_up(
                            at_step,
                            here,
                            idle,
                            potentials,
                            membranes + at,
                            sums,
                            lanes,
                            kept,
                            item,
                            neuron,
                            blocks[number, 1],
                        )
                    elif GENERAL:
                        take_steps(
                            at_step, here, frozen, lanes, potentials, membranes + at, sums, 0, lanes,
                            waits, refractory, to_zero, floor, fired, 0,
                            item < keeping, kept, item, neuron, blocks[number, 1],
                        )  # fmt: skip
                        add_bits(fired, 0, here, 0, sent, write + at_step, steps, neuron, blocks[number, 1], here)
            at_step += here


plain_rows = rows.fixed("plain_rows", GENERAL=False)
