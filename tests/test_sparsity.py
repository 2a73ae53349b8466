import math

import keras
import numpy as np
import pytest

from snnviz import architectures, conversion, sparsity
from snnviz.errors import InputError

RANDOM = np.random.default_rng(0)
SMALL_MOBILENET = {"size": 9, "channels": 2, "classes": 3, "stem": 4, "blocks": [(6, 1), (8, 2)]}


def conv_model(**options):
    return keras.Sequential([keras.Input((7, 6, 2)), keras.layers.Conv2D(4, (3, 2), **options)])


def counted_by_activity(layer):
    """Synapses of a convolution, counted by what reaches its outputs: ones in, ones as kernel, no bias."""
    layer.kernel.assign(np.ones(layer.kernel.shape, np.float32))
    return float(np.asarray(layer(np.ones((1, *layer.input.shape[1:]), np.float32))).sum())


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    "options", [{}, {"strides": 2}, {"strides": (3, 1)}, {"dilation_rate": 2}, {"groups": 2}], ids=str
)
def test_synapses_of_a_convolution_end_at_the_border(padding, options):
    if options.get("strides") == (3, 1):
        options = {"strides": 3}  # TensorFlow wants equal strides
    model = conv_model(padding=padding, use_bias=False, **options)
    (weighted,) = sparsity.weighted_layers(model)
    assert weighted.synapses == counted_by_activity(weighted.layer)


def test_a_zero_in_a_kernel_counts_the_connections_it_makes():
    model = conv_model(padding="same", use_bias=False)
    (weighted,) = sparsity.weighted_layers(model)
    total = counted_by_activity(weighted.layer)
    kernel = np.ones(weighted.layer.kernel.shape, np.float32)
    kernel[0, :, 0, 1] = 0
    kernel[2, 1, 1, 3] = 0
    weighted.layer.kernel.assign(kernel)
    left = float(np.asarray(weighted.layer(np.ones((1, 7, 6, 2), np.float32))).sum())
    assert weighted.zero_synapses() == total - left > 0


def test_synapses_of_a_depthwise_convolution():
    model = keras.Sequential(
        [keras.Input((7, 7, 3)), keras.layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False)]
    )
    (weighted,) = sparsity.weighted_layers(model)
    assert weighted.synapses == counted_by_activity(weighted.layer)


def test_synapses_of_dense_layers():
    assert [each.synapses for each in sparsity.weighted_layers(architectures.build("dense-mnist"))] == [
        784 * 128,
        128 * 128,
        1280,
    ]


def phi(beta):
    return 0.5 * (1 + np.vectorize(math.erf)(beta / math.sqrt(2)))


def gradient(penalty, values):
    """The gradient that training sees."""
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(penalty)(values))
    import tensorflow as tf

    variable = tf.Variable(values)
    with tf.GradientTape() as tape:
        value = penalty(variable)
    return tape.gradient(value, variable).numpy()


def finite_differences(penalty, values, step=1e-4):
    found = np.zeros_like(values)
    for index in np.ndindex(values.shape):
        up, down = values.copy(), values.copy()
        up[index] += step
        down[index] -= step
        found[index] = (float(penalty(up)) - float(penalty(down))) / (2 * step)
    return found


def test_activation_penalty_value_and_gradient():
    beta = RANDOM.normal(size=9)  # float64, so that differences are sharp
    penalty = sparsity.ActivationPenalty(0.7)
    assert float(penalty(beta)) == pytest.approx(0.7 * phi(beta).mean(), rel=1e-9)
    closed = 0.7 / 9 * np.exp(-(beta**2) / 2) / math.sqrt(2 * math.pi)
    np.testing.assert_allclose(gradient(penalty, beta), closed, rtol=1e-9)
    np.testing.assert_allclose(finite_differences(penalty, beta), closed, rtol=1e-6)


def test_weight_penalty_value_and_gradient():
    weights = RANDOM.normal(size=(3, 4))
    penalty = sparsity.WeightPenalty(3.0, l2=0.01)
    assert float(penalty(weights)) == pytest.approx(3 * np.abs(weights).mean() + 0.01 * (weights**2).sum(), rel=1e-9)
    closed = 3 / 12 * np.sign(weights) + 0.02 * weights
    np.testing.assert_allclose(gradient(penalty, weights), closed, rtol=1e-9)
    np.testing.assert_allclose(finite_differences(penalty, weights), closed, rtol=1e-5)


