"""Every kind of projection keeps its promises, and one that breaks one is found out, by `snnviz.testing`."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from snnviz import InputError
from snnviz.network import (
    Conv2DProjection,
    DenseProjection,
    DepthwiseProjection,
    IdentityProjection,
    Projection,
    Synapses,
    file,
)
from snnviz.testing import check_projection

RNG = np.random.default_rng(1)


def drawn(*shape):
    return RNG.normal(0, 0.6, shape)


KINDS = {
    "dense": DenseProjection(input_shape=(7,), weights=drawn(7, 5)),
    "dense on a map": DenseProjection(input_shape=(3, 4, 2), weights=drawn(24, 3)),
    "conv2d": Conv2DProjection(input_shape=(5, 6, 2), weights=drawn(3, 3, 2, 4), padding=((1, 1), (1, 1))),
    "conv2d, uneven, strided": Conv2DProjection(
        input_shape=(7, 6, 2), weights=drawn(2, 4, 2, 3), padding=((0, 1), (1, 2)), strides=(2, 3)
    ),
    "conv2d, dilated, in groups": Conv2DProjection(
        input_shape=(7, 6, 4), weights=drawn(3, 2, 2, 6), dilation=(2, 1), groups=2, padding=((2, 0), (0, 1))
    ),
    "depthwise": DepthwiseProjection(input_shape=(5, 5, 3), weights=drawn(3, 3, 3, 2), strides=(2, 1)),
    "average pooling": DepthwiseProjection(
        input_shape=(4, 6, 3), weights=np.full((2, 2, 3, 1), 0.25), strides=(2, 2), pooling=True
    ),
    "identity": IdentityProjection(input_shape=(3, 2, 4), weights=drawn(4)),
    "identity of flat neurons": IdentityProjection(input_shape=(6,), weights=drawn(6)),
    "identity to some channels": IdentityProjection(input_shape=(3, 2, 4), weights=drawn(4), first=2, channels=7),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_keeps_its_promises(kind):
    check_projection(KINDS[kind])


def test_all_kinds_are_among_them():
    assert {each.kind for each in KINDS.values()} == set(file.PROJECTION_KINDS)


@dataclass(frozen=True, eq=False, kw_only=True)
class Shifted(Projection):
    """A new kind: each neuron to the one `by` places behind it, in a ring: f(S; W)[n + by] = S[n] W[n]."""

    by: int = 1

    kind: ClassVar[str] = "shifted"
    _weights_ndim: ClassVar[int] = 1

    def _check_geometry(self):
        if self.weights.shape != self.input_shape:
            raise InputError(f"`weights` of {self._words} must be one for each neuron. Received: {self.weights.shape}")

    @property
    def output_shape(self):
        return self.input_shape

    @property
    def options(self):
        return {"by": self.by}

    def linear(self, ops, rows, weights):
        sent, last = rows * weights, self.input_shape[0] - self.by
        return ops.concatenate([sent[:, last:], sent[:, :last]])

    def fanout(self, synapses="nonzero"):
        return self._present(synapses).astype(np.int64)

    def synapse_list(self, pruned=False):
        post = np.arange(len(self.weights), dtype=np.int32)
        pre = np.roll(post, self.by)
        every = Synapses(pre, post, self.weights[pre])
        return every if pruned else every._where(every.weight != 0)

    def scaled_weights(self, output_scale, input_scale):
        out = np.broadcast_to(np.asarray(output_scale, np.float64), self.output_shape)
        return self.weights * np.roll(out, -self.by) / np.asarray(input_scale, np.float64)


@pytest.fixture
def registered(monkeypatch):
    """As one line in `snnviz.network.file` does for a kind of one's own."""
    kinds = {**file.PROJECTION_KINDS, Shifted.kind: Shifted}
    monkeypatch.setattr(file, "PROJECTION_KINDS", kinds)
    return Shifted(input_shape=(6,), weights=drawn(6), by=2)


def test_a_kind_that_nothing_else_knows_is_tried_to_the_end(registered):
    check_projection(registered)


def wrong_fanout(self, synapses="nonzero"):
    return np.ones(self.input_shape, np.int64)


def wrong_order(self, pruned=False):
    return Synapses(
        *(each[::-1] for each in (right(self, pruned).pre, right(self, pruned).post, right(self, pruned).weight))
    )


def wrong_place(self, pruned=False):
    found = right(self, pruned)
    return replace(found, pre=np.roll(found.pre, 1))


right = Shifted.synapse_list


@pytest.mark.parametrize(
    ("name", "broken", "promise"),
    [
        ("output_shape", property(lambda self: (7,)), "`output_shape` is the shape"),
        ("linear", lambda self, ops, rows, weights: rows * self.weights, "of weights handed to it"),
        ("linear", lambda self, ops, rows, weights: rows * weights * rows, "`linear` is linear"),
        ("takes", lambda self, shape: False, "`takes` says yes"),
        ("synapse_list", wrong_order, "synapses stand in order"),
        ("synapse_list", wrong_place, "synapses are what `linear` makes"),
        ("synapse_list", lambda self, pruned=False: right(self, True), "the list lacks the weights of 0"),
        ("fanout", wrong_fanout, "`fanout.'nonzero'.` counts"),
        ("scaled_weights", lambda self, out, into: self.weights * out / into, "`scaled_weights` scale"),
        ("options", property(lambda self: {}), "a file brings the options back"),
    ],
)
def test_a_broken_promise_is_named(registered, monkeypatch, name, broken, promise):
    monkeypatch.setattr(Shifted, name, broken)
    if name == "options":
        monkeypatch.setattr(Shifted, "form", property(lambda self: (self.kind, self.by)))
    with pytest.raises(AssertionError, match=promise):
        check_projection(registered)


def test_what_is_no_projection_is_refused():
    with pytest.raises(InputError, match="must be a Projection"):
        check_projection("conv2d")
    with pytest.raises(InputError, match="at most 4096 neurons"):
        check_projection(IdentityProjection(input_shape=(5000,), weights=np.ones(5000)))
