"""Data as a model or network takes them: pictures in folders, other full intensities, models that do not show their range."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as L
from PIL import Image

import snnviz
from snnviz import _checks as check
from snnviz import conversion, datasets, sparsity
from snnviz.cli import main
from snnviz.errors import InputError
from snnviz.jobs.work import sources
from snnviz.training import Recipe, evaluate, train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Grey pictures of 28x28 in folders by class and split."""
    home = tmp_path_factory.mktemp("pictures")
    for split in ("train", "test"):
        images = datasets.load("mnist", split=split, limit=40)
        for number, (x, y) in enumerate(zip(images.x, images.y, strict=True)):
            place = home / split / str(y)
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray((x[..., 0] * 255).round().astype("uint8")).save(place / f"{number:03}.png")
    return home


def test_pictures_are_read_as_the_network_takes_them(folder, tmp_path, capsys) -> None:
    out = str(tmp_path / "n.npz")
    assert main(["convert", "dense-mnist", "--data", str(folder), "--norm-items", "40", "--out", out]) == 0
    assert main(["info", out, "--data", str(folder)]) == 0
    capsys.readouterr()
    assert main(["simulate", out, "--steps", "2", "--json"]) == 0
    images = datasets.load(folder, channels=1)
    spiking = snnviz.simulate(snnviz.load_network(out), images.x, images.y, 2, progress=False)
    assert json.loads(capsys.readouterr().out)["accuracy"] == spiking["accuracy"].values.tolist()


@pytest.mark.parametrize(
    ("shape", "asked", "wanted", "note"),
    [
        ((28, 28, 1), {}, (28, 28, 1), ""),
        ((28, 28, 3), {}, (28, 28, 3), "28x28x1, are taken as 28x28x3"),
        ((14, 14, 1), {}, (14, 14, 1), "28x28x1, are taken as 14x14x1"),
        ((784,), {"channels": 1}, (28, 28, 1), ""),
        ((60,), {"size": [4, 5], "channels": 3}, (4, 5, 3), "28x28x1, are taken as 4x5x3"),
        ((14, 14, 1), {"size": [28]}, (28, 28, 1), ""),
    ],
)
def test_channels_and_size_follow_unless_they_are_asked_for(folder, shape, asked, wanted, note) -> None:
    given = sources.DataOptions(data=str(folder), **asked)
    found = sources.data_for("n.npz", {"data": str(folder)}, given, "test", 10, shape=shape)
    assert found.images.x.shape == (10, *wanted)
    assert note in found.note if note else not found.note
    assert found.other("train", 5).x.shape == (5, *wanted)


@pytest.mark.parametrize("asked", [{"channels": 2}, {"size": [0]}, {"size": [1, 2, 3]}, {"input_range": 0.0}])
def test_what_no_data_have_is_refused(asked) -> None:
    with pytest.raises(InputError):
        sources.DataOptions(**asked).check_data()


@pytest.mark.parametrize(
    ("values", "input_range", "wanted"),
    [
        (np.array([0, 8, 16], np.uint8), 16, [0, 0.5, 1]),
        (np.array([0, 8, 16], np.int64), None, [0, 8 / 255, 16 / 255]),
        (np.array([0, 51, 255], np.uint8), 1, [0, 0.2, 1]),  # a model of [0, 1], data of 8 bits
        (np.array([0, 8.0, 16.0]), 16, [0, 0.5, 1]),
        (np.array([0, 0.5, 1.0]), 255, [0, 0.5, 1]),  # intensities already
        (np.array([0, 17], np.uint8), 16, "integers from 0 to 16"),
        (np.array([0, 16.5]), 16, "numbers from 0 to 16"),
        (np.array([-1.0, 1.0]), None, r"put a Rescaling before the model that undoes it, as Rescaling\(2, -1\)"),
        (np.array([0, 16.0]), None, r"intensities in \[0, 1\], unless an input range \(--input-range\)"),
    ],
)
def test_what_stands_for_full_intensity_in_a_file(tmp_path, values, input_range, wanted) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, x_test=values.reshape(-1, 1), y_test=np.zeros(len(values), np.int64))
    if isinstance(wanted, str):
        with pytest.raises(InputError, match=wanted):
            datasets.load(path, input_range=input_range)
    else:
        np.testing.assert_allclose(datasets.load(path, input_range=input_range).x.ravel(), wanted, rtol=1e-6)


def test_data_that_have_changed_and_other_classes_are_said(folder, tmp_path) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, x_test=np.full((3, 4), 160, np.uint8), y_test=np.arange(3))
    known = {"data": str(path), "data_hash": datasets.content_hash(path)}

    def note(names=("0", "1", "2")):
        return sources.data_for("n", known, sources.DataOptions(), "test", shape=(4,), class_names=names).note

    assert note() == ""
    assert note(("a", "b", "c")) == f"the classes of n are a, b, c, those of {path} 0, 1, 2"
    np.savez(path, x_test=np.full((3, 4), 161, np.uint8), y_test=np.arange(3))
    assert note() == f"the data in {path} have changed since n was made of them"
    assert datasets.content_hash("mnist") is None
    before = datasets.content_hash(folder)
    (folder / "test" / "0" / "more.png").write_bytes(b"")
    assert datasets.content_hash(folder) != before
    (folder / "test" / "0" / "more.png").unlink()
    assert datasets.content_hash(folder) == before


