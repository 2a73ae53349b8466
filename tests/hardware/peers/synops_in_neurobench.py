"""Runs in the environment of NeuroBench: its metrics of a case written as a PyTorch model.

    python synops_in_neurobench.py CASE.npz INPUT ANSWER.json

INPUT is "spiking", neurons for the pixels as snnviz has them, or "analog", the image itself at every step.
"""

import json
import sys
from pathlib import Path

import torch
from neurobench.benchmarks import Benchmark
from neurobench.metrics.static import ConnectionSparsity, Footprint, ParameterCount
from neurobench.metrics.workload import SynapticOperations
from neurobench.models import TorchModel
from torch.utils.data import DataLoader, TensorDataset

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks" / "peers"))

from common import Case
from torch_common import channels_first, flattens, linear_layer


class Network(torch.nn.Module):
    """The network as one would write it in PyTorch: pooling is AvgPool2d, followed by neurons."""

    def __init__(self, case, spiking):
        super().__init__()
        self.linear = torch.nn.ModuleList(linear_layer(layer) for layer in case.layers)
        self.flattens = [flattens(layer) for layer in case.layers]
        self.steps, self.initial, self.spiking = case.steps, case.initial_potential, spiking

    def forward(self, images):
        membranes = [torch.full_like(images, self.initial), *[None] * len(self.linear)]
        for _ in range(self.steps):
            signal = images
            if self.spiking:
                membranes[0] = membranes[0] + images
                signal = membranes[0].ge(1).float()
                membranes[0] -= signal
            for index, linear in enumerate(self.linear, start=1):
                current = linear(signal.flatten(1) if self.flattens[index - 1] else signal)
                before = torch.full_like(current, self.initial) if membranes[index] is None else membranes[index]
                membranes[index] = before + current
                if index < len(self.linear):
                    signal = membranes[index].ge(1).float()
                    membranes[index] -= signal
        return membranes[-1]


def main(case_file, kind, answer_file):
    case = Case({"case": case_file})
    images = channels_first(case.x)
    data = DataLoader(TensorDataset(images, torch.zeros(len(images))), batch_size=len(images))
    model = TorchModel(Network(case, kind == "spiking"))
    static = [Footprint, ParameterCount, ConnectionSparsity]
    found = Benchmark(model, data, [], [], [static, [SynapticOperations]]).run(quiet=True)
    Path(answer_file).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
