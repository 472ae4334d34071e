"""Foreign numbers at the border: numpy's, torch's, sympy's, fractions, enumerations.

A number of another library computes by rules of its own (numpy's integers wrap), so whatever
comes in from outside becomes an exact number of Python's, or is refused. Every public entry
asks one of the functions here; none of them imports the library that a number is from.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from shapes.base.digits import excerpt
from shapes.base.infinity import IntInfinity

__all__ = [
    "Number",
    "as_double",
    "as_integer",
    "as_truth",
    "held",
    "is_array",
    "is_numeric",
    "is_numpys_own",
    "is_sympy",
    "number",
    "of_kind",
    "refused",
]

Number: TypeAlias = int | float | bool | IntInfinity

_PLAIN: Final = (int, bool, float, IntInfinity)
_LONGEST: Final = 100_000
"""Digits of a decimal number that is still written out."""


def number(value: object) -> Number | None:
    """The exact Python number that a value is: an `int`, a `bool`, a `float` or `int_oo` of
    just this type. None for what is none, or has no exact value in these types (fractions
    that aren't integers, complex numbers, dates, tensors without a value)."""
    kind = type(value)
    if kind is int or kind is float or kind is bool or kind is IntInfinity:
        assert isinstance(value, (int, float, IntInfinity))
        return value
    read = _readers.get(kind)
    if read is not None:
        return read(value)
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if is_array(value):
        return _element(value)
    if is_sympy(value):
        return _of_sympy(value)
    ratio = _ratio(value)
    if ratio is not None:
        return ratio[0] if ratio[1] == 1 else None
    if not hasattr(type(value), "__index__") or hasattr(type(value), "__array_function__"):
        return None
    return _indexed(value)


_readers: dict[type, Callable[[Any], Number]] = {}
"""How the scalars of numpy that were met are read: their types are few."""


def is_array(value: object) -> bool:
    """Whether this is an array, an array's scalar (numpy's) or a tensor (torch's)."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    kinds: list[type] = []
    if numpy is not None and hasattr(numpy, "ndarray"):
        kinds += [numpy.generic, numpy.ndarray]
    if torch is not None and hasattr(torch, "Tensor"):
        kinds.append(torch.Tensor)
    return isinstance(value, tuple(kinds))


def is_numeric(value: object) -> bool:
    """Whether this means a number, also one that has no exact value here."""
    if is_array(value):
        return getattr(value, "shape", None) == ()
    return is_sympy(value) or number(value) is not None or _ratio(value) is not None


def held(value: Any, kinds: tuple[type, ...]) -> Any:
    """A value of these kinds in an array without axes; anything else as it is."""
    if isinstance(value, kinds) or type(value) is int or not is_array(value):
        return value
    is_one = value.shape == () and getattr(value.dtype, "kind", "") == "O"
    if is_one and not _is_masked(value):
        inside = value.item()
        return inside if isinstance(inside, kinds) else value
    return value


def is_numpys_own(value: object) -> bool:
    """Whether this is a number of one of numpy's own types."""
    return type(value).__module__ == "numpy"


def as_integer(value: object) -> int | None:
    """The integer that a value is, or None. A truth value, or a float, is not an integer."""
    found = number(value)
    return found if type(found) is int else None


def as_double(value: object) -> float | None:
    """The double that a value is exactly, or None."""
    found = number(value)
    if type(found) is float:
        return found
    if type(found) is int:
        return _exact_double(found, 1)
    ratio = None if found is not None else _ratio(value)
    return None if ratio is None else _exact_double(*ratio)


def as_truth(value: object) -> bool | None:
    """The truth value that a value is, or None; 0 and 1 stand for False and True."""
    found = number(value)
    if type(found) is bool or (type(found) is int and found in (0, 1)):
        return bool(found)
    return None


def of_kind(value: object, kind: str) -> int | float | bool | None:
    """The value of a symbol of that kind, or None for what is none; as in Python, a truth
    value stands for the integer 0 or 1."""
    if kind == "bool":
        return as_truth(value)
    if kind == "float":
        return as_double(value)
    found = number(value)
    return int(found) if isinstance(found, int) else None


def _element(value: Any) -> Number | None:
    """The only element of an array without axes."""
    # (Tensors of other types stand for values: asking them for one has effects.)
    foreign = type(value).__module__.startswith("torch.") and not _is_parameter(value)
    kind = getattr(value.dtype, "kind", "")
    if tuple(value.shape) != () or foreign or kind in ("m", "M"):
        return None
    if _is_masked(value):
        return None
    try:
        found = value.item()
    except Exception:  # whatever a library raises for a tensor without a value
        return None
    if type(found) in _PLAIN or kind == "O":
        if type(value).__module__ == "numpy" and kind in ("b", "i", "u", "f"):
            _remember(type(value))
        return number(found)
    if kind == "f":  # a float that is wider than a double
        return float(found) if found == float(found) or found != found else None
    return None


def _is_masked(value: Any) -> bool:
    """Whether numpy's element is hidden: what is below the mask is no value."""
    masked = sys.modules.get("numpy.ma")
    return masked is not None and bool(masked.is_masked(value))


def _remember(kind: Any) -> None:
    """Read further scalars of a type of numpy's directly: each is exactly a number of ours."""
    if issubclass(kind, sys.modules["numpy"].generic):
        _readers[kind] = kind.item


def _is_parameter(value: object) -> bool:
    return type(value).__name__ == "Parameter"


def is_sympy(value: object) -> bool:
    """Whether this is an expression (or a truth value) of sympy's."""
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, getattr(sympy, "Basic", ()))


def _of_sympy(value: Any) -> Number | None:
    sympy = sys.modules["sympy"]
    if value.is_Integer:
        return int(value)
    if value is sympy.true or value is sympy.false:
        return bool(value)
    if value.is_Float:
        return _of_sympy_float(sympy, value)
    if value in (sympy.oo, -sympy.oo):
        return math.inf if value is sympy.oo else -math.inf
    return None


def _of_sympy_float(sympy: Any, value: Any) -> float | None:
    """The double that it is exactly (sympy compares in the precision of one side)."""
    found = float(value)
    if not math.isfinite(found):
        return None
    if not found:  # the fraction of what is this small may be as long as one likes
        return None if value else found
    return found if sympy.Rational(found) == sympy.Rational(value) else None


def _ratio(value: object) -> tuple[int, int] | None:
    """Numerator and denominator of a fraction or of a decimal number."""
    from numbers import Rational

    decimal = sys.modules.get("decimal")
    if isinstance(value, Rational):
        return int(value.numerator), int(value.denominator)
    if decimal is None or not isinstance(value, decimal.Decimal):
        return None
    if not value.is_finite() or abs(value.adjusted()) > _LONGEST:
        return None
    above, below = value.as_integer_ratio()
    return above, below


def _exact_double(numerator: int, denominator: int) -> float | None:
    try:
        found = numerator / denominator
    except OverflowError:
        return None
    above, below = found.as_integer_ratio()
    return found if above * denominator == numerator * below else None


def _indexed(value: Any) -> int | None:
    try:
        return int.__index__(value.__index__())
    except TypeError:  # an array of several, or what only looks like a number
        return None


def refused(value: object) -> str:
    """What a value is, in an error that refuses it."""
    ratio = None if number(value) is not None or is_array(value) else _ratio(value)
    if ratio is not None:
        return f"{excerpt(value)} (a fraction that is not an integer)"
    return f"{excerpt(value)} of type {type(value).__name__}"
