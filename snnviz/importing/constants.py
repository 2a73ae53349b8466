"""What of a graph does not depend on the image, computed while it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz._memory import check_fits
from snnviz.errors import InputError

if TYPE_CHECKING:
    from snnviz.importing.graph import OnnxNode

_BROADCAST = frozenset(
    {"Add", "And", "Div", "Equal", "Expand", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Min", "Mod", "Mul",
     "Or", "Pow", "Sub", "Sum", "Where"}
)  # fmt: skip
_NO_LARGER = frozenset(
    {"Abs", "Cast", "Ceil", "Clip", "Concat", "DequantizeLinear", "Erf", "Exp", "Flatten", "Floor", "Identity", "Log", "Neg",
     "Not", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Relu", "Reshape", "Round", "Shape",
     "Sigmoid", "Sign", "Size", "Slice", "Split", "Sqrt", "Squeeze", "Tanh", "Transpose", "Unsqueeze"}
)  # fmt: skip
FOLDED = _BROADCAST | _NO_LARGER | {"Constant", "ConstantOfShape", "Gather", "MatMul", "Range", "Tile"}
"""Operators whose result is computed where all that they take is constant."""
_EVALUATED_FROM = {"DequantizeLinear": 19}
"""The opset from which on the evaluator has an operator; to what earlier ones may hold, that version does the same."""
_PLAIN = ("value_float", "value_floats", "value_int", "value_ints")


def folded(node: OnnxNode, given: Sequence[np.ndarray | None], opset: int) -> list[np.ndarray]:
    """What a node makes of constants, by the ONNX reference evaluator.

    Raises:
        InputError: if it fails, or would take more memory than there is.
    """
    import onnx
    from onnx.reference import ReferenceEvaluator

    if node.op == "Constant" and (plain := next((name for name in _PLAIN if name in node.attributes), None)):
        kind = np.float32 if "float" in plain else np.int64
        return [np.asarray(node.attributes[plain], kind)]
    _check_size(node, given)
    taken: Mapping[str, Any] = {f"i{place}": value for place, value in enumerate(given) if value is not None}
    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    proto.input[:] = [f"i{place}" if value is not None else "" for place, value in enumerate(given)]
    proto.output[:] = [f"o{place}" for place in range(len(node.outputs))]
    any_type = onnx.helper.make_empty_tensor_value_info
    graph = onnx.helper.make_graph([proto], "constant", list(map(any_type, taken)), list(map(any_type, proto.output)))
    version = max(opset, _EVALUATED_FROM.get(node.op, 0))
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", version)])
    try:
        return [np.asarray(value) for value in ReferenceEvaluator(made).run(None, dict(taken))]
    except Exception as error:  # an operator of a damaged file may raise anything
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"`model` must be a whole graph. Received: {node.said}, which fails ({reason[:120]})"
        ) from error


def _check_size(node: OnnxNode, given: Sequence[np.ndarray | None]) -> None:
    """Refuse a node that would make more numbers than memory holds."""
    arrays = [value for value in given if value is not None]
    try:
        numbers = _size(node.op, arrays)
    except (ValueError, IndexError, OverflowError, ZeroDivisionError, TypeError):
        return  # the evaluator says what is wrong
    check_fits(node.said, 8 * numbers, sum(value.nbytes for value in arrays), "the result")


def _size(op: str, arrays: Sequence[np.ndarray]) -> float:
    """How many numbers an operator makes of arrays, at most."""
    if op == "ConstantOfShape":
        return math.prod(map(int, arrays[0].ravel()))
    if op == "Tile":
        return arrays[0].size * math.prod(map(int, arrays[1].ravel()))
    if op == "Range":
        start, limit, step = (float(value) for value in arrays)
        return abs((limit - start) / step)
    if op == "Expand":
        return math.prod(np.broadcast_shapes(arrays[0].shape, tuple(map(int, arrays[1].ravel()))))
    if op in _BROADCAST:
        return math.prod(np.broadcast_shapes(*(value.shape for value in arrays)))
    if op == "Gather":
        return arrays[0].size * max(1, arrays[1].size)
    if op == "MatMul":
        return math.prod(arrays[0].shape[:-1]) * math.prod(arrays[1].shape[-1:]) * math.prod(arrays[1].shape[:-2])
    return sum(value.size for value in arrays)
