import json
import os
import subprocess
import sys
import threading
from dataclasses import replace

import keras
import numpy as np
import pytest

from snnviz import architectures, sparsity
from snnviz.datasets import Images, validation_split
from snnviz.errors import InputError
from snnviz.training import Recipe, evaluate, finetune, loop, split, steps, train

CLASSES = 3
RECIPE = Recipe(schedule=((2, 0.1), (2, 0.01)), batch_size=8, validation=20, seed=5)


@pytest.fixture
def use_xla(monkeypatch):
    """Compile the steps of short trainings too."""
    monkeypatch.setattr(steps, "WORTH_COMPILING", 1)


def data(items=90, size=6, seed=0):
    """Images whose class is the brightest of three stripes."""
    random = np.random.default_rng(seed)
    x = random.random((items, size, size, 1)).astype(np.float32) * 0.6
    y = random.integers(0, CLASSES, items)
    for image, label in zip(x, y, strict=True):
        image[2 * label : 2 * label + 2] += 0.3
    return x, y


def started(model, seed):
    """The model with initial weights that are the same on every backend."""
    random = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        if variable.path.endswith("kernel"):
            variable.assign(random.normal(scale=0.3, size=variable.shape).astype(np.float32))
    return model


def dense_model(seed=0, dropout=0.0, size=6):
    layers = [
        keras.layers.Flatten(),
        keras.layers.Dense(8),
        keras.layers.BatchNormalization(scale=False),
        keras.layers.ReLU(),
    ]
    if dropout:
        layers.append(keras.layers.Dropout(dropout, seed=seed))
    layers.append(keras.layers.Dense(CLASSES, activation="softmax"))
    return started(keras.Sequential([keras.Input((size, size, 1)), *layers]), seed)


def uneven_model():
    """8 neurons that feed 256 synapses, then 32 that feed 96."""
    hidden = [
        make()
        for units in (8, 32)
        for make in (
            lambda units=units: keras.layers.Dense(units),
            lambda: keras.layers.BatchNormalization(scale=False),
            keras.layers.ReLU,
        )
    ]
    layers = [keras.layers.Flatten(), *hidden, keras.layers.Dense(CLASSES, activation="softmax")]
    return started(keras.Sequential([keras.Input((6, 6, 1)), *layers]), 0)


def conv_model(seed=0):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(4, 3, padding="same"),
            keras.layers.BatchNormalization(scale=False),
            keras.layers.ReLU(),
            keras.layers.Dropout(0.3, seed=1),
            keras.layers.Flatten(),
            keras.layers.Dense(CLASSES),  # logits
        ]
    )
    return started(model, seed)


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


class Killed(Exception):
    """Stands for the end of a process."""


def kill_after(monkeypatch, epochs, items_into_next=0):
    """Make the next training die when so many epochs are done and so many items of the next one were seen."""
    original = loop._Run.epoch
    done = []

    class Bar:
        def __init__(self, bar):
            self.bar = bar
            self.seen = 0

        def update(self, count):
            self.seen += count
            if self.seen > items_into_next:
                raise Killed

        def set_postfix_str(self, *_args, **_options):
            raise Killed

    def epoch(run, *args):
        *rest, bar = args
        if len(done) == epochs:
            bar = Bar(bar)
        done.append(None)
        return original(run, *rest, bar)

    monkeypatch.setattr(loop._Run, "epoch", epoch)


@pytest.mark.parametrize(("epochs", "items"), [(0, 0), (1, 30), (3, 0)])
def test_resumed_training_equals_an_uninterrupted_one_to_the_bit(epochs, items, tmp_path, monkeypatch):
    check_resumed_training(conv_model, epochs, items, tmp_path, monkeypatch)


@pytest.mark.usefixtures("use_xla")
def test_resumed_training_equals_an_uninterrupted_one_with_xla(tmp_path, monkeypatch):
    check_resumed_training(lambda: dense_model(dropout=0.3), 2, 30, tmp_path, monkeypatch)


