"""Normal forms of conditions: comparisons, connectives and the conditional.

`And` and `Or` are sets: nested ones are merged, repetitions and neutral operands dropped,
an operand beside its complement decides. `Not` moves inwards through them (while they are
small) and into integer relations; comparisons of floats keep their `Not`, because with NaN
``not x < y`` is not ``x >= y``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapes.errors import ExpressionTypeError
from shapes.expr.floats import float_relation, to_float
from shapes.expr.linear import eq_zero, le_zero, ne_zero, negated_relation
from shapes.expr.nodes import (
    FALSE,
    OPERATORS,
    TRUE,
    WEIGHT_LIMIT,
    BoolAtom,
    BoolConstant,
    BoolExpr,
    Expr,
    FloatExpr,
    Infinity,
    IntExpr,
    bool_operands,
    combine,
    constant,
    make_atom,
    minus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "as_condition",
    "as_integer",
    "conjunction",
    "conjuncts",
    "disjunction",
    "equal",
    "equivalent",
    "less",
    "less_equal",
    "negation",
    "not_equal",
    "where",
]

FLATTEN_LIMIT = 64


def as_condition(e: Expr) -> BoolExpr:
    """A condition as it is; a number by its truth: ``e != 0``."""
    if isinstance(e, BoolExpr):
        return e
    return not_equal(e, constant(0))


def as_integer(e: Expr) -> IntExpr:
    """An integer as it is; a condition as 1 or 0. Raises `ExpressionTypeError` for floats."""
    if isinstance(e, IntExpr):
        return e
    if isinstance(e, BoolExpr):
        chosen = where(e, constant(1), constant(0))
        assert isinstance(chosen, IntExpr)
        return chosen
    raise ExpressionTypeError(f"`{e}` is a float where an integer is needed")


# --------------------------------------------------------------------------- comparisons


def _difference(a: IntExpr, b: IntExpr, k: int = 0) -> IntExpr:
    if type(a) is Infinity and a is b:
        return constant(k)
    return combine(1, a, -1, b, k) if k else minus(a, b)


def less_equal(a: Expr, b: Expr) -> BoolExpr:
    """``a <= b``."""
    if isinstance(a, IntExpr) and isinstance(b, IntExpr):
        return le_zero(_difference(a, b))
    if isinstance(a, FloatExpr) or isinstance(b, FloatExpr):
        return float_relation("FloatLe", _number(a), _number(b))
    return le_zero(_difference(as_integer(a), as_integer(b)))


def less(a: Expr, b: Expr) -> BoolExpr:
    """``a < b``."""
    if isinstance(a, IntExpr) and isinstance(b, IntExpr):
        return le_zero(_difference(a, b, 1))
    if isinstance(a, FloatExpr) or isinstance(b, FloatExpr):
        return float_relation("FloatLt", _number(a), _number(b))
    return le_zero(_difference(as_integer(a), as_integer(b), 1))


def equal(a: Expr, b: Expr) -> BoolExpr:
    """``a == b``; between two conditions "if and only if"."""
    if isinstance(a, IntExpr) and isinstance(b, IntExpr):
        return eq_zero(_difference(a, b))
    if isinstance(a, BoolExpr) and isinstance(b, BoolExpr):
        return equivalent(a, b)
    if isinstance(a, FloatExpr) or isinstance(b, FloatExpr):
        return float_relation("FloatEq", _number(a), _number(b))
    return eq_zero(_difference(as_integer(a), as_integer(b)))


def not_equal(a: Expr, b: Expr) -> BoolExpr:
    """``a != b``."""
    if isinstance(a, IntExpr) and isinstance(b, IntExpr):
        return ne_zero(_difference(a, b))
    return negation(equal(a, b))


def _number(e: Expr) -> Expr:
    return as_integer(e) if isinstance(e, BoolExpr) else e


# --------------------------------------------------------------------------- connectives


def negation(p: Expr) -> BoolExpr:
    """``not p``, moved inwards; a number counts by its truth."""
    p = as_condition(p)
    simple = _negated_leaf(p)
    if simple is not None:
        return simple
    assert isinstance(p, BoolAtom)
    if p.weight >= WEIGHT_LIMIT:
        return make_atom(OPERATORS["Not"], (p,), "bool")
    return _negated_tree(p)


def _negated_leaf(p: BoolExpr) -> BoolExpr | None:
    """The complement of anything but `And` and `Or`."""
    if isinstance(p, BoolConstant):
        return FALSE if p is TRUE else TRUE
    relation = negated_relation(p)
    if relation is not None:
        return relation
    if p.op is OPERATORS["Not"]:
        return as_condition(p.args[0])
    if p.op is OPERATORS["And"] or p.op is OPERATORS["Or"]:
        return None
    return make_atom(OPERATORS["Not"], (p,), "bool")


def _negated_tree(p: BoolAtom) -> BoolExpr:
    """De Morgan through small nests; `weight` bounds the work, an explicit stack the depth."""
    done: dict[Expr, BoolExpr] = {}
    stack: list[Expr] = [p]
    while stack:
        q = stack[-1]
        assert isinstance(q, BoolExpr)
        leaf = _negated_leaf(q) if q not in done else done[q]
        if leaf is not None:
            done[q] = leaf
            stack.pop()
            continue
        missing = [a for a in q.args if a not in done]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        parts = [done[a] for a in q.args]
        done[q] = disjunction(*parts) if q.op is OPERATORS["And"] else conjunction(*parts)
    return done[p]


def conjunction(*operands: Expr) -> BoolExpr:
    """All of the operands hold (none: true)."""
    return _connective("And", TRUE, FALSE, operands)


def conjuncts(p: BoolExpr) -> tuple[BoolExpr, ...]:
    """The parts of a conjunction; another condition by itself."""
    return bool_operands(p) if p.op is OPERATORS["And"] else (p,)


def disjunction(*operands: Expr) -> BoolExpr:
    """One of the operands holds (none: false)."""
    return _connective("Or", FALSE, TRUE, operands)


def _connective(
    name: str, neutral: BoolExpr, absorbing: BoolExpr, operands: Iterable[Expr]
) -> BoolExpr:
    op = OPERATORS[name]
    kept: dict[BoolExpr, None] = {}
    for operand in operands:
        p = as_condition(operand)
        nested = bool_operands(p) if p.op is op else (p,)
        parts = nested if len(kept) + len(nested) <= FLATTEN_LIMIT else (p,)
        for part in parts:
            if part is absorbing:
                return absorbing
            if part is not neutral:
                kept[part] = None
    if len(kept) <= 1:
        return next(iter(kept), neutral)
    if len(kept) <= 8 and any(_has_complement(p, kept) for p in kept):
        return absorbing
    return make_atom(op, tuple(kept), "bool", frozenset(kept))


def _has_complement(p: BoolExpr, among: dict[BoolExpr, None]) -> bool:
    complement = _negated_leaf(p)
    return complement is not None and complement in among


def equivalent(p: Expr, q: Expr) -> BoolExpr:
    """``p`` if and only if ``q``."""
    p, q = as_condition(p), as_condition(q)
    if p is q:
        return TRUE
    if isinstance(p, BoolConstant):
        p, q = q, p
    if isinstance(q, BoolConstant):
        return p if q is TRUE else negation(p)
    # A negated operand is the negated equivalence, so that one polarity is kept.
    if p.op is OPERATORS["Not"]:
        return negation(equivalent(p.args[0], q))
    if q.op is OPERATORS["Not"]:
        return negation(equivalent(p, q.args[0]))
    if negated_relation(p) is q:
        return FALSE
    return make_atom(OPERATORS["Iff"], (p, q), "bool", frozenset((p, q)))


def where(condition: Expr, a: Expr, b: Expr) -> Expr:
    """`a` where the condition holds, else `b`; conditions and numbers do not mix, an
    integer beside a float becomes a float. Raises `ExpressionTypeError` for `int_oo`, which is
    no number to go on with."""
    condition = as_condition(condition)
    if isinstance(a, BoolExpr) and isinstance(b, BoolExpr):
        return disjunction(
            conjunction(condition, a), conjunction(negation(condition), b)
        )
    if isinstance(a, FloatExpr) or isinstance(b, FloatExpr):
        a, b = to_float(_number(a)), to_float(_number(b))
    else:
        a, b = as_integer(a), as_integer(b)
    if condition is TRUE or a is b:
        return a
    if condition is FALSE:
        return b
    if type(a) is Infinity or type(b) is Infinity:
        raise ExpressionTypeError(
            "int_oo is the end of a range, and no result of Where; write what holds where the "
            "condition does: `not p or x <= 5` for `x <= Where(p, 5, int_oo)`"
        )
    if condition.op is OPERATORS["Not"]:
        condition, a, b = condition.args[0], b, a
    return make_atom(OPERATORS["Where"], (condition, a, b), a.kind)
