"""Searchers at equal wall time: best loss against minutes, median of several seeds, on dense MNIST.

    python -m benchmarks.optimizers [--minutes 2] [--seeds 3] [--out benchmarks/results/optimizers.json]

Every searcher starts from the same network, evaluates the same objective on the same held-out training items, one after
the other and with all processors. Writes the curves (JSON) and, beside them, the figure (SVG).
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np

from snnviz import datasets, pretrained
from snnviz._files import replacing
from snnviz.optimization import optimize

RUNS: dict[str, dict[str, Any]] = {
    "gradient, scales": {"method": "gradient"},
    "gradient, scales and potentials": {"method": "gradient", "with_potentials": True},
    "auto, scales and potentials": {"method": "auto", "with_potentials": True},
    "subplex, scales": {"method": "subplex"},
    "subplex, network then layer then channel": {"method": "subplex", "per": ("network", "layer", "channel")},
    "cmaes, scales": {"method": "cmaes"},
    "cmaes, scales and potentials": {"method": "cmaes", "with_potentials": True},
    "percentile (learns nothing)": {"method": "percentile"},
}
DETERMINISTIC = ("subplex", "percentile")
"""Methods without randomness: one seed is all seeds."""


def study(network: Any, minutes: float, seeds: int, items: int) -> dict[str, Any]:
    """Best loss so far of every run on a common time axis."""
    learned, held_out = datasets.validation_split(datasets.load("mnist", split="train"))
    axis = np.linspace(0, minutes, 241)
    found: dict[str, Any] = {}
    for name, arguments in RUNS.items():
        curves, terms = [], []
        for seed in range(1 if arguments["method"] in DETERMINISTIC else seeds):
            outcome = optimize(
                network,
                held_out.x[:items],
                held_out.y[:items],
                training=(learned.x, learned.y),
                budget_minutes=minutes,
                seed=seed,
                progress=False,
                **arguments,
            )
            best = outcome.history["loss"].cummin().to_numpy()
            when = outcome.history["seconds"].to_numpy() / 60
            curves.append(best[np.maximum(np.searchsorted(when, axis, side="right") - 1, 0)])
            terms.append({**vars(outcome.best), "loss": float(best[-1]), "evaluations": len(outcome.history)})
            print(f"{name}, seed {seed}: {terms[-1]}", flush=True)
        low, median, high = np.min(curves, axis=0), np.median(curves, axis=0), np.max(curves, axis=0)
        found[name] = {"median": median.tolist(), "low": low.tolist(), "high": high.tolist(), "runs": terms}
    return {
        "minutes": axis.tolist(),
        "seeds": seeds,
        "items": items,
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "searchers": found,
    }


def draw(outcome: dict[str, Any], path: Path) -> None:
    """The figure: loss against minutes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, curve in outcome["searchers"].items():
        (line,) = axes.plot(outcome["minutes"], curve["median"], label=name)
        axes.fill_between(
            outcome["minutes"], curve["low"], curve["high"], color=line.get_color(), alpha=0.15, linewidth=0
        )
    axes.set(xlabel="minutes", ylabel="best loss $L_{SNN}$ so far", title="Searchers at equal wall time, dense MNIST")
    axes.legend(fontsize="small", frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary)
    plt.close(figure)


def main() -> None:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--network", default="dense-mnist-heuristic", help="a network file or the name of a shipped one"
    )
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/optimizers.json"))
    args = parser.parse_args()
    outcome = study(pretrained.network(args.network), args.minutes, args.seeds, args.items)
    outcome["network"] = args.network
    with replacing(args.out) as temporary:
        temporary.write_text(json.dumps(outcome))
    draw(outcome, args.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
