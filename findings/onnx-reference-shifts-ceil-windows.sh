#!/bin/sh
# onnx 1.23.2, its reference evaluator: AveragePool with ceil_mode, as PyTorch writes AvgPool2d(3, ceil_mode=True), on 7 values. The last
# window lacks two values; the evaluator takes them for padding, half of it before the first value, so that every window lies one place
# too early. Its answer is 0.5, 3, 5, with the last value in no window, and not 1, 4, 6, as by ONNX Runtime 1.32 and PyTorch; the model is valid.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from onnx.reference import ReferenceEvaluator

x = np.arange(7, dtype=np.float32).reshape(1, 1, 7)
node = helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[3], strides=[3], ceil_mode=1, count_include_pad=0)
given, made = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, size]) for name, size in (("x", 7), ("y", 3)))
graph = helper.make_graph([node], "pooling", [given], [made])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
onnx.checker.check_model(model, full_check=True)
reference = ReferenceEvaluator(model).run(None, {"x": x})[0].ravel().tolist()
runtime = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0].ravel().tolist()
print("means of 0 1 2, 3 4 5 and 6:", runtime, "by ONNX Runtime,", reference, "by the reference evaluator")
seen = runtime == [1, 4, 6] and reference == [0.5, 3, 5]
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
