"""The command as a whole: every subcommand, exit codes, one line for a mistake, JSON."""

import json
import shlex

import pytest

from snnviz import cli
from snnviz.errors import InputError


@pytest.mark.parametrize("words", [words for words, _ in cli.leaves(cli.parser())], ids=" ".join)
def test_every_command_explains_itself(words, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main([*words, "--help"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    assert "--json" in told
    start, example = told.rstrip().rpartition("example:\n  snnviz ")[1:]
    assert start, "help ends with an example"
    asked = cli.parser().parse_args(shlex.split(example))
    assert asked.command == words[0]
    assert getattr(asked, "action", words[-1]) in (words[-1], "list")


@pytest.mark.parametrize("group", ["runs", "hardware"])
def test_commands_with_subcommands_show_one_as_an_example(group, capsys):
    with pytest.raises(SystemExit):
        cli.main([group, "--help"])
    example = capsys.readouterr().out.rpartition("example:\n  snnviz ")[2]
    assert cli.parser().parse_args(shlex.split(example)).command == group


def test_mistakes_are_json_where_answers_are(capsys):
    assert cli.main(["simulate", "dense-mnist-optimised", "--json"]) == 2
    told = json.loads(capsys.readouterr().err)
    assert told["command"] == "snnviz simulate"
    assert "did you mean 'dense-mnist-optimized'?" in told["error"]
    with pytest.raises(SystemExit):
        cli.main(["simulate", "--json", "--stepz", "3", "x.npz"])
    assert "did you mean '--steps'?" in json.loads(capsys.readouterr().err)["error"]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("metrics", "resutl.nc"), "result.nc"),
        (("simulate", "netwrok.npz"), "network.npz"),
        (("check", "modell.keras"), "model.keras"),
        (("check", "modell.onnx"), "model.onnx"),
        (("check", "model.karas"), None),
        (("simulate", "network"), "network.npz"),
        (("simulate", "dense-mnist-heuristic", "--data", "flowrs.npz"), "flowers.npz"),
        (("figures", "--run", "resutl.nc"), "result.nc"),
        (("dashboard", "--data", "flowrs.npz"), "flowers.npz"),
    ],
)
def test_a_mistyped_file_name_is_said(words, meant, capsys, tmp_path, monkeypatch):
    for name in ("result.nc", "network.npz", "model.keras", "model.onnx", "flowers.npz"):
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert cli.main([*words, "--json"]) == 2
    error = json.loads(capsys.readouterr().err.splitlines()[-1])["error"]
    assert f"did you mean '{meant}'?" in error if meant else "did you mean" not in error


@pytest.mark.parametrize(
    "words", [("demo", "--engine", "nonsense"), ("simulate", "dense-mnist-heuristic", "--stop-rule", "nonsense")]
)
def test_a_mistake_is_said_before_any_work(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = cli.main([*words, "--json"])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert "nonsense" in json.loads(capsys.readouterr().err)["error"], "one object, with nothing said before it"


@pytest.mark.parametrize(
    "words",
    [
        ["simulate", "nothing"],
        ["simulate", "missing.npz"],
        ["simulate", "dense-mnist-heuristic", "--steps", "0"],
        ["simulate", "dense-mnist-heuristic", "--engine", "quantum", "--limit", "1"],
        ["simulate", "dense-mnist-heuristic", "--out", "result.txt"],
        ["simulate", "dense-mnist-heuristic", "--data", "nowhere"],
        ["simulate", "dense-mnist"],
        ["info", "missing.nc"],
        ["info", "--data", "mnist"],
        ["info", "dense-mnist-heuristic", "--data", "nowhere"],
        ["info", "missing.npz"],
        ["dashboard", "missing.nc"],
        ["dashboard", "--port", "0"],
        ["demo", "--port", "70000"],
        ["metrics", "missing.nc"],
        ["hardware", "neuron", "nothing"],
        ["hardware", "neuron", "dense-mnist-heuristic", "--input", "analog"],
        ["hardware", "neuron", "dense-mnist-heuristic", "--steps", "0"],
        ["hardware", "neuron", "dense-mnist-heuristic", "--out", "result.npz"],
        ["hardware", "nir", "missing.nir"],
        ["hardware", "nir", "missing.npz"],
        ["hardware", "nir", "dense-mnist-heuristic", "--out", "graph.npz"],
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"snnviz {words[0]}: ")
    assert printed.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["1_0", "١", "３", " 3", "0x3", "--", ""])
@pytest.mark.parametrize("option", ["--epochs", "--limit", "--learning-rate"])
def test_numbers_are_plain_digits(option, value, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["train", "dense-mnist", f"{option}={value}"])
    assert left.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"snnviz train: `{option}` must ")
    assert "Received: " in printed
    assert printed.count("\n") == 1


def test_unknown_words_are_refused_with_exit_code_2(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["dance"])
    assert left.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_ctrl_c_ends_with_130(monkeypatch, capsys):
    def interrupt(args):
        raise KeyboardInterrupt("resume with --resume")

    monkeypatch.setattr("snnviz.cli.info.run", interrupt)
    assert cli.main(["info"]) == 130
    assert "resume with --resume" in capsys.readouterr().err


def test_an_error_of_ours_is_not_hidden(monkeypatch):
    def fail(args):
        raise ZeroDivisionError

    monkeypatch.setattr("snnviz.cli.info.run", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["info"])
    assert not issubclass(ZeroDivisionError, InputError)


def test_info_as_json(capsys):
    assert cli.main(["info", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "mnist" in answer["data at hand"]
    assert "dense-mnist" in answer["shipped models"]
    assert cli.main(["info", "dense-mnist-heuristic", "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    assert [layer["synapses"] for layer in layers] == [784 * 128, 128 * 128, 128 * 10]
    assert all(layer["nonzero"] < layer["synapses"] for layer in layers)  # it has been pruned


def test_info_measures_the_sparsity_of_a_network(capsys):
    from snnviz import pretrained

    card = pretrained.card("dense-mnist-sparse-shifted")["sparsity"]
    assert cli.main(["info", "dense-mnist-optimized", "--data", "mnist", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["sparsity"]
    assert found["S_w"] == card["S_w"]
    assert found["S_a"] == pytest.approx(card["S_a"], abs=1e-4)
    assert cli.main(["info", "dense-mnist-optimized", "--data", "mnist"]) == 0
    assert f"{found['S_c']:.3f}" in capsys.readouterr().out
