"""Progress bars with time left, shown for work that takes longer than two seconds."""

from __future__ import annotations

import sys
from typing import Any

SHOW_AFTER_SECONDS = 2.0


def bar(total: int | None, description: str, unit: str, show: bool = True) -> Any:
    """A tqdm bar on standard error, silent until two seconds have passed, in a notebook a widget.

    Args:
        total: number of units of work, or None if unknown.
        description: what is being done, a few words.
        unit: name of one unit, e.g. "item".
        show: False gives a bar that draws nothing.
    """
    from tqdm.auto import tqdm

    return tqdm(
        total=total,
        desc=description,
        unit=f" {unit}",
        disable=not show,
        delay=SHOW_AFTER_SECONDS,
        dynamic_ncols=True,
        file=sys.stderr,
        leave=False,
    )
