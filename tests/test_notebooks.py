"""The notebooks run from top to bottom, and are stored without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
# these train or simulate for longer
SLOW = {
    "02-sparsity",
    "05-your-own-model",
    "06-other-simulators",
    "07-tables",
    "03-optimising",
    "04-predictions-and-rasters",
    "08-event-cameras",
}


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 6
    assert {path.stem for path in NOTEBOOKS} >= SLOW


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_outputs_are_stored(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.slow if path.stem in SLOW else ()) for path in NOTEBOOKS],
    ids=lambda path: path.stem,
)
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # of the kernel's messaging, not of ours
def test_it_runs(path, tmp_path):
    notebook = nbformat.read(path, 4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": tmp_path}}).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    pictures = [out for cell in code for out in cell.outputs if "data" in out and "text/html" in out.data]
    assert len(pictures) >= 4
    complaints = [
        out.text for cell in code for out in cell.outputs if out.get("name") == "stderr" and "Warning" in out.text
    ]
    assert not complaints
    assert not list(tmp_path.iterdir()), "a notebook leaves nothing behind"
