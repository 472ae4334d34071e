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
The certificate (`choice_proofs`) has a split for each choice that was needed.
Limits: the first branch that stays open ends the attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from shapes.arith.certificate import Premise, Refutation, Rests, Step
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
    RELATIONS,
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
    side_of,
)
from shapes.facts.bounds import bounds_with_reasons
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Fact, Facts, Reasons, together
from shapes.facts.verdict import Proof
from shapes.prove.choice_proofs import (
    Case,
    Choice,
    Refuted,
    Way,
    denied,
    resting,
    split,
    translated,
)
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

Pending: TypeAlias = tuple[BoolExpr, Case]
"""A condition, and the case that states it."""


class Open(NamedTuple):
    """A choice that is still to be made, the case that brings it, the ways that are refuted
    already, and those that are left. (A plain tuple would not be the same object when it is
    read twice: compiled code makes it anew.)"""

    choice: Choice
    of: Case
    refuted: Sequence[tuple[Case, Refuted]]
    left: Sequence[Way]


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
    """A proof of a condition in which operands are chosen, arm by arm, with its
    certificate."""
    normal, why = facts.normalized(claim)
    opposite = negation(normal)
    assumed = Fact(negation(claim), "given")
    root = Case((opposite,), assumed, why)
    try:
        tableau = _Tableau(facts, normal)
        found = tableau.closed(_Branch(facts, (opposite,), root), 0)
    except ContradictionError:
        # Interval analysis found that a branch leaves no value, but not why.
        return None
    if found is None:
        return None
    certificate = Refutation(assumed, found.certificate)
    return Proof(METHOD, facts.in_order(found.facts), certificate)


class _Branch:
    """Conditions that are assumed together, while they are taken in; `taken` are the choices
    of which one way was left, in the order in which they were made, `own` the relations that
    it takes in, `made` the facts of these and of the branches around it."""

    def __init__(self, facts: Facts, new: Way, case: Case) -> None:
        self.facts = facts
        self.pending: list[Pending] = [(claim, case) for claim in new]
        self.open: list[Open] = []
        self.own: list[BoolExpr] = []
        self.made: tuple[Fact, ...] = ()
        self.taken: list[tuple[Open, Case]] = []

    def having(self, way: Way, case: Case, choices: Sequence[Open]) -> _Branch:
        """The branch of one way of a choice, while others are still to be made."""
        new = _Branch(self.facts, way, case)
        new.open = list(choices)
        new.made = self.made
        return new

    def take(self, choice: Open) -> None:
        """Take the only way that is left."""
        (way,) = choice.left
        case = Case(way)
        self.taken.append((choice, case))
        self.pending.extend((part, case) for part in way)

    def outside(self, found: Refuted) -> Refuted:
        """The refutation without what was taken since the branch began."""
        for taken, case in reversed(self.taken):
            if case in found.cases:
                found = split(taken.choice, taken.of, [*taken.refuted, (case, found)])
        return found