def check_resumed_training(make, epochs, items, tmp_path, monkeypatch, **changes):
    x, y = data()
    recipe = Recipe(**{**RECIPE.as_json(), "momentum": 0.9, "lambda_a": 0.3, "lambda_w": 2.0, **changes})
    # blocks of two batches, so that an epoch is several calls
    monkeypatch.setattr(loop, "_MAX_STEPS_PER_CALL", 2)
    whole = train(make(), x, y, recipe, progress=False)
    path = tmp_path / "c.npz"
    with monkeypatch.context() as patch:
        kill_after(patch, epochs, items)
        with pytest.raises(Killed):
            train(make(), x, y, recipe, checkpoint=path, progress=False)
    assert path.exists() == (epochs > 0)
    resumed = train(make(), x, y, recipe, checkpoint=path, resume=True, progress=False)
    assert same(resumed.model, whole.model)
    assert resumed.history == whole.history
    assert resumed.best_epoch == whole.best_epoch


def test_a_finished_training_resumes_to_itself(tmp_path):
    x, y = data()
    first = train(dense_model(), x, y, RECIPE, checkpoint=tmp_path / "c.npz", progress=False)
    again = train(dense_model(), x, y, RECIPE, checkpoint=tmp_path / "c.npz", resume=True, progress=False)
    assert same(first.model, again.model)
    assert first.history == again.history


def test_without_resume_a_finished_training_is_written_over(tmp_path):
    x, y = data()
    train(dense_model(), x, y, RECIPE, checkpoint=tmp_path / "c.npz", progress=False)
    other = train(dense_model(seed=1), x, y, RECIPE, checkpoint=tmp_path / "c.npz", progress=False)
    resumed = train(dense_model(seed=1), x, y, RECIPE, checkpoint=tmp_path / "c.npz", resume=True, progress=False)
    assert same(other.model, resumed.model)


@pytest.mark.parametrize("difference", ["recipe", "data", "weights"])
def test_a_checkpoint_of_another_training_is_refused(difference, tmp_path):
    x, y = data()
    path = tmp_path / "c.npz"
    train(dense_model(), x, y, RECIPE, checkpoint=path, progress=False)
    model, recipe = dense_model(), RECIPE
    if difference == "recipe":
        recipe = Recipe(**{**RECIPE.as_json(), "l2": 0.5})
    elif difference == "data":
        x, y = data(seed=1)
    else:
        model = dense_model(seed=1)
    with pytest.raises(InputError, match=f"differs in .*{difference}"):
        train(model, x, y, recipe, checkpoint=path, resume=True, progress=False)


def test_steps_are_those_of_stochastic_gradient_descent():
    """Two epochs of a logistic regression, against the same written out in numpy."""
    x, y = data(items=23)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(CLASSES, activation="softmax", kernel_initializer="zeros"),
        ]
    )
    recipe = Recipe(schedule=((1, 0.5), (1, 0.1)), batch_size=5, l2=0.01, validation=4, momentum=0.5, seed=2)
    found = train(model, x, y, recipe, progress=False)

    held_out, kept = split(len(x), recipe)
    images, labels = x.reshape(len(x), -1).astype(np.float64), np.eye(CLASSES)[y]
    weights, bias = np.zeros((36, CLASSES)), np.zeros(CLASSES)
    velocities = [np.zeros_like(weights), np.zeros_like(bias)]

    def probabilities(indices):
        logits = images[indices] @ weights + bias
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    history = []
    for epoch, rate in enumerate((0.5, 0.1)):
        order = kept[np.random.default_rng((2, epoch)).permutation(len(kept))]
        losses, correct = [], 0
        for start in range(0, len(order), 5):
            batch = order[start : start + 5]
            given = probabilities(batch)
            losses.append(-np.log((given * labels[batch]).sum(axis=1)).mean() + 0.01 * (weights**2).sum())
            correct += int((given.argmax(axis=1) == y[batch]).sum())
            error = (given - labels[batch]) / len(batch)
            gradients = [images[batch].T @ error + 0.02 * weights, error.sum(axis=0)]
            for value, velocity, gradient in zip((weights, bias), velocities, gradients, strict=True):
                velocity *= 0.5
                velocity -= rate * gradient
                value += velocity
        given = probabilities(held_out)
        cross_entropy = -np.log((given * labels[held_out]).sum(axis=1)).mean()
        history.append((np.mean(losses), correct / len(kept), cross_entropy + 0.01 * (weights**2).sum(), cross_entropy))
    keys = ("loss", "accuracy", "val_loss", "val_cross_entropy")
    np.testing.assert_allclose([[row[key] for key in keys] for row in found.history], history, rtol=1e-5)
    if found.best_epoch == 2:
        np.testing.assert_allclose(model.layers[-1].kernel.numpy(), weights, atol=1e-6)
    assert found.best_epoch == 1 + int(np.argmin([row[2] for row in history]))


