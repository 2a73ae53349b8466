"""ONNX graphs written node by node, for what no exporter here writes, and files of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def graph(nodes, shape=(None, 3, 8, 8), outputs=("y",), constants=None, opset=20, kind=TensorProto.FLOAT):
    """A model that takes "x" and gives `outputs`; nodes are (op, inputs, output, attributes)."""
    made = [
        helper.make_node(op, inputs, [output] if isinstance(output, str) else output, name=f"n{place}", **attributes)
        for place, (op, inputs, output, attributes) in enumerate(nodes)
    ]
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    taken = helper.make_tensor_value_info("x", kind, shape)
    given = [helper.make_empty_tensor_value_info(name) for name in outputs]
    built = helper.make_graph(made, "g", [taken], given, held)
    return helper.make_model(built, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def classifier(before=(), shape=(None, 3, 8, 8), constants=None, **options):
    """A convolution, ReLU and dense layer behind some nodes that make "x0" of "x"."""
    rng = np.random.default_rng(0)
    given = {
        "w": rng.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "d": rng.normal(size=(4, 5)).astype(np.float32),
        **(constants or {}),
    }
    start = "x0" if before else "x"
    nodes = [
        *before, ("Conv", [start, "w"], "c", {}), ("Relu", ["c"], "r", {}), ("GlobalAveragePool", ["r"], "p", {}),
        ("Flatten", ["p"], "f", {}), ("MatMul", ["f", "d"], "y", {}),
    ]  # fmt: skip
    return graph(nodes, shape, constants=given, **options)


def saved(model, folder: Path, name="m.onnx") -> Path:
    """The file of a model."""
    path = folder / name
    onnx.save_model(model, path)
    return path
