"""Makes one virtual environment for each peer simulator under build/peers.

    python -m benchmarks.peers.setup              all of them, one after another
    python -m benchmarks.peers.setup torch sinabs

What is there already is left alone, unless its list of packages has changed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "peers"
TORCH = ("torch==2.13.0", "numpy==2.4.6")
NIR = ("nir==1.0.8", "nirtorch==2.6")


@dataclass(frozen=True)
class Environment:
    """What one peer runs in.

    Attributes:
        python: the version of Python it needs, "" for the one that runs this script.
        packages: installed together, with what they need.
        alone: installed afterwards without what they ask for, since it would replace `packages`.
    """

    python: str = ""
    packages: tuple[str, ...] = TORCH
    alone: tuple[str, ...] = ()


ENVIRONMENTS: dict[str, Environment] = {
    "torch": Environment(),
    "spikingjelly": Environment(
        packages=(*TORCH, *NIR, "h5py", "loguru<1", "matplotlib", "packaging", "requests", "scipy", "tqdm"),
        alone=("spikingjelly==2.0.0",),
    ),
    "sinabs": Environment(packages=(*TORCH, "sinabs==3.1.3")),
    "snntorch": Environment(packages=(*TORCH, *NIR, "snntorch==1.0.0")),
    # no simulator: it reads event recordings
    "tonic": Environment(packages=("tonic==1.7.0", "numpy==2.4.6")),
    # not measured: it reads NIR graphs in benchmarks/exchange.py
    "norse": Environment(packages=(*TORCH, *NIR, "norse==1.1.0")),
    # not measured: it runs networks in tests/hardware
    "sanafe": Environment(packages=("sanafe==2.2.9", "numpy==2.4.6")),
    # no simulator: it counts synaptic operations in tests/hardware
    "neurobench": Environment(packages=(*TORCH, "neurobench==2.3.0")),
    # the last release (2021) needs a TensorFlow, and so a Python, of its time
    "snntoolbox": Environment(
        python="3.8",
        packages=("tensorflow-cpu==2.8.4", "numpy==1.23.5", "protobuf<3.21", "matplotlib", "future"),
        alone=("snntoolbox==0.6.0",),
    ),
}


def python_of(name: str) -> Path:
    """The interpreter of a peer's environment, whether it exists or not."""
    return FOLDER / name / "bin" / "python"


def ready(name: str) -> bool:
    """Whether the environment exists and was made from the present list of packages."""
    stamp = FOLDER / name / "made-from.json"
    return python_of(name).exists() and stamp.exists() and json.loads(stamp.read_text()) == _recipe(name)


def make(name: str) -> None:
    """Make the environment of a peer.

    Raises:
        RuntimeError: if its Python is not on this machine or a package cannot be installed.
    """
    environment = ENVIRONMENTS[name]
    interpreter = _interpreter(environment.python)
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    _run([interpreter, "-m", "venv", str(FOLDER / name)])
    pip = [str(python_of(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, *environment.packages])
    if environment.alone:
        _run([*pip, "--no-deps", *environment.alone])
    (FOLDER / name / "made-from.json").write_text(json.dumps(_recipe(name)))


def _recipe(name: str) -> dict:
    return json.loads(json.dumps(asdict(ENVIRONMENTS[name])))


def _interpreter(version: str) -> str:
    if not version:
        return sys.executable
    candidates = [shutil.which(f"python{version}")]
    candidates += [str(path) for path in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))]
    for candidate in filter(None, candidates):
        answer = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.startswith(f"Python {version}."):
            return candidate
    raise RuntimeError(f"Python {version} is not installed here")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed: {done.stderr.strip()[-2000:]}")


def main(arguments: list[str] | None = None) -> int:
    """Make what is asked for; 1 if anything could not be made."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.setup", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ENVIRONMENTS)} (default: all)")
    names = parser.parse_args(arguments).names or list(ENVIRONMENTS)
    failed = 0
    for name in names:
        if name not in ENVIRONMENTS:
            parser.error(f"NAME must be among {', '.join(ENVIRONMENTS)}. Received: {name}")
        if ready(name):
            print(f"{name}: ready")
            continue
        print(f"{name}: installing", flush=True)
        try:
            make(name)
        except RuntimeError as error:
            failed = 1
            print(f"{name}: {error}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
