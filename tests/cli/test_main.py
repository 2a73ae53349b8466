"""The command as a whole: every subcommand, exit codes, one line for a mistake, JSON."""

import json

import pytest

from snnviz import cli
from snnviz.errors import InputError


@pytest.mark.parametrize("words", [words for words, _ in cli.leaves(cli.parser())], ids=" ".join)
def test_every_command_explains_itself(words, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main([*words, "--help"])
    assert left.value.code == 0
    assert "--json" in capsys.readouterr().out


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
        ["info", "missing.npz"],
        ["dashboard", "missing.nc"],
        ["dashboard", "--port", "0"],
        ["demo", "--port", "70000"],
        ["metrics", "missing.nc"],
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