def test_training_learns():
    x, y = data(items=300)
    recipe = Recipe(schedule=((15, 0.1), (5, 0.01)), batch_size=16, validation=60)
    found = train(dense_model(), x, y, recipe, progress=False)
    assert found.best["val_accuracy"] > 0.9
    assert evaluate(found.model, *data(items=200, seed=9)).accuracy > 0.9


def test_the_epoch_with_the_lowest_validation_loss_is_kept():
    x, y = data()
    # a wild second stage spoils what the first learnt
    recipe = Recipe(schedule=((4, 0.05), (3, 8.0)), batch_size=8, validation=30)
    found = train(dense_model(), x, y, recipe, progress=False)
    losses = [row["val_loss"] for row in found.history]
    assert found.best_epoch == 1 + int(np.argmin(losses)) < len(losses)
    held_out, _ = split(len(x), recipe)
    again = evaluate(found.model, x[held_out], y[held_out])
    assert again.accuracy == found.best["val_accuracy"]
    assert again.cross_entropy == pytest.approx(found.best["val_cross_entropy"], rel=1e-6)


def test_without_validation_the_last_epoch_is_kept():
    x, y = data()
    found = train(dense_model(), x, y, Recipe(schedule=((3, 0.1),), validation=0), progress=False)
    assert found.best_epoch == 3
    assert "val_loss" not in found.best


def test_seeds_decide_and_global_random_state_does_not():
    x, y = data()
    first = train(dense_model(), x, y, RECIPE, progress=False)
    np.random.default_rng().random()
    keras.utils.set_random_seed(123)
    assert same(first.model, train(dense_model(), x, y, RECIPE, progress=False).model)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    other = train(dense_model(), x, y, Recipe(**{**RECIPE.as_json(), "seed": 6}), progress=False)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert not same(first.model, other.model)


