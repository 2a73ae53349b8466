"""The page Sparsity for `panel serve apps/*.py --args [RESULT.nc ...] [--read-only]`."""

import sys

from snnviz.dashboard import Sparsity, create_app, shared_workspace

create_app(shared_workspace(tuple(sys.argv[1:])), Sparsity).servable("snnviz sparsity")
