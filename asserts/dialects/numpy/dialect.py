"""The numpy dialect: the core answers, and every interface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from asserts.dialects.base import Conduct
from asserts.dialects.interfaces import Unconstrained
from asserts.dialects.numpy.effects import NumpyEffects
from asserts.dialects.numpy.folding import NumpyFolding
from asserts.dialects.numpy.graph import NumpyGraphs
from asserts.dialects.numpy.memory import NumpyMemory
from asserts.dialects.numpy.tracepoints import NumpyTracepoints
from asserts.dialects.numpy.values import NumpyValues
from asserts.graph.graph import Node
from asserts.graph.raising import Raising

__all__ = ["NUMPY", "NumpyDialect"]


class NumpyDialect(NumpyGraphs):
    """All answers for graphs of numpy functions."""

    memory = NumpyMemory()
    effects = NumpyEffects()
    values = NumpyValues()
    folding = NumpyFolding()
    constraints = Unconstrained()
    tracepoints = NumpyTracepoints()

    def conduct_of(self, nodes: Iterable[Node]) -> Mapping[Node, Conduct]:
        # (A function of numpy counts as one that can raise unless it is shown not to: nothing
        # checks values of elements, and `np.repeat`, say, refuses negative counts.)
        raising = Raising()
        return {
            node: Conduct.MAY_RAISE if raising.can_raise(node) else Conduct.PURE
            for node in nodes
            if self.folding.is_foldable(node)
        }


NUMPY: Final[NumpyDialect] = NumpyDialect()
