"""The page Predictions for `panel serve apps/*.py --args [RESULT.nc ...] [--read-only]`."""

import sys

from snnviz.dashboard import Predictions, create_app, shared_workspace

create_app(shared_workspace(tuple(sys.argv[1:])), Predictions).servable("snnviz predictions")
