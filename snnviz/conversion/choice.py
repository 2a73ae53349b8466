"""Granularity, percentile and initial potential chosen by a short simulation.

No setting is the best for every network, so a few are simulated on items that were held out of the normalisation: pairs of
granularity and percentile, with corrected initial potentials (`snnviz.conversion.corrected`), beside two reference settings
with those of half the threshold. Chosen is what is within 1 % of the ANN soonest and stays there (within 2 or 5 %, where
nothing is), then what has the least Pareto latency, among those that are as good as the better reference gets at no more events
than it takes. A deep network that hears spikes gets this setting once more with a clamp, layers that begin one after the other:
each then hears rates that have settled. It is taken if it gains accuracy later on, for no more events.

How much is simulated depends on the size of the network alone, never on the clock, so that the same model and items make the
same network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from snnviz import _memory, _progress
from snnviz.conversion.correction import corrected
from snnviz.conversion.normalisation import Normalisation, default_percentile, measure_each
from snnviz.network import SpikingNetwork
from snnviz.simulation import Record, Settings, analog
from snnviz.simulation.engines import make_engine

TRIED = (("channel", 99.0), ("channel", 99.9), ("layer", 99.9))
"""Each is the best for one of the shipped classifiers and kinds of input. No quick look tells which: in a deep network those that
are good after 24 steps are not those that come within 1 % of the ANN."""
REFERENCES = (("layer", 99.0), ("channel", 99.9))
"""The settings that a choice must not spend more events than."""
HALF = 0.5
CORRECTED_STEPS = {"analog": 4, "spiking": 6}
"""By input: a spiking one needs some steps until its rates say what the image is."""
CORRECTED_ITEMS = 64
"""Items that potentials are corrected on."""
CLAMP = 0.34
"""Steps from one layer's beginning to the next one's, as in the paper."""
LATE = 4
"""Steps after which the last layer must begin with that clamp for it to be tried: in shallower networks it only costs time."""
STEPS = {"analog": 24, "spiking": 32}
WORK = 3 * 2**28
"""Neurons times steps times items that one setting is simulated for, about: two or three seconds."""
FEWEST, MOST = 16, 256
TOLERANCES = (0.01, 0.02, 0.05)
"""How far below the ANN's accuracy is near enough; the later ones tell settings apart of which none is by the first."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What `snnviz.convert` chooses, or is told.

    Attributes:
        per: one scale per "layer" or "channel"; None, to be chosen, as the others.
        percentile: of the activations that become 1, in (0, 100].
        initial_potential: of all neurons before the first step.
        correct_potential: over how many steps initial potentials are corrected; 0, not at all.
        clamp: time steps from one layer's beginning to the next one's.
    """

    per: str | None = None
    percentile: float | None = None
    initial_potential: float | None = None
    correct_potential: int | None = None
    clamp: float | None = None

    @property
    def pair(self) -> tuple[str | None, float | None]:
        """Granularity and percentile."""
        return self.per, self.percentile


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A setting, simulated.

    Attributes:
        setting: all of it.
        network: what it makes.
        found: the percentiles behind it.
        accuracy: float64 (steps,).
        events: mean synaptic events of an item in each step, float64 (steps,).
        reference: the ANN's accuracy on the same items.
        fewest: the least difference of accuracies that counts, one item.
    """

    setting: Setting
    network: SpikingNetwork
    found: Normalisation
    accuracy: np.ndarray = field(default_factory=lambda: np.zeros(0))
    events: np.ndarray = field(default_factory=lambda: np.zeros(0))
    reference: float = 1.0
    fewest: float = 0.0

    @property
    def settled(self) -> int:
        """The first step from which on the accuracy stays within the tolerance; one beyond the last if it never does."""
        return self._stays(self.target)

    @property
    def target(self) -> float:
        """The accuracy within the first tolerance."""
        return self._near(TOLERANCES[0])

    def _near(self, tolerance: float) -> float:
        return self.reference - max(tolerance * self.reference, self.fewest)

    def _stays(self, accuracy: float) -> int:
        short = np.flatnonzero(self.accuracy < accuracy - 1e-9)
        return 1 if len(short) == 0 else int(short[-1]) + 2

    @property
    def latency(self) -> float:
        """Pareto latency in time steps, as `snnviz.metrics.pareto_latency` says."""
        return float((1 - self.accuracy / self.reference).sum())

    @property
    def spent(self) -> float:
        """Synaptic events of an item until the accuracy is settled, or in all steps."""
        return self.spent_until(self.target)

    def spent_until(self, accuracy: float) -> float:
        """Synaptic events of an item until the accuracy stays at `accuracy`, or in all steps."""
        return float(self.events[: self._stays(accuracy)].sum())

    @property
    def rank(self) -> tuple[float, ...]:
        """What is least is best."""
        return (*(self._stays(self._near(each)) for each in TOLERANCES), self.latency, self.spent)

    def row(self, chosen: bool) -> dict[str, Any]:
        """What a table says of it."""
        return {
            **asdict(self.setting),
            "settled": self.settled if self.settled <= len(self.accuracy) else None,
            "pareto_latency": round(self.latency, 4),
            "events": round(self.spent),
            "accuracy": [round(float(value), 4) for value in self.accuracy],
            "chosen": chosen,
        }


