"""Case splits: a method of the prover that takes a claim apart until each piece is easy.

The claim's negation is taken in as a fact, which spreads what it says; then the facts are
refuted: by their contradiction, by the ranges of what the negation consists of, by linear
reasoning, or by a split into cases that exhaust everything (a disjunction's operands,
``!=``, an equivalence, the condition of a `Where`, which operand of a `Min` or `Max` is
chosen, the sign inside an `Abs`, of a factor or of a divisor, the few values of a symbol,
residues), each of which is refuted the same way. A case whose refutation does not need it
refutes the whole.

Guarantees: every case is a fact of a new `Facts`, so nothing leaks; a budget of cases bounds
the work; the certificate nests those of the cases, and the proof names what they use.
Limits: there is no way back from a split; the first case that stays open ends the attempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shapes.booleans import conjunction, negation
from shapes.bounds import bounds_with_reasons, congruence_with_reasons
from shapes.certificate import (
    Certificate,
    Denial,
    Parts,
    Premise,
    Refutation,
    Rests,
    Split,
)
from shapes.elimination import Component, components, decided, ends_of, refuted
from shapes.errors import ContradictionError
from shapes.expr import (
    EQ_ZERO,
    FALSE,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    SYMBOL,
    TRUE,
    BoolExpr,
    Expr,
    Infinity,
    IntAtom,
    IntConstant,
    IntExpr,
    Product,
    combine,
    constant,
)
from shapes.facts import Fact, Facts, Reasons, _ContradictionFoundError, _Learner
from shapes.infinity import IntInfinity
from shapes.integers import modulo
from shapes.interpret import free_symbols, walk
from shapes.linear import eq_zero, le_zero
from shapes.verdict import Proof

__all__ = ["cases"]

METHOD: Final = "cases"

CASE_LIMIT: Final = 36
"""Cases that are opened for one claim."""

DEPTH_LIMIT: Final = 6
SPREAD_STEPS: Final = 60
"""Steps that spread what one case says; what is missed is left to linear reasoning."""
VALUE_LIMIT: Final = 8
"""Symbols with at most that many values are tried one by one."""
RESIDUE_LIMIT: Final = 6
"""Residues are tried for divisors up to this."""
WAY_LIMIT: Final = 24
"""Relations looked through for something to split on."""

_Found = tuple[Certificate, Reasons]


def cases(facts: Facts, claim: BoolExpr) -> Proof | None:
    """A proof of any condition by cases, with its certificate."""
    found = _Search(claim).prove(facts, claim)
    if found is None:
        return None
    certificate, used = found
    return Proof(METHOD, _in_turn(facts, used), certificate)


@dataclass(frozen=True)
class _Choice:
    """Conditions of which one holds, by a rule of `certificate`."""

    rule: str
    cases: tuple[BoolExpr, ...]
    subjects: tuple[Expr, ...] = ()
    premises: tuple[tuple[BoolExpr, Reasons], ...] = ()


class _Search:
    """One claim's tree of cases, within a budget."""

    def __init__(self, claim: BoolExpr) -> None:
        self._focus = claim
        self._budget = CASE_LIMIT

    def prove(self, facts: Facts, claim: BoolExpr) -> _Found | None:
        if claim.op is OPERATORS["And"]:
            return self._parts(facts, claim)
        assumed = Fact(negation(claim), "given")
        taken = self._taken(facts, assumed)
        if isinstance(taken, Facts):
            found = self._refute(taken, facts, [assumed], 0)
            if found is None:
                return None
            inner, used = found
        else:
            inner, used = taken
        return Refutation(assumed, inner), used - {assumed}

    def _parts(self, facts: Facts, claim: BoolExpr) -> _Found | None:
        parts: list[tuple[BoolExpr, Certificate]] = []
        used: Reasons = frozenset()
        for part in claim.args:
            assert isinstance(part, BoolExpr)
            found = self.prove(facts, part)
            if found is None:
                return None
            parts.append((part, found[0]))
            used |= found[1]
        return Parts(tuple(parts)), used

    def _taken(self, facts: Facts, fact: Fact) -> Facts | _Found:
        """The facts with one more, or the proof that it contradicts them."""
        taken = _Case(facts).taken(fact)
        if isinstance(taken, Facts):
            return taken
        ordered = (*(f for f in facts if f in taken and f is not fact), fact)
        return Rests("contradiction", ordered), taken

    # ------------------------------------------------------------------ refuting

    def _refute(
        self, facts: Facts, without: Facts, assumed: list[Fact], depth: int
    ) -> _Found | None:
        """That the facts cannot hold. `assumed` are the negated claim and the cases so far;
        `without` are the facts and cases without the negated claim."""
        self._budget -= 1
        if self._budget < 0:
            return None
        try:
            suspects = self._suspects(facts, assumed)
            found = self._denied(facts, without, assumed[0])
            if found is None:
                found = refuted(
                    facts, FALSE, self._focus, [s for s in suspects if s.op is not NE_ZERO]
                )
            if found is not None or depth >= DEPTH_LIMIT:
                return found
            choice = _Chooser(facts, components(facts, self._focus), suspects).choice()
        except ContradictionError:
            return None
        return None if choice is None else self._split(choice, facts, without, assumed, depth)

    def _suspects(self, facts: Facts, assumed: Sequence[Fact]) -> list[BoolExpr]:
        """What the negated claim and the cases say, in normal form."""
        found: dict[BoolExpr, None] = {}
        for fact in assumed:
            normal, _ = facts.normalized(fact.claim)
            for part in _conjuncts(normal):
                found[part] = None
        return list(found)

    def _denied(self, facts: Facts, without: Facts, negated: Fact) -> _Found | None:
        """A conjunct of the negated claim is refuted by the ranges of everything else."""
        for part in _conjuncts(negated.claim):
            if part.op is NE_ZERO or part.op is LE_ZERO or part.op is EQ_ZERO:
                opposite = negation(part)
                used = _ranges(without, opposite)
                if used is not None:
                    rests = Rests("ranges", _in_turn(without, used))
                    premise = Premise(part, "fact", (negated,))
                    return Denial(premise, rests), used | {negated}
        return None

    def _split(
        self,
        choice: _Choice,
        facts: Facts,
        without: Facts,
        assumed: list[Fact],
        depth: int,
    ) -> _Found | None:
        stated: list[Fact] = []
        branches: list[Certificate] = []
        used: Reasons = frozenset().union(*(why for _, why in choice.premises))
        for case in choice.cases:
            if case is FALSE:
                continue
            fact = Fact(case, "given")
            taken = self._taken(facts, fact)
            if isinstance(taken, Facts):
                rest = self._taken(without, fact)
                if not isinstance(rest, Facts):
                    return None
                found = self._refute(taken, rest, [*assumed, fact], depth + 1)
                if found is None:
                    return None
            else:
                found = taken
            branch, why = found
            if fact not in why:
                return found
            stated.append(fact)
            branches.append(branch)
            used |= why - {fact}
        premises = tuple(
            Premise(p, "fact" if choice.rule != "value" else "range", _in_turn(facts, why))
            for p, why in choice.premises
        )
        split = Split(choice.rule, choice.subjects, premises, tuple(stated), tuple(branches))
        return split, used


