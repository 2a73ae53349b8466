"""The image classifiers of the paper as Keras models, ready for training and for `snnviz.convert`.

Every weighted layer but the last is followed by batch normalisation with gamma fixed to 1 (so that a pre-activation is
about N(beta, 1), which `snnviz.sparsity` builds on) and ReLU; the last is a softmax `Dense`. All have biases.
Convolutions are 3x3 'same', pooling is 2x2 average.

Source: Dutson, Li, Gupta, "Spike-Based Anytime Perception" (WACV 2023), supplement; the MobileNet follows Howard et al.,
"MobileNets" (2017), table 1, with ReLU. The residual network is not the paper's: He et al., "Deep Residual Learning for Image
Recognition" (CVPR 2016), section 4.2, with 1x1 convolutions as shortcuts where shapes change (their option B).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError

if TYPE_CHECKING:
    import keras

Block = tuple[int, int]
"""A depthwise separable block of a MobileNet: (output channels before `alpha`, stride)."""

MOBILENET_BLOCKS: tuple[Block, ...] = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
"""The thirteen blocks of MobileNet v1 after its first convolution."""


class _Builder:
    """Collects layers in order, names them, and gives each initialiser its own seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.layers: list[Any] = []
        self._count: dict[str, int] = {}

    def _name(self, kind: str) -> str:
        self._count[kind] = self._count.get(kind, 0) + 1
        return f"{kind}{self._count[kind]}"

    def initializer(self) -> Any:
        # a seed per layer, not the global generator: the same weights whatever ran before in this process
        import keras

        return keras.initializers.GlorotUniform(seed=self.seed * 1000 + len(self.layers))

    def _normalised_relu(self, name: str) -> None:
        import keras

        self.layers += [
            keras.layers.BatchNormalization(scale=False, name=f"{name}_bn"),
            keras.layers.ReLU(name=f"{name}_relu"),
        ]

    def dense(self, units: int) -> None:
        import keras

        name = self._name("dense")
        self.layers.append(keras.layers.Dense(units, kernel_initializer=self.initializer(), name=name))
        self._normalised_relu(name)

    def conv(self, filters: int, kernel: int = 3, stride: int = 1) -> None:
        import keras

        name = self._name("conv")
        self.layers.append(
            keras.layers.Conv2D(
                filters,
                kernel,
                strides=stride,
                padding="same",
                kernel_initializer=self.initializer(),
                name=name,
            )
        )
        self._normalised_relu(name)

    def depthwise(self, stride: int) -> None:
        import keras

        name = self._name("depthwise")
        self.layers.append(
            keras.layers.DepthwiseConv2D(
                3, strides=stride, padding="same", depthwise_initializer=self.initializer(), name=name
            )
        )
        self._normalised_relu(name)

    def pool(self) -> None:
        import keras

        self.layers.append(keras.layers.AveragePooling2D(2, name=self._name("pool")))

    def flatten(self) -> None:
        import keras

        self.layers.append(keras.layers.Flatten(name="flatten"))

    def classifier(self, classes: int) -> None:
        import keras

        self.layers.append(
            keras.layers.Dense(classes, activation="softmax", kernel_initializer=self.initializer(), name="classifier")
        )

    def model(self, input_shape: tuple[int, int, int], name: str) -> keras.Model:
        import keras

        return keras.Sequential([keras.Input(input_shape, name="image"), *self.layers], name=name.replace("-", "_"))


def _dense_mnist(seed: int) -> keras.Model:
    """784 - 128 - 128 - 10."""
    build = _Builder(seed)
    build.flatten()
    build.dense(128)
    build.dense(128)
    build.classifier(10)
    return build.model((28, 28, 1), "dense-mnist")


def _dense_mnist_pooled(seed: int) -> keras.Model:
    """2x2 average pooling, then 196 - 128 - 128 - 10: a fan-in that SpiNNaker's fabric can carry."""
    build = _Builder(seed)
    build.pool()
    build.flatten()
    build.dense(128)
    build.dense(128)
    build.classifier(10)
    return build.model((28, 28, 1), "dense-mnist-pooled")


