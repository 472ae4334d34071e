"""`Where`: a choice between two values."""

from __future__ import annotations

from collections.abc import Iterator

from shapes.expr.booleans import negation, where
from shapes.expr.linear import eq_zero, le_zero, ne_zero
from shapes.expr.nodes import (
    BoolExpr,
    Expr,
    IntConstant,
    IntExpr,
    birth_of,
    combine,
    constant,
    from_terms,
)
from shapes.queries.rules.minmax import factor_pulled_out, symbol_pulled_out, terms_pulled_out
from shapes.queries.rules.table import Ask, Example, Rule

__all__ = ["CHOICE"]

_RELATIONS = {"LeZero": le_zero, "EqZero": eq_zero, "NeZero": ne_zero}


def _arms_in_context(ask: Ask, node: Expr) -> Iterator[Expr]:
    """Each arm is simplified where it is chosen; an arm that never is goes."""
    condition, a, b = node.args
    assert isinstance(condition, BoolExpr)
    if not ask.total(condition):
        return
    chosen, other = ask.under(condition, a), ask.under(negation(condition), b)
    if chosen is None and other is not None:
        yield other
    elif other is None and chosen is not None:
        yield chosen
    elif chosen is not None and other is not None:
        yield where(condition, chosen, other)


def _one_arm(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``Where(p, x, y) -> y`` if y is x where p holds, or x is y where it does not."""
    condition, a, b = node.args
    assert isinstance(condition, BoolExpr)
    if not ask.total(condition):
        return
    for where_it_holds, chosen, other in ((condition, a, b), (negation(condition), b, a)):
        simple = ask.under(where_it_holds, chosen)
        if simple is not None and ask.under(where_it_holds, other) is simple:
            yield other


def _constant_taken_in(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``k + m*Where(p, c, d) -> Where(p, k + m*c, k + m*d)`` for constant arms."""
    assert isinstance(node, IntExpr)
    k = node.constant
    for term, m in sorted(node.terms().items(), key=lambda t: birth_of(t[0])):
        if term.op.name != "Where":
            continue
        arms = [
            constant(k + m * arm.constant)
            for arm in term.args[1:]
            if type(arm) is IntConstant
        ]
        if len(arms) < 2:
            continue
        others = from_terms({t: c for t, c in node.terms().items() if t is not term}, 0)
        chosen = where(term.args[0], *arms)
        assert isinstance(chosen, IntExpr)
        yield combine(1, others, 1, chosen)


def _relation_of_arms(ask: Ask, node: Expr) -> Iterator[Expr]:
    """A relation of a choice is the choice of two relations."""
    e = node.args[0]
    assert isinstance(e, IntExpr)
    for term, c in sorted(e.terms().items(), key=lambda t: birth_of(t[0])):
        if term.op.name != "Where":
            continue
        others = combine(1, e, -c, term)
        relation = _RELATIONS[node.op.name]
        arms = []
        for arm in term.args[1:]:
            assert isinstance(arm, IntExpr)
            arms.append(relation(combine(1, others, c, arm)))
        yield where(term.args[0], *arms)


def _opposite_choices(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``Where(p, x, y) + Where(not p, a, b) -> Where(p, x + b, y + a)``."""
    assert isinstance(node, IntExpr)
    choices = [t for t in sorted(node.terms(), key=birth_of) if t.op.name == "Where"]
    for index, first in enumerate(choices):
        opposite = negation(first.args[0])
        for second in choices[index + 1 :]:
            if second.args[0] is not opposite:
                continue
            c, d = node.terms()[first], node.terms()[second]
            (_, x, y), (_, a, b) = first.args, second.args
            chosen = where(first.args[0], x * c + b * d, y * c + a * d)
            rest = combine(1, node, -c, first)
            assert isinstance(chosen, IntExpr)
            yield combine(1, combine(1, rest, -d, second), 1, chosen)


CHOICE = (
    Rule(
        "lesser chosen", "Where(x <= y, x, y)", "Min(x, y)",
        example=Example("Where(a <= b, a, b)", "", "Min(a, b)"),
    ),
    Rule(
        "strictly lesser chosen", "Where(x < y, x, y)", "Min(x, y)",
        example=Example("Where(a < b, a, b)", "", "Min(a, b)"),
    ),
    Rule(
        "greater chosen", "Where(x <= y, y, x)", "Max(x, y)",
        example=Example("Where(a <= b, b, a)", "", "Max(a, b)"),
    ),
    Rule(
        "strictly greater chosen", "Where(x < y, y, x)", "Max(x, y)",
        example=Example("Where(a < b, b, a)", "", "Max(a, b)"),
    ),
    Rule(
        "equal ones chosen", "Where(Eq(x, y), x, y)", "y",
        example=Example("Where(Eq(a, b), a, b)", "", "b"),
    ),
    Rule(
        "unequal ones chosen", "Where(Ne(x, y), x, y)", "x",
        example=Example("Where(Ne(a, b), a, b)", "", "a"),
    ),
    Rule(
        "arms are equal", "Where(p, x, y)", "x", "Eq(x, y)",
        Example("Where(Eq(n, 1), 2*a, 3*b)", "2*a == 3*b", "2*a"),
    ),
    Rule(
        "arms in context", "Where(p, x, y)", _arms_in_context,
        example=Example("Where(a <= b, Min(a, b) + n, b)", "", "Where(a <= b, a + n, b)"),
    ),
    Rule(
        "one arm is the other where it is not chosen", "Where(p, x, y)", _one_arm,
        example=Example("Where(a < b, a, a % b)", "a >= 0 and b >= 1", "a % b"),
    ),
    Rule(
        "same choice after another", "Where(p, x, Where(q, x, y))", "Where(p or q, x, y)",
        example=Example("Where(a == 0, n, Where(b == 0, n, m))", "",
                        "Where(a == 0 or b == 0, n, m)"),
    ),
    Rule(
        "same choice inside another", "Where(p, Where(q, x, y), y)", "Where(p and q, x, y)",
        example=Example("Where(a == 0, Where(b == 0, n, m), m)", "",
                        "Where(a == 0 and b == 0, n, m)"),
    ),
    Rule(
        "other choice after another", "Where(p, x, Where(q, y, x))",
        "Where(p or not q, x, y)",
        example=Example("Where(a == 0, n, Where(b == 0, m, n))", "",
                        "Where(a == 0 or b != 0, n, m)"),
    ),
    Rule(
        "other choice inside another", "Where(p, Where(q, y, x), y)",
        "Where(p and not q, x, y)",
        example=Example("Where(a == 0, Where(b == 0, m, n), m)", "",
                        "Where(a == 0 and b != 0, n, m)"),
    ),
    Rule(
        "terms out of a choice", "Where(p, x + z, y + z)", terms_pulled_out,
        example=Example("Where(n > m, a + b, a + 1)", "", "a + Where(n > m, b, 1)"),
    ),
    Rule(
        "factor out of a choice", "Where(p, c*x, c*y)", factor_pulled_out,
        example=Example("Where(n > m, 4*a, 4*b)", "", "4*Where(n > m, a, b)"),
    ),
    Rule(
        "symbol out of a choice", "Where(p, x*z, y*z)", symbol_pulled_out,
        example=Example("Where(n > m, a*k, b*k)", "", "k*Where(n > m, a, b)"),
    ),
    Rule(
        "choice of quotients", "Where(p, x // z, y // z)", "Where(p, x, y) // z",
        example=Example("Where(n > m, a // 4, b // 4)", "", "Where(n > m, a, b) // 4"),
    ),
    Rule(
        "sum of choices", "Where(p, x, y) + Where(p, a, b)", "Where(p, x + a, y + b)",
        example=Example("Where(n > m, a, 1) + Where(n > m, b, 2)", "",
                        "Where(n > m, a + b, 3)"),
    ),
    Rule(
        "difference of choices", "Where(p, x, y) - Where(p, a, b)", "Where(p, x - a, y - b)",
        example=Example("Where(n > m, a, 1) - Where(n > m, a, 2)", "",
                        "Where(n > m, 0, -1)"),
    ),
    Rule(
        "sum of opposite choices", "Where(p, x, y) + Where(q, a, b)", _opposite_choices,
        example=Example("Where(n > m, 1, 0) + Where(n <= m, 1, 0)", "", "1"),
    ),
    Rule(
        "constant taken into a choice", "c + Where(p, d, k)", _constant_taken_in,
        example=Example("1 - Where(n > m, 1, 0)", "", "Where(n > m, 0, 1)"),
    ),
    Rule(
        "product with a truth value", "Where(p, 1, 0) * x", "Where(p, x, 0)",
        example=Example("Where(n > m, 1, 0)*a*b", "", "Where(n > m, a*b, 0)"),
    ),
    Rule(
        "product with the opposite truth value", "Where(p, 0, 1) * x", "Where(p, 0, x)",
        example=Example("Where(n > m, 0, 1)*a", "", "Where(n > m, 0, a)"),
    ),
    Rule(
        "bound of a choice", "Where(p, x, y) <= z", _relation_of_arms, grows=True,
        example=Example("Where(n > m, 1, 0) >= 1", "", "n > m"),
    ),
    Rule(
        "equality with a choice", "Eq(Where(p, x, y), z)", _relation_of_arms, grows=True,
        example=Example("Eq(Where(n > m, 4, 8), 8)", "", "n <= m"),
    ),
    Rule(
        "difference from a choice", "Ne(Where(p, x, y), z)", _relation_of_arms, grows=True,
        example=Example("Ne(Where(n > m, 1, 0), 0)", "", "n > m"),
    ),
)  # fmt: skip
