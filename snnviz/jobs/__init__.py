"""Start, watch, cancel and resume what is run.

`launch` starts a job as a process of its own, `run` does the same here; commands, notebooks and pages call these two and nothing
else. Both take a spec, plain JSON, and record an MLflow run (`snnviz.runs`). The names are loaded when first used: what a job's
options are is known without a store.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnviz.jobs.control import Outcome, cancel, launch, resume, run, state, tail, wait
    from snnviz.jobs.spec import KINDS, Spec, option_names

__all__ = ["KINDS", "Outcome", "Spec", "cancel", "launch", "option_names", "resume", "run", "state", "tail", "wait"]
_OF_SPEC = ("KINDS", "Spec", "option_names")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'snnviz.jobs' has no attribute {name!r}")
    module = importlib.import_module(f"snnviz.jobs.{'spec' if name in _OF_SPEC else 'control'}")
    return getattr(module, name)