def _stacked_conv(
    name: str, seed: int, shape: tuple[int, int, int], stages: Sequence[Sequence[int]], hidden: int, classes: int
) -> keras.Model:
    """Stages of 3x3 convolutions, each stage followed by pooling; then one hidden dense layer and the classifier."""
    build = _Builder(seed)
    for stage in stages:
        for filters in stage:
            build.conv(filters)
        build.pool()
    build.flatten()
    build.dense(hidden)
    build.classifier(classes)
    return build.model(shape, name)


def _conv_mnist(seed: int) -> keras.Model:
    """conv32 conv32 pool conv64 conv64 pool dense128 dense10."""
    return _stacked_conv("conv-mnist", seed, (28, 28, 1), ((32, 32), (64, 64)), 128, 10)


def _conv_saccade_mnist(seed: int) -> keras.Model:
    """conv16 and conv32, both of stride 2, dense64 dense10; on 34 x 34 pixels of two polarities."""
    build = _Builder(seed)
    build.conv(16, stride=2)
    build.conv(32, stride=2)
    build.flatten()
    build.dense(64)
    build.classifier(10)
    return build.model((34, 34, 2), "conv-saccade-mnist")


_CIFAR_STAGES = ((64,) * 3, (128,) * 3, (256,) * 3)


def _conv_cifar10(seed: int) -> keras.Model:
    """conv64 x3 pool conv128 x3 pool conv256 x3 pool dense512 dense10."""
    return _stacked_conv("conv-cifar10", seed, (32, 32, 3), _CIFAR_STAGES, 512, 10)


def _conv_cifar100(seed: int) -> keras.Model:
    """conv64 x3 pool conv128 x3 pool conv256 x3 pool dense512 dense100."""
    return _stacked_conv("conv-cifar100", seed, (32, 32, 3), _CIFAR_STAGES, 512, 100)


def _resnet20_cifar10(seed: int) -> keras.Model:
    """conv16, three stages of three residual blocks with 16, 32 and 64 channels, global average pooling, dense10."""
    import keras

    build = _Builder(seed)
    image = keras.Input((32, 32, 3), name="image")

    def convolved(x: Any, filters: int, name: str, kernel: int = 3, stride: int = 1) -> Any:
        convolution = keras.layers.Conv2D(
            filters, kernel, strides=stride, padding="same", kernel_initializer=build.initializer(), name=name
        )
        build.layers.append(convolution)
        return keras.layers.BatchNormalization(scale=False, name=f"{name}_bn")(convolution(x))

    x = keras.layers.ReLU(name="conv1_relu")(convolved(image, 16, "conv1"))
    for stage, filters in enumerate((16, 32, 64), 1):
        for block in range(1, 4):
            name = f"block{stage}{block}"
            stride = 2 if stage > 1 and block == 1 else 1
            inside = keras.layers.ReLU(name=f"{name}_relu1")(convolved(x, filters, f"{name}_conv1", stride=stride))
            inside = convolved(inside, filters, f"{name}_conv2")
            shortcut = x if stride == 1 else convolved(x, filters, f"{name}_shortcut", kernel=1, stride=stride)
            x = keras.layers.ReLU(name=f"{name}_relu2")(keras.layers.Add(name=f"{name}_add")([inside, shortcut]))
    x = keras.layers.GlobalAveragePooling2D(name="global_pool")(x)
    classifier = keras.layers.Dense(10, activation="softmax", kernel_initializer=build.initializer(), name="classifier")
    return keras.Model(image, classifier(x), name="resnet20_cifar10")


