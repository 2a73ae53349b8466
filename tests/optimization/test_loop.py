"""`optimize`: it gains on a real network, stops when told, and goes on where it was cut off."""

import itertools
import os
import re
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from snnviz import load_network
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork
from snnviz.optimization import METHODS, optimize
from snnviz.optimization.learner import Program
from snnviz.optimization.problem import Problem

SEARCHERS = ("gradient", "subplex", "cmaes", "percentile", "auto", "onsets", "weights")
OPTIONS = {
    "gradient": {"updates": 60, "every": 10, "batch": 16},
    "auto": {"updates": 60, "every": 10, "batch": 16},
    "cmaes": {"population": 6},
    "percentile": {"grid": (50.0, 80.0, 90.0, 95.0, 100.0)},
    "subplex": {},
    "onsets": {"clamps": (0, 0.5, 1)},
    "weights": {"updates": 60, "every": 10, "batch": 16},
}


def quick(network, data, method, **arguments):
    options = {**OPTIONS[method], **arguments.pop("options", {})}
    given = {"budget_evaluations": 14, "steps": 12, "progress": False, "options": options, **arguments}
    return optimize(network, *data, method=method, **given)


@pytest.mark.parametrize(
    ("method", "factor", "arguments"),
    [
        # the loss begins at lambda_e (1 - peak) + 2; latency and power together must fall by this factor
        (
            "gradient",
            3.0,
            {"with_potentials": True, "options": {"updates": 60, "every": 20, "batch": 64, "rate": 0.05}},
        ),
        ("auto", 3.0, {"with_potentials": True, "options": {"updates": 60, "every": 20, "batch": 64, "rate": 0.05}}),
        ("subplex", 2.0, {"per": "layer"}),
        ("cmaes", 2.0, {"per": "layer", "options": {"step": 0.4}}),
        ("percentile", 2.0, {"per": "layer", "options": {"grid": (80.0, 95.0, 99.0, 100.0)}}),
    ],
)
def test_each_method_improves_a_real_network(mnist, slow_network, method, factor, arguments):
    data = mnist.x[:250], mnist.y[:250]
    learn = (mnist.x[250:], mnist.y[250:]) if method in ("gradient", "auto") else None
    found = quick(slow_network, data, method, training=learn, budget_evaluations=24, steps=20, **arguments)
    start, best = (sum(found.objective.parts(terms)[1:]) for terms in (found.start, found.best))
    assert start == pytest.approx(2)
    assert best < start / factor, (found.start, found.best)
    assert found.objective.loss(found.best) < found.objective.loss(found.start)


@pytest.fixture(scope="module", params=SEARCHERS)
def method(request):
    return request.param


@pytest.fixture(scope="module")
def whole(toy, toy_data, method):
    """A search that nothing interrupts."""
    return quick(toy, toy_data, method)


def test_the_result_is_what_it_says(whole, toy_data, method):
    found = whole
    history = found.history
    assert history.index.name == "evaluation"
    assert history.loc[0, "stage"] == "start"
    np.testing.assert_allclose(history["loss"], history[["accuracy_term", "latency_term", "power_term"]].sum(axis=1))
    assert history["loss"].min() == pytest.approx(found.objective.loss(found.best))
    assert (history["seconds"].diff().iloc[1:] >= 0).all()
    problem = Problem(found.network, *toy_data, steps=12)
    counts = problem.count(problem.space.start())
    assert counts.correct.max() / counts.items == found.best.peak_accuracy
    about = found.network.metadata["optimization"]
    assert (about["method"], about["per"]) == (method, ["layer" if method in ("onsets", "weights") else "channel"])


def test_the_same_arguments_bring_the_same_network(whole, toy, toy_data, method, tmp_path):
    """The start in a file as well."""
    file = toy.save(tmp_path / "start.npz")
    again = quick(file, toy_data, method)
    np.testing.assert_array_equal(again.vector, whole.vector)
    assert again.network.hash == whole.network.hash


def test_workers_change_nothing(toy, toy_data):
    alone, two = (quick(toy, toy_data, "cmaes", workers=count, budget_evaluations=14) for count in (1, 2))
    np.testing.assert_array_equal(alone.vector, two.vector)


