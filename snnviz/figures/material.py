"""What figures and tables are made of, gathered from files or from the shipped models."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from snnviz import __version__, pretrained, results
from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork, load_network
from snnviz.plots import named

if TYPE_CHECKING:
    import xarray as xr

STEPS = 50
NORMALISATION_ITEMS = 10_000
"""Training images by which the "before" network is normalised."""
TRACED = 16
"""Items whose spikes and potentials are kept."""
HELD_OUT = 10_000
SEARCH_ITEMS, SEARCH_EVALUATIONS = 2_000, 150
"""Of the short search whose history is drawn; the shipped network is the fruit of a longer one."""
_MOST_BYTES = 2**30


@dataclass(frozen=True)
class Material:
    """What can be drawn; whatever is left out, its figures are left out as well.

    Attributes:
        results: by name; of two the first is "before" and the second "after" where a figure is about a pair.
        networks: by the names of results, and "start", the network that a search began with.
        images: intensities of the results' items, (items, height, width[, channels]).
        history: of an optimisation (`OptimizationResult.history`).
        pruning: what `snnviz.sparsity.pruning_curve` returned.
        grid: columns lambda_a, lambda_w, value.
        sparsity: (model, "before" | "after") -> what `Sparsity.as_json` gives; for table G.
        accuracies: (model, "before" | "after") -> the classifier's accuracy before and after sparsity fine-tuning; for table F.
        runtimes: (simulator, model) -> seconds; for table A.
        notes: what a reader of a figure must know about how it came about, by the attribute it concerns.
    """

    results: Mapping[str, xr.Dataset] = field(default_factory=dict)
    networks: Mapping[str, SpikingNetwork] = field(default_factory=dict)
    images: np.ndarray | None = None
    history: pd.DataFrame | None = None
    pruning: Any = None
    grid: pd.DataFrame | None = None
    sparsity: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    accuracies: Mapping[tuple[str, str], float] = field(default_factory=dict)
    runtimes: Mapping[tuple[str, str], float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.results:
            object.__setattr__(self, "results", named(self.results))

    @property
    def origin(self) -> str:
        """Where the results come from: version, and each result's network, seed, engine, items and settings."""
        parts = [f"snnviz {__version__}"]
        for name, result in self.results.items():
            facts = result.attrs
            told = [
                f"network {facts.get('network_hash', '?')}",
                f"seed {facts.get('seed', '?')}",
                f"engine {facts.get('engine', '?')}",
                f"{facts.get('items', '?')} items",
                f"data {facts.get('dataset', '?')}",
                f"settings {facts.get('settings', '?')}",
            ]
            if "run_id" in facts:
                told.insert(0, f"run {facts['run_id']}")
            parts.append(f"{name}: {', '.join(told)}")
        return "; ".join(parts)


