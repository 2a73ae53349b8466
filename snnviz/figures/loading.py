"""Material from result files, folders of runs, tracked runs and benchmarks."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from snnviz import _checks as check
from snnviz import pretrained, results
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.figures import finding
from snnviz.figures.material import Material
from snnviz.network import SpikingNetwork, load_network
from snnviz.plots._tables import checked_table

if TYPE_CHECKING:
    import xarray as xr

_MOST_BYTES = 2**30
_FILES = ("result.nc", "start.nc", "network.npz", "history.csv")
"""What is drawn of a run: its result, that of the network it began with, its network, its history."""
_NEEDED = {
    "history": ("loss", "accuracy_term", "latency_term", "power_term", "peak_accuracy", "latency", "power"),
    "grid": ("lambda_a", "lambda_w", "value"),
}
"""Columns of the tables that are given."""


@checked
def from_files(
    sources: Sequence[str | os.PathLike[str]],
    *,
    network: str | os.PathLike[str] | None = None,
    history: str | os.PathLike[str] | None = None,
    grid: str | os.PathLike[str] | None = None,
    benchmarks: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | None = None,
    tracking_uri: str | os.PathLike[str] | None = None,
) -> Material:
    """Material from result files, folders of runs, or tracked runs.

    Args:
        sources: result files (.nc); folders with `result.nc` and, if they have them, `start.nc`, `network.npz` and
            `history.csv`; or ids of tracked runs (their beginnings will do), which hold the same. Results are named by their
            titles, else by their file's, folder's or run's name; those of an optimisation are "before" and "after".
        network: a network file of the last result (.npz) or the name of a shipped one; None looks among the shipped ones and
            the files beside the results, by the hash that results have of theirs.
        history: a CSV of an optimisation's history, as `snnviz optimize --history` writes it.
        grid: a CSV with columns lambda_a, lambda_w, value.
        benchmarks: the JSON file of Table A that `make bench` writes, or its folder.
        data: data set of the results' items by name or path, for figures that show images; None looks under the name that the
            results have of theirs, and beside them.
        tracking_uri: where runs are kept, see `snnviz.runs.Place.of`.

    Raises:
        InputError: if a file or run is missing or holds something else.
    """
    runs: dict[str, xr.Dataset] = {}
    networks: dict[str, SpikingNetwork] = {}
    table = None
    for source in sources:
        name, files, run_id = _opened(source, tracking_uri)
        result = _result(files["result.nc"], run_id)
        if "start.nc" in files:
            runs[_free("before", runs)] = _result(files["start.nc"], run_id)
            name = "after"
        else:
            name = str(result.attrs.get("title", "")) or name
        name = _free(name, runs)
        runs[name] = result
        if "network.npz" in files:
            networks[name] = load_network(files["network.npz"])
        if "history.csv" in files:
            found = _csv("sources", files["history.csv"])
            table = found if "accuracy_term" in found else table  # a training's history is another kind
    if network is not None:
        if not runs:
            raise InputError("`network` must come with a result. Received: none")
        try:
            networks[list(runs)[-1]] = pretrained.network(network)
        except InputError as error:
            raise InputError(re.sub("`(path|name)`", "`network`", str(error), count=1)) from error
    for name, found_network in networks.items():
        if found_network.hash != runs[name].attrs["network_hash"]:
            raise InputError(
                f"`network` must be the one that was simulated for {name!r}. "
                f"Received: another, by its hash {found_network.hash[:12]}"
            )
    beside = _beside(sources)
    for name, result in runs.items():
        at_hand = (
            None if name in networks else finding.network_at_hand(beside, str(result.attrs.get("network_hash", "")))
        )
        if at_hand is not None:
            networks[name] = at_hand
    return Material(
        results=runs,
        networks=networks,
        images=_images_of(runs, networks, None if data is None else os.fspath(data), beside),
        recordings=_recordings_of(runs),
        history=table if history is None else _csv("history", history),
        grid=None if grid is None else _csv("grid", grid),
        runtimes={} if benchmarks is None else runtimes(benchmarks),
    )


def _opened(
    source: str | os.PathLike[str], tracking_uri: str | os.PathLike[str] | None
) -> tuple[str, dict[str, Path], str | None]:
    """Name and files of a source, and its id if it is a tracked run."""
    path = Path(source)
    if path.is_dir():
        return path.name, {"result.nc": path / "result.nc"} | _present(path), None
    if path.suffix == ".nc" or path.is_file():
        return path.stem, {"result.nc": path}, None
    from snnviz.runs import Store

    store = Store(tracking_uri)
    if not store.exists():
        raise InputError(
            "`sources` must be result files (.nc), folders of runs, or ids of tracked runs. "
            f"Received: {os.fspath(source)!r}, which is neither file nor folder, and no run is kept in {store.place.uri}"
            f"{check.beside(path)}"
        )
    run = store.get(os.fspath(source))
    held = set(store.artifacts(run.id))
    if "result.nc" not in held:
        raise InputError(
            f"`sources` must be of runs that left a result.nc. Received: {os.fspath(source)!r}, which has none"
        )
    return run.name, {name: store.file(run.id, name) for name in _FILES if name in held}, run.id


def _beside(sources: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Folders in which data of the results may lie."""
    places = [Path(source) for source in sources]
    return list(dict.fromkeys([place if place.is_dir() else place.parent for place in places if place.exists()]))


