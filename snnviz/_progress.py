"""Progress bars with time left, shown for work that takes longer than two seconds; somebody else may listen to them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

SHOW_AFTER_SECONDS = 2.0

Listener = Callable[[Mapping[str, Any]], None]
"""Takes tqdm's `format_dict`: `prefix` (what is being done), `n`, `total`, `unit`, `rate`, `postfix`, `elapsed`."""
_listener: Listener | None = None
_drawing = True


@contextmanager
def listening(listener: Listener, draw: bool = True) -> Iterator[None]:
    """Have `listener` told of every step of every bar made inside the `with` block; the innermost block counts.

    Args:
        listener: is told, whether the bar is drawn or not.
        draw: False draws none of them, e.g. where standard error is a log.
    """
    global _listener, _drawing
    before = _listener, _drawing
    _listener, _drawing = listener, draw
    try:
        yield
    finally:
        _listener, _drawing = before


def bar(total: int | None, description: str, unit: str, show: bool = True) -> Any:
    """A tqdm bar on standard error, silent until two seconds have passed, in a notebook a widget.

    Args:
        total: number of units of work, or None if unknown.
        description: what is being done, a few words.
        unit: name of one unit, e.g. "item".
        show: False gives a bar that draws nothing.
    """
    from tqdm.auto import tqdm

    options: dict[str, Any] = {
        "total": total,
        "desc": description,
        "unit": f" {unit}",
        "delay": SHOW_AFTER_SECONDS,
        "dynamic_ncols": True,
        "file": sys.stderr,
        "leave": False,
    }
    if _listener is None:
        return tqdm(**options, disable=not show)
    return _heard(tqdm, _listener, show and _drawing, options)


def _heard(base: Any, listener: Listener, show: bool, options: dict[str, Any]) -> Any:
    """A bar that tells `listener` of its steps."""
    if not show:
        from tqdm.std import tqdm as base

    class Heard(base):
        def display(self, *args: Any, **kwargs: Any) -> Any:
            return super().display(*args, **kwargs) if show else None

        def update(self, n: float | None = 1) -> Any:
            done = super().update(n)
            listener(self.format_dict)
            return done

    return Heard(**options)
