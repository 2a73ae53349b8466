"""The recorder: in order, in batches, patient with a store that is away, not with one that says no for good."""

import threading

import pytest
from mlflow.exceptions import MlflowException

from snnviz import InputError
from snnviz.runs import Recorder, Store, recorder


@pytest.fixture
def run_id(store):
    return store.create("train", "recorded", tags={"snnviz.host": "elsewhere"})  # nobody looks for its process


def test_many_steps_are_written_in_few_transactions(store, run_id, monkeypatch):
    calls = []
    ask = Store.ask
    monkeypatch.setattr(
        Store, "ask", lambda self, method, *a, **o: (calls.append(method), ask(self, method, *a, **o))[1]
    )
    writer = Recorder(store, run_id)
    for step in range(1200):
        writer.metrics({"a": step, "b": -step}, step)
    assert writer.close() == ""
    assert store.history(run_id)["b"].tolist() == [-step for step in range(1200)]
    assert calls.count("log_batch") < 100


def test_a_store_that_is_away_is_tried_again(store, run_id, monkeypatch, capsys):
    away = threading.Event()
    away.set()
    failed = threading.Event()
    ask = Store.ask

    def sometimes(self, method, *arguments, **options):
        if method == "log_batch" and away.is_set():
            failed.set()
            raise InputError("the server is away")
        return ask(self, method, *arguments, **options)

    monkeypatch.setattr(Store, "ask", sometimes)
    writer = Recorder(store, run_id)
    writer.metrics({"a": 1.0}, 1)
    assert failed.wait(30)
    writer.metrics({"a": 2.0}, 2)  # the work goes on
    away.clear()
    assert writer.close() == ""
    assert store.history(run_id)["a"].tolist() == [1.0, 2.0]
    assert "is not recorded for now: the server is away" in capsys.readouterr().err


def test_it_gives_up_when_it_must_end(store, run_id, monkeypatch):
    monkeypatch.setattr(
        Store, "ask", lambda *arguments, **options: (_ for _ in ()).throw(InputError("the server is away"))
    )
    writer = Recorder(store, run_id)
    writer.metrics({"a": 1.0}, 1)
    assert writer.close(0.2) == "the server is away"


def test_what_is_refused_for_good_holds_nothing_up(store, run_id, monkeypatch, capsys):
    ask = Store.ask

    def picky(self, method, *arguments, **options):
        if method == "log_batch" and any(metric.key == "bad" for metric in options.get("metrics", ())):
            raise InputError("no such thing") from MlflowException.invalid_parameter_value("no such thing")
        return ask(self, method, *arguments, **options)

    monkeypatch.setattr(Store, "ask", picky)
    monkeypatch.setattr(recorder, "_BATCH", 1)
    writer = Recorder(store, run_id)
    writer.metrics({"bad": 1.0}, 1)
    writer.metrics({"good": 1.0}, 1)
    writer.close()
    assert store.get(run_id).metrics == {"good": 1.0}
    assert "was not recorded: no such thing" in capsys.readouterr().err


def test_a_resumed_run_has_each_step_once(store, run_id):
    first = Recorder(store, run_id)
    for step in (1, 2, 3):
        first.metrics({"loss": 1 / step}, step)
    first.close()
    second = Recorder(store, run_id, resumed=True)
    for step in (1, 2, 3, 4):
        second.metrics({"loss": 1 / step}, step)
    second.close()
    points = store.client.get_metric_history(run_id, "loss")
    assert [(point.step, point.value) for point in points] == [(step, 1 / step) for step in (1, 2, 3, 4)]


def test_names_that_mlflow_refuses_lose_what_it_refuses(store, run_id):
    writer = Recorder(store, run_id)
    writer.metrics({"S_a without the last hidden layer (as published)": 0.8, "λ_a: 1/2 - ok": 1.0})
    assert writer.close() == ""
    assert store.get(run_id).metrics == {"S_a without the last hidden layer as published": 0.8, "_a: 1/2 - ok": 1.0}
