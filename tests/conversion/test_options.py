"""Every accepted layer with every option that changes what it computes: converted exactly, or refused; never something else."""

import keras
import numpy as np
import pytest
from keras import layers as L

from snnviz import conversion
from snnviz.errors import InputError
from snnviz.simulation import analog

SHAPE = (6, 6, 3)
LAYERS = {
    **{f"Conv2D {options}": (L.Conv2D, {"filters": 4, "kernel_size": 3, **options}) for options in (
        {}, {"strides": 2}, {"padding": "same"}, {"padding": "same", "strides": 2}, {"dilation_rate": 2}, {"groups": 1},
        {"use_bias": False}, {"activation": "relu6"}, {"activation": "elu"}, {"activation": "softmax"},
        {"data_format": "channels_first"}, {"kernel_size": (1, 3)}, {"dtype": "mixed_bfloat16"},
    )},
    **{f"DepthwiseConv2D {options}": (L.DepthwiseConv2D, {"kernel_size": 3, **options}) for options in (
        {}, {"depth_multiplier": 2}, {"strides": 2}, {"padding": "same"}, {"dilation_rate": 2}, {"use_bias": False},
    )},
    **{f"SeparableConv2D {options}": (L.SeparableConv2D, {"filters": 4, "kernel_size": 3, **options}) for options in (
        {}, {"depth_multiplier": 2}, {"strides": 2}, {"padding": "same"}, {"dilation_rate": 2}, {"use_bias": False},
    )},
    **{f"AveragePooling2D {options}": (L.AveragePooling2D, {"pool_size": 2, **options}) for options in (
        {}, {"pool_size": 3}, {"strides": 1}, {"padding": "same"}, {"pool_size": 4, "padding": "same"},
    )},
    **{f"BatchNormalization {options}": (L.BatchNormalization, options) for options in (
        {}, {"scale": False}, {"center": False}, {"epsilon": 0.1}, {"axis": 1}, {"axis": 2}, {"axis": 3},
    )},
    **{f"Rescaling {options}": (L.Rescaling, options) for options in (
        {"scale": 2.0}, {"scale": 1.0, "offset": 0.25}, {"scale": [0.5, 1.0, 2.0]}, {"scale": [0.5, 1.0, 2.0], "offset": [1, 2, 3]},
    )},
    **{f"Normalization {options}": (L.Normalization, options) for options in (
        {"mean": 0.3, "variance": 0.1, "axis": None}, {"mean": [0.1, 0.2, 0.3], "variance": [0.1, 0.2, 0.3]},
        {"mean": [0.1, 0.2, 0.3], "variance": [0.1, 0.2, 0.3], "invert": True},
    )},
    **{f"ReLU {options}": (L.ReLU, options) for options in (
        {}, {"max_value": 0.5}, {"negative_slope": 0.1}, {"threshold": 0.2},
    )},
    **{f"ZeroPadding2D {options}": (L.ZeroPadding2D, options) for options in ({}, {"padding": ((1, 0), (0, 2))})},
    "GlobalAveragePooling2D": (L.GlobalAveragePooling2D, {}),
    "GlobalAveragePooling2D, map kept": (L.GlobalAveragePooling2D, {"keepdims": True}),
    "Dense on a map": (L.Dense, {"units": 4, "activation": "relu"}),
    "Dense without bias": (L.Dense, {"units": 4, "use_bias": False}),
    "Softmax in the middle": (L.Softmax, {"axis": 1}),
    "Reshape": (L.Reshape, {"target_shape": (3, 12, 3)}),
}  # fmt: skip


@pytest.mark.parametrize("place", ["first", "after a convolution", "after a ReLU"])
@pytest.mark.parametrize("kind", LAYERS)
def test_fold_is_predict_or_a_refusal(kind: str, place: str) -> None:
    rng = np.random.default_rng(0)
    made, options = LAYERS[kind]
    before = {"first": [], "after a convolution": [L.Conv2D(3, 3, padding="same")], "after a ReLU": [
        L.Conv2D(3, 3, padding="same", activation="relu")]}[place]  # fmt: skip
    keras.utils.set_random_seed(0)
    try:
        tail = [L.ReLU(), L.Flatten(), L.Dense(3)]
        model = keras.Sequential([keras.Input(SHAPE), *before, made(**options), *tail])
    except ValueError as refusal:  # Keras does not build it
        pytest.skip(str(refusal).partition("\n")[0])
    for variable in model.variables:
        if variable.dtype == "float32" and "seed" not in variable.path:
            spread = (
                rng.uniform(0.2, 0.9, variable.shape)
                if "variance" in variable.path
                else rng.normal(0, 0.3, variable.shape)
            )
            variable.assign(np.abs(spread) if "variance" in variable.path else spread)
    x = rng.random((5, *SHAPE), np.float32)
    try:
        network = conversion.fold(model, input_range=1)
    except InputError:
        return
    try:
        truth = np.asarray(model.predict(x, verbose=0), np.float32)
    except Exception as error:  # nothing to compare with, where this processor cannot run the layer
        pytest.skip(f"{type(error).__name__}")
    images = x.reshape(len(x), *network.input_shape)
    found = next(iter(analog.batches(network, images, len(x))))[1][network.layer_names[-1]]
    close = 0.05 if options.get("dtype") else 2e-5
    np.testing.assert_allclose(found, truth, rtol=close, atol=close)


@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_quantised_models_are_refused_by_name(mode: str) -> None:
    model = keras.Sequential([keras.Input((8,)), L.Dense(4, activation="relu"), L.Dense(3)])
    for layer in model.layers:
        layer.quantize(mode)
    problems = conversion.check_convertible(model)
    assert [problem.layer for problem in problems] == [layer.name for layer in model.layers]
    assert all(mode in problem.reason for problem in problems)


def test_a_normalisation_along_another_axis_of_the_same_size_is_refused() -> None:
    normal = L.Normalization(axis=1, mean=[0.1, 0.2, 0.3], variance=[1, 2, 3])
    model = keras.Sequential([keras.Input((3, 4, 3)), normal, L.Flatten(), L.Dense(2)])
    assert "channels" in str(conversion.check_convertible(model)[0])
