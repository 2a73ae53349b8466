"""`snnviz reproduce`: the report on the shipped models: tables and figures from recorded runs.

Convert and simulate the shipped models before and after optimisation, record every run, and write the paper's tables and figures
with the runs' commands. With --from-scratch train, fine-tune and optimise them anew first, by the commands on their cards; that
takes hours, and goes on where it was stopped when it is called again.

Example: snnviz reproduce dense-mnist --limit 1000 --out report
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnviz.cli._job import add_store_option
from snnviz.cli._numbers import whole

if TYPE_CHECKING:
    import xarray as xr

    from snnviz.figures import Material
    from snnviz.pretrained import Chain


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument("model", nargs="*", metavar="MODEL", help="models that ship whole (default: dense-mnist)")
    parser.add_argument("--from-scratch", action="store_true", help="make the models anew first")
    parser.add_argument("--limit", type=whole, metavar="N", help="the first N test images only")
    parser.add_argument("--benchmarks", metavar="JSON", help="table.json of `make bench`, for our times in table A")
    parser.add_argument(
        "--out", default="snnviz-report", metavar="FOLDER", help="folder for tables and figures (default: %(default)s)"
    )
    add_store_option(parser)
    parser.set_defaults(writes=lambda args: (args.out, True))


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Make the models if asked to, simulate, compare, write."""
    from dataclasses import replace

    from snnviz import _checks as check
    from snnviz import figures, plots, pretrained
    from snnviz._files import replacing
    from snnviz.figures.loading import runtimes

    models = list(dict.fromkeys(args.model)) or ["dense-mnist"]
    chains = {model: pretrained.chain(model) for model in models}
    if args.limit is not None:
        check.integer("--limit", args.limit, 1)
    times = {} if args.benchmarks is None else runtimes(args.benchmarks)
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    materials, commands = {}, {}
    for model, chain in chains.items():
        steps = _Commands(folder / model, chain, args)
        materials[model] = steps.material(model, steps.make() if args.from_scratch else steps.shipped())
        commands[model] = steps.done
    whole = replace(figures.together(materials), runtimes=times)
    tables = figures.make_tables(whole, folder, formats=("md", "csv", "tex"))
    files = [folder / f"table-{name}.{format}" for name in tables for format in ("md", "csv", "tex")]
    for model, material in materials.items():
        names = [name for name in ("figure-a", "figure-b", "figure-5") if not figures.FIGURES[name].lacks(material)]
        made = figures.make(material, folder / model, names, formats=("pdf", "svg", "png"))
        files += [file for group in made.files.values() for file in group]
    files.append(plots.save(_frame(commands), folder / "commands.csv"))
    texts = {name: figures.tables.text(name, table, "md") for name, table in tables.items()}
    longer = {model: next(iter(found.horizon.values())).sizes for model, found in materials.items() if found.horizon}
    notes = [
        f"Table E of {model} is of {sizes['item']} test images and {sizes['time']} time steps."
        for model, sizes in longer.items()
    ]
    report = folder / "report.md"
    with replacing(report) as temporary:
        temporary.write_text(_report([*texts.values(), *notes], commands, folder), encoding="utf-8")
    return {
        "tables": texts,
        "commands": commands,
        "files": [str(file) for file in [report, *files]],
    }


BEFORE = ("sparsity_before", "test_accuracy_before")
"""What a card of a fine-tuned classifier has of the one it began with: of several fine-tunings, the first's."""


@dataclass(frozen=True)
class _Models:
    """The models of a chain: names of shipped ones, or files.

    Attributes:
        classifier: the Keras model before.
        optimized: the spiking network after.
        cards: of the classifier, and of what fine-tuning made of it.
        search: what `snnviz optimize` answered, of a network that was made here by a search.
    """

    classifier: str
    optimized: str
    cards: tuple[Mapping[str, Any], Mapping[str, Any]]
    search: Mapping[str, Any] | None = None


