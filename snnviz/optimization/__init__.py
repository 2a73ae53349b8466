"""Optimisation of a converted network: scales (and initial potentials) that minimise L_SNN.

`optimize` is the way in. Searchers are ask/tell objects (`snnviz.optimization.searcher`); who evaluates their candidates is
`snnviz.optimization.workers`' business.
"""

from snnviz.optimization.loop import optimize
from snnviz.optimization.methods import METHODS
from snnviz.optimization.objective import Objective, Terms
from snnviz.optimization.scales import PER, ScaleSpace
from snnviz.optimization.search import OptimizationResult
from snnviz.optimization.searcher import Beginning, Searcher

__all__ = [
    "METHODS",
    "PER",
    "Beginning",
    "Objective",
    "OptimizationResult",
    "ScaleSpace",
    "Searcher",
    "Terms",
    "optimize",
]
