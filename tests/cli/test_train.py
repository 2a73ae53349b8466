import json

import numpy as np
import pytest

from snnviz import datasets
from snnviz.cli import main
from snnviz.training import loop

# Keras' own saving trips over NumPy's newer conversion protocol; nothing here depends on it
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

QUICK = ["--limit", "400", "--epochs", "1", "1", "--learning-rate", "0.1", "0.01", "--batch-size", "50"]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Few test images."""
    whole = datasets.load("mnist").take(300)
    load = datasets.load
    monkeypatch.setattr(
        datasets,
        "load",
        lambda name, split="test", **options: (
            whole if (name, split) == ("mnist", "test") else load(name, split=split, **options)
        ),
    )


def answer(capsys, *arguments):
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_train_writes_model_card_history_and_checkpoint(tmp_path, capsys):
    from snnviz.conversion.loading import load_keras
    from snnviz.training import evaluate

    out = tmp_path / "m.keras"
    found = answer(capsys, "train", "dense-mnist-pooled", *QUICK, "--seed", "3", "--out", str(out))
    card = json.loads((tmp_path / "m.json").read_text())
    assert found["card"] == card
    assert card["recipe"]["schedule"] == [[1, 0.1], [1, 0.01]]
    assert card["recipe"]["validation"] == 80  # a fifth
    assert card["command"] == " ".join(["snnviz train dense-mnist-pooled", *QUICK, "--seed 3"])
    assert len((tmp_path / "m.history.csv").read_text().splitlines()) == 3
    assert (tmp_path / "m.checkpoint.npz").exists()
    images = datasets.load("mnist")
    assert evaluate(load_keras(out), images.x, images.y).accuracy == card["test"]["accuracy"] > 0.3
    # and again, resumed: nothing is left to do, and the same comes out
    again = answer(capsys, "train", "dense-mnist-pooled", *QUICK, "--seed", "3", "--out", str(out), "--resume")
    assert again.pop("run") != found.pop("run")
    assert again == found


def test_finetune_prunes_measures_and_says_so(tmp_path, capsys):
    from snnviz.conversion.loading import load_keras
    from snnviz.sparsity import weighted_layers

    out = tmp_path / "m.keras"
    assert main(["train", "dense-mnist-pooled", *QUICK, "--half", "--out", str(out)]) == 0
    assert "test accuracy" in capsys.readouterr().out
    assert "--half" in json.loads((tmp_path / "m.json").read_text())["command"]
    arguments = ["finetune", str(out), "--data", "mnist", *QUICK, "--lambda-a", "3", "--epsilon", "0.01"]
    assert main([*arguments, "--half", "--out", str(tmp_path / "s.keras")]) == 0
    text = capsys.readouterr().out
    assert "sparsity on the test set, before / after" in text
    card = json.loads((tmp_path / "s.json").read_text())
    assert (card["recipe"]["lambda_a"], card["recipe"]["lambda_w"], card["epsilon"]) == (3, 20, 0.01)
    assert card["sparsity"]["S_a"] > card["sparsity_before"]["S_a"]
    assert card["sparsity"]["S_w"] > card["sparsity_before"]["S_w"] > 0
    at_epsilon = [point for point in card["pruning_curve"]["points"] if point["epsilon"] == 0.01]
    assert at_epsilon[0]["S_w"] == card["sparsity"]["S_w"]
    for name in ("m", "s"):
        kernels = [each.kernel for each in weighted_layers(load_keras(tmp_path / f"{name}.keras"))]
        assert all(np.array_equal(kernel, kernel.astype(np.float16)) for kernel in kernels)


def test_small_mobilenet_on_a_file(tmp_path, capsys):
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    y = random.integers(0, 2, 40)
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x[:10], y_test=y[:10])
    found = answer(
        capsys, "train", "mobilenet", "--alpha", "0.03", "--data", str(tmp_path / "d.npz"), "--epochs", "1",
        "--learning-rate", "0.01", "--out", str(tmp_path / "m.keras"),
    )  # fmt: skip
    assert found["card"]["test"]["items"] == 10
    assert "licence" not in found["card"]["data"]


def test_list(capsys):
    found = answer(capsys, "train", "--list")
    assert "dense-mnist" in found["architectures"]
    assert main(["train", "--list"]) == 0
    assert "784 - 128 - 128 - 10" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "`ARCH` must be given"),
        (["train", "dense"], "`ARCH` must be one of"),
        (["train", "mobilenet"], "`--data` must be given"),
        (["train", "dense-mnist", "--alpha", "0.5"], "only mobilenet"),
        (["train", "dense-mnist", "--out", "m.h5"], "must end in .keras"),
        (["train", "dense-mnist", "--epochs", "1", "--learning-rate", "0.1", "0.1"], "one number per stage each"),
        (["train", "dense-mnist", "--epochs", "0", "1"], "`--epochs` must be a whole number, at least 1"),
        (["train", "dense-mnist", "--limit", "0"], "`--limit` must be"),
        (["train", "dense-mnist", "--limit", "10", "--validation", "10"], "`--validation` must be below"),
        (["train", "conv-cifar10", "--data", "mnist", "--limit", "20"], "`--data` must have shape"),
        (["train", "dense-mnist", "--data", "nowhere"], "Received"),
        (["finetune", "none.keras"], "not there"),
        (["finetune", "dense-mnist", "--lambda-a", "-1"], "`--lambda-a` must be"),
        (["finetune", "dense-mnist", "--epsilon", "-1"], "`--epsilon` must be"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_two(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_ctrl_c_says_how_to_resume_and_the_command_does(tmp_path, capsys, monkeypatch):
    out = tmp_path / "m.keras"
    arguments = ["train", "dense-mnist-pooled", *QUICK, "--out", str(out)]
    epoch = loop._Run.epoch

    def interrupted(run, number, *rest):
        if number == 1:
            raise KeyboardInterrupt
        epoch(run, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(loop._Run, "epoch", interrupted)
        assert main(arguments) == 130
    said = capsys.readouterr().err
    assert "1 of 2 epochs" in said
    assert "--resume" in said
    assert not out.exists()
    assert len(answer(capsys, *arguments, "--resume")["card"]["command"]) > 0
    assert len((tmp_path / "m.history.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("command", ["train", "finetune", "adapt"])
@pytest.mark.parametrize(
    ("y_test", "told"),
    [
        (np.eye(10)[:8], "y.argmax(1)"),
        (np.arange(4, 12), "Received: values from 4 to 11, of the test items"),
        (None, "must hold the arrays x_test and y_test. Received: x_train, y_train, x_test"),
    ],
)
def test_test_items_that_cannot_be_used_are_refused_before_the_training(
    command, y_test, told, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    x, y = np.zeros((60, 28, 28), np.float32), np.arange(60) % 10
    held = {"x_train": x, "y_train": y, "x_test": x[:8], "y_test": y_test}
    names = {"class_names": np.arange(12)} if y_test is not None and y_test.ndim == 1 else {}
    np.savez("mine.npz", **{name: value for name, value in held.items() if value is not None}, **names)
    monkeypatch.setattr(loop, "_Run", None)
    assert main([command, "dense-mnist-pooled", "--data", "mine.npz", "--no-track", "--out", "m.keras"]) == 2
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.npz"]


def test_data_need_not_have_test_items(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    train = datasets.load("mnist", split="train", limit=100)
    np.savez("mine.npz", x_train=train.x, y_train=train.y)
    words = ["train", "dense-mnist-pooled", "--data", "mine.npz", *QUICK, "--no-track", "--out", "m.keras"]
    assert answer(capsys, *words)["card"]["test"] is None
