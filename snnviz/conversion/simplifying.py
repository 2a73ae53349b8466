"""The second pass: steps that do nothing, or the same as another, are left out; a softmax is one at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from snnviz.conversion.graph import Classifier, Pad, Rectify, Refused, Reshape, Softmax, Step
from snnviz.conversion.linear import NO_PADDING, Affine


def simplify(classifier: Classifier) -> Classifier:
    """All of this pass, in order."""
    simpler: tuple[Callable[[Classifier], Classifier], ...] = (softmax_last, without_nothing, without_repetition)
    for one in simpler:
        classifier = one(classifier)
    return classifier


def softmax_last(classifier: Classifier) -> Classifier:
    """Without a softmax whose probabilities are the model's output, for its logits have the same order; another is refused."""

    def change(place: int, step: Step) -> Step:
        if not isinstance(step.work, Softmax) or not _goes_on(classifier, place):
            return step
        return replace(step, work=Refused(reason="a softmax must come last", remedy="use ReLU between layers"))

    found = classifier.changed(change)
    return found.without(
        {place: step.takes[0] for place, step in enumerate(found.steps) if isinstance(step.work, Softmax)}
    )


def _goes_on(classifier: Classifier, place: int) -> bool:
    """Whether something is computed of what a step makes."""
    return any(
        not isinstance(classifier.steps[after].work, Reshape | Refused) or _goes_on(classifier, after)
        for after in classifier.taken_by(place)
    )


def without_nothing(classifier: Classifier) -> Classifier:
    """Without affine maps of everything to itself, padding of no width and reshaping to the same shape."""

    def nothing(step: Step) -> bool:
        work = step.work
        return (
            (isinstance(work, Affine) and work.trivial)
            or (isinstance(work, Pad) and work.edges == NO_PADDING)
            or (isinstance(work, Reshape) and step.shape == classifier.steps[step.takes[0]].shape)
        )

    return classifier.without({place: step.takes[0] for place, step in enumerate(classifier.steps) if nothing(step)})


def without_repetition(classifier: Classifier) -> Classifier:
    """With one ReLU (or padding, or reshaping) where several do the same to one signal: one population, not several."""
    known: dict[object, int] = {}
    repeated: dict[int, int] = {}
    for place, step in enumerate(classifier.steps):
        takes = tuple(repeated.get(source, source) for source in step.takes)
        if isinstance(step.work, Rectify | Pad | Reshape):
            first = known.setdefault((step.work, takes, step.shape), place)
            if first != place:
                repeated[place] = first
    return classifier.without(repeated)