def _present(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in _FILES if (folder / name).is_file()}


def _result(file: Path, run_id: str | None) -> xr.Dataset:
    try:
        result = results.load(file)
    except InputError as error:
        raise InputError(str(error).replace("`path`", "`sources`", 1)) from error
    return result if run_id is None else result.assign_attrs(run_id=run_id)


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """`name`, with a number if it is taken."""
    return f"{name} ({len(taken) + 1})" if name in taken else name


def runtimes(path: str | os.PathLike[str]) -> dict[tuple[str, str], float]:
    """Table A's numbers from the benchmark's JSON: (simulator, model) -> seconds for as many items as the table is about.

    A time measured on fewer items is scaled in proportion. Simulators that were not there are left out.

    Args:
        path: `table.json`, as `make bench` writes it, or its folder.
    """
    file = Path(path)
    file = file / "table.json" if file.is_dir() else file
    if not file.is_file():
        raise InputError(
            f"`benchmarks` must be the table.json of a benchmark. Received: {str(path)!r}, which is not there"
        )
    try:
        found = {}
        for column in json.loads(file.read_text(encoding="utf-8"))["columns"]:
            for row in column["rows"]:
                if "missing" in row or "seconds" not in row:
                    continue
                seconds = float(row["seconds"]["median"]) * column["target_items"] / row["items"]
                found[str(row["label"]), str(column["network"])] = seconds
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"`benchmarks` must hold a benchmark's table. Received: {str(path)!r}, lacking {error}"
        ) from error
    return found


def _csv(name: str, path: str | os.PathLike[str]) -> pd.DataFrame:
    """The table of a file, which argument `name` gave."""
    if not Path(path).is_file():
        raise InputError(
            f"`{name}` must be a CSV file. Received: {str(path)!r}, which is not there{check.beside(path)}"
        )
    try:
        found = pd.read_csv(path)
    except ValueError as error:  # pandas' parser errors among them
        raise InputError(f"`{name}` must be a CSV file. Received: {str(path)!r} ({error})") from error
    # a mistake is answered before anything is drawn
    return checked_table(name, found, _NEEDED[name]) if name in _NEEDED else found


def _images_of(
    runs: Mapping[str, xr.Dataset], networks: Mapping[str, SpikingNetwork], data: str | None, folders: Sequence[Path]
) -> np.ndarray | None:
    """The images of the results' items, where they are at hand and all results are of the first ones."""
    if not runs:
        if data is not None:
            raise InputError(f"`data` must come with a result. Received: {data!r}, without one")
        return None
    longest = max(runs, key=lambda name: runs[name].sizes.get("item", 0))
    if any("label" not in run for run in runs.values()):
        return None
    network = networks.get(longest) or next(iter(networks.values()), None)
    result = runs[longest]
    if data is not None:  # that, and nothing that lies elsewhere
        result, folders = result.assign_attrs(dataset=""), ()
    found = finding.images_of(result, network, {"data": data}, folders)
    same = found is not None and _same(runs, found.y)
    if data is not None and not same:
        raise InputError(
            f"`data` must be what the results were simulated on. Received: {data!r}, which cannot be read or has other labels"
        )
    if found is None or not same or found.x.nbytes > _MOST_BYTES or found.x.ndim not in (3, 4):
        return None
    return found.x


def _recordings_of(runs: Mapping[str, xr.Dataset]) -> Recordings | None:
    """The event recordings of the results' items, as `_images_of` finds images."""
    from snnviz import datasets

    names = {str(result.attrs.get("dataset", "")) for result in runs.values()}
    here = {each.name for each in datasets.available() if each.state != "not here"}
    if len(names) != 1 or not names <= here or "camera_events" not in next(iter(runs.values())):
        return None
    found = datasets.events(names.pop(), "test", max(run.sizes.get("item", 0) for run in runs.values()))
    return found.x if _same(runs, found.y) else None


def _same(runs: Mapping[str, xr.Dataset], y: np.ndarray) -> bool:
    return all(np.array_equal(y[: run.sizes["item"]], run["label"].values) for run in runs.values())