class _Commands:
    """The commands that a model is made and measured by, carried out one after the other.

    Attributes:
        done: those carried out, each with the id of its run, if it was recorded.
    """

    def __init__(self, folder: Path, chain: Chain, args: argparse.Namespace) -> None:
        self.folder, self.chain, self.limit, self.store = folder, chain, args.limit, args.tracking_uri
        self.done: list[dict[str, str]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def shipped(self) -> _Models:
        """The shipped models."""
        from snnviz import pretrained

        chain = self.chain
        cards = pretrained.card(chain.classifier), pretrained.card(chain.sparse)
        return _Models(chain.classifier, chain.optimized, cards)

    def make(self) -> _Models:
        """Train, fine-tune, convert and optimise by the shipped models' commands."""
        from snnviz import pretrained

        chain = self.chain
        trained, sparse, network = (
            self.folder / name
            for name in (f"{chain.classifier}.keras", f"{chain.sparse}.keras", f"{chain.optimized}.npz")
        )
        again = ["--data", chain.data, "--resume", *self._recorded()]
        before = self._call([*_words(pretrained.card(chain.classifier)["command"]), "--out", str(trained), *again])
        after = self._fine_tuned(trained, sparse, again)
        how, source, search = pretrained.card(chain.optimized), sparse, None
        commands = [*how.get("start", ()), how["command"]]
        for number, command in enumerate(commands, 1):
            out = network if number == len(commands) else self.folder / f"start-{number}.npz"
            words = [*_words(command, source), "--out", str(out)]
            if words[0] == "convert":
                self._call([*words, "--data", chain.data])
            else:
                search = self._call([*words, "--checkpoint", str(self.folder / f"search-{number}"), *again])
            source = out
        return _Models(str(trained), str(network), (before["card"], after), search)

    def _fine_tuned(self, trained: Path, out: Path, again: Sequence[str]) -> dict[str, Any]:
        """Fine-tune classifier `trained` by the commands on the shipped card, one after the other; the new card."""
        from snnviz import pretrained

        how = pretrained.card(self.chain.sparse)
        told: dict[str, Any] = {}
        for number, command in enumerate(how.get("start", ()), 1):
            start = out.with_name(f"{out.stem}-start-{number}.keras")
            card = self._call([*_words(command, trained), "--out", str(start), *again])["card"]
            told = told or {"start": [], **{name: card[name] for name in BEFORE}}
            told["start"].append(card["command"])
            trained = start
        return self._call([*_words(how["command"], trained), "--out", str(out), *again])["card"] | told

    def material(self, model: str, made: _Models) -> Material:
        """Simulate before and after; what figures and tables are made of."""
        from snnviz import datasets, figures, pretrained
        from snnviz.figures.material import NORMALISATION_ITEMS
        from snnviz.training.card import save_card

        chain = self.chain
        before = str(self.folder / "before.npz")
        words = [
            "convert",
            made.classifier,
            "--setting",
            "paper",
            "--data",
            chain.data,
            "--norm-items",
            str(NORMALISATION_ITEMS),
        ]
        self._call([*words, "--out", before])
        stages = {"before": before, "after": made.optimized}
        runs, long = {}, {}
        for stage, network in stages.items():
            kept = ("prediction", "logits", "events")
            run = self._simulated(network, stage, self.folder / f"{stage}.nc", chain.steps, self.limit, kept)
            runs[stage] = run.assign_attrs(model=model, stage=stage)
        if chain.horizon is not None:
            items, steps = chain.horizon
            limit = items if self.limit is None else min(items, self.limit)
            for stage, network in stages.items():
                file = self.folder / f"{stage}-{steps}.nc"
                run = self._simulated(network, stage, file, steps, limit, ("prediction",))
                long[f"{stage}, {steps} steps"] = run.assign_attrs(model=model, stage=stage)
        if made.optimized != chain.optimized:
            card = _network_card(chain, made.cards[1], made.search, runs["after"])
            save_card(card, Path(made.optimized).with_suffix(".json"))
        images = datasets.load(chain.data, split="test", limit=self.limit).x
        networks = {"before": pretrained.network(before), "after": pretrained.network(made.optimized)}
        return figures.Material(
            results=runs, horizon=long, networks=networks, images=images, **figures.classifiers(model, *made.cards)
        )

    def _simulated(
        self, network: str, title: str, file: Path, steps: int, limit: int | None, kept: Sequence[str]
    ) -> xr.Dataset:
        """The recorded run of `network` on the test images, or the first `limit` of them."""
        from snnviz import results

        words = ["simulate", network, "--data", self.chain.data, "--steps", str(steps), "--record", *kept]
        words += [] if self.chain.input == "spiking" else ["--input", self.chain.input]
        words += [] if limit is None else ["--limit", str(limit)]
        answer = self._call([*words, "--title", title, "--out", str(file), "--track", *self._recorded()])
        return results.load(file).assign_attrs(run_id=answer["run"])

    def _recorded(self) -> list[str]:
        return [] if self.store is None else ["--tracking-uri", self.store]

    def _call(self, words: Sequence[str]) -> dict[str, Any]:
        """Carry out a command as if it had been typed, and return its answer."""
        from snnviz.cli import parser

        line = shlex.join(["snnviz", *words])
        sys.stderr.write(f"$ {line}\n")
        args = parser().parse_args(list(words))
        answer: dict[str, Any] = args.run(args)
        self.done.append({"command": line, "run": answer.get("run") or ""})
        return answer


def _words(command: str, source: Path | None = None) -> list[str]:
    """The words of a card's command after `snnviz`, its first argument replaced by the file it is to work on, if any."""
    words = shlex.split(command)[1:]
    if source is not None:
        words[1] = str(source)
    for option in ("--out", "--data"):
        if option in words:
            del words[words.index(option) : words.index(option) + 2]
    return words


def _network_card(
    chain: Chain, source: Mapping[str, Any], search: Mapping[str, Any] | None, result: xr.Dataset
) -> dict[str, Any]:
    """The card of an optimised network, made from the classifier of card `source`; its test figures are those of `result`."""
    from snnviz import metrics, pretrained
    from snnviz._versions import versions

    how, told = pretrained.card(chain.optimized), metrics.summary(result)
    kept = ("method", "per", "evaluations", "minutes", "stopped", "objective", "loss", "held_out")
    card: dict[str, Any] = {
        "kind": "spiking network",
        **{name: how[name] for name in ("command", "start") if name in how},
        "source": chain.sparse,
        "date": source["date"],
        "data": source["data"],
        "network_hash": result.attrs["network_hash"],
        "test": {
            **{name: int(result.attrs[name]) for name in ("items", "steps")},
            "engine": result.attrs["engine"],
            **({} if chain.input == "spiking" else {"input": chain.input}),
            "ann_accuracy": float(result.attrs["ann_accuracy"]),
            **{name: told[name] for name in ("peak_accuracy", "pareto_latency", "pareto_power")},
            "accuracy": result["accuracy"].values.tolist(),
        },
        "versions": versions(),
    }
    if search is not None:
        card |= {"test_of_the_start": search["test"]["start"], "search": {key: search[key] for key in kept}}
    return card


def _frame(commands: Mapping[str, Sequence[Mapping[str, str]]]) -> Any:
    import pandas as pd

    return pd.DataFrame([{"model": model, **each} for model, done in commands.items() for each in done])


def _report(tables: Sequence[str], commands: Mapping[str, Sequence[Mapping[str, str]]], folder: Path) -> str:
    """The report as Markdown."""
    parts = ["# The paper's tables beside ours", *(table.strip() for table in tables)]
    for model in commands:
        pictures = [f"![{file.stem}]({file.relative_to(folder)})" for file in sorted((folder / model).glob("*.png"))]
        parts += [f"## {model}", *pictures]
    parts += [
        "## Every run",
        "In this order; seeds that are not named are 0, and the cards beside the models hold the rest.",
    ]
    for model, done in commands.items():
        lines = [f"{each['command']}" + (f"  # run {each['run'][:8]}" if each["run"] else "") for each in done]
        parts += [f"### {model}", "\n".join(["```console", *lines, "```"])]
    return "\n\n".join(parts) + "\n"


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    return "\n".join([*answer["tables"].values(), "written:", *(f"  {file}" for file in answer["files"])])
