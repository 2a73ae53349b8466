"""Compiling for NEURON: once, whole or not at all, and one sentence for whatever is missing."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

from snnviz.errors import InputError
from snnviz.hardware.neuron import mechanism


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of its own, on the systems whose cache folder follows the variable."""
    monkeypatch.setattr(mechanism.platformdirs, "user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "snnviz" / "neuron"


@pytest.fixture
def tools(monkeypatch):
    """A set of programs that can be taken away."""
    which, missing = shutil.which, set()
    monkeypatch.setattr(mechanism.shutil, "which", lambda name: None if name in missing else which(name))
    return missing


@pytest.mark.usefixtures("pynn_neuron")
def test_it_is_compiled_once_into_the_cache(cache, tools, monkeypatch):
    mechanism.load()
    (folder,) = cache.iterdir()
    assert folder == mechanism.library_folder()
    assert list(folder.glob("*/libnrnmech.*"))
    tools.update(("g++", "make"))
    monkeypatch.setattr(mechanism, "compile_mechanism", None)  # not called again
    assert mechanism.load().__name__ == "pyNN.neuron"


def test_another_source_has_another_place(cache, tmp_path, monkeypatch):
    before = mechanism.library_folder()
    other = tmp_path / "other.mod"
    other.write_text(mechanism.SOURCE.read_text() + "\n")
    monkeypatch.setattr(mechanism, "SOURCE", other)
    assert mechanism.library_folder() != before


@pytest.mark.usefixtures("pynn_neuron")
def test_a_source_that_does_not_compile_leaves_nothing(cache, tmp_path, monkeypatch):
    broken = tmp_path / "broken.mod"
    broken.write_text("NEURON { ARTIFICIAL_CELL }")
    monkeypatch.setattr(mechanism, "SOURCE", broken)
    with pytest.raises(InputError, match=r"could not compile its mechanism\. Received: Error: Illegal block") as error:
        mechanism.load()
    assert "\n" not in str(error.value)
    assert not list(cache.iterdir())


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("program", ["g++", "make"])
def test_a_missing_compiler_is_named_with_the_remedy(tools, program):
    pytest.importorskip("pyNN")
    tools.add(program)
    with pytest.raises(InputError) as error:
        mechanism.load()
    assert str(error.value).endswith(f"apt-get install {program}. Received: no {program}")


@pytest.mark.usefixtures("cache")
def test_a_missing_shared_library_is_named_with_the_remedy(monkeypatch):
    """Debian's python3 comes without one; NEURON's compiler ends with a traceback then."""
    find_libpython = pytest.importorskip("find_libpython")
    monkeypatch.setattr(find_libpython, "find_libpython", lambda: None)
    with pytest.raises(InputError, match=r"apt-get install libpython3\.\d+\. Received: no libpython3"):
        mechanism.load()


@pytest.mark.parametrize("package", ["neuron", "pyNN"])
def test_a_missing_package_is_named_with_the_remedy(package, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == package else find(name, *a))
    with pytest.raises(InputError, match=r"pip install 'snnviz\[pynn\]'") as error:
        mechanism.load()
    assert repr(package) in str(error.value)
