"""Conditions: relations of one expression together, connectives, what follows from what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd

from shapes.expr.booleans import conjunction, disjunction, negation
from shapes.expr.integers import modulo
from shapes.expr.linear import eq_zero
from shapes.expr.nodes import (
    EQ_ZERO,
    FALSE,
    OPERATORS,
    TRUE,
    BoolAtom,
    BoolExpr,
    Expr,
    IntConstant,
    IntExpr,
    Sum,
    combine,
    constant,
    side_of,
)
from shapes.expr.remainders import parts
from shapes.queries.rules.table import Ask, Example, Rule

__all__ = ["CONDITIONS"]

MOST_PARTS = 24
"""Longer connectives are not compared part by part with all the rest."""


def _in_context(ask: Ask, node: Expr) -> Iterator[Expr]:
    """Each part of a conjunction is simplified where the others hold (of a disjunction:
    where the others fail), and goes where it says nothing new. Only parts that always have a
    value serve as context, so none is lost."""
    conjunctive = node.op is OPERATORS["And"]
    operands = [p for p in node.args if isinstance(p, BoolExpr)]
    if len(operands) > MOST_PARTS:
        return
    total = {p for p in operands if ask.total(p)}
    # Costly parts first, so that of two that imply each other the plain one stays.
    for p in sorted(operands, key=lambda p: -_weight(p)):
        others = [q for q in operands if q is not p and q in total]
        if not others:
            continue
        context = conjunction(*[q if conjunctive else negation(q) for q in others])
        found = ask.under(context, p)
        absorbing = FALSE if conjunctive else TRUE
        kept = [q for q in operands if q is not p]
        if found is None:
            yield absorbing
        elif found is not p:
            yield _joined(conjunctive, [*kept, found])


def _weight(p: BoolExpr) -> int:
    return p.weight if isinstance(p, BoolAtom) else 0


def _joined(conjunctive: bool, operands: Sequence[Expr]) -> BoolExpr:
    return conjunction(*operands) if conjunctive else disjunction(*operands)


def _remainder_zero(p: Expr) -> tuple[IntExpr, int] | None:
    """``(x, m)`` for a condition ``x % m == 0``."""
    e = p.args[0] if p.op is EQ_ZERO else None
    if type(e) is not Sum:
        return None
    k, operands, _ = parts(e)
    if k or len(operands) != 1 or operands[0].op.name != "Mod":
        return None
    x, m = operands[0].args
    if not isinstance(x, IntExpr) or type(m) is not IntConstant:
        return None
    return x, abs(m.constant)


def _common_multiple(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x % c == 0 and x % d == 0 -> x % lcm(c, d) == 0``."""
    found = [(p, _remainder_zero(p)) for p in node.args]
    known = [(p, r) for p, r in found if r is not None]
    for index, (p, (x, c)) in enumerate(known):
        for q, (y, d) in known[index + 1 :]:
            if x is y:
                multiple = constant(c * d // gcd(c, d))
                others = [r for r in node.args if r is not p and r is not q]
                yield conjunction(eq_zero(modulo(x, multiple)), *others)


def _neighbours(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x <= y or x == y + 1 -> x <= y + 1``, and its dual ``x <= y and x != y``."""
    conjunctive = node.op is OPERATORS["And"]
    single = "NeZero" if conjunctive else "EqZero"
    for p in node.args:
        if p.op.name != "LeZero":
            continue
        e = side_of(p)
        edge = combine(1, e, 0, e, 0 if conjunctive else -1)
        for q in node.args:
            if q.op.name == single and q.args[0] in (edge, combine(-1, edge, 0, edge)):
                moved = combine(1, e, 0, e, 1 if conjunctive else -1)
                others = [r for r in node.args if r is not p and r is not q]
                yield _joined(conjunctive, [moved <= 0, *others])


CONDITIONS = (
    Rule(
        "both bounds", "x <= 0 and x >= 0", "Eq(x, 0)",
        example=Example("a <= b and b <= a", "", "Eq(a, b)"),
    ),
    Rule(
        "on either side", "x <= -1 or x >= 1", "Ne(x, 0)",
        example=Example("a < b or b < a", "", "Ne(a, b)"),
    ),
    Rule(
        "bound without its end", "x <= 0 and Ne(x, 0)", _neighbours, careful=True,
        example=Example("a <= b and Ne(a, b)", "", "a < b"),
    ),
    Rule(
        "bound with the next", "x <= -1 or Eq(x, 0)", _neighbours, careful=True,
        example=Example("a < b or Eq(a, b)", "", "a <= b"),
    ),
    Rule(
        "implied by the other parts", "p and q", _in_context, careful=True,
        example=Example("a <= 3 and a <= 5 and b <= a + 1", "", "a <= 3 and b <= a + 1"),
    ),
    Rule(
        "implies another part", "p or q", _in_context, careful=True,
        example=Example("a <= 3 or a <= 5", "", "a <= 5"),
    ),
    Rule(
        "common multiple", "Eq(x % c, 0) and Eq(x % d, 0)", _common_multiple, careful=True,
        example=Example("a % 4 == 0 and a % 6 == 0", "", "a % 12 == 0"),
    ),
    Rule(
        "common part of conjunctions", "(p and q) or (p and r)", "p and (q or r)",
        example=Example("(Eq(a, 1) and b > 2) or (Eq(a, 1) and n > 3)", "",
                        "Eq(a, 1) and (b > 2 or n > 3)"),
    ),
    Rule(
        "common part of disjunctions", "(p or q) and (p or r)", "p or (q and r)",
        example=Example("(Eq(a, 1) or b > 2) and (Eq(a, 1) or n > 3)", "",
                        "Eq(a, 1) or (b > 2 and n > 3)"),
    ),
    Rule(
        "magnitude at most 0", "abs(x) <= 0", "Eq(x, 0)",
        example=Example("abs(a) <= 0", "", "Eq(a, 0)"),
    ),
    Rule(
        "magnitude at least 1", "abs(x) >= 1", "Ne(x, 0)",
        example=Example("abs(a) >= 1", "", "Ne(a, 0)"),
    ),
    Rule(
        "magnitude is 0", "Eq(abs(x), 0)", "Eq(x, 0)",
        example=Example("Eq(abs(a - b), 0)", "", "Eq(a, b)"),
    ),
    Rule(
        "magnitude is not 0", "Ne(abs(x), 0)", "Ne(x, 0)",
        example=Example("Ne(abs(a), 0)", "", "Ne(a, 0)"),
    ),
    Rule(
        "is its magnitude", "Eq(abs(x), x)", "x >= 0",
        example=Example("Eq(abs(a), a)", "", "a >= 0"),
    ),
)  # fmt: skip
