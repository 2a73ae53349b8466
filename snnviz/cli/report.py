"""`snnviz report`: runs as one HTML file: plots, numbers, provenance.

Write one HTML file about one run or several, that opens without a network: interactive plots, settings, values, versions, and the
commands that give the same again.

Example: snnviz report 3fa92c10 77bd01e4 --out comparison.html
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from snnviz.cli import _job


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument("run_id", nargs="+", metavar="RUN", help="id of a run, or its beginning")
    parser.add_argument("--out", default="report.html", metavar="FILE.html", help="the file (default: %(default)s)")
    _job.add_store_option(parser)
    parser.set_defaults(writes=lambda args: (args.out, False))


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Gather and write."""
    from snnviz import _checks as check
    from snnviz import runs
    from snnviz._files import replacing
    from snnviz.dashboard.report import report

    out = Path(str(check.file("out", args.out, ".html")))
    page = report(runs.Store(args.tracking_uri), args.run_id)
    with replacing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return {"out": str(out), "bytes": out.stat().st_size}


def show(answer: dict[str, Any]) -> str:
    """Where it is."""
    return f"written: {answer['out']} ({answer['bytes'] / 2**20:.1f} MiB)"
