"""numpy's operators beside a symbolic number.

``np.int64(3) < n`` asks numpy first, which would turn `n` into an object and compare by its
own rules. numpy asks back (``__array_ufunc__``), and the answer is that of our operators for
exact numbers; for arrays it is that of the tracer (`ANSWERS`), or an array of objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from shapes.base.foreign import held, number, refused
from shapes.env.symints import SYMBOLIC, Symbolic, applied, is_numpys
from shapes.errors import ExpressionTypeError
from shapes.expr.nodes import OPERATORS, Op

__all__ = ["ANSWERS", "answered"]

Answer = Callable[[Any, str, tuple[Any, ...], Mapping[str, Any]], Any]

ANSWERS: Final[list[Answer]] = []
"""Who is asked first about arrays; `NotImplemented` leaves the answer to the next."""

@cache
def _operators() -> Mapping[str, Op]:
    """The operators that compute what a ufunc does, by its name (`minimum` of doubles is
    not `Min`: it prefers NaN)."""
    others = ("minimum", "maximum")
    found = {
        op.numpy: op
        for op in OPERATORS.values()
        if op.numpy is not None and op.numpy not in others and op.operands[0] != "b"
    }
    return {**found, "true_divide": OPERATORS["TrueDiv"]}


def answered(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: Any) -> Any:
    """The result of a ufunc of which an operand is a symbolic number."""
    import numpy as np

    inputs = tuple(held(one, SYMBOLIC) for one in inputs)
    exact = [x if isinstance(x, Symbolic) else number(x) for x in inputs]
    op = _operators().get(ufunc.__name__)
    is_plain = method == "__call__" and not kwargs and all(x is not None for x in exact)
    if is_plain and not _is_numpys(op, inputs):
        if ufunc is np.divmod:
            a: Any
            b: Any
            a, b = exact
            return divmod(a, b)
        if op is not None:
            assert op.python is not None
            if op.python.__module__ in ("_operator", "builtins"):
                return op.python(*exact)  # Python's operators may turn operands round
            return applied(None, op.name, tuple(exact))
    for answer in ANSWERS:
        result = answer(ufunc, method, inputs, kwargs)
        if result is not NotImplemented:
            return result
    if any(_has_own(x) for x in inputs):
        return NotImplemented
    for x in inputs:
        if isinstance(x, np.generic) and number(x) is None:  # (it would ask again, and again)
            raise ExpressionTypeError(f"{refused(x)} is neither an expression nor a number")
    objects = [_as_objects(np, x) for x in inputs]
    return getattr(ufunc, method)(*objects, **kwargs)


def _is_numpys(op: Op | None, inputs: tuple[Any, ...]) -> bool:
    """Whether a traced program computes with numbers of numpy's (see `is_numpys`)."""
    name = "" if op is None else op.name
    symbolic = [x for x in inputs if isinstance(x, Symbolic)]
    return any(is_numpys(symbolic[0], name, x) for x in inputs)


def _has_own(value: object) -> bool:
    """Whether an operand answers for arrays itself (numpy's own arrays answer nothing)."""
    return hasattr(value, "__array_ufunc__") and not (
        isinstance(value, Symbolic) or type(value).__module__ == "numpy"
    )


def _as_objects(np: Any, value: Any) -> Any:
    if isinstance(value, Symbolic):
        made = np.empty((), dtype=object)
        made[()] = value
        return made
    return np.asarray(value, dtype=object)
