import zipfile

import numpy as np
import pytest

from snnviz import architectures
from snnviz.conversion.loading import load_keras
from snnviz.errors import InputError
from snnviz.training import halve, save_model

# Keras' own saving trips over NumPy's newer conversion protocol; nothing here depends on it
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def kernels(model):
    return [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]


def test_halved_kernels_are_the_nearest_of_half_precision():
    model = architectures.build("dense-mnist-pooled", seed=0)
    before, others = kernels(model), [layer.get_weights()[1:] for layer in model.layers]
    halve(model)
    for old, new in zip(before, kernels(model), strict=True):
        np.testing.assert_array_equal(new, new.astype(np.float16))
        assert 0 < np.abs(new - old).max() <= 2.0**-11 * np.abs(old).max()
    for old, layer in zip(others, model.layers, strict=True):
        assert all(map(np.array_equal, old, layer.get_weights()[1:]))


def test_a_kernel_beyond_half_precision_is_refused():
    model = architectures.build("dense-mnist-pooled", seed=0)
    layer = next(layer for layer in model.layers if hasattr(layer, "kernel"))
    layer.kernel.assign(np.full(layer.kernel.shape, 1e5))
    with pytest.raises(InputError, match=r"at most 65504 in magnitude .* Received: 100000"):
        halve(model)


def test_a_saved_model_is_the_same_and_smaller(tmp_path):
    model = architectures.build("dense-mnist-pooled", seed=0)
    model.save(tmp_path / "plain.keras")
    halve(model)
    save_model(model, tmp_path / "small.keras")
    for old, new in zip(kernels(model), kernels(load_keras(tmp_path / "small.keras")), strict=True):
        np.testing.assert_array_equal(old, new)
    assert zipfile.ZipFile(tmp_path / "small.keras").testzip() is None
    assert (tmp_path / "small.keras").stat().st_size < 0.7 * (tmp_path / "plain.keras").stat().st_size
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain.keras", "small.keras"]
