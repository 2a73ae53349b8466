"""Tables that plots are handed: what they must hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from snnviz import _checks as check
from snnviz.errors import InputError


def checked_table(name: str, table: Any, columns: Sequence[str]) -> pd.DataFrame:
    """`table` with rows numbered from 0, which must be a table of at least one row with `columns`.

    A list of mappings is a table as well.
    """
    if isinstance(table, list) and table and all(isinstance(row, dict) for row in table):
        table = pd.DataFrame(table)
    if not isinstance(table, pd.DataFrame):
        raise InputError(
            f"`{name}` must be a table with columns {', '.join(columns)}. Received: {check.describe(table)}"
        )
    missing = [column for column in columns if column not in table]
    if missing or table.empty:
        raise InputError(
            f"`{name}` must have rows and columns {', '.join(columns)}. "
            f"Received: {len(table)} rows, columns {', '.join(map(str, table.columns))}"
        )
    return table.reset_index(drop=True)
