"""ONNX files, read whole: what a file claims is checked before memory is taken, and nothing outside its folder is opened.

An exporter may keep weights in further files ("external data"). They are read here, from the model's own folder only, so that
everything behind works on one object in memory and no other library opens a file that a model names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnviz._memory import check_fits
from snnviz.errors import InputError

if TYPE_CHECKING:
    import onnx

_GROWS = 3
"""About how many bytes of memory a byte of a file takes: its bytes, the object read from them, and the arrays."""
_NO_MODEL = "`model` must be a whole .onnx file. Received: {path!r}, which cannot be read as one"


def read(path: Path) -> onnx.ModelProto:
    """The model in an ONNX file, with all its weights.

    Raises:
        InputError: if it is no whole ONNX file, too large for memory, or names data outside its folder.
    """
    import onnx

    size = path.stat().st_size
    check_fits(str(path), _GROWS * size, size)
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except Exception as error:  # protobuf's own errors share no base class
        raise InputError(_NO_MODEL.format(path=str(path))) from error
    if not model.graph.node:
        raise InputError(_NO_MODEL.format(path=str(path)))
    taken = 0
    for tensor in filter(_is_elsewhere, tensors(model.graph)):
        taken += _take_in(tensor, path)
        check_fits(str(path), _GROWS * taken, size, "the sum of its tensors")
    return model


def tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """All constant tensors of a graph: initialisers, and those that are attributes of nodes."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def itemsize(kind: int) -> int:
    """Bytes of one number of an ONNX type; 1 for what is smaller or no number."""
    import onnx

    try:
        return max(1, int(onnx.helper.tensor_dtype_to_np_dtype(kind).itemsize))
    except (KeyError, ValueError, TypeError):
        return 1


def _is_elsewhere(tensor: Any) -> bool:
    import onnx

    return bool(tensor.data_location == onnx.TensorProto.EXTERNAL)


def _take_in(tensor: onnx.TensorProto, path: Path) -> int:
    """Read a tensor's numbers from the file beside the model that it names; how many bytes."""
    import onnx

    told = {entry.key: entry.value for entry in tensor.external_data}
    file = _beside(path, told.get("location", ""), tensor.name)
    length, held = math.prod(tensor.dims) * itemsize(tensor.data_type), file.stat().st_size
    try:
        offset, told_length = int(told.get("offset", 0)), int(told.get("length", length))
    except ValueError:
        offset = told_length = -1
    if min(offset, length) < 0 or offset + length > held or told_length != length:
        raise InputError(
            f"`model` must have all its weights. Received: {str(path)!r}, where {tensor.name!r} of {list(tensor.dims)} is not "
            f"within the {held} bytes of {file.name!r}"
        )
    check_fits(str(path), _GROWS * length, held, repr(tensor.name))
    with file.open("rb") as opened:
        opened.seek(offset)
        tensor.raw_data = opened.read(length)
    tensor.data_location = onnx.TensorProto.DEFAULT
    del tensor.external_data[:]
    return length


def _beside(path: Path, location: str, name: str) -> Path:
    """The file that a tensor names, which must lie in the model's own folder, links followed."""
    folder = path.resolve().parent
    try:
        file = (folder / location).resolve()
        inside = bool(location) and file.is_relative_to(folder) and file != path.resolve()
        there = inside and file.is_file()
    except (OSError, ValueError):
        inside = there = False
    if not inside:
        raise InputError(
            f"`model` must keep its weights in its own folder. Received: {str(path)!r}, where {name!r} is in {location[:80]!r}"
        )
    if not there:
        raise InputError(
            f"`model` must have all its weights. Received: {str(path)!r}, whose {location[:80]!r} is not beside it; copy both"
        )
    return file