@pytest.mark.parametrize("calls", [1, 4, 9])
def test_cut_off_and_resumed_is_the_same_search(whole, toy, toy_data, method, calls, tmp_path, monkeypatch):
    evaluated = len(whole.history)
    count = Problem.count
    made = []

    def cut_off(self, *arguments, **others):
        made.append(1)
        if len(made) == calls:
            raise KeyboardInterrupt
        return count(self, *arguments, **others)

    if calls < evaluated:
        monkeypatch.setattr(Problem, "count", cut_off)
        with pytest.raises(KeyboardInterrupt, match="--resume"):
            quick(toy, toy_data, method, checkpoint=tmp_path / "run")
    made.clear()
    monkeypatch.setattr(Problem, "count", lambda self, *a, **k: made.append(1) or count(self, *a, **k))
    resumed = quick(toy, toy_data, method, checkpoint=tmp_path / "run", resume=True)
    done = calls - 1 if calls < evaluated else 0
    # one generation that is cut off is evaluated anew, no other
    generation = {"cmaes": 7, "percentile": 5, "onsets": 5}.get(method, 1)
    assert evaluated - done <= len(made) < evaluated - done + generation
    np.testing.assert_array_equal(resumed.vector, whole.vector)
    columns = ["stage", "loss", "peak_accuracy", "latency", "power"]
    assert resumed.history[columns].equals(whole.history[columns])
    if resumed.best != resumed.start:
        assert load_network(tmp_path / "run" / "best.npz").hash == whole.network.hash


def test_a_bigger_budget_goes_on(toy, toy_data, tmp_path):
    quick(toy, toy_data, "subplex", budget_evaluations=5, checkpoint=tmp_path)
    more = quick(toy, toy_data, "subplex", budget_evaluations=12, checkpoint=tmp_path, resume=True)
    assert len(more.history) == 12
    assert more.history.equals(more.history.sort_values("seconds"))


def test_budgets_are_kept(toy, toy_data, method):
    found = quick(toy, toy_data, method, budget_evaluations=4)
    assert len(found.history) <= 4
    assert found.stopped == "budget"


def test_a_budget_of_time_is_kept(toy, toy_data, monkeypatch):
    # a clock of our own, so that neither a quick machine finishes first nor a slow one stops at the start
    ticks = itertools.count()
    monkeypatch.setattr("snnviz.optimization.search.time", SimpleNamespace(perf_counter=lambda: 0.02 * next(ticks)))
    found = quick(toy, toy_data, "cmaes", budget_evaluations=None, budget_minutes=0.02)
    assert found.stopped == "budget"
    assert len(found.history) > 1
    assert found.history["seconds"].iloc[-1] <= 0.02 * 60 + 0.2


class Clock:
    """Time that passes with evaluations and updates alone."""

    def __init__(self, monkeypatch, evaluation, update):
        self.now = 0.0
        monkeypatch.setattr("snnviz.optimization.search.time", SimpleNamespace(perf_counter=lambda: self.now))
        self.updates, count, learn = 0, Problem.count, Program.update

        def counted(problem, vector, start=0, stop=None, threads=None):
            items = len(problem.x)
            self.now += evaluation * ((items if stop is None else stop) - start) / items
            return count(problem, vector, start, stop, threads)

        def updated(program, *arguments):
            self.updates += 1
            self.now += update
            return learn(program, *arguments)

        monkeypatch.setattr(Problem, "count", counted)
        monkeypatch.setattr(Program, "update", updated)


MANY = {"updates": 250, "every": 200}
SLOW = {**OPTIONS, "gradient": MANY, "auto": MANY, "weights": MANY}


def test_however_slow_it_is_a_candidate_is_there_early_and_the_budget_is_kept(toy, toy_data, method, monkeypatch):
    clock, said = Clock(monkeypatch, evaluation=7.0, update=3.0), []
    given = {"budget_evaluations": None, "budget_minutes": 3, "options": SLOW[method], "say": said.append}
    found = quick(toy, toy_data, method, **given)
    assert found.history["seconds"].iloc[1] <= 60
    assert clock.now <= 180
    assert found.stopped == "budget" or clock.now < 170
    if clock.updates:
        assert clock.updates > 20
        assert len(said) == 1
        assert re.search(
            r"makes about \d\d of its 250 updates .* subplex and percentile, .* \(7.0 s each\), fit", said[0]
        )
    else:
        assert said == []


def test_a_budget_that_is_not_spent_changes_nothing(whole, toy, toy_data, method):
    timed = quick(toy, toy_data, method, budget_minutes=1000)
    np.testing.assert_array_equal(timed.vector, whole.vector)
    assert timed.history["loss"].equals(whole.history["loss"])


