"""Ranges and congruences under facts: the domains, with what is known at every step.

At every integer sub-expression the computed interval is met with the interval that the
facts keep for its direction, and its ends are rounded to the congruence of the expression.
"""

from __future__ import annotations

from typing import Any, Final

from shapes.domains import Congruence, CongruenceAnalysis, RangeAnalysis, ValueRanges
from shapes.domains.value_ranges import int_range
from shapes.errors import ContradictionError
from shapes.expr import SYMBOL, Expr, IntAtom, IntExpr, Sum, is_plain
from shapes.facts import Facts, Reasons, scaled
from shapes.infinity import Bound, IntInfinity
from shapes.interpret import interpret
from shapes.linear import direction
from shapes.reasons import NO_REASONS

__all__ = ["bounds", "bounds_with_reasons", "congruence", "congruence_with_reasons"]

MEMO_LIMIT: Final = 20_000
"""Answers kept with a set of facts; they go when there are more, or with the facts."""


class _Ranges(RangeAnalysis):
    """Ranges that meet what is known of every direction; `used` collects reasons."""

    def __init__(self, facts: Facts, used: list[Reasons] | None = None) -> None:
        self._facts = facts
        self._used = used

    def refine(self, node: Expr, value: ValueRanges) -> ValueRanges:
        f, k = 1, 0
        d: IntExpr
        if type(node) is Sum:
            if not self._facts.has_relations:
                return value
            f, d = direction(node)
            k = node.constant
        elif isinstance(node, IntAtom):
            d = node
        elif node.kind == "float" and node.is_symbol:
            found, why = self._facts.double_range(node)
            if self._used is not None:
                self._used.append(why)
            return found
        else:
            return value
        known = self._facts.known(d)
        if known is None or value.is_singleton:
            return value
        if self._used is None and node.op is SYMBOL:
            return int_range(known.lower, known.upper)
        low, high = scaled(known.lower, f, k), scaled(known.upper, f, k)
        if f < 0:
            low, high = high, low
        lower, upper = value.int_bounds()
        if low <= lower and high >= upper:
            return value
        if self._used is not None:
            if low > lower:
                self._used.append(known.why_lower if f > 0 else known.why_upper)
            if high < upper:
                self._used.append(known.why_upper if f > 0 else known.why_lower)
        return _meeting(max(low, lower), min(high, upper), node)


class _Congruences(CongruenceAnalysis):
    """Congruences that meet what is known of every direction."""

    def __init__(self, facts: Facts, used: list[Reasons] | None = None) -> None:
        self._facts = facts
        self._used = used

    def refine(self, node: Expr, value: Any) -> Any:
        if not isinstance(node, IntExpr) or not isinstance(value, Congruence):
            return value
        if not isinstance(node, (Sum, IntAtom)):
            return value
        f, d = direction(node)
        known = self._facts.known(d)
        if known is None or known.congruence.modulus == 1:
            return value
        m, r = known.congruence
        met = value.meet(Congruence.of(abs(f) * m, f * r + node.constant))
        if met is None:
            raise _impossible(node)
        if self._used is not None and met != value:
            self._used.append(known.why_congruence)
        return met


def _impossible(node: Expr) -> ContradictionError:
    return ContradictionError(f"the facts leave no value for `{node}`")


def _meeting(lower: Bound, upper: Bound, node: Expr) -> ValueRanges:
    if lower > upper:
        raise _impossible(node)
    return ValueRanges(lower, upper)


def bounds(facts: Facts, e: Expr) -> ValueRanges:
    """The range of an expression under the facts (of any kind).

    Raises `ContradictionError` if the facts are found to leave no value.
    """
    memo = facts.memo
    found = memo.get(("range", e))
    if found is None:
        found = _rounded(facts, e, None)
        if len(memo) >= MEMO_LIMIT:
            memo.clear()
        memo["range", e] = found
    return found  # type: ignore[return-value]


def bounds_with_reasons(facts: Facts, e: Expr) -> tuple[ValueRanges, Reasons]:
    """The range, and the facts that it rests on."""
    used: list[Reasons] = []
    found = _rounded(facts, e, used)
    return found, NO_REASONS.union(*used)


def _rounded(facts: Facts, e: Expr, used: list[Reasons] | None) -> ValueRanges:
    e, why = facts.normalized(e)
    if used is not None:
        used.append(why)
    value: ValueRanges = interpret(_Ranges(facts, used), {}, e, _kept(facts, "ranges", used))
    if not isinstance(e, IntExpr) or value.is_singleton:
        return value
    if not facts.has_residues and is_plain(e):
        return value  # a sum reaches the ends of its terms, so they have its residue already
    modulus, residue = _congruence(facts, e, used)
    if modulus == 1:
        return value
    lower, upper = value.int_bounds()
    if modulus == 0:
        return _meeting(max(lower, residue), min(upper, residue), e)
    if not isinstance(lower, IntInfinity):
        lower += (residue - lower) % modulus
    if not isinstance(upper, IntInfinity):
        upper -= (upper - residue) % modulus
    return _meeting(lower, upper, e)


def congruence(facts: Facts, e: IntExpr) -> Congruence:
    """``(m, r)``: the expression is congruent to r modulo m (m == 0: it is r)."""
    normal, _ = facts.normalized(e)
    return _congruence(facts, normal, None)


def congruence_with_reasons(facts: Facts, e: Expr) -> tuple[Congruence, Reasons]:
    """The congruence, and the facts that it rests on."""
    normal, why = facts.normalized(e)
    used = [why]
    return _congruence(facts, normal, used), NO_REASONS.union(*used)


def _congruence(facts: Facts, e: Expr, used: list[Reasons] | None) -> Congruence:
    memo = _kept(facts, "congruences", used)
    return interpret(_Congruences(facts, used), {}, e, memo)  # type: ignore[no-any-return]


def _kept(facts: Facts, name: str, used: list[Reasons] | None) -> dict[Any, Any] | None:
    """The answers for sub-expressions that are kept with the facts; none where reasons are
    collected, because those must be met on the way."""
    if used is not None:
        return None
    kept: Any = facts.memo.setdefault(name, {})
    if len(kept) > MEMO_LIMIT:
        kept.clear()
    return kept  # type: ignore[no-any-return]
