"""`snnviz hardware spinnaker`: map a network to a virtual SpiNNaker board, or run it on a real one.

With --target dry-run, let sPyNNaker map a network to a virtual SpiNN-5 board: cores, chips, memory, routing entries, bursts of
spikes, and what to do about them. With the other targets, run it on SpiNNaker. Credentials come from the environment or the
keyring: SPALLOC_USER and SPALLOC_PASSWORD, or EBRAINS_TOKEN.

Example: snnviz hardware spinnaker dense-mnist-pooled-spinnaker
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from snnviz import _checks as check
from snnviz._options import options_of
from snnviz.cli import _job, _options
from snnviz.cli.metrics import of_result
from snnviz.errors import InputError
from snnviz.jobs.work import dryrun
from snnviz.jobs.work.spinnaker import Options

TARGETS = "dry-run, board, spalloc or ebrains (default: dry-run)"
PICTURES = (".png", ".pdf", ".svg")


JOB = _job.Order(Options, without=("engine",), changes={"target": {"default": "dry-run", "help": TARGETS}})


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument("--plan", metavar="FILE.json", help=_options.help_of(options_of(dryrun.Options)["plan"]))
    parser.add_argument("--map", metavar="FILE", help="file for the map of chips and cores (.png, .pdf or .svg)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Map or run."""
    from snnviz.hardware.spinnaker.targets import TARGETS

    dry = check.choice("--target", args.target, ("dry-run", *TARGETS)) == "dry-run"
    for option, value, of_dry in (("--out", args.out, False), ("--plan", args.plan, True), ("--map", args.map, True)):
        if value is not None and dry != of_dry:
            kind = "a dry run" if of_dry else "a run on a machine"
            raise InputError(f"`{option}` is for {kind}. Received: target {args.target!r}")
    if args.map is not None and Path(args.map).suffix not in PICTURES:
        raise InputError(f"`--map` must end in {' or '.join(PICTURES)}. Received: {check.describe(args.map)}")
    answer = _job.done("dryrun" if dry else "spinnaker", args)
    if dry and args.map and "background" not in answer:
        from snnviz import plots
        from snnviz.hardware.spinnaker.dryrun import Plan

        plots.save(plots.chip_map(Plan.of(answer)), args.map, width=plots.DOUBLE_COLUMN)
    return {**answer, "map": args.map} if dry else answer


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    if answer["target"] != "dry-run":
        return of_result(f"{answer['items']} items x {answer['steps']} steps on SpiNNaker ({answer['target']})", answer)
    fits = "fits one SpiNN-5 board" if answer["fits_one_board"] else f"needs {answer['boards']} SpiNN-5 boards"
    lines = [
        f"{answer['network']} {fits}: {answer['application_cores']} cores on {answer['used_chips']} of {len(answer['chips'])} "
        f"chips, {answer['sdram'] / 2**20:.2f} MiB, {answer['routing_entries']} of {answer['chips'][0]['router']} routing "
        f"entries on one chip ({answer['seconds']:.0f} s)",
        "",
        f"{'layer':14}{'neurons':>9}{'cores':>7}{'KiB':>9}{'synapses':>10}{'fan-in':>8}{'fan-out':>9}{'burst':>7}{'arrivals':>10}"
        "  shifts",
    ]
    for layer in answer["layers"]:
        shifts = "-" if layer["shifts"] is None else f"{layer['shifts'][0]}, {layer['shifts'][1]}"
        lines.append(
            f"{layer['name']:14}{layer['neurons']:>9}{layer['cores']:>7}{layer['sdram'] / 1024:>9.1f}{layer['synapses']:>10}"
            f"{layer['fan_in']:>8}{layer['fan_out']:>9}{layer['burst']:>7}{layer['arrivals']:>10}  {shifts}"
        )
    lines += ["", *answer["warnings"]] if answer["warnings"] else ["", "no warnings"]
    written = [f"{what} written to {answer[what]}" for what in ("plan", "map") if answer[what]]
    return "\n".join([*lines, *(["", *written] if written else [])])
