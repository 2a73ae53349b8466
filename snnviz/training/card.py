"""Model cards: how a trained model was made and what it reaches, as JSON beside the model's file."""

from __future__ import annotations

import datetime
import os
from typing import Any

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._files import replacing
from snnviz._versions import versions
from snnviz.training.loop import Evaluation, Training

_PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "jax", "numpy")


@checked
def model_card(
    training: Training,
    *,
    architecture: str,
    command: str,
    data: dict[str, Any],
    test: Evaluation | None,
    **more: Any,
) -> dict[str, Any]:
    """The card of a trained model.

    Args:
        training: what `train` or `finetune` gave.
        architecture: name of the architecture, or the file that was fine-tuned.
        command: the command line that makes this model again.
        data: name, number of training items and, where known, licence of the data.
        test: the evaluation on the test set, which took no part in any choice; None where there is none.
        **more: further entries, such as sparsity.
    """
    import keras

    best = training.best
    return {
        "architecture": architecture,
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "data": data,
        "recipe": training.recipe.as_json(),
        "epoch": training.best_epoch,
        "validation": {key.removeprefix("val_"): value for key, value in best.items() if key.startswith("val_")},
        "training": {"loss": best["loss"], "accuracy": best["accuracy"]},
        "test": None
        if test is None
        else {"accuracy": test.accuracy, "cross_entropy": test.cross_entropy, "items": test.items},
        "backend": keras.backend.backend(),
        "versions": versions(_PACKAGES),
        **more,
    }


@checked
def save_card(card: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a card as JSON."""
    text = check.as_json("card", card, indent=2)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
