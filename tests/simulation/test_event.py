"""The event engine on networks too wide for the reference, and what else it promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numba import njit

from snnviz import InputError
from snnviz.network import Conv2D, Dense, DepthwiseConv2D, Input, SpikingNetwork
from snnviz.simulation._silent import Active
from snnviz.simulation.analog import linear
from snnviz.simulation.event import EventEngine, _never_fires, _side_by_side
from snnviz.simulation.kernels import simd
from snnviz.simulation.kernels.counting import planes
from snnviz.simulation.kernels.trains import INPUTS_BELOW
from snnviz.simulation.settings import Record, Settings
from snnviz.simulation.synops import fanout
from tests.parity.networks import conv, dense, depthwise, dyadic, network, pooling

SAME = ((1, 1), (1, 1))


def wide(density: str, channels: tuple[int, int] = (32, 130), seed: int = 0) -> SpikingNetwork:
    """A dyadic network with blocks of 16, 32 and 64 lanes, some in several; biases make it spike much or rarely."""
    rng = np.random.default_rng(seed)
    bias = {"high": 0.1875, "low": -0.5625}[density]
    first, second = channels
    net = network(
        (6, 7, 3),
        lambda before: conv(rng, "conv1", before, first, padding=SAME),
        lambda before: conv(rng, "conv2", before, second, padding=SAME),
        lambda before: pooling("pool", before),
        lambda before: conv(rng, "conv3", before, 64, padding=SAME),
        lambda before: dense(rng, "dense", before, 20),
        lambda before: dense(rng, "output", before, 10),
    )
    layers = []
    for layer in net.layers:
        values = {"bias": np.full(layer.channels, bias, np.float32)}
        if layer.name in ("pool", "output"):
            values = {}
        layers.append(type(layer)(**(vars(layer) | values)))
    return SpikingNetwork(input=net.input, layers=tuple(layers))


def simulated(net: SpikingNetwork, x: np.ndarray, settings: Settings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Output, events and spikes as in a Block, computed step by step on whole arrays."""
    items, depth = len(x), len(net.layers)
    membranes = [np.full((items, *net.input_shape), net.input.initial_potential, np.float32)]
    membranes += [np.full((items, *layer.output_shape), layer.initial_potential, np.float32) for layer in net.layers]
    output = np.empty((items, settings.steps, net.classes), np.float32)
    events = np.empty((items, settings.steps, depth), np.int64)
    spikes = np.empty((items, settings.steps, depth), np.int64)
    fired = x
    for step in range(settings.steps):
        current = x
        for index in range(depth + 1):
            v = membranes[index]
            if index:
                layer = net.layers[index - 1]
                carried = (fired.reshape(items, *layer.input_shape) * fanout(layer)).reshape(items, -1)
                events[:, step, index - 1] = carried.sum(axis=1)
                current = linear(layer, fired) + layer.bias
            v += current
            if index == depth:
                output[:, step] = v
                break
            fired = (v >= 1).astype(np.float32)
            v -= fired
            spikes[:, step, index] = fired.reshape(items, -1).sum(axis=1)
    return output, events, spikes


@pytest.mark.parametrize("density", ["high", "low"])
@pytest.mark.parametrize(("channels", "steps"), [((32, 130), 12), ((16, 64), 130), ((70, 33), 12)])
def test_wide_layers_many_steps(density, channels, steps):
    net = wide(density, channels)
    items = 2
    x = dyadic(np.random.default_rng(1), (items, *net.input_shape), 0, 0.4 if density == "high" else 0.1, 4)
    settings = Settings(steps=steps)
    block = EventEngine(net, settings, Record()).run(x)
    output, events, spikes = simulated(net, x, settings)
    np.testing.assert_array_equal(block.output, output)
    np.testing.assert_array_equal(block.events, events)
    np.testing.assert_array_equal(block.spikes, spikes)
    # both ways of adding up rows were taken
    share = block.spikes[..., 1].sum() / (items * steps * net.layers[0].neurons)
    assert (share < INPUTS_BELOW) == (density == "low")


