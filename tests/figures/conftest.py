"""Material with everything in it, from a small real simulation."""

import json

import numpy as np
import pytest

from snnviz.events import Recordings
from snnviz.figures import Material
from tests.plots.conftest import chosen, grid, history, images, network, pruned, recorded, scaled
from tests.synthetic import dense_mnist

__all__ = ["chosen", "grid", "history", "images", "network", "pruned", "recorded", "scaled"]


@pytest.fixture(scope="session")
def material(recorded, chosen, scaled, images, history, pruned, grid):
    """The result after is also one of an event camera's recordings, so that every figure can be drawn."""
    items, steps = recorded.sizes["item"], recorded.sizes["time"]
    filmed = recorded.assign(
        exit_step=("item", 1 + np.arange(items) % steps), camera_events=("time", np.ones(steps))
    ).assign_attrs(step_ms=1.0, settings=json.dumps(json.loads(recorded.attrs["settings"]) | {"input": "spikes"}))
    t = np.arange(3 * items) % 3 * 900
    recordings = Recordings(t, np.arange(3 * items) % 32, np.arange(0, 3 * items + 1, 3), (4, 4))
    return Material(
        results={"before": recorded, "after": filmed},
        networks={"after": chosen, "start": scaled},
        images=images,
        recordings=recordings,
        history=history,
        pruning=pruned,
        grid=grid,
        notes={"pruning": "24 items"},
    )


@pytest.fixture(scope="session")
def paper_material():
    runs = {"before": dense_mnist(title="before"), "after": dense_mnist(title="after", fast=True)}
    sparsity = {
        "S_a": 0.5,
        "S_w": 0.2,
        "S_c": 0.6,
        "S_a without the last hidden layer (as published)": 0.62,
        "S_c without the last hidden layer (as published)": 0.696,
    }
    return Material(
        results=runs,
        sparsity={("dense-mnist", "before"): sparsity},
        accuracies={("dense-mnist", "before"): 0.984, ("dense-mnist", "after"): 0.983},
        runtimes={("snnviz, event", "dense-mnist"): 0.05},
    )
