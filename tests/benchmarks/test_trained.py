"""The benchmark of trained networks: the rival that runs on ONNX Runtime is the same classifier."""

import numpy as np
import pytest

from benchmarks.trained import as_onnx
from snnviz import datasets
from snnviz.architectures import build
from snnviz.conversion import fold
from snnviz.simulation import analog

runtime = pytest.importorskip("onnxruntime")


def test_onnx_file_has_the_scores_of_its_classifier():
    model = build("conv-mnist", seed=3)
    x = datasets.load("mnist", "test", limit=8).x.reshape(8, 28, 28, 1)
    session = runtime.InferenceSession(as_onnx(model), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": np.ascontiguousarray(x.transpose(0, 3, 1, 2))})
    assert np.allclose(found, analog.logits(fold(model), x), atol=1e-4)
    assert found.std() > 1e-3
