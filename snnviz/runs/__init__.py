"""What was run, with which settings, and what came out.

Every training, fine-tuning, optimisation and simulation that is started through `snnviz.jobs` is an MLflow run: parameters, metrics
by step and files are where any MLflow user expects them, and `mlflow ui` opens on the same store. `Store` is the way in.
"""

from snnviz.runs.folder import Folder, Progress
from snnviz.runs.influence import importance, settings_table
from snnviz.runs.place import Place
from snnviz.runs.recorder import Recorder
from snnviz.runs.run import ACTIVE, STATUSES, Run
from snnviz.runs.search import matching
from snnviz.runs.seeds import over_seeds
from snnviz.runs.store import Store

__all__ = [
    "ACTIVE",
    "STATUSES",
    "Folder",
    "Place",
    "Progress",
    "Recorder",
    "Run",
    "Store",
    "importance",
    "matching",
    "over_seeds",
    "settings_table",
]
