"""Bounds of an array's elements: what is known of operands, and what survives an operation.

A bound that holds for integers holds for the elements of an array only as long as its dtype
can hold them: a conversion to a narrower dtype wraps around. So bounds pass a conversion only
where the whole range is known to fit; else nothing but the dtype's own range is known, which
needs no saying.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.trace.dtypes import as_dtype, dummy
from asserts.trace.symarray import ANY, Elements, SymArray
from shapes.env import SymBool
from shapes.expr import IntExpr, conjunction, constant, less_equal

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

__all__ = ["carried", "converted", "elements_of", "shared"]


def elements_of(value: Any) -> Elements:
    """The bounds of an operand's elements, as far as they are known."""
    if isinstance(value, SymArray):
        return value._elements
    if isinstance(value, (bool, int)):
        return constant(int(value)), constant(int(value))
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "iu" and value.size:
        return constant(int(value.min())), constant(int(value.max()))
    inner = getattr(value, "expr", None)
    return (inner, inner) if isinstance(inner, IntExpr) else ANY


def converted(
    t: Tracer, elements: Elements, source: np.dtype[Any], target: np.dtype[Any]
) -> Elements:
    """The bounds of elements of one dtype after numpy has converted them to another."""
    if target.kind not in "iu" or source.kind not in "biu":
        return ANY
    if source.kind == "b":
        return constant(0), constant(1)
    if np.can_cast(source, target, "safe"):
        return elements
    own, wanted = np.iinfo(source), np.iinfo(target)
    lower, upper = elements
    low = constant(int(own.min)) if lower is None else lower
    high = constant(int(own.max)) if upper is None else upper
    fits = conjunction(
        less_equal(constant(int(wanted.min)), low), less_equal(high, constant(int(wanted.max)))
    )
    return elements if t.decide(fits) is True else ANY


def carried(t: Tracer, value: Any, target: np.dtype[Any]) -> Elements:
    """The bounds of an operand's elements where an operation computes in that dtype."""
    if target.kind not in "iu":
        return ANY
    if isinstance(value, SymBool):
        return constant(0), constant(1)
    elements = elements_of(value)
    return ANY if elements == ANY else converted(t, elements, _dtype(value), target)


def _dtype(value: Any) -> np.dtype[Any]:
    """The dtype of an operand; a Python integer counts as the widest one."""
    if isinstance(value, SymArray):
        return value.dtype
    return as_dtype(np.asarray(dummy(value)).dtype)


def shared(known: Iterable[Elements]) -> Elements:
    """The bounds that all of several parts have, where those are the same."""
    first, *rest = list(known) or [ANY]
    lower, upper = first
    return (
        lower if all(other[0] is lower for other in rest) else None,
        upper if all(other[1] is upper for other in rest) else None,
    )
