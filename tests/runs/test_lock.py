"""Locks: held by one, seen by all, gone with their holder however it ends."""

import signal
import subprocess
import sys
import threading
import time

from snnviz.runs import lock

HOLDER = """
import sys, time
from pathlib import Path
from snnviz.runs import lock
handle = lock.claim(Path(sys.argv[1]))
print("held" if handle is not None else "refused", flush=True)
time.sleep(60)
"""


def test_only_one_holds_it(tmp_path):
    path = tmp_path / "lock"
    assert not lock.held(path)
    first = lock.claim(path)
    assert first is not None
    assert lock.held(path)
    assert lock.claim(path) is None
    began = time.monotonic()
    assert lock.claim(path, wait=0.1) is None
    assert time.monotonic() - began >= 0.1
    lock.release(first)
    assert not lock.held(path)
    second = lock.claim(path)
    assert second is not None
    lock.release(second)


def test_looking_does_not_take_it(tmp_path):
    path = tmp_path / "lock"
    path.touch()
    assert not lock.held(path)
    handle = lock.claim(path)
    assert handle is not None
    lock.release(handle)


def test_it_ends_with_a_process_that_is_killed(tmp_path):
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout.readline() == "held\n"
        assert lock.held(path)
        assert lock.claim(path) is None
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert not lock.held(path)


def test_a_descriptor_that_is_handed_on_keeps_it(tmp_path):
    path = tmp_path / "lock"
    handle = lock.claim(path)
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(handle,)) as child:
        lock.release(handle)
        assert lock.held(path)
        child.stdin.close()
        child.wait()
    assert not lock.held(path)


def test_exclusive_waits(tmp_path):
    path = tmp_path / "lock"
    order = []

    def wait():
        with lock.exclusive(path):
            order.append("second")

    with lock.exclusive(path):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]