def _conjuncts(claim: Expr) -> tuple[BoolExpr, ...]:
    if claim.op is OPERATORS["And"]:
        return claim.args  # type: ignore[return-value]
    return (claim,)  # type: ignore[return-value]


def _in_turn(facts: Facts, reasons: Reasons) -> tuple[Fact, ...]:
    """Facts in the order in which they were stated."""
    return tuple(fact for fact in facts if fact in reasons)


class _CaseClosedError(Exception):
    def __init__(self, reasons: Reasons) -> None:
        self.reasons = reasons


class _Case(_Learner):
    """Learning a case: with fewer steps, and a contradiction is an answer that needs no
    explanation (which would look for a minimal set of culprits)."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._steps = SPREAD_STEPS

    def taken(self, fact: Fact) -> Facts | Reasons:
        try:
            return self.learn(fact)
        except _CaseClosedError as closed:
            return closed.reasons

    def _state(self, claim: Expr, why: Reasons) -> None:
        try:
            super()._state(claim, why)
        except _ContradictionFoundError as found:
            raise _CaseClosedError(found.reasons) from None

    def _spread(self) -> None:
        try:
            super()._spread()
        except _ContradictionFoundError as found:
            raise _CaseClosedError(found.reasons) from None


def _ranges(facts: Facts, claim: BoolExpr) -> Reasons | None:
    """The facts from which interval and residue analysis prove a relation, if they do."""
    normal, why = facts.normalized(claim)
    if normal is TRUE:
        return why
    if normal is FALSE or normal.op not in (LE_ZERO, EQ_ZERO, NE_ZERO):
        return None
    e = normal.args[0]
    assert isinstance(e, IntExpr)
    lower, upper = ends_of(facts, e)
    if normal.op is LE_ZERO:
        holds = upper <= 0
    elif normal.op is EQ_ZERO:
        holds = lower == upper == 0
    else:
        holds = lower > 0 or upper < 0
    if not holds and normal.op is NE_ZERO:
        # bounds meet residues only where an end is finite
        residues, used = congruence_with_reasons(facts, e)
        return None if residues.admits(0) else used | why
    if not holds:
        return None
    _, used = bounds_with_reasons(facts, e)
    return used | why


# --------------------------------------------------------------------------- choosing


class _Chooser:
    """Finds what to split on, from cheap to dear."""

    def __init__(
        self, facts: Facts, found: list[Component], suspects: list[BoolExpr]
    ) -> None:
        self._facts = facts
        self._claims: dict[BoolExpr, Reasons | None] = dict.fromkeys(suspects)
        for component in found:
            for claim, row in component.claims.items():
                assert isinstance(claim, BoolExpr)
                self._claims[claim] = row.leaf[2]
        self._relations = [
            p for p in self._claims if p.op in (LE_ZERO, EQ_ZERO, NE_ZERO)
        ][:WAY_LIMIT]

    def choice(self) -> _Choice | None:
        ways = (
            self._connectives,
            self._conditions,
            self._inequalities,
            self._extrema,
            self._signs,
            self._values,
            self._residues,
        )
        for way in ways:
            found = next(iter(way()), None)
            if found is not None:
                return found
        return None

    def _connectives(self) -> Iterator[_Choice]:
        """The disjunction with the fewest open operands; equivalences."""
        best: tuple[int, _Choice] | None = None
        for claim, why in list(self._claims.items()):
            if why is None:
                continue
            inner = claim.args[0] if claim.op is OPERATORS["Not"] else claim
            if claim.op is OPERATORS["Or"]:
                open_ones = self._open(claim)
                if open_ones is None:
                    continue
                choice = _Choice("disjunction", claim.args, (), ((claim, why),))  # type: ignore[arg-type]
            elif inner.op is OPERATORS["Iff"]:
                open_ones = 2
                choice = _Choice("equivalence", _sides(claim), (), ((claim, why),))
                if any(self._decided(c) is True for c in choice.cases):
                    continue
            else:
                continue
            if best is None or open_ones < best[0]:
                best = open_ones, choice
        if best is not None and best[0] <= VALUE_LIMIT:
            yield best[1]

    def _open(self, claim: BoolExpr) -> int | None:
        """How many operands are neither known nor excluded; None if one is known."""
        count = 0
        for part in claim.args:
            assert isinstance(part, BoolExpr)
            decided = self._decided(part)
            if decided is True:
                return None
            count += decided is None
        return count

    def _decided(self, p: BoolExpr) -> bool | None:
        if self._facts.holds(p) is not None:
            return True
        if all(self._facts.holds(part) is not None for part in _conjuncts(p)):
            return True
        return decided(self._facts, p)

    def _conditions(self) -> Iterator[_Choice]:
        """The condition of a `Where`."""
        for atom in self._atoms("Where"):
            p = atom.args[0]
            assert isinstance(p, BoolExpr)
            if self._decided(p) is None and self._decided(negation(p)) is None:
                yield _Choice("excluded middle", (p, negation(p)))

    def _inequalities(self) -> Iterator[_Choice]:
        """``e != 0``: below or above."""
        for claim in self._relations:
            why = self._claims[claim]
            if claim.op is not NE_ZERO or why is None:
                continue
            e = claim.args[0]
            assert isinstance(e, IntExpr)
            lower, upper = ends_of(self._facts, e)
            if lower < 0 < upper:
                below, above = _around_zero(e)
                yield _Choice("apart", (below, above), (), ((claim, why),))

    def _extrema(self) -> Iterator[_Choice]:
        """Which operand of a `Min` or `Max` it is; the sign inside an `Abs`."""
        for atom in self._atoms("Min", "Max"):
            operands = atom.args
            if len(operands) > 4 or any(isinstance(e, Infinity) for e in operands):
                continue
            least = atom.op.name == "Min"
            orders = tuple(_order(e, operands, least) for e in operands)
            if not any(self._decided(p) is True for p in orders):
                yield _Choice("least" if least else "greatest", orders, operands)
        inside = [atom.args[0] for atom in self._atoms("Abs", "TruncDiv")]
        # The signs of symbols decide those of products of them.
        for e in sorted(inside, key=lambda e: not e.is_symbol):
            if isinstance(e, IntExpr) and not self._has_sign(e):
                natural = le_zero(combine(-1, e, 0, e))
                yield _Choice("excluded middle", (natural, negation(natural)))

    def _has_sign(self, e: IntExpr) -> bool:
        lower, upper = ends_of(self._facts, e)
        return lower >= 0 or upper <= 0

    def _signs(self) -> Iterator[_Choice]:
        """The sign of a divisor or of a factor."""
        for atom in self._atoms("FloorDiv", "TruncDiv"):
            b = atom.args[1]
            assert isinstance(b, IntExpr)
            lower, upper = ends_of(self._facts, b)
            if lower <= 0 <= upper and b.terms():
                below, above = _around_zero(b)
                yield _Choice("sign", (below, eq_zero(b), above), (b,))
        for atom in self._atoms("Product"):
            assert isinstance(atom, Product)
            for base, exponent in atom.factors:
                if not self._has_sign(base) and (exponent % 2 or len(atom.factors) == 1):
                    below, above = _around_zero(base)
                    yield _Choice("sign", (below, eq_zero(base), above), (base,))

    def _values(self) -> Iterator[_Choice]:
        """A symbol with few values, of those in products and other non-linear atoms."""
        best: tuple[int, Expr, int, int] | None = None
        for relation in self._relations:
            for sym in free_symbols(*_non_linear(relation)):
                if not isinstance(sym, IntExpr):
                    continue
                low, high = ends_of(self._facts, sym)
                if isinstance(low, IntInfinity) or isinstance(high, IntInfinity):
                    continue
                size = high - low + 1
                if 1 < size <= VALUE_LIMIT and (best is None or size < best[0]):
                    best = size, sym, low, high
        if best is None:
            return
        _, x, low, high = best
        assert isinstance(x, IntExpr)
        ends = le_zero(combine(-1, x, 0, x, low)), le_zero(combine(1, x, 0, x, -high))
        _, why = bounds_with_reasons(self._facts, x)
        values = tuple(eq_zero(combine(1, x, 0, x, -v)) for v in range(low, high + 1))
        subjects = (x, constant(low), constant(high))
        yield _Choice("value", values, subjects, ((ends[0], why), (ends[1], why)))

    def _residues(self) -> Iterator[_Choice]:
        """The residue of a symbol by a small divisor, below which it is multiplied."""
        for atom in self._atoms("FloorDiv"):
            a, m = atom.args
            if not isinstance(m, IntConstant) or not 2 <= m.constant <= RESIDUE_LIMIT:
                continue
            assert isinstance(a, IntExpr)
            for sym in free_symbols(a):
                if not isinstance(sym, IntExpr) or self._facts.knowledge(
                    sym
                ).congruence.modulus % m.constant in (0,):
                    continue
                rest = modulo(sym, m)
                residues = tuple(
                    eq_zero(combine(1, rest, 0, rest, -r)) for r in range(m.constant)
                )
                yield _Choice("residue", residues, (sym, m))

    def _atoms(self, *names: str) -> Iterator[IntAtom]:
        """The atoms of these operators in the relations, outermost last."""
        seen: set[Expr] = set()
        for relation in self._relations:
            for node in walk(relation):
                if node.op.name in names and node not in seen and isinstance(node, IntAtom):
                    seen.add(node)
                    yield node


def _around_zero(e: IntExpr) -> tuple[BoolExpr, BoolExpr]:
    """``e <= -1`` and ``e >= 1``."""
    return le_zero(combine(1, e, 0, e, 1)), le_zero(combine(-1, e, 0, e, 1))


def _order(e: Expr, operands: Sequence[Expr], least: bool) -> BoolExpr:
    """`e` is the least (greatest) of the operands."""
    assert isinstance(e, IntExpr)
    orders = []
    for f in operands:
        assert isinstance(f, IntExpr)
        if f is not e:
            orders.append(le_zero(combine(1, e, -1, f) if least else combine(-1, e, 1, f)))
    return conjunction(*orders)


def _sides(claim: BoolExpr) -> tuple[BoolExpr, BoolExpr]:
    """The two cases of an equivalence, or of a denied one."""
    denied = claim.op is OPERATORS["Not"]
    a, b = (claim.args[0] if denied else claim).args
    c = negation(b) if denied else b
    return conjunction(a, c), conjunction(negation(a), negation(c))


def _non_linear(relation: BoolExpr) -> list[Expr]:
    e = relation.args[0]
    assert isinstance(e, IntExpr)
    return [atom for atom in e.terms() if atom.op is not SYMBOL]
