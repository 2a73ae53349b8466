"""PyTorch modules, exported to ONNX in the user's own environment and read as any other ONNX model."""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.importing import files
from snnviz.importing.imported import Import, build

_BATCH, _KERNEL, _COLOURS = 64, 4, (1, 3, 4)


def is_torch(model: Any) -> bool:
    """Whether this is a PyTorch module; torch is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


@checked
def from_torch(module: Any, x: Any, mean: Sequence[float] | None = None, std: Sequence[float] | None = None) -> Import:
    """Read a PyTorch module by way of ONNX: it is exported in evaluation mode, and left in the mode that it was in.

    Args:
        module: the module, a classifier.
        x: items, (items, ...), with channels first or last, one at least; they give the size it is exported for.
        mean: see `read_onnx`.
        std: see `read_onnx`.

    Raises:
        InputError: if it cannot be exported, or has what no Keras layer expresses.
    """
    if not is_torch(module):
        raise InputError(f"`module` must be a PyTorch module. Received: {check.describe(module)}")
    torch: Any = sys.modules["torch"]
    example = _channels_first(module, np.asarray(x[:1], np.float32))
    place = next((each.device for each in module.parameters()), None)

    def answers(taken: np.ndarray) -> np.ndarray:
        with _evaluating(module), torch.no_grad():
            parts = [
                module(torch.as_tensor(taken[at : at + _BATCH], device=place)) for at in range(0, len(taken), _BATCH)
            ]
            return np.concatenate([np.asarray(part.cpu()) for part in parts])

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "module.onnx"
        _export(module, torch.as_tensor(example, device=place), path)
        read = build(files.read(path), type(module).__name__, mean, std)
    return replace(read, original=answers, judge=f"PyTorch {torch.__version__}")


def _channels_first(module: Any, example: np.ndarray) -> np.ndarray:
    """One item as a module takes it: maps, which the first weights tell that it takes, with their channels first."""
    first = next((each.ndim for each in module.parameters() if each.ndim > 1), 2)
    if first == _KERNEL and example.ndim == _KERNEL - 1:  # grey pictures without an axis of channels
        return example[:, None]
    if example.ndim == _KERNEL and example.shape[-1] in _COLOURS and example.shape[1] not in _COLOURS:
        return np.ascontiguousarray(example.transpose(0, 3, 1, 2))
    return example


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Inside the `with` block a module and all within are in evaluation mode; then each is as it was."""
    modes = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for each, training in modes:
            each.training = training


def _export(module: Any, example: Any, path: Path) -> None:
    torch: Any = sys.modules["torch"]
    try:
        with warnings.catch_warnings(), torch.no_grad(), _evaluating(module):
            warnings.simplefilter("ignore")
            torch.onnx.export(module, (example,), str(path), external_data=False, verbose=False)
    except Exception as error:  # whatever a module or the exporter raises
        raise InputError(
            f"`model` must be a module that torch.onnx.export can export. Received: {_reason(module, error)}"
        ) from error


def _reason(module: Any, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return (
            f"{type(module).__name__}, without the package {error.name!r} that exports it; pip install onnx onnxscript"
        )
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{type(module).__name__} ({lines[0][:160]})"
