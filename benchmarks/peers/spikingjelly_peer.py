"""SpikingJelly: multi-step IF neurons with soft reset, all steps of a layer at once, channels last.

Its SynOpCounter is optional; it sees convolutions and matrix products, not pooling, and silently counts nothing under
`torch.inference_mode`, so `torch.no_grad` is used here.
"""

from __future__ import annotations

import spikingjelly.activation_based.layer as sj_layers
import torch
from common import Answer, serve
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.neuron import IFNode
from spikingjelly.activation_based.op_counter import DispatchCounterMode, SynOpCounter
from torch_common import channels_first, flattens, linear_layer


def prepare(case):
    def fire():
        node = IFNode(v_threshold=1.0, v_reset=None, step_mode="m")
        node.set_reset_value("v", case.initial_potential)  # what `reset_net` sets
        return node

    modules = [fire()]
    for index, layer in enumerate(case.layers):
        if flattens(layer):
            modules.append(sj_layers.Flatten(step_mode="m"))
        modules.append(linear_layer(layer, sj_layers, step_mode="m"))
        if index < len(case.layers) - 1:
            modules.append(fire())
    network = torch.nn.Sequential(*modules).eval()

    def simulate(images):
        functional.reset_net(network)
        drive = channels_first(images)
        currents = network(drive.expand(case.steps, *drive.shape))
        return case.initial_potential + currents.cumsum(0)  # the last layer integrates without firing

    def run():
        predictions = torch.empty(len(case.x), case.steps, dtype=torch.int16)
        events = 0
        for start, images in case.batches():
            if case.count:
                counter = SynOpCounter()
                with DispatchCounterMode([counter]):
                    potentials = simulate(images)
                events += counter.get_total()
            else:
                potentials = simulate(images)
            predictions[start : start + len(images)] = potentials.argmax(2).T
        return Answer(predictions.numpy(), [events] if case.count else None)

    import importlib.metadata

    return run, {"spikingjelly": importlib.metadata.version("spikingjelly"), "torch": torch.__version__}


if __name__ == "__main__":
    serve(prepare)
