"""Results made up for tests: they follow the schema of `snnviz.results` without a simulation."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr


def result_of(accuracy, events, *, ann=0.9, title="", layers=None, **attrs) -> xr.Dataset:
    """A result with the given A(t) and synaptic events, (T,) for a single layer or (T, layers)."""
    accuracy = np.asarray(accuracy, float)
    events = np.asarray(events, float)
    events = events[:, None] if events.ndim == 1 else events
    names = layers or [f"dense_{index + 1}" for index in range(events.shape[1])]
    steps = len(accuracy)
    rates = np.zeros((steps, len(names) + 1))
    rates[:, :-1] = np.linspace(0.05, 0.2, steps)[:, None] / np.arange(1, len(names) + 1)
    return xr.Dataset(
        {
            "accuracy": ("time", accuracy),
            "synaptic_events": (("time", "layer"), np.hstack([np.zeros((steps, 1)), events])),
            "spike_rate": (("time", "layer"), rates),
            "label": ("item", np.arange(8) % 3),
        },
        coords={"time": np.arange(1, steps + 1), "layer": ["input", *names], "class": ["a", "b", "c"]},
        attrs={
            "ann_accuracy": ann, "network_hash": "0" * 64, "engine": "event", "engine_choice": "asked for",
            "settings": json.dumps({"steps": steps}), "seed": 0, "items": 8, "steps": steps,
            "neurons": json.dumps({"input": 4, **dict.fromkeys(names, 3)}), "wall_time_s": 1.5,
            "versions": json.dumps({"snnviz": "0.1.0"}), "title": title, **attrs,
        },
    )  # fmt: skip


def dense_mnist(*, fast=False, steps=50, title="dense MNIST", **attrs) -> xr.Dataset:
    """A smooth result shaped like dense MNIST's."""
    time = np.arange(1, steps + 1)
    accuracy = 0.9836 - 0.88 * np.exp(-time / (0.8 if fast else 2.2))
    rise = 1 - np.exp(-time / 3)
    load = np.array([[13000.0, 3400.0, 210.0]]) * (0.3 if fast else 1.0)
    neurons = {"input": 784, "dense_1": 128, "dense_2": 128, "dense_3": 10}
    attributes = {"neurons": json.dumps(neurons), "dataset": "mnist", "items": 10000, **attrs}
    return result_of(accuracy, load * rise[:, None], ann=0.9836, title=title, **attributes)
