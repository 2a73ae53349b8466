"""Results of simulations: one documented `xarray.Dataset`, its check, and its file (netCDF).

Dimensions: `item`; `time`, the 1-based step; `layer`, "input" and every weighted layer by name; `class`, by name.

- `accuracy` (time), float64: A(t), the fraction of items whose predicted class after step t is their label.
- `synaptic_events` (time, layer), float64: synaptic events that arrive at a layer in step t, mean per item; 0 for the input.
- `spike_rate` (time, layer), float64: spikes per neuron in step t, mean over items; 0 for the last layer, which never fires.
- `label` (item), int64: the true class.

On request:

- `prediction` (item, time), int16: predicted class after step t.
- `logits` (item, time, class), float32: class scores after step t.
- `item_events` (item, time, layer), int64: synaptic events of each item.
- `exit_step` (item), int64: the step after which an item ended, where `simulate` was told when to `stop`. From then on its answer
  and scores stay as they were, it has no events and no spikes, and its membranes are NaN: `accuracy` at the last step is that of
  all answers, and `synaptic_events` add up to what was spent on them. The attribute `stop` holds the rule.
- `spikes_NAME` (traced, time, neuron_NAME), bool: spike trains of population NAME.
- `potential_NAME` (traced, time, neuron_NAME), float32: its membrane potentials after reset.

With input "spikes" there is `camera_events(time)`, what came from the camera in each step, a mean over items; where time has a
unit, the attribute `step_ms`, milliseconds of a step.

Attributes: `ann_accuracy` (accuracy of the analog network on the same items), `network_hash`, `engine`, `engine_choice`,
`settings`, `seed`, `items`, `steps`, `neurons`, `versions`; and times in seconds: `wall_time_s` of the simulation alone,
`engine_choice_s` of timing the engines, `engine_start_s` of making one ready, compilation included, `ann_s` of the analog network.
Two simulations with the same arguments differ in these times alone, and so do their files but for the checksum.

A file begins with a block of 512 bytes that holds a version and the SHA-256 of the rest, which is netCDF 4; readers of HDF5 skip
such blocks. It is checked before the HDF5 library sees a byte, as damaged files can crash that.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._files import replacing
from snnviz._hdf5 import check_survived, whole
from snnviz._memory import check_hdf5
from snnviz.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

ALWAYS = {
    "accuracy": ("time",),
    "synaptic_events": ("time", "layer"),
    "spike_rate": ("time", "layer"),
    "label": ("item",),
}
ON_REQUEST = {
    "prediction": ("item", "time"),
    "logits": ("item", "time", "class"),
    "item_events": ("item", "time", "layer"),
    "exit_step": ("item",),
}
ATTRIBUTES = ("ann_accuracy", "network_hash", "engine", "settings", "seed", "items", "steps", "neurons", "versions")


@checked
def validate(result: xr.Dataset) -> xr.Dataset:
    """Return `result` if it follows the schema above.

    Raises:
        InputError: naming the first thing that is missing or out of range.
    """
    import xarray as xr

    if not isinstance(result, xr.Dataset):
        raise InputError(f"`result` must be the xarray.Dataset of a simulation. Received: {check.describe(result)}")
    for name, dims in {**ALWAYS, **ON_REQUEST}.items():
        if name not in result:
            if name in ALWAYS:
                raise InputError(f"`result` must hold {name!r}. Received: {sorted(map(str, result.data_vars))}")
            continue
        if result[name].dims != dims:
            raise InputError(f"`result[{name!r}]` must have dimensions {dims}. Received: {result[name].dims}")
    missing = [name for name in ATTRIBUTES if name not in result.attrs]
    if missing:
        raise InputError(f"`result` must have the attribute {missing[0]!r}. Received: {sorted(map(str, result.attrs))}")
    time = result["time"].values
    if len(time) == 0 or not np.array_equal(time, np.arange(1, len(time) + 1)):
        raise InputError(f"`result['time']` must count steps 1, 2, ... Received: {check.describe(time)}")
    accuracy = result["accuracy"].values
    if not (np.isfinite(accuracy).all() and (accuracy >= 0).all() and (accuracy <= 1).all()):
        raise InputError("`result['accuracy']` must hold fractions in [0, 1]. Received: values outside it, or NaN")
    for name in ("synaptic_events", "spike_rate"):
        values = result[name].values
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise InputError(f"`result[{name!r}]` must be finite and not negative. Received: other values")
    return result


@checked
def save(result: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write `result` to `path` as netCDF 4 (compressed) and return the path."""
    target = Path(path)
    if target.suffix != ".nc":
        raise InputError(f"`path` of a result must end in .nc. Received: {str(path)!r}")
    validate(result)
    encoding = {
        str(name): {"zlib": True, "complevel": 1, "shuffle": True}
        for name, variable in result.data_vars.items()
        if variable.dtype.kind in "iufb" and variable.size > 1024
    }
    # in memory first: the HDF5 library crashes where a disk is full
    content = _netcdf(result, encoding)
    with replacing(target) as temporary:
        temporary.write_bytes(_sealed(content))
    return target