def test_penalties_are_serialised_by_keras():
    layer = keras.layers.Dense(2, kernel_regularizer=sparsity.WeightPenalty(3.0, l2=0.5))
    normalised = keras.layers.BatchNormalization(scale=False, beta_regularizer=sparsity.ActivationPenalty(0.25))
    model = keras.Sequential([keras.Input((3,)), layer, normalised])
    again = keras.models.model_from_json(model.to_json())
    assert again.layers[0].kernel_regularizer.get_config() == {"strength": 3.0, "l2": 0.5}
    assert again.layers[1].beta_regularizer.get_config() == {"strength": 0.25}
    again.set_weights(model.get_weights())
    assert float(sum(again.losses)) == pytest.approx(float(sum(model.losses)))


def test_penalised_model_has_the_shares_of_the_paper():
    model = architectures.build("dense-mnist-pooled")
    layers = [layer for layer in model.layers if layer.name in ("dense1", "dense2", "classifier")]
    betas = [RANDOM.normal(size=128).astype(np.float32) for _ in range(2)]
    for layer, beta in zip(sparsity.normalisations(model), betas, strict=True):
        layer.beta.assign(beta)
    synapses = np.array([196 * 128, 128 * 128, 1280])
    kernels = [layer.kernel.numpy() for layer in layers]
    expected = 0.5 * sum(0.5 * phi(beta).mean() for beta in betas)  # both layers have 128 neurons
    expected += 20 * sum(
        share * np.abs(kernel).mean() for share, kernel in zip(synapses / synapses.sum(), kernels, strict=True)
    )
    expected += 1e-3 * sum((kernel.astype(np.float64) ** 2).sum() for kernel in kernels)
    with sparsity.penalised(model, l2=1e-3, lambda_a=0.5, lambda_w=20):
        assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
    assert not model.losses  # and afterwards it is as it was


def test_shares_in_a_convolutional_model_are_those_of_neurons_and_connections():
    model = architectures.build("mobilenet", **SMALL_MOBILENET)
    weighted = sparsity.weighted_layers(model)
    synapses = np.array([each.synapses for each in weighted], float)
    neurons = np.array([math.prod(layer.output.shape[1:]) for layer in sparsity.normalisations(model)], float)
    assert neurons.tolist() == [100, 100, 150, 54, 72]
    expected = 0.4 * neurons.sum() / neurons.sum() * 0.5  # beta is 0: Phi = 1/2 everywhere
    expected += 7 * sum(
        share * np.abs(each.kernel).mean() for share, each in zip(synapses / synapses.sum(), weighted, strict=True)
    )
    with sparsity.penalised(model, lambda_a=0.4, lambda_w=7):
        assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def expected_events(model):
    """Per item and step, from this test's own walk: nonzero synapses times the fraction of active neurons that feed them."""
    betas = [layer.beta.numpy() for layer in sparsity.normalisations(model)]
    active = [1.0, *(phi(beta).mean() for beta in betas)]
    kept = [each.synapses - each.zero_synapses() for each in sparsity.weighted_layers(model)]
    return sum(count * share for count, share in zip(kept, active, strict=True))


