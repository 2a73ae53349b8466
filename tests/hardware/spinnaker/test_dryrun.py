"""The dry run on sPyNNaker's own virtual board, and what it says about plans."""

import importlib.util
import json
import types
from dataclasses import replace

import numpy as np
import pytest

from snnviz import _memory, _progress, pretrained
from snnviz.errors import InputError
from snnviz.hardware.spinnaker import dryrun, layout, model, process, program
from snnviz.hardware.spinnaker.dryrun import Chip, Core
from snnviz.hardware.synapses import Synapses
from tests.hardware.spinnaker.networks import conv_network, dense_network, images, pooled_network, residual_network

needs_spynnaker = pytest.mark.skipif(
    importlib.util.find_spec("spynnaker") is None, reason="needs sPyNNaker: pip install 'snnviz[spinnaker]'"
)
STEPS = 10


@pytest.fixture(scope="module")
def seen():
    """What the bar of `planned` showed."""
    return []


@pytest.fixture(scope="module")
def planned(seen):
    """A network that begins with pooling, mapped by the real tool chain, once for all tests."""
    net = pooled_network(1)
    x, _ = images(net, 5)
    with _progress.listening(lambda state: seen.append((state["n"], state["total"], state["prefix"])), draw=False):
        return net, x, dryrun.dry_run(net, x, STEPS)


@needs_spynnaker
def test_what_the_tool_chain_decides(planned):
    net, _, plan = planned
    stored = model.quantise(model.with_pooled_input(net))
    assert [layer.name for layer in plan.layers] == ["input", "hidden", "output"]
    assert [layer.neurons for layer in plan.layers] == [12, 30, 4]
    # the shifts that the chip will use are those that our model rounds with
    assert [layer.shifts for layer in plan.layers] == [None, *stored.shifts]
    assert plan.fits_one_board
    assert len(plan.chips) == 48
    assert plan.application_cores == sum(layer.cores for layer in plan.layers) == 3
    assert plan.used_chips == 1
    assert 0 < plan.routing_entries <= 3
    assert all(layer.sdram > 1000 for layer in plan.layers)
    assert plan.warnings == ()


@needs_spynnaker
def test_counts_agree_with_the_network_and_its_spikes(planned):
    net, x, plan = planned
    weights = model.quantise(model.with_pooled_input(net)).network.layers[0].weights != 0
    assert plan.layers[1].synapses == weights.sum()
    assert plan.layers[1].fan_in == weights.sum(axis=0).max()
    assert plan.layers[0].fan_out == weights.sum(axis=1).max()
    assert [layer.arrivals for layer in plan.layers] == [0, plan.layers[0].burst, plan.layers[1].burst]  # one core each
    assert plan.layers[0].burst == layout.prepare(net, x, STEPS).input_spikes.sum(axis=-1).max()


