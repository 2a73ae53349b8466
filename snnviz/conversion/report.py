"""How well a converted network stands for its ANN, layer by layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz import _progress
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.network import SpikingNetwork
from snnviz.simulation import analog

if TYPE_CHECKING:
    import keras
    import pandas as pd

TRACE_BUDGET = 128 * 2**20
"""Bytes of spike trains held at one time."""


@checked
def conversion_report(
    network: SpikingNetwork,
    x: np.ndarray | Recordings,
    steps: int = 50,
    model: keras.Model | None = None,
    *,
    y: np.ndarray | None = None,
    x_model: np.ndarray | None = None,
    engine: str = "graph",
    batch_size: int | None = None,
    progress: bool = True,
    **settings: Any,
) -> pd.DataFrame:
    """Compare a converted network with its ANN on some items.

    Args:
        network: the network, from `snnviz.convert`.
        x: float intensities `(items, *network.input_shape)` in [0, 1]; a hundred items give a fair picture. With
            input "spikes" what `snnviz.simulate` takes; the ANN is then given the events a step of each pixel, at most 1.
        steps: number of time steps T after which firing rates are compared.
        model: the Keras model it came from, to compare classes with.
        y: the items' labels (items,). With them the report has accuracies, which a wrong input range cannot hide from.
        x_model: the same items as the model takes them, (items, ...) in its own range; None multiplies `x` by the range that
            the conversion went by, so that the comparison shares its assumption.
        engine: "graph" or "event".
        batch_size: items simulated at once; None lets a memory budget decide.
        progress: show a progress bar if it takes more than two seconds.
        **settings: the other fields of `snnviz.simulation.Settings`, e.g. reset.

    Returns:
        One row per population, the input first, with the columns

        - kind, neurons, synapses (connections with a weight that is not zero);
        - scale: what the ANN's activations were multiplied by (the median over channels where there are several), and
          percentile_activation, one over it; NaN if the network does not say;
        - saturated: the fraction of analog activations above 1, which no firing rate reaches;
        - active: the fraction of analog activations above 0;
        - dead: the fraction of neurons never active on `x`;
        - rate_error: mean of `abs(spikes / T - min(a, 1))` over items and neurons, a the analog activation;
        - rate_bias: the same without the absolute value.

        The last population never fires: its last five are NaN. `attrs` hold items, steps, percentile, per,
        "spiking_agreement" (the fraction of items whose class after T steps is the analog network's) and, with `model`,
        "model_agreement" (whose class by the analog network is the model's) and "spiking_model_agreement". With `y` they hold
        "accuracy" of the analog network, "spiking_accuracy" after T steps and, with `model`, "model_accuracy".

    Raises:
        InputError: if an argument is wrong.
    """
    import pandas as pd

    from snnviz.simulation.encoding import Inputs
    from snnviz.simulation.engines import make_engine
    from snnviz.simulation.settings import Record, Settings
    from snnviz.simulation.synops import synapses

    options = Settings(steps=steps, **settings)
    inputs = Inputs.of(network, x, options)
    x = inputs.rates(0, len(inputs))
    if batch_size is not None:
        check.integer("batch_size", batch_size, 1)
    labels = None if y is None else check.labels("y", y, len(x), network.classes)
    firing = network.firing_names if options.input != "analog" else network.firing_names[1:]
    neurons = network.neurons
    room = TRACE_BUDGET // (steps * sum(neurons[name] for name in firing)) if firing else len(x)
    size = min(batch_size or max(1, room), len(x))
    simulator = make_engine(engine, network, options, Record(spikes=firing, items=size))
    totals = {name: np.zeros(4) for name in network.firing_names}  # saturated, active, |error|, error
    ever_active = {name: np.zeros(neurons[name], bool) for name in network.firing_names}
    analog_class = np.empty(len(x), np.int64)
    spiking_class = np.empty(len(x), np.int64)
    with _progress.bar(len(x), "comparing", "item", progress) as bar:
        for part, values in analog.batches(network, x, size):
            count = part.stop - part.start
            block = simulator.run(inputs.part(part.start, part.stop), traced=count)
            analog_class[part] = values[network.layer_names[-1]].argmax(axis=1)
            spiking_class[part] = block.output[:, -1].argmax(axis=1)
            for name in network.firing_names:
                activity = values[name].reshape(count, -1)
                ever_active[name] |= (activity > 0).any(axis=0)
                error: Any = np.full((), np.nan)
                if name in block.spike_trains:
                    error = block.spike_trains[name].mean(axis=1, dtype=np.float64) - np.minimum(activity, 1)
                totals[name] += [(activity > 1).sum(), (activity > 0).sum(), np.abs(error).sum(), error.sum()]
            bar.update(count)

    scales = network.metadata.get("scales", {})
    rows = []
    for position, name in enumerate(network.layer_names):
        layer = network.layers[position - 1] if position else None
        scale = 1.0 if layer is None else float(np.median(scales.get(name, np.nan)))
        row: dict[str, Any] = {
            "layer": name,
            "kind": "input" if layer is None else "pooling" if layer.pools else layer.kind,
            "neurons": neurons[name],
            "synapses": 0 if layer is None else synapses(layer, "nonzero"),
            "scale": scale,
            "percentile_activation": 1 / scale,
        }
        fractions = np.full(5, np.nan)
        if name in totals:
            saturated, active, distance, bias = totals[name] / (len(x) * neurons[name])
            fractions[:] = saturated, active, 1 - ever_active[name].mean(), distance, bias
        rows.append(row | dict(zip(("saturated", "active", "dead", "rate_error", "rate_bias"), fractions, strict=True)))
    report = pd.DataFrame(rows).set_index("layer")
    report.attrs = {
        "items": len(x),
        "steps": steps,
        "percentile": network.metadata.get("percentile"),
        "per": network.metadata.get("per"),
        "spiking_agreement": float((spiking_class == analog_class).mean()),
    }
    classes = {"accuracy": analog_class, "spiking_accuracy": spiking_class}
    if model is not None:
        if x_model is None:
            expected = model_classes(model, x, float(network.metadata.get("input_range", 1.0)))
        else:
            expected = model_classes(model, _same_items(x_model, x, model))
        report.attrs["model_agreement"] = float((analog_class == expected).mean())
        report.attrs["spiking_model_agreement"] = float((spiking_class == expected).mean())
        classes["model_accuracy"] = expected
    if labels is not None:
        report.attrs |= {name: float((found == labels).mean()) for name, found in classes.items()}
    return report


def _same_items(x_model: Any, x: np.ndarray, model: Any) -> np.ndarray:
    """`x_model` as float32, as many items as `x` of the model's input shape."""
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which is refused below
        array = np.asarray(x_model, np.float32)
    if array.ndim == 0 or len(array) != len(x) or array[0].size != math.prod(model.input_shape[1:]):
        raise InputError(
            f"`x_model` must have the items of `x` ({len(x)}) in the model's shape {model.input_shape[1:]}. "
            f"Received: {check.describe(array)}"
        )
    return check.finite("x_model", array)


def model_classes(model: Any, x: np.ndarray, input_range: float = 1.0, batch_size: int = 256) -> np.ndarray:
    """The classes that a Keras model gives intensities in [0, 1], int64 (items,).

    Args:
        model: the Keras model.
        x: float intensities (items, ...), reshaped to what the model takes.
        input_range: what the model takes for full intensity.
        batch_size: items at a time.
    """
    images = (x * np.float32(input_range)).reshape(len(x), *model.input_shape[1:])
    return model_scores(model, images, batch_size).argmax(axis=1).astype(np.int64)


def model_scores(model: Any, x: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """The class scores that a Keras model gives items as it takes them, (items, classes)."""
    return np.asarray(model.predict(x, batch_size=batch_size, verbose=0)).reshape(len(x), -1)