def test_dark_data_are_said(tmp_path) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, x_test=np.full((3, 4), 16, np.uint8), y_test=np.zeros(3, np.int64))
    found = sources.data_for("n", {"data": str(path)}, sources.DataOptions(), "test", shape=(4,))
    assert "the brightest value in" in found.note
    assert "0.0627 of full intensity" in found.note


def digits():
    """A small network trained for a moment on MNIST, with biases, so that it does not answer alike at every range."""
    images = datasets.load("mnist", split="train", limit=1500)
    keras.utils.set_random_seed(0)
    hidden = L.Dense(16, activation="relu", bias_initializer=keras.initializers.Constant(0.02))
    model = keras.Sequential([keras.Input((28, 28)), L.Flatten(), hidden, L.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    model.fit(images.x[..., 0], images.y, epochs=3, verbose=0)
    return model


def test_a_range_that_a_model_does_not_show_must_be_given(tmp_path, capsys) -> None:
    path, out = str(tmp_path / "m.keras"), str(tmp_path / "n.npz")
    model = digits()
    model.layers[1].kernel.assign(model.layers[1].kernel / 255)  # the same function of images 0..255
    model.save(path)
    assert main(["convert", path, "--data", "mnist", "--out", out, "--norm-items", "300"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("snnviz")]
    assert "`--input-range` must be given" in line
    given = [
        "convert",
        path,
        "--data",
        "mnist",
        "--out",
        out,
        "--norm-items",
        "300",
        "--input-range",
        "255",
        "--report",
        "--json",
    ]
    assert main(given) == 0
    report = json.loads(capsys.readouterr().out)["report"]
    tests = datasets.load("mnist", limit=200)
    assert report["model_accuracy"] == pytest.approx(
        evaluate(model, tests.x, tests.y, False, input_range=255.0).accuracy
    )
    assert report["model_agreement"] == 1


def test_a_network_is_never_written_over_its_data(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    images = datasets.load("mnist", limit=20)
    np.savez("dense-mnist.npz", x_train=images.x, y_train=images.y)
    before = (tmp_path / "dense-mnist.npz").read_bytes()
    assert main(["convert", "dense-mnist", "--data", "dense-mnist.npz"]) == 2
    assert "`--out` must name another file than the data's" in capsys.readouterr().err
    assert (tmp_path / "dense-mnist.npz").read_bytes() == before


def test_training_gives_a_model_the_images_that_it_takes() -> None:
    """A Rescaling of 8-bit images first changes nothing: what trains, evaluates and measures feeds it 8-bit images."""
    images = datasets.load("mnist", split="train", limit=300)
    recipe = Recipe(schedule=((2, 0.05),), validation=100, l2=0.0)
    found = []
    for first in ([], [L.Rescaling(1 / 256)]):
        keras.utils.set_random_seed(3)
        layers = [L.Flatten(), L.Dense(8, activation=tf.nn.relu), L.Dense(10), L.Activation(tf.nn.softmax)]
        model = keras.Sequential([keras.Input((28, 28, 1)), *first, *layers])
        full = 256.0 if first else None
        training = train(model, images.x, images.y, Recipe(**{**vars(recipe), "input_range": full}), progress=False)
        measured = sparsity.measure(model, images.x, progress=False, input_range=full)
        judged = evaluate(model, images.x, images.y, progress=False, input_range=full)
        found.append((training.history, judged, measured.activations, model.layers[-2].kernel.numpy().tobytes()))
    assert found[0] == found[1]  # a power of two: exact
    assert 0 < found[0][2] < 1  # a ReLU of TensorFlow is seen
    assert conversion.input_range(model) == 255


def test_softmax_of_another_library_gives_probabilities() -> None:
    model = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Activation(tf.nn.softmax)])
    x, y = np.random.default_rng(0).random((20, 4), np.float32), np.arange(20) % 3
    probability = model.predict(x, verbose=0)[np.arange(20), y].astype(np.float64)
    assert evaluate(model, x, y, progress=False).cross_entropy == pytest.approx(-np.log(probability).mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("received", "wanted"),
    [((5, 28, 28), (28, 28, 1)), ((5, 28, 28, 1), (28, 28)), ((5, 28, 28, 1), (784,)), ((5, 4, 3, 2), (24,))],
)
def test_images_may_lack_an_axis_of_one_channel_or_be_flattened(received, wanted) -> None:
    x = np.random.default_rng(0).random(received, np.float32)
    found = check.images("x", x, wanted)
    assert found.shape == (5, *wanted)
    assert (found.ravel() == x.ravel()).all()


@pytest.mark.parametrize(("received", "wanted"), [((5, 784), (28, 28, 1)), ((5, 2, 3, 4), (3, 2, 4)), ((5, 6), (5,))])
def test_images_of_other_shapes_are_refused(received, wanted) -> None:
    with pytest.raises(InputError, match="must have shape"):
        check.images("x", np.zeros(received, np.float32), wanted)


def test_rounding_beyond_one_is_clipped_and_more_is_shown_with_its_digits() -> None:
    assert check.images("x", np.array([[-1e-7, 1.0000001]])).tolist() == [[0.0, 1.0]]
    with pytest.raises(InputError, match=r"values from 0 to 1\.00001$"):
        check.images("x", np.array([[0, 1.00001]]))


def test_few_classes_are_said() -> None:
    images = datasets.load("mnist", limit=3)
    assert sources.few_classes(images) == "the 3 items hold 3 of 10 classes, which says little of the others"
    assert sources.few_classes(datasets.load("mnist", limit=100)) == ""
