"""Shared by all tests: quiet surroundings, and simulators of others where they are installed."""

import asyncio
import importlib.util
import os
import signal
import warnings

import pytest

# before anything imports them: quiet start-up, no GPU hunting
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# a shell starts what it puts into the background with Ctrl-C ignored, and some tests send it
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
def runs_of_the_tests(tmp_path_factory):
    """Commands that record a run do so here, not in the folder the tests are started in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNNVIZ_TRACKING_URI", str(tmp_path_factory.mktemp("runs")))
        yield
