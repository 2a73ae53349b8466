"""Tries batch sizes for the peers, to choose those of `benchmarks.rows`.

    python -m benchmarks.tune conv-mnist                 every peer
    python -m benchmarks.tune conv-cifar10 sinabs torch

Prints milliseconds an item (best of two runs) and the process's peak memory so far for growing batches; stops at 2 GB.
"""

from __future__ import annotations

import argparse

from benchmarks.case import save_case
from benchmarks.networks import random_images, random_network
from benchmarks.rows import ROWS, named
from benchmarks.workers import WORK, Case, Worker, WorkerError

BATCHES = {
    "dense-mnist": (100, 250, 500, 1000),
    "conv-mnist": (2, 4, 8, 16, 32, 64),
    "conv-cifar10": (1, 2, 4, 8, 16),
}
MOST_MEMORY_MB = 2000


def main(arguments: list[str] | None = None) -> int:
    """Try and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tune", description=__doc__)
    parser.add_argument("column", choices=list(BATCHES))
    parser.add_argument("rows", nargs="*", metavar="ROW", default=[row.name for row in ROWS if row.environment])
    options = parser.parse_args(arguments)
    batches = BATCHES[options.column]
    network = random_network(options.column)
    case = Case(options.column, WORK / "cases" / f"tune-{options.column}.npz", batches[-1], 50)
    save_case(case.path, network, random_images(network, case.items), None, case.steps)
    for row in named(options.rows):
        worker = None
        try:
            worker = Worker(row)
            for batch in batches:
                items = min(case.items, 4 * batch)
                worker.load(case, batch=batch, items=items)
                seconds = min(worker.send("run")["seconds"] for _ in range(2))
                memory = worker.answer()[0]["peak_mb"]
                print(
                    f"{row.name:24} batch {batch:5} {1e3 * seconds / items:9.2f} ms an item {memory:7.0f} MB",
                    flush=True,
                )
                if memory > MOST_MEMORY_MB:
                    break
        except WorkerError as error:
            print(f"{row.name:24} {error}")
        finally:
            if worker is not None:
                worker.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
