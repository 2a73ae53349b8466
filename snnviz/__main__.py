"""`python -m snnviz` is the `snnviz` command."""

import sys

from snnviz.cli import main

sys.exit(main())
