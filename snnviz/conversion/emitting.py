"""The last pass: nodes as the populations of a network."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from snnviz._visits import Visit
from snnviz.conversion.linear import DENSE_LIMIT
from snnviz.conversion.obstacle import Refusal
from snnviz.conversion.signals import Node
from snnviz.network import DenseProjection, IdentityProjection, Layer, Population, Shape, Sum
from snnviz.network import Input as NetworkInput


def read_out(last: Node, visit: Visit) -> Node:
    """The last node as one that is read out: one value per class, whatever shape the model gives them, of dense layers.

    Raises:
        Refusal: if that is too large.
    """
    terms = []
    for source, linear in last.terms:
        if linear.kind is not DenseProjection and math.prod(source.shape) * last.shape[-1] > DENSE_LIMIT:
            raise Refusal(visit, "it is too large to be written as a dense layer", "end the model in a Dense layer")
        terms.append((source, linear if linear.kind is DenseProjection else linear.dense()))
    return replace(last, terms=tuple(terms), shape=last.shape[-1:])


def image_of(last: Node) -> Node:
    """The image that a node depends on.

    Raises:
        Refusal: if it is taken in several shapes.
    """
    waiting, known = [last], {last}
    images: dict[Shape, Node] = {}
    while waiting:
        node = waiting.pop()
        if not node.terms:
            images[node.shape] = node
        new = [source for source, _ in node.terms if source not in known]
        waiting += new
        known.update(new)
    for shape, node in images.items():
        if node.visit is not None and len(images) > 1:  # it was reshaped, and not for all
            other = next(each for each in images if each != shape)
            reason = f"it takes the image as {shape}, and other layers take it as {other}"
            raise Refusal(node.visit, reason, "give all of them one shape")
    return next(iter(images.values()))


def populations(last: Node) -> list[Population]:
    """The network's populations of a node and all that it hangs on, each behind its sources."""
    names: dict[Node, str] = {}
    found: list[Population] = []
    waiting = [last]
    while waiting:
        node = waiting[-1]
        missing = [source for source, _ in node.terms if source.terms and source not in names]
        if missing and node not in names:
            waiting += missing[::-1]
            continue
        waiting.pop()
        if node not in names:
            base = node.terms[0][1].name if len(node.terms) == 1 or node.visit is None else node.visit.base
            names[node] = _unused(base, names.values())
            found.append(_population(node, names))
    return found


def _population(node: Node, names: dict[Node, str]) -> Population:
    name = names[node]
    sources = [names[source] if source.terms else NetworkInput.name for source, _ in node.terms]
    linears = [linear for _, linear in node.terms]
    if len(linears) == 1 and linears[0].kind is not IdentityProjection:
        made: Layer = replace(linears[0], name=name).layer(sources[0], node.cap)
        return made
    biases = [linear.bias for linear in linears]
    if any(bias.ndim > 1 for bias in biases):  # one for each neuron
        biases = [np.broadcast_to(bias, node.shape) for bias in biases]
    projections = [linear.projection(source) for linear, source in zip(linears, sources, strict=True)]
    return Sum(name=name, projections=tuple(projections), bias=np.sum(biases, axis=0), cap=node.cap)


def _unused(base: str, taken: Iterable[str]) -> str:
    """A name no other population has: the layer's own, with a number if it is taken."""
    known = {NetworkInput.name, *taken}
    name, number = base, 2
    while name in known:
        name, number = f"{base}_{number}", number + 1
    return name
