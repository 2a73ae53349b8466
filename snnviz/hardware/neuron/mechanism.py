"""NEURON with PyNN and with snnviz's mechanism: found, compiled once into the user's cache, loaded."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import platformdirs

from snnviz import _progress
from snnviz._extras import install, need
from snnviz.errors import InputError

SOURCE = Path(__file__).with_name("snnviz_if.mod")
NAME = "SnnvizIF"
"""What NEURON calls the neuron of `SOURCE`."""


def load() -> ModuleType:
    """The module pyNN.neuron, with the mechanism `NAME` known to NEURON.

    The first call on a machine compiles that mechanism, and PyNN its own (a minute); the first in a process imports both.

    Raises:
        InputError: if PyNN, NEURON, g++, make or Python's shared library is not installed, or a compilation fails.
    """
    for package in ("neuron", "pyNN"):
        need("`neuron`", package, "PyNN and NEURON", "pynn")
    with _progress.bar(2, "preparing NEURON, once", "part") as bar, _environment():
        library = library_folder()
        if not _compiled(library):
            compile_mechanism(library)
        bar.update()
        pynn = _import_pynn()
        bar.update()
    import neuron

    if not hasattr(neuron.h, NAME):
        neuron.load_mechanisms(str(library))
    return pynn


def library_folder() -> Path:
    """Where the compiled mechanism is kept: in the user's cache, under a name made from all that it depends on."""
    versions = (importlib.metadata.version("neuron"), platform.machine(), sys.platform)
    digest = hashlib.sha256("\n".join((SOURCE.read_text(encoding="utf-8"), *versions)).encode()).hexdigest()
    return platformdirs.user_cache_path("snnviz") / "neuron" / digest[:16]


def compile_mechanism(folder: Path) -> None:
    """Compile `SOURCE` into `folder`, which appears whole or not at all.

    Raises:
        InputError: if the tools are missing, or they fail.
    """
    _need_compiler()
    compiler = shutil.which("nrnivmodl")
    if compiler is None:
        raise InputError(f"`neuron` needs NEURON's compiler: {install('pynn')}. Received: no program 'nrnivmodl'")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as made:
        shutil.copy(SOURCE, made)
        command = [compiler, "."]
        done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)  # noqa: S603 - a list, no shell
        if done.returncode or not _compiled(Path(made)):
            said = re.search(r"\b\w*error: *\S.*", f"{done.stderr}\n{done.stdout}", re.IGNORECASE)
            reason = said.group() if said else f"exit code {done.returncode} of {Path(compiler).name}"
            raise InputError(f"`neuron` could not compile its mechanism. Received: {reason}")
        with contextlib.suppress(OSError):  # another process was faster: its folder is as good
            Path(made).rename(folder)
        Path(made).mkdir(exist_ok=True)  # for TemporaryDirectory to remove


def missing_programs() -> list[str]:
    """Debian's names of what a compilation needs and is not here: the compiler, make, Python's shared library.

    NEURON's own compiler runs Python from that library, which Debian's python3 does without.
    """
    import find_libpython  # comes with NEURON

    missing = [name for name in ("g++", "make") if shutil.which(name) is None]
    if find_libpython.find_libpython() is None:
        missing.append(f"libpython{sys.version_info.major}.{sys.version_info.minor}")
    return missing


def _need_compiler() -> None:
    missing = missing_programs()
    if missing:
        raise InputError(
            f"`neuron` needs what compiles its neurons, on Debian and Ubuntu: apt-get install {' '.join(missing)}. "
            f"Received: no {' and no '.join(missing)}"
        )


def _compiled(folder: Path) -> bool:
    return any(folder.glob("*/libnrnmech.*"))


def _import_pynn() -> ModuleType:
    """pyNN.neuron, which on its first import compiles its mechanisms into its own folder."""
    import pyNN

    if not _compiled(Path(pyNN.__file__).parent / "neuron" / "nmodl"):
        _need_compiler()
    # PyNN says on standard output, which is for answers, what it is about to do
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.filterwarnings("ignore", "mpi4py not available", UserWarning)
        try:
            import pyNN.neuron
        except (OSError, ImportError, AttributeError) as error:
            raise InputError(
                f"`neuron` needs PyNN's own mechanisms, which PyNN compiles into {Path(pyNN.__file__).parent}. "
                f"Received: {error}"
            ) from error
    return pyNN.neuron


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """Environment variables for the import: programs beside this Python are found, and NEURON looks for no display."""
    before = dict(os.environ)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before.get("PATH", os.defpath)])
    os.environ.setdefault("NEURON_MODULE_OPTIONS", "-nogui")
    try:
        yield
    finally:
        os.environ["PATH"] = before.get("PATH", os.defpath)
