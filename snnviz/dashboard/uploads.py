"""Models and data that a browser uploads: checked, limited in size, and kept under the hash of their content.

What a browser sends chooses no path: a file's name on disk is the hash of its bytes, and its own name is kept beside it as text. A
spiking network or a data set (.npz) is read without pickle before it is kept. A Keras model (.keras) is a zip archive whose members
are checked here and nothing in it is run; the job that uses it loads it in Keras' safe mode, in a process of its own. An ONNX graph
(.onnx) holds no code: it is read here, and built by the job.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from pathlib import Path

from snnviz._files import replacing
from snnviz.errors import InputError

MOST_BYTES = 32 * 2**20
_MOST_UNPACKED = 512 * 2**20
SUFFIXES = (".keras", ".onnx", ".npz")
ONNX = ".onnx"
MODEL, DATA = "model", "data"
"""What an upload is."""
_DATA_MEMBERS = {"x_train.npy", "x_test.npy"}
_KERAS_MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}
_MOST_NAME = 80
_FOLDER = "uploads"
_PREFIX = "upload:"
_NAME = re.compile(r"[0-9a-f]{32}\.(?:keras|onnx|npz)")


def keep(home: Path, name: str, content: bytes) -> tuple[str, Path]:
    """Keep an uploaded model or data set.

    Args:
        home: the folder of the runs.
        name: what the file was called where it came from.
        content: its bytes.

    Returns:
        What it is, `MODEL` or `DATA`, and where it is.

    Raises:
        InputError: if it is too large, or nothing of the kind that its name says.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"an upload must be a .keras, .onnx or .npz file. Received: {name[:_MOST_NAME]!r}")
    if not content or len(content) > MOST_BYTES:
        raise InputError(
            f"an upload must have 1 byte to {MOST_BYTES // 2**20} MiB. Received: {len(content) / 2**20:.1f} MiB"
        )
    members = set() if suffix == ONNX else _checked_archive(suffix, content)
    kind = DATA if suffix == ".npz" and members & _DATA_MEMBERS else MODEL
    folder = home / _FOLDER
    target = folder / f"{hashlib.sha256(content).hexdigest()[:32]}{suffix}"
    with replacing(target) as temporary:  # nothing is kept of what is refused
        temporary.write_bytes(content)
        if suffix != ".keras":
            _check_read(temporary, suffix, kind, members)
    shown = "".join(sign for sign in Path(name).name if sign.isprintable())[-_MOST_NAME:]
    with replacing(target.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps({"name": shown, "kind": kind}))
    return kind, target


def _check_read(path: Path, suffix: str, kind: str, members: set[str]) -> None:
    """Read an .npz or .onnx file as what it is.

    Raises:
        InputError: if it holds no network, or no images with labels; of an ONNX graph also if its weights are in another file.
    """
    from snnviz.datasets.formats import read_npz
    from snnviz.importing import files
    from snnviz.network import load_network

    try:
        if suffix == ONNX:
            files.read(path)
            return
        if kind == MODEL:
            load_network(path)
            return
        for split in ("train", "test"):
            if f"x_{split}.npy" in members:
                read_npz(path, split)
    except InputError as error:
        raise InputError(str(error).replace(str(path), "an upload")) from error


def known(home: Path, suffix: str, kind: str = MODEL) -> dict[str, str]:
    """What was uploaded: its name -> what pages call it (`located` knows where it is), which tells nothing of this machine."""
    found: dict[str, str] = {}
    for path in sorted((home / _FOLDER).glob(f"*{suffix}")):
        try:
            told = json.loads(path.with_suffix(".json").read_text())
            name, is_kind = str(told["name"]), told.get("kind", MODEL) == kind
        except (OSError, ValueError, KeyError, AttributeError):
            continue
        if is_kind:
            found[f"{name} (uploaded, {path.stem[:6]})"] = called(path)
    return found


def shown(setting: str) -> str:
    """A run's setting as people know it: of the path of an upload the name that it came with; anything else as it is."""
    path = Path(setting)
    if path.parent.name != _FOLDER or not _NAME.fullmatch(path.name):
        return setting
    try:
        return str(json.loads(path.with_suffix(".json").read_text())["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return path.name


def called(path: Path) -> str:
    """What pages call an upload."""
    return f"{_PREFIX}{path.name}"


def located(home: Path, reference: object) -> object:
    """The path of an upload that pages call `reference`; anything else as it is.

    Raises:
        InputError: if there is no such upload.
    """
    if not isinstance(reference, str) or not reference.startswith(_PREFIX):
        return reference
    name = reference.removeprefix(_PREFIX)
    path = home / _FOLDER / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise InputError(f"`source` or `data` must be an upload that is kept. Received: {reference[:_MOST_NAME]!r}")
    return str(path)


def _checked_archive(suffix: str, content: bytes) -> set[str]:
    """The members of an upload: every one is a zip archive. One that unpacks to too much or holds other things is refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > _MOST_UNPACKED:
                raise InputError(
                    f"an upload must unpack to at most {_MOST_UNPACKED // 2**20} MiB. Received: one that is larger"
                )
            config = archive.read("config.json") if "config.json" in archive.namelist() else b"{}"
    except InputError:
        raise
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, OSError, zlib.error) as error:
        raise InputError(f"an upload must be a whole {suffix} file. Received: one that cannot be read") from error
    names = {member.filename for member in members}
    if suffix == ".npz":
        return names
    if "config.json" not in names or not names <= _KERAS_MEMBERS:
        raise InputError(
            f"a .keras file must hold {', '.join(sorted(_KERAS_MEMBERS))}. Received: {', '.join(sorted(names))[:200]}"
        )
    try:
        described = json.loads(config)
    except ValueError as error:
        raise InputError("a .keras file must hold a readable config.json. Received: one without") from error
    if "Lambda" in _class_names(described):
        raise InputError("a .keras file must hold no code. Received: a model with a Lambda layer")
    return names


def _class_names(described: object) -> set[str]:
    """Every class that a Keras configuration names."""
    if isinstance(described, dict):
        own = {str(described["class_name"])} if "class_name" in described else set()
        return own.union(*(_class_names(value) for value in described.values()))
    if isinstance(described, list):
        return set().union(*(_class_names(value) for value in described))
    return set()
