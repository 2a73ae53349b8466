"""The integrate-and-fire step, and the populations that need nothing else: the input layer and Poisson spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float32, int32, njit, uint8, uint64

from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.compiler import Flag, Int, array, kernel


@njit(error_model="numpy")
def fire(
    lanes: int,
    potentials: Any,
    potentials_at: int,
    drive: Any,
    drive_at: int,
    bias: Any,
    bias_at: int,
    waits: Any,
    refractory: int,
    to_zero: bool,
) -> Any:
    """One step of `lanes` neurons (16, 32 or 64), v <- v + drive + bias and so on; returns who fired as bits."""
    if refractory == 0:
        if lanes == 64:
            return simd.fire_64(
                potentials, np.uintp(potentials_at), drive, np.uintp(drive_at), bias, np.uintp(bias_at), to_zero
            )
        if lanes == 32:
            return simd.fire_32(
                potentials, np.uintp(potentials_at), drive, np.uintp(drive_at), bias, np.uintp(bias_at), to_zero
            )
        return simd.fire_16(
            potentials, np.uintp(potentials_at), drive, np.uintp(drive_at), bias, np.uintp(bias_at), to_zero
        )
    fired = np.uint64(0)
    for lane in range(lanes):
        if waits[potentials_at + lane] > 0:
            waits[potentials_at + lane] -= 1
            continue
        raised = potentials[potentials_at + lane] + drive[drive_at + lane] + bias[bias_at + lane]
        if raised >= np.float32(1):
            fired |= np.uint64(1) << np.uint64(lane)
            waits[potentials_at + lane] = refractory
            raised = np.float32(0) if to_zero else raised - np.float32(1)
        potentials[potentials_at + lane] = raised
    return fired


@njit(error_model="numpy")
def keep(potentials: Any, potentials_at: int, kept: Any, item: int, step: int, first: int, count: int) -> None:
    """Copy the potentials of `count` neurons to kept[item, step, first :]."""
    for lane in range(count):
        kept[item, step, first + lane] = potentials[potentials_at + lane]


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
def spiking_input(
    inputs, initial, neurons, steps, to_zero, refractory, trains, keeping, kept, potentials, waits  # type: ignore[no-untyped-def]
):
    """The spiking input layer: intensities are added to membranes at every step."""
    words = len(initial) // 64
    no_bias = np.zeros(64, np.float32)
    for item in range(len(inputs) // len(initial)):
        for word in range(words):
            at = item * len(initial) + word * 64
            for lane in range(64):
                potentials[lane] = initial[word * 64 + lane]
                waits[lane] = 0
            write = np.uintp((item * words + word) * steps)
            for step in range(steps):
                trains[write + np.uintp(step)] = fire(
                    64, potentials, 0, inputs, at, no_bias, 0, waits, refractory, to_zero
                )
                if item < keeping:
                    keep(potentials, 0, kept, item, step, word * 64, min(64, neurons - word * 64))


@kernel(
    array(uint8),  # spikes of all items: (items, steps, neurons)
    Int,  # neurons
    Int,  # steps
    array(uint64, 1, True),  # trains, out: (items, words, steps)
)
def given_spikes(spikes, neurons, steps, trains):  # type: ignore[no-untyped-def]
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