def test_rows_are_those_that_spynnaker_finds_one_by_one():
    rng = np.random.default_rng(3)
    indices, data = rng.integers(0, 7, 60), rng.integers(0, 100, (60, 2))
    for most in (3, 100):
        one_by_one = [data[indices == row][:most].reshape(-1) for row in range(9)]
        for ours, theirs in zip(program.split_rows(indices, 9, data, most), one_by_one, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_program_that_the_tool_chain_lacks_is_named(planned):
    net, x, _ = planned
    decided = {"cores": [], "chips": [], "shifts": {}, "missing": ["IF_curr_exp_pool_dense.aplx"]}
    assert program.absent(types.SimpleNamespace(get_executable_path={"a.aplx": "/a"}.__getitem__), "a.aplx") == []
    assert program.absent(types.SimpleNamespace(get_executable_path={}.__getitem__), "b.aplx") == ["b.aplx"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dryrun, "_layers", lambda *_: ())
        patch.setattr(dryrun, "_warnings", lambda *_: [])
        plan = dryrun._plan(layout.prepare(net, x, STEPS), decided, {}, STEPS, 1.0)
    assert len(plan.warnings) == 1
    assert "no program IF_curr_exp_pool_dense.aplx" in plan.warnings[0]


@needs_spynnaker
def test_values_of_a_core_are_those_that_spynnaker_finds():
    from spinn_utilities.ranged.ranged_list import RangedList

    values = RangedList(size=12, value=[0, 0, 1, 1, 1, 2, 2, 0, 0, 0, 0, 3], key="v")
    usual, asked = RangedList.iter_ranges_by_ids, []

    def spread(ranges):
        return [(neuron, float(value)) for start, stop, value in ranges for neuron in range(start, stop)]

    for ids in (np.arange(3, 9), [3, 4, 5], [11], [4, 2, 9], []):
        found = program.ranges_by_ids(values, ids, lambda *given: asked.append(given[1]) or usual(*given))
        assert spread(found) == spread(usual(values, ids)), ids
    assert asked == [[4, 2, 9], []], "neighbours are found as a slice"


@needs_spynnaker
def test_the_bar_moves_by_core_and_names_the_layer(planned, seen):
    told = [state for state in seen if state[2].startswith("writing")]
    assert [(done, total) for done, total, _ in told] == [(1, 2), (2, 2)]  # the input's spikes are no neurons' data
    assert "output" in told[-1][2]


@needs_spynnaker
def test_a_plan_as_a_file(planned, tmp_path):
    plan = planned[2]
    plan.save(tmp_path / "plan.json")
    assert dryrun.Plan.load(tmp_path / "plan.json") == plan
    json.dumps(plan.as_json())
    assert list(plan.table().index) == ["input", "hidden", "output"]


@needs_spynnaker
@pytest.mark.slow
def test_a_residual_network_is_mapped():
    """The tool chain's shifts are those of sums over all projections, and what it counts is of all of them."""
    net = residual_network(1)
    x, _ = images(net, 3)
    plan = dryrun.dry_run(net, x, STEPS)
    stored = model.quantise(net)
    assert [layer.shifts for layer in plan.layers] == [None, *stored.shifts]
    two = next(layer for layer in plan.layers if layer.name == "two")
    assert two.sources == ("second", "one")
    parts = [
        each.synapse_list() for each in next(each for each in stored.network.layers if each.name == "two").projections
    ]
    assert two.synapses == sum(map(len, parts))
    assert two.fan_in == np.bincount(np.concatenate([part.post for part in parts])).max()
    assert two.arrivals <= sum(layer.burst for layer in plan.layers if layer.name in two.sources)


@needs_spynnaker
@pytest.mark.slow
@pytest.mark.parametrize("make", [dense_network, conv_network])
@pytest.mark.parametrize("headroom", model.HEADROOMS)
def test_shifts_are_those_of_the_tool_chain(make, headroom):
    net = make(2)
    x, _ = images(net, 2)
    plan = dryrun.dry_run(net, x, 3, headroom=headroom)
    assert [layer.shifts for layer in plan.layers[1:]] == list(model.quantise(net, headroom).shifts)


@needs_spynnaker
@pytest.mark.slow
def test_an_input_that_is_not_pooled_is_warned_about():
    net = pretrained.network("dense-mnist-heuristic")
    plan = dryrun.dry_run(net, np.full((1, 28, 28, 1), 0.5, np.float32), 3)
    assert any("The input sends up to 784 spikes in one step" in warning for warning in plan.warnings)
    assert all("Remedy" in warning for warning in plan.warnings)
    assert plan.fits_one_board


def layer(name="hidden", **values):
    defaults = {
        "neurons": 10, "cores": 1, "sdram": 1000, "synapses": 10, "fan_in": 5, "fan_out": 5, "burst": 5,
        "arrivals": 5,
        "shifts": (1, 1), "lost": 0,
    }  # fmt: skip
    return dryrun.LayerPlan(name, **defaults | values)


def chip(x=0, y=0, **values):
    return Chip(x, y, **{"cores": 17, "sdram": 10_000, "entries": 3, "router": 1023, "board": (0, 0)} | values)


CORE = Core(0, 0, 3, "hidden", 0, 10, 1000)


@pytest.mark.parametrize(
    ("layers", "cores", "chips", "words"),
    [
        ([layer("input", burst=101), layer()], [CORE], [chip()], "The input sends up to 101 spikes .* pool the input"),
        (
            [layer("input"), layer("a"), layer("b", arrivals=300)],
            [CORE],
            [chip()],
            "Up to 300 spikes of a reach one core of b",
        ),
        ([layer("input"), layer(fan_in=300)], [CORE], [chip()], "A neuron of hidden has 300 inputs, more than the 256"),
        ([layer("input"), layer()], [CORE], [chip(entries=1100)], r"Chip \(0, 0\) needs 1100 routing entries of 1023"),
        ([layer("input"), layer()], [replace(CORE, sdram=2**25)], [chip()], r"Chip \(0, 0\) needs 32 MiB of memory"),
        ([layer("input"), layer(lost=4)], [CORE], [chip()], "4 weights of hidden are too small"),
        ([layer("input"), layer()], [CORE], [chip(), chip(8, 0, board=(8, 0))], "needs 2 boards"),
    ],
)
def test_warnings_name_the_remedy(layers, cores, chips, words):
    import re

    (warning,) = dryrun._warnings(tuple(layers), tuple(cores), tuple(chips))
    assert re.search(words, warning)
    assert "Remedy" in warning


def test_nothing_to_warn_about():
    assert dryrun._warnings((layer("input"), layer()), (CORE,), (chip(),)) == []


def test_networks_that_are_too_large(monkeypatch):
    monkeypatch.setattr(layout, "MOST_SYNAPSES", 100)
    net = dense_network()
    x, _ = images(net, 1)
    with pytest.raises(
        InputError, match=r"`network` must have at most 100 synapses for SpiNNaker; prune it, or pool its input"
    ):
        dryrun.dry_run(net, x)


def test_what_it_will_take_is_known_before(monkeypatch):
    net = dense_network()
    cost = dryrun.cost(net)
    assert cost.synapses == sum(int(np.count_nonzero(layer.weights)) for layer in net.layers)
    assert 5 <= cost.seconds < 6
    assert str(cost) == f"{cost.synapses:,} synapses, about 5 s of processor time and 0.2 GB of memory"
    monkeypatch.setattr(_memory, "available", lambda: 1e8)
    with pytest.raises(
        InputError, match=rf"0\.1 GiB now. Received: {cost.synapses:,} synapses, which take about 0\.2 GiB"
    ):
        dryrun.dry_run(net, np.zeros((1, *net.input_shape), np.float32))


def test_wrong_arguments(tmp_path):
    net = dense_network()
    x, _ = images(net, 1)
    with pytest.raises(InputError, match=r"`steps` must be a whole number, at least 1. Received: 0"):
        dryrun.dry_run(net, x, 0)
    with pytest.raises(InputError, match=r"`network` must be a SpikingNetwork"):
        dryrun.dry_run("net", x)
    with pytest.raises(InputError, match=r"`path` must be a plan of a dry run"):
        dryrun.Plan.load(tmp_path / "missing.json")
    (tmp_path / "other.json").write_text('{"layers": 3}')
    with pytest.raises(InputError, match=r"`path` must be a plan of a dry run"):
        dryrun.Plan.load(tmp_path / "other.json")


def test_a_tool_chain_that_fails(monkeypatch):
    def fail(*arguments, **options):
        raise InputError("`target` failed: the network does not fit the machine")

    monkeypatch.setattr(process, "run_program", fail)
    monkeypatch.setattr(process, "require_spynnaker", lambda: None)
    net = dense_network()
    x, _ = images(net, 1)
    with pytest.raises(InputError, match=r"does not fit"):
        dryrun.dry_run(net, x)


def test_spikes_reach_the_cores_that_have_synapses_from_their_core():
    """Two cores of two neurons each before, two of one neuron each after; the second of these hears the second core only."""
    synapses = Synapses(np.array([0, 2, 3]), np.array([0, 0, 1]), np.ones(3, np.float32))
    spikes = np.array([[[1, 1, 1, 0], [0, 1, 0, 0]]], bool)
    before = [Core(0, 0, number, "a", first, 2, 0) for number, first in ((3, 0), (4, 2))]
    after = [Core(0, 0, number, "b", first, 1, 0) for number, first in ((5, 0), (6, 1))]
    assert dryrun._arrivals([synapses], spikes, after, before).max() == 3
    only_last = Synapses(np.array([3]), np.array([1]), np.ones(1, np.float32))
    assert dryrun._arrivals([only_last], spikes, after, before).max() == 1
