"""`snnviz optimize`: scales of a spiking network for early and cheap answers."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz import _checks as check

HELD_OUT = 10_000
"""Training items that `snnviz train` holds out: the default items of the objective, which the ANN was not fitted to."""


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "optimize",
        help="tune a network so that it answers early and cheaply",
        description="Search for scales (and, with --with-potentials, initial potentials) that minimise lambda_e (1 - peak "
        "accuracy) + lambda_l P_l + lambda_p P_p. The objective is evaluated on training items held out from training, the "
        "gradient learns from the others, and the test set is only reported on.",
    )
    parser.add_argument("network", metavar="NETWORK", help="a network file (.npz), or the name of a shipped network")
    parser.add_argument("--method", default="auto", help="auto, gradient, subplex, cmaes or percentile (default: auto)")
    parser.add_argument(
        "--per", default="channel", metavar="WHAT[,WHAT]",
        help="network, layer or channel; several from coarse to fine for stages (default: channel)",
    )  # fmt: skip
    parser.add_argument("--with-potentials", action="store_true", help="search initial membrane potentials too")
    parser.add_argument("--data", default="mnist", metavar="NAME|PATH", help="data set (default: %(default)s)")
    parser.add_argument(
        "--items", type=int, default=HELD_OUT, metavar="N", help="of the objective (default: %(default)s)"
    )
    parser.add_argument("--steps", type=int, default=50, metavar="T", help="time steps (default: %(default)s)")
    parser.add_argument("--lambda-e", type=float, default=200.0, metavar="L", help="weight of 1 - peak (default: 200)")
    parser.add_argument(
        "--lambda-l", type=float, metavar="L", help="weight of P_l (default: 1 / its value at the start)"
    )
    parser.add_argument(
        "--lambda-p", type=float, metavar="L", help="weight of P_p (default: 1 / its value at the start)"
    )
    parser.add_argument("--evaluations", type=int, metavar="N", help="stop after N evaluations")
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="stop after M minutes (default without a budget: 10)"
    )
    parser.add_argument("--updates", type=int, metavar="N", help="of the gradient (default: 4000)")
    parser.add_argument("--target", metavar="CHIP", help="spinnaker: as that chip computes (with subplex or cmaes)")
    parser.add_argument("--seed", type=int, default=0, help="of the searcher (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that evaluate (default: 1)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of dask.distributed, whose workers evaluate instead")
    parser.add_argument("--checkpoint", metavar="DIR", help="folder that holds the search's state")
    parser.add_argument("--resume", action="store_true", help="go on from --checkpoint")
    parser.add_argument("--history", metavar="FILE.csv", help="file for every evaluation's loss and terms")
    parser.add_argument("--out", metavar="FILE.npz", help="file for the best network (default: NETWORK-optimized.npz)")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Load, search, report on the test set, save."""
    from pathlib import Path

    from snnviz import datasets, pretrained
    from snnviz.errors import InputError
    from snnviz.optimization import METHODS, optimize
    from snnviz.optimization.objective import checked_lambdas
    from snnviz.optimization.scales import granularities

    out = args.out or f"{Path(args.network).stem}-optimized.npz"
    if not out.endswith(".npz"):
        raise InputError(f"`--out` must end in .npz. Received: {check.describe(out)}")
    # a mistake should be answered before the data are loaded
    method = check.choice("--method", args.method, METHODS)
    per = granularities(tuple(args.per.split(",")))
    lambdas = checked_lambdas((args.lambda_e, args.lambda_l, args.lambda_p))
    items = check.integer("--items", args.items, 1)
    options: dict[str, Any] = {}
    if args.updates is not None:
        if method not in ("auto", "gradient"):
            raise InputError(f"`--updates` is of methods auto and gradient. Received: method {method!r}")
        options["updates"] = check.integer("--updates", args.updates, 1)
    network = pretrained.network(args.network)
    images = datasets.load(args.data, split="train")
    learned, held_out = datasets.validation_split(images, min(HELD_OUT, len(images) // 2))
    if items > len(held_out):
        raise InputError(f"`--items` must be at most {len(held_out)}, the items held out. Received: {items}")
    found = optimize(
        network,
        held_out.x[:items],
        held_out.y[:items],
        method=method,
        per=per,
        steps=args.steps,
        lambdas=lambdas,
        budget_evaluations=args.evaluations,
        budget_minutes=args.minutes,
        seed=args.seed,
        with_potentials=args.with_potentials,
        workers=args.workers,
        scheduler=args.scheduler,
        training=(learned.x, learned.y),
        target=args.target,
        options=options,
        checkpoint=args.checkpoint,
        resume=args.resume,
    )
    found.network.save(out)
    if args.history:
        found.history.to_csv(args.history)
    tests = datasets.load(args.data, split="test")
    return {
        "network": args.network,
        "out": out,
        "method": method,
        "per": list(per),
        "evaluations": len(found.history),
        "minutes": found.network.metadata["optimization"]["minutes"],
        "stopped": found.stopped,
        "objective": vars(found.objective),
        "loss": {"start": found.objective.loss(found.start), "best": found.objective.loss(found.best)},
        "held_out": {"items": items, "start": vars(found.start), "best": vars(found.best)},
        "test": {
            "items": len(tests),
            "start": _terms(network, tests, args.steps, args.target),
            "best": _terms(found.network, tests, args.steps, args.target),
        },
    }


def _terms(network: Any, images: Any, steps: int, target: str | None) -> dict[str, float]:
    from snnviz.hardware.spinnaker import model
    from snnviz.optimization.objective import Terms
    from snnviz.optimization.problem import Problem

    x = images.x
    if target is not None:
        network, x = model.with_pooled_input(network), model.pooled(network, x)
    problem = Problem(network, x, images.y, steps, target=target)
    return vars(Terms.of(problem.count(problem.space.start()), problem.reference))


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    tried = (
        f"{answer['evaluations']} evaluations in {answer['minutes']:.1f} min ({answer['method']}, {answer['stopped']})"
    )
    lines = [
        tried,
        f"loss {answer['loss']['start']:.4g} -> {answer['loss']['best']:.4g}",
        "",
        f"{'':17}{'held out':^26}  {'test':^26}",
        f"{'':17}{'start':>12}{'best':>14}  {'start':>12}{'best':>14}",
    ]
    for name, label, form in (
        ("peak_accuracy", "peak accuracy", "{:.2%}"),
        ("latency", "Pareto latency", "{:.4g}"),
        ("power", "Pareto power", "{:.4g}"),
    ):
        cells = [form.format(answer[part][when][name]) for part in ("held_out", "test") for when in ("start", "best")]
        lines.append(f"{label:17}{cells[0]:>12}{cells[1]:>14}  {cells[2]:>12}{cells[3]:>14}")
    return "\n".join([*lines, "", f"network written to {answer['out']}"])
