"""Simulators of others, where they are installed."""

from __future__ import annotations

import warnings

import pytest

from snnviz.errors import InputError


@pytest.fixture(scope="session")
def pynn_neuron():
    """pyNN.neuron with snnviz's mechanism, compiled where it has not been yet."""
    from snnviz.hardware.neuron import mechanism

    try:
        return mechanism.load()
    except InputError as error:  # `make test` installs everything where it may
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def pynn_nest():
    """pyNN.nest."""
    with warnings.catch_warnings():
        # no MPI, no compiler for neurons that nobody asked for, old names of NEST in PyNN
        warnings.simplefilter("ignore", UserWarning)
        pytest.importorskip("nest", reason="NEST is not installed: pip install 'snnviz[nest]'")
        import pyNN.nest
    return pyNN.nest
