"""`snnviz hardware sanafe`: energy and latency on a model of Loihi.

Simulate a spiking network on SANA-FE's model of a Loihi chip, in an environment that has it, with a step of delay a layer as on the
chip. Compare spikes, answers and synaptic events with snnviz's, and its energy with snnviz's estimate. Both are estimates from
published constants.

SANA-FE goes into an environment of its own: python3 -m venv SANAFE; SANAFE/bin/pip install sanafe==2.2.9 numpy

Example: snnviz hardware sanafe dense-mnist-optimized --python SANAFE/bin/python
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from snnviz.cli import _options
from snnviz.jobs.work.sources import DataOptions

if TYPE_CHECKING:
    import xarray as xr

PLATFORM = "Loihi"


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument("network", metavar="NETWORK", help="a network file (.npz), or the name of a shipped network")
    _options.add_outside(parser, "SANA-FE", 10)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Simulate there and here."""
    from snnviz import pretrained
    from snnviz.hardware import outside, sanafe
    from snnviz.jobs.work.sources import data_of

    network = pretrained.network(args.network)
    data = data_of(network, args.network, DataOptions.of(args), "test", args.limit)
    given = (data.images.x, data.images.y, args.steps)
    python = args.python or sys.executable
    found, here = sanafe.simulate(network, *given, python=python)
    exact = None
    if not found["same_spikes"].all():
        exact = bool(sanafe.simulate(outside.dyadic(network), *given, python=python).there["same_spikes"].all())
    return {
        "network": args.network,
        "data": data.name,
        "note": data.note,
        "items": len(data.images),
        "steps": args.steps,
        "energy": {part: _per_item(found["energy"].sel(part=part)) for part in found["part"].values.tolist()},
        "latency": _per_item(found["latency"]),
        "deliveries": _per_item(found["deliveries"]),
        "same_events": _same_events(found),
        "layers": [
            {"name": name, "here": int(here), "there": int(there), "same": bool(same)}
            for name, here, there, same in zip(
                found["layer"].values.tolist(), found["spikes_here"].values, found["spikes"].values,
                found["same_spikes"].values, strict=True,
            )
        ],
        "same_predictions": int((found["prediction"] == found["prediction_here"])[:, -1].sum()),
        "same_when_rounded": exact,
        "estimate": _estimate(here),
    }  # fmt: skip


def _per_item(values: xr.DataArray) -> float:
    return float(values.sum("time").mean("item"))


def _same_events(found: xr.Dataset) -> bool:
    """Whether its deliveries are snnviz's events, which arrive a step after they were sent."""
    return bool((found["deliveries"].values[:, :-1] == found["events"].values[:, 1:]).all())


def _estimate(result: xr.Dataset) -> dict[str, float]:
    """snnviz's own estimate of a simulation, joules per item."""
    from snnviz import energy

    row = energy.estimate(result).set_index("platform").loc[PLATFORM]
    return {name: float(row[name]) for name in ("energy", "low", "high")}


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    from snnviz.energy import readable

    total = sum(answer["energy"].values())
    parts = ", ".join(f"{part} {readable(joules)}" for part, joules in answer["energy"].items() if joules)
    ours = answer["estimate"]
    same = sum(layer["same"] for layer in answer["layers"])
    lines = [
        answer["note"],
        f"{answer['network']} on a model of Loihi (SANA-FE), {answer['items']} items of {answer['data']}, {answer['steps']} steps",
        "",
        f"  energy an item      {readable(total):>10}   ({parts})",
        f"  snnviz's estimate   {readable(ours['energy']):>10}   (from {readable(ours['low'])} to {readable(ours['high'])})",
        f"  latency an item     {answer['latency'] * 1e6:>7.4g} µs   ({answer['latency'] / answer['steps'] * 1e6:.3g} µs a step)",
        f"  synaptic events     {answer['deliveries']:>10.6g}   ({'as' if answer['same_events'] else 'not as'} snnviz counts them)",
        f"  same answer         {answer['same_predictions']:>4} of {answer['items']}",
        f"  same spikes         {same:>4} of {len(answer['layers'])} layers",
    ]
    if answer["same_when_rounded"] is not None:
        lines += ["", f"{'layer':16}{'spikes here':>14}{'there':>14}"]
        lines += [
            f"{layer['name']:16}{layer['here']:>14}{layer['there']:>14}"
            for layer in answer["layers"]
            if not layer["same"]
        ]
        told = "every spike is the same: the rest is rounding" if answer["same_when_rounded"] else "spikes differ, too"
        lines.append(f"With weights rounded to multiples of 1/1024, {told}")
    return "\n".join(lines if lines[0] else lines[1:])
