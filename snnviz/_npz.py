"""Arrays from .npz files, whose claims are checked before memory is taken; nothing is unpickled."""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from snnviz._memory import check_fits, check_member
from snnviz.errors import InputError

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_CHUNK = 2**20


class Unreadable(InputError):
    """A file that is damaged, no .npz file, or too large; `reason` is what is wrong, for a message of one's own."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Arrays(Mapping[str, np.ndarray]):
    """The arrays of an .npz file by name. Each is read when it is asked for: what nobody asks for is never unpacked.

    Args:
        path: of the file.
        content: its bytes, where they have been read already.

    Raises:
        Unreadable: here, or when an array is asked for, if the file is damaged, an array claims more than is there or than memory
            holds, or it holds anything but numbers and text.
        FileNotFoundError: if there is no such file.
    """

    def __init__(self, path: str | os.PathLike[str], content: bytes | None = None) -> None:
        self._path = os.fspath(path)
        try:
            if content is None:
                size = Path(path).stat().st_size
                check_fits(self._path, size, size)
                content = Path(path).read_bytes()
            self._archive = zipfile.ZipFile(io.BytesIO(content))
            members = self._archive.infolist()
            self._members = {member.filename.removesuffix(".npy"): member for member in members}
            if len(self._members) != len(members):
                raise ValueError("two arrays of one name")
        except FileNotFoundError:
            raise
        except Exception as error:  # zipfile raises many kinds for a damaged archive
            raise self._unreadable(error) from error

    def __getitem__(self, name: str) -> np.ndarray:
        member = self._members[name]
        try:
            check_member(self._path, member)
            with self._archive.open(member) as file:
                return _read(file, member.file_size)
        except Exception as error:  # zipfile, zlib and numpy raise many kinds for damaged arrays
            raise self._unreadable(error, f"{name}: ") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members  # without reading it

    def _unreadable(self, error: Exception, where: str = "") -> Unreadable:
        reason = where + (" ".join(str(error).split()) or type(error).__name__)
        if isinstance(error, InputError):  # says all by itself
            return Unreadable(str(error), reason)
        return Unreadable(
            f"`path` must be a whole .npz file of plain arrays. Received: {self._path!r} ({reason})", reason
        )


def _read(file: Any, claimed: int) -> np.ndarray:
    """The array in an open member of `claimed` bytes."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"format {version} of numpy")
    shape, by_columns, dtype = _HEADERS[version](file)
    if dtype.kind not in "biufUS" or dtype.itemsize == 0:
        raise ValueError(f"type {dtype}")
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or size != claimed - file.tell():
        raise ValueError(f"shape {shape} in {claimed - file.tell()} bytes")
    room = np.empty(size, np.uint8)
    for start in range(0, size, _CHUNK):
        part = file.read(min(_CHUNK, size - start))
        if len(part) < min(_CHUNK, size - start):
            raise ValueError("less than the array")
        room[start : start + len(part)] = np.frombuffer(part, np.uint8)
    if file.read(1):  # also has the checksum looked at
        raise ValueError("more than the array")
    return room.view(dtype).reshape(shape, order="F" if by_columns else "C")
