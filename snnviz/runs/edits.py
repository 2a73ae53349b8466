"""What people may say of a run: its name, labels, a note, a star; as the tags of MLflow that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.runs.run import LABELS, NAME, NOTE, STAR

_NAME, _LABEL, _NOTE = 200, 50, 5000
"""The most characters of each: MLflow's columns hold a little more."""


def tags(name: Any = None, labels: Any = None, note: Any = None, star: Any = None) -> dict[str, str]:
    """The tags that say it; what is None is left out.

    Raises:
        InputError: see `snnviz.runs.Store.edit`.
    """
    found = {}
    if name is not None:
        found[NAME] = _text("name", name, _NAME, empty=False)
    if labels is not None:
        found[LABELS] = ",".join(dict.fromkeys(_labels(labels)))
    if note is not None:
        found[NOTE] = _text("note", note, _NOTE)
    if star is not None:
        found[STAR] = str(check.flag("star", star)).lower()
    return found


def _text(what: str, value: Any, most: int, empty: bool = True) -> str:
    text = value.strip() if isinstance(value, str) else None
    if text is None or len(text) > most or not (text or empty) or not _is_unicode(text):
        raise InputError(
            f"`{what}` must be a text of {0 if empty else 1} to {most} characters. Received: {check.describe(value)}"
        )
    return text


def _is_unicode(text: str) -> bool:
    """Whether a database can hold it: names of files that are no UTF-8 cannot be encoded again."""
    return "\0" not in text and text.encode(errors="ignore").decode() == text


def _labels(given: Any) -> list[str]:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InputError(f"`labels` must be a list of words. Received: {check.describe(given)}")
    words = [_text("labels", word, _LABEL, empty=False) for word in given]
    if any("," in word for word in words):
        raise InputError(f"`labels` must be words without commas. Received: {check.describe(given)}")
    return words
