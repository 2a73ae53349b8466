"""`snnviz tables`: the paper's tables A and E to H beside ours.

The paper's tables with our numbers beside the published ones: A runtime, E thresholds, F accuracy, G sparsity, H anytime metrics.
From the shipped models, or from results, also of models of your own, with nothing beside them.

Example: snnviz tables --limit 1000
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from snnviz.cli.figures import add_source, material_of


def arguments(parser: Any) -> None:
    """What it takes."""
    models = "without --run: models that ship whole (default: those whose data ship with snnviz)"
    add_source(parser, nargs="+", help=models)
    parser.add_argument(
        "--names", nargs="+", metavar="LETTER", help="which tables, of a, e, f, g, h (default: all that can be made)"
    )
    parser.add_argument("--benchmarks", metavar="JSON", help="table.json of `make bench`, for our times in table A")
    parser.add_argument(
        "--format", default="md,csv,tex", metavar="LIST", help="file formats, of md, csv and tex (default: %(default)s)"
    )
    parser.add_argument("--out", metavar="FOLDER", help="write the tables as files; without it they are printed only")
    parser.set_defaults(writes=lambda args: args.out and (args.out, True))


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Gather, compare, write."""
    from snnviz import _checks as check
    from snnviz import figures
    from snnviz.figures.tables import FORMATS, text

    formats = [check.choice("--format", format, FORMATS) for format in args.format.split(",")]
    for name in args.names or ():
        check.choice("--names", name, figures.TABLES)
    if args.limit is not None:
        check.integer("--limit", args.limit, 1)
    material = material_of(args, args.model or _embedded(), traces=False, search=False, benchmarks=args.benchmarks)
    made = figures.make_tables(material, args.out, args.names, formats=formats)
    files = [f"{args.out}/table-{name}.{format}" for name in made for format in formats] if args.out else []
    return {
        "tables": {name: text(name, table, "md") for name, table in made.items()},
        "files": files,
        "cautions": _cautions(material.results),
        "origin": material.origin,
    }


def _cautions(results: Mapping[str, Any]) -> list[str]:
    """Where so few items were taken that before and after cannot be told apart, or the paper's figures not be compared."""
    from snnviz import reports, uncertainty

    groups: dict[str, dict[str, Any]] = {}
    for name, result in results.items():
        groups.setdefault(reports.paper_model(result) or "", {})[name] = result
    return [
        f"{model or 'results'}: {words}" for model, found in groups.items() if (words := uncertainty.caution(found))
    ]


def _embedded() -> list[str]:
    """The paper's models that ship whole and whose data sets do; the others take a fetch, or many more minutes."""
    from snnviz import datasets, pretrained, reports

    embedded = {record.name for record in datasets.available() if record.state == "embedded"}
    return [name for name, chain in pretrained.CHAINS.items() if name in reports.MODELS and chain.data in embedded]


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    lines = [*answer["tables"].values(), *answer["cautions"]]
    return "\n".join([*lines, *(f"written: {file}" for file in answer["files"])]).rstrip()
