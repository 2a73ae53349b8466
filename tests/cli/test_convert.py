"""`snnviz convert` from the command line, in this process."""

import json

import keras
import numpy as np
import pytest
from keras import layers as kl

from snnviz import cli, datasets, load_network
from snnviz.cli import parser
from snnviz.cli._job import in_words_of
from snnviz.conversion import convert, load_keras
from snnviz.errors import InputError
from tests.conversion import models


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with a model that converts, one that does not, and a data set of ten small images per split."""
    folder = tmp_path_factory.mktemp("convert")
    good = models.randomised(
        keras.Sequential(
            [
                keras.Input((5, 5, 1)),
                kl.Flatten(),
                kl.Dense(6, activation="relu", name="hidden"),
                kl.Dense(3, name="classes"),
            ]
        )
    )
    good.save(folder / "good.keras")
    keras.Sequential([keras.Input((6, 6, 1)), kl.MaxPooling2D(2, name="max"), kl.Flatten(), kl.Dense(3)]).save(
        folder / "bad.keras"
    )
    random = np.random.default_rng(0)
    arrays = {}
    for split in ("train", "test"):
        arrays[f"x_{split}"] = random.integers(0, 256, (30, 5, 5, 1), dtype=np.uint8)
        arrays[f"y_{split}"] = np.arange(30) % 3
    np.savez(folder / "data.npz", **arrays)
    keras.Sequential([keras.Input((5, 5, 2)), kl.Flatten(), kl.Dense(3)]).save(folder / "two.keras")
    image = keras.Input((5, 5, 1))
    x = kl.Conv2D(2, 3, padding="same", activation="relu")(image)
    x = kl.ReLU()(kl.Add(name="sum")([x, kl.Conv2D(2, 3, padding="same")(x)]))
    models.randomised(keras.Model(image, kl.Dense(3)(kl.Flatten()(x)))).save(folder / "residual.keras")
    (folder / "empty.keras").write_bytes(b"not a model")
    return folder


def run(files, *arguments):
    """Run the command as `snnviz` does and return (exit code is 0) its answer."""
    args = cli.parser(["convert"]).parse_args(["convert", *map(str, arguments), "--data", str(files / "data.npz")])
    with in_words_of(args.parser):
        answer = args.run(args)
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert answer["run"] is None
    return answer, args.show(answer)


def test_a_network_is_written(files, tmp_path):
    out = tmp_path / "network.npz"
    answer, text = run(
        files,
        files / "good.keras",
        "--out",
        out,
        "--norm-items",
        20,
        "--percentile",
        98,
        "--per",
        "channel",
        "--setting",
        "paper",
    )
    network = load_network(out)
    x = datasets.load(str(files / "data.npz"), split="train", limit=20).x
    assert (
        network.hash
        == convert(load_keras(files / "good.keras"), x, 98.0, "channel", setting="paper").hash
        == answer["hash"]
    )
    assert answer["norm_items"] == 20
    assert [layer["name"] for layer in answer["layers"]] == ["hidden", "classes"]
    assert len(answer["layers"][0]["scale"]) == 6
    assert answer["report"] is None
    assert "2 layers, 9 neurons, percentile 98 per channel over 20 items" in text


def test_layers_may_begin_one_after_the_other(files, tmp_path):
    answer, _ = run(files, files / "good.keras", "--out", tmp_path / "network.npz", "--clamp", 1.5)
    assert [layer["onset"] for layer in answer["layers"]] == [1, 3]
    assert [layer.onset for layer in load_network(tmp_path / "network.npz").layers] == [1, 3]
    with pytest.raises(InputError, match="--clamp"):
        run(files, files / "good.keras", "--clamp", -1)


def test_layers_may_begin_when_one_says(files, tmp_path):
    answer, _ = run(files, files / "good.keras", "--out", tmp_path / "network.npz", "--onsets", "2,2")
    assert [layer["onset"] for layer in answer["layers"]] == [2, 2]
    with pytest.raises(SystemExit):
        run(files, files / "good.keras", "--out", tmp_path / "no.npz", "--onsets", "2,x")
    for wrong, message in ((("2,-1",), "--onsets"), (("2",), "one entry per layer"),
                           (("2,2", "--clamp", 1), "beside a clamp")):  # fmt: skip
        with pytest.raises(InputError, match=message):
            run(files, files / "good.keras", "--out", tmp_path / "no.npz", "--onsets", *wrong)
    assert not (tmp_path / "no.npz").exists()


def test_the_file_is_named_after_the_model(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer, _ = run(files, files / "good.keras")
    assert answer["out"] == "good.npz"
    assert (tmp_path / "good.npz").is_file()


def test_report(files, tmp_path):
    answer, text = run(
        files,
        files / "good.keras",
        "--out",
        tmp_path / "n.npz",
        "--report",
        "--report-items",
        12,
        "--steps",
        10,
        "--setting",
        "paper",
    )
    report = answer["report"]
    assert (report["items"], report["steps"], report["model_agreement"]) == (12, 10, 1.0)
    assert [row["layer"] for row in report["layers"]] == ["input", "hidden", "classes"]
    assert report["layers"][2]["rate_error"] is None
    assert 0 < report["layers"][1]["rate_error"] < 0.5
    assert "after 10 steps on 12 test items" in text
    assert text.splitlines()[3].split()[:2] == ["layer", "kind"]
    assert "network and model 100.00 % before spiking" in text


def test_a_report_without_test_items_is_refused_before_the_work(files, tmp_path, capsys):
    with np.load(files / "data.npz") as arrays:
        np.savez(tmp_path / "train.npz", x_train=arrays["x_train"], y_train=arrays["y_train"])
    out = tmp_path / "n.npz"
    words = ["convert", files / "good.keras", "--data", tmp_path / "train.npz", "--report", "--out", out]
    assert cli.main([str(word) for word in words]) == 2
    assert "must hold the arrays x_test and y_test" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bad.keras"], r"'max' \(MaxPooling2D, layers\[0\]\)"),
        (["two.keras"], r"`--data` must have shape \(items, 5, 5, 2\)"),
        (["empty.keras"], "must be a whole .keras file"),
        (["missing.keras"], "which is not there"),
        (["data.npz"], "must be a .keras or .onnx file"),
        (["good.keras", "--out", "network.h5"], "must end in .npz"),
        (["good.keras", "--norm-items", "0"], "--norm-items"),
        (["good.keras", "--percentile", "101"], "--percentile"),
        (["good.keras", "--per", "neuron"], "--per"),
        (["good.keras", "--steps", "0"], "--steps"),
        (["good.keras", "--report-items", "0"], "--report-items"),
        (["good.keras", "--input-range", "-1"], "`--input-range`"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_no_file(files, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        run(files, files / arguments[0], *arguments[1:])
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_name_of_no_shipped_model():
    with pytest.raises(InputError, match="no-such-model"):
        load_keras("no-such-model")


def test_a_residual_network(files, tmp_path):
    out = tmp_path / "network.npz"
    answer, text = run(files, files / "residual.keras", "--out", out, "--report", "--steps", 30, "--correct-bias", 10)
    assert [layer["kind"] for layer in answer["layers"]] == ["conv2d", "sum", "dense"]
    assert answer["report"]["layers"][2]["kind"] == "sum"
    assert answer["report"]["model_agreement"] == 1
    assert "network and model 100.00 % before spiking" in text
    assert not load_network(out).is_path
    for words, told in ((["check", str(files / "residual.keras")], "can be converted"), (["info", str(out)], " sum ")):
        args = parser(words[:1]).parse_args(words)
        assert told in args.show(args.run(args))


def test_half_precision(files, tmp_path):
    whole, _ = run(files, files / "good.keras", "--out", tmp_path / "whole.npz")
    half, _ = run(files, files / "good.keras", "--out", tmp_path / "half.npz", "--half")
    rounded = load_network(tmp_path / "half.npz")
    assert half["hash"] == rounded.hash == load_network(tmp_path / "whole.npz").halved().hash != whole["hash"]


def test_curves_and_classes_have_names(files, tmp_path):
    out = tmp_path / "network.npz"
    run(files, files / "good.keras", "--out", out, "--norm-items", 20)
    assert load_network(out).metadata["title"] == "good", "Keras calls every such model alike"
    run(files, files / "good.keras", "--out", out, "--norm-items", 20, "--class-names", "cat, dog,cow", "--title", "x")
    network = load_network(out)
    assert network.class_names == ("cat", "dog", "cow")
    assert network.metadata["title"] == "x"
    for wrong in ("cat,dog", "cat,,cow"):
        with pytest.raises(InputError, match="`--class-names` must be 3 names"):
            run(files, files / "good.keras", "--out", out, "--class-names", wrong)
    with pytest.raises(InputError, match=r"`--class-names` must have different names\. Received: 'cat' more than once"):
        run(files, files / "good.keras", "--out", out, "--class-names", "cat,dog,cat")
