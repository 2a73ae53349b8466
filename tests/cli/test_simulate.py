"""`snnviz simulate`, `info` on its result, and `demo`."""

import json

import numpy as np
import pytest

from snnviz import cli, dashboard, datasets, metrics, optimize, pretrained, results, simulate


def _words(out, steps):
    words = f"simulate dense-mnist-heuristic --limit 40 --steps {steps} --engine event --out".split()
    return [*words, str(out)]


def test_the_command_gives_what_the_function_gives(tmp_path, capsys):
    out = tmp_path / "r.nc"
    words = _words(out, 6)
    assert cli.main([*words, "--record", "prediction,logits", "--reset", "zero", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    images = datasets.load("mnist", limit=40)
    network = pretrained.network("dense-mnist-heuristic")
    expected = simulate(network, images.x, images.y, 6, engine="event", reset="zero", record=("prediction", "logits"))
    np.testing.assert_array_equal(answer["accuracy"], expected["accuracy"])
    stored = results.load(out)
    np.testing.assert_array_equal(stored["logits"], expected["logits"])
    assert stored.attrs["dataset"] == "mnist"
    assert answer["metrics"]["pareto_latency"] == metrics.pareto_latency(stored)

    assert cli.main(["info", str(out)]) == 0
    assert "spike_rate" in capsys.readouterr().out
    assert cli.main(words) == 0
    assert "Pareto latency" in capsys.readouterr().out


def test_items_end_when_sure(tmp_path, capsys):
    out = tmp_path / "r.nc"
    words = _words(out, 30)
    assert cli.main([*words, "--stop", "1.5", "--stop-rule", "gap"]) == 0
    exits = results.load(out)["exit_step"]
    assert f"mean end {float(exits.mean()):.4g} time steps" in " ".join(capsys.readouterr().out.split())
    images = datasets.load("mnist", limit=40)
    network = pretrained.network("dense-mnist-heuristic")
    expected = simulate(network, images.x, images.y, 30, engine="event", stop={"level": 1.5, "rule": "gap"})
    np.testing.assert_array_equal(exits, expected["exit_step"])
    assert len(np.unique(exits)) > 1
    assert cli.main([*words, "--stop", "1.5"]) == 2
    assert "`--stop` must be" in capsys.readouterr().err
    for value, wrong in (("rule=gpa", "`--stop-rule` must be"), ("temperature=-1", "`--stop-temperature` must be")):
        assert cli.main([*words, f"--stop-{value}"]) == 2, "without a level, too"
        assert wrong in capsys.readouterr().err


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    args = cli.parser().parse_args(["demo", "--limit", "200", "--no-serve", "--out", str(folder)])
    return folder, args.run(args), args


def test_demo_writes_results_and_the_figure(demo):
    folder, answer, _ = demo
    assert {path.name for path in folder.iterdir()} == {
        "dense-mnist-before.nc", "dense-mnist-after.nc", "figure-a.pdf", "figure-a.png", "figure-a.csv",
        "dense-mnist-before.npz", "dense-mnist-after.npz",
    }  # fmt: skip
    assert (folder / "figure-a.pdf").read_bytes().startswith(b"%PDF")
    before = results.load(folder / "dense-mnist-before.nc")
    assert answer["runs"]["before"]["pareto_power"] == metrics.pareto_power(before)
    # 200 images leave a standard error of about 1 %
    assert before["accuracy"].values[-1] > 0.95
    assert results.load(folder / "dense-mnist-after.nc")["accuracy"].values[0] > before["accuracy"].values[0]


def test_demo_prints_ours_beside_the_paper(demo):
    _, answer, args = demo
    text = args.show(answer)
    assert "after optimisation, beside the paper" in text
    assert "2.19" in text
    json.dumps(answer)


def test_demo_serves_what_it_wrote(demo, monkeypatch):
    _, answer, args = demo
    served = {}
    monkeypatch.setattr("snnviz.dashboard.serve", lambda runs, **options: served.update(runs=runs, **options))
    args.after(args, answer)
    assert served == {}  # --no-serve
    args.no_serve = False
    args.after(args, answer)
    shown = served["runs"]
    assert sorted(shown.given()) == ["after", "before"]
    for name in shown.given():  # every page of the demo is full
        assert shown.network(name).hash == shown.result(name).attrs["network_hash"]
        assert len(shown.images(name)) == 200
    assert served["port"] == 5006


@pytest.mark.parametrize("given", ["spiking", "analog"])
def test_another_input_than_a_search_was_made_for_is_said(tmp_path, capsys, given):
    network = pretrained.network("dense-mnist-heuristic")
    images = datasets.load("mnist", "train", limit=30)
    found = optimize(
        network,
        images.x,
        images.y,
        method="percentile",
        steps=4,
        budget_evaluations=2,
        input="analog",
        lambdas=(200, 1, 1e-3),
        progress=False,
    )
    found.network.save(tmp_path / "n.npz")
    words = ["simulate", str(tmp_path / "n.npz"), "--data", "mnist", "--limit", "40", "--steps", "4", "--input", given]
    assert cli.main([*words, "--out", str(tmp_path / "r.nc"), "--json"]) == 0
    told = [text for text in json.loads(capsys.readouterr().out)["warnings"] if "optimised for input 'analog'" in text]
    assert len(told) == (given == "spiking")
    result = results.load(tmp_path / "r.nc")
    assert [result.attrs[name] for name in ("note",) if name in result.attrs] == told
    shown = dashboard.Explorer({"one": result})._facts()
    assert ("optimised for input" in shown) == (given == "spiking"), "and so does the page"
