"""What a training does: its schedule and settings, checked once and stored with every checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._options import check_options, option
from snnviz._sparsity import WEIGH
from snnviz.errors import InputError

Schedule = tuple[tuple[int, float], ...]
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of a training; the defaults are the paper's (Dutson et al. 2023), with Keras' default batch size.

    Attributes:
        schedule: (epochs, learning rate) stages, one after the other.
        batch_size: items per step; an epoch's last batch is smaller where the items do not divide evenly.
        l2: factor of sum(w ** 2), added to the loss for every kernel.
        validation: training items held out to choose the best epoch; 0 trains on all and keeps the last epoch.
        momentum: of stochastic gradient descent.
        seed: of the order of the items in each epoch (and of the initial weights, where `train` builds the model).
        split_seed: of the choice of the held-out items. It is apart from `seed` so that models of different seeds are
            compared on the same items, and fine-tuning never validates on what the model was trained on.
        lambda_a: weight of the activation penalty (`snnviz.sparsity.ActivationPenalty`); 0 for none.
        lambda_w: weight of the weight penalty (`snnviz.sparsity.WeightPenalty`); 0 for none.
        shift: in every epoch each training image is moved by up to this many pixels each way, zeros coming in at the borders;
            0, the paper's, leaves them alone.
        flip: in every epoch each training image is mirrored, left to right, or not, by chance.
        anneal: the learning rate of the last stage falls along half a cosine towards zero, a step after every epoch; stages
            before it serve as warm-up.
        precision: "float32", or "bfloat16" for the arithmetic of all layers but the last, with weights kept in float32: less
            time a step on processors and GPUs that have it.
        levels: while the model trains, activations are rounded to so many levels above zero, up to a ceiling that each layer
            learns (`snnviz.training.levels`); 0 leaves them alone.
        weigh: how both penalties are divided among layers (`snnviz.sparsity.shares`): "size", the paper's, by neurons and
            synapses; or "events", by the synaptic events that a layer is expected to cause.
        keep_zeros: weights that are zero when training begins stay zero.
        input_range: what the model takes for full intensity; None for what it shows (`snnviz.conversion.input_range`), 1 or 255.
    """

    schedule: Schedule = ((50, 5e-2), (50, 5e-3))
    batch_size: int = option(32, "items per step", metavar="N", least=1)
    l2: float = option(1e-3, "weight decay of kernels", metavar="L", least=0)
    validation: int = option(10_000, "items held out", metavar="N", least=0)
    momentum: float = option(0.0, "momentum of the gradient descent", metavar="M", least=0, most=1)
    seed: int = option(0, "seed of the first weights and of the order of items", metavar="S", least=0)
    split_seed: int = option(0, "seed of the choice of the items held out", least=0)
    lambda_a: float = option(0.0, "weight of the activation penalty", metavar="L", least=0)
    lambda_w: float = option(0.0, "weight of the weight penalty", metavar="L", least=0)
    shift: int = option(0, "move images by up to N pixels each way", metavar="N", least=0)
    flip: bool = option(False, "mirror images, left to right, by chance")
    anneal: bool = option(False, "the last stage's learning rate falls along half a cosine")
    precision: str = option(
        "float32", "precision of the arithmetic; bfloat16 makes quicker steps", metavar="P", choices=PRECISIONS,
    )  # fmt: skip
    levels: int = option(
        0, "train with activations rounded to L values above zero, for few time steps; 0, no rounding", metavar="L",
        least=0,
    )  # fmt: skip
    weigh: str = option(
        "size",
        "divide both penalties among layers by their neurons and synapses (size), as in the paper, or by the synaptic events "
        "expected of them (events)", choices=WEIGH,
    )  # fmt: skip
    keep_zeros: bool = option(False, "weights of MODEL that are zero stay zero")
    input_range: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedule", _checked_schedule(self.schedule))
        if self.input_range is not None:
            object.__setattr__(self, "input_range", check.input_range(self.input_range))
        check_options(self)
        # a step takes a share 2 rate l2 off a weight: from twice the whole weight on, each step makes it larger
        steepest = max(rate for _, rate in self.schedule)
        if steepest * self.l2 >= 1 + self.momentum:
            raise InputError(
                f"`l2` times the learning rate must be below {1 + self.momentum:g}; from there on each step makes weights larger. "
                f"Received: {self.l2:g} times {steepest:g}"
            )

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(epochs for epochs, _ in self.schedule)

    @checked
    def learning_rate(self, epoch: int) -> float:
        """The learning rate of epoch 0, 1, ... `epochs` - 1."""
        for stage, (epochs, rate) in enumerate(self.schedule, 1):
            if epoch < epochs:
                annealed = self.anneal and stage == len(self.schedule)
                return rate * (1 + math.cos(math.pi * epoch / epochs)) / 2 if annealed else rate
            epoch -= epochs
        raise InputError(f"`epoch` must be below {self.epochs}. Received: {epoch + self.epochs}")

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON holds them."""
        return {**asdict(self), "schedule": [list(stage) for stage in self.schedule]}


def completed(saved: Mapping[str, Any]) -> dict[str, Any]:
    """A stored recipe (`Recipe.as_json`) with the defaults of the settings that came after it was stored."""
    return Recipe().as_json() | dict(saved)


def _checked_schedule(schedule: Any) -> Schedule:
    try:
        stages = [(stage[0], stage[1]) for stage in schedule if len(stage) == 2]
        whole = bool(stages) and len(stages) == len(schedule)
    except TypeError:
        whole = False
    if not whole:
        raise InputError(
            "`schedule` must be a non-empty sequence of (epochs, learning rate) pairs. "
            f"Received: {check.describe(schedule)}"
        )
    return tuple(
        (
            check.integer("epochs of a stage", epochs, 1),
            check.real("learning rate of a stage", rate, 0, above=True),
        )
        for epochs, rate in stages
    )


FINE_TUNING = Recipe(schedule=((100, 5e-3), (100, 1e-3)), lambda_a=0.5, lambda_w=20.0)
"""The paper's sparsity fine-tuning for MNIST and CIFAR."""
ADAPTING = Recipe(schedule=((4, 5e-3), (2, 1e-3)), batch_size=64, momentum=0.9, l2=0.0)
"""Of `snnviz adapt`: short, since all weights are trained ones."""
_MOBILENET = Recipe(schedule=((25, 1e-2), (25, 1e-3)))
_MOBILENET_FINE_TUNING = Recipe(schedule=((25, 1e-3), (25, 1e-4)), lambda_a=2.0, lambda_w=100.0)


@checked
def default_recipe(architecture: str, finetuning: bool = False) -> Recipe:
    """The paper's recipe for an architecture; MobileNet has shorter schedules and stronger penalties than the others."""
    if architecture == "mobilenet":
        return _MOBILENET_FINE_TUNING if finetuning else _MOBILENET
    return FINE_TUNING if finetuning else Recipe()
