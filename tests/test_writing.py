"""Two never write one file or folder at the same time; a lock ends with its holder and leaves nothing."""

import contextvars
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

import snnviz
from snnviz._writing import alone
from snnviz.cli import main
from snnviz.errors import InputError
from snnviz.optimization import optimize
from snnviz.training import Recipe

HOLDER = """
import sys, time
from snnviz._writing import alone
with alone(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def somebody_writes(path, folder=False):
    """Another piece of work holds the lock."""
    elsewhere, lock = contextvars.Context(), alone(path, folder=folder)
    elsewhere.run(lock.__enter__)
    try:
        yield
    finally:
        elsewhere.run(lock.__exit__, None, None, None)


@pytest.mark.parametrize("folder", [False, True])
def test_the_second_is_refused_and_nothing_stays(tmp_path, folder):
    target = tmp_path / "new" / "deep" / "a.npz"
    refused = pytest.raises(InputError, match=f"at the same time.*process {os.getpid()}")
    with somebody_writes(target, folder), refused, alone(target, folder=folder):
        pass
    assert not list(tmp_path.iterdir())
    with alone(target, folder=folder):
        (target / "b" if folder else target).write_text("done")
    assert sorted(path.name for path in target.parent.rglob("*")) == (["a.npz", "b"] if folder else ["a.npz"])


def test_one_piece_of_work_may_ask_twice(tmp_path):
    with alone(tmp_path / "a"), alone(tmp_path / "b"), alone(tmp_path / "." / "a"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_killed_writer_stops_nobody(tmp_path):
    target = tmp_path / "a.npz"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(target)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"process {holder.pid}"), alone(target):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with alone(target):
        pass
    assert not list(tmp_path.iterdir())


def test_a_lock_ends_with_its_holder_though_a_child_lives(tmp_path):
    target = tmp_path / "a"
    reading, writing = os.pipe()
    with somebody_writes(target):
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
    with alone(target):
        pass
    os.close(writing)
    os.waitpid(child, 0)
    os.close(reading)


def test_where_nobody_can_write_is_told(tmp_path):
    (tmp_path / "file").touch()
    for path, folder, message in (
        (tmp_path / "file" / "a", False, "a file that can be written"),
        (tmp_path / "file", True, "a folder that can be written"),
        (tmp_path, False, "Is a directory"),
        ("a\0b", False, "null"),
    ):
        with pytest.raises(InputError, match=message), alone(path, folder=folder):
            pass


def test_a_device_needs_no_lock():
    with somebody_writes("/dev/null"), alone("/dev/null"):
        pass


COMMANDS = {
    "train dense-mnist --out a.keras": "a.keras",
    "finetune dense-mnist --out a.keras": "a.keras",
    "optimize dense-mnist-heuristic --out a.npz": "a.npz",
    "optimize dense-mnist-heuristic --checkpoint folder": "folder",
    "optimize dense-mnist-heuristic --history a.csv": "a.csv",
    "simulate dense-mnist-heuristic --out a.nc": "a.nc",
    "simulate dense-mnist-heuristic --out a.nc --background": "a.nc",
    "convert dense-mnist": "dense-mnist.npz",
    "sweep dense-mnist": "dense-mnist-sweep",
    "hardware nir dense-mnist-heuristic": "dense-mnist-heuristic.nir",
    "hardware expect dense-mnist-heuristic --out a.nc": "a.nc",
    "hardware neuron dense-mnist-heuristic --out a.nc": "a.nc",
    "hardware spinnaker dense-mnist-heuristic --plan a.json": "a.json",
    "figures --out folder": "folder",
    "tables --out folder": "folder",
    "demo --no-serve --out folder": "folder",
    "reproduce --out folder": "folder",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_refused_at_its_start(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("snnviz.datasets.load", None)  # never reached
    target = COMMANDS[command]
    with somebody_writes(target, folder="." not in target):
        assert main(command.split()) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"'{target}', which process {os.getpid()} is writing" in said
    assert not list(tmp_path.iterdir())


def test_two_trainings_in_python_do_not_share_a_checkpoint(tmp_path):
    x, y = np.random.default_rng(0).random((20, 28, 28, 1), np.float32), np.arange(20) % 10
    with somebody_writes(tmp_path / "a.npz"), pytest.raises(InputError, match="`checkpoint`"):
        snnviz.train("dense-mnist", x, y, Recipe(validation=5), checkpoint=tmp_path / "a.npz", progress=False)
    network = snnviz.pretrained.network("dense-mnist-heuristic")
    with somebody_writes(tmp_path / "run", folder=True), pytest.raises(InputError, match="`checkpoint`"):
        optimize(network, x, y, checkpoint=tmp_path / "run", progress=False)
