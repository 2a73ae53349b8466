import numpy as np
import pytest

from snnviz import architectures
from snnviz.conversion import check_convertible
from snnviz.errors import InputError

# counted by hand from mission section 7: weighted layers with biases, one beta (and two moving statistics) per channel of
# every weighted layer but the last
PARAMETERS = {
    "dense-mnist": (784 + 1) * 128 + 129 * 128 + 129 * 10 + 3 * 256,
    "dense-mnist-pooled": (196 + 1) * 128 + 129 * 128 + 129 * 10 + 3 * 256,
    "conv-mnist": 10 * 32
    + 289 * 32
    + 289 * 64
    + 577 * 64
    + (7 * 7 * 64 + 1) * 128
    + 129 * 10
    + 3 * (32 + 32 + 64 + 64 + 128),
}
SHAPES = {
    "dense-mnist": ((28, 28, 1), 10),
    "dense-mnist-pooled": ((28, 28, 1), 10),
    "conv-mnist": ((28, 28, 1), 10),
    "conv-cifar10": ((32, 32, 3), 10),
    "conv-cifar100": ((32, 32, 3), 100),
    "resnet20-cifar10": ((32, 32, 3), 10),
    "conv-saccade-mnist": ((34, 34, 2), 10),
}
SMALL = {"size": 16, "channels": 1, "alpha": 0.25, "classes": 3, "blocks": [(64, 1), (128, 2)]}


def layers_of(model, kind):
    return [layer for layer in model.layers if type(layer).__name__ == kind]


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_counts_are_those_of_the_paper(name):
    assert architectures.build(name).count_params() == PARAMETERS[name]


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_normalisation_and_biases(name):
    model = architectures.build(name)
    shape, classes = SHAPES[name]
    assert model.input_shape == (None, *shape)
    assert model.output_shape == (None, classes)
    weighted = layers_of(model, "Dense") + layers_of(model, "Conv2D")
    assert all(layer.use_bias for layer in weighted)
    normalisations = layers_of(model, "BatchNormalization")
    shortcuts = [
        layer for layer in weighted if layer.name.endswith("_shortcut")
    ]  # normalised, and rectified in the sum
    assert len(normalisations) == len(layers_of(model, "ReLU")) + len(shortcuts) == len(weighted) - 1
    assert not any(layer.scale for layer in normalisations)
    assert all(layer.center for layer in normalisations)
    assert model.layers[-1].activation.__name__ == "softmax"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv-mnist", "32 32 P 64 64 P D128 D10"),
        ("conv-cifar10", "64 64 64 P 128 128 128 P 256 256 256 P D512 D10"),
        ("conv-cifar100", "64 64 64 P 128 128 128 P 256 256 256 P D512 D100"),
        ("dense-mnist-pooled", "P D128 D128 D10"),
    ],
)
def test_order_of_layers(name, expected):
    words = []
    for layer in architectures.build(name).layers:
        kind = type(layer).__name__
        if kind == "Conv2D":
            assert layer.kernel_size == (3, 3)
            assert layer.padding == "same"
            words.append(str(layer.filters))
        elif kind == "AveragePooling2D":
            assert layer.pool_size == (2, 2)
            words.append("P")
        elif kind == "Dense":
            words.append(f"D{layer.units}")
    assert " ".join(words) == expected


def test_the_seed_alone_decides_the_weights():
    import keras

    first = architectures.build("dense-mnist-pooled", seed=3).get_weights()
    keras.random.uniform((5,))  # global generators move on
    again = architectures.build("dense-mnist-pooled", seed=3).get_weights()
    other = architectures.build("dense-mnist-pooled", seed=4).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[0][:128], first[6][:128])  # layers differ from each other


def test_small_mobilenet():
    model = architectures.build("mobilenet", **SMALL)
    assert model.input_shape == (None, 16, 16, 1)
    kinds = [type(layer).__name__ for layer in model.layers if layer.weights and "Normal" not in type(layer).__name__]
    assert kinds == ["Conv2D", "DepthwiseConv2D", "Conv2D", "DepthwiseConv2D", "Conv2D", "Dense"]
    assert [layer.filters for layer in layers_of(model, "Conv2D")] == [8, 16, 32]
    assert [layer.strides for layer in layers_of(model, "DepthwiseConv2D")] == [(1, 1), (2, 2)]
    assert len(layers_of(model, "ReLU")) == 5
    probabilities = np.asarray(model(np.zeros((2, 16, 16, 1), np.float32)))
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_residual_network_is_the_published_one():
    # He et al. 2016, table 6: 20 weighted layers and 0.27 million weights, beside the two 1x1 convolutions of option B
    model = architectures.build("resnet20-cifar10")
    kernels = {v.path: int(np.prod(v.shape)) for v in model.trainable_variables if v.path.endswith("kernel")}
    stages = 6 * 9 * 16**2 + sum(9 * (half * 2 * half + 5 * (2 * half) ** 2) for half in (16, 32))
    assert sum(kernels.values()) == 27 * 16 + stages + (16 * 32 + 32 * 64) + 64 * 10
    assert len(kernels) == 20 + 2
    assert len(layers_of(model, "Add")) == 9
    assert not check_convertible(model)


def test_full_mobilenet_has_the_published_size():
    # Howard et al. 2017, table 8: 4.2 million parameters; ours has biases and no gamma
    model = architectures.build("mobilenet")
    kernels = sum(int(np.prod(v.shape)) for v in model.trainable_variables if v.path.endswith("kernel"))
    # stem, depthwise 3x3 and pointwise kernels of table 1, classifier
    pairs = [(32, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512)] + [(512, 512)] * 5
    pairs += [(512, 1024), (1024, 1024)]
    assert kernels == 27 * 32 + sum(9 * a + a * b for a, b in pairs) + 1024 * 1000
    assert 4.1e6 < kernels < 4.3e6


def test_names_and_descriptions():
    assert set(SHAPES) | {"mobilenet"} == set(architectures.names())
    assert "128 - 128 - 10" in architectures.describe("dense-mnist")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("dense", {}, "`name` must be one of 'dense-mnist'"),
        ("dense-mnist", {"alpha": 1}, "has none"),
        ("mobilenet", {"width": 1}, "must be one of size, channels"),
        ("mobilenet", {"alpha": 0}, "`alpha` must be"),
        ("mobilenet", {"blocks": [(64, 3)]}, "stride of a block"),
        ("mobilenet", {"blocks": [64]}, "`blocks` must be"),
        ("mobilenet", {"blocks": []}, "`blocks` must be"),
        ("mobilenet", {"size": 7}, "`size` must be"),
        ("dense-mnist", {"seed": -1}, "`seed` must be"),
    ],
)
def test_mistakes_are_answered(name, options, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        architectures.build(name, **options)
