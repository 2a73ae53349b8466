"""Event recordings from files."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._extras import need
from snnviz._memory import check_fits
from snnviz.errors import InputError
from snnviz.events import decoders
from snnviz.events.events import Events, checked_sensor

NMNIST = (34, 34)
SENSORS = {"dvs128": (128, 128), "davis240": (180, 240), "davis346": (260, 346), "davis640": (480, 640)}
"""(height, width) of iniVation's cameras, which AEDAT 3.1 names and does not measure."""


@checked
def read(path: str | os.PathLike[str], sensor: tuple[int, int] | None = None) -> Events:
    """An event recording from a file.

    By its suffix: .bin (N-MNIST), .dat (Prophesee DAT), .raw (EVT 2.0 or EVT 3.0, as its header says; the latter needs package
    `evt3`), .aedat (AEDAT 3.1), .aedat4 (needs package `aedat`), .npy (rows of t in microseconds, x, y, p).

    Args:
        path: of the file.
        sensor: (height, width) of the camera, where the file does not say; what it says must agree. .bin files never do: they are
            taken for N-MNIST's, 34 x 34, unless this says otherwise.

    Raises:
        InputError: for a file of another format, a damaged one, or one whose sensor is not known.
    """
    file, given = Path(path), None if sensor is None else checked_sensor(sensor)
    reader = FORMATS.get(file.suffix.lower())
    if reader is None:
        raise InputError(f"`path` must end in one of {', '.join(FORMATS)}. Received: {str(path)!r}")
    try:
        size = file.stat().st_size
        check_fits(str(path), 10.0 * size, size)  # 8 + 4 + 4 + 1 bytes an event where a file has 2 to 8
        return reader(file, given)
    except InputError as error:
        if str(file) in str(error):
            raise
        raise InputError(f"{file}: {error}") from error
    except OSError as error:
        raise InputError(
            f"`path` must be a file that can be read. Received: {str(path)!r} ({error.strerror or error})"
        ) from error


def _nmnist(file: Path, sensor: tuple[int, int] | None) -> Events:
    sensor = sensor or NMNIST
    return _events(decoders.nmnist(file.read_bytes(), sensor[0]), sensor)


def _dat(file: Path, sensor: tuple[int, int] | None) -> Events:
    raw = file.read_bytes()
    header = decoders.prophesee_header(raw)
    if header.version is not None and header.version != 2:
        raise InputError(f"the file must be of version 2 of DAT. Received: version {header.version}")
    kind = raw[header.size : header.size + 2]
    if len(kind) < 2 or kind[0] not in (0, 12) or kind[1] != 8:
        raise InputError(
            f"the file must hold events of type 0 or 12 in 8 bytes. Received: {list(kind)} for type and size"
        )
    return _events(decoders.dat(raw[header.size + 2 :]), _agreed(sensor, header.sensor))


def _raw(file: Path, sensor: tuple[int, int] | None) -> Events:
    raw = file.read_bytes()
    header = decoders.prophesee_header(raw)
    if header.format not in ("evt2", "evt3"):
        raise InputError("the file must say in its header that it is EVT 2 or EVT 3. Received: another header, or none")
    size = _agreed(sensor, header.sensor)
    if header.format == "evt2":
        return _events(decoders.evt2(raw[header.size :]), size)
    _need("evt3")
    import evt3

    try:
        found = evt3.decode_bytes(raw[header.size :], sensor_width=size[1], sensor_height=size[0])
    except Exception as error:  # of its decoder
        raise InputError(f"the file must be whole. Received: {_reason(error)}") from error
    return _events((found.timestamp.astype(np.int64), found.x, found.y, found.polarity, ()), size)


def _aedat3(file: Path, sensor: tuple[int, int] | None) -> Events:
    raw = file.read_bytes()
    first, end = raw[:200].split(b"\r\n")[0], raw.find(b"#!END-HEADER\r\n")
    if not first.startswith(b"#!AER-DAT3.1") or end < 0:
        raise InputError(f"the file must begin as AEDAT 3.1 does. Received: {first[:20].decode('ascii', 'replace')!r}")
    source = re.search(rb"#Source \d+: (\w+)", raw[:end])
    name = source[1].decode("ascii", "replace").lower() if source else ""
    known = next((size for camera, size in SENSORS.items() if name.startswith(camera)), None)
    return _events(decoders.aedat3(raw[end + len(b"#!END-HEADER\r\n") :]), _agreed(sensor, known))


def _aedat4(file: Path, sensor: tuple[int, int] | None) -> Events:
    _need("aedat")
    import aedat

    try:
        decoder = aedat.Decoder(file)
        streams = {key: about for key, about in decoder.id_to_stream().items() if about["type"] == "events"}
        if len(streams) != 1:
            raise InputError(f"the file must hold one stream of events. Received: {len(streams)}")
        [(stream, about)] = streams.items()
        packets = [packet["events"] for packet in decoder if packet["stream_id"] == stream]
    except InputError:
        raise
    except Exception as error:  # of its decoder
        raise InputError(f"the file must be a whole AEDAT4. Received: {_reason(error)}") from error
    together: Any = {
        name: np.concatenate([packet[field] for packet in packets]) if packets else np.zeros(0, np.int64)
        for name, field in (("t", "t"), ("x", "x"), ("y", "y"), ("p", "on"))
    }
    columns = (together["t"].astype(np.int64), together["x"], together["y"], together["p"], ())
    return _events(columns, _agreed(sensor, (int(about["height"]), int(about["width"]))))


def _npy(file: Path, sensor: tuple[int, int] | None) -> Events:
    try:
        array = np.load(file, allow_pickle=False, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise InputError(f"the file must be a whole .npy of numbers. Received: {_reason(error)}") from error
    if not isinstance(array, np.ndarray):
        raise InputError("the file must be a .npy of one array. Received: several")
    return Events.of(np.asarray(array), _agreed(sensor, None))


FORMATS: dict[str, Callable[[Path, tuple[int, int] | None], Events]] = {
    ".bin": _nmnist,
    ".dat": _dat,
    ".raw": _raw,
    ".aedat": _aedat3,
    ".aedat4": _aedat4,
    ".npy": _npy,
}
"""Readers by suffix."""


def _agreed(given: tuple[int, int] | None, said: tuple[int, int] | None) -> tuple[int, int]:
    """The sensor that was given and that the file says."""
    if given is None and said is None:
        raise InputError("`sensor` must be given as (height, width), since the file does not say it. Received: None")
    if given is not None and said is not None and given != said:
        raise InputError(
            f"`sensor` must be what the file says, {said[0]} x {said[1]}. Received: {given[0]} x {given[1]}"
        )
    return checked_sensor(given or said)


def _events(columns: Sequence[Any], sensor: tuple[int, int]) -> Events:
    t, x, y, polarity, notes = columns
    return Events(t, x, y, polarity, sensor, notes)


def _need(package: str) -> None:
    """Refuse a file whose decoder is not installed, or cannot be."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise InputError(
            f"`path` must be of another format on this machine: package {package!r} is there for x86_64 only. "
            f"Received: a {platform.machine()}"
        )
    need("`path`", package, f"the package {package}", "events")


def _reason(error: Exception) -> str:
    return check.describe(" ".join(str(error).split()) or type(error).__name__)
