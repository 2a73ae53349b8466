"""Start, watch, cancel and resume what is run.

`launch` starts a job as a process of its own, `run` does the same here; commands, notebooks and pages call these two and nothing
else. Both take a spec, plain JSON, and record an MLflow run (`snnviz.runs`).
"""

from snnviz.jobs.control import Outcome, cancel, launch, resume, run, state, tail, wait
from snnviz.jobs.spec import KINDS, Spec, option_names

__all__ = ["KINDS", "Outcome", "Spec", "cancel", "launch", "option_names", "resume", "run", "state", "tail", "wait"]
