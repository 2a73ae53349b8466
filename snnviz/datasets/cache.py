"""Data sets in a folder: one uncompressed or deflated npz file a split, and a manifest with their checksums.

The embedded MNIST and the user's cache have the same form:

    <folder>/manifest.json   what is here, how it came, SHA-256 of each split's file
    <folder>/train.npz       x uint8 (items, height, width, channels), y uint8 (items,)
    <folder>/test.npz
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from snnviz._files import replacing

FORMAT = "snnviz-dataset"
FORMAT_VERSION = 1
FOLDER_VARIABLE = "SNNVIZ_DATA_DIR"
MANIFEST = "manifest.json"

Arrays = tuple[np.ndarray, np.ndarray]
"""The images and labels of one split: x uint8 (items, height, width, channels) and y uint8 (items,)."""


class DamagedError(Exception):
    """A stored file that is not what was written; the message names it."""


def data_folder() -> Path:
    """Where fetched data sets are kept: `SNNVIZ_DATA_DIR`, or "snnviz/datasets" in the user's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("snnviz") / "datasets"


@dataclass(frozen=True)
class Cached:
    """One data set in `folder`."""

    folder: Path

    def manifest(self) -> dict[str, Any] | None:
        """The manifest, or None where there is none that can be read."""
        try:
            found = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            readable = found["format"] == FORMAT and found["version"] == FORMAT_VERSION
            whole = all({"file", "sha256", "bytes", "items"} <= set(split) for split in found["splits"].values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return found if readable and whole else None

    def present(self) -> bool:
        """Whether every split is here with its full size (`read` checks the contents too)."""
        manifest = self.manifest()
        if manifest is None:
            return False
        return all(_size(self.folder / split["file"]) == split["bytes"] for split in manifest["splits"].values())

    def read(self, split: str) -> Arrays:
        """The images and labels of `split`, after its checksum was verified.

        Raises:
            DamagedError: if the manifest or the file is missing, truncated or altered.
        """
        manifest = self.manifest()
        if manifest is None or split not in manifest["splits"]:
            raise DamagedError(f"{self.folder / MANIFEST} is missing or damaged")
        entry = manifest["splits"][split]
        path = self.folder / entry["file"]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DamagedError(f"{path} cannot be read ({error.strerror})") from error
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise DamagedError(f"{path} is damaged (its checksum is not the one it was stored with)")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return arrays["x"], arrays["y"]

    def write(self, splits: Mapping[str, Arrays], source: str, *, compress: bool = False) -> None:
        """Store `splits`, each file atomically and the manifest last; the same arrays give the same bytes.

        Args:
            splits: images and labels of each split.
            source: how they came here, for people.
            compress: deflate the files: for the embedded ones. Photographs hardly shrink, and load faster without.
        """
        entries = {}
        for split, (x, y) in splits.items():
            path = self.folder / f"{split}.npz"
            with replacing(path) as temporary:
                _write_npz(temporary, {"x": x, "y": y}, compress)
                digest, size = file_digest(temporary), temporary.stat().st_size
            entries[split] = {"file": path.name, "sha256": digest, "bytes": size, "items": len(x)}
        manifest = {"format": FORMAT, "version": FORMAT_VERSION, "source": source, "splits": entries}
        with replacing(self.folder / MANIFEST) as temporary:
            temporary.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_digest(arrays: Arrays) -> str:
    """SHA-256 of images and labels as bytes, whatever file they came in."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype=np.uint8).data)
    return digest.hexdigest()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _write_npz(path: Path, arrays: Mapping[str, np.ndarray], compress: bool) -> None:
    """As numpy's savez, but without the time of writing, so that the file depends on the arrays alone."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(member, buffer.getbuffer(), compresslevel=9 if compress else None)
