"""The queue: first come first served, the dead do not hold it up."""

import threading
import time

import pytest

from snnviz import InputError
from snnviz.runs import Folder, lock, queue


def joined(home, name):
    """A living job with a ticket; returns its lock."""
    folder = Folder(home, name)
    folder.make()
    handle = folder.claim()
    queue.take_ticket(home, name)
    return handle


def test_first_come_first_served(tmp_path):
    handles = {name: joined(tmp_path, name) for name in "abc"}
    assert [queue.ahead(tmp_path, name) for name in "abcx"] == [0, 1, 2, None]
    lock.release(handles["a"])  # it dies while it waits
    assert [queue.ahead(tmp_path, name) for name in "abc"] == [None, 0, 1]
    for name in "bc":
        lock.release(handles[name])


@pytest.mark.parametrize("allowed", [1, 2])
def test_no_more_at_once_than_allowed_and_in_order(allowed, tmp_path, monkeypatch):
    monkeypatch.setenv("SNNVIZ_JOBS", str(allowed))
    handles = [joined(tmp_path, name) for name in "abcd"]
    order, now, most = [], 0, 0
    guard, together = threading.Lock(), threading.Barrier(allowed)

    def work(name):
        nonlocal now, most
        with queue.turn(tmp_path, name):
            with guard:
                order.append(name)
                now += 1
                most = max(most, now)
            together.wait(200)
            time.sleep(0.3)  # longer than the queue takes to look again
            with guard:
                now -= 1

    threads = [threading.Thread(target=work, args=(name,)) for name in "dcba"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert order == list("abcd")
    assert most == allowed
    assert not list((tmp_path / "queue").glob("*.ticket"))
    for handle in handles:
        lock.release(handle)


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_mistakes(text, monkeypatch):
    monkeypatch.setenv("SNNVIZ_JOBS", text)
    with pytest.raises(InputError, match="SNNVIZ_JOBS"):
        queue.limit()


def test_the_default_is_one(monkeypatch):
    monkeypatch.delenv("SNNVIZ_JOBS", raising=False)
    assert queue.limit() == 1