def shipped(
    limit: int | None = None,
    *,
    steps: int = STEPS,
    engine: str = "auto",
    traces: bool = True,
    search: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> Material:
    """Material from the shipped models: dense MNIST before and after sparsity fine-tuning and optimisation, simulated here and now.

    "before" is the classifier `dense-mnist`, converted by percentile normalisation; "after" is `dense-mnist-optimized`.

    Args:
        limit: test images, the first ones; None for all 10 000.
        steps: time steps.
        engine: see `snnviz.simulate`.
        traces: keep spikes and potentials of the first items.
        search: also run a short search from `dense-mnist-heuristic`, whose history is drawn.
        say: is told what happens, a line at a time.
    """
    from snnviz import datasets
    from snnviz.conversion import convert, load_keras
    from snnviz.simulation import Record, simulate

    images = datasets.load("mnist", split="test", limit=limit)
    sample = datasets.load("mnist", split="train", limit=NORMALISATION_ITEMS)
    say("converting the shipped dense MNIST classifier")
    networks = {"before": convert(load_keras(pretrained.path("dense-mnist")), sample.x)}
    networks["after"] = pretrained.network("dense-mnist-optimized")
    runs = {}
    for name, network in networks.items():
        say(f"simulating {len(images)} test images for {steps} steps, {name} optimisation")
        kept = Record(logits=True, events=True)
        if traces:
            kept = Record(
                logits=True,
                events=True,
                spikes=network.firing_names,
                potentials=network.layer_names,
                items=min(TRACED, len(images)),
            )
        runs[name] = simulate(network, images.x, images.y, steps, engine=engine, record=kept, title=name)
        runs[name].attrs |= {"dataset": "mnist", "model": "dense-mnist"}
    networks["start"] = pretrained.network("dense-mnist-heuristic")
    dense, sparse = pretrained.card("dense-mnist"), pretrained.card("dense-mnist-sparse")
    notes = {"pruning": f"{sparse['pruning_curve']['items']} items, {sparse['command']}"}
    history = None
    if search:
        say(f"searching, {SEARCH_EVALUATIONS} evaluations")
        history, notes["history"] = _short_search(networks["start"], steps)
    return Material(
        results=runs,
        networks=networks,
        images=images.x,
        history=history,
        pruning=sparse["pruning_curve"]["points"],
        sparsity={
            ("dense-mnist", "before"): sparse["sparsity_before"],
            ("dense-mnist", "after"): sparse["sparsity"],
        },
        accuracies={
            ("dense-mnist", "before"): dense["test"]["accuracy"],
            ("dense-mnist", "after"): sparse["test"]["accuracy"],
        },
        notes=notes,
    )


def _short_search(network: SpikingNetwork, steps: int) -> tuple[pd.DataFrame, str]:
    from snnviz import datasets
    from snnviz.optimization import optimize

    _, held_out = datasets.validation_split(datasets.load("mnist", split="train"), HELD_OUT)
    found = optimize(
        network,
        held_out.x[:SEARCH_ITEMS],
        held_out.y[:SEARCH_ITEMS],
        method="cmaes",
        per="layer",
        steps=steps,
        budget_evaluations=SEARCH_EVALUATIONS,
        seed=0,
    )
    note = f"CMA-ES per layer, seed 0, {SEARCH_EVALUATIONS} evaluations on {SEARCH_ITEMS} held-out items, {steps} steps"
    return found.history, note


def from_files(
    paths: Sequence[str | os.PathLike[str]],
    *,
    network: str | os.PathLike[str] | None = None,
    history: str | os.PathLike[str] | None = None,
    grid: str | os.PathLike[str] | None = None,
    benchmarks: str | os.PathLike[str] | None = None,
) -> Material:
    """Material from result files, or from folders of runs.

    Args:
        paths: result files (.nc), or folders with `result.nc` and, if they have them, `network.npz` and `history.csv`; named
            by their titles, else by their file's name.
        network: a network file of the last result (.npz) or the name of a shipped one.
        history: a CSV of an optimisation's history, as `snnviz optimize --history` writes it.
        grid: a CSV with columns lambda_a, lambda_w, value.
        benchmarks: the JSON file of Table A that `make bench` writes, or its folder.

    Raises:
        InputError: if a file is missing or holds something else.
    """
    runs: dict[str, xr.Dataset] = {}
    networks: dict[str, SpikingNetwork] = {}
    table = None
    for path in map(Path, paths):
        file = path / "result.nc" if path.is_dir() else path
        result = results.load(file)
        name = str(result.attrs.get("title", "")) or (path.name if path.is_dir() else path.stem)
        if name in runs:
            name = f"{name} ({len(runs) + 1})"
        runs[name] = result
        if path.is_dir() and (path / "network.npz").is_file():
            networks[name] = load_network(path / "network.npz")
        if path.is_dir() and (path / "history.csv").is_file():
            table = _csv(path / "history.csv")
    if network is not None:
        if not runs:
            raise InputError("`network` must come with a result. Received: none")
        networks[list(runs)[-1]] = pretrained.network(network)
    for name, found in networks.items():
        if found.hash != runs[name].attrs["network_hash"]:
            raise InputError(
                f"`network` must be the one that was simulated for {name!r}. Received: another, by its hash {found.hash[:12]}"
            )
    return Material(
        results=runs,
        networks=networks,
        images=_images_of(runs),
        history=table if history is None else _csv(history),
        grid=None if grid is None else _csv(grid),
        runtimes={} if benchmarks is None else runtimes(benchmarks),
    )


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


def _csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    if not Path(path).is_file():
        raise InputError(f"`path` must be a CSV file. Received: {str(path)!r}, which is not there")
    try:
        return pd.read_csv(path)
    except ValueError as error:  # pandas' parser errors among them
        raise InputError(f"`path` must be a CSV file. Received: {str(path)!r} ({error})") from error


def _images_of(runs: Mapping[str, xr.Dataset]) -> np.ndarray | None:
    """The test images of the results' data set, if it is at hand and all results are of its first items."""
    from snnviz import datasets

    names = {str(result.attrs.get("dataset", "")) for result in runs.values()}
    here = {record.name for record in datasets.available() if record.state != "not here"}
    if len(names) != 1 or not names <= here:
        return None
    items = max(check.integer("items", int(result.attrs["items"]), 1) for result in runs.values())
    images = datasets.load(names.pop(), split="test", limit=items)
    if images.x.nbytes > _MOST_BYTES or images.x.ndim not in (3, 4):
        return None
    same = all(np.array_equal(images.y[: len(r["label"])], r["label"].values) for r in runs.values())
    return images.x if same else None
