"""The program's process: its failures in words, its time limit, what it gets to see."""

import importlib.util
import os
import sys

import pytest

from snnviz.errors import InputError
from snnviz.hardware.spinnaker import process


def prepared(folder, source):
    (folder / "program.py").write_text(source)
    return folder


@pytest.fixture(autouse=True)
def toolchain(monkeypatch):
    monkeypatch.setattr(process, "require_spynnaker", lambda: None)


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (
            "class PacmanPlaceException(Exception): pass\nraise PacmanPlaceException('no room')",
            "does not fit the machine",
        ),
        (
            "class SpinnmanIOException(Exception): pass\nraise SpinnmanIOException('Failed')",
            "the machine does not answer",
        ),
        ("raise OSError('HTTP 401 Unauthorized')", "refused the credentials"),
        ("raise ConnectionRefusedError('Connection refused')", "the machine does not answer"),
        ("raise ValueError('odd')", "failed: ValueError: odd"),
    ],
)
def test_a_failure_is_one_sentence(tmp_path, raised, message):
    with pytest.raises(InputError, match=message) as caught:
        process.run_program(prepared(tmp_path, raised), 30)
    assert "\n" not in str(caught.value)


def test_a_time_limit(tmp_path):
    with pytest.raises(InputError, match=r"`target` failed: not done after 0.5 s"):
        process.run_program(prepared(tmp_path, "import time; time.sleep(60)"), 0.5)


def test_home_secrets_and_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("SPALLOC_PASSWORD", "of another run")
    source = (
        "import os\nprint(os.environ['HOME'], os.environ['SPALLOC_USER'], 'SPALLOC_PASSWORD' in os.environ)\n"
        "print('snnviz item 1')\nprint('snnviz item 2')"
    )
    done = []
    text = process.run_program(prepared(tmp_path, source), 30, secrets={"SPALLOC_USER": "me"}, on_line=done.append)
    assert text.splitlines()[0] == f"{tmp_path / 'home'} me False"
    assert done[1:] == ["snnviz item 1\n", "snnviz item 2\n"]
    assert (tmp_path / "home" / ".spynnaker.cfg").exists()
    assert "SPALLOC_USER" not in os.environ


def test_without_spynnaker(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"`target` needs sPyNNaker: pip install 'snnviz\[spinnaker\]'"):
        process.require_spynnaker()
    assert sys.modules  # the check loads nothing
