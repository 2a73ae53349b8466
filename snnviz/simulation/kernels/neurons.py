"""The integrate-and-fire neurons, and the populations that need nothing else: the input layer and Poisson spikes."""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import float32, int32, njit, uint8, uint64

from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.compiler import OPTIONS, Flag, Int, array, kernel

NO_FLOOR = np.float32(-np.inf)
BELOW_THRESHOLD = np.float32(1 - 2**-24)
"""The largest number below the threshold."""


@njit(**OPTIONS)
def any_above(values: Any, at: int, lanes: int, limit: float) -> bool:
    """Whether one of the `lanes` values from `at` on is above `limit`."""
    if lanes == 64:
        return simd.any_above_64(values, np.uintp(at), limit)
    if lanes == 32:
        return simd.any_above_32(values, np.uintp(at), limit)
    return simd.any_above_16(values, np.uintp(at), limit)


@njit(**OPTIONS)
def drift(potentials: Any, at: int, bias: Any, bias_at: int, lanes: int, steps: int) -> None:
    """`steps` steps, at least 1, of a block of neurons that nothing reaches and that cannot fire."""
    if lanes == 64:
        simd.drift_64(potentials, np.uintp(at), bias, np.uintp(bias_at), np.uintp(steps))
    elif lanes == 32:
        simd.drift_32(potentials, np.uintp(at), bias, np.uintp(bias_at), np.uintp(steps))
    else:
        simd.drift_16(potentials, np.uintp(at), bias, np.uintp(bias_at), np.uintp(steps))


@njit(**OPTIONS)
def fast_steps(
    potentials: Any,
    at: int,
    drive: Any,
    first: int,
    steps: int,
    lanes: int,
    bias: Any,
    bias_at: int,
    to_zero: bool,
    fired: Any,
) -> None:
    """Steps first .. first + steps, at least 1, of a block of neurons without floor and refractory time."""
    begin, count = np.uintp(first * lanes), np.uintp(steps)
    place, constant, stride, out = np.uintp(at), np.uintp(bias_at), np.uintp(lanes), np.uintp(first)
    if lanes == 64:
        simd.take_steps_64(potentials, place, drive, begin, stride, bias, constant, to_zero, fired, out, count)
    elif lanes == 32:
        simd.take_steps_32(potentials, place, drive, begin, stride, bias, constant, to_zero, fired, out, count)
    else:
        simd.take_steps_16(potentials, place, drive, begin, stride, bias, constant, to_zero, fired, out, count)


@njit(**OPTIONS)
def at_rest(potentials: Any, at: int, bias: Any, bias_at: int, lanes: int) -> bool:
    """Whether no neuron of a block can fire before something reaches it."""
    return not any_above(bias, bias_at, lanes, np.float32(0)) and not any_above(potentials, at, lanes, BELOW_THRESHOLD)


@njit(**OPTIONS)
def span(active: Any, idle: int, steps: int, rests: bool) -> tuple[Any, Any]:
    """First step that has to be taken one by one, and the one after the last: all from `idle` on, or of neurons at rest those
    from the first at which something arrives (bits of `active`) to the last."""
    if not rests:
        return idle, steps
    late = active >> np.uint64(idle) << np.uint64(idle) if idle < 64 else np.uint64(0)
    if late == 0:
        return steps, steps
    return np.int64(simd.lowest_bit(late)), np.int64(simd.highest_bit(late)) + 1


@njit(**OPTIONS)
def take_span(
    first: int, last: int, idle: int, steps: int, rests: bool, ends: bool, lanes: int, potentials: Any, at: int, drive: Any,
    bias: Any, bias_at: int, to_zero: bool, fired: Any,
) -> bool:  # fmt: skip
    """All `steps` steps of a block of neurons without floor and refractory time, `first` to `last` of them one by one.

    Membranes of neurons at rest move by their biases outside of this span, one addition a step as in it, so that no number
    depends on where it begins and ends.

    Args:
        first: see `span`.
        last: see `span`.
        idle: before this step nothing happens.
        steps: number of steps.
        rests: see `at_rest`.
        ends: whether no step follows, so that the potentials after the last spike no longer matter.
        lanes: neurons in the block, padding included.
        potentials: membrane potentials, those of the block from `at` on.
        at: see `potentials`.
        drive: current at each step of the span, (steps, lanes); rows behind it are overwritten.
        bias: constant current from `bias_at` on.
        bias_at: see `bias`.
        to_zero: reset to zero instead of by subtraction.
        fired: out, who fired at each step, as bits.

    Returns:
        whether anyone fired.
    """
    for step in range(steps):
        fired[step] = np.uint64(0)
    if rests and first > idle and not (ends and first == last):
        drift(potentials, at, bias, bias_at, lanes, first - idle)
    if first < last:
        fast_steps(potentials, at, drive, first, last - first, lanes, bias, bias_at, to_zero, fired)
    if last < steps and first < last:
        if any_above(potentials, at, lanes, BELOW_THRESHOLD):
            for index in range(np.uintp(last * lanes), np.uintp(steps * lanes)):
                drive[index] = np.float32(0)
            fast_steps(potentials, at, drive, last, steps - last, lanes, bias, bias_at, to_zero, fired)
        elif not ends:
            drift(potentials, at, bias, bias_at, lanes, steps - last)
    who = np.uint64(0)
    for step in range(np.uintp(steps)):
        who |= fired[step]
    return who != 0


