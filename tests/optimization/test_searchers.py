"""Ask and tell: subplex, CMA-ES, percentiles and onsets, without a simulation."""

import numpy as np
import pytest

from snnviz.errors import InputError
from snnviz.optimization.cmaes import CMAES
from snnviz.optimization.onsets import Onsets, OnsetSpace
from snnviz.optimization.percentile import Percentile
from snnviz.optimization.scales import ScaleSpace
from snnviz.optimization.subplex import Subplex

TARGET = np.array([0.5, -0.3, 0.1, 0.0, 0.7])


def bowl(vector):
    return float(((vector - TARGET) ** 2).sum())


def searched(searcher, rounds, loss=bowl):
    """Every candidate that was asked for."""
    candidates = []
    for _ in range(rounds):
        asked = searcher.ask()
        if not asked:
            break
        candidates += asked
        searcher.tell([loss(candidate) for candidate in asked])
    searcher.close()
    return candidates


SEARCHERS = {
    "subplex": lambda size=5: (Subplex(np.zeros(size)), 400),
    "cmaes": lambda size=5: (CMAES(np.zeros(size), seed=1), 80),
}


@pytest.mark.parametrize("name", SEARCHERS)
def test_it_finds_the_bottom_of_a_bowl(name):
    candidates = searched(*SEARCHERS[name]())
    assert min(map(bowl, candidates)) < 1e-3 * bowl(np.zeros(5))


@pytest.mark.parametrize("name", SEARCHERS)
def test_it_begins_with_its_start(name):
    searcher, _ = SEARCHERS[name]()
    np.testing.assert_array_equal(searcher.ask()[0], np.zeros(5))
    searcher.close()


@pytest.mark.parametrize("name", SEARCHERS)
def test_the_same_losses_bring_the_same_candidates(name):
    first, second = (searched(SEARCHERS[name]()[0], 30) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", SEARCHERS)
def test_one_coordinate_is_enough(name):
    candidates = searched(*SEARCHERS[name](1), loss=lambda vector: (vector[0] - 0.4) ** 2)
    assert min(abs(candidate[0] - 0.4) for candidate in candidates) < 0.01


def test_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    searched(CMAES(np.zeros(5), seed=3), 5)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_other_seeds_bring_other_candidates():
    first, second = (searched(CMAES(np.zeros(5), seed=seed), 2) for seed in (1, 2))
    assert not np.array_equal(first[1], second[1])


def test_subplex_can_be_left_at_any_point():
    for rounds in (0, 1, 2, 7):
        searched(Subplex(np.zeros(5)), rounds)
    waiting = Subplex(np.zeros(5))
    waiting.ask()
    waiting.close()
    waiting.close()
    assert waiting.ask() == []


def test_subplex_finishes():
    searcher = Subplex(np.zeros(2), tolerance=1e-2)
    candidates = searched(searcher, 10_000, loss=lambda vector: float((vector**2).sum()))
    assert len(candidates) < 1000
    assert searcher.ask() == []


def test_percentiles_of_each_layer(toy, toy_data):
    space = ScaleSpace(toy, "layer")
    searcher = Percentile(space, toy_data[0], grid=(50, 90, 100))
    wanted = searcher._vector([2, 0])
    candidates = searched(searcher, 100, loss=lambda vector: float(((vector - wanted) ** 2).sum()))
    np.testing.assert_array_equal(candidates[np.argmin([((c - wanted) ** 2).sum() for c in candidates])], wanted)
    assert len(candidates) <= 3 + 2 * 4  # the grid once, then two others per layer until nothing betters


def test_percentile_candidates_are_normalised_networks(toy, toy_data):
    from snnviz.simulation import analog

    space = ScaleSpace(toy, "channel")
    made = space.apply(Percentile(space, toy_data[0], grid=(100,)).ask()[0])
    for name, values in analog.activations(made, toy_data[0], ("dense1", "dense2")).items():
        largest = values.max(axis=0)
        np.testing.assert_allclose(largest[largest > 0], 1, rtol=1e-5, err_msg=name)


def test_mistakes_are_answered(toy, toy_data):
    with pytest.raises(InputError, match="step"):
        Subplex(np.zeros(2), step=0)
    with pytest.raises(InputError, match="population"):
        CMAES(np.zeros(2), population=1)
    with pytest.raises(InputError, match="grid"):
        Percentile(ScaleSpace(toy), toy_data[0], grid=(0, 50))


ONSETS = (0, 1, 3, 2)


def far_from_onsets(start):
    return lambda vector: float(np.abs(np.add(start, vector) - ONSETS).sum())


@pytest.mark.parametrize(("start", "second"), [((0, 0, 0, 0), (0, 1, 1, 2)), ((4, 4, 4, 4), (0, 0, 0, 0))])
def test_onsets_are_found_one_by_one_and_each_is_tried_once(start, second):
    candidates = searched(Onsets(start, clamps=(0, 0.5)), 100, far_from_onsets(start))
    np.testing.assert_array_equal(candidates[:2], [np.zeros(4), np.subtract(second, start)])
    tried = {tuple(np.add(start, candidate).astype(int)) for candidate in candidates}
    assert ONSETS in tried
    assert len(tried) == len(candidates)
    assert min(map(min, tried)) == 0


def test_onsets_end_where_no_change_helps():
    searcher = Onsets(ONSETS, clamps=())
    searched(searcher, 100, far_from_onsets(ONSETS))
    assert searcher.ask() == []


def test_a_vector_of_onsets_is_added_to_the_start(toy):
    space = OnsetSpace(toy.with_onsets([2, 0, 1]))
    assert space.apply(space.start()).hash == space.network.hash
    assert [layer.onset for layer in space.apply([-3, 1.4, 1]).layers] == [0, 1, 2]
    for vector, message in (([0, 0], "shape"), ([0, 0, np.nan], "finite")):
        with pytest.raises(InputError, match=message):
            space.apply(vector)
