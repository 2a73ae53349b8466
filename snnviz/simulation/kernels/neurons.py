"""The integrate-and-fire neurons, and the populations that need nothing else: the input layer and Poisson spikes."""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import float32, int32, uint8, uint64

from snnviz.simulation.kernels import simd, stepping
from snnviz.simulation.kernels.compiler import Flag, Int, array, inner, kernel
from snnviz.simulation.kernels.trains import ALL

NO_FLOOR = np.float32(-np.inf)
GENERAL = True
"""Whether a kernel can do floors, refractory times and potentials that are kept. Few ask for them, and each kernel has a form
without (`Kernel.fixed`), which takes less time to compile."""


@inner
def between(first: int, last: int) -> Any:
    """Bits first .. last - 1, at most 64 of them."""
    if first >= last:
        return np.uint64(0)
    return ALL >> np.uint64(64 - (last - first)) << np.uint64(first)


@inner
def filled(steps: Any) -> Any:
    """`steps`, as bits, with those in between if they are few: a step costs less than to foresee wrongly whether it is taken."""
    above = steps
    for shift in (1, 2, 4, 8, 16, 32):
        above |= above >> np.uint64(shift)
    span = above & ~((steps & (~steps + np.uint64(1))) - np.uint64(1))
    return span if 2 * simd.bit_count(steps) > simd.bit_count(span) else steps


@inner
def send(fired: Any, who: Any, sent: Any, at: int, steps: int, neuron: int, neurons: int) -> None:
    """Set the bits of `neurons` <= 64 neurons from `neuron` on in trains to those in `fired`, at the steps in `who`."""
    shift = np.uint64(neuron & 63)
    mask = ALL >> np.uint64(64 - neurons)
    write = np.uintp(at + (neuron >> 6) * steps)
    over = (neuron & 63) + neurons > 64
    while who != 0:
        step = simd.lowest_bit(who)
        bits = fired[step] & mask
        sent[write + step] |= bits << shift
        if over:
            sent[write + np.uintp(steps) + step] |= bits >> (np.uint64(64) - shift)
        who &= who - np.uint64(1)


@inner
def take_steps(
    begin: int,
    steps: int,
    frozen: int,
    lanes: int,
    potentials: Any,
    at: int,
    drive: Any,
    drive_at: int,
    drive_stride: int,
    waits: Any,
    refractory: int,
    to_zero: bool,
    floor: float,
    fired: Any,
    fired_at: int,
    keeping: bool,
    kept: Any,
    item: int,
    neuron: int,
    neurons: int,
) -> None:
    """Steps begin .. begin + steps of one block of neurons, neuron by neuron: v <- v + drive, and so on.

    For what `stepping.take_arrivals` does not do: floors, refractory times, potentials that are kept.

    Args:
        begin: first step.
        steps: number of steps.
        frozen: before this step nothing happens.
        lanes: neurons in the block, 16, 32 or 64, padding included.
        potentials: membrane potentials, those of the block from `at` on.
        at: see `potentials`; the same place in `waits`.
        drive: current of the first step, bias included, from `drive_at` on, of each later step `drive_stride` further.
        drive_at: see `drive`.
        drive_stride: see `drive`.
        waits: steps that a neuron still has to wait, used if `refractory` is not 0.
        refractory: steps that a neuron waits after a spike.
        to_zero: reset to zero instead of by subtraction.
        floor: potentials of neurons that fire never fall below it; -inf for none.
        fired: out, who fired at each step, as bits, from `fired_at` on.
        fired_at: see `fired`.
        keeping: whether to copy the potentials after each step to kept[item, step, neuron : neuron + neurons].
        kept: see `keeping`.
        item: see `keeping`.
        neuron: see `keeping`.
        neurons: see `keeping`; without padding.
    """
    idle = min(max(frozen - begin, 0), steps)
    for step in range(idle):
        fired[fired_at + step] = np.uint64(0)
    for step in range(steps):
        if step >= idle:
            bits = np.uint64(0)
            for lane in range(lanes):
                if refractory > 0 and waits[at + lane] > 0:
                    waits[at + lane] -= 1
                    continue
                value = potentials[at + lane] + drive[drive_at + step * drive_stride + lane]
                value = max(value, floor)
                if value >= np.float32(1):
                    bits |= np.uint64(1) << np.uint64(lane)
                    value = np.float32(0) if to_zero else value - np.float32(1)
                    if refractory > 0:
                        waits[at + lane] = refractory
                potentials[at + lane] = value
            fired[fired_at + step] = bits
        if keeping:
            for lane in range(neurons):
                kept[item, begin + step, neuron + lane] = potentials[at + lane]


