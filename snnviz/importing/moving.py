"""Readers of what moves numbers and computes nothing: they change where a tensor's numbers are said to lie."""

from __future__ import annotations

import itertools

import numpy as np

from snnviz.importing.graph import OnnxNode, Reader, Walk
from snnviz.importing.held import Held

_APART = "keep items apart"


def reshape(walk: Walk, node: OnnxNode) -> Held:
    """Reshape; one of its sizes may be -1, and 0 keeps that of the input."""
    held = walk.tensor(node)
    full, given = walk.full_shape(held), walk.numbers(node, 1, "shape") or []
    copied = [full[place] if size == 0 and place < len(full) else size for place, size in enumerate(given)]
    total = walk.batch * held.size
    known = int(np.prod([size for size in copied if size != -1]))
    wanted = tuple(total // max(1, known) if size == -1 else size for size in copied)
    if int(np.prod(wanted)) != total or not wanted or wanted[0] != walk.batch:
        raise node.refuse(f"it makes {list(given)} of a tensor of shape {full}, and mixes items", _APART)
    return held.reshaped(wanted[1:])


def flatten(walk: Walk, node: OnnxNode) -> Held:
    """Flatten."""
    held, axis = walk.tensor(node), int(node.attribute("axis", 1))
    if axis != 1 and axis != -len(held.shape):
        raise node.refuse(f"it flattens from axis {axis} on", "flatten all of an item, axis=1")
    return held.reshaped((held.size,))


def transpose(walk: Walk, node: OnnxNode) -> Held:
    """Transpose."""
    held = walk.tensor(node)
    rank = len(held.shape)
    order = tuple(node.attribute("perm") or range(rank, -1, -1))
    if sorted(order) != list(range(rank + 1)) or order[0] != 0:
        raise node.refuse(f"it reorders axes as {list(order)}, that of the items among them", _APART)
    return held.transposed(tuple(axis - 1 for axis in order[1:]))


def squeeze(walk: Walk, node: OnnxNode) -> Held:
    """Squeeze."""
    held = walk.tensor(node)
    given = walk.numbers(node, 1, "axes")
    if given is None and walk.batch == 1:
        raise node.refuse("it names no axes, and leaves that of one item out", "name its axes when exporting")
    axes = range(len(held.shape)) if given is None else walk.axes(node, given, len(held.shape))
    return held.reshaped(tuple(size for axis, size in enumerate(held.shape) if axis not in axes or size != 1))


def unsqueeze(walk: Walk, node: OnnxNode) -> Held:
    """Unsqueeze."""
    held = walk.tensor(node)
    given = walk.numbers(node, 1, "axes") or []
    axes = walk.axes(node, given, len(held.shape) + len(given))
    shape = list(held.shape)
    for axis in sorted(axes):
        shape.insert(axis, 1)
    return held.reshaped(tuple(shape))


def part(walk: Walk, node: OnnxNode) -> Held:
    """Slice along axes of an item."""
    held = walk.tensor(node)
    starts, ends = walk.numbers(node, 1, "starts") or [], walk.numbers(node, 2, "ends") or []
    axes, steps = walk.numbers(node, 3, "axes"), walk.numbers(node, 4) or [1] * len(starts)
    slices = dict(zip(range(len(starts)) if axes is None else axes, map(slice, starts, ends, steps), strict=False))
    items = slices.pop(0, slice(None))
    if range(walk.batch)[items] != range(walk.batch):
        raise node.refuse("it leaves items out", _APART)
    rank = len(held.shape)
    chosen = dict(zip(walk.axes(node, list(slices), rank), slices.values(), strict=True))
    return _taken(node, held, tuple(_forwards(chosen.get(axis, slice(None))) for axis in range(rank)))


def _forwards(given: slice) -> slice:
    """A slice of ONNX, in which a far end below zero means the beginning, as Python has it."""
    backwards = given.step is not None and given.step < 0
    return (
        slice(given.start, None, given.step)
        if backwards and given.stop is not None and given.stop < -(2**30)
        else given
    )


def _taken(node: OnnxNode, held: Held, chosen: tuple[slice, ...]) -> Held:
    made = held.moved(lambda places: places[chosen])
    if not made.size:
        raise node.refuse("nothing is left of its input", "export the network again")
    return made


def split(walk: Walk, node: OnnxNode) -> list[Held]:
    """Split along an axis of an item."""
    held = walk.tensor(node)
    (axis,) = walk.axes(node, [int(node.attribute("axis", 0))], len(held.shape))
    count = len(node.outputs)
    sizes = walk.numbers(node, 1, "split") or [-(-held.shape[axis] // count)] * count
    ends = np.cumsum([0, *sizes]).tolist()
    before = (slice(None),) * axis
    return [_taken(node, held, (*before, slice(*pair))) for pair in itertools.pairwise(ends)]


def gather(walk: Walk, node: OnnxNode) -> Held:
    """Gather by constant places along an axis of an item."""
    held = walk.tensor(node)
    (axis,) = walk.axes(node, [int(node.attribute("axis", 0))], len(held.shape))
    chosen = np.asarray(walk.constant(node, 1))
    if chosen.dtype.kind not in "iu" or not ((-held.shape[axis] <= chosen) & (chosen < held.shape[axis])).all():
        raise node.refuse(f"it takes places beyond the {held.shape[axis]} of its input", "export the network again")
    return held.moved(lambda places: np.take(places, chosen, axis))


def unchanged(walk: Walk, node: OnnxNode) -> Held:
    """Identity."""
    return walk.tensor(node)


def cast(walk: Walk, node: OnnxNode) -> Held:
    """Cast between kinds of floating-point numbers; all are single here."""
    import onnx

    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
    if node.attribute("to") not in floats:
        raise node.refuse("it makes whole numbers of activations", "bring a network of floating-point numbers")
    return walk.tensor(node)


def dropout(walk: Walk, node: OnnxNode) -> Held:
    """Dropout, for a later fine-tuning; at inference it does nothing."""
    held = walk.tensor(node)
    rate = float(np.ravel(walk.constant(node, 1, "ratio", 0.5))[0])
    if rate and np.any(walk.constant(node, 2, default=False)):
        raise node.refuse("it drops numbers at inference too", "export the network in evaluation mode")
    tensor, _ = walk.layer("Dropout", node, held.tensor, rate=min(max(rate, 0.0), 0.95))
    return held.computed(tensor, held.nonnegative)


def expand(walk: Walk, node: OnnxNode) -> Held:
    """Expand, where it changes nothing."""
    held = walk.tensor(node)
    full = walk.full_shape(held)
    wanted = walk.numbers(node, 1) or []
    if len(wanted) > len(full) or np.broadcast_shapes(full, tuple(wanted)) != full:
        raise node.refuse(f"it repeats a tensor of shape {full} to {wanted}", "leave it out and retrain")
    return held


def concatenation(walk: Walk, node: OnnxNode) -> Held:
    """Concat along an axis of an item."""
    parts = [walk.tensor(node, place) for place in range(len(node.inputs))]
    first = parts[0]
    rank = len(first.shape)
    if any(len(each.shape) != rank for each in parts):
        raise node.refuse("what it joins differs in the number of axes", "reshape all to one shape")
    (axis,) = walk.axes(node, [int(node.attribute("axis", 1))], rank)
    nonnegative = all(each.nonnegative for each in parts)
    if rank == 1:  # each in Keras' own order, one after the other
        flat = [each.flat() for each in parts]
        starts = np.cumsum([0, *(int(tensor.shape[1]) for tensor in flat)])
        at = np.concatenate([each.places + start for each, start in zip(parts, starts, strict=False)])
        tensor, _ = walk.layer("Concatenate", node, flat, axis=-1)
        return Held(tensor=tensor, shape=at.shape, at=at, nonnegative=nonnegative)
    order = next((each.axes for each in parts if each.axes is not None), first.last_first)
    along = order.index(axis) + 1
    tensors = [walk.arranged(node, each, order) for each in parts]
    tensor, _ = walk.layer("Concatenate", node, tensors, axis=-1 if along == rank else along)
    shape = tuple(
        sum(each.shape[axis] for each in parts) if place == axis else size for place, size in enumerate(first.shape)
    )
    return Held(tensor=tensor, shape=shape, axes=order, nonnegative=nonnegative)


READERS: dict[str, Reader] = {
    "Cast": cast,
    "Concat": concatenation,
    "Dropout": dropout,
    "Expand": expand,
    "Flatten": flatten,
    "Gather": gather,
    "Identity": unchanged,
    "Reshape": reshape,
    "Slice": part,
    "Split": split,
    "Squeeze": squeeze,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}
