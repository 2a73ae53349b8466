"""Specs: plain JSON that was checked."""

import json
import subprocess
import sys

import pytest

from snnviz import InputError
from snnviz.jobs import KINDS, Spec, option_names


def test_a_spec_goes_through_json_and_back():
    given = {
        "kind": "train", "options": {"architecture": "dense-mnist", "epochs": [2, 1], "learning_rate": [0.1, 0.01]},
        "name": "short", "tags": {"colour": "blue"}, "folder": "/somewhere",
    }  # fmt: skip
    spec = Spec.of(given)
    stored = json.loads(json.dumps(spec.as_json()))
    assert Spec.of(stored) == spec
    assert Spec.of(spec) is spec
    assert stored["options"]["epochs"] == [2, 1]
    assert "alpha" not in stored["options"]  # not given


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_names_its_options(kind):
    assert "data" in option_names(kind)
    assert ("seed" in option_names(kind)) == (kind not in ("dryrun", "spinnaker", "convert"))  # nothing is drawn there


def test_what_it_builds_on():
    run_id = "a" * 32
    assert Spec.of({"kind": "finetune", "options": {"model": f"run:{run_id}"}}).origin == run_id
    assert Spec.of({"kind": "simulate", "options": {"network": f"run:{run_id}"}, "parent": "b" * 32}).origin == "b" * 32
    assert Spec.of({"kind": "simulate", "options": {"network": "dense-mnist-heuristic"}}).origin is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("train", "`spec` must be a mapping"),
        ({}, "`spec` must hold 'kind'"),
        ({"kind": "dance"}, "`kind` must be one of 'train'"),
        ({"kind": "train", "option": {}}, "'option'"),
        ({"kind": "train"}, "must hold architecture"),
        ({"kind": "train", "options": []}, "must hold architecture"),
        ({"kind": "train", "options": ["x"]}, "`options` must be a mapping"),
        ({"kind": "train", "options": {"architecture": "dense-mnist", "colour": 1}}, "Received: colour"),
        ({"kind": "train", "options": {"architecture": 3}}, "`architecture` must be one of"),
        ({"kind": "train", "options": {"architecture": "mobilenet"}}, "`data` must be given"),
        ({"kind": "train", "options": {"architecture": "dense-mnist", "alpha": 1}}, "only mobilenet"),
        ({"kind": "train", "options": {"architecture": "dense-mnist", "out": "m.h5"}}, "`out` must end in .keras"),
        ({"kind": "train", "options": {"architecture": "dense-mnist", "epochs": 5}}, "one number per stage"),
        (
            {"kind": "train", "options": {"architecture": "dense-mnist", "epochs": [1], "learning_rate": [0.1, 0.1]}},
            "one number per stage each",
        ),
        ({"kind": "train", "options": {"architecture": "dense-mnist", "limit": True}}, "`limit` must be"),
        ({"kind": "train", "options": {"architecture": "dense-mnist", "data": 7}}, "`data` must be a text"),
        ({"kind": "finetune", "options": {"model": ""}}, "`model` must be a text"),
        ({"kind": "finetune", "options": {"model": "m", "lambda_a": -1}}, "`lambda_a` must be"),
        ({"kind": "finetune", "options": {"model": "m", "epsilon": -1}}, "`epsilon` must be"),
        ({"kind": "optimize", "options": {"network": "n", "method": "luck"}}, "`method` must be one of"),
        ({"kind": "optimize", "options": {"network": "n", "per": 3}}, "`per`"),
        ({"kind": "optimize", "options": {"network": "n", "workers": 0}}, "`workers` must be"),
        ({"kind": "optimize", "options": {"network": "n", "with_potentials": "yes"}}, "`with_potentials` must be"),
        ({"kind": "optimize", "options": {"network": "n", "lambda_l": "x"}}, "`lambda_l` must be"),
        ({"kind": "simulate", "options": {"network": "n", "steps": 0}}, "`steps` must be"),
        ({"kind": "simulate", "options": {"network": "n", "engine": "steam"}}, "`engine` must be one of"),
        ({"kind": "simulate", "options": {"network": "n", "record": ["dreams"]}}, "`record`"),
        ({"kind": "simulate", "options": {"network": "n"}, "tags": {"a": 1}}, "`tags` must map"),
        ({"kind": "simulate", "options": {"network": "n"}, "name": 3}, "`name` must be a text"),
        ({"kind": "simulate", "options": {"network": "n"}, "parent": "../x"}, "must be the id of a run"),
    ],
)
def test_mistakes(spec, message):
    with pytest.raises(InputError) as caught:
        Spec.of(spec)
    assert message in str(caught.value)
    assert "Received: " in str(caught.value)


def test_checking_a_spec_loads_neither_keras_nor_mlflow():
    """A page that launches jobs stays small."""
    code = """
import sys
from snnviz.jobs import Spec
Spec.of({"kind": "train", "options": {"architecture": "dense-mnist"}})
Spec.of({"kind": "finetune", "options": {"model": "dense-mnist"}})
Spec.of({"kind": "optimize", "options": {"network": "dense-mnist-heuristic"}})
Spec.of({"kind": "simulate", "options": {"network": "dense-mnist-heuristic"}})
print(*{"tensorflow", "keras", "mlflow", "numba"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == ""
