"""Facts that follow from others, made before a range or a congruence is sought: what choices
are decided to be, and the ends of an expression's operands.

Intervals of a composed expression are as good as those of its operands, so these come first,
innermost before all: in ``(8 - y)//Max(x, 1)`` the end of ``8 - y`` under all facts. A stated
relation in which a choice is decided, as ``abs(x) == 3*y`` for a size x, is stated once more
without it.

Guarantees: what is derived is kept with the stated facts that it rests on, and holds wherever
the expression has a value: operands that are evaluated under a condition only are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from shapes.arith.interval_premises import reasons_of_range
from shapes.arith.lemma_schemas import state
from shapes.base.budget import spend
from shapes.base.infinity import Bound, IntInfinity
from shapes.expr.booleans import conjuncts
from shapes.expr.linear import le_zero
from shapes.expr.nodes import (
    OPERATORS,
    RELATIONS,
    SYMBOL,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    Sum,
    combine,
)
from shapes.facts.bounds import bounds
from shapes.facts.polynomial_bounds import common_factor
from shapes.facts.store import Fact, Facts, Reasons
from shapes.prove.case_split import decided_choices
from shapes.prove.tactics import has_choices
from shapes.traversal.substitute import substitute

__all__ = ["Ends", "Sharpened"]

OPERANDS: Final = 8
"""Operands of one expression whose ends are sought."""

Ends: TypeAlias = tuple[tuple[Bound, Reasons], tuple[Bound, Reasons]]
"""The lower and the upper end of an expression, each with what it rests on."""

_WHERE: Final = OPERATORS["Where"]


class Sharpened:
    """Facts and what was derived from them: `facts` knows all of it, `stated` says what
    reasons rest on without what was derived."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._made: dict[Fact, Reasons] = {}

    @property
    def has_news(self) -> bool:
        """Whether anything was derived."""
        return bool(self._made)

    def stated(self, reasons: Reasons) -> Reasons:
        """The given facts behind reasons."""
        found = reasons.facts()
        derived = [fact for fact in found if fact in self._made]
        if not derived:
            return reasons
        kept = Reasons(found.difference(derived))
        return kept.union(*(self._made[fact] for fact in derived))

    def decide_choices(self, stated: Sequence[Fact]) -> None:
        """State facts once more, with what their choices are decided to be."""
        for fact in stated:
            for claim in conjuncts(fact.claim):
                if claim.op in RELATIONS and has_choices(claim):
                    self._decide(fact, claim)

    def _decide(self, fact: Fact, claim: BoolExpr) -> None:
        identities = list(decided_choices(self.facts, claim))
        if not identities:
            return
        why = Reasons((fact,))
        for schema, operands, _, _ in identities:
            for premise in state(schema, operands).premises:
                if premise is not TRUE:
                    why |= reasons_of_range(self.facts, premise)
        made = substitute(claim, {atom: value for _, _, atom, value in identities})
        self._take(made, why)

    def bound_operands(self, e: IntExpr, ends_of: Callable[[IntExpr], Ends]) -> None:
        """Take in the ends of what an expression is made of, as far as they are narrower
        than the intervals."""
        factored = common_factor(e)
        for operand in (*_operands(e), *(factored or ())):
            spend(1)
            lower, upper = bounds(self.facts, operand).int_bounds()
            (low, why_low), (high, why_high) = ends_of(operand)
            if low > lower and not isinstance(low, IntInfinity):
                self._take(le_zero(combine(-1, operand, 0, operand, low)), why_low)
            if high < upper and not isinstance(high, IntInfinity):
                self._take(le_zero(combine(1, operand, 0, operand, -high)), why_high)

    def _take(self, claim: BoolExpr, why: Reasons) -> None:
        """Take in a condition that follows. (Where it contradicts the others, they contradict
        each other, which is for the prover to report.)"""
        fact = Fact(claim, "given")
        known = self.facts.extended(fact)
        if isinstance(known, Facts):
            self._made[fact] = self.stated(why)
            self.facts = known


def _operands(e: IntExpr) -> Iterator[IntExpr]:
    """The integer operands of what an expression consists of, and its terms: those that are
    evaluated wherever it is."""
    left = OPERANDS
    seen: set[Expr] = {e}
    pending: list[Expr] = [e]
    while pending:
        node = pending.pop()
        if node.op is _WHERE or not isinstance(node, IntExpr):
            continue
        inner = node.terms() if type(node) is Sum else node.args
        for operand in inner:
            if operand in seen or not isinstance(operand, IntExpr):
                continue
            seen.add(operand)
            if type(node) is Sum:
                pending.append(operand)
            if operand.terms() and (type(node) is not Sum or operand.op is SYMBOL):
                left -= 1
                if left < 0:
                    return
                yield operand