def test_shares_by_events_are_the_derivatives_of_the_events_expected():
    model = architectures.build("dense-mnist-pooled")
    weighted = sparsity.weighted_layers(model)
    for layer, mean in zip(sparsity.normalisations(model), (-1.5, 0.25), strict=True):
        layer.beta.assign(RANDOM.normal(mean, 0.5, 128).astype(np.float32))
    sparsity.prune(model, 0.03)
    active, weights = sparsity.shares(model, "events")
    # all betas of a layer moved a little: what that adds to its mean Phi and to the events
    slopes = []
    for layer in sparsity.normalisations(model):
        before, events = layer.beta.numpy(), expected_events(model)
        layer.beta.assign(before + 0.01)
        slopes.append((expected_events(model) - events) / (phi(before + 0.01).mean() - phi(before).mean()))
        layer.beta.assign(before)
    assert active == pytest.approx(np.divide(slopes, sum(slopes)), rel=1e-4)
    # half of a layer's weights set to zero: what that saves, by how many of its synapses they were
    saved = []
    for each in weighted:
        before, events = each.kernel.copy(), expected_events(model)
        kept = each.synapses - each.zero_synapses()
        half = before.copy()
        half[: len(half) // 2] = 0
        each.layer.kernel.assign(half)
        gone = kept - (each.synapses - each.zero_synapses())
        saved.append((events - expected_events(model)) / (gone / each.synapses))
        each.layer.kernel.assign(before)
    assert weights == pytest.approx(np.divide(saved, sum(saved)), rel=1e-6)
    with sparsity.penalised(model, lambda_a=0.5, lambda_w=20, weigh="events"):
        expected = 20 * sum(share * np.abs(each.kernel).mean() for share, each in zip(weights, weighted, strict=True))
        expected += 0.5 * sum(
            share * phi(layer.beta.numpy()).mean()
            for share, layer in zip(active, sparsity.normalisations(model), strict=True)
        )
        assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_a_layer_before_pooling_feeds_the_synapses_behind_the_pool():
    model = architectures.build("conv-mnist")
    synapses = [each.synapses for each in sparsity.weighted_layers(model)]
    assert sparsity.shares(model, "events")[0] == pytest.approx(np.divide(synapses[1:], sum(synapses[1:])))


def test_an_unknown_weighing_is_refused():
    with pytest.raises(InputError, match="`weigh` must be"):
        sparsity.shares(architectures.build("dense-mnist-pooled"), "spikes")


def test_penalised_puts_back_what_was_there_even_after_an_error():
    layer = keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.5))
    model = keras.Sequential([keras.Input((3,)), layer])
    inside = []

    def fail():
        with sparsity.penalised(model, l2=0.1):
            inside.append(layer.kernel.regularizer)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert isinstance(inside[0], sparsity.WeightPenalty)
    assert isinstance(layer.kernel.regularizer, keras.regularizers.L2)


def test_zeros_stay_zero_and_an_earlier_constraint_holds():
    layer = keras.layers.Dense(2, use_bias=False, kernel_constraint=keras.constraints.NonNeg())
    model = keras.Sequential([keras.Input((3,)), layer])
    layer.kernel.assign([[0.0, 1.0], [2.0, 0.0], [3.0, 0.5]])
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.build(model.trainable_variables)
    earlier = layer.kernel.constraint
    with sparsity.zeros_kept(model):
        optimizer.apply([keras.ops.convert_to_tensor(np.full((3, 2), 0.75, np.float32))], [layer.kernel])
    np.testing.assert_array_equal(layer.kernel.numpy(), [[0, 0.25], [1.25, 0], [2.25, 0]])
    assert layer.kernel.constraint is earlier


def test_prune_sets_small_weights_to_zero_and_nothing_else():
    model = architectures.build("dense-mnist-pooled")
    kernel = model.get_layer("dense1").kernel.numpy().copy()
    bias = RANDOM.normal(scale=1e-3, size=128).astype(np.float32)
    model.get_layer("dense1").bias.assign(bias)
    limit = float(np.quantile(np.abs(kernel), 0.3))
    assert sparsity.prune(model, limit) >= int((np.abs(kernel) < limit).sum())
    expected = np.where(np.abs(kernel) < limit, 0, kernel)
    np.testing.assert_array_equal(model.get_layer("dense1").kernel.numpy(), expected)
    np.testing.assert_array_equal(model.get_layer("dense1").bias.numpy(), bias)
    assert sparsity.prune(model, limit) == 0


