"""How much memory this process may still take."""

from __future__ import annotations

import math
import os
from pathlib import Path


def available() -> float:
    """Bytes that can be taken: what the machine has free, and what the limit of this process's address space leaves.

    Infinite where the system does not say.
    """
    return min(_free(), _below_limit())


def _free() -> float:
    try:
        rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return 1024.0 * int(rows["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        pass
    try:  # without /proc: all there is
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):  # not a POSIX machine
        return math.inf


def _below_limit() -> float:
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit == resource.RLIM_INFINITY:
            return math.inf
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        return max(0.0, float(limit - taken))
    except (ImportError, OSError, ValueError):
        return math.inf
