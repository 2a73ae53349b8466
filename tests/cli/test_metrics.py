"""`snnviz metrics`."""

import json

import pytest

from snnviz import results
from snnviz.cli import parser
from snnviz.errors import InputError
from tests.synthetic import result_of


@pytest.fixture
def file(tmp_path):
    result = result_of([0.2, 0.6, 0.85, 0.7], [[10, 2], [20, 4], [30, 6], [40, 8]], ann=0.8, title="four")
    return str(results.save(result, tmp_path / "r.nc"))


def arguments(*words):
    return parser(["metrics"]).parse_args(["metrics", *words])


def test_run_and_show(file):
    args = arguments(file, "--threshold", "0.6", "--threshold", "0.9", "--reference", "peak", "--frontier")
    answer = args.run(args)
    assert answer["file"] == file
    assert answer["reference"] == "peak"
    assert answer["frontier"] is True
    assert [entry["crossed"] for entry in answer["thresholds"]] == [True, False]
    text = args.show(answer)
    assert "time to 60 %" in text
    assert "5*" in text
    assert "underestimate" in text
    assert "dense_1 83.3 %" in text


def test_defaults_and_a_number_as_reference(file):
    args = arguments(file)
    answer = args.run(args)
    assert answer["thresholds"][0]["threshold"] == pytest.approx(0.784)
    assert "against the ANN's accuracy" in args.show(answer)
    args = arguments(file, "--reference", "0.5")
    assert args.run(args)["reference_accuracy"] == 0.5


@pytest.mark.parametrize("words", [["--reference", "best"], ["--reference", "2"], ["--threshold", "98"]])
def test_mistakes(file, words):
    args = arguments(file, *words)
    with pytest.raises(InputError, match=r"reference|threshold"):
        args.run(args)


def test_a_missing_file(tmp_path):
    args = arguments(str(tmp_path / "none.nc"))
    with pytest.raises(InputError, match="not a file"):
        args.run(args)


def test_in_the_form_of_neurobench(tmp_path):
    from snnviz import datasets, pretrained, simulate

    images = datasets.load("mnist", limit=4)
    result = simulate(pretrained.network("dense-mnist-optimized"), images.x, images.y, 3, engine="event")
    file = str(results.save(result, tmp_path / "r.nc"))
    args = arguments(file, "--neurobench", "dense-mnist-optimized")
    answer = args.run(args)
    assert set(answer["SynapticOperations"]) == {"Effective_MACs", "Effective_ACs", "Dense"}
    assert json.loads(args.show(answer)) == answer
    args = arguments(file, "--neurobench", "dense-mnist-optimized", "--frontier")
    with pytest.raises(InputError, match="`--frontier` is for snnviz's metrics"):
        args.run(args)
