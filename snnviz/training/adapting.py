"""A copy of a classifier in which what has no spiking counterpart is replaced, to be fine-tuned.

| what | by |
|---|---|
| MaxPooling2D, GlobalMaxPooling2D, and of signals MaxPooling1D, GlobalMaxPooling1D | average pooling of the same windows |
| LeakyReLU, PReLU, ELU, SELU, GELU, SiLU, mish, softplus and other activations between layers; ReLU with a slope | ReLU |
| hard-SiLU (hard-swish) | ReLU6 |
| hyperbolic tangent, sigmoid, hard sigmoid between layers | ReLU that saturates at 1 |
| one output with a sigmoid, two classes | two outputs with a softmax, which say the same |

Weights are kept. The copy computes something else than the model, but for the last row: how much of its accuracy is left, and how
much of it a short fine-tuning brings back, is to be measured (`snnviz adapt` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers as kl

from snnviz._arguments import checked
from snnviz._models import as_taken, meaning_of, own_call
from snnviz._visits import IMAGE, visits
from snnviz.conversion import check_convertible, input_range, load_keras
from snnviz.conversion.graph import Refused
from snnviz.conversion.layers import read_activation
from snnviz.errors import InputError
from snnviz.training.loop import checked_training, holding_out, split, train
from snnviz.training.recipe import ADAPTING, Recipe

_SIX = ("hard_silu", "hard_swish")
_ONE = ("tanh", "sigmoid", "hard_sigmoid", "hard_tanh")
_POOLING = ("MaxPooling1D", "MaxPooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D")
_LAYERS = ("LeakyReLU", "PReLU", "ELU")


@checked
def adapted(model: keras.Model) -> tuple[keras.Model, list[str]]:
    """A convertible copy of `model`, and what was replaced in it, a sentence each; see the module.

    Args:
        model: a Sequential or functional Keras model. It stays as it is.

    Raises:
        InputError: if something is left that cannot be converted, naming the layer, the reason and the remedy.
    """
    if not isinstance(model, keras.Sequential | keras.Model) or own_call(model):
        raise InputError(f"`model` must be a Sequential or functional model. Received: {type(model).__name__}")
    if whole := [problem for problem in check_convertible(model) if not problem.place]:
        raise InputError(f"`model` must be convertible once it is adapted. Received: {whole[0]}")
    changes: list[str] = []
    ending = _ending(model)

    def replaced(layer: Any) -> Any:
        found = _replaced(layer, ending)
        if found is None:
            return type(layer).from_config(layer.get_config())
        new, words = found
        changes.append(f"{layer.name!r}: {words}")
        return new

    copy = keras.models.clone_model(model, clone_function=replaced, recursive=_nested(model))
    _carry_weights(model, copy)
    problems = check_convertible(copy)
    if problems:
        raise InputError(f"`model` must be convertible once it is adapted. Received: {'; '.join(map(str, problems))}")
    return copy, changes


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """What `adapt` made.

    Attributes:
        model: the copy, which can be converted.
        replaced: what was replaced in it, a sentence each.
        accuracy_before: of the model as it was, a fraction; None without data, as the others.
        accuracy_replaced: of the copy before it was fine-tuned.
        accuracy_adapted: of the copy.
    """

    model: keras.Model
    replaced: tuple[str, ...]
    accuracy_before: float | None = None
    accuracy_replaced: float | None = None
    accuracy_adapted: float | None = None


@checked
def adapt(
    model: keras.Model | str,
    x: np.ndarray | None = None,
    y: np.ndarray | None = None,
    recipe: Recipe | None = None,
    *,
    progress: bool = True,
) -> Adaptation:
    """A copy of a classifier with what cannot be converted replaced, fine-tuned on data where there are any.

    Args:
        model: a Sequential or functional Keras model, which stays as it is; or a .keras file or the name of a shipped model.
        x: training items, intensities in [0, 1], `(items, *input shape)`; None fine-tunes nothing.
        y: class indices (items,).
        recipe: of the fine-tuning; None for a short one, `snnviz.training.ADAPTING`. Accuracies are those of the items that it
            holds out, or of all if it holds out none.
        progress: show a progress bar.

    Raises:
        InputError: for a model that stays inconvertible, naming the layer, the reason and the remedy, or bad data.
    """
    if isinstance(model, str):
        model = load_keras(model)
    copy, replaced = adapted(model)
    if x is None or y is None:
        if x is not None or y is not None:
            raise InputError("`x` and `y` must be given together, or neither. Received: one of them")
        return Adaptation(model=copy, replaced=tuple(replaced))
    how = recipe or holding_out(ADAPTING, x)
    images, labels = checked_training(copy, x, y, how)
    held_out, _ = split(len(images), how)
    judged, right = (images[held_out], labels[held_out]) if len(held_out) else (images, labels)
    full = input_range(copy) if how.input_range is None else how.input_range
    before, between = accuracy(model, judged, right, full), accuracy(copy, judged, right, full)
    train(copy, images, labels, how, progress=progress)
    return Adaptation(
        model=copy,
        replaced=tuple(replaced),
        accuracy_before=before,
        accuracy_replaced=between,
        accuracy_adapted=accuracy(copy, judged, right, full),
    )


def accuracy(model: keras.Model, x: np.ndarray, y: np.ndarray, full: float) -> float:
    """Of a classifier whose only output may be the probability of the second of two classes, a fraction."""
    answers = model.predict(as_taken(x, full), batch_size=256, verbose=0)
    chosen = answers[:, 0] > 0.5 if answers.shape[-1] == 1 else answers.argmax(axis=1)
    return float((chosen == y).mean())


def _nested(model: keras.Model) -> bool:
    return any(isinstance(layer, keras.Model) for layer in model.layers)


def _ending(model: keras.Model) -> list[Any]:
    """The layers that make the outputs: the last one, and before one that is only an activation that which makes its logits."""
    found = visits(model)
    ending = [found[-1]]
    if ending[0].kind == "Activation" and ending[0].takes != (IMAGE,):
        ending.insert(0, found[ending[0].takes[0]])
    return [visit.layer for visit in ending]


def _replaced(layer: Any, ending: list[Any]) -> tuple[Any, str] | None:
    """What stands for a layer, and in words; None where it stays."""
    kind, config = type(layer).__name__, layer.get_config()
    if kind in _POOLING:
        stands = getattr(kl, kind.replace("Max", "Average"))
        words = kind.rstrip("12D").replace("MaxPooling", "{} pooling").replace("Global", "global ")
        return stands.from_config(config), f"{words.format('max')} by {words.format('average')}"
    if kind in _LAYERS:
        return kl.ReLU(name=layer.name), f"{kind} by ReLU"
    if kind == "ReLU" and (layer.negative_slope or layer.threshold):
        return kl.ReLU(layer.max_value, name=layer.name), "a ReLU with a slope or threshold by a plain one"
    name = _refused_activation(layer)
    if any(layer is each for each in ending) and _one_sigmoid(ending):
        return _two_classes(layer, config, name)
    own = "activation" in config  # which a user's layer may have otherwise
    return _with_relu(layer, kind, config, name) if name and own and layer is not ending[-1] else None


def _one_sigmoid(ending: list[Any]) -> bool:
    """Whether the layers that make the outputs make the probability of the second of two classes."""
    dense, last = ending[0], ending[-1]
    if type(dense) is not kl.Dense or dense.units != 1 or _refused_activation(last) != "sigmoid":
        return False
    return dense is last or meaning_of(dense.activation) == "linear"


def _two_classes(layer: Any, config: dict[str, Any], name: str) -> tuple[Any, str]:
    """What stands for such a layer, with an activation of this name or none."""
    changed = {**config, "activation": "softmax"} if name else config
    if type(layer) is not kl.Dense:
        return kl.Activation.from_config(changed), "its sigmoid by a softmax"
    return kl.Dense.from_config({**changed, "units": 2}), "one output with a sigmoid by two with a softmax"


def _with_relu(layer: Any, kind: str, config: dict[str, Any], name: str) -> tuple[Any, str]:
    if kind != "Activation":
        own = "relu6" if name in _SIX else "relu"
        return type(layer).from_config({**config, "activation": own}), f"{name} by {own}"
    cap = 6.0 if name in _SIX else 1.0 if name in _ONE else None
    return kl.ReLU(max_value=cap, name=layer.name), f"{name} by ReLU" + (f" up to {cap:g}" if cap else "")


def _refused_activation(layer: Any) -> str:
    """The name of a layer's activation, if that does not convert; else ""."""
    function = getattr(layer, "activation", None)
    if function is None or not any(isinstance(work, Refused) for work in read_activation(function, (2,), False)):
        return ""
    return str(getattr(function, "__name__", type(function).__name__))


def _carry_weights(model: keras.Model, copy: keras.Model) -> None:
    for old, new in zip(model.layers, copy.layers, strict=True):
        if isinstance(old, keras.Model):
            _carry_weights(old, new)
            continue
        values = old.get_weights()
        shapes = [value.shape for value in values]
        wanted = [tuple(weight.shape) for weight in new.weights]
        if shapes == wanted:
            new.set_weights(values)
        elif type(new) is kl.Dense and new.units == 2 and old.units == 1:
            # softmax of (0, z) is (1 - sigmoid(z), sigmoid(z)); halves give both classes the same share
            new.set_weights([np.concatenate([-value / 2, value / 2], axis=-1) for value in values])
