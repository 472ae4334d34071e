"""Linear reasoning: the tactic that refutes the negated claim by elimination.

The claim's negation, the connected facts (with solved symbols replaced), the ranges that
interval analysis finds, and the lemma instances about non-linear atoms (`lemma_instances`)
make up a system of linear constraints. Difference logic goes first; then equalities and
inequalities are eliminated (see `constraint`). Only what a proof uses is named in it: facts,
lemmas and ranges stand in its `certificate`, which `checker` re-reads.

Guarantees: facts are not changed; budgets count steps; a failing attempt is cheap.
Limits: conditions other than integer relations, and choices that need cases, are `cases`'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from shapes.arith.certificate import Certificate, Lemma, Linear, Parts, Premise
from shapes.arith.constraint import Derived, Elimination, Row, narrate
from shapes.arith.difference_logic import Graph, enter_edges, path_refutation
from shapes.arith.interval_premises import ends_of, in_range, reasons_of_range
from shapes.arith.lemma_instances import INSTANCE_LIMIT, Instance, Stated, Wanted, instances
from shapes.arith.simplex import weighted
from shapes.base.budget import ExhaustedError, spend
from shapes.base.infinity import IntInfinity
from shapes.errors import ContradictionError
from shapes.expr.booleans import conjuncts, negation
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
    combine,
    side_of,
)
from shapes.facts.cache import Part
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Fact, Facts, Reasons
from shapes.facts.verdict import Proof
from shapes.traversal.interpret import free_symbols

if TYPE_CHECKING:
    from shapes.arith.branch_and_bound import LinearSystem

__all__ = [
    "Component",
    "LinearQuestion",
    "Work",
    "components",
    "leaf_row",
    "linear",
    "negative_cycle",
    "refuted",
    "with_fewer",
]

METHOD: Final = "linear arithmetic"

MOST_SPARE: Final = 8
"""A linear proof from at most so many facts is tried again without each of them."""

PATH_STEPS: Final = 40
"""Steps of the search for a shortest path, for each row that is connected."""

ELIMINATION_STEPS: Final = 600
"""Combinations of rows in one elimination."""

RELEVANT_ROWS: Final = 90
"""Connected rows that one elimination takes in, nearest to the claim first."""

SINGLE_ROWS: Final = 24
"""Rows that are each tried with nothing but ranges, before any elimination."""

DISEQUALITY_LIMIT: Final = 8
"""Facts ``e != 0`` whose atoms theorems are looked up for."""

MADE: Final = 4
"""Steps (see `budget`) of making a row of a range or a theorem."""

_NONE: Final = NO_REASONS


LEMMA_STEPS: Final = 8
"""What choosing a theorem costs, in combinations of rows."""


@dataclass
class Work:
    """What is left of a budget of steps that several refutations share, and what theorems say
    that one of them asked for."""

    left: int
    stated: Stated = field(default_factory=dict)


def linear(facts: Facts, claim: BoolExpr) -> Proof | None:
    """A proof of an integer relation by linear reasoning, with its certificate."""
    found = _certified(facts, claim)
    if found is None:
        return None
    certificate, used = found
    return Proof(METHOD, facts.in_order(used), certificate)


def with_fewer(proof: Proof, claim: BoolExpr) -> Proof:
    """A linear proof without facts that it does without. Elimination takes any way that leads
    to a contradiction: where few facts are used, each is left out in turn."""
    if not 1 < len(proof.facts) <= MOST_SPARE:
        return proof
    for fact in proof.facts:
        if fact in proof.facts:
            try:
                fewer = Facts().given(*(f for f in proof.facts if f is not fact))
                proof = linear(fewer, claim) or proof
            except ExhaustedError:
                break  # the proof is there, whatever is left of the steps
    return proof


def _certified(facts: Facts, claim: BoolExpr) -> tuple[Certificate, Reasons] | None:
    if claim.op is LE_ZERO or claim.op is NE_ZERO:
        return refuted(facts, claim)
    if claim.op is not EQ_ZERO:
        return None
    e = side_of(claim)
    parts: list[tuple[BoolExpr, Certificate]] = []
    used: Reasons = _NONE
    for part in (le_zero(e), le_zero(combine(-1, e, 0, e))):
        found = refuted(facts, part)
        if found is None:
            return None
        parts.append((part, found[0]))
        used |= found[1]
    return Parts(tuple(parts)), used


def refuted(
    facts: Facts,
    claim: BoolExpr,
    focus: BoolExpr | None = None,
    suspects: Sequence[BoolExpr] = (),
    work: Work | None = None,
) -> tuple[Linear, Reasons] | None:
    """The certificate that the negation of the claim (``<=`` or ``!=``, or False) cannot
    hold under the facts, and the facts that it uses. `focus` is what the connected facts
    must share a symbol with (default: the claim); `suspects` are those relations among them
    that are worth multiplying; `work` is a budget of combinations to draw on."""
    work = Work(ELIMINATION_STEPS + LEMMA_STEPS * INSTANCE_LIMIT) if work is None else work
    try:
        focus = claim if focus is None else focus
        question = LinearQuestion(facts, claim, focus, suspects, work)
        return question.answer()
    except ContradictionError:
        # Interval analysis ran into facts that leave no value: that is for the prover's
        # own methods to report.
        return None


def negative_cycle(facts: Facts, claim: BoolExpr) -> Reasons | None:
    """The facts whose differences make a negative cycle with a relation (or a conjunct),
    however many there are; None if they do not."""
    for part in claim.args if claim.op is OPERATORS["And"] else (claim,):
        if part.op is not LE_ZERO and part.op is not EQ_ZERO:
            continue
        e = side_of(part)
        sides = (e,) if part.op is LE_ZERO else (e, combine(-1, e, 0, e))
        for side in sides:
            denied = negation(le_zero(side))
            question = LinearQuestion(facts, denied, denied, (), Work(0))
            found = question.by_path()
            if found is not None:
                return found[1]
    return None


# --------------------------------------------------------------------------- what is known


@dataclass
class Component:
    """Facts that hang together through their symbols, as rows and conditions."""

    facts: list[Fact]
    rows: list[Row] = field(default_factory=list)
    graph: Graph = field(default_factory=dict)
    disequalities: list[tuple[BoolExpr, Row]] = field(default_factory=list)
    claims: dict[Expr, Row] = field(default_factory=dict)
    prepared: LinearSystem | None = None
    _by_symbol: dict[Expr, list[Row]] = field(default_factory=dict)

    def about(self, sym: Expr) -> Sequence[Row]:
        """The rows in which a symbol occurs."""
        if not self._by_symbol:
            for row in self.rows:
                for other in free_symbols(row.leaf[1]):
                    self._by_symbol.setdefault(other, []).append(row)
        return self._by_symbol.get(sym, ())


_COMPONENTS: Final[Part[Expr, Component]] = Part("components", 200_000)
"""Components by their symbols, of which one component may have very many."""


def components(facts: Facts, focus: Expr) -> list[Component]:
    """The components of the facts that share a symbol with an expression."""
    kept = _COMPONENTS.of(facts)
    found: dict[int, Component] = {}
    for sym in free_symbols(focus):
        component = kept.get(sym)
        if component is None:
            connected = facts.connected(sym)
            component = _read(facts, connected)
            kept[sym] = component
            for fact in connected:
                for other in free_symbols(fact.claim):
                    kept[other] = component
        found[id(component)] = component
    return list(found.values())


def _read(facts: Facts, connected: list[Fact]) -> Component:
    component = Component(connected)
    for fact in connected:
        normal, why = facts.normalized(fact.claim)
        reasons = why | {fact} if why else Reasons((fact,))
        for claim in conjuncts(normal):
            if claim is TRUE or claim in component.claims:
                continue
            row = leaf_row(claim, ("fact", claim, reasons))
            component.claims[claim] = row
            if claim.op is LE_ZERO or claim.op is EQ_ZERO:
                component.rows.append(row)
                enter_edges(component.graph, row)
            elif claim.op is NE_ZERO:
                component.disequalities.append((claim, row))
    return component


def leaf_row(claim: BoolExpr, leaf: object) -> Row:
    """The row of a relation; for any other condition a row that says nothing."""
    if claim.op is LE_ZERO or claim.op is EQ_ZERO:
        e = side_of(claim)
        return Row(dict(e.terms()), e.constant, claim.op is EQ_ZERO, leaf)  # type: ignore[arg-type]
    if claim is FALSE:
        return Row({}, 1, False, leaf)
    return Row({}, 0, False, leaf)


# --------------------------------------------------------------------------- one question


class LinearQuestion(Wanted):
    """The system of rows of one claim's negation."""

    def __init__(
        self,
        facts: Facts,
        claim: BoolExpr,
        focus: BoolExpr,
        suspects: Sequence[BoolExpr],
        work: Work,
    ) -> None:
        self._facts = facts
        self._work = work
        self._suspects = suspects
        normal, why = facts.normalized(negation(claim))
        self.components = components(facts, focus)
        if why:
            seen = {id(c) for c in self.components}
            more = components(facts, normal)
            self.components += [c for c in more if id(c) not in seen]
        self.goal = normal
        self.why = why
        self.goal_row = leaf_row(normal, ("goal", normal, why))
        self._known: dict[Expr, Row | None] = {}
        self._atoms: set[IntExpr] = set()

    def answer(self) -> tuple[Linear, Reasons] | None:
        return self.by_path() or self._by_one_row() or self._by_elimination()

    def by_path(self) -> tuple[Linear, Reasons] | None:
        """Differences alone."""
        goal = self.goal_row
        if goal.impossible or self.goal is TRUE:
            return None
        size = sum(len(c.rows) for c in self.components)
        graphs = [c.graph for c in self.components]
        path = path_refutation(graphs, goal, PATH_STEPS * (size + 1))
        return None if path is None else self.certified(path)

    def _by_one_row(self) -> tuple[Linear, Reasons] | None:
        """One connected relation, and ranges: enough for parts of a sum of which the whole is
        known, without a look at what else is known of their atoms."""
        goal = self.goal_row
        if goal.equal or self.goal.op is not LE_ZERO:
            return None
        around = [
            (x, [row for c in self.components for row in c.about(x)])
            for x in goal.terms
            if isinstance(x, IntExpr) and x.is_symbol
        ]
        if not around:
            return None
        x, rows = min(around, key=lambda pair: len(pair[1]))
        for row in rows[:SINGLE_ROWS]:
            c = row.terms.get(x)
            if c is None or (c * goal.terms[x] > 0 and not row.equal):
                continue
            found = self._with_ranges(goal, abs(c), row, -goal.terms[x] * (1 if c > 0 else -1))
            if found is not None:
                return self.certified(found)
        return None

    def _with_ranges(self, goal: Row, p: int, row: Row, q: int) -> Row | None:
        """The impossible row that two rows, p and q times, and ranges add up to, if it is."""
        parts = [(p, goal), (q, row)]
        total = p * goal.constant + q * row.constant
        for x in dict.fromkeys((*goal.terms, *row.terms)):
            c = p * goal.terms.get(x, 0) + q * row.terms.get(x, 0)
            if c == 0:
                continue
            assert isinstance(x, IntExpr)
            low, high = self.ends(x)
            end = low if c > 0 else high
            if end is None:
                return None
            total += c * end
            sign = -1 if c > 0 else 1
            parts.append((abs(c), _range_row(le_zero(combine(sign, x, 0, x, -sign * end)))))
        return weighted(parts) if total > 0 else None

    def _by_elimination(self) -> tuple[Linear, Reasons] | None:
        row = self._eliminated()
        return None if row is None else self.certified(row)

    # ------------------------------------------------------------------ the system

    def _eliminated(self) -> Row | None:
        rows = self.system(RELEVANT_ROWS)
        budget = max(0, min(ELIMINATION_STEPS, self._work.left))
        elimination = Elimination(rows, budget)
        found = elimination.refutation()
        self._work.left -= budget - elimination.budget
        return found

    def system(self, limit: int) -> list[Row]:
        """The rows of the negated claim, of the connected facts (no more than the limit), of
        theorems about their atoms, and of the ranges of these."""
        relevant = self._relevant(limit)
        relations = [row.leaf[1] for row in relevant]
        goal = [self.goal] if self.goal.op in (LE_ZERO, EQ_ZERO) else []
        rows = list(relevant)
        if goal:
            rows.append(self.goal_row)
        unequal = [p for c in self.components for p, _ in c.disequalities][:DISEQUALITY_LIMIT]
        atoms = list(dict.fromkeys((*_atoms(rows), *_atoms_of(unequal))))
        self._atoms = set(atoms)
        if any(not x.is_symbol for x in atoms):
            chosen = instances(
                [*goal, *relations, *unequal],
                self,
                [*goal, *self._suspects],
                self._work.stated,
            )
            self._work.left -= LEMMA_STEPS * len(chosen)
            rows += [self.lemma_row(instance) for instance in chosen]
            atoms = list(dict.fromkeys((*_atoms(rows), *atoms)))
        rows += self.ranges(atoms)
        return self._made_strict(rows)

    def _relevant(self, limit: int) -> list[Row]:
        """The connected rows, nearest to the claim first if there are too many."""
        rows = [row for component in self.components for row in component.rows]
        if len(rows) <= limit:
            return rows
        chosen: dict[Row, None] = {}
        seen: dict[Expr, None] = dict.fromkeys(free_symbols(self.goal))
        pending = list(seen)
        for sym in pending:  # grows while it is read
            for row in chain.from_iterable(c.about(sym) for c in self.components):
                if row in chosen:
                    continue
                if len(chosen) >= limit:
                    return list(chosen)
                chosen[row] = None
                fresh = [s for s in free_symbols(row.leaf[1]) if s not in seen]
                seen.update(dict.fromkeys(fresh))
                pending.extend(fresh)
        return list(chosen)

    def lemma_row(self, instance: Instance) -> Row:
        """The row of a theorem, with those of its premises."""
        spend(MADE)
        statement = instance.statement
        lemma = Lemma(instance.schema, instance.operands, statement.conclusion)
        row = leaf_row(statement.conclusion, lemma)
        row.parts = tuple(
            (0, self._premise_row(p)) for p in statement.premises if p is not TRUE
        )
        if self._known.get(statement.conclusion) is None:
            self._known[statement.conclusion] = row
        return row

    def _premise_row(self, claim: BoolExpr) -> Row:
        row = self._known[claim]
        assert row is not None
        return row

    def ranges(self, atoms: Iterable[IntExpr]) -> list[Row]:
        """The rows of the ends of ranges."""
        rows = []
        for x in atoms:
            spend(MADE)
            low, high = self.ends(x)
            if low is not None:
                rows.append(_range_row(le_zero(combine(-1, x, 0, x, low))))
            if high is not None:
                rows.append(_range_row(le_zero(combine(1, x, 0, x, -high))))
        return rows

    def _made_strict(self, rows: list[Row]) -> list[Row]:
        """Ends that are excluded by ``e != 0`` move by one."""
        unequal = [pair for component in self.components for pair in component.disequalities]
        if not unequal:
            return rows
        tightest: dict[frozenset[tuple[Any, int]], Row] = {}
        for row in rows:
            direction = frozenset(row.terms.items())
            held = tightest.get(direction)
            if not row.equal and (held is None or row.constant > held.constant):
                tightest[direction] = row
        made = []
        for _ in range(2):
            for claim, excluded in unequal:
                e = side_of(claim)
                for sign in (1, -1):
                    direction = frozenset((x, sign * c) for x, c in e.terms().items())
                    held = tightest.get(direction)
                    if held is None or held.constant != sign * e.constant:
                        continue
                    parts = ((1, held), (1, excluded))
                    row = Row(held.terms, held.constant + 1, False, Derived.STRICT, parts)
                    tightest[direction] = row
                    made.append(row)
        return rows + made

    # ------------------------------------------------------------------ asked by lemmas

    def known(self, claim: BoolExpr) -> bool:
        if claim not in self._known:
            spend(MADE)
            self._known[claim] = self._found(claim)
        return self._known[claim] is not None

    def _found(self, claim: BoolExpr) -> Row | None:
        if claim is self.goal:
            return self.goal_row
        for component in self.components:
            row = component.claims.get(claim)
            if row is not None:
                return row
        return _range_row(claim) if in_range(self._facts, claim) else None

    def ends(self, e: IntExpr) -> tuple[int | None, int | None]:
        lower, upper = ends_of(self._facts, e)
        return (
            None if isinstance(lower, IntInfinity) else lower,
            None if isinstance(upper, IntInfinity) else upper,
        )

    def occurs(self, e: IntExpr) -> bool:
        return e in self._atoms

    # ------------------------------------------------------------------ certificates

    def certified(self, row: Row) -> tuple[Linear, Reasons]:
        """The certificate of an impossible row, and the facts that it uses."""
        steps = []
        used: set[Fact] = set()
        stated = chain.from_iterable(c.facts for c in self.components)
        order = {fact: index for index, fact in enumerate(stated)}
        for step in narrate(row):
            if isinstance(step, tuple):
                source, claim, reasons = step
                if reasons is None:
                    reasons = reasons_of_range(self._facts, claim)
                used.update(reasons)
                in_turn = sorted(reasons, key=lambda fact: order.get(fact, -1))
                step = Premise(claim, source, tuple(in_turn))
            steps.append(step)
        return Linear(tuple(steps)), Reasons(used)


def _range_row(claim: BoolExpr) -> Row:
    """A row that interval analysis proves; its reasons are looked up when a proof uses it."""
    return leaf_row(claim, ("range", claim, None))


def _atoms_of(relations: Sequence[BoolExpr]) -> list[IntExpr]:
    return [x for p in relations for x in side_of(p).terms()]


def _atoms(rows: Sequence[Row]) -> list[IntExpr]:
    found: dict[IntExpr, None] = {}
    for row in rows:
        for x in row.terms:
            assert isinstance(x, IntExpr)
            found[x] = None
    return list(found)
