"""Compiled kernels of the event engine.

Spikes of a population travel between kernels as *trains*: bits packed along the neurons (row-major, channels last),
uint64 (words, steps) for an item, bit b of word w at step t being neuron 64 w + b. Steps are contiguous, so that moving
bits about (a patch of a map, a shift in time) is done for many steps by one vector instruction, and a population of n
neurons takes n / 8 bytes a step. Bits beyond the last neuron are 0.

- `llvm`, `simd`, `adding`, `stepping`: what Numba cannot say: bits of words, sums of weight rows in vector registers, thresholds
  that give bits;
- `trains`: moving bits;
- `neurons`: the integrate-and-fire step, and the input layer;
- `rows`: dense layers and convolutions, the sums of the weight rows of the inputs that spike;
- `channelwise`: depthwise convolutions and pooling, each channel by itself;
- `counting`: spikes and synaptic events;
- `compiler`: compilation, its cache and its announcement.
"""
