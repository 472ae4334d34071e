"""Choices: the tactic that refutes a claim's negation arm by arm, down to linear relations.

A relation in which minima, maxima and absolute values are terms is a monotone formula over
relations without them: ``Min(a, b) <= c`` is ``a <= c or b <= c``, ``Max(a, b) <= c`` is
``a <= c and b <= c``. A `Where` adds its condition to each arm; what chooses inside of
another operator is compared as well: ``a <= b`` and the claim with `a`, or ``b < a`` and the
claim with `b`. So the negated claim is a formula over linear relations, whose disjunctive
normal form is walked depth first (a tableau: Smullyan 1968): what has one way is taken in,
ways that ranges exclude are dropped, and only then the choice with the fewest ways left is
split. At the end of a branch linear reasoning refutes what is stated there. For identities
of lattices a branch closes on its second or third relation.

`case_split` orders the operands of every choice first, and reads the linear system again at
each of its cases; here most cases are never opened.

Guarantees: each relation of a branch is a fact of a new `Facts`, so nothing leaks; budgets
bound the work; a branch that is closed without the last choice's facts closes the others.
Limits: the first branch that stays open ends the attempt; the proof names facts and has no
certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from shapes.arith.interval_premises import in_range
from shapes.arith.system import Work, refuted
from shapes.base.budget import spend
from shapes.errors import ContradictionError
from shapes.expr.booleans import negation
from shapes.expr.integers import floor_division
from shapes.expr.linear import le_zero, negated_relation, scale
from shapes.expr.nodes import (
    EQ_ZERO,
    FALSE,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    Infinity,
    IntAtom,
    IntConstant,
    IntExpr,
    bool_operands,
    combine,
    int_operands,
)
from shapes.facts.bounds import bounds_with_reasons
from shapes.facts.justification import NO_REASONS, rests_on
from shapes.facts.store import Fact, Facts, Reasons
from shapes.facts.verdict import Proof
from shapes.prove.tactics import CHOICES
from shapes.traversal.interpret import walk
from shapes.traversal.substitute import substitute

__all__ = ["by_choices"]

METHOD: Final = "cases of choices"

RELATION_LIMIT: Final = 240
"""Relations that are taken in for one claim, all branches together."""
BRANCH_LIMIT: Final = 40
"""Branches that linear reasoning is asked to close."""
WORK_LIMIT: Final = 4000
"""Combinations of rows for one claim, all branches together."""
DEPTH_LIMIT: Final = 16
"""Choices that are made one inside the other."""
SPREAD_STEPS: Final = 60
"""Steps that spread what one relation says about ranges."""

Way: TypeAlias = tuple[BoolExpr, ...]
"""Conditions that hold together."""

Pending: TypeAlias = tuple[BoolExpr, Reasons]
"""A condition, and what it rests on besides the choices that were made."""

Open: TypeAlias = tuple[Sequence[Way], Reasons]
"""A choice that is still to be made: one of these ways holds."""

_AND: Final = OPERATORS["And"]
_OR: Final = OPERATORS["Or"]
_MIN: Final = OPERATORS["Min"]
_MAX: Final = OPERATORS["Max"]
_ABS: Final = OPERATORS["Abs"]
_WHERE: Final = OPERATORS["Where"]
_TRUNC_DIV: Final = OPERATORS["TruncDiv"]
_TERMS: Final = (_MIN, _MAX, _ABS, _WHERE)
"""Choices of which a relation is a formula, where they are its terms."""


def by_choices(facts: Facts, claim: BoolExpr) -> Proof | None:
    """A proof of a condition in which operands are chosen, arm by arm."""
    normal, why = facts.normalized(claim)
    try:
        found = _Tableau(normal).closed(facts, (negation(normal),), (), 0)
    except ContradictionError:
        # Interval analysis found that a branch leaves no value, but not why.
        return None
    return None if found is None else Proof(METHOD, facts.in_order(found[0] | why))


class _Branch:
    """Conditions that are assumed together, while they are taken in."""

    def __init__(self, facts: Facts, new: Way, split: Sequence[Open]) -> None:
        self.facts = facts
        self._assumed = Fact(TRUE, "given")  # stands for what is assumed here
        self.pending: list[Pending] = [(claim, rests_on(self._assumed)) for claim in new]
        self.open = list(split)
        self.own: list[tuple[Fact, Reasons]] = []

    def outside(self, used: Reasons) -> tuple[Reasons, bool]:
        """What a refutation rests on without the branch's own facts, and whether it needs
        what was assumed."""
        for fact, why in reversed(self.own):
            if fact in used:
                used = Reasons(used.facts() - {fact}) | why
        return Reasons(used.facts() - {self._assumed}), self._assumed in used


class _Tableau:
    """One claim's branches, within a budget."""

    def __init__(self, focus: BoolExpr) -> None:
        self._focus = focus
        self._left = RELATION_LIMIT
        self._branches = BRANCH_LIMIT
        self._work = Work(WORK_LIMIT)

    def closed(
        self, facts: Facts, new: Way, split: Sequence[Open], depth: int
    ) -> tuple[Reasons, bool] | None:
        """The facts with which these conditions cannot hold, if that is seen, and whether
        any of the conditions is needed; `split` are the choices that are still to be made."""
        branch = _Branch(facts, new, split)
        while branch.pending:
            used = self._taken_in(branch)
            if used is None:
                used = _forced(branch)
            if used is not None:
                return branch.outside(used)
            if self._left < 0:
                return None
        if branch.open:
            used = self._split(branch, depth) if depth < DEPTH_LIMIT else None
        else:
            used = self._refuted(branch)
        return None if used is None else branch.outside(used)

    def _taken_in(self, branch: _Branch) -> Reasons | None:
        """Make the pending conditions facts, or choices; what they contradict, if ranges
        show that they do."""
        while branch.pending:
            claim, why = branch.pending.pop()
            if claim is TRUE or branch.facts.holds(claim) is not None:
                continue
            if claim is FALSE:
                return why
            self._left -= 1
            if self._left < 0:
                return None
            ways = _ways(claim)
            if not ways:
                fact = Fact(claim, "given")
                branch.own.append((fact, why))
                taken = branch.facts.extended(fact, SPREAD_STEPS)
                if not isinstance(taken, Facts):
                    return taken
                branch.facts = taken
            elif len(ways) == 1:
                branch.pending.extend((part, why) for part in ways[0])
            else:
                branch.open.append((ways, why))
        return None

    def _split(self, branch: _Branch, depth: int) -> Reasons | None:
        """What closes each way of the choice that has the fewest."""
        choice = min(branch.open, key=lambda one: len(one[0]))
        ways, used = choice
        others = [one for one in branch.open if one is not choice]
        for way in ways:
            found = self.closed(branch.facts, way, others, depth + 1)
            if found is None:
                return None
            if not found[1]:
                return found[0]  # whatever is chosen
            used |= found[0]
        return used

    def _refuted(self, branch: _Branch) -> Reasons | None:
        """The facts that linear reasoning shows not to hold together."""
        self._branches -= 1
        if self._branches < 0 or self._work.left <= 0:
            return None
        suspects = [fact.claim for fact, _ in branch.own if fact.claim.op is not NE_ZERO]
        found = refuted(branch.facts, FALSE, self._focus, suspects, self._work)
        return None if found is None else found[1]


