"""Numbers as they are typed: Python's own reading takes underscores, spaces and the digits of every script."""

from __future__ import annotations

import argparse
import re

from snnviz import _checks as check

_WHOLE = re.compile(r"[+-]?[0-9]{1,4000}")  # Python reads no longer ones


def whole(text: str) -> int:
    """The whole number that an option's text says.

    Raises:
        argparse.ArgumentTypeError: if it says none.
    """
    if not _WHOLE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"must be a whole number. Received: {check.describe(text)}")
    return int(text)


def real(text: str) -> float:
    """The number that an option's text says; whether it may be infinite or NaN is asked later.

    Raises:
        argparse.ArgumentTypeError: if it says none.
    """
    try:
        if text.isascii() and "_" not in text and text == text.strip():
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be a number. Received: {check.describe(text)}")
