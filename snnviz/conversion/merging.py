"""The fourth pass: what can be negative is multiplied out with what takes it, or becomes two populations of either sign."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snnviz.conversion.linear import Affine, Linear, joined
from snnviz.conversion.signals import Node
from snnviz.errors import InputError


def merge(last: Node) -> Node:
    """A node, and all that it hangs on, of terms whose nodes are never negative.

    A linear layer between two others is multiplied out with the one that takes it, which costs neurons and time steps nothing,
    where the product is one layer. Where it is none (a window behind zero padding, say) its output x = max(0, x) - max(0, -x)
    becomes the spikes of two populations, of which one projection adds and the other subtracts.
    """
    merged: dict[Node, Node] = {}
    halves: dict[Node, tuple[Node, Node]] = {}
    waiting = [last]
    while waiting:
        node = waiting[-1]
        missing = [source for source, _ in node.terms if source not in merged]
        if missing and node not in merged:
            waiting += missing
            continue
        waiting.pop()
        if node not in merged:
            terms: list[tuple[Node, Linear]] = []
            for source, linear in node.terms:
                terms += _terms(merged[source], linear, halves)
            merged[node] = replace(node, terms=tuple(terms))
    return merged[last]


def _terms(node: Node, linear: Linear, halves: dict[Node, tuple[Node, Node]]) -> list[tuple[Node, Linear]]:
    """What `linear` makes of a merged node."""
    if node.nonnegative:
        return [(node, linear)]
    found = composed(node, linear)
    if found is not None:
        return found
    if node not in halves:
        halves[node] = signs(node)
    above, below = halves[node]
    scale = np.full(linear.bias.shape[-1], -1.0)
    linear = replace(linear, pooling=False)  # half an average is none
    negated = replace(linear, bias=np.zeros_like(linear.bias)).followed_by(Affine(scale=scale, shift=0 * scale))
    return [(above, linear), (below, negated)]


def signs(node: Node) -> tuple[Node, Node]:
    """Two populations, of what is positive and what is negative."""
    scale = np.full(node.shape[-1], -1.0)
    mirrored = node.followed_by(Affine(scale=scale, shift=0 * scale))
    if node.visit is not None:
        mirrored = replace(mirrored, visit=replace(node.visit, name=f"{node.visit.name}_negative"))
    mirrored = replace(
        mirrored,
        terms=tuple((source, replace(linear, name=f"{linear.name}_negative")) for source, linear in mirrored.terms),
    )
    above, below = (replace(each, rectified=True, nonnegative=True) for each in (node, mirrored))
    return above, below


def composed(node: Node, linear: Linear) -> list[tuple[Node, Linear]] | None:
    """What `linear` makes of a node whose output can be negative, in terms that need no spikes between; None if there are none."""
    found: list[tuple[Node, Linear]] = []
    for place, (source, before) in enumerate(node.terms):
        after = replace(linear, bias=np.zeros_like(linear.bias)) if place else linear
        try:
            product = joined(before, after)
        except InputError:  # a product of convolutions with no output
            return None
        if product is None:
            return None
        for first in product[:-1]:
            source = Node(shape=first.output_shape, terms=((source, first),), visit=node.visit, nonnegative=True)
        found.append((source, product[-1]))
    return found
