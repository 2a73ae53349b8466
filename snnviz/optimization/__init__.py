"""Optimisation of a converted network: scales (and initial potentials) that minimise L_SNN.

`optimize` is the way in. Searchers are ask/tell objects (`snnviz.optimization.searcher`); who evaluates their candidates is
`snnviz.optimization.workers`' business.
"""

from snnviz.optimization.loop import METHODS, OptimizationResult, optimize
from snnviz.optimization.objective import Objective, Terms
from snnviz.optimization.scales import PER, ScaleSpace

__all__ = ["METHODS", "PER", "Objective", "OptimizationResult", "ScaleSpace", "Terms", "optimize"]
