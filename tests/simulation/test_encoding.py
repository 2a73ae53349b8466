"""Poisson spike trains."""

import numpy as np

from snnviz.simulation.encoding import poisson_spikes


def test_rates_are_intensities():
    x = np.array([[0.0, 0.25, 0.9, 1.0]], np.float32)
    trains = poisson_spikes(x, 4000, seed=1)
    assert trains.shape == (1, 4000, 4)
    rates = trains.mean(axis=1)[0]
    assert rates[0] == 0
    assert rates[3] == 1  # a draw is below 1 always
    np.testing.assert_allclose(rates[1:3], x[0, 1:3], atol=4 * 0.5 / np.sqrt(4000))


def test_a_train_depends_on_seed_and_item_alone():
    x = np.full((5, 2, 3), 0.5, np.float32)
    whole = poisson_spikes(x, 20, seed=3)
    np.testing.assert_array_equal(whole[2:4], poisson_spikes(x[2:4], 20, seed=3, first_item=2))
    assert not np.array_equal(whole, poisson_spikes(x, 20, seed=4))
    assert not np.array_equal(whole[0], whole[1])