def _forced(branch: _Branch) -> Reasons | None:
    """Drop the ways that ranges exclude, and choices that hold anyhow; what is the only way
    left is pending. What excludes all ways of a choice, if there is one."""
    facts = branch.facts
    kept: list[Open] = []
    for ways, why in branch.open:
        left: list[Way] = []
        for way in ways:
            excluded = _excluded(facts, way)
            if excluded is None:
                left.append(way)
            else:
                why |= excluded
        if not left:
            return why
        if len(left) == 1:
            branch.pending.extend((part, why) for part in left[0])
        elif not any(all(_is_known(facts, part) for part in way) for way in left):
            kept.append((left, why))
    branch.open = kept
    return None


def _excluded(facts: Facts, way: Way) -> Reasons | None:
    """Why ranges exclude a way, if they do."""
    for part in way:
        if part is FALSE:
            return NO_REASONS
        denied = negated_relation(part)
        if denied is not None and in_range(facts, denied):
            # (What is found of facts that leave no value goes to `by_choices`: its reasons
            # may be some only, and a branch must not close without what it assumes.)
            value, used = bounds_with_reasons(facts, part)
            if value.is_singleton and not value.lower:
                return used
    return None


def _is_known(facts: Facts, part: BoolExpr) -> bool:
    """Whether a condition holds as it stands."""
    return part is TRUE or facts.holds(part) is not None


