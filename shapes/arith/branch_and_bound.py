"""Branch and bound over a simplex tableau, incremental for many questions about many facts.

Land & Doig (Econometrica 1960); in solvers Dillig, Dillig & Aiken (CAV 2009). A question
against a few facts is answered from these facts. Against fifty, whatever is made of them anew
for every question (rows, lemmas about their atoms, solved equalities) costs more than the
question itself. A `LinearSystem` keeps it: the equalities are solved, and the rest stands in a
tableau (see `simplex`). A question adds its own rows to a copy. The rows are infeasible over
the rationals, or branches on fractional values go on until there is an integer point or no
branch is left. A point gives values, which are evaluated before they count; a refutation is a
certificate with a case split for every branch.

Guarantees: an answer depends on the facts and the condition alone, and not on what was asked
before; budgets count branches, and numbers that pivots write; a system belongs to one state of
knowledge and goes with it. Limits: relations and conjunctions of them; facts about which rows
say nothing are left to the evaluation of what is found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from shapes.arith.certificate import Certificate, Definition, Key, Parts, Premise, Split
from shapes.arith.constraint import Elimination, Row, combined
from shapes.arith.lemma_instances import instances
from shapes.arith.simplex import Tableau
from shapes.arith.system import (
    Component,
    LinearQuestion,
    Work,
    components,
    leaf_row,
    with_fewer,
)
from shapes.errors import ContradictionError
from shapes.expr.booleans import negation
from shapes.expr.linear import le_zero
from shapes.expr.nodes import (
    EQ_ZERO,
    FALSE,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    Value,
    combine,
    constant,
    side_of,
)
from shapes.facts.store import Fact, Facts, Reasons
from shapes.facts.verdict import Proof
from shapes.traversal.interpret import free_symbols
from shapes.witness.search import Values, completed, satisfies

__all__ = ["LinearSystem", "Outcome", "prepared_system"]

MOST: Final = 240
"""With more rows a pivot costs more than it is worth."""

SOLVING: Final = 4_000
"""Combinations of rows that solving the equalities of a system may take."""

STEPS: Final = 1_000_000
"""Numbers that pivots may write for one question (some seven hundred pivots for fifty facts);
as many prepare a system."""

DEPTH: Final = 40
"""Branches on one way down."""


@dataclass(frozen=True)
class Outcome:
    """What became of a condition: values that satisfy it and the facts, or the proof that
    none do, or (both None) neither."""

    values: Values | None = None
    refutation: tuple[Certificate, Reasons] | None = None

    def proof(self, facts: Facts, claim: BoolExpr) -> Proof | None:
        """The proof of the claim whose negation was refuted."""
        if self.refutation is None:
            return None
        certificate, used = self.refutation
        stated = facts.in_order(used)
        if _splits(certificate):
            return Proof("cases", stated, certificate)
        return with_fewer(Proof("linear arithmetic", stated, certificate), claim)


def _splits(certificate: Certificate) -> bool:
    if isinstance(certificate, Parts):
        return any(_splits(inner) for _, inner in certificate.parts)
    return isinstance(certificate, Split)


_NEITHER: Final = Outcome()


def prepared_system(facts: Facts, claim: BoolExpr, many: int) -> LinearSystem | None:
    """The system that a claim is about: the component of so many facts that it is connected
    with, made at the first question; None if there is none, or two."""
    connected = [c for c in components(facts, claim) if len(c.facts) >= many]
    if len(connected) != 1:
        return None
    component = connected[0]
    if component.prepared is None and len(component.rows) <= MOST:
        component.prepared = LinearSystem(facts, component)
    return component.prepared


@dataclass(frozen=True)
class _Fork:
    """Two cases, one of which holds (by a fact ``e != 0``, or whatever the facts), each with
    what refutes it."""

    excluded: Row | None
    cases: tuple[Fact, Fact]
    refuted: tuple[_Tree, _Tree]


_Tree: TypeAlias = "Row | _Fork"


class LinearSystem:
    """The facts of a component as a tableau, and the equalities that were put into it."""

    def __init__(self, facts: Facts, component: Component) -> None:
        self._stated = component.facts
        self._excluded = component.disequalities
        self._symbols = free_symbols(*(fact.claim for fact in component.facts))
        self._asked: tuple[BoolExpr, int, Outcome] | None = None
        self._supposed = False
        self._impossible: Row | None = None
        self._tableau = Tableau(STEPS)
        self._solved: list[tuple[Key, Row]] = []
        self._definitions: dict[Key, Definition] = {}
        self.usable = self._made_ready(facts)

    def _made_ready(self, facts: Facts) -> bool:
        try:
            focus = self._stated[0].claim  # connected with the component, and nothing else
            system = LinearQuestion(facts, FALSE, focus, (), Work(0)).system(MOST)
        except ContradictionError:
            return False
        elimination = Elimination(system, SOLVING)
        rows = elimination.without_equalities()
        if rows is None:
            return False
        self._solved = elimination.solved
        for _, row in self._solved:
            if isinstance(row.leaf, Definition):
                self._definitions[row.leaf.parameter] = row.leaf
        if not all(map(self._tableau.add, rows)) or self._tableau.solve() is False:
            self._impossible = self._tableau.conflict
        return True

    def reduced(self, row: Row) -> Row:
        """A row with the solved equalities put in."""
        for key, equality in self._solved:
            c = row.terms.get(key)
            if c is not None:
                row = combined(1, row, -c * equality.terms[key], equality)
        return row

    def expression(self, key: Key) -> IntExpr:
        """What a key stands for."""
        if isinstance(key, IntExpr):
            return key
        definition = self._definitions[key]
        total: IntExpr = constant(definition.constant)
        for x, c in definition.terms:
            total = combine(1, total, c, self.expression(x))
        return total

    def suppose(self, model: Mapping[Expr, Value], models: deque[Values]) -> None:
        """Values that may satisfy the facts: those that do are kept with the models."""
        if self._supposed or not model:
            return
        self._supposed = True
        if all(sym in model for sym in self._symbols):
            values: Values = {sym: model[sym] for sym in self._symbols}
            if satisfies(values, [fact.claim for fact in self._stated]):
                models.append(values)

    def all_keys(self, point: Mapping[Key, int]) -> dict[Key, int]:
        """A point with the keys that the equalities were solved for."""
        found = dict(point)
        for key, equality in reversed(self._solved):
            total = equality.constant
            for x, c in equality.terms.items():
                if x is not key:
                    total += c * found.get(x, 0)
            found[key] = -total * equality.terms[key]
        return found

    def met(self, point: Mapping[Key, int]) -> tuple[IntExpr, Row] | None:
        """The side e of a fact ``e != 0`` that is 0 at a point, with the fact's row."""
        if not self._excluded:
            return None
        found = self.all_keys(point)
        for claim, row in self._excluded:
            e = side_of(claim)
            values = [c * found[x] for x, c in e.terms().items() if x in found]
            if len(values) == len(e.terms()) and e.constant + sum(values) == 0:
                return e, row
        return None

    # ------------------------------------------------------------------ questions

    def ask(self, facts: Facts, condition: BoolExpr, branches: int) -> Outcome:
        """Whether the condition can hold together with the facts of the system, within a
        budget of branches."""
        last = self._asked
        if last is not None and last[0] is condition and last[1] == branches:
            return last[2]
        try:
            outcome = self._answer(facts, condition, branches) if self.usable else _NEITHER
        except ContradictionError:
            # Ranges leave no value: that is for the prover's own methods to report.
            outcome = _NEITHER
        self._asked = condition, branches, outcome
        return outcome

    def _answer(self, facts: Facts, condition: BoolExpr, branches: int) -> Outcome:
        if condition.op is NE_ZERO:
            return self._off_zero(facts, condition, branches)
        question = LinearQuestion(facts, negation(condition), condition, (), Work(0))
        rows = self._rows_of(question)
        if rows is None:
            return _NEITHER
        search = _Branching(self, self._tableau.copied(STEPS), branches)
        tree = self._impossible or search.refuted(rows)
        if tree is not None:
            return Outcome(refutation=_certified(tree, question))
        if search.point is None:
            return _NEITHER
        return Outcome(self._checked(facts, condition, search.point))

    def _off_zero(self, facts: Facts, condition: BoolExpr, branches: int) -> Outcome:
        """``e != 0`` below and above: ``e <= 0`` and ``-e <= 0`` are what follows if neither
        is possible."""
        e = side_of(condition)
        parts: list[tuple[BoolExpr, Certificate]] = []
        used = Reasons()
        for part in (le_zero(e), le_zero(combine(-1, e, 0, e))):
            outcome = self._answer(facts, negation(part), branches)
            if outcome.values is not None or outcome.refutation is None:
                return outcome
            parts.append((part, outcome.refutation[0]))
            used |= outcome.refutation[1]
        return Outcome(refutation=(Parts(tuple(parts)), used))

    def _rows_of(self, question: LinearQuestion) -> list[Row] | None:
        """The rows of a condition, and of what is known of atoms that are new with it; None
        if it is not made of relations."""
        goal = question.goal
        parts = goal.args if goal.op is OPERATORS["And"] else (goal,)
        rows: list[Row] = []
        relations: list[BoolExpr] = []
        for part in parts:
            assert isinstance(part, BoolExpr)
            if part.op is not LE_ZERO and part.op is not EQ_ZERO and part is not TRUE:
                return None
            relations.append(part)
            rows.append(leaf_row(part, ("goal", part, question.why)))
        for other in question.components:
            if other.facts is not self._stated:
                relations += [row.leaf[1] for row in other.rows]
                rows += other.rows
        if any(not self._is_known(x) for row in rows for x in row.terms):
            rows += [question.lemma_row(i) for i in instances(relations, question)]
            atoms = dict.fromkeys(x for row in rows for x in row.terms)
            new = [x for x in atoms if isinstance(x, IntExpr) and not self._is_known(x)]
            rows += question.ranges(new)
        return [self.reduced(row) for row in rows]

    def _is_known(self, key: Key) -> bool:
        return self._tableau.has(key) or any(key is x for x, _ in self._solved)

    def _checked(
        self, facts: Facts, condition: BoolExpr, point: Mapping[Key, int]
    ) -> Values | None:
        """Values for all symbols, if they satisfy the condition and the facts."""
        found = self.all_keys(point)
        values: Values = {}
        for key, value in found.items():
            if isinstance(key, IntExpr) and key.is_symbol:
                values[key] = value
        others = [c.facts for c in components(facts, condition) if c.facts is not self._stated]
        stated = [fact.claim for known in (self._stated, *others) for fact in known]
        symbols = free_symbols(condition, *stated)
        complete = completed(facts, values, symbols)
        if complete is None or not satisfies(complete, [condition, *stated]):
            return None
        return {sym: complete[sym] for sym in symbols}


