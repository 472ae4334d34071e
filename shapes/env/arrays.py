"""numpy's operators beside a symbolic number.

``np.int64(3) < n`` asks numpy first, which would turn `n` into an object and compare by its
own rules. numpy asks back (``__array_ufunc__``), and the answer is that of our operators for
exact numbers; for arrays it is that of whoever traces (`ANSWERS`), or an array of objects.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from shapes.base.foreign import number
from shapes.env.symints import Symbolic

__all__ = ["ANSWERS", "answered"]

Answer = Callable[[Any, str, tuple[Any, ...], Mapping[str, Any]], Any]

ANSWERS: Final[list[Answer]] = []
"""Who is asked first about arrays; `NotImplemented` leaves the answer to the next."""

_OPERATORS: Final[Mapping[str, Callable[..., Any]]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
    "floor_divide": operator.floordiv, "true_divide": operator.truediv,
    "divide": operator.truediv, "remainder": operator.mod, "power": operator.pow,
    "divmod": divmod, "less": operator.lt, "less_equal": operator.le,
    "greater": operator.gt, "greater_equal": operator.ge, "equal": operator.eq,
    "not_equal": operator.ne, "bitwise_and": operator.and_, "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor, "left_shift": operator.lshift,
    "right_shift": operator.rshift, "negative": operator.neg, "absolute": abs,
}  # fmt: skip


def answered(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: Any) -> Any:
    """The result of a ufunc of which an operand is a symbolic number."""
    import numpy as np

    operation = _OPERATORS.get(ufunc.__name__)
    exact = [x if isinstance(x, Symbolic) else number(x) for x in inputs]
    plain = method == "__call__" and not kwargs
    if operation is not None and plain and all(x is not None for x in exact):
        return operation(*exact)
    for answer in ANSWERS:
        result = answer(ufunc, method, inputs, kwargs)
        if result is not NotImplemented:
            return result
    if any(_has_own(x) for x in inputs):
        return NotImplemented
    objects = [_as_objects(np, x) for x in inputs]
    return getattr(ufunc, method)(*objects, **kwargs)


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
