"""Every notebook, run from top to bottom in a real JupyterLab: its code, its pictures and its widgets."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

from tests.test_notebooks import NOTEBOOKS

QUICK = "01-first-look"
"""The others train or simulate for longer."""
PLOTS = "application/vnd.holoviews_exec.v0+json"
"""What an output with something to draw is marked with."""
WHOLE = {"windowingMode": "none"}
"""JupyterLab keeps cells that are out of sight out of the page, unless told not to."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab of its own with copies of the notebooks: its folder, and what gives the address of one."""
    place = tmp_path_factory.mktemp("lab")
    folder = place / "notebooks"
    folder.mkdir()
    for notebook in NOTEBOOKS:
        (folder / notebook.stem).mkdir()
        shutil.copy(notebook, folder / notebook.stem)
    settings = place / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(WHOLE))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR", "JUPYTERLAB_WORKSPACES_DIR")
    places = {name: str(place / name.lower()) for name in own} | {"JUPYTERLAB_SETTINGS_DIR": str(place / "settings")}
    log = place / "lab.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **places}, stdout=output, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + 200
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status?token={token}") as answer:
                    json.load(answer)
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.2)
        yield folder, lambda name: f"http://127.0.0.1:{port}/lab/tree/{name}/{name}.ipynb?token={token}&reset"
    finally:
        process.terminate()
        process.wait(20)


def run_all(page, file):
    """Run the notebook that is open, until all its cells have ended, and save it; the notebook with its outputs."""
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.get_by_text("| Idle").wait_for()  # what is run before the kernel is there is lost
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    end = time.monotonic() + 600
    while time.monotonic() < end:
        page.wait_for_timeout(1000)
        page.keyboard.press("Control+s")
        try:
            code = [cell for cell in nbformat.read(file, 4).cells if cell.cell_type == "code"]
        except nbformat.reader.NotJSONError:  # it is being written
            continue
        if all(cell.execution_count for cell in code):
            return code
    raise AssertionError("not all cells have ended")


@pytest.mark.parametrize(
    "name",
    [pytest.param(path.stem, marks=() if path.stem == QUICK else pytest.mark.slow) for path in NOTEBOOKS],
)
@pytest.mark.timeout(900)
def test_it_runs_and_its_widgets_move(page, lab, name):
    folder, address = lab
    page.goto(address(name))
    code = run_all(page, folder / name / f"{name}.ipynb")

    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output.text for output in outputs if output.get("name") == "stderr" and "Warning" in output.text]
    left = {path.name for path in (folder / name).iterdir()} - {f"{name}.ipynb", ".ipynb_checkpoints"}
    assert not left, "a notebook leaves nothing behind"
    assert sum("text/html" in output.get("data", {}) for output in outputs) >= 4

    drawn = [
        index
        for index, cell in enumerate(code)
        if any(output.output_type == "execute_result" and PLOTS in output.data for output in cell.outputs)
    ]
    assert drawn
    for index in drawn:
        cell = page.locator(".jp-CodeCell").nth(index)
        cell.scroll_into_view_if_needed()
        picture = cell.locator(".bk-Canvas, img").locator("visible=true").first
        picture.wait_for()
        box = picture.bounding_box()
        assert min(box["width"], box["height"]) > 100, f"cell {index} shows no plot"
        for slider in cell.locator(".noUi-handle, input[type=range]").all()[:1]:
            before = picture.screenshot()
            slider.focus()
            for key in ("End", "Home", "ArrowRight"):  # wherever it stands, one of them goes elsewhere
                page.keyboard.press(key)
                page.wait_for_timeout(2000)
            assert picture.screenshot() != before, f"the slider of cell {index} moves nothing"
    assert page.problems == []