def test_the_block_size_is_only_a_matter_of_speed(monkeypatch):
    x, y = data()
    first = train(dense_model(), x, y, RECIPE, progress=False)
    monkeypatch.setattr(loop, "_MAX_STEPS_PER_CALL", 3)
    again = train(dense_model(), x, y, RECIPE, progress=False)
    for a, b in zip(first.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_shifted_and_mirrored_images_train_the_same_model_whatever_the_blocks(monkeypatch):
    x, y = data()
    recipe = Recipe(**{**RECIPE.as_json(), "shift": 1, "flip": True})
    plain = train(dense_model(), x, y, RECIPE, progress=False)
    first = train(dense_model(), x, y, recipe, progress=False)
    assert not same(first.model, plain.model)
    seen = []
    run = steps._TensorFlowSteps.run if keras.backend.backend() == "tensorflow" else steps._JaxSteps.run
    owner = steps._TensorFlowSteps if keras.backend.backend() == "tensorflow" else steps._JaxSteps
    monkeypatch.setattr(owner, "run", lambda self, x, y, count: (seen.append((x, y)), run(self, x, y, count))[1])
    monkeypatch.setattr(loop, "_MAX_STEPS_PER_CALL", 3)
    again = train(dense_model(), x, y, recipe, progress=False)
    for a, b in zip(first.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    # every image that was learned from is one of the data, moved by at most a pixel, and some are mirrored
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    moved = np.concatenate([wide[:, i : i + 6, j : j + 6] for i in range(3) for j in range(3)])
    known = {image.tobytes() for image in moved}
    flipped = {image.tobytes() for image in moved[:, :, ::-1].copy()}
    learned = {image.tobytes() for block, _ in seen for image in block.reshape(-1, 36)}
    assert learned <= known | flipped
    assert 0.3 < len(learned - known) / len(learned) < 0.7


def test_less_precision_in_training_leaves_a_model_of_full_precision():
    x, y = data()
    recipe = Recipe(**{**RECIPE.as_json(), "precision": "bfloat16"})
    exact = train(dense_model(), x, y, RECIPE, progress=False)
    found = train(dense_model(), x, y, recipe, progress=False)
    assert not same(found.model, exact.model)
    assert {layer.compute_dtype for layer in found.model.layers} == {"float32"}
    for a, b in zip(found.model.get_weights(), exact.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=0.1)
        assert a.dtype == np.float32


def test_held_out_items_are_those_of_the_data_module():
    x, y = data()
    held_out, kept = split(len(x), RECIPE)
    training, validation = validation_split(Images("stripes", "train", x, y, ("a", "b", "c")), 20, seed=0)
    np.testing.assert_array_equal(x[held_out], validation.x)
    np.testing.assert_array_equal(x[kept], training.x)
    assert not set(held_out) & set(kept)


@pytest.mark.parametrize("function", [train, finetune])
def test_where_nothing_is_said_a_fifth_is_held_out(function, monkeypatch):
    def refuse(model, x, y, recipe, anyway):
        raise InputError(f"{recipe.validation} held out")

    monkeypatch.setattr(loop, "checked_training", refuse)
    with pytest.raises(InputError, match="18 held out"):
        function(dense_model(), *data(items=90))


def test_the_held_out_items_are_the_same_for_every_seed():
    seeds = [Recipe(validation=20, seed=seed) for seed in (0, 1)]
    np.testing.assert_array_equal(split(90, seeds[0])[0], split(90, seeds[1])[0])
    assert not np.array_equal(split(90, Recipe(validation=20, split_seed=1))[0], split(90, seeds[0])[0])


def test_finetuning_makes_sparse_and_leaves_no_trace_in_the_model():
    x, y = data(items=200)
    model = train(
        dense_model(), x, y, Recipe(schedule=((10, 0.1),), batch_size=16, validation=40), progress=False
    ).model
    before = sparsity.measure(model, x)
    recipe = Recipe(schedule=((30, 0.05),), batch_size=16, validation=40, lambda_a=3.0, lambda_w=1.0)
    found = finetune(model, x, y, recipe, progress=False)
    sparsity.prune(model, 1e-3)
    after = sparsity.measure(model, x)
    assert after.activations > before.activations + 0.1
    assert after.weights > before.weights + 0.05
    assert found.best["val_accuracy"] > 0.8
    assert "Penalty" not in json.dumps(model.get_config())


def test_penalties_weighed_by_events_leave_fewer_events_than_those_weighed_by_size():
    x, y = data(items=200)
    left = {}
    for weigh in ("size", "events"):
        model = uneven_model()
        recipe = Recipe(schedule=((20, 0.05),), batch_size=16, validation=0, lambda_a=2.0, weigh=weigh)
        finetune(model, x, y, recipe, progress=False)
        activity = [1 - layer.activations for layer in sparsity.measure(model, x).layers[:-1]]
        synapses = [each.synapses for each in sparsity.weighted_layers(model)][1:]
        left[weigh] = np.dot(activity, synapses)
    assert left["events"] < 0.9 * left["size"]


def test_zeros_stay_when_asked_also_after_a_resumption(tmp_path, monkeypatch):
    x, y = data()
    zeros = {}
    for keep in (False, True):
        model = dense_model()
        sparsity.prune(model, 0.1)
        before = [each.kernel == 0 for each in sparsity.weighted_layers(model)]
        recipe = Recipe(**{**RECIPE.as_json(), "keep_zeros": keep})
        whole = train(model, x, y, recipe, progress=False).model
        zeros[keep] = [
            ((each.kernel == 0) & mask).sum() / mask.sum()
            for each, mask in zip(sparsity.weighted_layers(whole), before, strict=True)
        ]
    assert zeros == {False: [0, 0], True: [1, 1]}
    again = dense_model()
    sparsity.prune(again, 0.1)
    with monkeypatch.context() as patch:
        kill_after(patch, 2)
        with pytest.raises(Killed):
            train(again, x, y, recipe, checkpoint=tmp_path / "c.npz", progress=False)
    resumed = dense_model()
    sparsity.prune(resumed, 0.1)
    train(resumed, x, y, recipe, checkpoint=tmp_path / "c.npz", resume=True, progress=False)
    assert same(resumed, whole)


def test_a_model_that_cannot_be_converted_is_trained_on_request_alone():
    x, y = data()
    layers = [
        keras.layers.MaxPooling2D(), keras.layers.Flatten(), keras.layers.Dense(4, activation="tanh"),
        keras.layers.Dense(CLASSES, activation="softmax"),
    ]  # fmt: skip
    model = keras.Sequential([keras.Input(x.shape[1:]), *layers])
    before, recipe = model.get_weights(), Recipe(schedule=((1, 0.1),), validation=0)
    for begin in (train, finetune):
        with pytest.raises(InputError, match=r"convertible.*`anyway`.*max pooling.*; .*tanh"):
            begin(model, x, y, recipe, progress=False)
    for ours, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(InputError, match=r"`weigh` must be 'size'.*max pooling"):
        train(model, x, y, replace(recipe, weigh="events"), anyway=True, progress=False)
    assert len(train(model, x, y, recipe, anyway=True, progress=False).history) == 1


def test_ctrl_c_says_how_to_resume(tmp_path, monkeypatch):
    x, y = data()
    original = loop._Run.epoch

    def interrupted(run, epoch, *args):
        if epoch == 2:
            raise KeyboardInterrupt
        return original(run, epoch, *args)

    monkeypatch.setattr(loop._Run, "epoch", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"2 of 4 epochs are saved in .*resume=True"):
        train(dense_model(), x, y, RECIPE, checkpoint=tmp_path / "c.npz", progress=False)
    saved = (tmp_path / "c.npz").read_bytes()
    with pytest.raises(InputError, match=r"unless `resume` is true.*Received: .*c\.npz', 2 of 4 epochs"):
        train(dense_model(), x, y, RECIPE, checkpoint=tmp_path / "c.npz", progress=False)
    assert (tmp_path / "c.npz").read_bytes() == saved, "nothing is lost"
    with pytest.raises(KeyboardInterrupt, match="nothing was saved"):
        train(dense_model(), x, y, RECIPE, progress=False)


def test_history_files(tmp_path):
    x, y = data()
    found = train(dense_model(), x, y, RECIPE, progress=False)
    found.save_history(tmp_path / "h.json")
    assert json.loads((tmp_path / "h.json").read_text()) == list(found.history)
    found.save_history(tmp_path / "h.csv")
    lines = (tmp_path / "h.csv").read_text().splitlines()
    assert lines[0].split(",") == list(found.history[0])
    assert [float(value) for value in lines[2].split(",")] == list(found.history[1].values())


def test_evaluate_agrees_for_logits_and_probabilities():
    x, y = data()
    model = conv_model()
    logits = np.asarray(model(x), np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log(probabilities[np.arange(len(y)), y]).mean()
    found = evaluate(model, x, y)
    assert found.cross_entropy == pytest.approx(expected, rel=1e-5)
    assert found.accuracy == (logits.argmax(axis=1) == y).mean()
    softened = evaluate(keras.Sequential([keras.Input((6, 6, 1)), *model.layers, keras.layers.Softmax()]), x, y)
    assert softened.cross_entropy == pytest.approx(expected, rel=1e-5)
    assert (softened.accuracy, softened.items) == (found.accuracy, 90)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x[:0], y[:0]), "at least one item"),
        (lambda x, y: ((x * 255).astype(np.uint8), y), "divide 8-bit images by 255"),
        (lambda x, y: (x * 2, y), r"intensities in \[0, 1\]"),
        (lambda x, y: (np.where(x == x[0, 0, 0, 0], np.nan, x), y), "finite"),
        (lambda x, y: (x[:, :5], y), "`x` must have shape"),
        (lambda x, y: (x, y + 1), "from 0 to 2"),
        (lambda x, y: (x, y[1:]), "one label per item"),
        (lambda x, y: (x[:20], y[:20]), "`validation` must be below"),
    ],
)
def test_bad_data_is_answered(change, message):
    with pytest.raises(InputError, match=message):
        train(dense_model(), *change(*data()), RECIPE, progress=False)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"schedule": ((30, 1e30),), "l2": 0.0}, r"lower the learning rate\. Received: learning rate 1e\+30$"),
        ({"schedule": ((30, 1.0),), "l2": 1e-3, "lambda_w": 1e30}, "learning rate or `l2` or `lambda_w`.*lambda_w 1e"),
    ],
)
def test_divergence_is_answered(settings, told):
    x, y = data()
    with pytest.raises(InputError, match=told):
        train(dense_model(), x, y, Recipe(validation=0, **settings), progress=False)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_weight_decay_that_makes_weights_larger_is_refused_and_no_smaller_one(momentum):
    limit = (1 + momentum) / 0.5
    with pytest.raises(InputError, match=r"`l2` times the learning rate must be below .* Received: .* times 0\.5"):
        Recipe(schedule=((5, 0.1), (5, 0.5)), l2=limit, momentum=momentum)
    x, y = data()
    recipe = Recipe(schedule=((40, 0.5),), l2=0.98 * limit, momentum=momentum, validation=0)
    assert train(dense_model(), x, y, recipe, progress=False).history[-1]["loss"] < 1e3