@pytest.mark.parametrize("share", [0.004, 0.025, 0.3])
def test_rows_are_added_in_the_order_of_the_inputs_however_they_are_listed(share):
    """One by one, in groups and by tiles: the bias, then one row after the other, in float32."""
    rng = np.random.default_rng(0)
    spikes = (rng.random((2, 70, 300)) < share).astype(np.uint8)
    weights, bias = rng.normal(0, 0.1, (300, 40)).astype(np.float32), rng.normal(0, 0.1, 40).astype(np.float32)
    net = SpikingNetwork(
        input=Input(shape=(300,)), layers=(Dense(name="out", input_shape=(300,), weights=weights, bias=bias),)
    )
    block = EventEngine(net, Settings(steps=70, input="poisson"), Record()).run(spikes)
    for item in range(2):
        potential = np.full(40, net.layers[0].initial_potential, np.float32)
        for step in range(70):
            current = bias.copy()
            for row in np.flatnonzero(spikes[item, step]):
                current += weights[row]
            potential += current
            np.testing.assert_array_equal(block.output[item, step], potential)


@pytest.mark.parametrize("share", [0.004, 0.015, 0.028])
@pytest.mark.parametrize("outputs", [10, 40, 130])
def test_convolutions_of_listed_spikes(share, outputs):
    """Channels that are no multiple of a word and make two cells, windows over the edge, several blocks."""
    rng = np.random.default_rng(1)
    layer = conv(rng, "conv", (4, 5, 150), outputs, padding=SAME)
    net = network((4, 5, 150), lambda before: layer, lambda before: dense(rng, "output", before, 10))
    spikes = (rng.random((2, 66, 4, 5, 150)) < share).astype(np.uint8)
    settings = Settings(steps=66, input="poisson", delay=1)
    block = EventEngine(net, settings, Record(spikes=("conv",))).run(spikes, traced=2)
    potential = np.broadcast_to(np.float32(layer.initial_potential), (2, *layer.output_shape)).copy()
    for step in range(66):
        before = spikes[:, step - 1] if step else np.zeros_like(spikes[:, 0])
        potential += linear(layer, before.astype(np.float32)) + layer.bias
        fired = potential >= 1
        potential -= fired
        np.testing.assert_array_equal(block.spike_trains["conv"][:, step], fired.reshape(2, -1))


@pytest.mark.parametrize("compresses", [True, False])
def test_bits_are_listed_with_and_without_the_instruction_for_it(compresses, monkeypatch):
    if compresses and not simd.COMPRESSES:
        pytest.skip("this processor has none")
    monkeypatch.setattr(simd, "COMPRESSES", compresses)

    @njit
    def listed(mask, target):
        return simd.list_bits(mask, target, np.uintp(1), np.uint32(640), np.uint32(6))

    for bits in ([], [0], [63], range(17), range(3, 40, 2), range(64)):
        target = np.zeros(80, np.uint32)
        count = listed(np.uint64(sum(1 << bit for bit in bits)), target)
        assert target[1 : 1 + count].tolist() == [640 + (bit << 6) for bit in bits]


def real(seed: int = 0) -> tuple[SpikingNetwork, np.ndarray]:
    """A network of any float32 weights, where the order of a sum shows, and intensities."""
    rng = np.random.default_rng(seed)
    net = wide("high", seed=seed)
    layers = [
        type(layer)(**(vars(layer) | {"weights": layer.weights + rng.normal(0, 0.003, layer.weights.shape)}))
        for layer in net.layers
    ]
    net = SpikingNetwork(input=Input(shape=net.input_shape, initial_potential=0.3), layers=tuple(layers))
    return net, rng.random((23, *net.input_shape), dtype=np.float32)


def bytes_of(block) -> tuple[bytes, ...]:
    return block.output.tobytes(), block.events.tobytes(), block.spikes.tobytes()


