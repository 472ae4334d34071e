"""Abstract domains: a value type and an analysis each, which the one traversal interprets.

An analysis is a plain object with a handler method per operator; it knows nothing of
expressions. Intervals are in `ranges`, residues in `congruence`.
"""

from shapes.domains.congruence import Congruence, CongruenceAnalysis
from shapes.domains.ranges import RangeAnalysis, ValueRanges

__all__ = ["Congruence", "CongruenceAnalysis", "RangeAnalysis", "ValueRanges"]
