"""What a run leaves on its machine."""

import os
import time

import pytest

from snnviz import InputError
from snnviz.runs import Folder, Progress


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path, "a" * 32)
    made.make()
    return made


@pytest.mark.parametrize("run_id", ["../x", "a/b", "", ".", "a" * 65, None, 3, "x y"])
def test_no_path_leaves_the_folder(run_id, tmp_path):
    with pytest.raises(InputError, match="`run_id` must be the id of a run"):
        Folder(tmp_path, run_id)


def test_nothing_there(tmp_path):
    folder = Folder(tmp_path, "b" * 32)
    assert not folder.exists()
    assert not folder.alive()
    assert folder.progress() is None
    assert folder.silence() is None
    assert folder.get("state") == {}
    assert folder.tail(3) == ""
    assert not folder.asked_to_stop


def test_progress_and_signs_of_life(folder):
    told = Progress(what="training", done=30, total=120, unit="items", seconds_left=9.0)
    folder.tell(told)
    assert folder.progress() == told
    assert told.fraction == 0.25
    assert Progress(what="x").fraction is None
    folder.beat()
    past = time.time() - 1000
    os.utime(folder.path / "heartbeat", (past, past))
    assert folder.silence() >= 1000
    folder.beat()
    assert folder.silence() < 1000


def test_a_file_that_was_cut_short_reads_as_none(folder):
    (folder.path / "state.json").write_text('{"pid": 1')
    assert folder.get("state") == {}


def test_asking_to_stop(folder):
    folder.ask_to_stop()
    assert folder.asked_to_stop
    folder.forget_stop()
    folder.forget_stop()
    assert not folder.asked_to_stop


def test_tail(folder):
    folder.log.write_text("".join(f"line {number}\n" for number in range(1000)))
    assert folder.tail(2) == "line 998\nline 999"
    folder.log.write_text("x" * 5000)
    assert folder.tail(1).strip("x") == ""
