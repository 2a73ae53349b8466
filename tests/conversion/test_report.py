"""The conversion report against the quantities counted by hand."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from snnviz import InputError, simulate
from snnviz.conversion import conversion_report, convert
from snnviz.simulation import Record, analog
from tests.conversion import models

STEPS = 20


@pytest.fixture(scope="module")
def model():
    return models.randomised(
        keras.Sequential(
            [
                keras.Input((6, 6, 1)),
                kl.Conv2D(3, 3, activation="relu", name="conv"),
                kl.AveragePooling2D(2, name="pool"),
                kl.Flatten(),
                kl.Dense(8, activation="relu", name="hidden"),
                kl.Dense(3, activation="softmax", name="classes"),
            ]
        )
    )


@pytest.fixture(scope="module")
def x(model):
    return models.images(model, 12)


@pytest.fixture(scope="module")
def network(model, x):
    return convert(model, x, 95.0)


@pytest.fixture(scope="module")
def report(network, x, model):
    return conversion_report(network, x, STEPS, model, progress=False)


def test_rows_and_columns(report, network):
    assert list(report.index) == ["input", "conv", "pool", "hidden", "classes"]
    assert list(report["kind"]) == ["input", "conv2d", "pooling", "dense", "dense"]
    assert list(report["neurons"]) == [36, 48, 12, 8, 3]
    assert list(report["synapses"]) == [0, 48 * 9, 12 * 4, 12 * 8, 8 * 3]
    assert report.loc["classes", ["saturated", "active", "dead", "rate_error", "rate_bias"]].isna().all()
    assert report.attrs["percentile"] == 95.0
    assert report["scale"].to_dict() == pytest.approx({"input": 1.0, **network.metadata["scales"]})
    assert (report["scale"] * report["percentile_activation"]).to_numpy() == pytest.approx(1)


def test_fractions_are_counted_on_the_analog_activations(report, network, x):
    for name, values in analog.activations(network, x, ["input", "conv", "pool", "hidden"]).items():
        assert report.loc[name, "saturated"] == pytest.approx((values > 1).mean())
        assert report.loc[name, "active"] == pytest.approx((values > 0).mean())
        assert report.loc[name, "dead"] == pytest.approx((values == 0).all(axis=0).mean())
    assert 0.02 < report.loc["hidden", "saturated"] <= 0.08


@pytest.fixture(scope="module")
def result(network, x, model):
    classes = np.asarray(model(x)).argmax(axis=1)
    record = Record(spikes=network.firing_names, items=len(x))
    return simulate(network, x, classes, STEPS, engine="graph", record=record, progress=False)


def test_rate_errors_are_those_of_the_simulators_spikes(report, result, network, x):
    activity = analog.activations(network, x, network.firing_names)
    for name in network.firing_names:
        rates = result[f"spikes_{name}"].values.mean(axis=1)
        error = rates - np.minimum(activity[name].reshape(len(x), -1), 1)
        assert report.loc[name, "rate_error"] == pytest.approx(np.abs(error).mean(), abs=1e-6)
        assert report.loc[name, "rate_bias"] == pytest.approx(error.mean(), abs=1e-6)
    # an input neuron that starts half way fires to within half a spike
    assert 0 < report.loc["input", "rate_error"] <= 0.5 / STEPS + 1e-6


def test_agreement_with_the_model(report, result):
    assert report.attrs["model_agreement"] == 1
    assert report.attrs["spiking_model_agreement"] == pytest.approx(float(result["accuracy"][-1]))
    assert report.attrs["spiking_agreement"] == pytest.approx(float(result["accuracy"][-1]))


def test_batches_do_not_matter(report, network, x):
    parts = conversion_report(network, x, STEPS, batch_size=5, progress=False)
    np.testing.assert_allclose(
        parts.drop(columns="kind").to_numpy(float), report.drop(columns="kind").to_numpy(float), rtol=1e-5, atol=1e-6
    )
    assert "model_agreement" not in parts.attrs


def test_more_steps_bring_rates_closer(report, network, x):
    longer = conversion_report(network, x, 10 * STEPS, progress=False)
    assert longer.loc["conv", "rate_error"] < 0.5 * report.loc["conv", "rate_error"]


@pytest.mark.parametrize("mode", ["poisson", "analog"])
def test_other_inputs(network, x, mode):
    other = conversion_report(network, x, STEPS, input=mode, progress=False)
    assert np.isnan(other.loc["input", "rate_error"]) == (mode == "analog")
    assert np.isfinite(other.loc["hidden", "rate_error"])


def test_wrong_arguments(network, x):
    for arguments in ({"steps": 0}, {"batch_size": 0}, {"engine": "other"}):
        with pytest.raises(InputError):
            conversion_report(network, x, **arguments)
    with pytest.raises(InputError, match="must have shape"):
        conversion_report(network, x[:, :5])
