"""Whatever a function or command is handed, it takes it or says in one sentence what is wrong: `snnviz.errors.InputError`."""

import contextlib
import functools
import inspect

import numpy as np
import pytest

from snnviz import InputError, cli, datasets, results
from snnviz.conversion import loading
from tests import hostile
from tests.hostile import Reached

WALKED = hostile.walked()


def reached(*_, **__):
    raise Reached


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """Valid arguments, in a folder of their own that is the working folder too; long work ends where it would begin."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))
        patch.setenv("SNNVIZ_DATA_DIR", str(folder / "data"))
        made = hostile.Material(folder)
        for name in (
            "snnviz.training.loop._Run", "snnviz.training.loop.compiled_steps", "snnviz.sparsity_sweep._Study",
            "snnviz.optimization.workers.Processes._started", "snnviz.optimization.workers.Dask",
            "snnviz.conversion.convert", "snnviz.plots.export.pictures", "snnviz.plots.save", "snnviz.jobs.control._start",
            "panel.io.server.get_server", "snnviz.optimization.optimize", "snnviz.hardware.spinnaker.dryrun.dry_run",
            "snnviz.hardware.neuron.mechanism.load", "snnviz.figures.scenes.canvas", "snnviz.figures.make",
            "snnviz.figures.make_tables", "snnviz.figures.make_animations", "snnviz.sparsity.measure",
            "snnviz.architectures.build", "snnviz.dashboard.server._bindable", "snnviz.hardware.outside.run",
            "snnviz.hardware.outside.followed", "snnviz.figures.stream.canvas",
        ):  # fmt: skip
            patch.setattr(name, reached)
        patch.setattr("snnviz.dashboard.server.PAGES", (hostile.Blank,))
        real = datasets.load
        patch.setattr("snnviz.datasets.load", functools.cache(lambda *words, **named: real(*words, **named)))
        patch.setattr("snnviz.cli.parser", functools.cache(cli.parser))
        patch.setattr("snnviz.results.load", functools.cache(results.load))
        kept = functools.cache(loading.load_keras)
        patch.setattr(loading, "load_keras", kept)
        patch.setattr("snnviz.conversion.load_keras", kept)
        patch.setattr(loading, "_keras", functools.cache(loading._keras))
        # of a handful of items, without Keras' making a data set of them
        patch.setattr("snnviz.conversion.report.model_scores", lambda model, x, batch_size=256: np.asarray(model(x)))
        yield made


def outcome(function, keywords):
    """What calling it comes to: "taken", "refused", or the error that should not have been."""
    try:
        answer = function(**keywords)
        if isinstance(answer, contextlib._GeneratorContextManager):
            with answer:
                pass
        if inspect.isgenerator(answer):
            next(answer, None)
    except Reached:
        return "taken"
    except InputError as error:
        return "refused" if "\n" not in str(error) else f"several lines: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:150]}"
    return "taken"


def bound(name, material):
    """The function, with its object if it is a method."""
    function, owner = WALKED[name], name.split(".")[-2]
    if inspect.isfunction(function) and "self" in inspect.signature(function).parameters:
        return function.__get__(hostile.INSTANCES[owner](material))
    return function


def given(name, material):
    """Valid arguments for everything that must be given, and whatever else is known."""
    found = {}
    for argument, parameter in hostile.arguments(WALKED[name]).items():
        try:
            found[argument] = material.given(name, argument)
        except KeyError:
            if parameter.default is inspect.Parameter.empty:
                raise
    return found


REFUSED = {"jobs.control.cancel", "jobs.control.resume", "importing.pytorch.from_torch"}
"""For which the valid arguments are refused, since no run is to be stopped, and PyTorch is not among what the tests need."""


@pytest.mark.parametrize("name", WALKED)
def test_every_function_refuses_in_one_sentence(name, material, monkeypatch):
    monkeypatch.setattr("snnviz.jobs.spec.Spec.work", property(lambda spec: reached))
    function = bound(name, material)
    assert outcome(function, given(name, material)) == ("refused" if name in REFUSED else "taken")
    wrong = {}
    for argument, parameter in hostile.arguments(WALKED[name]).items():
        found = {}
        called = "Callable" in str(parameter.annotation) or "EngineMaker" in str(parameter.annotation)
        for label, value in hostile.VALUES.items():
            if called and callable(value()):  # what it raises is its author's
                continue
            found[label] = outcome(function, {**given(name, material), argument: value()})
            if found[label] not in ("taken", "refused"):
                wrong[f"{argument}={label}"] = found[label]
        if found["3"] != found["np.int64(3)"]:
            wrong[f"{argument}"] = f"3 is {found['3']}, np.int64(3) {found['np.int64(3)']}"
    assert not wrong, "\n".join(f"{key}: {value}" for key, value in wrong.items())


LEAVES = {" ".join(words): leaf for words, leaf in cli.leaves(cli.parser())}


def test_there_are_thirty_values():
    assert len(hostile.VALUES) > 30
    assert len(hostile.WORDS) > 30


def test_every_command_is_walked():
    assert set(hostile.COMMANDS) == set(LEAVES)


def said(words, capfd):
    """What a command line comes to: "taken", "refused", or what should not have been."""
    try:
        code = cli.main(words)
    except Reached:
        code = 0
    except SystemExit as left:
        code = left.code
    except Exception as error:
        capfd.readouterr()
        return f"{type(error).__name__}: {str(error)[:150]}"
    lines = [
        line for line in capfd.readouterr().err.splitlines() if not line.startswith("$ ")
    ]  # `reproduce` says each step
    if code == 2:
        return "refused" if len(lines) == 1 and lines[0].startswith("snnviz") else f"{len(lines)} lines: {lines[:3]}"
    return "taken" if code in (0, None) else f"exit code {code}"


LONG = ("adapt", "reproduce")
"""Commands that take long, with options as others have them."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in LEAVES]
)
def test_every_command_refuses_in_one_line(name, material, capfd):
    def valid():
        return hostile.COMMANDS[name](material)

    assert said(valid(), capfd) == ("refused" if name in ("runs cancel", "runs resume") else "taken")
    wrong = {}
    positionals = [action for action in LEAVES[name]._actions if not action.option_strings]
    for action in LEAVES[name]._actions:
        option = action.option_strings[0] if action.option_strings else action.dest
        if option == "-h":
            continue
        for label, value in hostile.words(action).items():
            if action.option_strings:
                words = [*valid(), f"{option}={value}"]
            else:
                words = valid()
                words[len(name.split()) + positionals.index(action)] = value
            found = said(words, capfd)
            if found not in ("taken", "refused"):
                wrong[f"{option}={label}"] = found
    assert not wrong, "\n".join(f"{key}: {value}" for key, value in wrong.items())
