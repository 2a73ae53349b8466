"""What torch and Keras export of each kind of layer and option answers as it did, or is refused by name."""

import io
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from snnviz import InputError, convert
from snnviz.importing.imported import build

HERE = Path(__file__).parent
CLOSE = 1e-4
# name before the last "-" -> what the message says of it
REFUSED = {
    "activation-CELU(alpha=1.0)": "(Celu)",
    "activation-GELU(approximate='tanh')": "approximates Gelu by tanh",
    "activation-Softplus(beta=1.0,threshold=20.0)": "(Greater)",
    "activation-Softsign()": "(Abs)",
    "activation-Threshold(threshold=0,value=0)": "(LessOrEqual)",
    "conv-reflect": "pads with reflect; pad with zeros",
    "groupnorm": "InstanceNormalization",
    "layernorm": "(LayerNormalization): .* batch normalisation and retrain",
    "lstm": "(LSTM)",
    "sliced": "reordered in a way that no layer undoes",
    "transposed": "(ConvTranspose)",
    "upsampled": "(Resize)",
    "dense-of-maps": "mixes items; keep items apart",  # tf2onnx flattens items and positions together
    "normalization": "must have one input",  # tf2onnx makes inputs of the layer's mean and variance
}
READ_OLD = {
    ("activation-Softplus(beta=1.0,threshold=20.0)", "old"),
    ("activation-Threshold(threshold=0,value=0)", "old"),
}


def archives():
    return sorted(HERE.glob("exports-*.zip"))


EVERY = 4
"""Of the exports that are read, one of so many is among the quick tests."""


def exports():
    for archive in archives():
        with zipfile.ZipFile(archive) as opened:
            names = sorted(name.removesuffix(".onnx") for name in opened.namelist() if name.endswith(".onnx"))
        for place, name in enumerate(names):
            quick = place % EVERY == 0 or name.rpartition("-")[0] in REFUSED
            yield pytest.param(archive.name, name, marks=() if quick else pytest.mark.slow)


@pytest.fixture(scope="module")
def opened():
    return {archive.name: zipfile.ZipFile(archive) for archive in archives()}


@pytest.mark.parametrize(("archive", "name"), list(exports()), ids=lambda value: value)
def test_an_export_answers_as_its_origin_or_is_refused_by_name(archive, name, opened):
    model = onnx.load_model_from_string(opened[archive].read(f"{name}.onnx"))
    case, _, how = name.rpartition("-")
    if case in REFUSED and (case, how) not in READ_OLD:
        with pytest.raises(InputError) as caught:
            build(model, name)
        assert all(part in str(caught.value) for part in REFUSED[case].split(" .* "))
        return
    held = np.load(io.BytesIO(opened[archive].read(f"{name}.npz")))
    read = build(model, name)
    items = read.channels_last(held["x"].astype(np.float32) / 256)
    answers = np.asarray(read.model(items)).reshape(held["y"].shape)
    np.testing.assert_allclose(answers, held["y"], rtol=0, atol=CLOSE * max(1, np.abs(held["y"]).max()))


@pytest.mark.parametrize("case", ["torch/conv1d", "torch/conv1d-global", "keras/conv1d"])
def test_networks_of_signals_convert(case, opened):
    kind, _, case = case.partition("/")
    archive = opened[f"exports-{kind}.zip"]
    names = {name for name in archive.namelist() if name.endswith(".onnx") and name.rpartition("-")[0] == case}
    assert names
    for name in sorted(names):
        read = build(onnx.load_model_from_string(archive.read(name)), name)
        held = np.load(io.BytesIO(archive.read(name.replace(".onnx", ".npz"))))
        network = convert(
            read, held["x"].astype(np.float32) / 256, setting="paper", progress=False
        )  # channels first, for torch
        assert network.metadata["import"]["folded"] == 1, name
        assert len(network.input_shape) == 3
