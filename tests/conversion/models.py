"""Small Keras models for the conversion tests, with weights and statistics that leave no factor at its default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers as kl

CONVERTIBLE: dict[str, Callable[[], keras.Model]] = {}


def _case(build: Callable[[], list[Any] | keras.Model]) -> Callable[[], keras.Model]:
    def model() -> keras.Model:
        built = build()
        return randomised(keras.Sequential(built) if isinstance(built, list) else built)

    CONVERTIBLE[build.__name__.strip("_")] = model
    return model


def randomised(model: keras.Model, seed: int = 0) -> keras.Model:
    """`model` with random weights, biases and batch-norm statistics; scales are kept near one so that nothing dies."""
    random = np.random.default_rng(seed)
    for variable in model.weights:
        if "seed" in variable.name or "count" in variable.name:
            continue
        shape, name = variable.shape, variable.name
        if name == "moving_mean" and isinstance(model.layers[0], kl.BatchNormalization):
            value = random.uniform(0, 0.6, shape)  # of images from 0 to 1
        elif name in ("moving_variance", "variance"):
            value = random.uniform(0.3, 2.0, shape)
        elif name == "gamma":
            value = random.uniform(0.5, 1.5, shape) * random.choice([-1, 1, 1, 1], shape)
        elif name in ("moving_mean", "beta", "bias", "mean"):
            value = random.normal(0, 0.3, shape)
        else:
            fan_in = max(1, int(np.prod(shape[:-1])))
            value = random.normal(0, 1.5 / np.sqrt(fan_in), shape)
        variable.assign(value.astype(np.float32))
    return model


def images(model: keras.Model, items: int = 40, seed: int = 1) -> np.ndarray:
    """Random intensities in [0, 1] of the shape that `model` takes."""
    shape = model.input_shape[1:]
    return np.random.default_rng(seed).random((items, *shape), dtype=np.float32)


def logits_of(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """What the model computes before its softmax, up to a constant per item: the logarithm of its probabilities."""
    scores = np.asarray(model(x, training=False), np.float64).reshape(len(x), -1)
    if np.allclose(scores.sum(axis=1), 1, atol=1e-5) and (scores >= 0).all():
        scores = np.log(scores)
    return scores - scores.mean(axis=1, keepdims=True)


@_case
def dense() -> list[Any]:
    return [keras.Input((6, 5, 1)), kl.Flatten(), kl.Dense(12), kl.BatchNormalization(), kl.ReLU(), kl.Dense(4)]


@_case
def dense_of_vectors() -> list[Any]:
    return [keras.Input((9,)), kl.Dense(7, activation="relu", use_bias=False), kl.Dense(4, activation="softmax")]


@_case
def image_without_channel() -> list[Any]:
    return [keras.Input((6, 5)), kl.Flatten(), kl.Dense(8, "relu"), kl.Dense(3, "softmax")]


@_case
def image_reshaped() -> list[Any]:
    return [keras.Input((36,)), kl.Reshape((6, 6, 1)), kl.Conv2D(3, 3, activation="relu"), kl.Flatten(), kl.Dense(3)]


@_case
def convolution_same_and_pooling() -> list[Any]:
    return [
        keras.Input((8, 8, 2)),
        kl.Conv2D(5, 3, padding="same", use_bias=False),
        kl.BatchNormalization(scale=False),
        kl.Activation("relu"),
        kl.AveragePooling2D(2),
        kl.Dropout(0.5),
        kl.Conv2D(4, 3, padding="valid"),
        kl.BatchNormalization(center=False),
        kl.ReLU(),
        kl.Flatten(),
        kl.Dense(6),
        kl.BatchNormalization(),
        kl.Activation("relu"),
        kl.Dense(3),
        kl.Softmax(),
    ]


@_case
def same_padding_strided() -> list[Any]:
    return [
        keras.Input((9, 8, 2)),
        kl.Conv2D(4, (3, 2), strides=(2, 3), padding="same", activation="relu"),
        kl.Conv2D(3, (2, 4), strides=2, padding="same", activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def same_padding_odd() -> list[Any]:
    return [
        keras.Input((7, 10, 1)),
        kl.Conv2D(4, 4, padding="same", activation="relu"),
        kl.Conv2D(4, 5, strides=3, padding="same", activation="relu"),
        kl.Conv2D(4, 1, strides=2, padding="same", activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def dilated() -> list[Any]:
    return [
        keras.Input((11, 10, 2)),
        kl.Conv2D(4, 3, dilation_rate=(2, 3), padding="same", activation="relu"),
        kl.Conv2D(4, 3, dilation_rate=2, padding="valid", activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def grouped() -> list[Any]:
    return [
        keras.Input((6, 6, 4)),
        kl.Conv2D(6, 3, groups=2, padding="same"),
        kl.BatchNormalization(),
        kl.ReLU(),
        kl.BatchNormalization(),
        kl.Conv2D(9, 3, groups=3, activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def depthwise() -> list[Any]:
    return [
        keras.Input((8, 7, 3)),
        kl.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2),
        kl.BatchNormalization(),
        kl.ReLU(),
        kl.BatchNormalization(),
        kl.DepthwiseConv2D(2, depth_multiplier=3, activation="relu"),
        kl.Conv2D(5, 1),
        kl.BatchNormalization(),
        kl.ReLU(max_value=6.0),
        kl.GlobalAveragePooling2D(),
        kl.Dense(4, activation="softmax"),
    ]


@_case
def separable() -> list[Any]:
    return [
        keras.Input((8, 7, 3)),
        kl.SeparableConv2D(4, 3, strides=2, padding="same", depth_multiplier=2),
        kl.BatchNormalization(),
        kl.ReLU(),
        kl.SeparableConv2D(5, (2, 3), activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def relu6_that_saturates() -> list[Any]:
    return [
        keras.Input((6,)),
        kl.Rescaling(40.0),
        kl.Dense(8, activation="relu6"),
        kl.Dense(8),
        kl.ReLU(2.5),
        kl.ReLU(2.0),
        kl.Dense(3),
    ]


@_case
def zero_padding() -> list[Any]:
    return [
        keras.Input((5, 6, 2)),
        kl.ZeroPadding2D(((0, 1), (2, 0))),
        kl.Conv2D(4, 3, strides=2),
        kl.ZeroPadding2D(1),
        kl.ReLU(),
        kl.ZeroPadding2D(((1, 0), (0, 1))),
        kl.Conv2D(3, 3, padding="same", activation="relu"),
        kl.ZeroPadding2D(1),
        kl.AveragePooling2D(2),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def pooling_first_and_overlapping() -> list[Any]:
    return [
        keras.Input((8, 8, 2)),
        kl.AveragePooling2D((2, 1)),
        kl.Conv2D(4, 3, activation="relu"),
        kl.AveragePooling2D(2, strides=1),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def pooling_same_without_padding() -> list[Any]:
    return [
        keras.Input((8, 8, 2)),
        kl.Conv2D(4, 3, padding="same", activation="relu"),
        kl.AveragePooling2D(2, padding="same"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def batch_norm_on_pooling() -> list[Any]:
    return [
        keras.Input((8, 8, 2)),
        kl.Conv2D(4, 3, activation="relu"),
        kl.AveragePooling2D(2),
        kl.BatchNormalization(),
        kl.ReLU(),
        kl.Conv2D(3, 2, padding="same", activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def batch_norm_after_relu() -> list[Any]:
    return [
        keras.Input((8, 8, 2)),
        kl.BatchNormalization(),
        kl.Conv2D(4, 3, activation="relu"),
        kl.BatchNormalization(),
        kl.Dropout(0.2),
        kl.AveragePooling2D(2),
        kl.BatchNormalization(),
        kl.Conv2D(5, 2, activation="relu"),
        kl.BatchNormalization(),
        kl.Flatten(),
        kl.Dense(6, activation="relu"),
        kl.BatchNormalization(),
        kl.Dense(3),
    ]


@_case
def batch_norm_of_flattened_map() -> list[Any]:
    return [
        keras.Input((5, 5, 2)),
        kl.Conv2D(4, 3, activation="relu"),
        kl.Flatten(),
        kl.BatchNormalization(),
        kl.Dense(3),
        kl.BatchNormalization(),
        kl.Softmax(),
    ]


@_case
def eight_bit_images() -> list[Any]:
    return [
        keras.Input((5, 5, 1)),
        kl.Rescaling(1 / 127.5, -1.0),
        kl.Conv2D(4, 3),
        kl.ReLU(),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def normalised_data() -> list[Any]:
    return [
        keras.Input((5, 5, 2)),
        kl.Normalization(mean=[0.3, 0.6], variance=[0.04, 0.09]),
        kl.Conv2D(4, 3, activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def dense_on_a_map() -> list[Any]:
    return [keras.Input((5, 4, 2)), kl.Dense(4, activation="relu"), kl.Flatten(), kl.Dense(3)]


@_case
def no_ops() -> list[Any]:
    return [
        keras.Input((6, 6, 1)),
        kl.RandomFlip("horizontal"),
        kl.GaussianNoise(0.1),
        kl.Conv2D(4, 3),
        kl.Activation("linear"),
        kl.SpatialDropout2D(0.2),
        kl.ReLU(),
        kl.ReLU(),
        kl.ActivityRegularization(0.1),
        kl.Identity(),
        kl.GaussianDropout(0.1),
        kl.AveragePooling2D(2),
        kl.ReLU(),
        kl.Reshape((16,)),
        kl.AlphaDropout(0.1),
        kl.Dense(3),
        kl.Softmax(),
        kl.Dropout(0.1),
    ]


@_case
def classes_by_convolution() -> list[Any]:
    return [
        keras.Input((6, 6, 2)),
        kl.Conv2D(4, 3, activation="relu"),
        kl.GlobalAveragePooling2D(keepdims=True),
        kl.Dropout(0.1),
        kl.Conv2D(3, 1),
        kl.Reshape((3,)),
        kl.Activation("softmax"),
    ]


@_case
def classes_by_pooling() -> list[Any]:
    return [
        keras.Input((6, 6, 2)),
        kl.Conv2D(4, 3, activation="relu"),
        kl.Conv2D(3, 1, activation="relu"),
        kl.BatchNormalization(),
        kl.GlobalAveragePooling2D(),
        kl.Softmax(),
    ]


@_case
def flat_to_one_pixel() -> list[Any]:
    return [
        keras.Input((6, 6, 2)),
        kl.Conv2D(4, 3, activation="relu"),
        kl.GlobalAveragePooling2D(),
        kl.Reshape((1, 1, 4)),
        kl.Conv2D(5, 1, activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def functional() -> keras.Model:
    image = keras.Input((8, 8, 1), name="input")
    x = kl.Conv2D(4, 3, name="shared")(image)
    x = kl.BatchNormalization()(x)
    x = kl.ReLU()(x)
    x = kl.Flatten()(x)
    return keras.Model(image, kl.Dense(3)(x))


@_case
def nested() -> keras.Model:
    inner = keras.Sequential(
        [keras.Input((6, 6, 4)), kl.Conv2D(4, 3, padding="same", name="twice"), kl.ReLU()], name="block"
    )
    image = keras.Input((8, 8, 1))
    x = kl.Conv2D(4, 3, name="twice")(image)
    x = kl.ReLU()(x)
    x = inner(x)
    x = inner(x)  # the same weights once more
    head_in = keras.Input((6, 6, 4))
    head = keras.Model(head_in, kl.Dense(3)(kl.Flatten()(head_in)))
    return keras.Sequential([keras.Input((8, 8, 1)), keras.Model(image, x), head])


@_case
def linear_map_flattened() -> list[Any]:
    return [
        keras.Input((6, 6, 2)),
        kl.Conv2D(4, 3, strides=2, padding="same"),
        kl.BatchNormalization(),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def linear_bottleneck() -> list[Any]:
    return [
        keras.Input((9,)),
        kl.Dense(8, "relu"),
        kl.Dense(4),
        kl.BatchNormalization(),
        kl.Dense(6, "relu"),
        kl.Dense(5),
        kl.Dense(3),
    ]


@_case
def linear_tail_pooled() -> list[Any]:
    return [
        keras.Input((6, 6, 2)),
        kl.Conv2D(4, 3, activation="relu"),
        kl.Conv2D(3, 1),
        kl.BatchNormalization(),
        kl.GlobalAveragePooling2D(),
        kl.Softmax(),
    ]


@_case
def linear_tail_of_windows_pooled() -> list[Any]:
    return [
        keras.Input((6, 6, 2)),
        kl.Conv2D(4, 3, activation="relu"),
        kl.Conv2D(3, 3, padding="same"),
        kl.GlobalAveragePooling2D(),
    ]


@_case
def pooled_before_the_relu() -> list[Any]:
    return [
        keras.Input((6, 6, 2)),
        kl.Conv2D(5, 1),
        kl.AveragePooling2D(2),
        kl.ReLU(),
        kl.Conv2D(4, 2, padding="same", activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def depthwise_then_pointwise() -> list[Any]:
    return [
        keras.Input((8, 7, 3)),
        kl.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2),
        kl.BatchNormalization(),
        kl.Conv2D(5, 1),
        kl.ReLU(),
        kl.Conv2D(4, 2, padding="same", dilation_rate=2),
        kl.Conv2D(5, 1, activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def pointwise_then_window() -> list[Any]:
    return [
        keras.Input((8, 7, 3)),
        kl.Conv2D(4, 1),
        kl.Conv2D(5, 3, strides=2, activation="relu"),
        kl.Conv2D(3, 1, use_bias=False),
        kl.Conv2D(5, 3, padding="same", activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def images_around_zero_padded() -> list[Any]:
    return [
        keras.Input((6, 5, 2)),
        kl.Rescaling(1 / 127.5, -1.0),
        kl.Conv2D(4, 3, padding="same", activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def batch_norm_after_relu_padded() -> list[Any]:
    return [
        keras.Input((7, 6, 2)),
        kl.Normalization(mean=[0.3, 0.6], variance=[0.04, 0.09]),
        kl.ZeroPadding2D(((1, 0), (0, 2))),
        kl.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu"),
        kl.BatchNormalization(),
        kl.Conv2D(6, 3, strides=2, groups=2, padding="same", activation="relu"),
        kl.BatchNormalization(),
        kl.ZeroPadding2D(1),
        kl.Conv2D(4, 2, dilation_rate=2),
        kl.BatchNormalization(),
        kl.ReLU(),
        kl.BatchNormalization(),
        kl.SeparableConv2D(5, 3, padding="same", activation="relu"),
        kl.BatchNormalization(),
        kl.Conv2D(3, 3, padding="same"),
        kl.GlobalAveragePooling2D(),
        kl.Softmax(),
    ]


def _bn_relu(x: Any) -> Any:
    return kl.ReLU()(kl.BatchNormalization()(x))


def _block(x: Any, filters: int, stride: int = 1) -> Any:
    """He et al. 2016: two convolutions beside the identity, or a 1x1 convolution where shapes change, added before the ReLU."""
    y = _bn_relu(kl.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x))
    y = kl.BatchNormalization()(kl.Conv2D(filters, 3, padding="same", use_bias=False)(y))
    if stride > 1 or x.shape[-1] != filters:
        x = kl.BatchNormalization()(kl.Conv2D(filters, 1, strides=stride, use_bias=False)(x))
    return kl.ReLU()(kl.Add()([y, x]))


def resnet20(size: int = 16, width: int = 4, blocks: int = 3, classes: int = 10) -> keras.Model:
    """The ResNet for CIFAR of 6 * blocks + 2 weighted layers."""
    image = keras.Input((size, size, 3))
    x = _bn_relu(kl.Conv2D(width, 3, padding="same", use_bias=False)(image))
    for stage in range(3):
        for block in range(blocks):
            x = _block(x, width * 2**stage, 2 if stage and not block else 1)
    return keras.Model(image, kl.Dense(classes)(kl.GlobalAveragePooling2D()(x)))


@_case
def residual_of_twenty_layers() -> keras.Model:
    return resnet20()


@_case
def residual_before_activation() -> keras.Model:
    """He et al. 2016b: the sums themselves are linear, and each block begins with batch normalisation and a ReLU."""
    image = keras.Input((8, 8, 2))
    x = kl.Conv2D(4, 3, padding="same")(image)
    for stride, filters in ((1, 4), (2, 6), (1, 6)):
        y = _bn_relu(x)
        short = x if stride == 1 else kl.Conv2D(filters, 1, strides=stride)(y)
        y = _bn_relu(kl.Conv2D(filters, 3, strides=stride, padding="same")(y))
        x = kl.Add()([short, kl.Conv2D(filters, 3, padding="same")(y)])
    x = kl.GlobalAveragePooling2D()(_bn_relu(x))
    return keras.Model(image, kl.Dense(3)(x))


@_case
def sums_behind_the_relu() -> keras.Model:
    image = keras.Input((8, 8, 2))
    first = kl.Conv2D(4, 3, padding="same", activation="relu")(image)
    second = kl.BatchNormalization()(kl.Conv2D(4, 3, padding="same", activation="relu")(first))
    x = kl.Average()([first, second, kl.Conv2D(4, 1, activation="relu")(image)])
    x = kl.BatchNormalization()(x)
    x = kl.Conv2D(5, 3, padding="same", activation="relu")(x)
    x = kl.ReLU()(kl.Subtract()([x, kl.Conv2D(5, 1)(first)]))
    x = kl.Add()([x, x])
    return keras.Model(image, kl.Dense(3)(kl.Flatten()(x)))


@_case
def sum_with_the_image() -> keras.Model:
    image = keras.Input((6, 6, 2))
    x = kl.Rescaling(1 / 127.5, -1.0)(image)
    x = kl.ReLU(4.0)(kl.Add()([kl.Conv2D(2, 3, padding="same")(x), x]))
    return keras.Model(image, kl.Dense(3)(kl.Flatten()(x)))


@_case
def side_by_side() -> keras.Model:
    image = keras.Input((8, 8, 2))
    x = kl.Conv2D(4, 3, padding="same", activation="relu")(image)
    left = kl.Conv2D(3, 1, activation="relu")(x)
    right = kl.BatchNormalization()(kl.Conv2D(5, 3, padding="same", activation="relu")(x))
    x = kl.Concatenate()([left, right, kl.Conv2D(2, 5, padding="same")(image)])
    x = _bn_relu(x)
    x = kl.AveragePooling2D(2)(x)
    x = kl.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="relu")(x)
    x = kl.Concatenate()([x, kl.AveragePooling2D(2)(left)])
    x = kl.BatchNormalization()(x)
    x = kl.Conv2D(6, 3, padding="same", activation="relu")(x)
    return keras.Model(image, kl.Dense(3)(kl.GlobalAveragePooling2D()(x)))


@_case
def side_by_side_and_flattened() -> keras.Model:
    image = keras.Input((6, 6, 1))
    left = kl.Conv2D(3, 3, activation="relu")(image)
    right = kl.Conv2D(2, 3, activation="relu")(image)
    both = kl.Flatten()(kl.BatchNormalization()(kl.Concatenate()([left, right])))
    wide = kl.Dense(5, activation="relu")(kl.Flatten()(left))
    x = kl.Concatenate()([wide, both, kl.Flatten()(right)])
    return keras.Model(image, kl.Dense(3)(x))


@_case
def side_by_side_then_grouped() -> keras.Model:
    """No group has the channels of one branch: neurons of their own pass the spikes on."""
    image = keras.Input((6, 6, 2))
    left = kl.Conv2D(3, 3, padding="same", activation="relu")(image)
    right = kl.Conv2D(5, 3, padding="same", activation="relu")(image)
    x = kl.Concatenate(name="both")([left, right])
    x = kl.Conv2D(6, 3, groups=2, name="grouped")(x)
    x = kl.ReLU()(kl.Add()([x, kl.Conv2D(6, 3)(image)]))
    return keras.Model(image, kl.Dense(3)(kl.Flatten()(x)))


@_case
def inverted_residual() -> keras.Model:
    """Sandler et al. 2018: what is added up lies in linear bottlenecks."""
    image = keras.Input((8, 8, 2))
    x = kl.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(image)
    x = kl.ReLU(6.0)(kl.BatchNormalization()(x))
    x = kl.BatchNormalization()(kl.Conv2D(3, 1, use_bias=False)(x))
    for _ in range(2):
        y = kl.ReLU(6.0)(kl.BatchNormalization()(kl.Conv2D(8, 1, use_bias=False)(x)))
        y = kl.ReLU(6.0)(kl.BatchNormalization()(kl.DepthwiseConv2D(3, padding="same", use_bias=False)(y)))
        x = kl.Add()([x, kl.BatchNormalization()(kl.Conv2D(3, 1, use_bias=False)(y))])
    x = kl.ReLU(6.0)(kl.BatchNormalization()(kl.Conv2D(10, 1)(x)))
    return keras.Model(image, kl.Dense(3)(kl.GlobalAveragePooling2D()(x)))


@_case
def two_heads_added() -> keras.Model:
    image = keras.Input((4, 4, 1))
    x = kl.Dense(6, activation="relu")(kl.Flatten()(image))
    inner_in = [keras.Input((6,)), keras.Input((16,))]
    inner = keras.Model(inner_in, kl.Add()([kl.Dense(3)(inner_in[0]), kl.Dense(3)(inner_in[1])]))
    return keras.Model(image, kl.Softmax()(inner([x, kl.Flatten()(image)])))


@_case
def batch_norm_between_two_relus() -> list[Any]:
    """Neurons of their own take it in."""
    return [
        keras.Input((6, 6, 2)),
        kl.Conv2D(4, 3, activation="relu"),
        kl.BatchNormalization(),
        kl.ReLU(3.0),
        kl.Conv2D(4, 3, padding="same", activation="relu"),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def window_behind_a_linear_window() -> list[Any]:
    """Zero padding keeps the two from being one: what can be negative gets neurons of either sign."""
    return [
        keras.Input((7, 7, 2)),
        kl.Conv2D(3, 3, padding="same"),
        kl.BatchNormalization(),
        kl.Conv2D(4, 3, padding="same", activation="relu"),
        kl.SeparableConv2D(4, 3, strides=2, padding="same"),
        kl.ZeroPadding2D(1),
        kl.AveragePooling2D(3, 1),
        kl.BatchNormalization(),
        kl.ReLU(),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def sum_of_what_can_be_negative_before_windows() -> keras.Model:
    """Two layers take the one sum, one of them in groups across its parts."""
    image = keras.Input((7, 7, 2))
    x = kl.Conv2D(4, 3, padding="same", activation="relu")(image)
    x = kl.Subtract(name="difference")([x, kl.Conv2D(4, 5, padding="same")(image)])
    left = kl.Conv2D(3, 3, padding="same", activation="relu")(x)
    both = kl.Concatenate()([x, kl.Conv2D(2, 1)(left)])
    right = kl.Conv2D(4, 3, padding="same", groups=2, activation="relu")(both)
    x = kl.Concatenate()([left, right])
    return keras.Model(image, kl.Dense(3)(kl.Flatten()(x)))


@_case
def cropped() -> list[Any]:
    """NASNet moves a map by one position so."""
    return [
        keras.Input((8, 8, 2)),
        kl.Conv2D(4, 3, padding="same", activation="relu"),
        kl.BatchNormalization(),
        kl.ZeroPadding2D(((0, 1), (0, 1))),
        kl.Cropping2D(((1, 0), (1, 0))),
        kl.AveragePooling2D(1, 2),
        kl.Conv2D(3, 1, activation="relu"),
        kl.Cropping2D(1),
        kl.Flatten(),
        kl.Dense(3),
    ]


@_case
def the_image_cropped() -> list[Any]:
    return [keras.Input((6, 6, 1)), kl.Cropping2D(((0, 1), (2, 0))), kl.Flatten(), kl.Dense(3)]


@_case
def operators() -> keras.Model:
    """+ and - between tensors."""
    image = keras.Input((6, 6, 2))
    x = kl.Conv2D(2, 3, padding="same", activation="relu")(image)
    x = kl.ReLU()(kl.Conv2D(2, 3, padding="same")(x) + x - image)
    return keras.Model(image, kl.Dense(3)(kl.Flatten()(x)))
