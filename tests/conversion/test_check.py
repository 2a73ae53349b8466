"""What cannot be converted is refused by name, with its place, the reason and the remedy."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from snnviz import InputError
from snnviz._models import SKIPPED
from snnviz.conversion import check_convertible, convert, fold

IMAGE = (8, 8, 2)


def sequential(*layers, shape=IMAGE):
    return keras.Sequential([keras.Input(shape), *layers])


def dense_ending(*layers, shape=IMAGE):
    return sequential(*layers, kl.Flatten(), kl.Dense(3, name="classes"), shape=shape)


def conv(**options):
    return kl.Conv2D(4, 3, **({"activation": "relu", "padding": "same", "name": "conv"} | options))


# name of the case: (layers before Flatten and Dense, layer at fault, its place, a piece of the message)
REFUSED = {
    "max pooling": ([conv(), kl.MaxPooling2D(name="x")], "x", 1, "max pooling has no spiking counterpart"),
    "global max pooling": ([conv(), kl.GlobalMaxPooling2D(name="x")], "x", 1, "use average pooling"),
    "leaky relu": ([conv(activation=None), kl.LeakyReLU(name="x")], "x", 1, "use ReLU and retrain"),
    "leaky slope": ([conv(activation=None), kl.ReLU(negative_slope=0.1, name="x")], "x", 1, "negative_slope is 0.1"),
    "relu threshold": ([conv(activation=None), kl.ReLU(threshold=0.5, name="x")], "x", 1, "threshold 0.5"),
    "relu that silences": ([conv(activation=None), kl.ReLU(max_value=0, name="x")], "x", 1, "max_value is 0"),
    "elu": ([conv(activation="elu", name="x")], "x", 0, "'elu'"),
    "sigmoid": ([conv(activation="sigmoid", name="x")], "x", 0, "'sigmoid'"),
    "tanh layer": ([conv(activation=None), kl.Activation("tanh", name="x")], "x", 1, "'tanh'"),
    "softmax in the middle": ([conv(activation="softmax", name="x"), conv(name="y")], "x", 0, "must come last"),
    "pooling same at the border": (
        [kl.AveragePooling2D(3, padding="same", name="x")], "x", 0, "use padding='valid', behind zero padding",
    ),
    "layer norm": ([conv(), kl.LayerNormalization(name="x")], "x", 1, "use BatchNormalization"),
    "upsampling": ([conv(), kl.UpSampling2D(name="x")], "x", 1, "enlarge"),
    "a layer that nothing reads": ([conv(), kl.EinsumDense("abcd,de->abce", (8, 8, 4), name="x")], "x", 1, "in its place"),
    "adaptive pooling": ([conv(), kl.AdaptiveAveragePooling2D(4, name="x")], "x", 1, "one size of window"),
    "transposed": ([kl.Conv2DTranspose(3, 3, name="x")], "x", 0, "use a convolution"),
    "permute": ([kl.Permute((2, 1, 3), name="x")], "x", 0, "axes"),
    "channels first": ([conv(data_format="channels_first", name="x")], "x", 0, "channels_first"),
    "batch norm of another axis": (
        [conv(activation=None), kl.BatchNormalization(axis=1, name="x"), kl.ReLU()], "x", 1, "axis 1",
    ),
    "batch norm after relu, then padded pooling": (
        [conv(), kl.BatchNormalization(name="x"), kl.ZeroPadding2D(1), kl.AveragePooling2D(2, name="y")], "x", 1,
        "averages zeros of the padding too",
    ),
    "batch norm of zero padding": (
        [conv(activation=None), kl.ZeroPadding2D(), kl.BatchNormalization(name="x"), kl.ReLU()], "x", 2, "zeros it would",
    ),
    "batch norm of a flattened map": (
        [conv(activation=None), kl.Flatten(), kl.BatchNormalization(name="x"), kl.ReLU()], "x", 2, "before Flatten",
    ),
    "padding of nothing": ([conv(), kl.ZeroPadding2D(name="x")], "x", 1, "no convolution follows"),
    "reshaped map": ([conv(), kl.Reshape((4, 16, 4), name="x")], "x", 1, "use Flatten"),
    "lambda": ([kl.Lambda(lambda x: x * 2, name="x")], "x", 0, "not known"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_layer_is_refused(case):
    layers, name, position, message = REFUSED[case]
    model = dense_ending(*layers)
    if any(isinstance(layer, kl.BatchNormalization) for layer in layers):
        for layer in model.layers:  # fresh statistics shift nothing
            if isinstance(layer, kl.BatchNormalization):
                layer.beta.assign(np.linspace(-0.5, 0.5, layer.beta.shape[0]))
    problems = check_convertible(model)
    named = [problem for problem in problems if problem.layer == name]
    assert named, problems
    assert named[0].place == f"layers[{position}]"
    assert named[0].kind == type(model.layers[position]).__name__
    with pytest.raises(InputError) as caught:
        convert(model, np.zeros((2, *IMAGE), np.float32))
    assert message in str(caught.value)
    assert f"{name!r} ({named[0].kind}, layers[{position}])" in str(caught.value)
    assert "\n" not in str(caught.value)


ONE_PROBLEM = sorted(set(REFUSED) - {"reshaped map"})  # which hides the order of the pixels from the rest


@pytest.mark.parametrize("case", ONE_PROBLEM)
def test_one_fault_is_reported_once(case):
    layers, name, position, _ = REFUSED[case]
    model = dense_ending(
        *[type(layer).from_config(layer.get_config()) for layer in layers if case != "lambda"] or layers
    )
    for layer in model.layers:
        if isinstance(layer, kl.BatchNormalization):
            layer.beta.assign(np.linspace(-0.5, 0.5, layer.beta.shape[0]))
    assert [(problem.layer, problem.place) for problem in check_convertible(model)] == [(name, f"layers[{position}]")]


def test_all_problems_are_listed_at_once_and_counted_in_the_error():
    model = dense_ending(
        conv(activation="tanh", name="a"),
        kl.MaxPooling2D(name="b"),
        conv(activation="softmax", name="c"),
        conv(name="d"),
        kl.LeakyReLU(name="e"),
    )
    problems = check_convertible(model)
    assert [problem.layer for problem in problems] == ["a", "b", "c", "e"]
    with pytest.raises(InputError, match=r"'a' .*and 3 more problems; `snnviz check` lists all"):
        fold(model)


@pytest.mark.parametrize(
    ("layers", "name", "message"),
    [
        ([kl.Flatten(), kl.Dense(3, activation="relu", name="x")], "x", "a ReLU follows it"),
        ([kl.Flatten(), kl.Dense(3, activation="sigmoid", name="x")], "x", "use softmax"),
        ([kl.Flatten(), kl.Dense(1, name="x")], "x", "one output per class"),
        ([kl.Conv2D(3, 3, name="x")], "x", r"output is \(6, 6, 3\)"),
        ([kl.Flatten()], "", "no weighted layer"),
        ([kl.Flatten(), kl.Dense(3, activation="relu"), kl.BatchNormalization()], None, "a ReLU follows it"),
        ([kl.Conv2D(3, 3, activation="relu", name="x")], "x", "a ReLU follows it"),
    ],
)
def test_a_model_must_end_in_logits(layers, name, message):
    model = sequential(*layers)
    with pytest.raises(InputError, match=message) as caught:
        fold(model)
    assert name is None or repr(name or model.name) in str(caught.value)


def joined(join, change=lambda x: x):
    """A model that joins a rectified convolution and what `change` makes of it."""
    image = keras.Input(IMAGE)
    x = kl.Conv2D(2, 3, padding="same", activation="relu", name="conv")(image)
    return keras.Model(image, kl.Dense(3)(kl.Flatten()(join([x, change(x)]))))


# name of the case: (join, what one of its inputs goes through, layer at fault, a piece of the message, the remedy followed)
JOINS = {
    "product": (kl.Multiply(name="x"), None, "x", "synapses only add", (kl.Add(), None)),
    "maximum": (kl.Maximum(name="x"), None, "x", "use Add or Concatenate", (kl.Concatenate(), None)),
    "another axis": (kl.Concatenate(axis=1, name="x"), None, "x", "join channels, axis=-1", (kl.Concatenate(), None)),
    "another shape": (
        kl.Add(name="x"), [kl.GlobalAveragePooling2D(keepdims=True)], "x", "bring all to one shape", (kl.Add(), [kl.ReLU()]),
    ),
    "a softmax": (kl.Add(name="x"), [kl.Softmax(name="y")], "y", "must come last", (kl.Add(), [kl.ReLU()])),
}  # fmt: skip


def through(layers):
    return keras.Sequential([kl.Activation("linear"), *(layers or [])])


@pytest.mark.parametrize("case", JOINS)
def test_a_junction_is_refused_by_name_and_its_remedy_works(case):
    join, layers, name, message, (better, instead) = JOINS[case]
    problems = check_convertible(joined(join, through(layers)))
    assert [problem.layer.rpartition("/")[2].rstrip("_0123456789") for problem in problems] == [name]
    with pytest.raises(InputError, match=message):
        fold(joined(join, through(layers)))
    assert not check_convertible(joined(better, through(instead)))


@pytest.mark.parametrize("kind", [kl.Attention(name="x"), kl.MultiHeadAttention(2, 2, name="x")])
def test_attention_is_refused_with_a_remedy(kind):
    image = keras.Input(IMAGE)
    rows = kl.Reshape((64, 4))(conv()(image))
    sums = kind([rows, rows]) if isinstance(kind, kl.Attention) else kind(rows, rows)
    problems = check_convertible(keras.Model(image, kl.Dense(3)(kl.Flatten()(sums))))
    (problem,) = (each for each in problems if each.layer == "x")
    assert problem.remedy == "use Dense or convolutions with ReLU in its place, or leave it out, and retrain"
    instead = kl.Conv2D(4, 1, activation="relu")(conv()(image))
    assert not check_convertible(keras.Model(image, kl.Dense(3)(kl.Flatten()(instead))))


_AUGMENTATIONS = [
    name for name in SKIPPED
    if name.startswith(("Rand", "AugMix", "CutMix", "MixUp", "Equal", "Solar"))
]  # fmt: skip


@pytest.mark.parametrize("name", _AUGMENTATIONS)
def test_augmentation_does_nothing_to_a_trained_model(name):
    given = {
        "RandomTranslation": (0.2, 0.2), "RandomErasing": (), "RandAugment": (), "AugMix": (), "CutMix": (), "MixUp": (),
        "Equalization": (), "Solarization": (), "RandomGrayscale": (), "RandomFlip": (), "RandomPerspective": (),
        "RandomInvert": (), "RandomColorJitter": (), "RandomGaussianBlur": (), "RandomElasticTransform": (),
        "RandomPosterization": (3,),
    }.get(name, (0.2,))  # fmt: skip
    images = np.random.default_rng(0).random((3, 8, 8, 3)).astype(np.float32)
    layer = getattr(kl, name)(*given)
    np.testing.assert_array_equal(layer(images, training=False), images)
    assert not check_convertible(dense_ending(layer, conv(), shape=(8, 8, 3)))


def test_zero_padding_before_a_sum_is_refused():
    image = keras.Input(IMAGE)
    first, second = (
        kl.Conv2D(2, 3, activation="relu")(image),
        kl.ZeroPadding2D(1)(kl.Conv2D(2, 5, activation="relu")(image)),
    )
    model = keras.Model(image, kl.Dense(3)(kl.Flatten()(kl.Add(name="x")([first, second]))))
    with pytest.raises(InputError, match=r"'x' \(Add, layers\[4\]\).*put the padding after it"):
        fold(model)


def test_an_image_of_two_shapes_is_refused():
    image = keras.Input(IMAGE)
    both = [kl.Conv2D(2, 3, activation="relu")(each) for each in (image, kl.Reshape((4, 16, 2), name="x")(image))]
    model = keras.Model(image, kl.Dense(3)(kl.Concatenate()([kl.Flatten()(each) for each in both])))
    with pytest.raises(
        InputError, match=r"'x' .*takes the image as \(4, 16, 2\), and other layers take it as \(8, 8, 2\)"
    ):
        fold(model)


def test_a_model_that_ends_side_by_side_is_refused():
    image = keras.Input((4,))
    with pytest.raises(InputError, match="several end side by side; end it in a Dense layer"):
        fold(keras.Model(image, kl.Concatenate()([kl.Dense(2)(image), kl.Dense(2)(image)])))


def test_operations_outside_layers_are_refused():
    image = keras.Input((4,))
    model = keras.Model(image, kl.Dense(3)(keras.ops.tanh(kl.Dense(3)(image))))
    with pytest.raises(InputError, match="use the Keras layer that does the same"):
        fold(model)


def test_a_model_as_a_whole_is_refused():
    first, second = keras.Input((4,)), keras.Input((4,))
    two = keras.Model([first, second], kl.Dense(2)(kl.Concatenate()([first, second])))
    heads = keras.Model(first, [kl.Dense(2)(first), kl.Dense(2)(first)])

    class Own(keras.Model):
        def call(self, x):
            return x

    cases = {
        "2 inputs and 1 outputs": two,
        "1 inputs and 2 outputs": heads,
        "is not fixed": sequential(kl.Conv2D(2, 3), kl.GlobalAveragePooling2D(), shape=(None, None, 3)),
        "input shape is not known": keras.Sequential([kl.Dense(3)]),
        "subclassed": Own(),
        "not one of": sequential(kl.Flatten(), kl.Dense(3), shape=(4, 4, 4, 1)),
    }
    for message, model in cases.items():
        with pytest.raises(InputError, match=message):
            fold(model)
    with pytest.raises(InputError, match="must be a Keras model"):
        check_convertible([1, 2])


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("base", [keras.Sequential, keras.Model])
def test_a_model_with_a_call_of_its_own_is_refused(base, nested):
    """Its layers do not tell what it computes."""

    class Inverted(base):
        def call(self, x, training=None, mask=None):
            return super().call(1 - x)

    layers = [kl.Flatten(), kl.Dense(3)]
    if base is keras.Sequential:
        model = Inverted([keras.Input(IMAGE), *layers])
    else:
        image = keras.Input(IMAGE)
        model = Inverted(image, keras.Sequential(layers)(image))
    if nested:
        model = keras.Sequential([keras.Input(IMAGE), model])
    with pytest.raises(InputError, match="what a subclassed model computes cannot be read"):
        fold(model)


def test_a_subclass_that_computes_as_keras_does_is_read():
    class Named(keras.Sequential):
        pass

    assert not check_convertible(Named([keras.Input(IMAGE), kl.Flatten(), kl.Dense(3)]))


def test_a_layer_in_a_nested_model_is_named_with_its_place():
    inner = keras.Sequential([keras.Input(IMAGE), kl.MaxPooling2D(name="x")], name="inner")
    with pytest.raises(InputError, match=r"'inner/x' \(MaxPooling2D, layers\[0\]\.layers\[0\]\)"):
        fold(dense_ending(inner))


def test_a_users_own_layer_is_refused_even_under_a_known_name():
    class ReLU(kl.Layer):
        def call(self, x):
            return x - 1

    with pytest.raises(InputError, match="layers of this kind are not supported"):
        fold(dense_ending(conv(activation=None), ReLU()))


def test_training_mode_is_refused():
    image = keras.Input(IMAGE)
    x = kl.Dropout(0.5, name="x")(image, training=True)
    with pytest.raises(InputError, match=r"'x' .*training=True"):
        fold(keras.Model(image, kl.Dense(3)(kl.Flatten()(x))))


@pytest.mark.parametrize(
    ("layer", "message", "shape"),
    [
        (kl.LSTM(3, name="x"), "recurrent", (8, 6)),
        (kl.Conv1DTranspose(3, 3, name="x"), "enlarge", (8, 6)),
        (kl.Conv3D(3, 3, name="x"), "volumes", (8, 6, 5, 1)),
    ],
)
def test_layers_of_sequences_and_volumes_are_refused(layer, message, shape):
    with pytest.raises(InputError, match=message if len(shape) < 4 else "signals") as caught:
        fold(dense_ending(layer, shape=shape))
    assert "more problem" not in str(caught.value)


def test_dense_along_the_last_axis_of_a_flat_image_is_refused():
    with pytest.raises(InputError, match="put Flatten before it"):
        fold(sequential(kl.Dense(3), kl.Flatten(), shape=(6, 6)))


def test_weights_that_are_not_finite_are_refused():
    model = dense_ending(conv())
    model.layers[0].bias.assign(np.full(4, np.nan))
    with pytest.raises(InputError, match="`bias of layer 'conv'` must hold finite"):
        fold(model)
