"""SIGTERM is answered as Ctrl-C is."""

import gc
import json
import os
import signal
import time

import pytest

from snnviz import cli
from snnviz.cli import check


@pytest.mark.parametrize("interrupt", [signal.default_int_handler, signal.SIG_IGN])  # the latter as in the background
def test_sigterm_interrupts_and_the_old_handler_comes_back(monkeypatch, capsys, interrupt) -> None:
    before, of_interrupts = signal.getsignal(signal.SIGTERM), signal.signal(signal.SIGINT, interrupt)
    monkeypatch.setattr(check, "run", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    try:
        assert cli.main(["check", "dense-mnist"]) == 130
    finally:
        signal.signal(signal.SIGINT, of_interrupts)
    assert "interrupted" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_interruption_is_json_where_answers_are(monkeypatch, capsys) -> None:
    monkeypatch.setattr(check, "run", lambda _: signal.raise_signal(signal.SIGTERM))
    assert cli.main(["check", "dense-mnist", "--json"]) == 130
    assert json.loads(capsys.readouterr().err) == {"command": "snnviz check", "error": "interrupted"}


def test_sigterm_interrupts_though_ctrl_c_is_ignored(monkeypatch, capsys) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts what is to run in the background
    try:
        monkeypatch.setattr(check, "run", lambda _: os.kill(os.getpid(), signal.SIGTERM))
        assert cli.main(["check", "dense-mnist"]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert "interrupted" in capsys.readouterr().err


def test_an_interruption_while_a_command_loads_is_said_too(monkeypatch, capsys) -> None:
    monkeypatch.setattr(cli, "parser", lambda commands: signal.raise_signal(signal.SIGTERM))
    assert cli.main(["check", "dense-mnist", "--json"]) == 130
    assert json.loads(capsys.readouterr().err) == {"command": "snnviz check", "error": "interrupted"}


@pytest.mark.parametrize("interrupt", [signal.default_int_handler, signal.SIG_IGN])
def test_an_interruption_that_falls_into_a_garbage_collection_is_not_lost(monkeypatch, capsys, interrupt) -> None:
    arrived = []

    def at_collection(phase, _) -> None:
        if not arrived:
            arrived.append(phase)
            signal.raise_signal(signal.SIGTERM)  # what it raises here is dropped by Python

    def work(_) -> None:
        gc.callbacks.append(at_collection)
        gc.collect()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.01)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        monkeypatch.setattr(check, "run", work)
        assert cli.main(["check", "dense-mnist"]) == 130
    finally:
        gc.callbacks.remove(at_collection)
        signal.signal(signal.SIGINT, before)
    assert arrived
    assert capsys.readouterr().err == "snnviz check: interrupted\n"
