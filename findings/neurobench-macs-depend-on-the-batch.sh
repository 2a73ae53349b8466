#!/bin/sh
# NeuroBench 2.3: SynapticOperations takes a layer for one of spikes, and counts accumulations, if the whole batch holds -1, 0 and 1
# alone. One item with another value makes multiply-accumulates of everybody's, so the split depends on the batch size: three items of
# spikes and one of 0.5 have accumulations of 24 in batches of one, and none in a batch of four.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6 neurobench==2.3.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from neurobench.benchmarks import Benchmark
from neurobench.metrics.workload import SynapticOperations
from neurobench.models import TorchModel
from torch.utils.data import DataLoader, TensorDataset

items = torch.ones(4, 4)
items[3] = 0.5
network = torch.nn.Sequential(torch.nn.Linear(4, 2))
found = {}
for size in (1, 4):
    data = DataLoader(TensorDataset(items, torch.zeros(4)), batch_size=size)
    benchmark = Benchmark(TorchModel(network), data, [], [], [[], [SynapticOperations]])
    found[size] = benchmark.run(quiet=True)["SynapticOperations"]
    print(f"batches of {size}: per item {found[size]}")
alone, together = found[1], found[4]
seen = (alone["Effective_ACs"], alone["Effective_MACs"]) == (6, 2) and (together["Effective_ACs"], together["Effective_MACs"]) == (0, 8)
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
