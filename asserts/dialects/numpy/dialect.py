"""The numpy dialect: the core answers, and those to single passes."""

from __future__ import annotations

from typing import Final

from asserts.dialects.numpy.folding import NumpyFolding
from asserts.dialects.numpy.graph import NumpyGraphs
from asserts.dialects.numpy.memory import NumpyMemory
from asserts.dialects.numpy.values import NumpyValues

__all__ = ["NUMPY", "NumpyDialect"]


class NumpyDialect(NumpyFolding, NumpyGraphs, NumpyMemory, NumpyValues):
    """All answers for graphs of numpy functions."""


NUMPY: Final = NumpyDialect()
