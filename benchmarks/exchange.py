"""What other simulators make of our NIR graphs: as they load them, and with the scripts of `snnviz hardware nir --for`.

    python -m benchmarks.exchange                       in the environments that `make peers` makes
    python -m benchmarks.exchange norse=/some/python    in another

Writes benchmarks/results/exchange.json and docs/exchange_table.md.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.peers import setup
from snnviz import datasets, pretrained
from snnviz.hardware import nir, outside
from snnviz.hardware.nir import tools
from snnviz.hardware.nir.loaders import TOOLS
from snnviz.simulation import Record, simulate

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "benchmarks" / "results" / "exchange.json"
TABLE = ROOT / "docs" / "exchange_table.md"
NETWORKS = ("dense-mnist-optimized", "dense-mnist-pooled-heuristic", "conv-mnist-optimized")
ITEMS, STEPS = 100, 20


def as_loaded(network, tool, python, x):
    """Predictions equal to ours and all spikes, or what the tool says instead."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        graph = nir.save(network, folder / "graph.nir")
        np.savez(folder / "images.npz", x=np.ascontiguousarray(np.moveaxis(x, -1, 1)), steps=STEPS)
        script = Path(__file__).parent / "peers" / "nir_as_loaded.py"
        command = [
            python,
            "-W",
            "ignore",
            str(script),
            tool,
            str(graph),
            *(str(folder / end) for end in ("images.npz", "answer.json")),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raised = re.findall(r"^\w+(?:Error|Exception).*", done.stderr, re.MULTILINE)
            return {"error": raised[-1] if raised else done.stderr.strip().splitlines()[-1]}
        answer = json.loads((folder / "answer.json").read_text())
    record = Record(spikes=network.firing_names, logits=True, items=len(x))
    ours = simulate(network, x, np.zeros(len(x), int), STEPS, engine="event", record=record, progress=False)
    equal = ours["logits"].values[:, -1].argmax(-1) == np.array(answer["classes"])
    spikes = sum(int(ours[f"spikes_{name}"].sum()) for name in network.firing_names)
    return {"equal_predictions": int(equal.sum()), "ours": spikes, "theirs": sum(answer["spikes"].values())}


def with_script(network, tool, python, x):
    """The same with the tool's script, for the network as it is and with weights whose sums are exact."""
    found = {}
    for name, one in (("network", network), ("dyadic", outside.dyadic(network))):
        compared = tools.compare(one, tool, python, x, STEPS)
        found[name] = {**asdict(compared), "equal": compared.equal}
    return found


def table(record):
    """The recorded run as a table of Markdown."""
    lines = [
        "| simulator | network | as loaded | with the script | with the script, dyadic weights |",
        "|---|---|---|---|---|",
    ]
    for row in record["rows"]:
        loaded, found = row["as_loaded"], row["with_script"]["network"]
        items = record["items"]
        here, there = (sum(layer[name] for layer in found["layers"]) / items for name in ("ours", "theirs"))
        exact = row["with_script"]["dyadic"]
        cells = [
            row["tool"],
            row["network"],
            f"`{loaded['error'][:60]}`"
            if "error" in loaded
            else f"{loaded['equal_predictions']} of {items}; {loaded['theirs'] / items:.1f} for {loaded['ours'] / items:.1f}",
            f"{found['equal_predictions']} of {items}; {there:.1f} for {here:.1f}",
            "every spike equal" if exact["equal"] else f"{exact['equal_predictions']} of {items}, spikes differ",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    versions = ", ".join(package for packages in TOOLS.values() for package in packages.split() if "==" in package)
    said = (
        f"Predictions equal to snnviz's, and spikes an image there for those here: {record['items']} MNIST test images, "
        f"{record['steps']} steps, {record['date']}; {versions}. A name in code is what the simulator says instead."
    )
    return "\n".join([*lines, "", said, ""])


def main(arguments: list[str]) -> int:
    """Measure, record, write the table."""
    given = dict(argument.split("=", 1) for argument in arguments)
    x = datasets.load("mnist", split="test", limit=ITEMS).x
    rows = []
    for tool in TOOLS:
        python = given.get(tool) or str(setup.python_of(tool))
        for name in NETWORKS:
            network = pretrained.network(name)
            row = {"tool": tool, "network": name, "as_loaded": as_loaded(network, tool, python, x)}
            row["with_script"] = with_script(network, tool, python, x)
            rows.append(row)
            print(
                tool,
                name,
                row["as_loaded"],
                {key: value["equal"] for key, value in row["with_script"].items()},
                flush=True,
            )
    record = {"items": ITEMS, "steps": STEPS, "date": str(date.today()), "rows": rows}
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    TABLE.write_text(table(record))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
