"""The estimate of energy, against sums by hand."""

import json

import numpy as np
import pytest

from snnviz import energy, pretrained
from snnviz.errors import InputError
from tests.parity.networks import residual
from tests.synthetic import result_of


def test_by_hand():
    result = result_of([0.5, 0.6, 0.9], [[10, 1], [20, 2], [30, 3]])  # two layers of 3 neurons, beside the input's 4
    found = energy.estimate(result, 2).set_index("platform")
    loihi = energy.PLATFORMS["Loihi"]
    assert found.loc["Loihi", "synaptic"] == pytest.approx((10 + 1 + 20 + 2) * loihi.synaptic)
    assert found.loc["Loihi", "updates"] == pytest.approx(2 * 6 * loihi.update)
    assert found.loc["Loihi", "energy"] == pytest.approx(33 * 23.6e-12 + 12 * 81e-12)
    assert found.attrs["estimate"] is True
    assert energy.estimate(result).attrs["events"] == 66
    assert not found.index.str.contains("analog").any(), "the analog network's cost needs the network"


def test_the_image_itself_makes_multiplications_and_no_events():
    settings = json.dumps({"input": "analog"})
    result = result_of([0.5, 0.6], [[10, 1], [20, 2]], settings=settings)
    found = energy.estimate(result).set_index("platform")
    assert (found.attrs["events"], found.attrs["macs"]) == (3, 30)
    loihi, additions = found.loc["Loihi"], found.loc["45 nm additions"]
    assert loihi["energy"] == pytest.approx(3 * 23.6e-12 + 12 * 81e-12)
    assert np.isnan(loihi["multiplications"])
    assert "without 30 multiply-accumulates of the image" in loihi["note"]
    assert additions["multiplications"] == pytest.approx(30 * 4.6e-12)
    assert additions["energy"] == pytest.approx(3 * 0.9e-12 + 30 * 4.6e-12)
    assert additions["low"] == pytest.approx(3 * 0.1e-12 + 30 * 4.6e-12)


def test_every_layer_that_takes_the_image_multiplies():
    network = residual(1)
    names = [layer.name for layer in network.layers]
    events = np.arange(1.0, len(names) + 1)[None]
    result = result_of([0.5], events, layers=names, settings=json.dumps({"input": "analog"}))
    taking = [place for place, sources in enumerate(network.sources) if set(sources) == {0}]
    assert taking[0] == 0
    assert energy.estimate(result, network=network).attrs["macs"] == events[0, taking].sum()


def test_the_range_has_idle_neurons_and_spikes_in_it():
    result = result_of([0.5, 0.6], [[10, 1], [20, 2]])
    rates = result["spike_rate"].values
    fired = 3 * rates[:, 1:].sum()  # layers of 3 neurons
    found = energy.estimate(result).set_index("platform")
    assert found.attrs["spikes"] == pytest.approx(fired)
    low, high = found.loc["Loihi", ["low", "high"]]
    assert low == pytest.approx(33 * 23.6e-12 + fired * 81e-12 + (12 - fired) * 52e-12 + fired * 1.7e-12)
    assert high == pytest.approx(33 * 35.5e-12 + 12 * 81e-12 + fired * 180.3e-12)
    assert (found["low"] <= found["energy"]).all()
    assert (found["energy"] <= found["high"]).all()


def test_the_analog_network_computes_every_synapse_once():
    network = pretrained.network("dense-mnist-optimized")
    names = [layer.name for layer in network.layers]
    found = energy.estimate(result_of([1.0], [[1, 1, 1]], layers=names), network=network).set_index("platform")
    synapses = 784 * 128 + 128 * 128 + 128 * 10
    assert found.loc["GPU, analog network", "synaptic"] == pytest.approx(synapses * 0.3e-9)


def test_every_constant_has_its_source():
    for platform in energy.PLATFORMS.values():
        assert platform.synaptic > 0
        assert platform.update >= 0
        assert any(str(year) in platform.source for year in range(2010, 2026))


@pytest.mark.parametrize(
    ("joules", "text"), [(0.0, "0 pJ"), (4.5e-12, "4.5 pJ"), (1.234e-6, "1.23 µJ"), (0.5, "500 mJ"), (20.0, "20 J")]
)
def test_readable(joules, text):
    assert energy.readable(joules) == text


def test_bad_input():
    result = result_of([0.5, 0.6], [1, 1])
    for time in (0, 3, 1.5):
        with pytest.raises(InputError, match="`time`"):
            energy.estimate(result, time)
    with pytest.raises(InputError, match="`joules`"):
        energy.readable(np.nan)