def test_the_next_block_is_made_while_one_is_in_use():
    asked = threading.Event()

    def made(value):
        if value == 2:
            asked.set()
        return value

    blocks = loop._ahead(made, [1, 2, 3])
    assert next(blocks) == 1
    assert asked.wait(200)
    assert list(blocks) == [2, 3]
    assert list(loop._ahead(made, [])) == []


def test_the_number_of_steps_in_a_call_changes_nothing(monkeypatch):
    whole = train(dense_model(), *data(), RECIPE, progress=False)
    monkeypatch.setattr(loop, "_steps_per_call", lambda model, recipe: 1)
    assert same(whole.model, train(dense_model(), *data(), RECIPE, progress=False).model)


def test_an_accelerator_takes_more_steps_a_call(monkeypatch):
    model, recipe = architectures.build("conv-mnist"), Recipe(batch_size=128)
    monkeypatch.setattr(loop, "on_cpu", lambda: True)
    assert loop._steps_per_call(model, recipe) == 1
    monkeypatch.setattr(loop, "on_cpu", lambda: False)
    assert 100 < loop._steps_per_call(model, recipe) <= loop._MAX_STEPS_PER_CALL


def test_resume_needs_a_file_name():
    with pytest.raises(InputError, match="`checkpoint` must name a file"):
        train(dense_model(), *data(), RECIPE, resume=True, progress=False)


