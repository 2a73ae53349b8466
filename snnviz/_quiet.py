"""TensorFlow without its notes at the start, which it writes to standard error whatever its log level says."""

from __future__ import annotations

import importlib.abc
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from typing import Any

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_NOTES = (
    b"All log messages before absl::InitializeLog()", b"oneDNN custom operations are on", b"cpu_feature_guard",
    b"To enable the following instructions",
)  # fmt: skip
_RETRACED = "triggered tf.function retracing"
"""Of each model that is compiled, which is as it should be."""


def hush() -> None:
    """See to it that TensorFlow starts without notes, whoever imports it; whoever wants them sets TF_CPP_MIN_LOG_LEVEL to 0."""
    if os.environ.setdefault(_LEVEL, "2") != "0" and "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as others do, and sifts what it says while it is loaded; once."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = _sifting(spec.loader.exec_module)  # type: ignore[method-assign]
        return spec


def _sifting(load: Any) -> Any:
    def exec_module(module: Any) -> None:
        with _sifted():
            load(module)
        logging.getLogger("tensorflow").addFilter(lambda record: _RETRACED not in str(record.msg))

    return exec_module


@contextmanager
def _sifted() -> Iterator[None]:
    """Hold back what is written to the standard error's descriptor, and write it then without the notes."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not any(note in line for note in _NOTES):
                    os.write(2, line)
