"""Files are whole or absent."""

import errno
import os
import subprocess
import sys

import pytest

from snnviz._files import replacing
from snnviz.errors import InputError


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path):
    target = tmp_path / "deep" / "a.txt"
    with replacing(target) as temporary:
        temporary.write_text("old")

    def fail():
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert target.read_text() == "old"
    assert [path.name for path in target.parent.iterdir()] == ["a.txt"]


def test_a_full_disk_is_said_with_the_file_that_did_not_fit(tmp_path):
    def fail(number):
        with replacing(tmp_path / "a.txt"):
            raise OSError(number, os.strerror(number))

    with pytest.raises(InputError, match=r"a\.txt must fit on its disk\. Received: No space left"):
        fail(errno.ENOSPC)
    with pytest.raises(PermissionError):
        fail(errno.EACCES)
    assert not list(tmp_path.iterdir())


def test_the_suffix_stays_and_the_file_is_an_ordinary_one(tmp_path):
    with replacing(tmp_path / "a.npz") as temporary:
        assert temporary.suffix == ".npz"
        temporary.write_bytes(b"")
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "a.npz").stat().st_mode == plain.stat().st_mode


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    script = (
        "import os, sys, signal, time\n"
        "from snnviz._files import replacing\n"
        "with replacing(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(60)\n"
    )
    target = tmp_path / "a[1].txt"  # no pattern of a glob
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        for writer in writers:
            assert writer.stdout.readline() == "writing\n"
        assert len(list(tmp_path.iterdir())) == 2
        writers[0].kill()
        writers[0].wait()
        with replacing(target) as temporary:
            temporary.write_text("whole")
        assert target.read_text() == "whole"
        (other,) = [path for path in tmp_path.iterdir() if path != target]
        assert f"-{writers[1].pid}-" in other.name
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()
