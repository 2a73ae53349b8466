"""Who goes next: pages that have least of what they show."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from snnviz import dashboard
from snnviz.dashboard import page, plot_card
from snnviz.dashboard.turns import _Turns


def order(*asked: tuple[str, int], leave: Callable[[str], bool] = lambda name: False) -> list[str]:
    """In which order those who ask at once, by name and turns had, get the lock."""
    found: list[str] = []

    async def ask(turns: _Turns, name: str, had: int) -> None:
        async with turns.after(had):
            found.append(name)
            await asyncio.sleep(0)

    async def everyone() -> None:
        turns = _Turns()
        async with asyncio.timeout(60), turns.after(0):
            tasks = {name: asyncio.ensure_future(ask(turns, name, had)) for name, had in asked}
            await asyncio.sleep(0)  # all wait
            for name, task in tasks.items():
                if leave(name):
                    task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.gather(*tasks.values(), return_exceptions=True), 60)

    asyncio.run(everyone())
    return found


def test_who_has_least_goes_first_then_who_came_first():
    assert order(("old", 3), ("older", 5), ("new", 0), ("newer", 0), ("between", 1)) == [
        "new",
        "newer",
        "between",
        "old",
        "older",
    ]


def test_who_leaves_while_waiting_keeps_nobody_waiting():
    assert order(("a", 0), ("b", 1), ("c", 2), leave="b".__eq__) == ["a", "c"]


def test_who_leaves_when_its_turn_has_come_passes_it_on():
    found: list[str] = []

    async def work() -> None:
        turns = _Turns()

        async def ask(name: str) -> None:
            async with turns.after(0):
                found.append(name)

        async with turns.after(0):
            first, second = asyncio.ensure_future(ask("first")), asyncio.ensure_future(ask("second"))
            await asyncio.sleep(0)
        first.cancel()  # the turn is given, but not yet taken
        await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), 60)

    asyncio.run(work())
    assert found == ["second"]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> deque[Callable[[], None]]:
    """The parts of pages that have still to be made, as if a browser were there."""
    found: deque[Callable[[], None]] = deque()
    for module in (page, plot_card):
        monkeypatch.setattr(module, "soon", found.append)
    return found


def test_the_first_plot_is_drawn_before_the_form_is_made(workspace: Any, parts: deque[Callable[[], None]]) -> None:
    made = dashboard.Hardware(workspace)
    while not any(card.figure for card in getattr(made, "figures", {}).values()):
        assert not hasattr(made, "button")
        parts.popleft()()
    while parts:
        parts.popleft()()
    assert made.button.label == "Launch"


def test_nothing_is_drawn_before_its_turn(workspace: Any, parts: deque[Callable[[], None]]) -> None:
    made = dashboard.Live(workspace)
    parts.popleft()()
    made.neuron += 1
    made.dark = True
    assert made.membranes.figure is None
    parts.popleft()()
    assert made.membranes.figure is not None
