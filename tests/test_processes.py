"""Worker processes end with their parent, also where that one is killed; SIGTERM is answered as Ctrl-C is."""

import signal
import subprocess
import sys

import pytest

POOL = """
import sys, time
from snnviz import _processes

def receive():
    return

def report():
    return True

if __name__ == "__main__":
    pool = _processes.start(2, 1, receive)
    pool.submit(report).result()
    if sys.argv[1] == "busy":
        for _ in range(2):
            pool.submit(time.sleep, 1e4)
    print("up", flush=True)
    time.sleep(1e4)
"""
SUBMITTED = """
import sys
import numpy as np
from snnviz import _processes

start = _processes.start

def started(*given):
    pool = start(*given)
    submit = pool.submit
    pool.submit = lambda *what: (submit(*what), print("up", flush=True))[0]
    return pool

_processes.start = started
"""
"""Says that workers have been started when the first work is handed to them."""
OPTIMISE = """
from snnviz.network import Dense, Input, SpikingNetwork
from snnviz.optimization import optimize

if __name__ == "__main__":
    layers = tuple(
        Dense(name=f"dense{outputs}", input_shape=(inputs,), bias=np.zeros(outputs), weights=np.ones((inputs, outputs)))
        for inputs, outputs in ((4, 6), (6, 3))
    )
    network = SpikingNetwork(input=Input(shape=(4,)), layers=layers)
    optimize(network, np.ones((40, 4), np.float32), np.zeros(40, int), method="cmaes", workers=2, progress=False)
"""
SWEEP = """
import keras
from snnviz.sparsity_sweep import sweep
from snnviz.training import Recipe

if __name__ == "__main__":
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(4),
                              keras.layers.BatchNormalization(scale=False), keras.layers.ReLU(),
                              keras.layers.Dense(3, activation="softmax")])
    recipe = Recipe(schedule=((10**6, 0.1),), validation=40)
    sweep(model, np.zeros((400, 4, 4, 1), np.float32), np.arange(400) % 3, sys.argv[1], recipe=recipe, workers=2, progress=False)
"""


def begun(script, argument):
    """The script as a process which has said that its workers are up."""
    process = subprocess.Popen(
        [sys.executable, str(script), str(argument)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    said = process.stdout.readline()
    if said != "up\n":
        process.communicate()
    assert said == "up\n"
    return process


def all_end(process, sign):
    """Send a signal to the process alone; its workers hold its standard output too, which ends when all of them have."""
    process.send_signal(sign)
    process.communicate(timeout=250)
    return process.returncode


@pytest.mark.parametrize("state", ["idle", "busy"])
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_parent_that_is_killed(tmp_path, state, sign):
    script = tmp_path / "script.py"
    script.write_text(POOL)
    assert all_end(begun(script, state), sign) == -sign


@pytest.mark.parametrize("text", [OPTIMISE, pytest.param(SWEEP, marks=pytest.mark.slow)])
def test_those_of_an_optimisation_and_of_a_sweep_do(tmp_path, text):
    script = tmp_path / "script.py"
    script.write_text(SUBMITTED + text)
    assert all_end(begun(script, tmp_path / "folder"), signal.SIGKILL) == -signal.SIGKILL