def _mobilenet(
    seed: int,
    size: int = 224,
    channels: int = 3,
    alpha: float = 1.0,
    classes: int = 1000,
    stem: int = 32,
    blocks: Sequence[Block] = MOBILENET_BLOCKS,
) -> keras.Model:
    """MobileNet v1 with ReLU: a strided 3x3 convolution, depthwise separable blocks, global average pooling, softmax.

    Options: `size` (pixels a side), `channels` (of the image), `alpha` (width multiplier), `classes`, `stem` (channels of
    the first convolution, before `alpha`) and `blocks`, a sequence of (channels before `alpha`, stride 1 or 2).
    """
    size = check.integer("size", size, 8)
    channels = check.integer("channels", channels, 1)
    alpha = check.real("alpha", alpha, 0, above=True)
    classes = check.integer("classes", classes, 2)
    stem = check.integer("stem", stem, 1)
    width = lambda count: max(1, int(count * alpha))  # noqa: E731
    build = _Builder(seed)
    build.conv(width(stem), stride=2)
    for block in _blocks(blocks):
        build.depthwise(block[1])
        build.conv(width(block[0]), kernel=1)
    import keras

    build.layers.append(keras.layers.GlobalAveragePooling2D(name="global_pool"))
    build.classifier(classes)
    return build.model((size, size, channels), "mobilenet")


def _blocks(blocks: Any) -> list[Block]:
    try:
        pairs = [tuple(block) for block in blocks]
    except TypeError:
        pairs = [()]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise InputError(
            f"`blocks` must be a non-empty sequence of (channels, stride) pairs. Received: {check.describe(blocks)}"
        )
    return [
        (check.integer("channels of a block", pair[0], 1), check.integer("stride of a block", pair[1], 1, 2))
        for pair in pairs
    ]


_ARCHITECTURES: dict[str, Callable[..., Any]] = {
    "dense-mnist": _dense_mnist,
    "conv-mnist": _conv_mnist,
    "conv-saccade-mnist": _conv_saccade_mnist,
    "conv-cifar10": _conv_cifar10,
    "conv-cifar100": _conv_cifar100,
    "dense-mnist-pooled": _dense_mnist_pooled,
    "resnet20-cifar10": _resnet20_cifar10,
    "mobilenet": _mobilenet,
}

DATA = {
    "dense-mnist": "mnist",
    "conv-mnist": "mnist",
    "conv-saccade-mnist": "saccade_mnist",
    "conv-cifar10": "cifar10",
    "conv-cifar100": "cifar100",
    "dense-mnist-pooled": "mnist",
    "resnet20-cifar10": "cifar10",
}
"""The data set each architecture was made for; MobileNet's ImageNet must be brought by the user."""


def names() -> tuple[str, ...]:
    """The names that `build` knows."""
    return tuple(_ARCHITECTURES)


@checked
def describe(name: str) -> str:
    """One line on the layers of architecture `name`."""
    check.choice("name", name, _ARCHITECTURES)
    return (inspect.getdoc(_ARCHITECTURES[name]) or "").splitlines()[0]


@checked
def build(name: str, seed: int = 0, **options: Any) -> keras.Model:
    """A freshly initialised Keras model.

    Args:
        name: one of `names()`.
        seed: of the initial weights; the same seed gives the same weights on the same Keras backend, whatever else has
            drawn random numbers.
        **options: of "mobilenet" only: `size`, `channels`, `alpha`, `classes`, `stem` and `blocks`, which allow small ones.

    Returns:
        An uncompiled `keras.Model` that takes images (items, height, width, channels) in [0, 1] and gives class
        probabilities (items, classes).

    Raises:
        InputError: for an unknown name, or an option the architecture does not have.
    """
    check.choice("name", name, _ARCHITECTURES)
    seed = check.integer("seed", seed, 0)
    make = _ARCHITECTURES[name]
    allowed = [option for option in inspect.signature(make).parameters if option != "seed"]
    unknown = sorted(set(options) - set(allowed))
    if unknown:
        wanted = f"one of {', '.join(allowed)}" if allowed else "left out: this architecture has none"
        raise InputError(f"an option of architecture {name!r} must be {wanted}. Received: {', '.join(unknown)}")
    return make(seed, **options)
