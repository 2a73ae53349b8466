"""Runs through the job queue from end to end, and the arguments of all targets. No board is here, and none is imitated."""

import json
import os

import numpy as np
import pytest

from snnviz import Record, results
from snnviz.errors import InputError
from snnviz.hardware.spinnaker import layout, model, program, targets
from tests.hardware.spinnaker.networks import dense_network, images, pooled_network
from tests.hardware.spinnaker.queue_server import TOKEN, Queue, serving

STEPS = 10


@pytest.fixture
def run():
    """A network, items, and the queue that plays back what integers make of them."""
    net = pooled_network(1)
    x, y = images(net, 5)
    return net, x, y, Queue(model.quantise(model.with_pooled_input(net)).shifts)


@pytest.fixture(autouse=True)
def token(monkeypatch):
    monkeypatch.setenv("EBRAINS_TOKEN", TOKEN)


def ask(net, x, y, address, **options):
    return targets.run(
        net, x, y, STEPS, target="ebrains", server=address, collab="c", poll=0.01, progress=False, **options
    )


def test_the_queue_gives_what_is_expected(run, tmp_path):
    net, x, y, queue = run
    record = Record(logits=True, events=True, spikes=("input", "hidden"))
    with serving(queue) as address:
        result = ask(net, x, y, address, record=record)
    expected = model.expect(net, x, y, STEPS, engine="event", record=record, progress=False)
    for name in ("accuracy", "synaptic_events", "spike_rate", "prediction", "logits", "item_events", "spikes_hidden"):
        np.testing.assert_array_equal(result[name].values, expected[name].values, err_msg=name)
    assert result.attrs["ann_accuracy"] == expected.attrs["ann_accuracy"]
    assert result.attrs["engine"] == "spinnaker"
    results.load(results.save(result, tmp_path / "board.nc"))


def test_a_job_is_taken_up_again(run, tmp_path):
    net, x, y, queue = run
    queue.statuses = ["running"]
    state = tmp_path / "job.json"
    with serving(queue) as address:
        with pytest.raises(InputError, match=r"it goes on"):
            ask(net, x, y, address, state=state, timeout=0.05)
        assert set(json.loads(state.read_text())) == {"service", "job", "run"}
        assert TOKEN not in state.read_text()
        queue.statuses = ["finished"]
        result = ask(net, x, y, address, state=state)
    assert len(queue.jobs) == 1
    assert result.sizes["item"] == 5


def test_the_state_of_another_run_is_refused(run, tmp_path):
    net, x, y, queue = run
    state = tmp_path / "job.json"
    with serving(queue) as address:
        ask(net, x, y, address, state=state)
        with pytest.raises(InputError, match=r"`state` must be of this very run"):
            ask(net, x[:2], y[:2], address, state=state)
        state.write_text("{}")
        with pytest.raises(InputError, match=r"`state` must be a file that this command wrote"):
            ask(net, x, y, address, state=state)
        with pytest.raises(InputError, match=r"`state` must end in .json"):
            ask(net, x, y, address, state=tmp_path / "job.txt")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda found: found | {"done": np.array(3)}, "must hold all 5 items. Received: 3"),
        (lambda found: found | {"output": found["output"][:, :3]}, "must be of this run"),
        (lambda found: {"done": found["done"]}, "must be what the program on SpiNNaker records"),
    ],
)
def test_what_comes_back_is_checked(run, damage, message):
    net, x, y, queue = run
    queue.damage = damage
    with serving(queue) as address, pytest.raises(InputError, match=message):
        ask(net, x, y, address)


def test_interrupted(run, tmp_path, monkeypatch):
    net, x, y, queue = run

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(targets.JobQueue, "wait", interrupt)
    with serving(queue) as address:
        with pytest.raises(KeyboardInterrupt, match=r"Job 7 goes on in the queue. The same command takes it up"):
            ask(net, x, y, address, state=tmp_path / "job.json")
        with pytest.raises(KeyboardInterrupt, match=r"Without a state file"):
            ask(net, x, y, address)


def test_the_submitted_program_is_python_that_unpacks_its_network(run, tmp_path, monkeypatch):
    net, x, _, _ = run
    laid = layout.prepare(net, x, STEPS)
    source = targets.program_text(laid)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["run.py"])
    ran = []
    scope = {"__name__": "__main__", "record": ran.append}
    exec(compile(source.replace("    run(Path", "    record(Path"), "run.py", "exec"), scope)
    assert ran == [tmp_path]
    with np.load("network.npz") as archive:
        found = dict(archive)
    for name, array in layout.arrays(laid, virtual=False).items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "moon"}, "`target` must be one of 'board', 'spalloc', 'ebrains'"),
        ({"target": "board"}, "`host` must be the name or IP address of a board. Received: None"),
        ({"target": "board", "host": "a\nversion = 3"}, "`host` must be the name or IP address"),
        ({"target": "board", "host": "no-such-board.invalid"}, "`host` must be a board that can be found"),
        ({"target": "spalloc"}, "`server` must be the address of a spalloc server. Received: none"),
        ({"target": "spalloc", "server": "http://example.org"}, "`server` must be an https address"),
        ({"target": "spalloc", "server": "https://example.org"}, "`SPALLOC_USER` must be set in the environment"),
        ({"target": "ebrains"}, "`collab` must be the name of an EBRAINS collab. Received: None"),
        ({"target": "ebrains", "collab": "c", "timeout": 0}, "`timeout` must be a finite number, above 0"),
    ],
)
def test_wrong_arguments(options, message, monkeypatch):
    for name in [name for name in os.environ if name.startswith("SPALLOC_")]:
        monkeypatch.delenv(name)
    net = dense_network()
    x, y = images(net, 2)
    with pytest.raises(InputError, match=message):
        targets.run(net, x, y, STEPS, **options)


def test_no_token(monkeypatch):
    monkeypatch.delenv("EBRAINS_TOKEN")
    net = dense_network()
    x, y = images(net, 2)
    with pytest.raises(InputError, match=r"`EBRAINS_TOKEN` must be set"):
        targets.run(net, x, y, STEPS, target="ebrains", collab="c")


def test_spike_times_are_steps_from_zero():
    spikes = np.array([[[1, 0, 1], [0, 0, 1]]], np.uint8)
    arrays = {"input_spikes": np.packbits(spikes, axis=-1)}
    assert program.spike_times(arrays, 0, 3) == [[0.0], [], [0.0, 1.0]]