def test_pruning_curve_rises_in_sparsity_and_leaves_the_model_alone():
    model = architectures.build("dense-mnist-pooled")
    before = model.get_weights()
    x = RANDOM.random((40, 28, 28, 1), np.float32)
    y = np.asarray(model(x)).argmax(axis=1)  # so that the unpruned model is always right
    curve = sparsity.pruning_curve(model, x, y, [1e-2, 0, 1e3])
    assert [point["epsilon"] for point in curve] == [0, 1e-2, 1e3]
    assert [point["items"] for point in curve] == [40] * 3
    assert curve[0]["accuracy"] == 1
    assert curve[0]["S_w"] < curve[1]["S_w"] < curve[2]["S_w"] == 1
    assert curve[2]["accuracy"] == (y == 0).mean()  # nothing but zero biases is left
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def two_layer_model(relu_as):
    """Two hidden layers with known outputs: inputs (1, -1) in either order."""
    rectify = {"activation": "relu"} if relu_as == "activation" else {}
    layers = []
    for units in (4, 2):
        layers.append(keras.layers.Dense(units, use_bias=False, **rectify))
        if relu_as == "layer":
            layers.append(keras.layers.ReLU())
    model = keras.Sequential([keras.Input((2, 1, 1)), keras.layers.Flatten(), *layers, keras.layers.Dense(2)])
    kernels = [np.array([[1, 0, 0, 0], [0, 1, 1, 0]]), np.array([[1, 0], [0, 1], [0, 0], [0, 0]]), np.ones((2, 2))]
    weighted = sparsity.weighted_layers(model)
    for each, kernel in zip(weighted, kernels, strict=True):
        each.layer.kernel.assign(kernel.astype(np.float32))
    return model


@pytest.mark.parametrize("relu_as", ["layer", "activation"])
def test_measures_of_a_network_worked_out_by_hand(relu_as):
    # item (1, 0): hidden 1 = (1, 0, 0, 0), hidden 2 = (1, 0); item (0, 1): (0, 1, 1, 0), (0, 1)
    x = np.array([[1, 0], [0, 1]], np.float32).reshape(2, 2, 1, 1)
    found = sparsity.measure(two_layer_model(relu_as), x)
    assert found.activations_as_published == 5 / 8
    assert found.activations == pytest.approx(7 / 12)
    assert found.weights == (5 + 6) / 20
    assert found.combined == pytest.approx(1 - (5 / 12) * (9 / 20))
    assert found.combined_as_published == pytest.approx(1 - (3 / 8) * (9 / 20))
    assert [layer.activations for layer in found.layers] == [5 / 8, 1 / 2, None]
    assert [layer.weights for layer in found.layers] == [5 / 8, 6 / 8, 0]
    assert found.layers[2].combined is None
    assert found.as_json()["S_a"] == found.activations
    assert sparsity.measure(two_layer_model(relu_as), x, epsilon=1.5).weights == 1


def test_measure_weights_layers_by_their_neurons_and_adds_up_batches():
    model = architectures.build("mobilenet", **SMALL_MOBILENET)
    x = RANDOM.random((501, 9, 9, 2), np.float32)  # more than one batch
    found = sparsity.measure(model, x)
    rectified = [layer for layer in model.layers if isinstance(layer, keras.layers.ReLU)]
    outputs = keras.Model(model.inputs[0], [layer.output for layer in rectified])(x)
    zero = [int((np.asarray(output) == 0).sum()) for output in outputs]
    size = [np.asarray(output).size for output in outputs]
    assert found.activations == pytest.approx(sum(zero) / sum(size))
    assert found.activations_as_published == pytest.approx(sum(zero[:-1]) / sum(size[:-1]))
    assert found.items == 501


@pytest.mark.parametrize("options", [{"lambda_a": -1.0}, {"lambda_w": -0.1}, {"l2": float("nan")}])
def test_negative_penalties_are_refused(options):
    with (
        pytest.raises(InputError, match=r"must be a finite number"),
        sparsity.penalised(architectures.build("dense-mnist-pooled"), **options),
    ):
        pass


@pytest.mark.parametrize("layers", [[], [keras.layers.BatchNormalization()]])
def test_activation_penalty_needs_normalisation_with_fixed_gamma(layers):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), *layers])
    with pytest.raises(InputError, match="gamma fixed to 1"), sparsity.penalised(model, lambda_a=1):
        pass


def test_a_model_without_relu_has_no_activation_sparsity():
    model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(InputError, match="hidden ReLU"):
        sparsity.measure(model, np.zeros((1, 2, 2, 1), np.float32))


def test_an_unknown_kernel_is_refused_by_name():
    model = keras.Sequential([keras.Input((4, 4, 4, 2)), keras.layers.Conv3D(2, 3, name="odd")])
    with pytest.raises(InputError, match="'odd' must be Dense or a 1-D, 2-D or depthwise convolution"):
        sparsity.weighted_layers(model)


