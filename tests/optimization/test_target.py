"""Optimisation under the constraints of SpiNNaker."""

import pickle

import numpy as np
import pytest

from snnviz import metrics
from snnviz.errors import InputError
from snnviz.hardware.spinnaker import model
from snnviz.optimization import optimize
from snnviz.optimization.objective import Terms
from snnviz.optimization.problem import Problem
from tests.hardware.spinnaker.networks import images, pooled_network

STEPS = 12


@pytest.fixture(scope="module")
def data():
    net = pooled_network(3)
    x, y = images(net, 40)
    return net, x, y


def test_a_vector_counts_what_is_expected_of_its_network(data):
    net, x, y = data
    problem = Problem(model.with_pooled_input(net), model.pooled(net, x), y, STEPS, target="spinnaker")
    scales = np.linspace(-0.5, 0.5, problem.space.size)
    found = problem.count(scales)
    network = model.with_pooling_of(net, problem.space.apply(scales))
    expected = model.expect(network, x, y, STEPS, engine="event", progress=False)
    np.testing.assert_array_equal(found.correct / len(x), expected["accuracy"].values)
    np.testing.assert_allclose(found.events / len(x), expected["synaptic_events"].sum("layer").values)
    # as a worker gets it
    again = pickle.loads(pickle.dumps(problem))
    assert again.key(scales) == problem.key(scales)
    np.testing.assert_array_equal(again.count(scales).correct, found.correct)
    assert problem.hash != Problem(problem.network, problem.x, y, STEPS).hash


def test_the_network_found_has_its_pooling_again_and_does_as_reported(data):
    net, x, y = data
    found = optimize(
        net, x, y, method="subplex", per="layer", steps=STEPS, with_potentials=True, budget_evaluations=12,
        target="spinnaker", progress=False, training=(x, y),
    )  # fmt: skip
    assert found.network.layer_names == net.layer_names
    assert found.network.metadata["optimization"]["target"] == "spinnaker"
    expected = model.expect(found.network, x, y, STEPS, engine="event", progress=False)
    assert found.best == Terms(
        metrics.peak_accuracy(expected),
        metrics.pareto_latency(expected, found.reference),
        pytest.approx(metrics.pareto_power(expected, found.reference)),
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "moon", "method": "subplex"}, r"`target` must be one of 'spinnaker'. Received: 'moon'"),
        ({"target": "spinnaker"}, r"`method` with a target must be subplex, cmaes or percentile, .* Received: 'auto'"),
        ({"target": "spinnaker", "method": "gradient"}, r"`method` with a target must be"),
    ],
)
def test_refused(data, options, message):
    with pytest.raises(InputError, match=message):
        optimize(*data, steps=STEPS, **options)
