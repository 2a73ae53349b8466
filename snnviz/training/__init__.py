"""Training of the ANNs that become spiking networks: `train`, `finetune`, `evaluate`, with recipes and checkpoints.

The names are loaded when first used: a recipe can be checked without TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnviz.training.card import model_card, save_card
    from snnviz.training.loop import (
        Evaluation,
        Training,
        TrainingDiverged,
        TrainingInterrupted,
        checked_data,
        evaluate,
        finetune,
        split,
        train,
    )
    from snnviz.training.recipe import FINE_TUNING, Recipe, default_recipe

__all__ = [
    "FINE_TUNING",
    "Evaluation",
    "Recipe",
    "Training",
    "TrainingDiverged",
    "TrainingInterrupted",
    "checked_data",
    "default_recipe",
    "evaluate",
    "finetune",
    "model_card",
    "save_card",
    "split",
    "train",
]
_CARD, _RECIPE = ("model_card", "save_card"), ("FINE_TUNING", "Recipe", "default_recipe")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'snnviz.training' has no attribute {name!r}")
    module = "card" if name in _CARD else "recipe" if name in _RECIPE else "loop"
    value = getattr(importlib.import_module(f"snnviz.training.{module}"), name)
    globals()[name] = value
    return value
