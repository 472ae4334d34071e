"""The built-in dialect: graphs of numpy functions, as `asserts.trace` makes them.

`graph` has the core answers (all that tracing needs); `memory`, `effects`, `values`, `folding`
and `tracepoints` are the interfaces of these names; `codec` saves graphs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asserts.dialects.numpy.graph import assert_holds
from shapes.base import lazy_exports

if TYPE_CHECKING:
    from asserts.dialects.numpy.dialect import NUMPY as NUMPY
    from asserts.dialects.numpy.dialect import NumpyDialect as NumpyDialect

__all__ = ["NUMPY", "NumpyDialect", "assert_holds"]

__getattr__ = lazy_exports(__name__, {"dialect": ("NUMPY", "NumpyDialect")})
