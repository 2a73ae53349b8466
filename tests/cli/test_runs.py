"""`snnviz runs`: lists, shows, compares, follows, cancels, resumes, deletes and exports; mistakes are one line."""

import json

import pytest

from snnviz.cli import main
from snnviz.runs import Folder, Recorder, Store, lock

SPEC = {"kind": "simulate", "options": {"network": "dense-mnist-heuristic", "data": "nowhere.npz"}}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A finished run, one that was killed, and one that runs, as far as the store can tell."""
    store = Store(tmp_path_factory.mktemp("store"))
    store.locks = []
    for name, status in (("good", "FINISHED"), ("cut off", "RUNNING"), ("at work", "RUNNING")):
        run_id = store.create("simulate", name, spec=SPEC)
        folder = Folder(store.home, run_id)
        folder.make()
        folder.log.write_text(f"{name}\nlast line\n")
        handle = folder.claim()
        recorder = Recorder(store, run_id)
        recorder.params({"steps": 50 if name == "good" else 20})
        recorder.metrics({"peak_accuracy": 0.98}, 0)
        recorder.close()
        if status == "FINISHED":
            store.set_status(run_id, status)
        if name == "at work":
            store.locks.append(handle)
        else:
            lock.release(handle)
    yield store
    for handle in store.locks:
        lock.release(handle)


@pytest.fixture
def told(store, capsys):
    """Runs a command; gives what it printed, or its JSON."""

    def run(action, *words, as_json=False):
        more = ["--json"] if as_json else []
        assert main(["runs", action, *words, "--tracking-uri", str(store.home), *more]) == 0
        printed = capsys.readouterr().out
        return json.loads(printed) if as_json else printed

    return run


def ids(store):
    return {run.name: run.id for run in store.list()}


def test_list(told, store):
    lines = told("list").splitlines()
    assert len(lines) == 4
    assert "without a word" in next(line for line in lines if "cut off" in line)
    assert "peak_accuracy 0.98" in next(line for line in lines if "good" in line)
    found = told("list", "--status", "failed", as_json=True)["runs"]
    assert [(run["name"], run["status"], run["resumable"]) for run in found] == [("cut off", "FAILED", True)]
    assert len(told("list", "--limit", "1", as_json=True)["runs"]) == 1


def test_list_of_nothing_says_what_to_do(tmp_path, capsys):
    assert main(["runs", "list", "--tracking-uri", str(tmp_path / "none")]) == 0
    assert "snnviz train" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_list_says_where_none_matches(told, store):
    of = len(store.list())
    assert told("list", "--search", "both") == f"none of {of} runs matches\n"
    assert told("list", "--kind", "train", as_json=True) == {"runs": [], "of": of}
    assert told("list", "--search", "steps>1000") == f"none of {of} runs matches\n"


def test_show(told, store):
    text = told("show", ids(store)["good"][:8])
    assert "status   finished" in text, "a word for people"
    assert "steps  50" in text
    answer = told("show", ids(store)["cut off"], as_json=True)
    assert answer["spec"] == SPEC
    assert answer["status"] == "FAILED"


def test_compare(told, store):
    both = (ids(store)["good"], ids(store)["cut off"])
    lines = told("compare", *both).splitlines()
    assert any(line.startswith("steps") for line in lines)
    assert any(line.startswith("took") for line in lines), "not seconds, which an optimisation's metric is called"
    answer = told("compare", *both, as_json=True)
    assert answer[both[0]]["setting"] == {"steps": "50"}
    assert answer[both[1]]["run"]["status"] == "FAILED"


def test_runs_that_differ_in_their_seed_alone_are_summed_up(told, store):
    assert "over seeds" not in told("compare", ids(store)["good"], ids(store)["cut off"])
    of_seeds = []
    for seed, accuracy in enumerate((0.91, 0.93, 0.95)):
        of_seeds.append(store.create("finetune", f"seed {seed}", spec=SPEC))
        store.client.log_param(of_seeds[-1], "seed", seed)
        store.client.log_metric(of_seeds[-1], "test_accuracy", accuracy)
        store.set_status(of_seeds[-1], "FINISHED")
    try:
        last = told("compare", *of_seeds).splitlines()[-1]
        assert last.split() == ["test_accuracy", "seed", "0", "0.93", "0.880317", "to", "0.979683", "3"]
        (row,) = told("compare", *of_seeds, as_json=True)["over_seeds"]
        assert row["n"] == 3
    finally:
        for run_id in of_seeds:
            store.delete(run_id)


def test_logs(told, store):
    assert told("logs", ids(store)["cut off"], "--lines", "1") == "last line\n"
    assert told("logs", ids(store)["good"], "--follow") == "good\nlast line\n"  # it has ended


def test_export_and_delete(told, store, tmp_path):
    run_id = store.create("simulate", "short-lived", spec=SPEC)
    Folder(store.home, run_id).make()
    out = told("export", run_id, "--out", str(tmp_path / "out"), as_json=True)
    assert out["files"] == ["run.json"]
    assert told("delete", run_id, as_json=True) == {"deleted": [run_id]}
    assert run_id not in ids(store).values()
    assert told("restore", run_id) == f"restored {run_id[:8]}\n"
    assert run_id in ids(store).values()
    told("delete", run_id)


def test_edit_and_search(told, store):
    run_id = ids(store)["good"]
    assert told("edit", run_id, "--labels", "paper, best", "--star", "--note", "first").startswith(
        f"★ {run_id[:8]} good"
    )
    assert [run["name"] for run in told("list", "--search", "paper steps>20", as_json=True)["runs"]] == ["good"]
    assert told("edit", run_id, "--no-star", "--labels", "", as_json=True)["labels"] == []


def test_resume_of_a_run_that_fails_again(told, store):
    from snnviz import jobs

    run_id = ids(store)["cut off"]
    assert told("resume", run_id, as_json=True)["run"] == run_id
    run = jobs.wait(run_id, 60, store=store)
    assert (run.status, "nowhere.npz" in run.reason) == ("FAILED", True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "ffff"], "no run begins so"),
        (["show", "f"], "at least 4 letters of its id are needed"),
        (["show", "../.."], "must be the id of a run"),
        (["list", "--status", "done"], "`--status` must be one of"),
        (["list", "--search", "'open"], "`--search` must close each quote"),
        (["list", "--search", "peak_acuracy>0.9"], "'peak_acuracy'; did you mean 'peak_accuracy'?"),
        (["list", "--kind", "simulat"], "did you mean 'simulate'?"),
        (["edit", "GOOD", "--name", " "], "`--name` must be"),
        (["restore", "ffff"], "whole id of a run that was deleted"),
        (["list", "--limit", "0"], "`--limit` must be"),
        (["compare", "GOOD"], "two runs or more"),
        (["logs", "GOOD", "--lines", "0"], "`--lines` must be"),
        (["cancel", "GOOD"], "which is finished"),
        (["resume", "GOOD"], "it is finished"),
        (["delete", "GOOD", "AT WORK"], "cancel it first"),
        (["export", "GOOD", "--out", "."], "new or empty folder"),
    ],
)
def test_mistakes_are_one_line(store, words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").touch()
    known = {name.upper(): run_id for name, run_id in ids(store).items()}
    words = [known.get(word, word) for word in words]
    assert main(["runs", *words, "--tracking-uri", str(store.home)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert known["GOOD"] in ids(store).values()  # all or none are deleted


def test_other_commands_call_a_run_as_theirs(store, capsys):
    where = ["--tracking-uri", str(store.home)]
    for words, called in ((["figures", "--run", "ffff"], "--run"), (["simulate", "run:ffff"], "NETWORK")):
        assert main([*words, *where]) == 2
        assert f"`{called}` must be a run of" in capsys.readouterr().err
    assert main(["simulate", f"run:{ids(store)['good']}", *where]) == 2
    error = capsys.readouterr().err
    assert "`NETWORK` must be of a run that left a network, as of train, finetune" in error
    assert "a run of simulate that left none" in error


def test_a_wrong_address(capsys):
    assert main(["runs", "list", "--tracking-uri", "ftp://host"]) == 2
    assert "`uri` must be" in capsys.readouterr().err