class _Tableau:
    """One claim's branches, within a budget."""

    def __init__(self, facts: Facts, focus: BoolExpr) -> None:
        self._facts = facts
        self._focus = focus
        self._left = RELATION_LIMIT
        self._branches = BRANCH_LIMIT
        self._work = Work(WORK_LIMIT)
        self._origin: dict[Fact, Case] = {}
        """The cases of the facts that branches make."""

    def closed(self, branch: _Branch, depth: int) -> Refuted | None:
        """The refutation of what a branch assumes, if that is seen."""
        while branch.pending:
            found = self._taken_in(branch)
            if found is None:
                found = self._forced(branch)
            if found is not None:
                return branch.outside(found)
            if self._left < 0:
                return None
        if branch.open:
            found = self._split(branch, depth) if depth < DEPTH_LIMIT else None
        else:
            found = self._refuted(branch)
        return None if found is None else branch.outside(found)

    def _taken_in(self, branch: _Branch) -> Refuted | None:
        """Make the pending conditions facts, or choices; their refutation, if ranges show
        that they contradict something."""
        while branch.pending:
            claim, case = branch.pending.pop()
            if claim is TRUE or branch.facts.holds(claim) is not None:
                continue
            if claim is FALSE:
                return denied(FALSE, case, NO_REASONS, self._origin)
            self._left -= 1
            if self._left < 0:
                return None
            parts = _parts(claim)
            if parts:
                branch.pending.extend((part, case) for part in parts)
                continue
            choice = _choice(claim)
            if choice is None:
                fact = Fact(claim, "given")
                self._origin[fact] = case
                branch.own.append(claim)
                branch.made += (fact,)
                taken = branch.facts.extended(fact, SPREAD_STEPS)
                if not isinstance(taken, Facts):
                    return self._contradicted(branch, taken)
                branch.facts = taken
            elif len(choice.ways) == 1:
                branch.take(Open(choice, case, (), choice.ways))
            else:
                branch.open.append(Open(choice, case, (), choice.ways))
        return None

    def _contradicted(self, branch: _Branch, used: Reasons) -> Refuted | None:
        """The refutation of facts that learning sees to contradict each other, if it can be
        read again: ends that crept towards each other may go another way in another order."""
        found = resting(used, self._origin)
        rests = found.certificate
        assert isinstance(rests, Rests)
        if len(found.cases) < 2 or together(rests.facts) is None:
            return found
        plain = self._refuted_as_stated(branch, _relations(branch))
        if plain is None:
            self._left = -1  # the attempt ends
        return plain

    def _forced(self, branch: _Branch) -> Refuted | None:
        """Drop the ways that ranges exclude, and choices that hold anyhow; what is the only
        way left is pending. The refutation of all ways of a choice, if there is one."""
        facts = branch.facts
        kept: list[Open] = []
        for choice, of, refuted_ways, ways in branch.open:
            left: list[Way] = []
            closed = list(refuted_ways)
            for way in ways:
                excluded = self._excluded(facts, way)
                if excluded is None:
                    left.append(way)
                else:
                    closed.append(excluded)
            now = Open(choice, of, closed, left)
            if not left:
                return split(choice, of, closed)
            if len(left) == 1:
                branch.take(now)
            elif not any(all(_is_known(facts, part) for part in way) for way in left):
                kept.append(now)
        branch.open = kept
        return None

    def _excluded(self, facts: Facts, way: Way) -> tuple[Case, Refuted] | None:
        """The refutation of a way by ranges, if they exclude it."""
        for part in way:
            used = _why_excluded(facts, part)
            if used is not None:
                case = Case(way)
                return case, denied(part, case, used, self._origin)
        return None

    def _split(self, branch: _Branch, depth: int) -> Refuted | None:
        """The refutation of each way of the choice that has the fewest."""
        open_choice = min(branch.open, key=lambda one: len(one.left))
        choice, of, refuted_ways, ways = open_choice
        others = [one for one in branch.open if one is not open_choice]
        closed = list(refuted_ways)
        for way in ways:
            case = Case(way)
            found = self.closed(branch.having(way, case, others), depth + 1)
            if found is None:
                return None
            if case not in found.cases:
                return found  # whatever is chosen
            closed.append((case, found))
        return split(choice, of, closed)

    def _refuted(self, branch: _Branch) -> Refuted | None:
        """The proof by linear reasoning that the facts do not hold together."""
        self._branches -= 1
        if self._branches < 0 or self._work.left <= 0:
            return None
        suspects = _relations(branch)
        found = refuted(branch.facts, FALSE, self._focus, suspects, self._work)
        if found is None:
            return None
        if any(map(self._is_narrowed, found[0].steps)):
            # Ends may have crept towards each other (``x < y < x``), as far as the steps at
            # each statement went: a proof without them can be read again.
            plain = self._refuted_as_stated(branch, suspects)
            if plain is not None:
                return plain
        return translated(*found, self._origin)

    def _is_narrowed(self, step: Step) -> bool:
        """Whether a step is a range that rests on what branches assume."""
        return (
            isinstance(step, Premise)
            and step.source == "range"
            and any(fact in self._origin for fact in step.facts)
        )

    def _refuted_as_stated(
        self, branch: _Branch, suspects: Sequence[BoolExpr]
    ) -> Refuted | None:
        """The proof from what the branch's relations say by themselves."""
        facts = self._facts
        for fact in branch.made:
            taken = facts.extended(fact, 0)
            if not isinstance(taken, Facts):
                return resting(taken, self._origin)
            facts = taken
        found = refuted(facts, FALSE, self._focus, suspects, self._work)
        return None if found is None else translated(*found, self._origin)


def _relations(branch: _Branch) -> list[BoolExpr]:
    """What a branch takes in that may be a row."""
    return [claim for claim in branch.own if claim.op is not NE_ZERO]


def _why_excluded(facts: Facts, part: BoolExpr) -> Reasons | None:
    """Why ranges exclude a condition, if they do."""
    if part is FALSE:
        return NO_REASONS
    opposite = negated_relation(part)
    if opposite is not None and in_range(facts, opposite):
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


def _parts(claim: BoolExpr) -> Sequence[BoolExpr]:
    """Conditions that together are this one; none for what is taken as it is or chosen."""
    if claim.op is _AND:
        return bool_operands(claim)
    if claim.op is not EQ_ZERO:
        return ()
    e = side_of(claim)
    spend(len(e.terms()))
    if any(term.op in _TERMS for term in e.terms()) and _inner_choice(e) is None:
        return le_zero(e), le_zero(combine(-1, e, 0, e))
    return ()


def _choice(claim: BoolExpr) -> Choice | None:
    """The ways in which a condition can hold; None for one that is taken as it is."""
    op = claim.op
    if op is _OR:
        return Choice(claim, [(part,) for part in bool_operands(claim)], "disjunction")
    if op not in RELATIONS:
        return None
    e = side_of(claim)
    spend(len(e.terms()))
    found = _of_terms(claim, e) if op is LE_ZERO else None
    if found is not None:
        return found
    inner = _inner_choice(e)
    if inner is not None:
        ways = _compared(claim, inner)
        return Choice(claim, ways, "choice", (inner,)) if ways else None
    if op is NE_ZERO:
        signs = [(le_zero(combine(1, e, 0, e, 1)),), (le_zero(combine(-1, e, 0, e, 1)),)]
        return Choice(claim, signs, "disequality")
    return None


def _inner_choice(e: IntExpr) -> IntAtom | None:
    """The first choice inside of another operator, operands first."""
    for term in e.terms():
        if term.op not in _TERMS:
            for node in walk(term):
                if node.op in CHOICES and isinstance(node, IntAtom):
                    return node
    return None


def _of_terms(claim: BoolExpr, e: IntExpr) -> Choice | None:
    """The ways in which ``e <= 0`` holds, by a choice that is one of its terms: one that
    leaves a single way before all others."""
    found: Choice | None = None
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
            # the greatest of them is at most 0
            return Choice(claim, [tuple(sides)], "choice", (atom,))
        else:
            ways = [(side,) for side in sides]
        if found is None or len(ways) < len(found.ways):
            found = Choice(claim, ways, "choice", (atom,))
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
