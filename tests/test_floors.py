"""The floors of the house: a module imports only from its own floor or from floors above it (smaller numbers)."""

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import snnviz

PACKAGE = Path(__file__).parents[1] / "snnviz"
FLOORS = {
    "errors": 0, "_checks": 0, "_amounts": 0, "_arguments": 0, "_options": 0, "_versions": 0, "_memory": 0,
    "_files": 0, "_writing": 0, "_npz": 0, "_hdf5": 0, "_sparsity": 0, "_augment": 0, "_backend": 0, "_quiet": 0,
    "_deprecated": 0, "_extras": 0, "_cluster": 0, "_extensions": 0, "_processes": 0, "_margins": 0, "_progress": 0, "_panes": 0,
    "events": 0,
    "network": 0,
    "results": 0,
    "_models": 1, "_visits": 1, "_activity": 1,
    "metrics": 1, "answers": 1, "datasets": 1, "architectures": 1, "sparsity": 1, "pretrained": 1,
    "training": 2, "conversion": 2, "simulation": 2, "energy": 2, "neurobench": 2, "uncertainty": 2, "hardware": 2,
    "importing": 1,
    "optimization": 3, "sparsity_sweep": 3, "testing": 3,
    "runs": 4,
    "plots": 5, "reports": 5, "figures": 5, "jobs": 5,  # a job leaves figures of what came out
    "dashboard": 6, "cli": 6, "__main__": 6,
}  # fmt: skip
# the standard sub-graph that may never load TensorFlow or Keras
LIGHT = (
    "snnviz.plots",
    "snnviz.metrics",
    "snnviz.results",
    "snnviz.reports",
    "snnviz.figures",
    "snnviz.dashboard",
    "snnviz.cli",
    "snnviz.runs",
    "snnviz.jobs",
)
HEAVY = {"tensorflow", "keras", "jax"}


def imports(path: Path) -> set[str]:
    """The top-level snnviz modules that a file imports, anywhere in it (bare `snnviz` attributes included)."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "snnviz" else [f"snnviz.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("snnviz.")}
    return found - {"__version__"}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_floor_or_above(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in FLOORS, f"give {own} a floor in this test and in the design"
    below = {name for name in imports(path) if FLOORS.get(name, -1) > FLOORS[own]}
    assert not below, f"{own} (floor {FLOORS[own]}) imports from below: {below}"


def test_the_check_sees_a_violation(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from snnviz import cli\n    import snnviz.plots.theme\n")
    assert imports(bad) == {"cli", "plots"}


def test_no_assert_in_library_code():
    guilty = [
        path.name
        for path in modules()
        if any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    ]
    assert not guilty


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_do_not_load_tensorflow(module):
    code = f"import sys, {module}; sys.exit(', '.join({HEAVY!r} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_import_snnviz_is_quick_and_light():
    code = (
        "import time, sys; began = time.process_time(); import snnviz; took = time.process_time() - began;"
        "heavy = {'tensorflow', 'keras', 'jax', 'numba', 'xarray', 'panel', 'holoviews', 'matplotlib'} & set(sys.modules);"
        "print(took, *heavy)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
        ).stdout.split()
        for _ in range(3)
    ]
    assert all(len(run) == 1 for run in runs), runs
    assert min(float(run[0]) for run in runs) < 0.3


def test_every_public_module_is_reached_from_the_package_alone():
    names = {entry.name for entry in pkgutil.iter_modules(snnviz.__path__) if not entry.name.startswith("_")}
    assert set(snnviz._MODULES) == names - {"cli"}  # whose words are its interface
