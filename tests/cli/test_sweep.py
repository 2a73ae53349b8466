"""`snnviz sweep`: a grid in, a table and its front out; mistakes answered with one line."""

import json

import pandas as pd
import pytest

from snnviz.cli import main
from snnviz.runs import Store

# Keras' own saving trips over NumPy's newer conversion protocol; nothing here depends on it
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

QUICK = ["--limit", "300", "--epochs", "1", "1", "--lambda-a", "0.5", "--lambda-w", "5,50", "--epsilon", "0.01"]


def test_it_trains_compares_and_writes(tmp_path, capsys):
    folder = tmp_path / "sweep"
    command = [
        "sweep",
        "dense-mnist-pooled",
        *QUICK,
        "--weigh",
        "events",
        "--keep-zeros",
        "--levels",
        "3",
        "--out",
        str(folder),
    ]
    assert main([*command, "--track", "--tracking-uri", str(tmp_path / "runs"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    store = Store(tmp_path / "runs")
    run = store.get(answer.pop("run"))
    assert (run.kind, run.status) == ("sweep", "FINISHED")
    assert store.history(run.id)["lambda_w"].tolist() == [5, 50]
    assert {"sweep.csv", "front.png"} <= set(store.artifacts(run.id))
    assert answer == json.loads((folder / "sweep.json").read_text())
    assert answer["recipe"]["validation"] == 60  # a fifth
    assert [answer["recipe"][name] for name in ("weigh", "keep_zeros", "levels")] == ["events", True, 3]
    table = pd.read_csv(folder / "sweep.csv")
    assert table[["lambda_a", "lambda_w", "epsilon"]].to_numpy().tolist() == [[0.5, 5, 0.01], [0.5, 50, 0.01]]
    assert all((folder / name).exists() for name in table["model"])
    assert set(pd.read_csv(folder / "pruning.csv")["lambda_w"]) == {5, 50}
    assert (folder / "front.png").stat().st_size > 5000
    assert main(command) == 2  # a sweep lies there
    assert "unless `--resume`" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0  # nothing is left to do
    shown = capsys.readouterr().out
    assert f"{100 * table['accuracy'][0]:.2f} %" in shown
    assert "front.pdf" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.keras"], "MODEL"),
        (["dense-mnist", "--lambda-a", "0.5;1"], "--lambda-a"),
        (["dense-mnist", "--lambda-w=-5,1", "--limit", "50"], "`--lambda-w`"),
        (["dense-mnist", "--epochs", "1", "--learning-rate", "0.1", "0.1", "--limit", "50"], "one number per stage"),
        (["dense-mnist", "--workers", "0", "--limit", "50"], "workers"),
        (["dense-mnist", "--epsilon", "-1", "--limit", "50"], "epsilon"),
    ],
)
def test_mistakes_are_answered_with_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["sweep", *words])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