# --------------------------------------------------------------------------- the ways


def _ways(claim: BoolExpr) -> Sequence[Way]:
    """The ways in which a condition can hold; none for one that is taken as it is."""
    op, args = claim.op, claim.args
    if op is _AND:
        return (bool_operands(claim),)
    if op is _OR:
        return [(part,) for part in bool_operands(claim)]
    if op is not LE_ZERO and op is not EQ_ZERO and op is not NE_ZERO:
        return ()
    e = args[0]
    assert isinstance(e, IntExpr)
    spend(len(e.terms()))
    ways = _of_terms(e) if op is LE_ZERO else ()
    if ways:
        return ways
    for term in e.terms():
        if term.op not in _TERMS:
            for node in walk(term):  # operands first
                if node.op in CHOICES and isinstance(node, IntAtom):
                    return _compared(claim, node)
    if op is NE_ZERO:
        return ((le_zero(combine(1, e, 0, e, 1)),), (le_zero(combine(-1, e, 0, e, 1)),))
    if op is EQ_ZERO and any(term.op in _TERMS for term in e.terms()):
        return ((le_zero(e), le_zero(combine(-1, e, 0, e))),)
    return ()


def _of_terms(e: IntExpr) -> Sequence[Way]:
    """The ways in which ``e <= 0`` holds, by a choice that is one of its terms: one that
    leaves a single way before all others."""
    found: Sequence[Way] = ()
    for atom, c in e.terms().items():
        arms = _arms(atom)
        if not arms or any(isinstance(arm, Infinity) for arm in arms):
            continue
        sides = [le_zero(combine(1, combine(1, e, -c, atom), c, arm)) for arm in arms]
        if atom.op is _WHERE:
            p = atom.args[0]
            assert isinstance(p, BoolExpr)
            ways: Sequence[Way] = ((p, sides[0]), (negation(p), sides[1]))
        elif (atom.op is _MIN) is (c < 0):
            return (tuple(sides),)  # the greatest of them is at most 0
        else:
            ways = [(side,) for side in sides]
        if not found or len(ways) < len(found):
            found = ways
    return found


def _arms(atom: Expr) -> Sequence[IntExpr]:
    """What a choice is one of."""
    if atom.op is _MIN or atom.op is _MAX or atom.op is _WHERE:
        return int_operands(atom)
    if atom.op is _ABS:
        (a,) = atom.args
        assert isinstance(a, IntExpr)
        return a, scale(-1, a)
    return ()


def _compared(claim: BoolExpr, atom: IntAtom) -> Sequence[Way]:
    """The ways in which a condition holds, by a choice somewhere inside: which arm it is, and
    the claim with that arm in its place."""
    if atom.op is _TRUNC_DIV:
        return _truncated(claim, atom)
    arms = _arms(atom)
    if any(isinstance(arm, Infinity) for arm in arms):
        return ()
    ways: list[Way] = []
    for place, arm in enumerate(arms):
        inside = substitute(claim, {atom: arm})
        if atom.op is _WHERE:
            p = atom.args[0]
            assert isinstance(p, BoolExpr)
            ways.append((negation(p) if place else p, inside))
            continue
        least = 1 if atom.op is _MIN else -1
        order = [
            le_zero(combine(least, arm, -least, other)) for other in arms if other is not arm
        ]
        ways.append((*order, inside))
    return ways


def _truncated(claim: BoolExpr, atom: IntAtom) -> Sequence[Way]:
    """The ways for a quotient that is rounded towards zero, by a positive constant: it is
    rounded down, or its opposite is."""
    a, k = atom.args
    if not isinstance(a, IntExpr) or type(k) is not IntConstant or k.constant <= 0:
        return ()
    natural = le_zero(scale(-1, a))
    down, up = floor_division(a, k), scale(-1, floor_division(scale(-1, a), k))
    ways: list[Way] = []
    for order, value in ((natural, down), (negation(natural), up)):
        inside = substitute(claim, {atom: value})
        ways.append((order, inside))
    return ways
