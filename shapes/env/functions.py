"""The functions of symbolic values: `Min`, `Max`, `Where`, the connectives, `ceildiv`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from shapes.env.symints import SymInt, applied, symbolic
from shapes.expr.nodes import CONSTANT, OPERATORS, TRUE, Expr, constant
from shapes.expr.operators import named_functions

if TYPE_CHECKING:
    from shapes.env.shape_env import ShapeEnv

__all__ = [
    "And", "Implies", "Max", "Min", "Not", "Or", "Where", "ceildiv", "function_named",
]  # fmt: skip


def _chosen(name: str, operands: tuple[object, ...]) -> Any:
    """`Min` or `Max`: straight to the kernel for symbolic and plain integers, of which none
    has a condition."""
    env: ShapeEnv | None = None
    exprs: list[Expr] = []
    for operand in operands:
        if type(operand) is int:
            exprs.append(constant(operand))
        elif (
            type(operand) is SymInt
            and operand.defined is TRUE
            and (env is None or env is operand.env)
        ):
            env = operand.env
            exprs.append(operand.expr)
        else:
            return applied(None, name, operands)
    build = OPERATORS[name].on_ints
    if env is None or build is None:
        return applied(None, name, operands)
    expr = build(*exprs)
    return expr.value if expr.op is CONSTANT else symbolic(env, expr)


def Min(*operands: object) -> Any:  # noqa: N802
    """The least of numbers and symbolic numbers."""
    return _chosen("Min", operands)


def Max(*operands: object) -> Any:  # noqa: N802
    """The greatest of numbers and symbolic numbers."""
    return _chosen("Max", operands)


def Where(condition: object, a: object, b: object) -> Any:  # noqa: N802
    """`a` where the condition holds, else `b`."""
    return applied(None, "Where", (condition, a, b))


def And(*conditions: object) -> Any:  # noqa: N802
    """All of the conditions hold; a later one needs a value only where the earlier ones hold
    (unlike ``&``, which needs all of its operands)."""
    return applied(None, "And", conditions)


def Or(*conditions: object) -> Any:  # noqa: N802
    """One of the conditions holds; a later one needs a value only where no earlier one does
    (unlike ``|``, which needs all of its operands)."""
    return applied(None, "Or", conditions)


def Not(condition: object) -> Any:  # noqa: N802
    """The condition does not hold."""
    return applied(None, "Not", (condition,))


def Implies(p: object, q: object) -> Any:  # noqa: N802
    """If `p` holds, `q` does."""
    return applied(None, "Implies", (p, q))


def ceildiv(a: object, b: object) -> Any:
    """The quotient rounded up."""
    return applied(None, "CeilDiv", (a, b))


@cache
def function_named(name: str) -> Callable[..., Any]:
    """An operator of the grammar, as a function of numbers and symbolic numbers.

    Raises `AttributeError` for a name that is not an operator's.
    """
    op = named_functions().get(name)
    if op is None:
        raise AttributeError(f"module 'shapes' has no attribute {name!r}")
    called = op.name

    def function(*operands: object) -> Any:
        if not op.variadic and len(operands) != len(op.operands):
            raise TypeError(f"{name}() takes {len(op.operands)} operands, not {len(operands)}")
        return applied(None, called, operands)

    return function
