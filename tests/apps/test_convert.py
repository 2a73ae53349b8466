"""The page Convert, the sweep of page Sparsity, and the reports of runs: what they launch, show and give."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from snnviz import InputError, dashboard, jobs
from snnviz.dashboard import run_details, uploads
from snnviz.dashboard.network_page import _number
from snnviz.runs.run import SPEC


@pytest.fixture
def launched(workspace, monkeypatch):
    found = []
    monkeypatch.setattr(workspace, "launch", lambda spec: found.append(jobs.Spec.of(spec)) or "id")
    return found


def converted(store, **options):
    asked = {"model": "dense-mnist", "norm_items": 100, "setting": "paper", "report_items": 50, "steps": 10, **options}
    return jobs.run({"kind": "convert", "name": "mine", "options": asked}, store=store)


def test_form_of_a_conversion(workspace):
    page = dashboard.Convert(workspace)
    page.source, page.setting, page.norm_items = "dense-mnist-sparse", "paper", 300
    spec = jobs.Spec.of(page.spec())
    told = spec.options
    assert (spec.kind, told.model, told.setting, told.norm_items, told.report) == (
        "convert", "dense-mnist-sparse", "paper", 300, True,
    )  # fmt: skip
    assert told.percentile is None, "chosen"


def test_report_of_a_conversion_and_what_comes_next(workspace, store):
    done = converted(store, report=True)
    workspace.watcher.look_now()
    page = dashboard.Convert(workspace)
    page.opened = done.run_id
    page.tick()
    words = page.report.object
    for layer in done.answer["report"]["layers"]:
        assert layer["layer"] in words
    assert f"{100 * done.answer['report']['spiking_accuracy']:.2f} %" in words
    assert page.details.simulate.visible
    assert page.tried.figure is None, "the paper's setting was asked for"
    plain = converted(store)
    workspace.watcher.look_now()
    page.opened = plain.run_id
    page.tick()
    assert "without a report" in page.report.object


def test_a_model_that_was_converted_can_be_fine_tuned(workspace, store):
    def link():
        workspace.watcher.look_now()
        run = replace(workspace.runs()[0], tags={SPEC: json.dumps({"options": {"model": str(model), "data": "mnist"}})})
        return run_details.next_steps(run, dashboard.Convert(workspace, menu=[("sparsity", "Sparsity")]))

    run_id = store.create("convert", "mine")
    store.set_status(run_id, "FINISHED")
    model = "dense-mnist"
    assert "sparsity?source=dense-mnist'" in link()
    model = "elsewhere/mine.keras"
    assert "sparsity" not in link(), "a browser cannot name it"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("config.json", "{}")
    _, model = uploads.keep(store.home, "mine.keras", content.getvalue())
    assert f"sparsity?source=upload%3A{model.name}&amp;data=mnist'" in link()


def test_nothing_is_shown_as_less_than_nothing():
    assert [_number(value, "+.4f") for value in (-1e-7, 1e-7, -0.5, 0.5, np.nan)] == [
        "0.0000",
        "0.0000",
        "−0.5000",
        "+0.5000",
        "–",
    ]


def test_settings_that_a_conversion_tried_are_drawn(workspace, store):
    done = converted(store, setting="auto")
    workspace.watcher.look_now()
    page = dashboard.Convert(workspace)
    page.opened = done.run_id
    page.tick()
    best = next(row for row in done.answer["choice"]["rows"] if row["chosen"])
    assert f"{best['per']} {best['percentile']:g} %" in page.tried.export("csv").getvalue().decode()
    assert page.tried.figure.legend[0].items[0].label["value"].endswith(": chosen")
    python, _ = page._tried_again()
    assert f"store.network('{done.run_id[:12]}')" in python
    assert "plots.settings_tried(network)" in python


def test_form_of_a_sweep(workspace):
    page = dashboard.Sparsity(workspace)
    assert jobs.Spec.of(page.spec()).kind == "finetune"
    page.many, page.lambdas_a, page.lambdas_w = True, "0.5, 2", "10"
    spec = jobs.Spec.of(page.spec())
    assert (spec.kind, list(spec.options.lambda_a), list(spec.options.lambda_w)) == ("sweep", [0.5, 2.0], [10.0])
    for wrong in ("", "a", "-1", "1;2", "nan"):
        page.lambdas_w = wrong
        with pytest.raises(InputError, match="λw of a sweep must be numbers"):
            page.spec()
        page._launch()
        assert "λw" in page.notice.object, "said, and nothing launched"


def test_report_of_a_run_from_its_page(workspace, store):
    done = converted(store)
    workspace.watcher.look_now()
    page = dashboard.Runs(workspace)
    page.opened = done.run_id
    page.tick()
    assert page.details.report.visible
    content = page.details.report.callback().read().decode()
    assert content.startswith("<!doctype html>") or content.lower().startswith("<!doctype html>")
    assert "norm_items" in content
    page.opened = "gone"
    assert b"no run" in page.details.report.callback().read().lower()
