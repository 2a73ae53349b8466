"""Each pass of the conversion alone: what it makes of a small graph."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from snnviz._visits import Visit
from snnviz.conversion.emitting import image_of, populations, read_out
from snnviz.conversion.folding import fold
from snnviz.conversion.graph import Classifier, Image, Join, Pad, Rectify, Refused, Reshape, Softmax, Step, WeightedSum
from snnviz.conversion.linear import Affine, Linear
from snnviz.conversion.merging import merge, signs
from snnviz.conversion.obstacle import Refusal
from snnviz.conversion.reading import read
from snnviz.conversion.signals import Node
from snnviz.conversion.simplifying import simplify, softmax_last, without_nothing, without_repetition
from snnviz.network import Conv2DProjection, DenseProjection


def visit(name="layer"):
    return Visit(layer=kl.Identity(name=name), name=name, place="layers[0]")


def graph(*steps):
    """A classifier of (work, takes, shape), behind an image of (2,)."""
    image = Step(work=Image(), visit=visit("image"), takes=(), shape=(2,))
    made = [
        Step(work=work, visit=visit(f"step{place}"), takes=takes, shape=shape)
        for place, (work, takes, shape) in enumerate(steps, 1)
    ]
    return Classifier(steps=(image, *made), last=len(steps), whole=visit("whole"))


def dense(inputs=2, units=2, weights=None, bias=0.0, name="dense"):
    weights = np.ones((inputs, units)) if weights is None else np.asarray(weights, float)
    return Linear(kind=DenseProjection, name=name, input_shape=(inputs,), weights=weights, bias=np.full(units, bias))


def works(classifier):
    return [type(step.work) for step in classifier.steps]


def test_reading_says_what_each_layer_does_and_to_which_it_listens():
    image = keras.Input((6, 6, 2))
    x = kl.ReLU(6.0)(kl.BatchNormalization()(kl.Conv2D(3, 3, padding="same")(image)))
    x = kl.Add()([kl.Conv2D(3, 1, activation="relu")(image), kl.Dropout(0.5)(x)])
    found = read(keras.Model(image, kl.Softmax()(kl.Dense(4)(kl.Flatten()(kl.ZeroPadding2D(1)(x))))))
    assert works(found) == [Image, Linear, Rectify, Linear, Affine, Rectify, WeightedSum, Pad, Reshape, Linear, Softmax]
    assert [step.takes for step in found.steps[:7]] == [(), (0,), (1,), (0,), (3,), (4,), (2, 5)]
    assert found.steps[3].work.padding == ((1, 1), (1, 1))
    assert [step.work.cap for step in found.steps if isinstance(step.work, Rectify)] == [None, 6.0]
    assert [step.shape for step in found.steps[-4:]] == [(8, 8, 3), (192,), (4,), (4,)]
    assert found.last == len(found.steps) - 1


def test_reading_goes_on_behind_what_it_cannot_read():
    found = read(keras.Sequential([keras.Input((6, 6, 2)), kl.MaxPooling2D(), kl.Flatten(), kl.Dense(3)]))
    assert works(found) == [Image, Refused, Reshape, Linear]
    assert [step.shape for step in found.steps] == [(6, 6, 2), (3, 3, 2), (18,), (3,)]


def test_reading_puts_the_range_of_the_images_first():
    found = read(keras.Sequential([keras.Input((4,)), kl.Rescaling(1 / 255), kl.Dense(3)]))
    assert works(found) == [Image, Affine, Affine, Linear]
    assert found.input_range == found.steps[1].work.scale[0] == 255
    assert works(read(keras.Sequential([keras.Input((4,)), kl.Rescaling(1 / 16), kl.Dense(3)])))[:2] == [Image, Refused]


def test_a_softmax_at_the_end_is_left_out_and_one_before_is_refused():
    last = graph((dense(), (0,), (2,)), (Softmax(), (1,), (2,)), (Reshape(), (2,), (2, 1)))
    assert works(softmax_last(last)) == [Image, Linear, Reshape]
    before = graph((dense(), (0,), (2,)), (Softmax(), (1,), (2,)), (dense(), (2,), (2,)))
    assert works(softmax_last(before)) == [Image, Linear, Refused, Linear]


def test_what_does_nothing_is_left_out():
    same = Affine(scale=np.ones(2), shift=np.zeros(2))
    found = without_nothing(
        graph(
            (same, (0,), (2,)),
            (Reshape(), (1,), (2,)),
            (Pad(edges=((0, 0), (0, 0))), (2,), (2,)),
            (dense(), (3,), (2,)),
        )
    )
    assert works(found) == [Image, Linear]
    assert found.steps[1].takes == (0,)
    assert found.last == 1


def test_two_relus_of_one_signal_are_one():
    found = without_repetition(
        graph(
            (dense(), (0,), (2,)),
            (Rectify(), (1,), (2,)),
            (Rectify(), (1,), (2,)),
            (Rectify(cap=6.0), (1,), (2,)),
            (WeightedSum(factors=(1.0, 1.0, 1.0)), (2, 3, 4), (2,)),
        )
    )
    assert works(found) == [Image, Linear, Rectify, Rectify, WeightedSum]
    assert found.steps[-1].takes == (2, 2, 3)


def test_folding_takes_an_affine_map_into_what_is_behind_a_relu():
    affine = Affine(scale=np.array([2.0, 3.0]), shift=np.array([1.0, -1.0]))
    end = (dense(2, 3), (3,), (3,))
    node, problems = fold(graph((dense(), (0,), (2,)), (Rectify(), (1,), (2,)), (affine, (2,), (2,)), end))
    assert not problems
    ((source, linear),) = node.terms
    assert source.rectified
    np.testing.assert_array_equal(linear.weights, [[2.0] * 3, [3.0] * 3])
    np.testing.assert_array_equal(linear.bias, np.zeros(3))


def test_folding_makes_a_sum_of_what_lies_side_by_side():
    end = dense(4, 3, weights=np.arange(12).reshape(4, 3), bias=5.0)
    node, _ = fold(
        graph(
            (dense(name="a"), (0,), (2,)), (Rectify(), (1,), (2,)), (dense(name="b"), (0,), (2,)), (Rectify(), (3,), (2,)),
            (Join(), (2, 4), (4,)), (end, (5,), (3,)),
        )
    )  # fmt: skip
    first, second = node.terms
    assert [each.terms[0][1].name for each, _ in node.terms] == ["a", "b"]
    np.testing.assert_array_equal(np.concatenate([first[1].weights, second[1].weights]), end.weights)
    assert (first[1].bias == 5).all()
    assert not second[1].bias.any()


def test_folding_tells_all_problems_in_order_and_none_twice():
    refused = Refused(reason="for one")
    misfit = Refused(reason="its shape", misfit=True)
    node, problems = fold(
        graph(
            (refused, (0,), (2,)),
            (misfit, (1,), (2,)),
            (dense(), (2,), (2,)),
            (misfit, (3,), (2,)),
            (dense(), (4,), (2,)),
        )
    )
    assert node is None
    assert [problem.layer for problem in problems] == ["step1", "step4"]


def node_of(linear, source, **known):
    return Node(shape=linear.output_shape, terms=((source, linear),), visit=visit(linear.name), **known)


def test_merging_multiplies_out_a_linear_layer_between_two():
    image = Node.image((2,))
    inner = node_of(dense(2, 3, weights=[[1, -1, 2], [0, 1, -2]], bias=1.0), image)
    merged = merge(node_of(dense(3, 2, weights=[[1, 2], [3, 4], [5, 6]]), inner))
    ((source, linear),) = merged.terms
    assert not source.terms
    np.testing.assert_array_equal(linear.weights, [[8, 10], [-7, -8]])
    np.testing.assert_array_equal(linear.bias, [9, 12])


def window(channels=1, inputs=1, name="window", bias=0.0):
    weights = np.random.default_rng(0).normal(size=(3, 3, inputs, channels))
    return Linear(
        kind=Conv2DProjection, name=name, input_shape=(5, 5, inputs), weights=weights, bias=np.full(channels, bias),
        padding=((1, 1), (1, 1)),
    )  # fmt: skip


def test_merging_makes_one_pair_of_what_is_no_layer_with_those_behind_it():
    image = Node.image((5, 5, 1))
    inner = node_of(window(2, name="inner", bias=0.5), image)
    left = node_of(window(3, 2), inner, rectified=True, nonnegative=True)
    both = Node(
        shape=(5, 5, 3),
        terms=((inner, window(3, 2)), (left, Linear.identity("id", (5, 5, 3)))),
        visit=visit("both"),
    )
    merged = merge(both)
    above, below, other = (source for source, _ in merged.terms)
    assert above.rectified
    assert below.rectified
    assert [source for source, _ in other.terms] == [above, below]
    np.testing.assert_array_equal(above.terms[0][1].weights, -below.terms[0][1].weights)
    np.testing.assert_array_equal(below.terms[0][1].bias, [-0.5, -0.5])
    np.testing.assert_array_equal(merged.terms[0][1].weights, -merged.terms[1][1].weights)
    assert not merged.terms[1][1].bias.any()
    names = [layer.name for layer in populations(merged)]
    assert names == ["inner", "inner_negative", "window", "both"]


def test_signs_are_of_either_sign():
    node = node_of(dense(2, 2, weights=[[1, 2], [3, -4]], bias=-1.0), Node.image((2,)))
    above, below = signs(node)
    assert (above.visit.base, below.visit.base) == ("dense", "dense_negative")
    np.testing.assert_array_equal(above.terms[0][1].weights, [[1, 2], [3, -4]])
    np.testing.assert_array_equal(below.terms[0][1].weights, [[-1, -2], [-3, 4]])


def test_the_last_node_is_read_out_as_dense_layers():
    image = Node.image((5, 5, 1))
    whole = Linear(
        kind=Conv2DProjection, name="whole", input_shape=(5, 5, 1), weights=np.ones((5, 5, 1, 3)), bias=np.zeros(3)
    )
    last = read_out(node_of(whole, image), visit())
    assert last.shape == (3,)
    assert [linear.kind for _, linear in last.terms] == [DenseProjection]
    assert image_of(last) is image
    huge = Node.image((1 << 12, 1 << 12, 1))
    with pytest.raises(Refusal) as caught:
        read_out(Node(shape=(1, 1, 2), terms=((huge, whole),)), visit("end"))
    assert "too large" in caught.value.problem.reason


def test_all_of_simplifying_leaves_a_plain_model_as_it_is():
    plain = read(
        keras.Sequential([keras.Input((6, 6, 2)), kl.Conv2D(3, 3, activation="relu"), kl.Flatten(), kl.Dense(3)])
    )
    assert works(simplify(plain)) == works(plain)
