"""HDF5 files are first read by a child: one that ends by a signal, or not at all, is a sentence here."""

import sys

import numpy as np
import pytest

import snnviz
from snnviz import _hdf5, results
from snnviz.errors import InputError
from snnviz.hardware import nir
from tests.parity.networks import KINDS

pytest.importorskip("nir", reason="NIR is not installed: pip install 'snnviz[nir]'")


@pytest.fixture
def graph(tmp_path):
    return nir.save(KINDS["dense"](1), tmp_path / "graph.nir")


@pytest.fixture
def unsealed(tmp_path):
    """A result as other writers leave it, without a checksum."""
    network = KINDS["dense"](1)
    result = snnviz.simulate(network, np.zeros((2, 12), np.float32), [0, 1], 2, progress=False)
    path = results.save(result, tmp_path / "result.nc")
    path.write_bytes(path.read_bytes()[results._BLOCK :])
    return path


def child(tmp_path, monkeypatch, line: str) -> None:
    """Let the child do something else."""
    script = tmp_path / "child"
    script.write_text(f"#!/bin/sh\n{line}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


def test_whole_files_are_read(graph, unsealed):
    assert nir.load(graph).hash == KINDS["dense"](1).hash
    assert results.load(unsealed).sizes["item"] == 2


def test_files_where_the_user_is_are_no_modules(unsealed, tmp_path, monkeypatch):
    (tmp_path / "h5py.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    results.load(unsealed)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("line", "reason"), [("kill -SEGV $$", "crashes the HDF5 library"), ("exec sleep 60", "not done")]
)
def test_a_crash_or_hang_of_the_child_is_a_sentence(graph, unsealed, tmp_path, monkeypatch, line, reason):
    child(tmp_path, monkeypatch, line)
    monkeypatch.setattr(_hdf5, "SECONDS", 0.5)
    for load, path in ((nir.load, graph), (results.load, unsealed)):
        with pytest.raises(InputError, match=reason):
            load(path)


def test_what_is_no_hdf5_file_is_said_by_whoever_reads_it(tmp_path):
    path = tmp_path / "graph.nir"
    path.write_bytes(b"text")
    with pytest.raises(InputError, match="must be a whole NIR file"):
        nir.load(path)
