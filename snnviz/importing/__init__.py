"""Networks from elsewhere: ONNX files, and PyTorch modules by way of ONNX, as Keras models with channels last."""

from __future__ import annotations

from snnviz.importing.imported import read_onnx
from snnviz.importing.pytorch import from_torch

__all__ = ["from_torch", "read_onnx"]
