"""Shared by all tests: quiet surroundings, and simulators of others where they are installed."""

import asyncio
import gc
import importlib.util
import os
import signal
import sqlite3
import threading
import warnings
from contextlib import closing

import pytest

# before anything imports them: quiet start-up, no GPU hunting
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# a shell starts what it puts into the background with Ctrl-C ignored, and some tests send it
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    """What the tests have imported is no garbage; to look through it again and again took a tenth of the time of those of pages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(scope="session")
def pynn_neuron():
    """pyNN.neuron with snnviz's mechanism, compiled where it has not been yet."""
    from snnviz.hardware.neuron import mechanism

    if not all(importlib.util.find_spec(package) for package in ("neuron", "pyNN")):
        pytest.skip("PyNN and NEURON are not installed: pip install 'snnviz[pynn]'")
    if mechanism.missing_programs():
        pytest.skip(f"to compile for NEURON: apt-get install {' '.join(mechanism.missing_programs())}")
    return mechanism.load()


@pytest.fixture(scope="session")
def pynn_nest():
    """pyNN.nest."""
    with warnings.catch_warnings():
        # no MPI, no compiler for neurons that nobody asked for, old names of NEST in PyNN
        warnings.simplefilter("ignore", UserWarning)
        pytest.importorskip("nest", reason="NEST is not installed: pip install 'snnviz[nest]'")
        import pyNN.nest
    return pyNN.nest


@pytest.fixture(scope="session")
def pynn_brian2():
    """pyNN.brian2, which computes with numpy here: nothing is compiled."""
    brian2 = pytest.importorskip("brian2", reason="Brian 2 is not installed: docs/hardware.md says how")
    import pyNN.brian2

    brian2.prefs.codegen.target = "numpy"
    brian2.BrianLogger.log_level_error()
    return pyNN.brian2


@pytest.fixture(scope="module", autouse=True)
def no_event_loop_left_running():
    """A file that leaves an event loop running fails itself, instead of the next file that starts one."""
    yield
    assert asyncio._get_running_loop() is None, "an event loop was left running"


@pytest.fixture(scope="session", autouse=True)
def tables_made_once(tmp_path_factory):
    """The tables of a store of runs are MLflow's work of a second: of every store but the first they are copied."""
    from snnviz.runs import _mlflow

    create, kept, makers = _mlflow.create_sqlite, tmp_path_factory.mktemp("tables") / "tables.db", []
    one_at_a_time = threading.Lock()

    def tables(engine):
        first = not kept.exists()
        if first:
            makers[0](engine)
        with closing(sqlite3.connect(kept)) as ours, closing(sqlite3.connect(engine.url.database)) as made:
            made.backup(ours) if first else ours.backup(made)

    def created(path):
        _mlflow.prepare()
        from mlflow.store.db import utils

        if not makers:
            makers.append(utils._initialize_tables)
        with one_at_a_time, pytest.MonkeyPatch.context() as patch:
            patch.setattr(utils, "_initialize_tables", tables)
            create(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_mlflow, "create_sqlite", created)
        yield


@pytest.fixture(scope="session", autouse=True)
def runs_of_the_tests(tmp_path_factory):
    """Commands that record a run do so here, not in the folder the tests are started in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNNVIZ_TRACKING_URI", str(tmp_path_factory.mktemp("runs")))
        yield