def pruned(seed: int = 0) -> SpikingNetwork:
    """A network with channels that nothing reaches, some of which fire by their biases or their first potentials alone."""
    rng = np.random.default_rng(seed)
    net = network(
        (6, 8, 3),
        lambda before: conv(rng, "conv1", before, 10, padding=SAME),
        lambda before: depthwise(rng, "depthwise", before, padding=SAME),
        lambda before: conv(rng, "conv2", before, 18, padding=SAME),
        lambda before: pooling("pool", before),
        lambda before: conv(rng, "grouped", before, 6, groups=2),
        lambda before: conv(rng, "conv3", before, 9, kernel=(1, 2)),
        lambda before: dense(rng, "dense", before, 12),
        lambda before: dense(rng, "output", before, 4),
    )
    layers = []
    for layer in net.layers[:-1]:
        weights, bias = layer.weights.copy(), layer.bias.copy()
        potential = np.full(layer.output_shape, 0.5, np.float32)
        gone = rng.random(layer.channels) < 0.5
        if not isinstance(layer, DepthwiseConv2D):
            weights[..., gone] = 0
        bias[gone] = rng.choice([-0.25, 0, 0.125], gone.sum(), p=[0.6, 0.2, 0.2])
        potential[..., gone] = np.where(rng.random(gone.sum()) < 0.15, 1.5, 0.25)
        layers.append(replace(layer, weights=weights, bias=bias, initial_potential=potential))
    return replace(net, layers=(*layers, net.layers[-1]))


@pytest.mark.parametrize("synapses", ["nonzero", "all"])
@pytest.mark.parametrize("seed", range(4))
def test_channels_that_never_fire_are_left_out(seed, synapses):
    net = pruned(seed)
    kept = Active.of(net.layers, _never_fires).kept
    assert sum(int((~channels).sum()) for channels in kept) > 4
    assert [len(channels) for channels in kept] == [3, 10, 10, 18, 18, 6, 9, 12]
    x = dyadic(np.random.default_rng(seed), (5, *net.input_shape), 0, 1, 4)
    settings = Settings(steps=9, synapses=synapses)
    block = EventEngine(net, settings, Record()).run(x)
    whole = EventEngine(net, settings, Record(spikes=net.firing_names)).run(x, 5)
    assert bytes_of(block) == bytes_of(whole)
    for name, channels in zip(net.firing_names, kept, strict=True):
        assert not whole.spike_trains[name].reshape(5, 9, -1, len(channels))[..., ~channels].any()
    if synapses == "nonzero":
        output, events, spikes = simulated(net, x, settings)
        np.testing.assert_array_equal(block.output, output)
        np.testing.assert_array_equal(block.events, events)
        np.testing.assert_array_equal(block.spikes, spikes)


def test_threads_change_nothing():
    net, x = real()
    settings = Settings(steps=20)
    one = EventEngine(net, settings, Record(), threads=1).run(x)
    for threads in (2, 3):
        engine = EventEngine(net, settings, Record(), threads=threads)
        engine._items_per_call = 2
        for _ in range(3):
            assert bytes_of(engine.run(x)) == bytes_of(one)


@pytest.mark.parametrize("input_mode", ["spiking", "analog"])
def test_batches_change_nothing(input_mode):
    net, x = real()
    engine = EventEngine(net, Settings(steps=20, input=input_mode), Record())
    whole = engine.run(x)
    parts = [engine.run(x[start : start + size]) for start, size in ((0, 1), (1, 4), (5, 18))]
    np.testing.assert_array_equal(np.concatenate([part.output for part in parts]), whole.output)
    np.testing.assert_array_equal(np.concatenate([part.events for part in parts]), whole.events)
    np.testing.assert_array_equal(np.concatenate([part.spikes for part in parts]), whole.spikes)


def test_memory_does_not_grow_with_items():
    net, x = real()
    x = np.tile(x, (12, 1, 1, 1))
    peaks = []
    for items in (20, 276):
        tracemalloc.start()
        block = EventEngine(net, Settings(steps=20), Record()).run(x[:items])
        peaks.append(tracemalloc.get_traced_memory()[1] - 2 * block.events.nbytes - block.output.nbytes)
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2**20


def test_an_error_in_a_thread_surfaces(monkeypatch):
    net, x = real()
    engine = EventEngine(net, Settings(steps=3), Record(), threads=2)
    engine._items_per_call = 1
    running = threading.Event()

    def fail(*arguments):
        running.set()
        raise MemoryError

    monkeypatch.setattr(engine, "_simulate", fail)
    with pytest.raises(MemoryError):
        engine.run(x)
    assert running.is_set()


