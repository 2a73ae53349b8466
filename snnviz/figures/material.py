"""What figures and tables are made of, and that of the shipped models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from snnviz import __version__, pretrained
from snnviz.network import SpikingNetwork
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

    "before" is the classifier `dense-mnist`, converted by percentile normalisation; "after" is `dense-mnist-optimized`, whose
    search started from the fine-tuned classifier `dense-mnist-sparse-shifted`, converted likewise.

    Args:
        limit: test images, the first ones; None for all 10 000.
        steps: time steps.
        engine: see `snnviz.simulate`.
        traces: keep spikes and potentials of the first items.
        search: also run a short search from the same start, whose history is drawn.
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
    networks["start"] = convert(load_keras(pretrained.path("dense-mnist-sparse-shifted")), sample.x)
    dense, sparse = pretrained.card("dense-mnist"), pretrained.card("dense-mnist-sparse-shifted")
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
