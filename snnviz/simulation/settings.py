"""What to simulate and what to keep: the options that every engine understands alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snnviz import _checks as check
from snnviz._arguments import check_fields, checked
from snnviz._options import check_options, option
from snnviz.errors import InputError
from snnviz.network import THRESHOLD, SpikingNetwork, onset_at

INPUTS = ("spiking", "poisson", "analog", "spikes")
RESETS = ("subtract", "zero")
READOUTS = ("membrane", "cumulative", "decay")
SYNAPSES = ("nonzero", "all")
MOST_MS = 1e9
"""Of a step: eleven days."""
LOWEST = -1e38
"""A floor that membranes, float32, can hold."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a network is simulated. Equations: `snnviz.network`; these are its choices.

    Attributes:
        steps: number of time steps T.
        input: "spiking" (an integrate-and-fire neuron per pixel), "poisson" (a spike with probability x at each step,
            drawn from `seed`), "analog" (the intensity itself reaches the first layer at every step), or "spikes" (events that
            came from elsewhere, such as a camera's; of several at a pixel in a step one is sent and the others wait for the next
            steps, see `snnviz.simulation.encoding.one_a_step`).
        reset: after a spike, "subtract" the threshold or set the membrane to "zero".
        input_reset: the same for the spiking input layer alone, which may be computed elsewhere than the rest (on SpiNNaker,
            by the host); None, as `reset` says.
        floor: membranes of hidden layers never fall below it: v <- max(v + f(S; W) + b, floor), then the threshold. None, no
            floor. The input, which nothing inhibits, and the output, whose membrane is the answer, have none.
        delay: 0, spikes travel through all layers within a step; 1, layer i+1 sees at step t what layer i (or the
            input) sent at step t - 1, and nothing at step 1. Biases are never delayed.
        refractory: for this many steps after a spike a neuron's membrane is frozen (input is lost) and it cannot fire.
        clamp: the layer at depth d (input 0, first weighted layer 1, ...; behind a sum the longest way counts) is frozen in the
            same way, and silent, for its first clamp * d steps, rounded down, if the network's own onset is not later. 0.5
            lets two layers begin with every step: a deep layer does not integrate what the layers before it send before they
            have settled.
        readout: class scores at step t: the output "membrane" v_t; its "cumulative" sum over steps 1..t; or its
            exponential average a_t = decay * a_(t-1) + (1 - decay) * v_t ("decay").
        decay: in [0, 1), used by readout "decay" only; 0 gives v_t.
        synapses: which synapses carry events: the "nonzero" ones, or "all", pruned ones too.
        seed: seed of the Poisson input.
        step_ms: milliseconds of a step, where time has a unit: a whole number of microseconds. None, it has none.
    """

    steps: int = option(50, "time steps", metavar="T", least=1)
    input: str = option(
        "spiking",
        "how items arrive: a neuron a pixel (spiking), spikes by chance (poisson), intensities as they are (analog), or "
        "recorded events (spikes)",
        choices=INPUTS,
    )
    reset: str = option("subtract", "what a spike does to the membrane", choices=RESETS)
    input_reset: str | None = option(
        None, "the same of the input layer alone", metavar="RESET", choices=RESETS, unset="as --reset",
    )  # fmt: skip
    floor: float | None = option(None, "hidden membranes never fall below it", metavar="V", least=LOWEST, unset="none")
    delay: int = option(
        0,
        "steps from a layer to the next; 0, spikes travel through all layers within a step",
        metavar="0|1",
        least=0,
        most=1,
    )
    refractory: int = option(0, "steps for which a neuron rests after a spike", metavar="STEPS", least=0)
    clamp: float = option(
        0.0, "steps for which each layer waits after the one before it has begun", metavar="STEPS", least=0
    )
    readout: str = option(
        "membrane",
        "class scores: membrane potentials of the output layer (membrane), their sum (cumulative), or their fading average "
        "(decay)",
        choices=READOUTS,
    )
    decay: float = option(0.9, "with --readout decay: how much of the average stays at each step", least=0, most=1)
    synapses: str = option("nonzero", "synapses whose events are counted", choices=SYNAPSES)
    seed: int = option(0, "seed of the Poisson input", least=0)
    step_ms: float | None = option(
        None,
        "milliseconds of an event recording in each step",
        metavar="MS",
        least=0,
        most=MOST_MS,
        above=True,
        unset="none",
    )

    def __post_init__(self) -> None:
        check_options(self)
        object.__setattr__(self, "clamp", float(self.clamp))
        if self.floor is not None and self.floor >= THRESHOLD:
            raise InputError(f"`floor` must be below the threshold, {THRESHOLD:g}. Received: {self.floor:g}")
        if self.decay == 1:
            raise InputError("`decay` must be below 1: at 1 the read-out never leaves 0. Received: 1")
        if self.step_ms is not None and (
            not self.step_us or abs(self.step_ms * 1000 - self.step_us) > 1e-6 * self.step_us
        ):
            raise InputError(
                f"`step_ms` must be a whole number of microseconds, such as 0.001 or 10. Received: {self.step_ms:g}"
            )

    @property
    def step_us(self) -> int:
        """Microseconds of a step; 0 where time has no unit."""
        return round((self.step_ms or 0) * 1000)

    @property
    def given(self) -> bool:
        """Whether engines are given the input's spikes, as uint8 (items, T, *shape)."""
        return self.input in ("poisson", "spikes")

    @checked
    def frozen_steps(self, network: SpikingNetwork) -> tuple[int, ...]:
        """For how many steps the input and each layer of `network` are frozen at first, by `clamp` or the layer's onset."""
        onsets = (0, *(layer.onset for layer in network.layers))
        return tuple(max(onset_at(d, self.clamp), onset) for d, onset in zip(network.depths, onsets, strict=True))

    @checked
    def resets_to_zero(self, *, input_layer: bool) -> bool:
        """Whether the spiking input layer, or else the other layers, reset to zero."""
        reset = self.input_reset or self.reset if input_layer else self.reset
        return reset == "zero"


