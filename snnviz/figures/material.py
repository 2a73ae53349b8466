"""What figures and tables are made of, and that of the shipped models."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from snnviz import __version__, pretrained
from snnviz._arguments import check_fields, checked
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.network import SpikingNetwork
from snnviz.plots import named
from snnviz.simulation.settings import Settings

if TYPE_CHECKING:
    import xarray as xr

NORMALISATION_ITEMS = 10_000
"""Training images by which the "before" network is normalised."""
TRACED, TRACED_NEURONS = 16, 1024
"""Items, and the largest layers, whose spikes and potentials are kept."""
SEARCH_ITEMS, SEARCH_EVALUATIONS = 2_000, 150
"""Of the short search whose history is drawn; the shipped network is the fruit of a longer one."""


@dataclass(frozen=True)
class Material:
    """What can be drawn; whatever is left out, its figures are left out as well.

    Attributes:
        results: by name; of two the first is "before" and the second "after" where a figure is about a pair.
        networks: by the names of results, and "start", the network that a search began with.
        horizon: results that table E is made of instead, where a model has longer ones.
        images: intensities of the results' items, (items, height, width[, channels]).
        recordings: of the results' items, where they are of an event camera.
        history: of an optimisation (`OptimizationResult.history`).
        pruning: what `snnviz.sparsity.pruning_curve` returned.
        grid: columns lambda_a, lambda_w, value.
        sparsity: (model, "before" | "after") -> what `Sparsity.as_json` gives; for table G.
        accuracies: (model, "before" | "after") -> the classifier's accuracy before and after sparsity fine-tuning; for tables F
            and H.
        runtimes: (simulator, model) -> seconds; for table A.
        notes: what a reader of a figure must know about how it came about, by the attribute it concerns.
    """

    results: Mapping[str, xr.Dataset] = field(default_factory=dict)
    networks: Mapping[str, SpikingNetwork] = field(default_factory=dict)
    horizon: Mapping[str, xr.Dataset] = field(default_factory=dict)
    images: np.ndarray | None = None
    recordings: Recordings | None = None
    history: pd.DataFrame | None = None
    pruning: Any = None
    grid: pd.DataFrame | None = None
    sparsity: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    accuracies: Mapping[tuple[str, str], float] = field(default_factory=dict)
    runtimes: Mapping[tuple[str, str], float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.results:
            object.__setattr__(self, "results", named(self.results))

    @property
    def origin(self) -> str:
        """Where the results come from: version, and each result's network, seed, engine, items and all settings."""
        return self._told(lambda settings: settings)

    @property
    def source(self) -> str:
        """The same for a reader: of the settings those that are not the default."""
        return self._told(_unusual)

    def _told(self, put: Callable[[str], str]) -> str:
        """`origin`, with the settings, JSON, as `put` puts them; left out where it gives ""."""
        parts = [f"snnviz {__version__}"]
        for name, result in [*self.results.items(), *self.horizon.items()]:
            facts = result.attrs
            told = [
                f"network {facts.get('network_hash', '?')}",
                f"seed {facts.get('seed', '?')}",
                f"engine {facts.get('engine', '?')}",
                f"{facts.get('items', '?')} items",
                f"data {facts.get('dataset', '?')}",
            ]
            if settings := put(str(facts.get("settings", "?"))):
                told.append(f"settings {settings}")
            if "run_id" in facts:
                told.insert(0, f"run {facts['run_id']}")
            parts.append(f"{name}: {', '.join(told)}")
        return "; ".join(parts)


def _unusual(settings: str) -> str:
    try:
        given = json.loads(settings)
    except ValueError:
        return settings
    usual = asdict(Settings())
    return ", ".join(f"{name} {value}" for name, value in given.items() if name not in usual or value != usual[name])