class _Branching:
    """The search for an integer point of a tableau, or for what refutes every branch."""

    def __init__(self, system: LinearSystem, tableau: Tableau, branches: int) -> None:
        self._system = system
        self._tableau = tableau
        self._left = branches
        self.point: Mapping[Key, int] | None = None

    def refuted(self, rows: list[Row]) -> _Tree | None:
        """What refutes the tableau with more rows; None if a point was found, or the budget
        ran out."""
        for row in rows:
            if not self._tableau.add(row):
                return self._tableau.conflict
        return self._explored(self._tableau, DEPTH)

    def _explored(self, tableau: Tableau, depth: int) -> _Tree | None:
        if not tableau.solve():
            return tableau.conflict
        at = tableau.branching()
        if at is not None:
            key, value, down = at
            e = self._system.expression(key)
            low = Fact(le_zero(combine(1, e, 0, e, -value)), "given")
            high = Fact(negation(low.claim), "given")
            order = (low, high) if down else (high, low)
            return self._forked(tableau, depth, None, order)
        point = tableau.point()
        assert point is not None
        met = self._system.met(point)
        if met is not None:
            e, row = met
            below = Fact(le_zero(combine(1, e, 0, e, 1)), "given")
            above = Fact(le_zero(combine(-1, e, 0, e, 1)), "given")
            return self._forked(tableau, depth, row, (below, above))
        self.point = point
        return None

    def _forked(
        self, tableau: Tableau, depth: int, excluded: Row | None, cases: tuple[Fact, Fact]
    ) -> _Tree | None:
        """One case after the other, until there is a point."""
        if self._left <= 0 or depth <= 0:
            return None
        refuted: list[_Tree] = []
        for case in cases:
            self._left -= 1
            branch = tableau.copied(tableau.steps)
            leaf = leaf_row(case.claim, ("fact", case.claim, Reasons((case,))))
            fits = branch.add(self._system.reduced(leaf))
            tree = self._explored(branch, depth - 1) if fits else branch.conflict
            tableau.steps = branch.steps
            if self.point is not None:
                return None
            if tree is not None:
                refuted.append(tree)
        return _Fork(excluded, cases, (refuted[0], refuted[1])) if len(refuted) == 2 else None


def _certified(tree: _Tree, question: LinearQuestion) -> tuple[Certificate, Reasons]:
    """The certificate of a refutation, and the facts that it uses. A case whose refutation
    does not use it refutes the whole."""
    if isinstance(tree, Row):
        return question.certified(tree)
    branches: list[Certificate] = []
    used = Reasons()
    for case, refuted in zip(tree.cases, tree.refuted):
        certificate, why = _certified(refuted, question)
        if case not in why:
            return certificate, why
        branches.append(certificate)
        used |= Reasons(why - {case})
    if tree.excluded is None:
        return Split("excluded middle", (), (), tree.cases, tuple(branches)), used
    _, claim, reasons = tree.excluded.leaf
    stated = [f for known in question.components for f in known.facts if f in reasons]
    premise = Premise(claim, "fact", tuple(stated))
    split = Split("disequality", (), (premise,), tree.cases, tuple(branches))
    return split, used | reasons
