"""Labelled event recordings, and where those made here are kept.

    <data folder>/saccade_mnist/manifest.json    of which model, how many events, the files' sizes
    <data folder>/saccade_mnist/train-t.bin      uint32, microseconds since each recording began, one recording after the other
    <data folder>/saccade_mnist/train-place.bin  uint16, index of pixel and polarity
    <data folder>/saccade_mnist/train.npz        starts int64 (items + 1,), y int64 (items,)

They are memory-mapped: a simulation reads the recordings that it is at.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz import _progress, events
from snnviz._arguments import check_fields, checked
from snnviz._npz import Arrays, Unreadable
from snnviz.datasets.folders import Listing
from snnviz.datasets.images import Images
from snnviz.errors import InputError
from snnviz.events import Recordings

TYPES: dict[str, np.dtype[Any]] = {"t": np.dtype("<u4"), "place": np.dtype("<u2")}
CHUNK = 250
"""Recordings made by a thread at a time."""
STEP_US = 10_000
"""Of the frames that a classifier is trained on: microseconds of a step."""
SHORTEST = 3
"""Steps of the shortest window that a classifier is trained on."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """Event recordings with their labels.

    Attributes:
        name: of the data set.
        split: "train" or "test".
        x: the recordings.
        y: int64 class indices, (items,).
        class_names: name of each class, in the order of the indices.
    """

    name: str
    split: str
    x: Recordings
    y: np.ndarray
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "class_names", tuple(map(str, self.class_names)))
        check.different("class_names", self.class_names)
        object.__setattr__(self, "y", check.labels("y", self.y, len(self.x), len(self.class_names)))

    def __len__(self) -> int:
        return len(self.x)

    @checked
    def take(self, n: int) -> Recorded:
        """The first `n` recordings, or all of them where there are fewer."""
        n = min(check.integer("n", n, 1), len(self))
        return replace(self, x=self.x[:n], y=self.y[:n])

    @property
    def steps(self) -> int:
        """How many steps of `STEP_US` the longest recording takes."""
        longest = int(self.x.t.max()) if len(self.x.t) else 0
        return max(1, -(-longest // STEP_US))

    @checked
    def summed(self, steps: int, step_us: int = STEP_US, seed: int | None = None) -> Images:
        """The recordings as images: events a step of each pixel and polarity, at most 1.

        Args:
            steps: over the first so many steps of each recording.
            step_us: microseconds of a step.
            seed: draws for each recording a window of its own, from `SHORTEST` steps to `steps`, so that a classifier trained on
                them knows what is there early; None takes `steps` for all.
        """
        windows: int | np.ndarray = check.integer("steps", steps, 1)
        if seed is not None:
            windows = np.random.default_rng(check.integer("seed", seed, 0)).integers(
                min(SHORTEST, steps), steps + 1, len(self)
            )
        return Images(self.name, self.split, self.x.rates(windows, step_us), self.y, self.class_names)


def read(files: Listing, progress: bool) -> Recorded:
    """All recordings of a folder, each from its first event on.

    Raises:
        InputError: if a file cannot be read, or they are not all of one sensor.
    """
    parts = []
    with _progress.bar(len(files.files), f"reading {files.name}", "recording", progress) as bar:
        for path, _ in files.files:
            parts.append(events.read(path))
            if parts[0].sensor != parts[-1].sensor:
                sizes = " and ".join(f"{part.sensor[0]}x{part.sensor[1]}" for part in (parts[0], parts[-1]))
                raise InputError(f"The recordings of {files.name} must be of one sensor. Received: {sizes} ({path})")
            bar.update()
    y = np.array([label for _, label in files.files], dtype=np.int64)
    return Recorded(files.name, files.split, Recordings.of(parts), y, files.class_names)


def model() -> dict[str, Any]:
    """What the made recordings depend on beside the digits."""
    names = ("SIDE", "DURATION", "CORNERS", "DARK", "CONTRAST", "NOISE", "SAMPLE")
    return json.loads(json.dumps({name.lower(): getattr(_saccades(), name) for name in names} | {"version": 1}))


@dataclass(frozen=True)
class CachedRecordings:
    """Recordings kept in `folder`."""

    folder: Path

    def manifest(self) -> dict[str, Any] | None:
        """The manifest, or None where there is none of the present model."""
        try:
            found = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
            whole = all({"bytes", "events"} <= set(split) for split in found["splits"].values())
            return found if whole and found["model"] == model() else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def present(self) -> bool:
        """Whether every file is here with its full size."""
        found = self.manifest()
        try:
            return found is not None and all(
                sum((self.folder / name).stat().st_size for name in _names(split)) == said["bytes"]
                for split, said in found["splits"].items()
            )
        except OSError:
            return False

    def read(self, split: str) -> tuple[Recordings, np.ndarray]:
        """Recordings, memory-mapped, and labels.

        Raises:
            InputError: if they are damaged.
        """
        t, place = (np.memmap(self.folder / f"{split}-{name}.bin", dtype, "r") for name, dtype in TYPES.items())
        try:
            table = Arrays(self.folder / f"{split}.npz")
            return Recordings(t, place, table["starts"], _saccades().SENSOR), table["y"]
        except (Unreadable, InputError, KeyError) as error:
            raise InputError(
                f"{self.folder} must hold what `snnviz data make saccade-mnist` wrote (--force makes it again). Received: {error}"
            ) from error

    def make(self, splits: dict[str, tuple[np.ndarray, np.ndarray]], progress: bool) -> None:
        """Make the recordings of digits, uint8 (items, 28, 28, 1), and labels; complete or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        total = sum(len(x) for x, _ in splits.values())
        said = {}
        with (
            tempfile.TemporaryDirectory(prefix=".making-", dir=self.folder) as workspace,
            _progress.bar(total, "recording digits", "digit", progress) as bar,
        ):
            for seed, (split, (x, y)) in enumerate(sorted(splits.items())):
                events = _write(Path(workspace), split, x, y, seed, bar)
                size = sum((Path(workspace) / name).stat().st_size for name in _names(split))
                said[split] = {"items": len(x), "events": events, "bytes": size}
            manifest = {"model": model(), "splits": said, "source": "made here from MNIST"}
            (Path(workspace) / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
            (self.folder / "manifest.json").unlink(missing_ok=True)  # what is half replaced counts as absent
            for name in (*itertools.chain.from_iterable(map(_names, said)), "manifest.json"):
                os.replace(Path(workspace) / name, self.folder / name)  # noqa: PTH105


def _names(split: str) -> list[str]:
    return [*(f"{split}-{name}.bin" for name in TYPES), f"{split}.npz"]


def _write(folder: Path, split: str, x: np.ndarray, y: np.ndarray, seed: int, bar: Any) -> int:
    """One split's files; how many events there are."""
    counts = []
    with (folder / f"{split}-t.bin").open("wb") as times, (folder / f"{split}-place.bin").open("wb") as places:
        for t, place, lengths in _chunks(x, seed):
            times.write(t.astype(TYPES["t"]).data)
            places.write(place.astype(TYPES["place"]).data)
            counts.append(lengths)
            bar.update(len(lengths))
    starts = np.concatenate([[0], *counts]).cumsum()
    np.savez(folder / f"{split}.npz", starts=starts, y=y.astype(np.int64))
    return int(starts[-1])


def _saccades() -> Any:
    """The module that makes such recordings; its kernels load numba, which a data set's name is checked without."""
    from snnviz.datasets import saccades

    return saccades


def _chunks(x: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Times, places and numbers of events, some recordings at a time, in order."""
    saccades = _saccades()
    way = saccades.path()

    def made(first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        parts = [
            saccades.recorded(digit.astype(np.float32) / 255, seed, first + offset, way)
            for offset, digit in enumerate(x[first : first + CHUNK])
        ]
        t, column, row, p = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        place = (row.astype(np.int64) * saccades.SIDE + column) * 2 + p
        return t, place, np.array([len(part[0]) for part in parts])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # few ahead of the one that is written
        coming = [pool.submit(made, first) for first in range(0, len(x), CHUNK)[:8]]
        for first in range(8 * CHUNK, len(x) + 8 * CHUNK, CHUNK):
            if not coming:
                break
            ready = coming.pop(0)
            if first < len(x):
                coming.append(pool.submit(made, first))
            yield ready.result()
