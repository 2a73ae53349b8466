"""Activations by what they compute, and model files by what they hold."""

from pathlib import Path

import keras
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


def test_other_formats_are_named_with_what_makes_a_keras_file(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="relu"), L.Dense(3)])
    model.save(tmp_path / "m.h5")
    for name in ("m.h5", "old.keras"):
        (tmp_path / name).write_bytes((tmp_path / "m.h5").read_bytes())
        with pytest.raises(InputError, match=r"load_model\(.*\.save\(.*HDF5"):
            conversion.load_keras(tmp_path / name)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(InputError, match=r"\.save\(.*SavedModel"):
        conversion.load_keras(tmp_path / "saved")
