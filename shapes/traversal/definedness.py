"""Where an expression means something.

A normal form may have lost a division that cancelled, so the condition is kept beside the
expression while it is being spelled (`Spelled`): text and the operators of `SymInt` carry
both. Connectives and `Where` guard what comes after: ``b != 0 and a // b > 1`` is defined
everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from shapes.base.budget import spend
from shapes.expr.booleans import as_condition, conjunction, disjunction, negation
from shapes.expr.nodes import (
    FALSE,
    OPERATORS,
    RELATIONS,
    TRUE,
    BoolExpr,
    Expr,
    FloatExpr,
    IntExpr,
    Op,
    side_of,
)
from shapes.traversal.interpret import walk

__all__ = [
    "Spelled", "defined", "has_value_beside", "own_condition", "spell", "spell_chain",
    "without_value",
]  # fmt: skip

FEW: Final = 8
"""Operands of a connective whose conditions are written one beside the other."""

OWN: Final = 10
"""Steps (see `budget`) of writing what one operator needs for a value."""


class Spelled(NamedTuple):
    """An expression, and the condition under which what was written has a value."""

    expr: Expr
    defined: BoolExpr = TRUE


def spell(op: Op, operands: Sequence[Spelled]) -> Spelled:
    """The operator on spelled operands."""
    assert op.build is not None
    exprs: list[Expr] = []
    on_ints = op.on_ints
    simple = True
    for e, condition in operands:
        exprs.append(e)
        if condition is not TRUE:
            simple = False
        if on_ints is not None and not isinstance(e, IntExpr):
            on_ints = None
    if on_ints is not None:
        expr = on_ints(*exprs)
        own = TRUE if op.defined is None else as_condition(op.defined(*exprs))
        if simple and own is TRUE:
            return Spelled(expr)
        return Spelled(expr, conjunction(_of_operands(op, operands), own))
    expr = op.build(*exprs)
    if op.name == "Where" and expr.kind == "float":
        operands = [operands[0], *map(_as_double, operands[1:])]
    own = own_condition(op, [operand.expr for operand in operands])
    if own is TRUE and all(operand.defined is TRUE for operand in operands):
        return Spelled(expr)
    return Spelled(expr, conjunction(_of_operands(op, operands), own))


def spell_chain(op: Op, operands: Sequence[Spelled]) -> Spelled:
    """``a and b and c``: the connective on two operands after the other, from the left; what
    it needs for a value is written for all of them together."""
    assert op.build is not None
    expr = operands[0].expr
    for operand in operands[1:]:
        expr = op.build(expr, operand.expr)
    return Spelled(expr, _of_operands(op, operands))


def own_condition(op: Op, operands: Sequence[Expr]) -> BoolExpr:
    """The condition under which the operator has a value for operands that have one."""
    floats = any(isinstance(e, FloatExpr) for e in operands)
    conditions: list[Expr] = []
    meant = OPERATORS[op.on_floats] if floats and op.on_floats else op
    if meant.defined is not None:
        conditions.append(meant.defined(*operands))
    # An integer among doubles is converted; comparisons and roundings take it as it is.
    letter = "n" if floats and op.result != "bool" else "f"
    letters = op.operands.ljust(len(operands), op.operands[-1])
    if op.result != "int" or floats:
        conditions += [_fits(e) for e, kind in zip(operands, letters) if kind in ("f", letter)]
    return conjunction(*conditions) if conditions else TRUE


def _fits(e: Expr) -> Expr:
    """The condition for being converted to a double."""
    convertible = OPERATORS["ToFloat"].defined
    assert convertible is not None
    return convertible(e) if isinstance(e, IntExpr) else TRUE


def _as_double(operand: Spelled) -> Spelled:
    """An arm of a conditional beside a double."""
    return Spelled(operand.expr, conjunction(operand.defined, _fits(operand.expr)))


def _of_operands(op: Op, operands: Sequence[Spelled]) -> BoolExpr:
    if op.name in ("And", "Or", "Implies"):
        partial = sum(operand.defined is not TRUE for operand in operands[1:])
        return (_side_by_side if partial <= FEW else _nested)(op, operands)
    if op.name == "Where":
        condition, a, b = operands
        return conjunction(
            condition.defined,
            disjunction(negation(condition.expr), a.defined),
            disjunction(condition.expr, b.defined),
        )
    return conjunction(*[operand.defined for operand in operands])


def _side_by_side(op: Op, operands: Sequence[Spelled]) -> BoolExpr:
    """Operands that are evaluated from the left, as far as needed: each has a value where it
    is reached. Every condition repeats all operands before it."""
    conditions: list[Expr] = []
    reached: BoolExpr = TRUE
    for operand in operands:
        conditions.append(disjunction(negation(reached), operand.defined))
        p = as_condition(operand.expr)
        reached = conjunction(reached, negation(p) if op.name == "Or" else p)
    return conjunction(*conditions)


def _nested(op: Op, operands: Sequence[Spelled]) -> BoolExpr:
    """The same with every operand written once: the first has a value, and decides or the
    others have one."""
    result: BoolExpr = TRUE
    for operand in reversed(operands):
        p = as_condition(operand.expr)
        decides = p if op.name == "Or" else negation(p)
        result = conjunction(operand.defined, disjunction(decides, result))
    return result


def defined(expr: Expr) -> BoolExpr:
    """The condition under which a normal form has a value, as `evaluate` decides it: an
    operand that alone decides a connective makes it defined."""
    known: dict[Expr, BoolExpr] = {}
    for node in walk(expr):
        if node.args:
            spend(len(node.args) + (0 if node.op.defined is None else OWN))
        known[node] = _defined_node(node, known)
    return known[expr]


def _defined_node(node: Expr, known: dict[Expr, BoolExpr]) -> BoolExpr:
    inner = [known[a] for a in node.args]
    name = node.op.name
    if name in ("And", "Or") and any(d is not TRUE for d in inner):
        decisive = [
            conjunction(d, a if name == "Or" else negation(a))
            for a, d in zip(node.args, inner)
        ]
        return disjunction(conjunction(*inner), *decisive)
    if name == "Where":
        condition = node.args[0]
        return conjunction(
            inner[0],
            disjunction(negation(condition), inner[1]),
            disjunction(condition, inner[2]),
        )
    result = conjunction(*inner) if any(d is not TRUE for d in inner) else TRUE
    if node.op.defined is None:
        return result
    return conjunction(result, node.op.defined(*node.args))


def has_value_beside(claim: BoolExpr, *asked: BoolExpr) -> bool:
    """Whether a condition has a value where others have one, which speak of its operations;
    of one operation by itself anything may be said, whose value is free where it has none."""
    partial = {e for e in walk(claim) if e.args and own_condition(e.op, e.args) is not TRUE}
    alone = claim.op in RELATIONS and len(side_of(claim).terms()) == 1
    if not partial or (alone and partial == set(side_of(claim).terms())):
        return True
    return partial <= {e for condition in asked for e in walk(condition)}


def without_value(expr: Expr) -> str:
    """What in an expression never has a value, for an error."""
    for node in walk(expr):
        condition = node.op.defined
        if condition is not None and condition(*node.args) is FALSE:
            return f"`{node}` {node.op.undefined}"
    return "a divisor is 0, or a shift or an exponent is negative"