def learned_input(network: SpikingNetwork) -> str | None:
    """The input that a network was optimised for; None where it was not, or does not say."""
    about = network.metadata.get("optimization")
    meant = about.get("input") if isinstance(about, Mapping) else None
    return str(meant) if meant in INPUTS else None


def other_input(network: SpikingNetwork, given: str) -> str:
    """A sentence where a network is simulated with another input than it was optimised for; else nothing."""
    meant = learned_input(network)
    if meant in (None, given):
        return ""
    return f"this network was optimised for input {meant!r}, and answers otherwise with {given!r}: see --input {meant}"


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a result keeps beside the curves.

    Attributes:
        prediction: the predicted class of every item at every step, int16 (item, time).
        logits: the class scores, float32 (item, time, class).
        events: synaptic events of every item, int64 (item, time, layer).
        spikes: names of firing populations ("input" or a hidden layer) whose spikes are kept, bool (traced, time, neuron).
        potentials: names of populations (the last layer too) whose membrane potentials after reset are kept, float32;
            NaN for an input that has no membrane (Poisson or analog).
        items: number of items, the first ones, for which spikes and potentials are kept.
    """

    prediction: bool = True
    logits: bool = False
    events: bool = False
    spikes: tuple[str, ...] = ()
    potentials: tuple[str, ...] = ()
    items: int = 16

    def __post_init__(self) -> None:
        check_fields(self)
        check.integer("record.items", self.items, 1)

    @classmethod
    @checked
    def of(cls, value: Record | Sequence[str] | str | None) -> Record:
        """`value` as a Record: one already, None for the default, or names among "prediction", "logits", "events"."""
        if value is None:
            return cls()
        if isinstance(value, Record):
            return value
        names = (value,) if isinstance(value, str) else tuple(value)
        for name in names:
            check.choice("record", name, ("prediction", "logits", "events"))
        return cls(prediction="prediction" in names, logits="logits" in names, events="events" in names)

    @checked
    def check(self, network: SpikingNetwork) -> None:
        """Raise `InputError` if a name is not a population of `network`."""
        for name in self.spikes:
            check.choice("record.spikes", name, network.firing_names)
        for name in self.potentials:
            check.choice("record.potentials", name, network.layer_names)