@pytest.mark.parametrize("settings", [{}, {"refractory": 1}, {"floor": -0.5}])
def test_the_form_without_general_neurons_is_taken_where_it_will_do(settings):
    net, x = wide("high"), dyadic(np.random.default_rng(3), (2, 6, 7, 3), 0, 1, 6)
    forms = {
        EventEngine(net, Settings(steps=9, **settings), Record(potentials=recorded, items=1), threads=1)
        for recorded in ((), ("conv1",))
    }
    plain = [engine for engine in forms if "plain_" in engine._rows.name]
    assert len(plain) == (not settings)
    outputs = [engine.run(x).output for engine in forms]
    np.testing.assert_array_equal(*outputs)


def test_threads_must_be_positive():
    net, _ = real()
    with pytest.raises(InputError, match="`threads` must be a whole number, at least 1"):
        EventEngine(net, Settings(), Record(), threads=0)


def test_planes_add_up_to_the_fanout():
    rng = np.random.default_rng(0)
    counts = np.concatenate([np.full(64, 7), rng.integers(0, 900, 64), [5, 0, 5]])
    words, bits, values = planes(counts)
    again = np.zeros(192, np.int64)
    for word, mask, value in zip(words, bits, values, strict=True):
        for lane in range(64):
            again[64 * word + lane] += int(value) * (int(mask) >> lane & 1)
    np.testing.assert_array_equal(again[: len(counts)], counts)
    assert not again[len(counts) :].any()
    assert np.count_nonzero(words == 0) == 1  # equal fan-outs are a single plane


COMPILES = """
from snnviz.simulation.kernels import compiler, neurons
compiler.prepare(neurons.spiking_input)
"""


def test_compiling_is_announced_and_cached(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, "-c", COMPILES], env=environment, capture_output=True, text=True, check=True
        ).stderr
        for _ in range(2)
    ]
    assert "compiling the event engine" in said[0]
    assert str(tmp_path) in said[0]
    assert said[1] == ""
    assert list(tmp_path.rglob("*.nbi"))


HELPED = """
import json, subprocess, sys
from snnviz.simulation.kernels import compiler, counting, neurons
made = []
class Watched(subprocess.Popen):
    def __init__(self, *given, **options):
        super().__init__(*given, **options)
        made.append(self)
compiler.subprocess.Popen = Watched
compiler.prepare(neurons.spiking_input, neurons.given_spikes, counting.count)
compiled = [kernel._compiled.stats.cache_misses for kernel in (neurons.spiking_input, neurons.given_spikes, counting.count)]
print(json.dumps([[sum(misses.values()) for misses in compiled], [one.returncode for one in made]]))
"""


@pytest.mark.parametrize("processors", [1, 4])
def test_another_process_compiles_the_other_kernels(tmp_path, processors):
    code = f"import os; os.cpu_count = lambda: {processors}\n{HELPED}"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    compiled, ended = json.loads(done.stdout)
    assert (compiled, ended) == (([1, 1, 1], []) if processors == 1 else ([1, 0, 0], [0]))
    assert done.stderr.count("compiling the event engine") == 1


@pytest.mark.parametrize(
    ("outputs", "width", "stride", "columns", "side"),
    [(32, 3, 1, 6, 2), (16, 3, 1, 8, 4), (16, 3, 1, 6, 3), (8, 5, 2, 4, 4), (20, 3, 2, 6, 3),
     (32, 3, 1, 7, 1), (33, 3, 1, 6, 1), (32, 1, 1, 6, 1), (32, 2, 2, 6, 1)],
)  # fmt: skip
def test_columns_side_by_side_are_the_same_layer(outputs, width, stride, columns, side):
    rng = np.random.default_rng(outputs + width)
    layer = Conv2D(
        name="conv",
        input_shape=(5, (columns - 1) * stride + width - 1, 3),
        weights=dyadic(rng, (3, width, 3, outputs), -1, 1, 6),
        bias=dyadic(rng, outputs, -1, 1, 6),
        strides=(2, stride),
        padding=((1, 0), (0, 1)),
        initial_potential=dyadic(rng, (2, columns, outputs), 0, 1, 6),
    )
    assert layer.output_shape == (2, columns, outputs)
    beside = _side_by_side(layer)
    assert beside.output_shape == (2, columns // side, side * outputs)
    x = dyadic(rng, (4, *layer.input_shape), 0, 1, 4)
    for one, other in (
        (linear(layer, x) + layer.bias, linear(beside, x) + beside.bias),
        (layer.initial_potential, beside.initial_potential),
    ):
        np.testing.assert_array_equal(one.reshape(-1), other.reshape(-1))
