"""SNN conversion toolbox 0.6.0 with its own INI simulator, the last release (2021), on the TensorFlow of its time.

A Keras model with the case's weights goes through the toolbox's parser, without normalisation, and is simulated batch by batch.
It is not quite the same network: the input is analog, membranes start at 0, and the output is a spiking softmax. Its
count of operations takes every neuron of a convolution to have the whole fan-out, as if there were no borders.
"""

from __future__ import annotations

import configparser
import shutil
import tempfile
from pathlib import Path

import numpy as np
from common import Answer, serve

for _name, _type in (("bool", bool), ("int", int), ("float", float), ("object", object)):
    if _name not in np.__dict__:  # removed from numpy since
        setattr(np, _name, _type)


def keras_model(case, batch):
    """The case's network as an ordinary classifier."""
    from tensorflow import keras

    model = keras.Sequential([keras.layers.InputLayer(batch_input_shape=(batch, *case.input_shape))])
    for index, layer in enumerate(case.layers):
        last = index == len(case.layers) - 1
        if layer["kind"] == "dense" and len(layer["input_shape"]) == 3:
            model.add(keras.layers.Flatten())
        if layer.get("pooling"):
            model.add(keras.layers.AveragePooling2D(layer["weights"].shape[:2], strides=tuple(layer["strides"])))
            continue
        activation = "softmax" if last else "relu"
        if layer["kind"] == "dense":
            module = keras.layers.Dense(layer["weights"].shape[1], activation=activation)
        elif layer["kind"] == "conv2d" and layer["input_shape"][:2] == layer["output_shape"][:2]:
            kernel = layer["weights"].shape
            module = keras.layers.Conv2D(kernel[3], kernel[:2], padding="same", activation=activation)
        else:
            raise ValueError(f"no module for layer {layer['name']!r}")
        model.add(module)
        module.set_weights([layer["weights"], layer["bias"]])
    model.compile("sgd", "categorical_crossentropy", ["accuracy"])
    return model


def prepare(case):
    import tensorflow as tf

    batch = max(size for size in range(1, case.batch + 1) if len(case.x) % size == 0)  # it takes whole batches only
    folder = Path(tempfile.mkdtemp(prefix="snntoolbox-"))
    keras_model(case, batch).save(str(folder / "model.h5"))
    classes = case.layers[-1]["weights"].shape[1]
    truth = np.eye(classes, dtype=np.float32)[np.zeros(len(case.x), int) if case.y is None else case.y]
    np.savez(str(folder / "x_test.npz"), case.x)
    np.savez(str(folder / "y_test.npz"), truth)
    settings = configparser.ConfigParser()
    settings.read_dict(
        {
            "paths": {"path_wd": str(folder), "dataset_path": str(folder), "filename_ann": "model"},
            "tools": {"evaluate_ann": False, "normalize": False},
            "simulation": {"duration": case.steps, "batch_size": batch, "num_to_test": len(case.x)},
            "output": {"log_vars": "{'synaptic_operations_b_t'}" if case.count else "{}", "verbose": 0},
        }
    )
    with (folder / "config.ini").open("w") as file:
        settings.write(file)

    from snntoolbox.bin.utils import import_target_sim, update_setup
    from snntoolbox.parsing.model_libs import keras_input_lib

    config = update_setup(str(folder / "config.ini"))
    parser = keras_input_lib.ModelParser(keras_input_lib.load(str(folder), "model")["model"], config)
    parser.parse()
    simulator = import_target_sim(config).SNN(config)
    simulator.build(parser.build_parsed_model(), x_test=case.x, y_test=truth)
    simulator.init_log_vars()
    simulator.init_cells()
    shutil.rmtree(folder)  # all is in memory now

    def run():
        predictions = np.empty((len(case.x), case.steps), np.int16)
        events = 0.0
        for start in range(0, len(case.x), batch):
            items = slice(start, start + batch)
            simulator.reset_log_vars()
            counts = simulator.simulate(x_b_l=case.x[items], truth_b=truth[items].argmax(1))
            simulator.reset(start // batch)
            predictions[items] = counts.argmax(axis=1)
            if case.count:
                events += simulator.synaptic_operations_b_t.sum()
        return Answer(predictions, [events] if case.count else None, batch=batch)

    return run, {"snntoolbox": "0.6.0", "tensorflow": tf.__version__}


if __name__ == "__main__":
    serve(prepare)
