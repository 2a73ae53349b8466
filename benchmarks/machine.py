"""What the machine can do at most, and what it is: the numbers that timings are held against.

Run as a script it answers the line protocol of the peers, so that the limits are measured between the simulators' runs.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np

sys.path.insert(0, str(Path(__file__).with_name("peers")))

from common import Answer, serve

from snnviz.simulation.event import aligned
from snnviz.simulation.kernels import adding

L1_BYTES = 24 * 1024
"""Weights of the add limit take no more, which leaves room for the membrane in a first-level cache of 32 KB."""
PROBE = 50_000_000
"""Adds in one attempt: 3 ms, so that most attempts are over before anything else gets the core."""
ORDER = 256
"""Rows in the list that is gone through over and over."""
GEMM_SIZE = 2048


def describe(packages: tuple[str, ...] = ("numpy", "numba", "snnviz")) -> dict[str, Any]:
    """The processor, its cores, memory, operating system and versions; nothing that names the machine or its user."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(_memory_bytes() / 1e9, 1),
        "os": _system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        fields = dict(
            (part.strip() for part in line.split(":", 1))
            for line in information.read_text().split("\n\n")[0].splitlines()
            if ":" in line
        )
        name = fields.get("model name", platform.processor())
        flags = fields.get("flags", "").split()
        widest = next((flag for flag in ("avx512f", "avx2", "avx", "sse2") if flag in flags), None)
        family = f"family {fields['cpu family']}, model {fields['model']}" if "cpu family" in fields else ""
        return ", ".join(filter(None, (name, family, widest)))
    return platform.processor()


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return f"{platform.system()} {platform.release()}"


@numba.njit(nogil=True, cache=True)
def _add_groups_of_8(membrane, weights, order, run, repeats):
    """Add 8 weight runs at once into one contiguous run of membranes, for every group of 8 in `order`, `repeats` times."""
    size = np.uintp(run)
    groups = len(order) // 8
    for turn in range(groups * repeats):
        first = np.uintp(turn % groups * 8)
        a, b = order[first] * size, order[first + np.uintp(1)] * size
        c, d = order[first + np.uintp(2)] * size, order[first + np.uintp(3)] * size
        e, f = order[first + np.uintp(4)] * size, order[first + np.uintp(5)] * size
        g, h = order[first + np.uintp(6)] * size, order[first + np.uintp(7)] * size
        for i in range(size):
            membrane[i] += (
                (weights[a + i] + weights[b + i])
                + (weights[c + i] + weights[d + i])
                + (weights[e + i] + weights[f + i])
                + (weights[g + i] + weights[h + i])
            )


@numba.njit(nogil=True, cache=True)
def _add_groups_of_4(membrane, weights, order, run, repeats):
    size = np.uintp(run)
    groups = len(order) // 4
    for turn in range(groups * repeats):
        first = np.uintp(turn % groups * 4)
        a, b = order[first] * size, order[first + np.uintp(1)] * size
        c, d = order[first + np.uintp(2)] * size, order[first + np.uintp(3)] * size
        for i in range(size):
            membrane[i] += (weights[a + i] + weights[b + i]) + (weights[c + i] + weights[d + i])


@numba.njit(nogil=True, cache=True)
def _add_in_registers(membrane, weights, order, run, repeats):
    """The same with the membranes of 64 neurons in registers, stored once per tile of 64 rows."""
    every = np.uint64(0xFFFFFFFFFFFFFFFF)
    for _ in range(repeats * (len(order) // 64)):
        adding.add_masked_rows_64(membrane, 0, weights, 0, every)


def add_rate(threads: int, run: int, group: int, adds: int = PROBE, seed: int = 0) -> float:
    """Synaptic adds per second with everything in the first-level cache.

    Args:
        threads: cores that add at the same time, each for itself.
        run: membranes in a contiguous run.
        group: weight runs added at once, 4 or 8; or `ORDER` for sums that stay in registers (`run` is 64 then).
        adds: additions each thread makes, about.
        seed: of the weights and their order.
    """
    kernel = {4: _add_groups_of_4, 8: _add_groups_of_8, ORDER: _add_in_registers}[group]
    rng = np.random.default_rng(seed)
    rows = max(8, L1_BYTES // 4 // run)
    # one short list of rows over and over: the list itself must not push the weights out of the cache
    order = rng.integers(0, rows, ORDER).astype(np.uintp)
    repeats = -(-adds // (len(order) * run))
    weights = [aligned(rows * run, np.float32) for _ in range(threads)]
    for one in weights:
        one[:] = rng.normal(size=one.size)
    membranes = [aligned(run, np.float32) for _ in range(threads)]

    def work(index: int) -> None:
        kernel(membranes[index], weights[index], order, run, repeats)

    kernel(membranes[0], weights[0], order, run, 1)  # compiles
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        list(pool.map(work, range(threads)))
        seconds = time.perf_counter() - began
    return threads * repeats * len(order) * run / seconds


def gemm_rate(size: int = GEMM_SIZE, repeats: int = 3, seed: int = 0) -> float:
    """float32 operations per second (two a multiply-add) of numpy's matrix product, best of `repeats`."""
    rng = np.random.default_rng(seed)
    a, b = rng.random((2, size, size), np.float32)
    out = np.empty((size, size), np.float32)
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        np.matmul(a, b, out=out)
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def limits(threads: int, attempts: int = 3) -> dict[str, float]:
    """The machine's rates: float32 GEMM, and synaptic adds on one core and on `threads` of them.

    A limit is the best of several attempts: whatever disturbs the machine can only slow it down.
    """
    shapes = [(64, ORDER), *((run, group) for run in (64, 128, 192, 256, 384, 768) for group in (4, 8))]
    one = {shape: max(add_rate(1, *shape, adds=PROBE) for _ in range(attempts)) for shape in shapes}
    best = max(shapes, key=lambda shape: one[shape])
    return {
        "gemm_flops": gemm_rate(),
        "adds_per_second_one_core": one[best],
        "adds_per_second": max(add_rate(threads, *best, adds=4 * PROBE) for _ in range(attempts)),
    }


def prepare(case: Any) -> tuple[Any, dict[str, str]]:
    """The limits as a run of the line protocol: what is measured comes with the answer to "run"."""
    threads = int(os.environ["BENCH_THREADS"])

    def run() -> Answer:
        return Answer(np.zeros((0, 0)), reply={"rates": limits(threads)})

    return run, {"numpy": np.__version__, "numba": numba.__version__}


if __name__ == "__main__":
    serve(prepare)
