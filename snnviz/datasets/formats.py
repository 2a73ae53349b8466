"""The file formats in which data sets are published, read into 8-bit arrays without running anything they contain."""

from __future__ import annotations

import gzip
import io
import math
import pickle
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz._npz import Arrays as NpzArrays
from snnviz._npz import Unreadable
from snnviz.datasets.cache import Arrays
from snnviz.datasets.images import MissingSplit
from snnviz.errors import InputError

CIFAR_SHAPE = (3, 32, 32)


def parse_idx(content: bytes, title: str) -> np.ndarray:
    """The 8-bit array in an IDX file (the format of MNIST), gzipped or not.

    Raises:
        InputError: if the file is truncated or not of this format.
    """
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{title} must be a whole gzip file. Received: {error}") from error
    # two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension as a big-endian int32
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise InputError(f"{title} must be an IDX file of unsigned bytes. Received: other contents")
    dimensions, start = content[3], 4 + 4 * content[3]
    shape = tuple(int.from_bytes(content[4 * i : 4 * i + 4], "big") for i in range(1, dimensions + 1))
    if len(content) != start + math.prod(shape):
        raise InputError(
            f"{title} must be a whole IDX file. Received: {len(content)} bytes for an array of shape {shape}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


class _Dtype:
    """Stands for `numpy.dtype` while a CIFAR batch is read."""

    def __init__(self, name: Any = None, *_: Any) -> None:
        self.name = name

    def __setstate__(self, state: Any) -> None:
        pass  # byte order and alignment: of no meaning for single bytes


class _Array:
    """Stands for `numpy.ndarray` while a CIFAR batch is read; keeps what describes the array, builds nothing."""

    shape: Any = None
    dtype: Any = None
    order: Any = None
    content: Any = None

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.dtype, self.order, self.content = state


def _reconstruct(*_: Any) -> _Array:
    """Stands for numpy's function of this name, with which a pickled array begins."""
    return _Array()


class _CifarUnpickler(pickle.Unpickler):
    """Reads the pickled dictionaries in which CIFAR is published, and nothing that could run.

    A pickle can call only what `find_class` hands out. This one hands out the three stand-ins above, which keep the
    bytes they are given; every other name is refused. What remains are numbers, strings, bytes, lists and dictionaries.
    """

    STAND_INS: Mapping[tuple[str, str], Callable[..., Any]] = {
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.STAND_INS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which a CIFAR batch has no need of")
        return self.STAND_INS[module, name]


def parse_cifar_batch(content: bytes, label_key: str, title: str) -> Arrays:
    """Images and labels of one batch file of the "python version" of CIFAR-10 or CIFAR-100.

    Args:
        content: the file's bytes.
        label_key: "labels" in CIFAR-10, "fine_labels" in CIFAR-100.
        title: the file's name for error messages.

    Returns:
        x uint8 (items, 32, 32, 3) and y uint8 (items,).

    Raises:
        InputError: if the file is truncated, of another kind, or holds anything but arrays.
    """
    try:
        batch = _CifarUnpickler(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # a damaged pickle fails in every way there is
        raise InputError(f"{title} must be a whole batch file of CIFAR. Received: {error}") from error
    pairs = batch.items() if isinstance(batch, dict) else ()
    batch = {key.decode(errors="replace") if isinstance(key, bytes) else key: value for key, value in pairs}
    data, labels = batch.get("data"), batch.get(label_key)
    plain = isinstance(data, _Array) and isinstance(data.dtype, _Dtype) and data.dtype.name in ("u1", b"u1")
    if not isinstance(data, _Array) or not plain or not isinstance(data.content, bytes) or not isinstance(labels, list):
        raise InputError(
            f"{title} must be a batch file of CIFAR with 8-bit 'data' and a list of {label_key!r}. "
            f"Received: a file with {', '.join(map(repr, batch)) or 'neither'}"
        )
    items = len(labels)
    shape = (items, math.prod(CIFAR_SHAPE))
    whole = data.shape == shape and len(data.content) == math.prod(shape)
    if not whole or not all(isinstance(label, int) and 0 <= label < 256 for label in labels):
        raise InputError(
            f"{title} must hold as many images of 32x32x3 as labels. Received: {items} labels, {data.shape} pixels"
        )
    rows = np.frombuffer(data.content, np.uint8).reshape(shape, order="F" if data.order else "C")
    pixels = rows.reshape(items, *CIFAR_SHAPE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pixels), np.array(labels, dtype=np.uint8)


CIFAR_FILES: Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]] = {
    "cifar10": ("labels", {"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "test": ("test_batch",)}),
    "cifar100": ("fine_labels", {"train": ("train",), "test": ("test",)}),
}
"""Of each data set: the key of its labels, and the batch files of each split."""


def read_cifar_archive(path: Path) -> tuple[str, dict[str, Arrays]]:
    """("cifar10" or "cifar100", both splits) from a "python version" .tar.gz; nothing is unpacked on disk."""
    known = {file for _, files in CIFAR_FILES.values() for group in files.values() for file in group}
    contents = read_tar(path, lambda member: PurePosixPath(member).name in known)
    batches = {PurePosixPath(member).name: content for member, content in contents.items()}
    name = "cifar10" if "test_batch" in batches else "cifar100"
    key, files = CIFAR_FILES[name]
    return name, {split: _cifar_split(batches, group, key, str(path)) for split, group in files.items()}


def read_cifar_folder(folder: Path, split: str) -> tuple[str, Arrays]:
    """("cifar10" or "cifar100", images and labels of `split`) from an unpacked "python version" folder."""
    name = cifar_folder_kind(folder)
    if name is None:
        raise InputError(
            f"{folder} must hold the batch files of CIFAR-10 or CIFAR-100. Received: a folder without them"
        )
    key, files = CIFAR_FILES[name]
    batches = {file: (folder / file).read_bytes() for file in files[split] if (folder / file).is_file()}
    return name, _cifar_split(batches, files[split], key, str(folder))


def cifar_folder_kind(folder: Path) -> str | None:
    """Which CIFAR's batch files `folder` holds: "cifar10", "cifar100", or None."""
    if (folder / "batches.meta").is_file():
        return "cifar10"
    # an image folder may have subfolders called train and test; here they are files
    if (folder / "meta").is_file() and ((folder / "train").is_file() or (folder / "test").is_file()):
        return "cifar100"
    return None


def _cifar_split(batches: Mapping[str, bytes], files: tuple[str, ...], key: str, title: str) -> Arrays:
    missing = [file for file in files if file not in batches]
    if missing:
        kind = MissingSplit if len(missing) == len(files) else InputError
        raise kind(f"{title} must hold {', '.join(files)}. Received: one without {', '.join(missing)}")
    parts = [parse_cifar_batch(batches[file], key, f"{title}: {file}") for file in files]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def read_tar(archive: Path | bytes, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The contents of an archive's ordinary files whose name is `wanted`, by name, in memory.

    Nothing is written, so no name, link or device in the archive can reach outside of it.

    Raises:
        InputError: if the archive is truncated or not one.
    """
    title = "the archive" if isinstance(archive, bytes) else str(archive)
    try:
        with (
            tarfile.open(fileobj=io.BytesIO(archive), mode="r:*")
            if isinstance(archive, bytes)
            else tarfile.open(archive, mode="r:*") as tar
        ):
            found = {}
            for member in tar:
                file = tar.extractfile(member) if member.isreg() and wanted(member.name) else None
                if file is not None:
                    found[member.name] = file.read()
            return found
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise InputError(f"{title} must be a whole tar file. Received: {error}") from error


def parse_png_rows(content: bytes, shape: tuple[int, int, int], title: str) -> np.ndarray:
    """Images of `shape` (height, width, channels) from a PNG with one flattened image a row.

    Returns:
        uint8 (rows, *shape).
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{title} must be a whole PNG file. Received: {error}") from error
    height, width, channels = shape
    if pixels.shape[1:] != (height * width, channels):
        raise InputError(f"{title} must have {height * width} pixels a row. Received: {pixels.shape}")
    return pixels.reshape(-1, *shape)


def read_npz(
    path: Path, split: str, input_range: float | None = None
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Images, labels and class names from an .npz of the Keras layout (x_train, y_train, x_test, y_test).

    Images are integers 0..255, floats in [0, 1] or booleans, of shape (items, height, width[, channels]) or (items, features); with
    an input range, see `intensities`.
    Class names come from an array `class_names`, if there is one; otherwise they are the indices.

    Returns:
        x as float32 in [0, 1], y as int64, class names.

    Raises:
        InputError: if the file is damaged or lacks the split, or if its arrays make no images and labels.
    """
    try:
        archive = NpzArrays(path)
        here = [f"{name}_{split}" in archive for name in "xy"]
        if not all(here):
            raise (InputError if any(here) else MissingSplit)(
                f"{path} must hold the arrays x_{split} and y_{split}. Received: {', '.join(archive) or 'no arrays'}"
            )
        x, y = archive[f"x_{split}"], archive[f"y_{split}"]
        class_names = archive.get("class_names")
        others = [archive[name] for name in ("y_train", "y_test") if name in archive]
    except Unreadable as error:
        raise InputError(
            f"{path} must be a whole .npz file of numbers and text, without pickled objects. Received: {error.reason}"
        ) from error
    x = intensities(x, f"{path}: x_{split}", input_range)
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or y.dtype.kind not in "iu" or len(y) != len(x) or len(y) == 0 or y.min() < 0:
        first = "; items come first, as in np.moveaxis(x, -1, 0)" if x.shape[-1] == len(y) != len(x) else ""
        lowest = f", values from {y.min()}" if y.size and y.dtype.kind == "i" and y.min() < 0 else ""
        raise InputError(
            f"{path} must hold one class index per image, from 0{check.made_indices(y, len(x))}, and at least one image{first}. "
            f"Received: y_{split} of shape {y.shape} and type {y.dtype}{lowest}, for x_{split} of shape {x.shape}"
        )
    # over both splits, since one of them may lack the last class
    count = 1 + max(int(labels.max()) for labels in others if labels.size and labels.dtype.kind in "iu")
    if count > MOST_CLASSES:
        raise InputError(f"{path} must hold class indices below {MOST_CLASSES}. Received: up to {count - 1}")
    named = tuple(map(str, range(count) if class_names is None else class_names.ravel()))
    check.different(f"{path}: class_names", named)
    if len(named) <= y.max():
        raise InputError(
            f"{path} must hold a name for each class in class_names. Received: {len(named)}, and indices up to {y.max()}"
        )
    return x[..., np.newaxis] if x.ndim == 3 else x, y.astype(np.int64), named


MOST_CLASSES = 100_000


def intensities(x: np.ndarray, title: str = "x", input_range: float | None = None) -> np.ndarray:
    """`x` as float32 in [0, 1].

    Args:
        x: integers from 0 to 255, floats in [0, 1] or booleans; with an input range, numbers from 0 to that.
        title: what `x` is called in messages.
        input_range: what stands for full intensity, where that is something else. 1 leaves integers of 8 bits what they are,
            and floats that are in [0, 1] stay as they are whatever it is: they are intensities already.
    """
    if x.ndim not in (2, 3, 4):
        raise InputError(
            f"{title} must have shape (items, height, width[, channels]) or (items, features). Received: {x.shape}"
        )
    if x.dtype.kind == "b":  # black and white
        return x.astype(np.float32)
    if x.dtype.kind == "f" and x.size and not (np.isfinite(x.max()) and np.isfinite(x.min())):
        bad = np.flatnonzero(~np.isfinite(x).reshape(len(x), -1).all(axis=1))
        raise InputError(
            f"{title} must hold finite numbers only. Received: NaN or infinity in {len(bad)} of {len(x)} items, first in item "
            f"{bad[0]}"
        )
    whole = x.dtype.kind in "iu"
    top = EIGHT_BIT if whole and input_range in (None, 1) else (input_range or 1)
    if not whole and (
        x.dtype.kind != "f" or not x.size or not (x.max() > 1 + check.ROUNDING or x.min() < -check.ROUNDING)
    ):
        return x  # `Images` checks what floats hold
    if x.size and not (x.min() >= 0 and x.max() <= top):
        allowed = (
            f"integers from 0 to {top:g}"
            if whole
            else "intensities in [0, 1]"
            if top == 1
            else f"numbers from 0 to {top:g}"
        )
        hint = ", unless an input range (--input-range) says what full intensity is" if input_range is None else ""
        if x.min() < 0:
            hint = (
                "; scale them so, and put a Rescaling before the model that undoes it, as Rescaling(2, -1) for -1 to 1"
            )
        raise InputError(f"{title} must hold {allowed}{hint}. Received: values from {x.min():g} to {x.max():g}")
    return np.divide(x, np.float32(top), dtype=np.float32)


EIGHT_BIT = 255
