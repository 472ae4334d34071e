"""Operations on numbers that raise in eager mode, where the number has stayed symbolic.

``10 // int(n)`` raises for 0 in Python, and so does ``int(t)`` for a float that is not finite,
whether or not the result is used. A node of a graph that nobody uses goes, and its error with
it. So what makes such an operation raise is checked at that point.

Guarantees: what is checked raises in eager mode, too, and leaves the model. Limits: a float
that becomes too large (``2.0 ** 5000``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch.fx.experimental.symbolic_shapes import sym_or

from asserts.dialects.torch.export.leaving import leaves
from asserts.dialects.torch.export.resolved import users_frame

__all__ = ["operations", "require_finite"]

_LARGEST: Final = sys.float_info.max
_SYMBOLIC: Final = (torch.SymInt, torch.SymFloat)
_NUMBERS: Final = (int, float, *_SYMBOLIC)

Operation = Callable[..., Any]


def require_finite(value: Any) -> bool:
    """Check that a float has an integer beside it; False if eager mode may go on where it has
    none, since somebody catches that."""
    if not isinstance(value, torch.SymFloat):
        return True
    if not all(leaves(users_frame(), error) for error in (ValueError, OverflowError)):
        return False
    torch._check(value <= _LARGEST, lambda: "not a finite number")
    torch._check(value >= -_LARGEST, lambda: "not a finite number")
    return True


def operations(
    kind: type, plain: type, is_seen: Callable[[Any], bool]
) -> Iterator[tuple[str, Operation]]:
    """Methods of one of torch's kinds of numbers that check what Python checks, where the
    number `is_seen` by the user's code; with their names. Where what is raised is caught, the
    number itself is asked for, as one of Python's `plain` kind."""
    for name, condition in _CONDITIONS.items():
        for method in (f"__{name}__", f"__r{name}__"):
            if hasattr(kind, method):
                original = getattr(kind, method)
                yield method, _binary(method, original, condition, plain, is_seen)
    for method in ("__floor__", "__ceil__", "__trunc__", "__round__"):
        if hasattr(kind, method):
            yield method, _rounding(method, getattr(kind, method), plain, is_seen)


def _binary(
    method: str, original: Operation, condition: Operation, plain: type,
    is_seen: Callable[[Any], bool],
) -> Operation:  # fmt: skip
    def operation(self: Any, other: Any, *rest: Any) -> Any:
        if isinstance(other, _NUMBERS) and is_seen(self):
            holds = condition(*((other, self) if method[2] == "r" else (self, other)))
            error = ValueError if "shift" in method else ZeroDivisionError
            if not isinstance(holds, bool) and not leaves(users_frame(), error):
                return getattr(plain(self), method)(other, *rest)
            torch._check(holds, lambda: f"{method.strip('_')} raises a {error.__name__}")
        return original(self, other, *rest)

    return operation


def _rounding(
    method: str, original: Operation, plain: type, is_seen: Callable[[Any], bool]
) -> Operation:
    def operation(self: Any, *digits: Any) -> Any:
        if not digits and is_seen(self) and not require_finite(self):
            return getattr(plain(self), method)()
        return original(self, *digits)

    return operation


def _of_division(_: Any, divisor: Any) -> Any:
    return divisor != 0 if isinstance(divisor, _SYMBOLIC) else True


def _of_power(base: Any, exponent: Any) -> Any:
    """Zero has no power with a negative exponent."""
    if not isinstance(exponent, _SYMBOLIC):
        return base != 0 if exponent < 0 else True
    if isinstance(base, _SYMBOLIC):
        return sym_or(base != 0, exponent >= 0)
    return exponent >= 0 if base == 0 else True


def _of_shift(_: Any, count: Any) -> Any:
    return count >= 0 if isinstance(count, _SYMBOLIC) else True


_CONDITIONS: Final[dict[str, Operation]] = {
    "truediv": _of_division, "floordiv": _of_division, "mod": _of_division,
    "pow": _of_power, "lshift": _of_shift, "rshift": _of_shift,
}  # fmt: skip
"""What has to hold for Python's operations on numbers."""
