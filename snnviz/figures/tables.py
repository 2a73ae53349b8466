"""The paper's tables beside ours, as Markdown, CSV or LaTeX."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from snnviz import _checks as check
from snnviz import reports
from snnviz._arguments import checked
from snnviz._files import replacing
from snnviz.errors import InputError
from snnviz.figures.material import Material

if TYPE_CHECKING:
    import xarray as xr

FORMATS = ("md", "csv", "tex")
TABLES: Mapping[str, str] = MappingProxyType(
    {
        "a": "Seconds for 1000 items and 50 steps",
        "e": "Time and events to the threshold accuracy",
        "f": "Accuracy of the classifier before and after sparsity fine-tuning",
        "g": "Sparsity before and after fine-tuning",
        "h": "Anytime metrics before and after optimisation",
    }
)
"""Letter of the paper's supplement -> title."""


@checked
def table(name: str, material: Material) -> pd.DataFrame | None:
    """Table `name` (one of `TABLES`) with the paper's numbers beside ours, or None if there is nothing of ours to show.

    Results of models that the paper does not have get rows in tables E, F and H, with nothing beside them.
    Table A is there without ours, too. The columns are those of `snnviz.reports`.
    """
    check.choice("name", name, TABLES)
    entries = _entries(material.results)
    if name == "a":
        return reports.table_a(material.runtimes)
    if name == "e":
        return _both(name, _either(reports.table_e, entries | _entries(material.horizon)), material)
    if name == "h":
        return _both(name, _either(lambda found: reports.table_h(found, material.accuracies), entries), material)
    if name == "f":
        if material.accuracies:
            return reports.table_f(material.accuracies)
        measured = {key: float(run.attrs["ann_accuracy"]) for key, run in entries.items()}
        return _both(name, _either(reports.table_f, measured), material)
    return _either(reports.table_g, {key: as_published(found) for key, found in material.sparsity.items()})


def as_published(sparsity: Mapping[str, float]) -> dict[str, float]:
    """The measures of `Sparsity.as_json` under the names of table G, whose S_a leaves the last hidden layer out."""
    return {
        "S_a": sparsity["S_a without the last hidden layer (as published)"],
        "S_w": sparsity["S_w"],
        "S_c": sparsity["S_c without the last hidden layer (as published)"],
        "S_a, all hidden layers": sparsity["S_a"],
        "S_c, all hidden layers": sparsity["S_c"],
    }


@checked
def make_tables(
    material: Material,
    folder: str | os.PathLike[str] | None = None,
    names: Sequence[str] | None = None,
    *,
    formats: Sequence[str] = ("md",),
) -> dict[str, pd.DataFrame]:
    """The tables that can be made, and, if a folder is given, a file each, table-NAME.md and so on.

    Args:
        material: what to tell about.
        folder: where to write; None writes nothing.
        names: of `TABLES`; None makes all for which there is material.
        formats: of "md" and "tex", which round for reading, and "csv", which has every digit.

    Raises:
        InputError: if a name or format is unknown, or a table asked for by name has nothing to show.
    """
    formats = [check.choice("formats", format, FORMATS) for format in dict.fromkeys(formats)]
    asked = list(TABLES) if names is None else [check.choice("names", name, TABLES) for name in dict.fromkeys(names)]
    made: dict[str, pd.DataFrame] = {}
    for name in asked:
        found = table(name, material)
        if found is not None:
            made[name] = found
        elif names is not None:
            raise InputError(
                f"`names` must be of tables that can be made. Received: {name!r}, for which nothing is given"
            )
    if folder is not None:
        for name, found in made.items():
            for format in formats:
                with replacing(Path(folder) / f"table-{name}.{format}") as temporary:
                    temporary.write_text(text(name, found, format, material.origin), encoding="utf-8")
    return made


def text(name: str, found: pd.DataFrame, format: str, origin: str = "") -> str:
    """A table as the text of a file.

    Args:
        name: one of `TABLES`, for the title.
        found: what `table` returned.
        format: "md", "csv" or "tex" (a `table` environment for the package booktabs).
        origin: where the numbers come from, as a comment.
    """
    check.choice("format", format, FORMATS)
    title = f"Table {name.upper()}. {TABLES[check.choice('name', name, TABLES)]}"
    if format == "csv":
        return found.reset_index().to_csv(index=False, lineterminator="\n")
    rows = reports.readable(found)
    cells = [list(rows.columns), *rows.astype(str).to_numpy().tolist()]
    numbers = [column not in (*found.index.names, "unit", "note") for column in rows.columns]
    return _markdown(title, cells, numbers, origin) if format == "md" else _latex(title, cells, numbers, origin)


def _markdown(title: str, cells: list[list[str]], numbers: list[bool], origin: str) -> str:
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in cells]
    ruler = ["---:" if number else "---" for number in numbers]
    lines = [f"| {' | '.join(row)} |" for row in [head, ruler, *body]]
    ending = [f"\n<!-- {origin.replace('--', '- -')} -->"] if origin else []
    return "\n".join([f"**{title}**", "", *lines, *ending]) + "\n"


def _latex(title: str, cells: list[list[str]], numbers: list[bool], origin: str) -> str:
    head, *body = [[_escaped(cell) for cell in row] for row in cells]
    layout = "".join("r" if number else "l" for number in numbers)
    lines = [
        *([f"% {origin}"] if origin else []),
        "\\begin{table}",
        f"\\caption{{{_escaped(title)}}}",
        f"\\begin{{tabular}}{{{layout}}}",
        "\\toprule",
        f"{' & '.join(head)} \\\\",
        "\\midrule",
        *(f"{' & '.join(row)} \\\\" for row in body),
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


_LATEX = str.maketrans(
    {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
     "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)  # fmt: skip


def _escaped(cell: str) -> str:
    return cell.translate(_LATEX)


def _entries(results: Mapping[str, xr.Dataset]) -> dict[tuple[str, str], xr.Dataset]:
    """Results of the paper's models by (model, stage): a stage as it is marked or named, else by the order of two."""
    found: dict[tuple[str, str], xr.Dataset] = {}
    for position, (name, result) in enumerate(results.items()):
        model = reports.paper_model(result)
        stage = result.attrs.get("stage", name)
        stage = stage if stage in reports.STAGES else reports.STAGES[min(position, 1)]
        if model is not None and (model, stage) not in found:
            found[model, stage] = result
    return found


def _own(results: Mapping[str, xr.Dataset]) -> dict[tuple[str, str], xr.Dataset]:
    """Results of other models than the paper's by (model, stage): a stage as it is marked or named, else none."""
    found: dict[tuple[str, str], xr.Dataset] = {}
    for name, result in results.items():
        stage = str(result.attrs.get("stage", name))
        known = str(result.attrs.get("model") or result.attrs.get("dataset") or "own")
        key = (known, stage) if stage in reports.STAGES and (known, stage) not in found else (name, "-")
        if reports.paper_model(result) is None and "ann_accuracy" in result.attrs:
            found[key] = result
    return found


def _both(name: str, paper: pd.DataFrame | None, material: Material) -> pd.DataFrame | None:
    """The rows of the paper's models and those of others."""
    own = _own(material.results)
    parts = [part for part in (paper, reports.table_own(own, name) if own else None) if part is not None]
    return pd.concat(parts) if parts else None


def _either(make: Callable[..., pd.DataFrame], entries: Mapping[tuple[str, str], object]) -> pd.DataFrame | None:
    return make(entries) if entries else None
