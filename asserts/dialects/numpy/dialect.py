"""The numpy dialect: the core answers, and every interface."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

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

    def is_pure(self, node: Node) -> bool:
        return self.folding.is_foldable(node)

    def stopping_among(self, nodes: Iterable[Node]) -> set[Node]:
        # (A function of numpy counts as one that can raise unless it is shown not to: nothing
        # checks values of elements, and `np.repeat`, say, refuses negative counts.)
        raising = Raising()
        return {node for node in nodes if self.is_pure(node) and raising.can_raise(node)}


NUMPY: Final = NumpyDialect()
