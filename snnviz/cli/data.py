"""`snnviz data`: which data sets are here; fetch or make one.

Without arguments: which data sets are here. `snnviz data fetch NAME` brings one onto this machine, `snnviz data make saccade-mnist`
makes one of event recordings from MNIST.

Example: snnviz data list
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from snnviz.cli._table import aligned
from snnviz.errors import InputError


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument(
        "action", nargs="?", choices=("list", "fetch", "make"), default="list", help="list (the default), fetch or make"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="data sets to fetch, e.g. cifar10")
    parser.add_argument("--force", action="store_true", help="fetch even what is here")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """List or fetch."""
    from snnviz import datasets

    if args.action == "list":
        if args.names or args.force:
            raise InputError("`snnviz data list` takes no names and no --force; `snnviz data fetch NAME` does")
        return {"folder": str(datasets.data_folder()), "datasets": [_plain(record) for record in datasets.available()]}
    if not args.names:
        names = ", ".join(record.name for record in datasets.available())
        raise InputError(f"`snnviz data {args.action}` must be given at least one of {names}. Received: no name")
    fetched = []
    for name in args.names:
        began = time.monotonic()
        record = datasets.fetch(name, force=args.force, progress=not args.json)
        fetched.append(_plain(record) | {"seconds": round(time.monotonic() - began, 1)})
    return {"folder": str(datasets.data_folder()), "fetched": fetched}


def _plain(record: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(record) | {"shape": list(record.shape)}


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    if "fetched" in answer:
        return "\n".join(
            f"{record['name']} is {record['state']} ({_megabytes(record['size'])}; {record['source']}; {record['seconds']} s)"
            for record in answer["fetched"]
        )
    head = ("name", "state", "size", "images", "shape", "classes", "licence")
    rows = [
        (
            record["name"],
            record["state"],
            _megabytes(record["size"]) + (" to fetch" if record["state"] == "not here" else ""),
            " + ".join(f"{items} {split}" for split, items in record["items"].items()),
            "x".join(map(str, record["shape"])),
            str(record["classes"]),
            record["licence"],
        )
        for record in answer["datasets"]
    ]
    return "\n".join([*aligned([head, *rows]), "", f"data folder: {answer['folder']}"])


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
