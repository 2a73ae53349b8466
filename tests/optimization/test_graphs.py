"""Searches over networks with branches: one scale for each population."""

import numpy as np
import pytest

from snnviz import InputError, jobs, optimize
from snnviz.optimization.scales import ScaleSpace, relative_scales
from snnviz.plots import scales_data
from snnviz.runs import Store
from snnviz.simulation import Settings, analog
from tests.parity.networks import KINDS, random_inputs, residual


@pytest.fixture(scope="module")
def items():
    x = random_inputs(residual(1), Settings(), 24, 5)
    return x, analog.logits(residual(1), x).argmax(axis=1)


@pytest.mark.parametrize("method", ["percentile", "subplex", "cmaes", "onsets"])
def test_a_search_finds_a_network_of_the_same_function(method, items):
    x, y = items
    found = optimize(residual(1), x, y, method=method, steps=6, per="layer", budget_evaluations=8, progress=False)
    assert len(found.history) <= 8
    assert found.network.sources == residual(1).sources
    assert found.history["loss"].min() <= found.history["loss"].iloc[0]
    np.testing.assert_array_equal(analog.logits(found.network, x).argmax(axis=1), y)


def test_a_method_that_knows_no_graphs_is_refused_before_a_run_begins(tmp_path):
    network = residual(1).save(tmp_path / "network.npz")
    store = Store(tmp_path / "runs")
    spec = {"kind": "optimize", "options": {"network": str(network), "method": "gradient"}}
    with pytest.raises(InputError, match=r"single path of layers for method 'gradient' \(take 'subplex'"):
        jobs.run(spec, store=store)
    assert not store.list()


@pytest.mark.parametrize("per", ["layer", "channel"])
def test_scales_are_read_off_a_graphs_weights(per):
    space = ScaleSpace(residual(1), per)
    vector = np.random.default_rng(0).normal(0, 0.3, space.size)
    after = space.apply(vector)
    found = relative_scales(residual(1), after)
    expected = np.concatenate(
        [np.broadcast_to(np.exp(vector[i]), layer.channels) for i, layer in enumerate(after.layers)]
        if per == "layer"
        else [np.exp(vector[:-1]), np.full(4, np.exp(vector[-1]))]
    )
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-5)
    assert scales_data(residual(1), after)["layer"].unique().tolist() == [layer.name for layer in after.layers]
    with pytest.raises(InputError, match="different shapes"):
        relative_scales(KINDS["deep"](1), after)
    with pytest.raises(InputError, match="other weights in layer 'stem'"):
        relative_scales(residual(2), after)
