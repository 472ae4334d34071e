"""Tactics: functions from facts and a claim to a proof or None (the solver is in `solving`).

They are listed in `METHODS` in order of cost; `ladder` calls them. A tactic names as few
facts as it can distinguish cheaply: those behind the ends of ranges that matter, and of a few
facts only those that it cannot do without.

Guarantees: facts are never changed, no example takes part, and None says only that this
tactic does not see it. The costly ones are imported at first use.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from itertools import islice
from typing import Final

from shapes.base.budget import ExhaustedError
from shapes.errors import ContradictionError
from shapes.expr.linear import scale
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    RELATIONS,
    SYMBOL,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    side_of,
)
from shapes.facts.abstract_value import smallest
from shapes.facts.bounds import (
    bounds,
    bounds_with_reasons,
    congruence,
    congruence_with_reasons,
    why_at_most,
)
from shapes.facts.store import Fact, Facts, together
from shapes.facts.verdict import Proof
from shapes.traversal.interpret import free_symbols, walk

__all__ = ["CHOICES", "CHOOSING", "METHODS", "by_linear", "has_choices"]


MOST_ALONE: Final = 12
"""So many facts of a proof by ranges are asked whether one of them is enough."""

MOST_READ: Final = 64
"""Facts that are read again, all tries together, for those that such a proof does not need."""


class _Shown(Enum):
    """What shows that a condition in normal form holds."""

    UPPER = "the upper end of the relation's side"
    LOWER = "its lower end"
    BOTH = "both ends"
    RESIDUES = "its residues"
    WHOLE = "the range of the condition itself"


Method = Callable[[Facts, BoolExpr], "Proof | None"]


def _canonical(facts: Facts, claim: BoolExpr) -> Proof | None:
    """The normal form is true, with solved symbols replaced, or was stated as it stands."""
    if claim is TRUE:
        return Proof("normal form")
    normal, why = facts.normalized(claim)
    if normal is TRUE:
        return Proof("normal form", facts.in_order(why))
    stated = facts.holds(normal)
    return Proof("a known fact", facts.in_order(stated | why)) if stated is not None else None


def _ranges(facts: Facts, claim: BoolExpr) -> Proof | None:
    """The range of the claim under what is known of every sub-expression is {true}."""
    normal, why = facts.normalized(claim)
    side = _side_that_holds(facts, normal)
    if side is None:
        return None
    # Reasons cost more than the answer, which is kept: they are collected at the end.
    if side is _Shown.RESIDUES:
        why |= congruence_with_reasons(facts, normal.args[0])[1]
        return Proof("ranges and congruences", facts.in_order(why))
    if side is _Shown.WHOLE:
        used = bounds_with_reasons(facts, normal)[1]
        return Proof("ranges", _needed(facts.in_order(used | why), claim))
    e = side_of(normal)
    end = -1 if normal.op is NE_ZERO else 0
    if side in (_Shown.UPPER, _Shown.BOTH):
        why |= why_at_most(facts, e, end)
    if side in (_Shown.LOWER, _Shown.BOTH):
        why |= why_at_most(facts, scale(-1, e), end)
    linear = all(x.op is SYMBOL for x in e.terms())
    stated = facts.in_order(why)
    return Proof("ranges", stated if linear else _needed(stated, claim))


def _side_that_holds(facts: Facts, normal: Expr) -> _Shown | None:
    """What shows that a condition in normal form holds, if ranges and residues do."""
    if normal.op not in RELATIONS:
        value = bounds(facts, normal)
        return _Shown.WHOLE if value.is_singleton and value.lower else None
    # A relation's own side, with its ends rounded by congruence.
    e = side_of(normal)
    lower, upper = bounds(facts, e).int_bounds()
    if normal.op is LE_ZERO:
        return _Shown.UPPER if upper <= 0 else None
    if normal.op is EQ_ZERO:
        return _Shown.BOTH if lower == 0 == upper else None
    if lower > 0 or upper < 0:
        return _Shown.LOWER if lower > 0 else _Shown.UPPER
    return _Shown.RESIDUES if not congruence(facts, e).admits(0) else None


def _needed(used: tuple[Fact, ...], claim: BoolExpr) -> tuple[Fact, ...]:
    """The facts behind ranges without those that ranges do not need, as far as a few readings
    show it: an operator's range rests on both ends of its operands and on their residues,
    although only one of them may matter."""
    if len(used) == 1 and used[0].claim is claim:
        return used

    def suffice(stated: list[Fact]) -> bool:
        known = together(stated)
        if known is None:
            return False
        try:
            return _side_that_holds(known, known.normalized(claim)[0]) is not None
        except ContradictionError:
            return False

    try:
        if used and suffice([]):
            return ()
        if len(used) > 2:
            for fact in _about(used, claim):
                if suffice([fact]):
                    return (fact,)
    except ExhaustedError:
        return used  # the proof is there, whatever is left of the steps
    return tuple(smallest(used, suffice, MOST_READ))


def _about(used: tuple[Fact, ...], claim: BoolExpr) -> list[Fact]:
    """A few of the facts that speak of the claim's symbols alone."""
    symbols = set(free_symbols(claim))
    about = (fact for fact in used if symbols.issuperset(free_symbols(fact.claim)))
    return list(islice(about, MOST_ALONE))


