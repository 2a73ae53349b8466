"""A small real network, simulated, and a store that holds its run."""

import numpy as np
import pytest

from snnviz import dashboard, datasets, pretrained, simulate
from snnviz.runs import Store

ITEMS, STEPS = 300, 12


@pytest.fixture(scope="session")
def pair():
    """The shipped networks before and after optimisation on some test images, with all that can be recorded by item."""
    images = datasets.load("mnist", split="test", limit=ITEMS)
    found = {}
    for title, name in (("before", "dense-mnist-heuristic"), ("after", "dense-mnist-optimized")):
        found[title] = simulate(
            pretrained.network(name), images.x, images.y, STEPS, engine="event",
            record=("prediction", "logits", "events"), progress=False, title=title,
        )  # fmt: skip
        found[title].attrs["dataset"] = "mnist"
    assert not np.array_equal(found["before"]["prediction"], found["after"]["prediction"])
    return found


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


@pytest.fixture
def workspace(pair, store):
    return dashboard.Workspace(pair, store=store)
