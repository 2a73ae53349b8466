"""What a model came from, run: by ONNX Runtime where it is installed, else by the ONNX reference evaluator."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz.errors import InputError

if TYPE_CHECKING:
    import onnx


Runner = Callable[[np.ndarray], list[np.ndarray]]


class Origin:
    """An ONNX model that can be run."""

    def __init__(self, model: onnx.ModelProto, batch: int) -> None:
        self._model = model
        self._batch = batch
        self._package = "onnxruntime" if importlib.util.find_spec("onnxruntime") is not None else "onnx"

    @property
    def judge(self) -> str:
        """Who runs it, with its version."""
        runs = "ONNX Runtime" if self._package == "onnxruntime" else "the reference evaluator of onnx"
        return f"{runs} {importlib.metadata.version(self._package)}"

    def runner(self, outputs: Sequence[str]) -> Runner:
        """A function that gives the values of some tensors for items as the graph takes them.

        Args:
            outputs: names of tensors.

        Returns:
            A function of items (items, ...), in the order of axes and type that the graph wants, to arrays (items, ...).

        Raises:
            InputError: if the model cannot be run; so does the function.
        """
        call = self._tried(self._prepared, outputs)

        def run(x: np.ndarray) -> list[np.ndarray]:
            starts = range(0, len(x), self._batch)
            parts = [self._tried(call, self._filled(x[start : start + self._batch])) for start in starts]
            return [np.concatenate(each)[: len(x)] for each in zip(*parts, strict=True)]

        return run

    def _tried(self, function: Callable[[Any], Any], given: Any) -> Any:
        try:
            return function(given)
        except Exception as error:  # another library's, of any kind
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise InputError(
                f"`model` must be one that {self.judge} can run. Received: one that it cannot ({reason[:200]})"
            ) from error

    def _filled(self, x: np.ndarray) -> np.ndarray:
        """Items, the last one repeated until they are as many as the graph takes at a time."""
        return x if len(x) == self._batch else np.concatenate([x, np.repeat(x[-1:], self._batch - len(x), axis=0)])

    def _prepared(self, outputs: Sequence[str]) -> Any:
        import onnx

        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        del model.graph.output[:]
        model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in outputs)
        constants = {each.name for each in model.graph.initializer}
        name = next(each.name for each in model.graph.input if each.name not in constants)
        if self._package == "onnxruntime":
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4
            providers = ["CPUExecutionProvider"]
            try:
                session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
                return lambda x: session.run(None, {name: x})
            except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:  # as convolutions in double precision
                self._package = "onnx"
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(model)
        return lambda x: evaluator.run(None, {name: x})