@checked
def shipped(
    limit: int | None = None,
    model: str = "dense-mnist",
    *,
    steps: int | None = None,
    engine: str = "auto",
    traces: bool = True,
    search: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> Material:
    """Material from a shipped model, before and after sparsity fine-tuning and optimisation, simulated here and now.

    "before" is the classifier, converted by percentile normalisation; "after" is the optimised network, whose search started from
    the fine-tuned classifier, converted by a percentile of its own.

    Args:
        limit: test images, the first ones; None for all of them.
        model: one of `snnviz.pretrained.CHAINS`.
        steps: time steps; None for the model's.
        engine: see `snnviz.simulate`.
        traces: keep spikes and potentials of the first items, of layers that are small enough to be drawn.
        search: also run a short search from the same start, whose history is drawn.
        say: is told what happens, a line at a time.

    Raises:
        InputError: for an unknown model, or one whose data set is not here.
    """
    from snnviz import datasets
    from snnviz.conversion import convert, load_keras
    from snnviz.simulation import Record, simulate

    chain = pretrained.chain(model)
    steps = chain.steps if steps is None else steps
    images = datasets.load(chain.data, split="test", limit=limit)
    sample = datasets.load(chain.data, split="train", limit=NORMALISATION_ITEMS)
    say(f"converting the shipped {chain.title} classifier")
    networks = {
        "before": convert(
            load_keras(pretrained.path(chain.classifier)), sample.x, setting="paper", class_names=images.class_names
        )
    }
    networks["after"] = pretrained.network(chain.optimized)
    runs = {}
    for name, network in networks.items():
        say(f"simulating {len(images)} test images for {steps} steps, {name} optimisation")
        kept = Record(logits=True, events=True)
        if traces:
            small = {layer.name for layer in network.layers if layer.neurons <= TRACED_NEURONS}
            small |= {network.input.name} if math.prod(network.input_shape) <= TRACED_NEURONS else set()
            kept = Record(
                logits=True,
                events=True,
                spikes=tuple(layer for layer in network.firing_names if layer in small),
                potentials=tuple(layer for layer in network.layer_names if layer in small),
                items=min(TRACED, len(images)),
            )
        runs[name] = simulate(
            network, images.x, images.y, steps, engine=engine, record=kept, title=name, input=chain.input
        )
        runs[name].attrs |= {"dataset": chain.data, "model": model, "stage": name}
    # as the optimised network says that the one it came from was converted
    begun = networks["after"].metadata
    networks["start"] = convert(
        load_keras(pretrained.path(chain.sparse)),
        datasets.load(chain.data, split="train", limit=begun["norm_items"]).x,
        begun["percentile"],
        begun["per"],
        setting="paper",
    )
    sparse = pretrained.card(chain.sparse)
    judged = sparse["pruning_curve"]["items"]  # "held out", or "training"
    count = f"n = {sparse['recipe']['validation']:,} " if judged == "held out" else ""
    notes = {"pruning": f"{count}{judged} items, {sparse['command']}"}
    history = None
    if search:
        say(f"searching, {SEARCH_EVALUATIONS} evaluations")
        history, notes["history"] = _short_search(networks["start"], chain.data, steps)
    return Material(
        results=runs,
        networks=networks,
        images=images.x,
        history=history,
        pruning=sparse["pruning_curve"]["points"],
        notes=notes,
        **classifiers(model, pretrained.card(chain.classifier), sparse),
    )


def promised(model: str, *, traces: bool, search: bool) -> Material:
    """A material with all that `shipped` gives, of no items, which tells what can be drawn before anything is simulated."""
    import xarray as xr

    after = pretrained.network(pretrained.chain(model).optimized)
    traced = (f"{what}_{after.input.name}" for what in ("spikes", "potential") if traces)
    kept = xr.Dataset(dict.fromkeys(("prediction", "logits", "item_events", *traced), ("time", [0])))
    return Material(
        results={"before": kept, "after": kept},
        networks={"after": after, "start": after},
        images=np.empty(0),
        history=pd.DataFrame() if search else None,
        pruning=(),
    )


@checked
def classifiers(model: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Sparsity and accuracy as `Material` takes them, from the cards of a classifier before and after fine-tuning."""
    needed = {"before": (before, ("test",)), "after": (after, ("test", "sparsity", "sparsity_before"))}
    for name, (card, parts) in needed.items():
        if missing := [part for part in parts if not isinstance(card.get(part), Mapping)]:
            raise InputError(f"`{name}` must be the card of a classifier. Received: one without {missing[0]}")
    return {
        "sparsity": {(model, "before"): after["sparsity_before"], (model, "after"): after["sparsity"]},
        "accuracies": {(model, "before"): before["test"]["accuracy"], (model, "after"): after["test"]["accuracy"]},
    }


@checked
def together(materials: Mapping[str, Material]) -> Material:
    """What is told of several models in one table: their results, sparsities and accuracies, by the models' names."""
    return Material(
        results={f"{model} {name}": run for model, found in materials.items() for name, run in found.results.items()},
        horizon={f"{model} {name}": run for model, found in materials.items() for name, run in found.horizon.items()},
        sparsity={key: value for found in materials.values() for key, value in found.sparsity.items()},
        accuracies={key: value for found in materials.values() for key, value in found.accuracies.items()},
    )


def _short_search(network: SpikingNetwork, data: str, steps: int) -> tuple[pd.DataFrame, str]:
    from snnviz import datasets
    from snnviz.optimization import optimize

    _, held_out = datasets.validation_split(datasets.load(data, split="train"))
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
