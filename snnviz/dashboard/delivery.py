"""All that changes on a page reaches the browser.

Panel (1.9.4) writes what has to wait for the socket in tasks, and the first of several to end declares all of them done: what was
handed over just before stays behind until something else changes on the page, a plot's last state among it.
"""

from __future__ import annotations

from typing import Any

from panel.io import document as panel

_write = panel._dispatch_msgs


async def _write_all(document: Any) -> None:
    """Write what waits for the socket, also what Panel left behind."""
    await _write(document)
    if document in panel._WRITE_MSGS and document not in panel._WRITE_BLOCK:
        panel._WRITE_BLOCK[document] = True
        panel._dispatch_write_task(document, _write_all, document)


def ensure() -> None:
    """Have Panel write all of it, in this process."""
    panel._dispatch_msgs = _write_all
