"""Training of the ANNs that become spiking networks: `train`, `finetune`, `evaluate`, with recipes and checkpoints."""

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
