"""`np.r_` and `np.c_`, which join what is in their brackets, and the grids of `np.mgrid` and
`np.ogrid`.

The graph keeps the brackets of the former and calls numpy's own object with them; only shape
and dtype are worked out here. The grids are ranges and indices, and recorded as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.graph import runtime
from asserts.trace.dtypes import as_dtype, dummy
from asserts.trace.registry import apply_rule
from asserts.trace.symarray import is_symbolic
from shapes import tensors
from shapes.env import SymFloat, SymInt
from shapes.expr import IntExpr, constant
from shapes.tensors import Needs, Shape

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

__all__ = ["bracketed"]


def bracketed(t: Tracer, trick: Any, key: Any) -> Any:
    """What numpy's object answers for these brackets, which have traced values in them."""
    if trick is np.mgrid or trick is np.ogrid:
        return grid(t, trick, key)
    return joined(t, trick, key)


def grid(t: Tracer, trick: Any, key: Any) -> Any:
    """``np.mgrid[key]`` or ``np.ogrid[key]``. Raises `TraceError` for ranges of other numbers
    than integers."""
    dense = trick is np.mgrid
    with t.calling("np.mgrid" if dense else "np.ogrid", trick):
        ranges = [_range(t, item) for item in (key if isinstance(key, tuple) else (key,))]
        if not isinstance(key, tuple):
            return apply_rule(t, np.arange, ranges[0], {})
        if dense:
            return _dense(t, ranges)
        axes: list[Any] = []
        for i, ends in enumerate(ranges):
            shape = (1,) * i + (-1,) + (1,) * (len(ranges) - i - 1)
            axes.append(t.lift(apply_rule(t, np.arange, ends, {})).reshape(shape))
        return type(np.ogrid[:1, :1])(axes)  # (a list in numpy 1)


def _dense(t: Tracer, ranges: Sequence[tuple[Any, Any, Any]]) -> Any:
    """All places of the ranges. (A range that ends far before its start is refused by numpy,
    as a negative size of `np.indices` is.)"""
    sizes = tuple(-((start - stop) // step) for start, stop, step in ranges)
    places = t.lift(apply_rule(t, np.indices, (sizes,), {}))
    numbers = [ends[::2] for ends in ranges if not is_symbolic(ends[::2])]
    if numbers == [(0, 1)] * len(ranges):
        return places
    moved = [places[i] * step + start for i, (start, _, step) in enumerate(ranges)]
    return apply_rule(t, np.stack, (moved,), {})


def _range(t: Tracer, item: Any) -> tuple[Any, Any, Any]:
    """Start, stop and step."""
    if not isinstance(item, slice) or item.stop is None:
        raise TraceError(f"{t.operation}: a range has the form start:stop or start:stop:step")
    found = (
        0 if item.start is None else item.start,
        item.stop,
        1 if item.step is None else item.step,
    )
    # (Ends of another dtype give the range theirs.)
    if not all(isinstance(end, (int, np.int64, SymInt)) for end in found):
        raise TraceError(
            f"{t.operation}: only ranges of 64-bit integers and sizes are supported while "
            "tracing; np.linspace has floats and a number of points"
        )
    return found


def joined(t: Tracer, trick: Any, key: Any) -> Any:
    """``np.r_[key]`` (or ``np.c_``) with traced values in the brackets.

    Raises `TraceError` for the directives that it takes as text.
    """
    name = "r_" if trick is np.r_ else "c_"
    items = list(key) if isinstance(key, tuple) else [key]
    with t.calling(f"np.{name}", runtime.joined_with):
        needs = Needs()
        shapes = [_padded(name, _shape(t, needs, item)) for item in items]
        whole = tensors.concatenate(shapes, 0 if name == "r_" else -1)
        needs.extend(whole.needs)
        samples = tuple(_sample(item) for item in items)
        dtype = as_dtype(trick[samples].dtype)
        recorded = [_recorded(t, item) for item in items]
        return t.array((name, recorded), None, needs.result(whole.shape), dtype)


def _padded(name: str, dims: Shape) -> Shape:
    """The shape of a part: at least one axis for `r_`; two for `c_`, where one axis is that
    of the rows."""
    if dims:
        return dims if name == "r_" or len(dims) > 1 else (*dims, constant(1))
    return (constant(1),) if name == "r_" else (constant(1), constant(1))


def _shape(t: Tracer, needs: Needs, item: Any) -> Shape:
    if isinstance(item, str):
        raise TraceError(f"{t.operation}: the directive {item!r} is not supported")
    if not isinstance(item, slice):
        return t.shape_of(item)
    if item.stop is None:
        raise TraceError(f"{t.operation}: a slice must have an end")
    if isinstance(item.step, (complex, np.complexfloating)):
        return (constant(int(np.abs(item.step))),)
    if not is_symbolic(item):
        return tensors.as_shape(np.r_[item].shape)
    ends: list[IntExpr] = []
    for end, default in ((item.start, 0), (item.stop, 0), (item.step, 1)):
        if isinstance(end, (float, SymFloat, np.floating)):
            raise TraceError(
                f"{t.operation}: the length of a range with floats depends on rounding; give "
                "the number of points, as in np.r_[0:1:5j]"
            )
        ends.append(constant(default) if end is None else t.dim_of(end))
    found = tensors.arange(ends[0], ends[1], ends[2], t.decide)
    needs.extend(found.needs)
    return found.shape


def _sample(item: Any) -> Any:
    """What has the dtype of a part, and one element."""
    if not isinstance(item, slice):
        return dummy(item)
    if isinstance(item.step, (complex, np.complexfloating)):
        return slice(dummy(item.start), dummy(item.stop), 1j)
    return slice(0, 1) if is_symbolic(item) else np.ones(1, np.r_[item].dtype)


def _recorded(t: Tracer, item: Any) -> Any:
    if not isinstance(item, slice) or isinstance(item.step, (complex, np.complexfloating)):
        return item
    ends = (item.start, item.stop, item.step)
    return slice(*[t.dim_of(end) if is_symbolic(end) else end for end in ends])
