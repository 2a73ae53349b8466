"""`snnviz hardware spinnaker` and `snnviz hardware expect`."""

import importlib.util
import json

import pytest

from snnviz import cli, results
from snnviz.hardware.spinnaker import dryrun
from tests.hardware.spinnaker.queue_server import Queue, serving


@pytest.fixture
def small(tmp_path):
    """A network for the embedded images, small enough to be mapped quickly."""
    import numpy as np

    from snnviz import Dense, Input, SpikingNetwork
    from tests.parity.networks import pooling

    rng = np.random.default_rng(0)
    pool = pooling("pool", (28, 28, 1))
    hidden = Dense(name="hidden", input_shape=(14, 14, 1), weights=rng.normal(0, 0.2, (196, 12)), bias=np.zeros(12))
    output = Dense(name="out", input_shape=(12,), weights=rng.normal(0, 1, (12, 10)), bias=np.zeros(10))
    network = SpikingNetwork(input=Input(shape=(28, 28, 1)), layers=(pool, hidden, output))
    return str(network.save(tmp_path / "small.npz"))


def test_expect(small, tmp_path, capsys):
    out = tmp_path / "expected.nc"
    assert cli.main(["hardware", "expect", small, "--limit", "20", "--steps", "5", "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    result = results.load(out)
    assert answer["items"] == 20
    assert answer["accuracy"] == result["accuracy"].values.tolist()
    assert list(answer["shifts"]) == ["hidden", "out"]
    assert cli.main(["hardware", "expect", small, "--limit", "20", "--steps", "5"]) == 0
    assert "as SpiNNaker would compute them" in capsys.readouterr().out


@pytest.mark.skipif(
    importlib.util.find_spec("spynnaker") is None, reason="needs sPyNNaker: pip install 'snnviz[spinnaker]'"
)
def test_dry_run(small, tmp_path, capsys):
    plan, picture = tmp_path / "plan.json", tmp_path / "map.svg"
    command = [
        "hardware",
        "spinnaker",
        small,
        "--limit",
        "3",
        "--steps",
        "5",
        "--plan",
        str(plan),
        "--map",
        str(picture),
    ]
    assert cli.main(command) == 0
    text = capsys.readouterr().out
    assert "fits one SpiNN-5 board: 3 cores on 1 of 48 chips" in text
    assert "no warnings" in text or "Remedy" in text
    assert dryrun.Plan.load(plan).application_cores == 3
    assert "<svg" in picture.read_text()


def test_the_job_queue(small, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("EBRAINS_TOKEN", "expired")
    with serving(Queue()) as address:
        command = ["hardware", "spinnaker", small, "--limit", "2", "--steps", "3", "--target", "ebrains"]
        code = cli.main([*command, "--server", address, "--collab", "c", "--out", str(tmp_path / "r.nc")])
    assert code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "`EBRAINS_TOKEN` must be a valid token" in line
    assert not (tmp_path / "r.nc").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "moon"], "`--target` must be one of 'dry-run', 'board', 'spalloc', 'ebrains'"),
        (["--plan", "plan.txt"], "`--plan` must end in .json"),
        (["--map", "map.gif"], "`--map` must end in .png or .pdf or .svg"),
        (["--out", "r.nc"], "`--out` is for a run on a machine. Received: target 'dry-run'"),
        (["--target", "board", "--map", "m.png"], "`--map` is for a dry run. Received: target 'board'"),
        (["--target", "board"], "`--host` must be the name or IP address of a board"),
        (["--headroom", "ample"], "`--headroom` must be one of 'exact', 'estimate'"),
        (["--steps", "0"], "`--steps` must be a whole number, at least 1"),
    ],
)
def test_mistakes(options, message, small, capsys):
    assert cli.main(["hardware", "spinnaker", small, "--limit", "2", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_expect_refuses(small, capsys):
    assert cli.main(["hardware", "expect", small, "--out", "r.txt"]) == 2
    assert "`--out` must end in .nc" in capsys.readouterr().err
    assert cli.main(["hardware", "expect", "no-such-network"]) == 2
    assert "or one of" in capsys.readouterr().err