def test_a_separable_convolution_is_refused_with_the_two_that_compute_the_same():
    ends = (keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3))
    one = keras.Sequential([keras.Input((6, 5, 2)), keras.layers.SeparableConv2D(4, 3, activation="relu"), *ends])
    depthwise, mixing = keras.layers.DepthwiseConv2D(3, use_bias=False), keras.layers.Conv2D(4, 1, activation="relu")
    two = keras.Sequential([keras.Input((6, 5, 2)), depthwise, mixing, *ends])
    two.set_weights(one.get_weights())
    with pytest.raises(
        InputError, match=r"; DepthwiseConv and Conv of size 1 in a row compute the same\. Rec.*: SeparableConv2D"
    ):
        sparsity.weighted_layers(one)
    assert len(sparsity.weighted_layers(two)) == 3
    kept, split = (conversion.fold(model) for model in (one, two))
    for left, right in zip(kept.layers, split.layers, strict=True):
        np.testing.assert_allclose(left.weights, right.weights, rtol=1e-6)


@pytest.mark.parametrize("epsilon", [-1e-3, float("inf"), "small"])
def test_a_wrong_epsilon_is_refused(epsilon):
    with pytest.raises(InputError, match="`epsilon` must be"):
        sparsity.prune(architectures.build("dense-mnist-pooled"), epsilon)


@pytest.mark.parametrize("nested", [False, True])
def test_activities_of_all_layers_are_counted_in_one_pass(nested):
    """The layers of a Sequential model keep outputs that lie in graphs of their own."""
    hidden = [keras.layers.Dense(5), keras.layers.ReLU(), keras.layers.Dense(4), keras.layers.ReLU()]
    inner = [keras.Sequential([keras.Input((6,)), *hidden])] if nested else hidden
    model = keras.Sequential([keras.Input((6,)), *inner, keras.layers.Dense(3)])
    inputs, outputs = sparsity._outputs(model, [hidden[1], hidden[3]])
    counted = keras.Model(inputs, outputs)
    assert len(counted.operations) == 1 + len(hidden)  # an input, and each layer once
    x = RANDOM.normal(size=(3, 6)).astype(np.float32)
    first, second = counted(x)
    np.testing.assert_allclose(first, np.maximum(x @ hidden[0].kernel.numpy(), 0), atol=1e-5)
    np.testing.assert_allclose(second, np.maximum(first @ hidden[2].kernel.numpy(), 0), atol=1e-5)


def residual_model(seed=0):
    """A ReLU behind batch normalisation, one behind a sum with its output, and one behind a sum of two normalisations."""
    initial = keras.initializers.RandomNormal(stddev=0.3, seed=seed)

    def normalised(x, filters, name):
        x = keras.layers.Conv2D(filters, 3, padding="same", kernel_initializer=initial, name=name)(x)
        return keras.layers.BatchNormalization(scale=False, name=f"{name}_bn")(x)

    image = keras.Input((6, 6, 1))
    x = keras.layers.ReLU(name="stem_relu")(normalised(image, 8, "stem"))
    x = keras.layers.ReLU(name="sum_relu")(keras.layers.Add(name="sum")([normalised(x, 8, "first"), x]))
    both = [normalised(x, 4, "second"), normalised(x, 4, "shortcut")]
    x = keras.layers.ReLU(name="both_relu")(keras.layers.Add(name="both")(both))
    model = keras.Model(image, keras.layers.Dense(3, name="out")(keras.layers.Flatten()(x)))
    for index, layer in enumerate(sparsity.normalisations(model)):
        beta = np.random.default_rng((seed, index)).normal(-0.5, 0.7, layer.beta.shape)
        layer.beta.assign(beta.astype(np.float32))
    return model


def betas_of(model):
    return {layer.name: layer.beta.numpy().astype(np.float64) for layer in sparsity.normalisations(model)}


