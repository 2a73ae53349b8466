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
        checked_training,
        evaluate,
        finetune,
        split,
        train,
    )
    from snnviz.training.recipe import FINE_TUNING, Recipe, default_recipe
    from snnviz.training.storage import halve, save_model

__all__ = [
    "FINE_TUNING",
    "Evaluation",
    "Recipe",
    "Training",
    "TrainingDiverged",
    "TrainingInterrupted",
    "checked_data",
    "checked_training",
    "default_recipe",
    "evaluate",
    "finetune",
    "halve",
    "model_card",
    "save_card",
    "save_model",
    "split",
    "train",
]
_MODULES = {
    **dict.fromkeys(("model_card", "save_card"), "card"),
    **dict.fromkeys(("FINE_TUNING", "Recipe", "default_recipe"), "recipe"),
    **dict.fromkeys(("halve", "save_model"), "storage"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'snnviz.training' has no attribute {name!r}")
    module = importlib.import_module(f"snnviz.training.{_MODULES.get(name, 'loop')}")
    value = getattr(module, name)
    globals()[name] = value
    return value
