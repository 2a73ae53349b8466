"""The converters of other tools beside snnviz': the same classifier, the same items to normalise on, images as currents.

    python -m benchmarks.converters                                  in the environments that `make peers` makes
    python -m benchmarks.converters spikingjelly=/some/python        in another
    python -m benchmarks.converters --networks dense-mnist           of this classifier only; the others' rows stay
    python -m benchmarks.converters --missing                        what the record has no row of, as after an interruption

Writes benchmarks/results/converters.json and docs/converters_table.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.case import save_case
from benchmarks.peers import setup
from snnviz import convert, datasets
from snnviz.conversion import fold, load_keras
from snnviz.simulation import analog, simulate

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "benchmarks" / "results" / "converters.json"
TABLE = ROOT / "docs" / "converters_table.md"
NETWORKS = {"dense-mnist": ("mnist", 500), "conv-mnist": ("mnist", 100), "conv-cifar10": ("cifar10", 40)}
"""Classifiers, their data, and how many test images."""
NORMALISED_ON, STEPS, TIMED = 1000, 64, 8
SHOWN = (1, 2, 4, 8, 16, 32, 64)
OURS = {"snnviz, default": {"input": "analog"}, "snnviz, the paper's setting": {"setting": "paper"}}
THEIRS = {
    "SpikingJelly, default": "spikingjelly",
    "SpikingJelly, 99.9 % per channel, half threshold": "spikingjelly",
    "sinabs, default": "sinabs",
    "sinabs, normalised to 99 %": "sinabs",
}


def settled(accuracy, ann: float) -> int | None:
    """The step from which on the accuracy stays within 1 % of the ANN's."""
    short = np.flatnonzero(np.asarray(accuracy) < 0.99 * ann - 1e-9)
    first = 1 if len(short) == 0 else int(short[-1]) + 2
    return first if first <= len(accuracy) else None


def row(setting: str, predictions, labels, events, seconds: float) -> dict:
    """What is recorded of a setting."""
    accuracy = (np.asarray(predictions) == labels[:, None]).mean(axis=0)
    return {
        "setting": setting,
        "accuracy": [round(float(value), 4) for value in accuracy],
        "events": [round(float(value)) for value in events],
        "seconds": round(float(seconds), 5),
    }


def ours(setting: str, model, norm, tests) -> dict:
    """A setting of snnviz'."""
    network = convert(model, norm.x, y_norm=norm.y, progress=False, **OURS[setting])
    how = {"engine": "event", "input": "analog", "progress": False, "record": ["prediction"]}
    simulate(network, tests.x[:1], tests.y[:1], STEPS, **how)
    found = simulate(network, tests.x, tests.y, STEPS, **how)
    few = tests.x[:TIMED], tests.y[:TIMED]
    analog.accuracy(network, *few)  # remembered: it is no part of the simulation
    begun = time.process_time()
    simulate(network, *few, STEPS, **how)
    seconds = (time.process_time() - begun) / TIMED
    # of the first layer they are the products of the image, which are none
    return row(setting, found["prediction"], tests.y, found["synaptic_events"][:, 2:].sum("layer"), seconds)


def theirs(setting: str, python: str, folder: Path, labels) -> dict:
    """A setting of another tool's, or what it says instead."""
    script = Path(__file__).parent / "peers" / "converter_peer.py"
    files = [str(folder / name) for name in ("case.npz", "norm.npz", "answer.npz")]
    done = subprocess.run(
        [python, "-W", "ignore", str(script), setting, *files], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"setting": setting, "error": done.stderr.strip().splitlines()[-1]}
    with np.load(files[-1]) as answer:
        return row(setting, answer["predictions"], labels, answer["events"], answer["seconds"])


def measure(name: str, settings: Sequence[str], pythons: dict[str, str]) -> Iterator[dict]:
    """What is recorded of a classifier as a whole, then a row for each of the settings."""
    data, items = NETWORKS[name]
    model = load_keras(name)
    norm = datasets.load(data, split="train", limit=NORMALISED_ON)
    tests = datasets.load(data, split="test", limit=items)
    classifier = fold(model)
    yield {"items": items, "ann": analog.accuracy(classifier, tests.x, tests.y), "date": str(date.today())}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        save_case(folder / "case.npz", classifier, tests.x, tests.y, STEPS)
        np.savez(folder / "norm.npz", x=norm.x)
        for setting in settings:
            if setting in OURS:
                yield ours(setting, model, norm, tests)
            else:
                tool = THEIRS[setting]
                yield theirs(setting, pythons.get(tool) or str(setup.python_of(tool)), folder, tests.y)


def table(record: dict) -> str:
    """The recorded run as tables of Markdown."""
    parts = []
    for name, found in record["networks"].items():
        head = ["converter", *map(str, SHOWN), "settled", "events until then", "ms an item"]
        lines = [" | ".join(["", *head, ""]).strip(), "|---|" + "---:|" * (len(head) - 1)]
        for each in found["rows"]:
            if "error" in each:
                lines.append(f"| {each['setting']} | `{each['error'][:80]}` |" + " |" * (len(head) - 2))
                continue
            at = settled(each["accuracy"], found["ann"])
            cells = [
                each["setting"],
                *(f"{100 * each['accuracy'][step - 1]:.1f}" for step in SHOWN),
                f"> {STEPS}" if at is None else str(at),
                f"{'> ' if at is None else ''}{sum(each['events'][:at]) / 1e6:.3g} M",
                f"{1e3 * each['seconds']:.3g}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
        said = f"`{name}`, {found['items']} test images, ANN {100 * found['ann']:.1f} %, {found['date']}"
        parts.append("\n".join([f"{said}: accuracy in per cent after so many steps.", "", *lines]))
    return "\n\n".join(parts) + "\n"


def main(arguments: list[str]) -> int:
    """Measure, record, write the tables, each row as soon as it is there."""
    names = arguments[arguments.index("--networks") + 1 :] if "--networks" in arguments else list(NETWORKS)
    pythons = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"networks": {}}
    for name in (each for each in NETWORKS if each in names):
        kept = {row["setting"]: row for row in record["networks"].get(name, {}).get("rows", [])}
        wanted = [each for each in (*OURS, *THEIRS) if "--missing" not in arguments or each not in kept]
        measured = measure(name, wanted, pythons)
        about = next(measured)
        for found in measured:
            print(name, found["setting"], found.get("error") or found["accuracy"][-1], flush=True)
            kept[found["setting"]] = found
            rows = [kept[each] for each in (*OURS, *THEIRS) if each in kept]
            record["networks"][name] = {**about, "rows": rows}
            RECORD.write_text(json.dumps(record, indent=1) + "\n")
            TABLE.write_text(table(record))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