def active_by_sampling(betas):
    """The shares of active units behind each ReLU, if what is added up is independent."""
    rng = np.random.default_rng(0)

    def drawn(name):
        return betas[name] + rng.normal(size=(200_000, len(betas[name])))

    stem = drawn("stem_bn")
    got = [stem, drawn("first_bn") + np.maximum(stem, 0), drawn("second_bn") + drawn("shortcut_bn")]
    return [(each > 0).mean() for each in got]


@pytest.mark.parametrize("inside", [False, True])
def test_activation_penalty_behind_sums_is_the_expected_activity(inside):
    model = residual_model()
    one = keras.Sequential([keras.Input((6, 6, 1)), model]) if inside else model
    active = active_by_sampling(betas_of(model))
    neurons = np.array([8, 8, 4]) / 20
    with sparsity.penalised(one, lambda_a=0.5):
        assert float(sum(one.losses)) == pytest.approx(0.5 * neurons @ active, rel=0.01)
    with sparsity.penalised(one, l2=1e-3, lambda_a=0.5):
        assert len(one.losses) == 6  # five kernels, and a beta for all, as only the first is alone before its ReLU
    assert not one.losses


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes gradients with TensorFlow")
def test_penalties_behind_sums_have_the_gradients_of_finite_differences():
    import tensorflow as tf

    model = residual_model()
    with sparsity.penalised(model, lambda_a=3.0):
        for layer in sparsity.normalisations(model):
            variable = layer.beta

            def loss(beta, variable=variable):
                variable.assign(beta)
                return sum(model.losses)

            before = variable.numpy()
            with tf.GradientTape() as tape:
                value = sum(model.losses)
            found = tape.gradient(value, variable.value).numpy()
            sides = [
                [float(loss(before + sign * 0.02 * unit)) for unit in np.eye(len(before), dtype="f")]
                for sign in (1, -1)
            ]
            loss(before)
            np.testing.assert_allclose(found, (np.array(sides[0]) - sides[1]) / 0.04, rtol=0.02, atol=2e-5)
            assert (found > 0).all(), "more of any beta is more activity"


def test_shares_by_events_of_a_residual_model():
    model = residual_model()
    active, weights = sparsity.shares(model, "events")
    stem, both, last = active_by_sampling(betas_of(model))
    synapses = {each.layer.name: each.synapses for each in sparsity.weighted_layers(model)}
    fed = np.array([synapses["first"], synapses["second"] + synapses["shortcut"], synapses["out"]])
    assert active == pytest.approx(fed / fed.sum())
    share = {"stem": 1, "first": stem, "second": both, "shortcut": both, "out": last}
    events = np.array([synapses[each.layer.name] * share[each.layer.name] for each in sparsity.weighted_layers(model)])
    assert weights == pytest.approx(events / events.sum(), rel=0.02)


def test_channels_side_by_side_feed_by_their_number():
    image = keras.Input((4, 4, 1))

    def branch(filters):
        x = keras.layers.Conv2D(filters, 1, use_bias=False)(image)
        return keras.layers.ReLU()(keras.layers.BatchNormalization(scale=False)(x))

    x = keras.layers.Concatenate()([branch(1), branch(3)])
    model = keras.Model(image, keras.layers.Dense(2, kernel_initializer="ones")(keras.layers.Flatten()(x)))
    assert sparsity.shares(model, "events")[0] == pytest.approx([0.25, 0.75])


def test_activation_penalty_refuses_a_model_of_which_nothing_is_known():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.ReLU(), keras.layers.Dense(2)])
    assert not sparsity.has_activation_penalty(model)
    with pytest.raises(InputError, match="before its ReLUs"), sparsity.penalised(model, lambda_a=1.0):
        pass


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv1D(3, 5, padding="same", strides=2),
        keras.layers.Conv1D(2, 3, padding="causal", dilation_rate=3),
        keras.layers.Conv1D(4, 3, groups=2),
        keras.layers.DepthwiseConv1D(4, padding="same", depth_multiplier=2),
    ],
    ids=str,
)
def test_synapses_of_signals_are_what_ones_add_up_to(layer):
    model = keras.Sequential([keras.Input((13, 2)), layer])
    layer.set_weights([np.ones_like(layer.kernel), np.zeros_like(layer.bias)])
    (found,) = sparsity.weighted_layers(model)
    assert found.synapses == int(np.sum(layer(np.ones((1, 13, 2), np.float32))))
