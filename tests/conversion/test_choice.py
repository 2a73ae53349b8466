"""What `convert` chooses where nothing is given, and that what is given is kept."""

import keras
import numpy as np
import pytest

import snnviz
from snnviz import plots
from snnviz.conversion import convert, fold, load_keras, measure
from snnviz.conversion.choice import REFERENCES, Setting, Trial
from snnviz.conversion.choice import _best as best
from snnviz.errors import InputError


@pytest.fixture(scope="module")
def model():
    return load_keras("dense-mnist")


@pytest.fixture(scope="module")
def images():
    return snnviz.datasets.load("mnist", split="train", limit=160)


def test_the_choice_is_told_and_made_again(model, images):
    made = [convert(model, images.x, y_norm=images.y, input="analog", progress=False) for _ in range(2)]
    assert made[0].encode()[0] == made[1].encode()[0]
    assert made[0].hash == made[1].hash
    about = made[0].metadata["choice"]
    chosen = [row for row in about["rows"] if row["chosen"]]
    assert (about["input"], about["items"], about["labels"]) == ("analog", 40, "given")
    assert made[0].metadata["norm_items"] == 120  # the others were held out
    assert len(chosen) == 1
    for name in ("per", "percentile", "initial_potential", "correct_potential"):
        assert chosen[0][name] == made[0].metadata[name]
    held = snnviz.simulate(made[0], images.x[120:], images.y[120:], about["steps"], input="analog", progress=False)
    np.testing.assert_allclose(chosen[0]["accuracy"], held.accuracy, atol=1e-4)
    assert chosen[0]["pareto_latency"] == pytest.approx(snnviz.metrics.pareto_latency(held), abs=1e-3)


def test_the_choice_is_the_soonest_that_spends_no_more_than_the_better_reference(model, images):
    rows = convert(model, images.x, y_norm=images.y, progress=False).metadata["choice"]["rows"]
    never = 1 + len(rows[0]["accuracy"])

    def rank(row):
        return (row["settled"] or never, row["pareto_latency"], row["events"])

    references = [row for row in rows if (row["per"], row["percentile"]) in REFERENCES and not row["correct_potential"]]
    limit = min(references, key=rank)["events"]
    assert min((row for row in rows if row["events"] <= limit), key=rank)["chosen"]


def trial(per, accuracy, events):
    setting = Setting(per=per, percentile=99.0, correct_potential=0 if per == "layer" else 6)
    given = {"accuracy": np.array(accuracy), "events": np.full(len(accuracy), events), "fewest": 0.01}
    return Trial(setting=setting, network=None, found=None, **given)


@pytest.mark.parametrize(("events", "chosen"), [(19.0, "channel"), (21.0, "layer")])
def test_where_the_reference_does_not_settle_events_are_compared_until_it_is_as_good_as_it_gets(events, chosen):
    reference = trial("layer", [0.1, 0.2, 0.4, 0.8], 10.0)  # 0.8 for 40 events, and no more
    sooner = trial("channel", [0.7, 0.8, 0.9, 0.95], events)  # in all four steps more than these
    assert best([reference, sooner]).setting.per == chosen


def test_what_is_given_is_kept(model, images):
    given = convert(model, images.x, 99.5, "channel", initial_potential=0.25, progress=False)
    assert "choice" not in given.metadata
    assert (given.metadata["percentile"], given.metadata["per"], given.metadata["norm_items"]) == (99.5, "channel", 160)
    assert {float(np.mean(layer.initial_potential)) for layer in given.layers} == {0.25}
    rows = convert(model, images.x, per="channel", correct_potential=3, progress=False).metadata["choice"]["rows"]
    assert {(row["per"], row["correct_potential"]) for row in rows} == {("channel", 3)}


def test_the_papers_setting_is_one_word(model, images):
    network = convert(model, images.x, setting="paper", progress=False)
    folded = fold(model)
    assert network.hash == folded.scaled(measure(folded, images.x, 99.0, "layer").scales).hash
    assert set(network.metadata) == {
        *folded.metadata, "percentile", "per", "clamp", "correct_bias", "norm_items", "scales"
    }  # fmt: skip


def test_of_few_items_none_is_held_out(model, images):
    assert convert(model, images.x[:5], progress=False).metadata["norm_items"] == 5


@pytest.mark.parametrize(
    "wrong", [{"setting": "best"}, {"input": "poisson"}, {"per": "neuron"}, {"correct_potential": -1}]
)
def test_wrong_choices_are_refused(model, images, wrong):
    with pytest.raises(InputError, match=f"`{next(iter(wrong))}` must be"):
        convert(model, images.x[:5], **wrong)


@pytest.fixture(scope="module")
def deep():
    """A classifier of fourteen layers: with the clamp that is tried, the last hidden one begins at step 4."""
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(12, "relu", kernel_initializer="he_normal") for _ in range(13)]
    return keras.Sequential([keras.layers.Input((12,)), *hidden, keras.layers.Dense(3)])


@pytest.fixture(scope="module")
def items():
    return np.random.default_rng(0).random((80, 12)).astype(np.float32)


def test_a_deep_network_that_hears_spikes_is_tried_with_a_clamp(deep, items):
    made = convert(deep, items, progress=False)
    about = made.metadata["choice"]
    late = [row for row in about["rows"] if row["clamp"]]
    assert [(row["clamp"], row["correct_potential"]) for row in late] == [(0.34, 10)]
    (chosen,) = (row for row in about["rows"] if row["chosen"])
    assert made.metadata["clamp"] == chosen["clamp"]
    assert (max(layer.onset for layer in made.layers[:-1]) == 4) == bool(chosen["clamp"])
    told = plots.settings_tried_data(made)
    assert told["setting"].str.endswith("corrected, clamp 0.34").sum() == about["steps"]


@pytest.mark.parametrize(
    ("input", "given"), [("spiking", {"clamp": 0}), ("spiking", {"onsets": [0] * 14}), ("analog", {})]
)
def test_a_clamp_is_not_tried_where_it_is_given_or_images_come_as_they_are(deep, items, input, given):
    made = convert(deep, items, input=input, progress=False, **given)
    assert not any(row["clamp"] for row in made.metadata["choice"]["rows"])
    assert made.metadata["clamp"] == 0
