"""What stands in the report of runs, without a browser."""

import hashlib
import re

import pytest

from snnviz.dashboard.report import report
from snnviz.runs import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("report"))


def ended(store, kind, name, settings, *steps):
    """A finished run that recorded a metric a step."""
    run_id = store.create(kind, name)
    for setting, value in settings.items():
        store.client.log_param(run_id, setting, value)
    for step, metrics in enumerate(steps):
        for metric, value in metrics.items():
            store.client.log_metric(run_id, metric, value, step=step)
    store.set_status(run_id, "FINISHED")
    return run_id


def plain(html):
    """The words of a page, without its scripts."""
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL)).split())


def test_a_sweep_is_all_of_its_points(store):
    points = [
        {"lambda_a": a, "lambda_w": w, "accuracy": accuracy, "S_a": 0.5, "S_w": 0.25, "S_c": 0.6 + a / 10}
        for a, w, accuracy in ((0.25, 5.0, 0.9), (0.25, 20.0, 0.93), (1.0, 5.0, 0.87), (1.0, 20.0, 0.89))
    ]
    html = report(store, [ended(store, "sweep", "a sweep", {"lambda_a": "[0.25, 1.0]"}, *points)])
    assert "accuracy and zeros" in html
    words = plain(html)
    assert "0.25 20 0.93 0.5 0.25 0.625" in words
    assert "1 5 0.87 0.5 0.25 0.7" in words
    assert "Values" not in words, "they would be those of its last point"


def test_what_it_brings_along_is_what_its_plots_need(store):
    html = report(store, [ended(store, "train", "a", {}, {"loss": 3.0}, {"loss": 2.0})])
    assert "how it went" in html
    assert not re.search(r"<(script|link|img)[^>]*\s(src|href)=", html), "nothing lies beside it"
    assert len(html) < 2_000_000


def test_runs_that_differ_in_their_seed_alone_have_an_interval(store):
    runs = [
        ended(store, "finetune", f"seed {seed}", {"model": "m", "seed": seed, "out": f"{seed}.keras"}, {"test_accuracy": value})
        for seed, value in ((0, 0.91), (1, 0.93), (2, 0.95))
    ]  # fmt: skip
    words = plain(report(store, runs))
    assert "Over seeds" in words
    assert "test_accuracy seed 0 0.93 0.880317 to 0.979683 3" in words
    assert "Over seeds" not in plain(report(store, runs[:1]))


def test_data_and_files_are_identified(store, tmp_path):
    run_id = ended(store, "convert", "with files", {"data": "mine.npz"})
    file = tmp_path / "network.npz"
    file.write_bytes(b"some bytes")
    store.client.log_artifact(run_id, str(file))
    words = plain(report(store, [run_id]))
    assert hashlib.sha256(b"some bytes").hexdigest() in words
