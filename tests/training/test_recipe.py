import json

import pytest

from snnviz.errors import InputError
from snnviz.training import FINE_TUNING, Recipe, default_recipe


def test_defaults_are_those_of_the_paper():
    recipe = Recipe()
    assert recipe.schedule == ((50, 5e-2), (50, 5e-3))
    assert (recipe.l2, recipe.validation, recipe.momentum, recipe.epochs) == (1e-3, 10_000, 0, 100)
    assert (recipe.lambda_a, recipe.lambda_w) == (0, 0)
    assert FINE_TUNING.schedule == ((100, 5e-3), (100, 1e-3))
    assert (FINE_TUNING.lambda_a, FINE_TUNING.lambda_w, FINE_TUNING.l2) == (0.5, 20, 1e-3)


def test_mobilenet_has_its_own():
    assert default_recipe("mobilenet").schedule == ((25, 1e-2), (25, 1e-3))
    fine = default_recipe("mobilenet", finetuning=True)
    assert (fine.schedule, fine.lambda_a, fine.lambda_w) == (((25, 1e-3), (25, 1e-4)), 2, 100)
    assert default_recipe("conv-mnist") == Recipe()
    assert default_recipe("conv-mnist", finetuning=True) == FINE_TUNING


def test_learning_rate_follows_the_schedule():
    recipe = Recipe(schedule=[(2, 0.1), (1, 0.01)])
    assert [recipe.learning_rate(epoch) for epoch in range(3)] == [0.1, 0.1, 0.01]
    with pytest.raises(InputError, match="below 3"):
        recipe.learning_rate(3)


def test_the_last_stage_may_be_annealed():
    recipe = Recipe(schedule=((2, 0.1), (4, 1.0)), anneal=True)
    rates = [recipe.learning_rate(epoch) for epoch in range(6)]
    assert rates == pytest.approx([0.1, 0.1, 1.0, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2])


def test_json_holds_every_setting():
    recipe = Recipe(schedule=((1, 0.5),), seed=7)
    stored = json.loads(json.dumps(recipe.as_json()))
    assert Recipe(**stored) == recipe
    assert stored == recipe.as_json()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schedule", ()),
        ("schedule", ((0, 0.1),)),
        ("schedule", ((1, 0.0),)),
        ("schedule", ((1, float("nan")),)),
        ("schedule", ((1,),)),
        ("schedule", 3),
        ("batch_size", 0),
        ("batch_size", 2.5),
        ("l2", -1e-3),
        ("validation", -1),
        ("momentum", 1.5),
        ("seed", -1),
        ("seed", True),
        ("split_seed", None),
        ("lambda_a", -0.5),
        ("weigh", "spikes"),
        ("lambda_w", float("inf")),
        ("flip", 1),
        ("anneal", "yes"),
        ("precision", "float16"),
    ],
)
def test_wrong_settings_are_refused(field, value):
    with pytest.raises(InputError, match=r"must be .*Received"):
        Recipe(**{field: value})
