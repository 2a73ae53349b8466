"""What the cores of a SpiNNaker machine do, in integers, written from sPyNNaker's C sources and not from snnviz's model.

It takes what the program on the host takes, the arrays of `network.npz`, and gives what it records. Membranes are 32-bit numbers of
2^-15; a ring buffer is 16 bits without sign and saturates (synapses.c, neuron_model_if_trunc.h of sPyNNaker 7.4.1). It is no
stand-in for a board: time, lost packets and the tool chain are not in it.
"""

import json

import numpy as np

ONE = 2**15


def record(arrays, shifts):
    """The arrays of `recorded.npz` for all items.

    Args:
        arrays: of `network.npz`.
        shifts: for each layer the ring buffers' shifts (excitatory, inhibitory).
    """
    job = json.loads(arrays["job"].tobytes())
    layers, steps, items = job["layers"], job["steps"], job["items"]
    spikes = np.unpackbits(arrays["input_spikes"], axis=-1, count=layers[0]["neurons"])
    found = {"done": np.array(items), "output": np.empty((items, steps, layers[-1]["neurons"]), np.float32)}
    for index, layer in enumerate(layers[1:-1], start=1):
        found[f"spikes_{index}"] = np.zeros((items, steps, layer["neurons"]), bool)
    for item in range(items):
        membranes = [
            np.rint(arrays[f"potential_{i}"].astype(float) * ONE).astype(np.int64) for i in range(len(layers) - 1)
        ]
        sent = [np.zeros(layer["neurons"], bool) for layer in layers]
        for tick in range(steps + 1):
            if tick:  # a membrane is recorded before it moves
                found["output"][item, tick - 1] = membranes[-1] / ONE
            if tick == steps:
                break
            now = [spikes[item, tick].astype(bool)]
            for i, layer in enumerate(layers[1:]):
                current = np.rint(arrays[f"bias_{i}"].astype(float) * ONE).astype(np.int64)
                for sign, shift in zip((1, -1), shifts[i], strict=True):
                    current = current + sign * (_ring_buffer(arrays, i, sign, shift, sent, layer["neurons"]) << shift)
                v = membranes[i] + current
                if i == len(layers) - 2:
                    membranes[i] = v
                    continue
                v = np.maximum(v, 0)
                fired = v >= ONE
                membranes[i] = np.where(fired, 0, v)
                found[f"spikes_{i + 1}"][item, tick] = fired
                now.append(fired)
            sent = now
    return found


def _ring_buffer(arrays, i, sign, shift, sent, neurons):
    """What has arrived at each neuron: whole numbers, saturated at 16 bits."""
    arrived = [sent[source][pre] for source, pre in zip(arrays[f"source_{i}"], arrays[f"pre_{i}"], strict=True)]
    chosen = (np.sign(arrays[f"weight_{i}"]) == sign) & np.array(arrived, bool)
    weights = np.rint(np.abs(arrays[f"weight_{i}"][chosen].astype(float)) * 2.0 ** (15 - shift)).astype(np.int64)
    total = np.zeros(neurons, np.int64)
    np.add.at(total, arrays[f"post_{i}"][chosen], weights)
    return np.minimum(total, 2**16 - 1)