def choose(
    network: SpikingNetwork,
    x: np.ndarray,
    y: np.ndarray | None,
    asked: Setting,
    input: str = "spiking",
    batch_size: int | None = None,
    progress: bool = False,
) -> tuple[Trial, dict[str, Any] | None]:
    """The best of the settings that leave what is `asked` as it is.

    Args:
        network: a folded network, with its onsets.
        x: items to normalise on, of which up to a quarter, the last, are held out for the simulation.
        y: their labels; None takes the answers of the ANN for right.
        asked: what is given by hand.
        input: how images will come in, "spiking" or "analog".
        batch_size: items at a time during normalisation.
        progress: show progress bars.

    Returns:
        the chosen one, and what was tried, for the network's metadata; None where there was nothing to choose.
    """
    pairs = _pairs(network, asked)
    held = _held_out(network, len(x), STEPS[input]) if len(pairs) > 1 or _potential_open(network, asked, input) else 0
    kept = x[: len(x) - held] if len(x) >= 4 * FEWEST else x
    found = measure_each(network, kept, [(percentile, per) for per, percentile in pairs], batch_size, progress)
    _memory.give_back()
    trials = [_trial(network, each, asked) for each in found]
    if not held:
        return _corrected(trials[0], kept, asked.correct_potential, input), None
    judged = x[len(x) - held :]
    answers = analog.logits(network, judged).argmax(axis=1)
    labels = answers if y is None else np.asarray(y)[len(x) - held :]
    judge = _Judge(judged, labels, max(float((answers == labels).mean()), 1 / held), input)
    candidates = _candidates(trials, asked, input)
    final = []
    with _progress.bar(len(candidates) + 1, "choosing", "setting", progress) as bar:
        for each, steps in candidates:
            final.append(judge(_corrected(each, kept, steps, input)))
            _memory.give_back()
            bar.update(1)
        best = _best(final)
        late = _clamped(best, trials, asked, input)
        if late is not None:
            each, steps = late
            final.append(judge(_corrected(each, kept, steps, input)))
            best = final[-1] if _better_late(final[-1], best) else best
        bar.update(1)
    about = {
        "input": input,
        "items": held,
        "steps": STEPS[input],
        "labels": "given" if y is not None else "the ANN's answers",
        "ann_accuracy": round(judge.reference, 4),
        "rows": [
            trial.row(trial is best) for trial in sorted(final, key=lambda trial: (trial is not best, trial.rank))
        ],
    }
    return best, about


def _candidates(trials: list[Trial], asked: Setting, input: str) -> list[tuple[Trial, int]]:
    """What is simulated, and over how many steps its potentials are corrected first: all pairs, and the references as they are."""
    steps, kept = asked.correct_potential or 0, list[Trial]()
    if asked.correct_potential is None and _potential_open(trials[0].network, asked, input):
        steps = max(layer.onset for layer in trials[0].network.layers[:-1]) + CORRECTED_STEPS[input]
        kept = [each for each in trials if _is_reference(each.setting)]
    changed = [each for each in trials if not kept or len(trials) < 3 or each.setting.pair != REFERENCES[0]]
    return [*((each, 0) for each in kept), *((each, steps) for each in changed)]