@njit(**OPTIONS)
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
    bias: Any,
    bias_at: int,
    waits: Any,
    refractory: int,
    to_zero: bool,
    floor: float,
    fires: bool,
    fired: Any,
    fired_at: int,
    keeping: bool,
    kept: Any,
    item: int,
    neuron: int,
    neurons: int,
) -> None:
    """Steps begin .. begin + steps of one block of neurons: v <- v + drive + bias, and so on.

    Args:
        begin: first step.
        steps: number of steps.
        frozen: before this step nothing happens.
        lanes: neurons in the block, 16, 32 or 64, padding included.
        potentials: membrane potentials, those of the block from `at` on.
        at: see `potentials`; the same place in `waits`.
        drive: current of the first step from `drive_at` on, of each later step `drive_stride` further.
        drive_at: see `drive`.
        drive_stride: see `drive`.
        bias: constant current from `bias_at` on.
        bias_at: see `bias`.
        waits: steps that a neuron still has to wait, used if `refractory` is not 0.
        refractory: steps that a neuron waits after a spike.
        to_zero: reset to zero instead of by subtraction.
        floor: potentials of neurons that fire never fall below it; -inf for none.
        fires: False for the output layer, whose potentials are always kept.
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
    if fires and refractory == 0 and not keeping and floor == -np.inf:
        if idle < steps:
            first, left = np.uintp(drive_at + idle * drive_stride), np.uintp(steps - idle)
            stride, place, constant, out = (
                np.uintp(drive_stride),
                np.uintp(at),
                np.uintp(bias_at),
                np.uintp(fired_at + idle),
            )
            if lanes == 64:
                simd.take_steps_64(potentials, place, drive, first, stride, bias, constant, to_zero, fired, out, left)
            elif lanes == 32:
                simd.take_steps_32(potentials, place, drive, first, stride, bias, constant, to_zero, fired, out, left)
            else:
                simd.take_steps_16(potentials, place, drive, first, stride, bias, constant, to_zero, fired, out, left)
        return
    if not fires:
        for step in range(steps):
            if step >= idle:
                for lane in range(neurons):
                    potentials[at + lane] = (
                        potentials[at + lane] + drive[drive_at + step * drive_stride + lane] + bias[bias_at + lane]
                    )
            for lane in range(neurons):
                kept[item, begin + step, neuron + lane] = potentials[at + lane]
        return
    # the same, neuron by neuron, for what is rare
    for step in range(steps):
        if step >= idle:
            bits = np.uint64(0)
            for lane in range(lanes):
                if refractory > 0 and waits[at + lane] > 0:
                    waits[at + lane] -= 1
                    continue
                value = potentials[at + lane] + drive[drive_at + step * drive_stride + lane] + bias[bias_at + lane]
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
    array(float32),  # no_bias: 64 zeros
    array(float32, 1, True),  # potentials, scratch: one word
    array(int32, 1, True),  # waits, scratch: one word
)
def spiking_input(
    inputs, initial, neurons, steps, to_zero, refractory, trains, keeping, kept, no_bias, potentials, waits
):
    """The spiking input layer: intensities are added to membranes at every step."""
    words = len(initial) // 64
    for item in range(len(inputs) // len(initial)):
        for word in range(words):
            for lane in range(64):
                potentials[lane] = initial[word * 64 + lane]
                waits[lane] = 0
            write = (item * words + word) * steps
            take_steps(
                0, steps, 0, 64, potentials, 0, inputs, item * len(initial) + word * 64, 0, no_bias, 0,
                waits, refractory, to_zero, NO_FLOOR, True, trains, write,
                item < keeping, kept, item, word * 64, min(64, neurons - word * 64),
            )  # fmt: skip


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