def _differences(facts: Facts, claim: BoolExpr) -> Proof | None:
    """Paths of differences of two atoms."""
    from shapes.arith.difference_logic import by_differences, one_fact_each
    from shapes.arith.system import with_fewer

    proof = by_differences(facts, claim)
    return proof if proof is None or one_fact_each(proof) else with_fewer(proof, claim)


def by_linear(facts: Facts, claim: BoolExpr) -> Proof | None:
    """Linear reasoning over the connected facts, with a certificate."""
    from shapes.arith.system import linear, with_fewer

    proof = linear(facts, claim)
    return None if proof is None else with_fewer(proof, claim)


def has_choices(claim: BoolExpr) -> bool:
    """Whether operands are chosen in a condition: without that, the methods in `CHOOSING`
    have nothing to do."""
    e = claim.args[0] if claim.op in RELATIONS else None
    if isinstance(e, IntExpr) and all(x.op is SYMBOL for x in e.terms()):
        return False
    return any(node.op in CHOICES for node in walk(claim))


def _lattice(facts: Facts, claim: BoolExpr) -> Proof | None:
    """Nested minima and maxima, by zeros and ones."""
    from shapes.prove.lattices import by_lattice

    return by_lattice(facts, claim)


def _choice_form(facts: Facts, claim: BoolExpr) -> Proof | None:
    """Choices written in one way, then the cheap methods."""
    from shapes.prove.choice_forms import by_choice_form

    return by_choice_form(facts, claim)


def _choices(facts: Facts, claim: BoolExpr) -> Proof | None:
    """Choices arm by arm, down to linear relations."""
    from shapes.prove.choices import by_choices

    return by_choices(facts, claim)


def _cases(facts: Facts, claim: BoolExpr) -> Proof | None:
    """Case splits, each case by the methods before."""
    from shapes.prove.case_split import cases

    return cases(facts, claim)


def _values(facts: Facts, claim: BoolExpr) -> Proof | None:
    """Every value of symbols that have few."""
    from shapes.witness.enumeration import enumerated

    return enumerated(facts, claim)


CHOOSING: Final = ("lattice", "choices")
"""The methods for conditions in which operands are chosen."""

CHOICES: Final = tuple(OPERATORS[name] for name in ("Min", "Max", "Abs", "Where", "TruncDiv"))
"""The operators that choose."""

METHODS: Final[dict[str, Method]] = {
    "canonical": _canonical,
    "ranges": _ranges,
    "differences": _differences,
    "lattice": _lattice,
    "choice form": _choice_form,
    "linear": by_linear,
    "choices": _choices,
    "cases": _cases,
    "values": _values,
}
"""The methods without a solver, in their order; the costly ones are imported at first use."""