@inner
def add_up(
    begin: int, steps: int, idle: int, potentials: Any, at: int, drive: Any, drive_stride: int, kept: Any, item: int, neuron: int,
    neurons: int,
) -> None:  # fmt: skip
    """Steps of a block of the output layer, which does not fire: v <- v + drive, all of them kept. Arguments as in `take_steps`."""
    for step in range(steps):
        for lane in range(neurons):
            if step >= idle:
                potentials[at + lane] += drive[step * drive_stride + lane]
            kept[item, begin + step, neuron + lane] = potentials[at + lane]


@kernel(
    array(float32),  # inputs: intensities of all items, padded to whole words
    array(float32),  # initial: potentials before the first step, padded likewise
    Int,  # neurons
    Int,  # steps
    Flag,  # to_zero: reset to zero instead of by subtraction
    Int,  # refractory
    array(uint64, 1, True),  # trains, out: (items, words, steps)
    Int,  # keeping: for how many of the first items potentials are kept
    array(float32, 3, True),  # kept, out: (keeping, steps, neurons)
    array(float32, 1, True),  # potentials, scratch: one word
    array(int32, 1, True),  # waits, scratch: one word
)
def spiking_input(inputs, initial, neurons, steps, to_zero, refractory, trains, keeping, kept, potentials, waits):
    """The spiking input layer: intensities are added to membranes at every step."""
    words = len(initial) // 64
    for item in range(len(inputs) // len(initial)):
        for word in range(words):
            for lane in range(64):
                potentials[lane] = initial[word * 64 + lane]
                waits[lane] = 0
            write = (item * words + word) * steps
            if refractory == 0 and item >= keeping:
                stepping.take_steps_64(
                    potentials, inputs, item * len(initial) + word * 64, to_zero, trains, write, steps
                )
            elif GENERAL:
                take_steps(
                    0, steps, 0, 64, potentials, 0, inputs, item * len(initial) + word * 64, 0,
                    waits, refractory, to_zero, NO_FLOOR, trains, write,
                    item < keeping, kept, item, word * 64, min(64, neurons - word * 64),
                )  # fmt: skip


plain_spiking_input = spiking_input.fixed("plain_spiking_input", GENERAL=False)


@kernel(
    array(uint8),  # spikes of all items: (items, steps, neurons)
    Int,  # neurons
    Int,  # steps
    array(uint64, 1, True),  # trains, out: (items, words, steps)
)
def given_spikes(spikes, neurons, steps, trains):
    """Spikes that were drawn elsewhere, packed."""
    words = (neurons + 63) // 64
    for item in range(len(spikes) // (neurons * steps)):
        for step in range(steps):
            read = (item * steps + step) * neurons
            for word in range(words):
                here = min(64, neurons - word * 64)
                if here == 64:
                    bits = simd.pack(spikes, np.uintp(read + word * 64))
                else:
                    bits = np.uint64(0)
                    for lane in range(here):
                        if spikes[read + word * 64 + lane] != 0:
                            bits |= np.uint64(1) << np.uint64(lane)
                trains[(item * words + word) * steps + step] = bits
