"""Same seed, same bytes: models, networks, graphs and, but for the times that were measured, results."""

import hashlib
import os
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import snnviz
from snnviz import architectures, datasets, results
from snnviz.conversion.loading import load_keras
from snnviz.optimization import optimize
from snnviz.training import save_model

# Keras' own saving trips over NumPy's newer conversion protocol; nothing here depends on it
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SPIKING = """
import sys
from pathlib import Path
import snnviz
from snnviz import datasets, results
from snnviz.optimization import optimize

folder = Path(sys.argv[1])
folder.mkdir()
data = datasets.load("mnist", limit=30)
network = snnviz.pretrained.network("dense-mnist-heuristic")
given = {"steps": 5, "lambdas": (1, 1, 1), "budget_evaluations": 4, "progress": False}
found = optimize(network, data.x, data.y, method="subplex", per="layer", **given)
found.network.save(folder / "optimized.npz")
result = snnviz.simulate(network, data.x, data.y, 5, engine="event", record=("logits", "events"), progress=False)
result.attrs.update({name: 0.0 for name in result.attrs if name.endswith("_s")})
results.save(result, folder / "result.nc")
"""
TRAINING = """
from snnviz.conversion import convert
from snnviz.hardware import nir
from snnviz.training import Recipe, save_model

recipe = Recipe(schedule=((2, 0.1),), validation=10)
model = snnviz.train("dense-mnist-pooled", data.x, data.y, recipe, progress=False).model
save_model(model, folder / "model.keras")
network = convert(model, data.x, progress=False)
network.save(folder / "network.npz")
nir.save(network, folder / "network.nir")
for method in ("gradient", "weights"):
    options = {"updates": 8, "every": 4, "batch": 8}
    given = {"steps": 5, "lambdas": (1, 1, 1), "budget_evaluations": 3, "progress": False}
    found = optimize(network, data.x, data.y, method=method, options=options, **given)
    found.network.save(folder / f"{method}.npz")
"""


def made(code, folder, seed):
    """Checksums of what a process of its own makes, whose sets and dictionaries are in an order of their own."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    time.sleep(1.1 * seed)  # not within one second: files tell time in seconds
    subprocess.run(
        [sys.executable, "-c", code, str(folder / str(seed))], env=environment, check=True, capture_output=True
    )
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((folder / str(seed)).iterdir())}


def made_twice(code, folder):
    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(lambda seed: made(code, folder, seed), (0, 2)))


def test_networks_and_results_of_two_processes_are_the_same(tmp_path):
    first, second = made_twice(SPIKING, tmp_path)
    assert list(first) == ["optimized.npz", "result.nc"]
    assert first == second


@pytest.mark.slow
def test_models_and_what_is_learned_of_two_processes_are_the_same(tmp_path):
    first, second = made_twice(SPIKING + TRAINING, tmp_path)
    assert len(first) == 7
    assert first == second


def test_a_model_built_twice_gives_the_same_file(tmp_path, monkeypatch):
    for name in ("a", "b"):
        save_model(architectures.build("dense-mnist-pooled", seed=0), tmp_path / f"{name}.keras")
        now = time.time()
        monkeypatch.setattr(time, "time", lambda now=now: now + 86400.0)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"date" not in archive.read("metadata.json")
        assert b'"shared_object_id": 0' in archive.read("config.json")
    x = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    built, loaded = architectures.build("dense-mnist-pooled", seed=0), load_keras(tmp_path / "a.keras")
    np.testing.assert_array_equal(built.predict(x, verbose=0), loaded.predict(x, verbose=0))


def test_a_search_tells_its_time_beside_its_network():
    data = datasets.load("mnist", limit=10)
    network = snnviz.pretrained.network("dense-mnist-heuristic")
    found = optimize(
        network, data.x, data.y, method="percentile", steps=3, lambdas=(1, 1, 1), budget_evaluations=2, progress=False
    )
    assert found.seconds > 0
    assert "minutes" not in found.network.metadata["optimization"]


def test_two_simulations_differ_in_their_times_alone(tmp_path):
    data = datasets.load("mnist", limit=10)
    network = snnviz.pretrained.network("dense-mnist-heuristic")
    both = [snnviz.simulate(network, data.x, data.y, 3, engine="event", progress=False) for _ in range(2)]
    timed = {name for name in both[0].attrs if name.endswith("_s")}
    assert {name for name in both[0].attrs if both[0].attrs[name] != both[1].attrs[name]} <= timed
    for one in both:
        one.attrs = {name: value for name, value in one.attrs.items() if name not in timed}
    assert both[0].identical(both[1])
    files = [results.save(one, tmp_path / f"{index}.nc") for index, one in enumerate(both)]
    assert files[0].read_bytes() == files[1].read_bytes()
