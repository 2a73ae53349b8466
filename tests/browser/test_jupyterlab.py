"""A page as a widget in JupyterLab, in a real browser: it is drawn, and moving it reaches the kernel and comes back."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

CELLS = (
    "import panel as pn\nimport snnviz\npn.extension(inline=True)",
    "images = snnviz.datasets.load('mnist', split='test', limit=50)\n"
    "network = snnviz.pretrained.network('dense-mnist-optimized')\n"
    "result = snnviz.simulate(network, images.x, images.y, steps=5, engine='event', progress=False)",
    "page = snnviz.explore(result)\npage",
    "'moved in the kernel' if page.threshold == 1 else 'not moved in the kernel'",
)


@pytest.fixture
def lab(tmp_path):
    """Address of a JupyterLab of its own, with a notebook in it and nothing of the user's."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(notebook, folder / "page.ipynb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    places = {name: str(tmp_path / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    log = tmp_path / "lab.log"
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
        yield f"http://127.0.0.1:{port}/lab/tree/page.ipynb?token={token}"
    finally:
        process.terminate()
        process.wait(20)


def test_explorer(page, lab):
    page.goto(lab)
    cells = page.locator(".jp-Notebook .jp-Cell")
    cells.nth(3).wait_for()
    cells.first.click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.get_by_text("Accuracy over time").first.wait_for()
    page.locator(".bk-Canvas").nth(3).wait_for(state="attached")
    handle = page.locator(".noUi-handle").first
    handle.focus()
    page.keyboard.press("End")
    page.get_by_text("Time to 100 %").first.wait_for()  # computed in the kernel

    page.locator(".cm-content").last.click()
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea-output").get_by_text("'moved in the kernel'", exact=True).wait_for()
    assert page.problems == []
