"""Activations by what they compute, and model files by what they hold."""

import re
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as L

from snnviz import conversion
from snnviz._models import meaning_of
from snnviz.errors import InputError


@pytest.mark.parametrize(
    ("activation", "wanted"),
    [
        (tf.nn.relu, "relu"),
        (keras.ops.relu, "relu"),
        (keras.activations.relu, "relu"),
        (tf.nn.relu6, "relu6"),
        (keras.ops.relu6, "relu6"),
        (tf.nn.softmax, "softmax"),
        (keras.ops.softmax, "softmax"),
        (keras.activations.linear, "linear"),
        (tf.identity, "linear"),
        (tf.nn.elu, ""),
        (lambda x: keras.ops.leaky_relu(x, 1e-4), ""),
        (lambda x: keras.ops.minimum(keras.ops.relu(x), 1e5), ""),
        (keras.activations.sigmoid, ""),
        (lambda x: x[0], ""),
    ],
)
def test_activations_are_known_by_their_values(activation, wanted) -> None:
    assert meaning_of(activation) == wanted


def test_functions_of_tensorflow_convert() -> None:
    model = keras.Sequential(
        [keras.Input((5,)), L.Dense(4, activation=tf.nn.relu6), L.Dense(3, activation=tf.nn.softmax)]
    )
    assert conversion.fold(model).layers[0].cap == 6


def test_other_formats_are_named_with_what_makes_a_keras_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="relu"), L.Dense(3)])
    model.compile(
        "adam", loss="mse", metrics=["accuracy"]
    )  # which Keras 3 finds no more when it loads the file compiled
    model.save(tmp_path / "m.h5")
    for name in ("m.h5", "old.keras"):
        (tmp_path / name).write_bytes((tmp_path / "m.h5").read_bytes())
        with pytest.raises(InputError, match=r"load_model\(.*\.save\(.*HDF5") as caught:
            conversion.load_keras(tmp_path / name)
        if name == "m.h5":  # what it says, done
            monkeypatch.chdir(tmp_path)
            given = {"keras": keras}
            for line in re.findall("`(model[ .][^`]+)`", str(caught.value)):
                exec(line, given)
            assert conversion.load_keras("m-new.keras").count_params() == model.count_params()
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(InputError, match=r"\.save\(.*SavedModel"):
        conversion.load_keras(tmp_path / "saved")


class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x


class Own(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.last = L.Dense(3)

    def call(self, x):
        return self.last(x)


def test_layers_that_no_file_holds_are_named_with_what_to_do(tmp_path: Path) -> None:
    own = Own()
    own(np.zeros((1, 5)))
    for model, message in (
        (keras.Sequential([keras.Input((5,)), Twice(name="mine"), L.Dense(3)]), "'mine' (Twice): a class of its own"),
        (keras.Sequential([keras.Input((5,)), L.Lambda(lambda x: 2 * x, name="f")]), "'f' (Lambda): what its function"),
        (own, "'Own': a class of its own"),
    ):
        model.save(tmp_path / "m.keras")
        with pytest.raises(InputError, match=f"{re.escape(message)}.*; use (a layer|layers) of Keras\\)$") as caught:
            conversion.load_keras(tmp_path / "m.keras")
        assert "\n" not in str(caught.value)
    layers = [
        L.RandomShear(0.1, name="sheared"),
        L.Flatten(),
        L.Dense(3),
    ]  # Keras 3.15 stores of it what it does not take
    keras.Sequential([keras.Input((8, 8, 3)), *layers]).save(tmp_path / "m.keras")
    with pytest.raises(InputError, match=r"\('sheared' \(RandomShear\): Keras .* save the model without it\)$"):
        conversion.load_keras(tmp_path / "m.keras")
    model = keras.Sequential([keras.Input((5,)), Twice(), L.Dense(3)])
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as whole, zipfile.ZipFile(tmp_path / "n.keras", "w") as broken:
        for name in whole.namelist():
            broken.writestr(name, b"" if name.endswith(".h5") else whole.read(name))
    with keras.saving.custom_object_scope({"Twice": Twice}):  # who has the code hears of what else is wrong
        assert type(conversion.load_keras(tmp_path / "m.keras").layers[0]) is Twice
        with pytest.raises(InputError) as caught:
            conversion.load_keras(tmp_path / "n.keras")
    assert "class of its own" not in str(caught.value)


def test_a_file_that_is_only_named_as_hdf5_hears_what_a_real_one_hears(tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"'[^']*m.h5', which is no whole HDF5 file; of one, .*load_model\(.*\.save\("):
        conversion.load_keras(tmp_path / "m.h5")
