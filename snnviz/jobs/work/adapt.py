"""Replace what has no spiking counterpart in a classifier, and fine-tune it for a short while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snnviz._options import like, option, parameters
from snnviz.jobs.work import train as common
from snnviz.jobs.work.sources import Preprocessing, identified, located, record_data, say_if_slow, unshown
from snnviz.training.recipe import ADAPTING

if TYPE_CHECKING:
    from snnviz.jobs.job import Job

MAIN = "training"


@dataclass(frozen=True, kw_only=True)
class Options(Preprocessing, common.Shared):
    """Settings of an adaptation."""

    model: str = option(help="a .keras file, the name of a shipped model, or run:ID", metavar="MODEL")
    out: str | None = like(common.Options, "out", unset="MODEL-adapted.keras")

    def __post_init__(self) -> None:
        super().__post_init__()
        common.recipe_from(self, ADAPTING, items=10**9)


def work(options: Options, job: Job) -> dict[str, Any]:
    """Load, replace, measure, fine-tune, save, convert."""
    from snnviz.conversion import load_source
    from snnviz.training import adapted, train
    from snnviz.training.adapting import accuracy

    source = load_source(located(options.model, "model.keras", job), options.mean, options.std)
    original = getattr(source, "model", source)
    model, replaced = adapted(original)
    start = common.start_with(model, options.model, options, ADAPTING, job)
    data, images, tests, recipe, full = start.data, start.images, start.tests, start.recipe, start.full
    common.check_training(model, images, tests, recipe, options)
    job.begin({**parameters(options), **identified(options.model, job), **common.settings(recipe, data, images)})
    record_data(job, images, "training")
    for words in (*(replaced or ("nothing had to be replaced",)), unshown(options.model, original)):
        if words:
            job.say(words)
    say_if_slow(job, recipe.precision)
    out = job.place(options.out, "model.keras")
    judged = tests or images
    before, between = (accuracy(each, judged.x, judged.y, full) for each in (original, model))
    training = common.trained_by(train, model, images, recipe, out, options, job)
    told: dict[str, Any] = {
        "replaced": replaced,
        "measured_on": judged.split,
        "accuracy_before": before,
        "accuracy_replaced": between,
        "accuracy_adapted": accuracy(model, judged.x, judged.y, full),
    }
    return common.saved(job, options, training, out, data, images, tests, **told)
