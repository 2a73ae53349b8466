"""Jobs as processes of their own: launched, queued, watched, cancelled, resumed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from snnviz import InputError, jobs, load_network
from snnviz.jobs import control
from snnviz.runs import Folder

ENDLESS = 10**6  # evaluations; cancelled long before
LONG = 500  # evaluations, some seconds: long enough to be seen searching, and killed


pytestmark = pytest.mark.timeout(1500)  # on a machine with much else to do


def until(condition, seconds=400.0):
    """Wait for `condition()` to be true and return what it gave."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)
    return found


def searching(store, run_id):
    """The run once its search has begun."""

    def begun():
        run = store.get(run_id)
        return run if run.progress is not None and run.progress.what == "optimising" and run.progress.done > 3 else None

    return until(begun)


@pytest.fixture
def asked(monkeypatch):
    """The signals by which jobs were asked to stop; the time that they have for it is five seconds in all."""
    signals, limits, ended = [], [], control._ended

    def asking(folder, pid, sign, seconds):
        signals.append(sign)
        limits.append(seconds)
        return ended(folder, pid, sign, seconds)

    monkeypatch.setattr(control, "_ended", asking)
    yield signals
    assert 0 < sum(limits) < 5


def test_one_after_the_other_watched_cancelled_killed_and_resumed(store, search, asked):
    """The life of two jobs: the second waits for the first, which is cancelled; then it is killed, resumed and finishes."""
    whole = jobs.run(search(LONG, seed=7), store=store)
    first = jobs.launch({**search(ENDLESS), "name": "first"}, store=store)
    second = jobs.launch({**search(LONG, seed=7), "name": "second"}, store=store)
    run = searching(store, first)
    assert (run.name, run.status) == ("first", "RUNNING")
    assert run.silence < 15
    assert 0 < run.progress.fraction < 1
    assert run.progress.seconds_left > 0
    waiting = store.get(second)
    assert (waiting.status, waiting.ahead) == ("SCHEDULED", 0)
    with pytest.raises(InputError, match="it is running"):
        jobs.resume(first, store=store)
    with pytest.raises(InputError, match="cancel it first"):
        store.delete(first)

    cancelled = jobs.cancel(first, store=store)
    assert asked[0] == signal.SIGINT
    assert (cancelled.status, cancelled.resumable) == ("KILLED", True)
    assert "step 3: loss" in Folder(store.home, first).log.read_text()
    assert jobs.tail(first, 1, store=store)
    with pytest.raises(InputError, match="which is cancelled"):
        jobs.cancel(first, store=store)

    searching(store, second)  # it has its turn now
    os.kill(Folder(store.home, second).get("state")["pid"], signal.SIGKILL)
    until(lambda: not Folder(store.home, second).alive())
    lost = jobs.state(second, store=store)
    assert (lost.status, lost.resumable) == ("FAILED", True)
    assert "killed" in lost.reason
    assert jobs.resume(second, store=store) == second
    assert jobs.wait(second, 600, store=store).status == "FINISHED", jobs.tail(second, store=store)
    assert store.network(second).hash == store.network(whole.run_id).hash
    assert len(store.history(second, ["loss"])) == LONG
    assert "log.txt" in store.artifacts(second)


def test_a_job_that_does_not_listen_is_killed_within_five_seconds(store, search, asked):
    run_id = jobs.launch(search(ENDLESS), store=store)
    pid = until(lambda: Folder(store.home, run_id).get("state")).get("pid")
    os.kill(pid, signal.SIGSTOP)  # now asking does not reach it
    assert jobs.cancel(run_id, store=store).status == "KILLED"
    assert asked == [signal.SIGINT, signal.SIGKILL]
    assert not Folder(store.home, run_id).alive()


def test_a_job_that_waits_has_its_output_for_itself_and_is_cancelled_without_ever_running(store, search, tmp_path):
    first, second = (jobs.launch(search(ENDLESS, out=str(tmp_path / name)), store=store) for name in ("a.npz", "b.npz"))
    until(lambda: Folder(store.home, second).get("state"))
    with pytest.raises(InputError, match=f"b.npz', which job {second[:8]} writes .waiting"):
        jobs.launch(search(ENDLESS, out=str(tmp_path / "b.npz")), store=store)
    assert jobs.cancel(second, store=store).status == "KILLED"
    assert store.get(second).metrics == {}
    # SIGTERM is answered as Ctrl-C is
    os.kill(until(lambda: Folder(store.home, first).get("state"))["pid"], signal.SIGTERM)
    run = jobs.wait(first, 600, store=store)
    assert (run.status, run.resumable) == ("KILLED", True)
    assert run.reason.startswith("cancelled"), "a button goes on with it, no command"


LAUNCHER = """
import json, sys
from snnviz import jobs
from snnviz.runs import Store
print(jobs.launch(json.loads(sys.argv[1]), store=Store(sys.argv[2])), flush=True)
sys.stdin.read()
"""


def test_a_job_outlives_whoever_launched_it(store, search, tmp_path):
    import json

    (tmp_path / "click.py").write_text("open('ran', 'w')")  # MLflow imports a package of this name
    spec = search(10, out=str(tmp_path / "relative.npz"))
    command = [sys.executable, "-P", "-c", LAUNCHER, json.dumps(spec), str(store.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as launcher:
        run_id = launcher.stdout.readline().strip()
        launcher.kill()
    assert jobs.wait(run_id, 600, store=store).status == "FINISHED", jobs.tail(run_id, store=store)
    assert load_network(tmp_path / "relative.npz").hash == store.network(run_id).hash
    assert not (tmp_path / "ran").exists(), "files where the user is are no modules"


def test_a_job_that_fails_says_why(store, search):
    run_id = jobs.launch(search(5, data="nowhere.npz"), store=store)
    run = jobs.wait(run_id, 600, store=store)
    assert run.status == "FAILED"
    assert "nowhere.npz" in run.reason
    assert "nowhere.npz" in jobs.tail(run_id, store=store)


def test_a_wrong_spec_starts_nothing(store):
    before = len(store.list())
    with pytest.raises(InputError, match="`steps` must be"):
        jobs.launch({"kind": "simulate", "options": {"network": "dense-mnist-heuristic", "steps": 0}}, store=store)
    assert len(store.list()) == before
