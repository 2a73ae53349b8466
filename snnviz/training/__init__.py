"""Training of the ANNs that become spiking networks: `train`, `finetune`, `evaluate`, with recipes and checkpoints.

The names are loaded when first used: a recipe can be checked without TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnviz.training.adapting import Adaptation, adapt, adapted
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
    from snnviz.training.recipe import ADAPTING, FINE_TUNING, Recipe, default_recipe
    from snnviz.training.storage import halve, save_model

__all__ = [
    "ADAPTING",
    "FINE_TUNING",
    "Adaptation",
    "Evaluation",
    "Recipe",
    "Training",
    "TrainingDiverged",
    "TrainingInterrupted",
    "adapt",
    "adapted",
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
    **dict.fromkeys(("Adaptation", "adapt", "adapted"), "adapting"),
    **dict.fromkeys(("model_card", "save_card"), "card"),
    **dict.fromkeys(("ADAPTING", "FINE_TUNING", "Recipe", "default_recipe"), "recipe"),
    **dict.fromkeys(("halve", "save_model"), "storage"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'snnviz.training' has no attribute {name!r}")
    module = importlib.import_module(f"snnviz.training.{_MODULES.get(name, 'loop')}")
    value = getattr(module, name)
    globals()[name] = value
    return value