def test_a_budget_too_small_is_said_or_refused_before_the_first_evaluation(toy, toy_data, monkeypatch):
    clock, said = Clock(monkeypatch, evaluation=40.0, update=1.0), []
    given = {"budget_evaluations": None, "say": said.append}
    with pytest.raises(
        InputError, match=r"about 121.* with 40 items; allow 6.1 minutes, or take at most 4 items. .* 1 minutes"
    ):
        quick(toy, toy_data, "cmaes", budget_minutes=1, **given)
    assert clock.now < 45  # 40 items are timed; of more only the first
    assert len(quick(toy, toy_data, "cmaes", budget_minutes=4, **given).history) > 1
    assert "4 minutes are few for this search" in said[0]


def test_a_method_whose_first_update_takes_too_long_is_named(toy, toy_data, monkeypatch):
    clock = Clock(monkeypatch, evaluation=1.0, update=59.0)
    given = {"budget_evaluations": None, "budget_minutes": 1}
    with pytest.raises(
        InputError, match=r"method gradient needs more time: .* allow 3.2 minutes, or take method subplex"
    ):
        quick(toy, toy_data, "gradient", **given)
    assert (clock.updates, clock.now <= 66) == (1, True)
    clock.now = 0.0
    with pytest.raises(InputError, match="method auto needs more time"):
        quick(toy, toy_data, "auto", **given)


@pytest.mark.parametrize("name", ["gradient", "weights"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interrupt_loses_the_update_in_flight_alone(toy, toy_data, name, moment, tmp_path, monkeypatch):
    whole = quick(toy, toy_data, name)
    learn, made = Program.update, []

    def interrupted(program, *arguments):
        if len(made) == 27 and moment == "before":
            os.kill(os.getpid(), signal.SIGINT)
        learn(program, *arguments)
        made.append(1)
        if len(made) == 27 and moment == "after":
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Program, "update", interrupted)
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        quick(toy, toy_data, name, checkpoint=tmp_path)
    assert len(made) == 27
    monkeypatch.setattr(Program, "update", lambda program, *arguments: made.append(1) or learn(program, *arguments))
    resumed = quick(toy, toy_data, name, checkpoint=tmp_path, resume=True)
    assert len(made) == 60
    np.testing.assert_array_equal(resumed.vector, whole.vector)
    assert resumed.history["loss"].equals(whole.history["loss"])


def test_stages_go_from_coarse_to_fine(toy, toy_data):
    found = quick(toy, toy_data, "cmaes", per=("network", "layer", "channel"), budget_evaluations=60)
    assert found.vector.shape == (6 + 5 + 1,)
    assert len(found.history) > 40


def test_gradient_learns_from_the_training_items(toy, toy_data):
    x, y = toy_data
    here = quick(toy, (x[:20], y[:20]), "gradient")
    there = quick(toy, (x[:20], y[:20]), "gradient", training=(x[20:], y[20:]))
    assert not np.array_equal(here.vector, there.vector)


def test_mistakes_are_answered(toy, toy_data, tmp_path):
    x, y = toy_data
    wrong = [
        ({"method": "annealing"}, "method.*'auto'"),
        ({"per": "neuron"}, "per"),
        ({"lambdas": (-1, None, None)}, "lambda_e"),
        ({"budget_evaluations": 0}, "budget_evaluations"),
        ({"budget_minutes": 0}, "budget_minutes"),
        ({"seed": -1}, "seed"),
        ({"steps": 0}, "steps"),
        ({"workers": 0}, "workers"),
        ({"resume": True}, "checkpoint"),
        ({"training": (x[:0], y[:0])}, "training"),
        ({"options": {"speed": 3}}, "options.*speed"),
        ({"method": "onsets", "with_potentials": True}, "with_potentials.*onsets"),
        ({"method": "onsets", "options": {"clamps": (-1,)}}, "clamps"),
    ]
    for arguments, message in wrong:
        with pytest.raises(InputError, match=message):
            optimize(toy, x, y, **{"progress": False, "budget_evaluations": 2, "method": "subplex", **arguments})
    with pytest.raises(InputError, match="at least one item"):
        optimize(toy, x[:0], y[:0])
    with pytest.raises(InputError, match="which is not a file"):
        optimize("network.npz", x, y)
    with pytest.raises(InputError, match="hidden layers"):
        optimize(SpikingNetwork(input=toy.input, layers=(_only(),)), x, y)


def _only():
    from snnviz.network import Dense

    return Dense(name="only", input_shape=(4,), weights=np.ones((4, 3)), bias=np.zeros(3))


def test_every_method_is_tested():
    assert set(SEARCHERS) == set(METHODS)