def _clamped(best: Trial, trials: list[Trial], asked: Setting, input: str) -> tuple[Trial, int] | None:
    """The best setting with a clamp, and over how many steps its potentials are corrected; None where that is not tried."""
    if input != "spiking" or asked.clamp is not None or not best.setting.correct_potential:
        return None
    plain = next(each for each in trials if each.setting.pair == best.setting.pair)
    network = plain.network.clamped(CLAMP)
    last = max(layer.onset for layer in network.layers[:-1])
    steps = asked.correct_potential or last + CORRECTED_STEPS[input]
    if not LATE <= last < min(steps, STEPS[input] // 2):
        return None
    return replace(plain, network=network, setting=replace(plain.setting, clamp=CLAMP)), steps


def _better_late(late: Trial, best: Trial) -> bool:
    """Whether a clamp gains accuracy, without more events, once the last layer has heard as long as it waited.

    The mean over all later steps tells that of 66 items in nine of ten draws (CIFAR-10), the step at which the accuracy settles
    in seven.
    """
    begins = 2 * max(layer.onset for layer in late.network.layers[:-1])
    gains = late.accuracy[begins:].mean() > best.accuracy[begins:].mean()
    return bool(gains and late.events.sum() <= best.events.sum())


def _best(trials: Sequence[Trial]) -> Trial:
    references = [each for each in trials if _is_reference(each.setting)]
    if references:
        reference = min(references, key=lambda each: each.rank)
        level = min(reference.target, float(reference.accuracy[-1]))  # of one that does not settle, how good it gets
        limit = reference.spent_until(level)
        trials = [each for each in trials if each is reference or each.spent_until(level) <= limit]
    return min(trials, key=lambda each: each.rank)


def _is_reference(setting: Setting) -> bool:
    return setting.pair in REFERENCES and not setting.correct_potential


def _pairs(network: SpikingNetwork, asked: Setting) -> list[tuple[str, float]]:
    usual = default_percentile(network)
    capped = [("layer", usual), ("channel", usual)] if usual == 100 else []
    pairs = list(dict.fromkeys([*capped, *TRIED, *REFERENCES]))
    if asked.percentile is not None:
        pairs = [("layer", asked.percentile), ("channel", asked.percentile)]
    return [(per, each) for per, each in pairs if asked.per in (None, per)]


def _potential_open(network: SpikingNetwork, asked: Setting, input: str) -> bool:
    if asked.initial_potential is not None or asked.correct_potential is not None or len(network.layers) < 2:
        return False
    late = max(layer.onset for layer in network.layers[:-1]) >= STEPS[input]  # nothing of it would be seen
    return not late and not _mixed(network, input)


def _mixed(network: SpikingNetwork, input: str) -> bool:
    """Whether a population adds up an analog image and spikes, which the event engine does not."""
    return input == "analog" and any(0 in sources and len(sources) > 1 for sources in network.sources)


def _held_out(network: SpikingNetwork, items: int, steps: int) -> int:
    """How many items are simulated, by the size of the network; all of too few."""
    fitting = WORK // (steps * sum(network.neurons.values()))
    return items if items < 4 * FEWEST else min(max(fitting, FEWEST), MOST, items // 4)


def _trial(network: SpikingNetwork, found: Normalisation, asked: Setting) -> Trial:
    scaled = network.scaled(found.scales)
    begins = HALF if asked.initial_potential is None else asked.initial_potential
    if begins != HALF:
        scaled = scaled.with_initial_potentials([begins] * (len(scaled.layers) + 1))
    setting = Setting(
        per=found.per,
        percentile=found.percentile,
        initial_potential=begins,
        correct_potential=0,
        clamp=asked.clamp or 0.0,
    )
    return Trial(setting=setting, network=scaled, found=found)


def _corrected(trial: Trial, x: np.ndarray, steps: int | None, input: str) -> Trial:
    if not steps:
        return trial
    network = corrected(trial.network, x[:CORRECTED_ITEMS], steps, what="potential", input=input)
    return replace(trial, network=network, setting=replace(trial.setting, correct_potential=steps))


@dataclass(frozen=True)
class _Judge:
    """Simulates trials on held-out items."""

    x: np.ndarray
    labels: np.ndarray
    reference: float
    input: str

    def __call__(self, trial: Trial) -> Trial:
        x, steps = self.x, STEPS[self.input]
        name = "graph" if _mixed(trial.network, self.input) else "event"
        engine = make_engine(name, trial.network, Settings(steps=steps, input=self.input), Record(prediction=False))
        starts = range(0, len(x), engine.batch_size)
        blocks = [engine.run(x[start : start + engine.batch_size]) for start in starts]
        answers = np.concatenate([block.output for block in blocks]).argmax(axis=2)
        events = np.concatenate([block.events for block in blocks]).sum(axis=2)
        return replace(
            trial,
            accuracy=(answers == self.labels[:, None]).mean(axis=0),
            events=events.mean(axis=0),
            reference=self.reference,
            fewest=1 / len(x),
        )