@pytest.mark.parametrize(
    "layers", [[keras.Input((6, 6, 1)), keras.layers.Conv2D(3, 3)], [keras.layers.Dense(3)]], ids=["maps", "unbuilt"]
)
def test_models_without_classes_or_shapes_are_refused(layers):
    with pytest.raises(InputError, match="must have one input"):
        train(keras.Sequential(layers), *data(), RECIPE, progress=False)


JAX = """
import sys
import numpy as np
from tests.training import test_loop as t
x, y = t.data()
recipe, path = t.MOMENTUM, sys.argv[1]
whole = t.train(t.dense_model(), x, y, recipe, progress=False)
original = t.loop._Run.epoch
def epoch(run, number, *args):
    if number == 2:
        raise t.Killed
    return original(run, number, *args)
t.loop._Run.epoch = epoch
try:
    t.train(t.dense_model(), x, y, recipe, checkpoint=path, progress=False)
except t.Killed:
    t.loop._Run.epoch = original
resumed = t.train(t.dense_model(), x, y, recipe, checkpoint=path, resume=True, progress=False)
assert t.keras.backend.backend() == "jax"
assert t.same(whole.model, resumed.model) and whole.history == resumed.history
assert t.evaluate(whole.model, x, y).items == len(x)
np.savez(path, *whole.model.get_weights())
"""
MOMENTUM = Recipe(**{**RECIPE.as_json(), "momentum": 0.9})


def test_jax_resumes_to_the_bit_and_agrees_with_tensorflow(tmp_path):
    path = tmp_path / "c.npz"
    done = subprocess.run(
        [sys.executable, "-c", JAX, str(path)],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    here = train(dense_model(), *data(), MOMENTUM, progress=False).model.get_weights()
    with np.load(path) as there:
        for index, value in enumerate(here):
            np.testing.assert_allclose(there[f"arr_{index}"], value, rtol=1e-3, atol=1e-4)