def _netcdf(result: xr.Dataset, encoding: Mapping[str, Mapping[str, Any]]) -> bytes:
    """`result` as netCDF 4, without the time of its making, which `to_netcdf` leaves in it."""
    import h5netcdf
    import h5py
    from xarray.backends import H5NetCDFStore

    of_file, access = h5py.h5p.create(h5py.h5p.FILE_CREATE), h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    order = h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED  # as netCDF 4 has it
    of_file.set_link_creation_order(order)
    of_file.set_attr_creation_order(order)
    of_file.set_obj_track_times(False)
    access.set_fapl_core(2**20, False)  # in memory
    with h5py.File(h5py.h5f.create(b"result", h5py.h5f.ACC_TRUNC, fcpl=of_file, fapl=access)) as file:
        with h5netcdf.File(file, "w") as store:
            result.dump_to_store(H5NetCDFStore(store), encoding=encoding)
        file.flush()
        return bytes(file.id.get_file_image())


_MAGIC = b"snnviz-result 1 sha256 "
_BLOCK = 512
_HDF5 = b"\x89HDF\r\n\x1a\n"


def _sealed(content: bytes) -> bytes:
    """`content` behind a block with its checksum."""
    seal = _MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n"
    return seal.ljust(_BLOCK, b"\0") + content


def _unsealed(raw: bytes, path: str) -> bytes:
    """The netCDF content of a result's file; files of before the checksum, and of other writers, are taken as they are.

    Raises:
        InputError: if the file is no result, or damaged.
    """
    if raw.startswith(_HDF5):
        return raw
    content = raw[_BLOCK:]
    if not raw.startswith(_MAGIC.split(b" ")[0]):
        raise InputError(
            f"`path` must be a result file (netCDF 4). Received: {path!r}, another kind of file, or damaged"
        )
    if raw != _sealed(content):
        raise InputError(
            f"`path` must be a whole result file. Received: {path!r}, damaged (its checksum does not fit), or of a newer snnviz"
        )
    return content


@checked
def load(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a result written by `save`, whole, into memory.

    Raises:
        InputError: if the file is missing, damaged, or no result.
    """
    import xarray as xr

    source = Path(path)
    if not source.is_file():
        meant = check.beside(source)
        raise InputError(f"`path` must be a result file (.nc). Received: {str(path)!r}, which is not a file{meant}")
    with whole(source, "netCDF"):
        raw = source.read_bytes()
        content = _unsealed(raw, str(path))
        if content is raw:  # no checksum vouches for it
            check_survived(source)
        check_hdf5(str(path), content)
        with xr.open_dataset(io.BytesIO(content), engine="h5netcdf") as stored:
            result = stored.load()
    for name, variable in result.data_vars.items():
        if str(name).startswith("spikes_") and variable.dtype != bool:
            result[name] = variable.astype(bool)
    try:
        return validate(result)
    except InputError as error:
        raise InputError(f"`path` must hold a simulation result. Received: {str(path)!r}, where {error}") from error
