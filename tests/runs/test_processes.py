"""Processes that a job left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from snnviz.runs import processes


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for in /proc")
def test_leftovers_are_recognised_by_what_they_inherited():
    mark = {**os.environ, "SNNVIZ_JOB_RUN": "this one"}
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=mark, **pipes) as marked, subprocess.Popen(command, **pipes) as other:
        marked.stdout.readline()
        other.stdout.readline()
        assert processes.kill_leftovers("this one") == 1
        assert marked.wait(200) == -signal.SIGKILL
        assert other.poll() is None
        other.kill()
