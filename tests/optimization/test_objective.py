"""The objective, against numbers worked out by hand."""

import numpy as np
import pytest

from snnviz.errors import InputError
from snnviz.optimization.objective import Counts, Objective, Terms, checked_lambdas

# 10 items, 4 steps, A_ref = 0.8: A = 0.2 0.6 0.8 0.9, E = 5 10 20 1
COUNTS = Counts(np.array([2, 6, 8, 9]), np.array([50, 100, 200, 10]), 10)
# shortfalls (0.6 0.2 0 -0.1) / 0.8
TERMS = Terms(0.9, 0.7 / 0.8, (0.6 * 5 + 0.2 * 10 - 0.1 * 1) / 0.8)


def test_terms_of_a_hand_computed_curve():
    found = Terms.of(COUNTS, 0.8)
    assert found.peak_accuracy == pytest.approx(0.9)
    assert found.latency == pytest.approx(0.875)
    assert found.power == pytest.approx(6.125)


def test_loss_of_a_hand_computed_curve():
    aim = Objective(200, 2, 0.1)
    assert aim.parts(TERMS) == pytest.approx((20, 1.75, 0.6125))
    assert aim.loss(TERMS) == pytest.approx(22.3625)


def test_open_weights_make_the_start_cost_one_each():
    aim = Objective.at(TERMS)
    assert aim.parts(TERMS) == pytest.approx((20, 1, 1))
    assert aim.lambda_l == pytest.approx(1 / 0.875)


def test_given_weights_stay():
    assert Objective.at(TERMS, (50, 0, 3)) == Objective(50, 0, 3)


def test_a_start_as_good_as_its_analog_network_is_measured_in_wrong_items():
    """One item more that is wrong at every step changes the terms by the units, so that it costs one each."""
    least = Terms.of_one_item(COUNTS, 0.8)
    worse = Terms.of(Counts(COUNTS.correct - 1, COUNTS.events, COUNTS.items), 0.8)
    assert worse.latency - TERMS.latency == pytest.approx(least.latency)
    assert worse.power - TERMS.power == pytest.approx(least.power)
    aim = Objective.at(Terms(0.8, 0.0, 0.0), least=least)
    assert aim.parts(least) == pytest.approx((200 * 0.9, 1, 1))
    assert Objective.at(TERMS, least=least) == Objective.at(TERMS)
    # 0.1 + 0.2 - 0.3 is not 0: shares that cancel leave a rounding error, no unit
    even = Terms.of(Counts(np.array([1, 2, 3, 2]), np.array([7, 7, 7, 7]), 3), 2 / 3)
    assert abs(even.latency) < 1e-15
    rounded = Terms(even.peak_accuracy, even.latency + 4e-15, even.power - 4e-15)
    unit = Terms.of_one_item(Counts(np.array([1, 2, 3, 2]), np.array([7, 7, 7, 7]), 3), 2 / 3)
    assert Objective.at(rounded, least=unit) == Objective.at(Terms(1, 0.0, 0.0), least=unit)


def test_shards_add_up():
    twice = COUNTS + COUNTS
    assert twice.items == 20
    assert Terms.of(twice, 0.8) == Terms.of(COUNTS, 0.8)


@pytest.mark.parametrize(
    "lambdas", [(-1, None, None), (200, -0.1, None), (200, None, float("nan")), (None, 1, 1), (1, 2), "abc", 200]
)
def test_bad_lambdas_are_refused(lambdas):
    with pytest.raises(InputError, match=r"lambda.*Received"):
        checked_lambdas(lambdas)


def test_a_start_better_than_its_analog_network_gives_units_as_well():
    aim = Objective.at(Terms(0.9, -0.1, -4.0))
    assert (aim.lambda_l, aim.lambda_p) == pytest.approx((10, 0.25))
    assert aim.loss(Terms(0.9, -0.2, -4.0)) == pytest.approx(aim.loss(Terms(0.9, -0.1, -4.0)) - 1), "better still"
    with pytest.raises(InputError, match="lambda_l"):
        Objective.at(Terms(0.9, 0.0, 1.0))
    assert Objective.at(Terms(0.9, -0.1, 1.0), (200, 1.0, None)).loss(Terms(1.0, -0.1, 1.0)) == pytest.approx(0.9)
