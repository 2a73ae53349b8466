"""The store: what is written is read again, MLflow reads it too, and what a dead process could not say is set right."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from snnviz import InputError, results
from snnviz.runs import Folder, Recorder, Store, lock
from snnviz.runs.run import SPEC, Run
from tests.synthetic import dense_mnist

SPECIFIED = {"kind": "simulate", "options": {"network": "dense-mnist-heuristic"}}


def begun(store, kind="simulate", name="a run", **options):
    """A run that lives, as its own process would make it; returns its id and its lock."""
    run_id = store.create(kind, name, spec=SPECIFIED, **options)
    folder = Folder(store.home, run_id)
    folder.make()
    return run_id, folder.claim()


@pytest.fixture(scope="module")
def finished(store, tmp_path_factory):
    """A finished run with settings, metrics over steps and a result."""
    run_id, handle = begun(store)
    recorder = Recorder(store, run_id)
    recorder.params({"steps": 50, "network": "dense", "limit": None})
    for step in (1, 2, 3):
        recorder.metrics({"accuracy": 0.3 * step, "lost": float("nan")}, step)
    recorder.tags({"colour": "blue"})
    recorder.data("mnist", "0123abcd", 100, "test")
    path = results.save(dense_mnist(), tmp_path_factory.mktemp("out") / "mine.nc")
    recorder.file(path, "result.nc")
    assert recorder.close() == ""
    store.set_status(run_id, "FINISHED")
    lock.release(handle)
    return run_id


def test_a_store_that_is_only_read_is_not_made(tmp_path):
    store = Store(tmp_path / "runs")
    assert store.list() == []
    with pytest.raises(InputError, match="must be a run of"):
        store.get("a" * 32)
    assert not list(tmp_path.iterdir())


def test_what_was_written_is_read(store, finished):
    run = store.get(finished)
    assert (run.kind, run.name, run.status, run.active, run.resumable) == (
        "simulate",
        "a run",
        "FINISHED",
        False,
        False,
    )
    assert run.params == {"steps": "50", "network": "dense"}
    assert run.metrics["accuracy"] == pytest.approx(0.9)
    assert "lost" not in run.metrics
    assert run.tags["colour"] == "blue"
    assert run.spec == SPECIFIED
    assert run.ended is not None
    assert 0 <= run.seconds < 300
    assert store.get(finished[:8]).id == finished
    history = store.history(finished)
    assert history.index.tolist() == [1, 2, 3]
    assert history["accuracy"].tolist() == pytest.approx([0.3, 0.6, 0.9])
    assert store.history(finished, ["accuracy"]).columns.tolist() == ["accuracy"]
    assert store.artifacts(finished) == ("result.nc",)
    assert store.result(finished).identical(results.load(store.file(finished, "result.nc")))
    json.dumps(run.as_json())


def test_mlflow_finds_it_where_its_users_expect_it(store, finished):
    import mlflow

    client = mlflow.MlflowClient(store.place.uri)
    experiment = client.get_experiment_by_name("snnviz")
    run = next(run for run in client.search_runs([experiment.experiment_id]) if run.info.run_id == finished)
    assert run.data.params["steps"] == "50"
    assert run.info.status == "FINISHED"
    assert [(data.dataset.name, data.dataset.digest) for data in run.inputs.dataset_inputs] == [("mnist", "0123abcd")]
    assert [file.path for file in client.list_artifacts(finished)] == ["result.nc"]
    assert (store.home / "artifacts" / finished / "artifacts" / "result.nc").is_file()


def test_telemetry_is_off(store):
    store.list()
    import mlflow.telemetry

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert mlflow.telemetry.get_telemetry_client() is None


def test_listing(store, finished):
    run_id, handle = begun(store, kind="train", parent=finished)
    assert [run.id for run in store.list(parent=finished)] == [run_id]
    assert [run.id for run in store.list(kind="train")] == [run_id]
    assert [run.status for run in store.list(kind="train", status="RUNNING")] == ["RUNNING"]
    assert store.list(kind="train", status="FINISHED") == []
    assert len(store.list(limit=1)) == 1
    assert store.get(run_id).parent == finished
    lock.release(handle)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"status": "DONE"}, "`status` must be one of"),
        ({"limit": 0}, "`limit` must be"),
        ({"kind": "a' OR '1' = '1"}, "must be the id"),
    ],
)
def test_mistakes_in_a_listing(store, options, message):
    with pytest.raises(InputError, match=message):
        store.list(**options)


def test_mistakes_with_ids_and_names(store, finished):
    for run_id in ("f" * 32, "ffff", "../../etc", "abc"):
        with pytest.raises(InputError, match="`run_id` must be"):
            store.get(run_id)
    for name in ("nothing.nc", "../../../mlflow.db", "/etc/passwd"):
        with pytest.raises(InputError, match=r"`name` must be a file of the run: result\.nc"):
            store.file(finished, name)


def test_a_run_whose_process_is_gone_has_failed(store):
    run_id, handle = begun(store)
    run = store.get(run_id)
    assert (run.status, run.active, run.reason) == ("RUNNING", True, "")
    lock.release(handle)  # as the kernel does for one that is killed
    run = store.get(run_id)
    assert (run.status, run.resumable) == ("FAILED", True)
    assert "without a word" in run.reason
    assert run.ended is not None
    assert store.client.get_run(run_id).info.status == "FAILED"  # in the store too, for whoever reads it with MLflow


def test_a_run_that_was_asked_to_stop_and_is_gone_was_killed(store):
    run_id, handle = begun(store)
    Folder(store.home, run_id).ask_to_stop()
    lock.release(handle)
    run = store.get(run_id)
    assert (run.status, run.reason, run.resumable) == ("KILLED", "cancelled", True)


def test_a_launch_that_was_cut_off_before_its_folder_was_made(store, monkeypatch):
    run_id = store.create("train", spec=SPECIFIED, status="SCHEDULED")
    assert store.get(run_id).status == "SCHEDULED"  # it may be about to make it
    monkeypatch.setattr("snnviz.runs.store._GRACE_SECONDS", 0.0)
    run = store.get(run_id)
    assert (run.status, run.resumable) == ("FAILED", True)


def test_a_run_of_another_machine_is_left_alone(store):
    run_id = store.create("train", spec=SPECIFIED, tags={"snnviz.host": "elsewhere"})
    assert store.get(run_id).status == "RUNNING"
    store.set_status(run_id, "FAILED", "some reason")
    run = store.get(run_id)
    assert (run.status, run.reason, run.resumable) == ("FAILED", "some reason", False)


def test_comparing(store, finished):
    run_id, handle = begun(store, name="another")
    recorder = Recorder(store, run_id)
    recorder.params({"steps": 20, "network": "dense"})
    recorder.metrics({"accuracy": 0.5})
    recorder.close()
    lock.release(handle)
    frame = store.compare([finished, run_id])
    assert frame.loc[("run", "name")].tolist() == ["a run", "another"]
    assert frame.loc[("setting", "steps")].tolist() == ["50", "20"]
    assert ("setting", "network") not in frame.index  # the same in both
    assert frame.loc[("metric", "accuracy")].tolist() == pytest.approx([0.9, 0.5])
    assert store.compare([finished, run_id], alike=True).loc[("setting", "network")].tolist() == ["dense", "dense"]
    for wrong in ([finished], finished, []):
        with pytest.raises(InputError, match=r"two runs or more|a sequence of texts"):
            store.compare(wrong)


def test_exporting(store, finished, tmp_path):
    out = store.export(finished, tmp_path / "out")
    assert sorted(path.name for path in out.iterdir()) == ["metrics.csv", "result.nc", "run.json"]
    assert json.loads((out / "run.json").read_text())["params"]["steps"] == "50"
    assert (out / "metrics.csv").read_text().splitlines()[0] == "step,accuracy"
    with pytest.raises(InputError, match="new or empty folder"):
        store.export(finished, out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_deleting(store):
    run_id, handle = begun(store)
    with pytest.raises(InputError, match="cancel it first"):
        store.delete(run_id)
    lock.release(handle)
    store.delete(run_id)
    assert not Folder(store.home, run_id).exists()
    assert run_id not in [run.id for run in store.list()]
    with pytest.raises(InputError, match="must be a run of"):
        store.get(run_id)


def test_a_deleted_run_comes_back_without_its_log(store):
    run_id, handle = begun(store, name="mine")
    Recorder(store, run_id).params({"steps": 20})
    lock.release(handle)
    store.delete(run_id)
    store.restore(run_id)
    run = store.get(run_id)
    assert (run.name, run.params) == ("mine", {"steps": "20"})
    with pytest.raises(InputError, match="whole id of a run that was deleted"):
        store.restore("f" * 32)


def test_what_people_say_of_a_run(store, finished):
    store.edit(finished, name="best of all", labels=["paper", "paper", "best"], note="line\nline", star=True)
    run = store.get(finished)
    assert (run.name, run.labels, run.note, run.starred) == ("best of all", ("paper", "best"), "line\nline", True)
    store.edit(finished, note="", labels=[], star=False)
    run = store.get(finished)
    assert (run.name, run.labels, run.note, run.starred) == ("best of all", (), "", False), "the name stays"
    assert store.client.get_run(finished).info.run_name == "best of all", "MLflow's pages show it too"
    for wrong in ({"name": " "}, {"name": 201 * "x"}, {"labels": ["a,b"]}, {"labels": "word"}, {"note": 5001 * "x"}):
        with pytest.raises(InputError, match=f"`{next(iter(wrong))}` must be"):
            store.edit(finished, **wrong)


def test_a_spec_survives_in_the_store(store):
    run_id = store.create("simulate", spec=SPECIFIED, tags={"snnviz.host": "elsewhere"})
    assert json.loads(store.client.get_run(run_id).data.tags[SPEC]) == SPECIFIED


def test_reading_never_blocks_writing(store):
    """A reader that is in the middle of a transaction, and a writer that never waits for it; and the other way round."""
    store.list()
    run_id, handle = begun(store)
    reader = sqlite3.connect(store.place.database, timeout=0)
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    reader.execute("BEGIN")
    before = reader.execute("SELECT count(*) FROM metrics").fetchone()
    recorder = Recorder(store, run_id)
    recorder.metrics({"x": 1.0}, 7)
    assert recorder.close(5) == ""
    assert reader.execute("SELECT count(*) FROM metrics").fetchone() == before  # the state it began with
    reader.execute("COMMIT")
    assert reader.execute("SELECT count(*) FROM metrics").fetchone() == (before[0] + 1,)
    reader.close()
    writer = sqlite3.connect(store.place.database, timeout=0, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert store.get(run_id).metrics == {"x": 1.0}
    writer.execute("ROLLBACK")
    writer.close()
    lock.release(handle)


def test_two_writers_and_a_reader_at_once(store):
    def write(run_id, problems):
        recorder = Recorder(store, run_id)
        for step in range(100):
            recorder.metrics({"x": step / 100}, step)
            time.sleep(0.001)
        problems.append(recorder.close())

    problems, handles, ids = [], [], []
    for _ in range(2):
        run_id, handle = begun(store, kind="busy")
        ids.append(run_id)
        handles.append(handle)
    threads = [threading.Thread(target=write, args=(run_id, problems)) for run_id in ids]
    for thread in threads:
        thread.start()
    reads = 0
    while any(thread.is_alive() for thread in threads):
        assert {run.id for run in store.list(kind="busy")} == set(ids)
        reads += 1
    assert reads > 0
    assert problems == ["", ""]
    for run_id in ids:
        assert store.history(run_id)["x"].tolist() == [step / 100 for step in range(100)]
    for handle in handles:
        lock.release(handle)


MAKER = """
import sys
from snnviz.runs import Store
print(Store(sys.argv[1]).create("train"))
"""


def test_two_processes_may_make_the_store_at_once(tmp_path):
    makers = [
        subprocess.Popen([sys.executable, "-c", MAKER, str(tmp_path / "runs")], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    made = set()
    for maker in makers:
        with maker:
            made.add(maker.stdout.read().strip())
        assert maker.returncode == 0
    assert {run.id for run in Store(tmp_path / "runs").list()} == made


def test_a_server_that_is_away_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(InputError, match=r"the runs in http://127\.0\.0\.1:9 could not be used"):
        Store("http://127.0.0.1:9").list()


@pytest.mark.slow
def test_mlflow_ui_opens_on_it(store, finished, tmp_path):
    """The real server of the whole mlflow, on the store, answers with the run."""
    import socket
    import urllib.request

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store.place.uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    log = (tmp_path / "log").open("w")
    server = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                    assert b"MLflow" in page.read()
                break
            except OSError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < until
                time.sleep(0.5)
        address = f"http://127.0.0.1:{port}/api/2.0/mlflow/runs/get?run_id={finished}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            run = json.loads(answer.read())["run"]
        assert run["info"]["status"] == "FINISHED"
        assert {"key": "steps", "value": "50"} in run["data"]["params"]
        # and snnviz works through that server as with any other
        assert Store(f"http://127.0.0.1:{port}").get(finished).metrics["accuracy"] == pytest.approx(0.9)
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)
        log.close()


@pytest.mark.parametrize("kind", [42, None, ""])
def test_a_kind_must_be_a_text(tmp_path, kind):
    with pytest.raises(InputError, match="`kind` must be a text"):
        Store(tmp_path).create(kind)


def test_waiting_for_a_turn_is_no_work(store):
    waited = Run(id="a", name="", kind="train", status="FINISHED", started=100.0, began=160.0, ended=170.0)
    assert waited.seconds == 10
    assert Run(id="a", name="", kind="train", status="SCHEDULED", started=100.0).seconds == 0
    asked = store.create("train", status="SCHEDULED")
    assert store.get(asked).began is None
    before = time.time()
    store.set_status(asked, "RUNNING")
    store.set_status(asked, "FINISHED")
    assert before <= store.get(asked).began <= time.time()
