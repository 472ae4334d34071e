"""Case split: the tactic that refutes a claim's negation separately in exhaustive cases.

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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from shapes.arith.certificate import (
    Certificate,
    Denial,
    Parts,
    Premise,
    Refutation,
    Replacement,
    Rests,
    Split,
)
from shapes.arith.interval_premises import ends_of, in_range, reasons_of_range
from shapes.arith.lemma_schemas import state
from shapes.arith.system import Work, components, refuted
from shapes.base.budget import spend
from shapes.errors import ContradictionError
from shapes.expr.booleans import conjuncts, negation
from shapes.expr.integers import floor_division
from shapes.expr.linear import multiply, scale
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
    IntExpr,
    int_operands,
    side_of,
)
from shapes.facts.bounds import bounds_with_reasons, congruence_with_reasons
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Fact, Facts, Reasons
from shapes.facts.verdict import Proof
from shapes.prove.split_rules import Choice, Chooser, non_linear_atoms
from shapes.traversal.interpret import walk
from shapes.traversal.substitute import substitute

__all__ = ["Identity", "cases", "contradicted", "decided_choices"]

METHOD: Final = "cases"

CASE_LIMIT: Final = 36
"""Cases that are opened for one claim."""

WORK_LIMIT: Final = 4000
"""Combinations of rows for one claim, all cases together."""
FACT_LIMIT: Final = 4000
"""Connected facts that are read for one claim, all cases together."""
DEPTH_LIMIT: Final = 6
SPREAD_STEPS: Final = 60
"""Steps that spread what one case says; what is missed is left to linear reasoning."""
PREMISE: Final = 4
"""Steps (see `budget`) of making and reading one premise of an identity."""

_Found = tuple[Certificate, Reasons]


def cases(facts: Facts, claim: BoolExpr) -> Proof | None:
    """A proof of any condition by cases, with its certificate."""
    search = _Search(facts, claim, CASE_LIMIT, WORK_LIMIT)
    found = search.prove(facts, claim)
    if found is None:
        return None
    certificate, used = found
    return Proof(METHOD, _in_turn(facts, used), certificate)


def contradicted(
    facts: Facts, focus: BoolExpr, newest: Fact | None, most: int, work: int
) -> Reasons | None:
    """Facts connected with a condition that cannot hold together, if cases show that there
    are some; `newest` is the one that is suspected, `most` and `work` limit cases and
    combinations of rows."""
    suspected = () if newest is None else (newest,)
    node = _Node(facts, facts, suspected)
    found = _Search(facts, focus, most, work).refute(node)
    return None if found is None else found[1]


@dataclass(frozen=True)
class _Node:
    """Facts to be refuted. `assumed` are the negated claim and the cases so far, `without`
    the facts and cases without the negated claim, `retired` the conditions that a case or a
    replacement has taken the place of, so that they are not examined again."""

    facts: Facts
    without: Facts
    assumed: tuple[Fact, ...]
    retired: frozenset[BoolExpr] = frozenset()
    depth: int = 0

    def having(self, facts: Facts, made: Sequence[Fact], gone: set[BoolExpr]) -> _Node:
        """The node with more facts, and conditions that are done with."""
        assumed = (*self.assumed, *made)
        return replace(self, facts=facts, assumed=assumed, retired=self.retired | gone)


class _Search:
    """One claim's tree of cases, within a budget."""

    def __init__(self, facts: Facts, focus: BoolExpr, most: int, work: int) -> None:
        self._focus = focus
        self._work = Work(work)
        # Every case reads the connected facts again, so many of them allow fewer cases.
        size = sum(len(c.facts) for c in components(facts, focus))
        self._budget = min(most, 1 + FACT_LIMIT // (size + 1))

    def prove(self, facts: Facts, claim: BoolExpr) -> _Found | None:
        if claim.op is OPERATORS["And"]:
            return self._parts(facts, claim)
        assumed = Fact(negation(claim), "given")
        taken = self._taken(facts, assumed)
        if isinstance(taken, Facts):
            found = self.refute(_Node(taken, facts, (assumed,)))
            if found is None:
                return None
            inner, used = found
        else:
            inner, used = taken
        return Refutation(assumed, inner), Reasons(used - {assumed})

    def _parts(self, facts: Facts, claim: BoolExpr) -> _Found | None:
        parts: list[tuple[BoolExpr, Certificate]] = []
        used = NO_REASONS
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
        taken = facts.extended(fact, SPREAD_STEPS)
        if isinstance(taken, Facts):
            return taken
        ordered = (*(f for f in facts if f in taken and f is not fact), fact)
        return Rests("contradiction", ordered), taken

    # ------------------------------------------------------------------ refuting

    def refute(self, node: _Node) -> _Found | None:
        """That the facts of a node cannot hold."""
        self._budget -= 1
        if self._budget < 0 or self._work.left <= 0:
            return None
        facts = node.facts
        suspects = self._suspects(node)
        try:
            found = self._denied(node)
            if found is None:
                favoured = [p for p in suspects if p.op is not NE_ZERO]
                found = refuted(facts, FALSE, self._focus, favoured, self._work)
            if found is not None:
                return found
            replaced = self._replacements(node, suspects)
            if replaced:
                return self._replaced(node, replaced)
            if node.depth >= DEPTH_LIMIT:
                return None
            known = components(facts, self._focus)
            choice = Chooser(facts, known, suspects, node.retired).choice()
        except ContradictionError:
            # Interval analysis found that the facts leave no value, but not why.
            return None
        return None if choice is None else self._split(choice, node)

    def _suspects(self, node: _Node) -> list[BoolExpr]:
        """What the negated claim and the cases say, in normal form."""
        found: dict[BoolExpr, None] = {}
        for fact in node.assumed:
            normal, _ = node.facts.normalized(fact.claim)
            for part in conjuncts(normal):
                if part not in node.retired:
                    found[part] = None
        return list(found)

    def _denied(self, node: _Node) -> _Found | None:
        """A conjunct of the negated claim is refuted by the ranges of everything else."""
        if not node.assumed:
            return None
        negated, without = node.assumed[0], node.without
        for part in conjuncts(negated.claim):
            if part.op is NE_ZERO or part.op is LE_ZERO or part.op is EQ_ZERO:
                opposite = negation(part)
                used = _ranges(without, opposite)
                if used is not None:
                    rests = Rests("ranges", _in_turn(without, used))
                    premise = Premise(part, "fact", (negated,))
                    return Denial(premise, rests), used | {negated}
        return None

    def _replacements(
        self, node: _Node, suspects: Sequence[BoolExpr]
    ) -> list[tuple[BoolExpr, list[Identity], Fact]]:
        """The suspects in which atoms inside others can be replaced by what they are known
        to be (at the top, linear reasoning does that itself)."""
        found = []
        for claim in suspects:
            if claim.op not in RELATIONS:
                continue
            identities = list(decided_choices(node.facts, claim))
            made = substitute(claim, {atom: value for _, _, atom, value in identities})
            if made is claim or made is TRUE or node.facts.holds(made) is not None:
                continue
            nested = made is FALSE or any(not x.is_symbol for x in non_linear_atoms(made))
            if nested and node.facts.holds(claim) is not None:
                found.append((claim, identities, Fact(made, "given")))
        return found

    def _replaced(
        self, node: _Node, replaced: list[tuple[BoolExpr, list[Identity], Fact]]
    ) -> _Found | None:
        """The refutation with the replaced suspects for facts."""
        steps = []
        inner: Facts | _Found = node.facts
        for claim, identities, fact in replaced:
            assert isinstance(inner, Facts)
            steps.append((inner, claim, identities, fact))
            inner = self._taken(inner, fact)
            if not isinstance(inner, Facts):
                break
        found: _Found | None
        if isinstance(inner, Facts):
            made = [fact for _, _, fact in replaced]
            gone = {claim for claim, _, _ in replaced}
            found = self.refute(node.having(inner, made, gone))
        else:
            found = inner
        for facts, claim, identities, fact in reversed(steps):
            if found is not None and fact in found[1]:
                found = self._certified_replacement(facts, claim, identities, fact, found)
        return found

    def _certified_replacement(
        self,
        facts: Facts,
        claim: BoolExpr,
        identities: list[Identity],
        made: Fact,
        found: _Found,
    ) -> _Found:
        inner, used = found
        why = facts.holds(claim)
        assert why is not None
        used = Reasons(used - {made}) | why
        premises = []
        for schema, operands, _, _ in identities:
            for p in state(schema, operands).premises:
                if p is not TRUE:
                    reasons = reasons_of_range(facts, p)
                    used |= reasons
                    premises.append(Premise(p, "range", _in_turn(facts, reasons)))
        source = Premise(claim, "fact", _in_turn(facts, why))
        return Replacement(source, tuple(identities), tuple(premises), made, inner), used

    def _split(self, choice: Choice, node: _Node) -> _Found | None:
        stated: list[Fact] = []
        branches: list[Certificate] = []
        used = NO_REASONS.union(*(why for _, why in choice.premises))
        gone = {p for p, _ in choice.premises}
        for case in choice.cases:
            if case is FALSE:
                continue
            fact = Fact(case, "given")
            found = self._case(node, fact, gone)
            if found is None or fact not in found[1]:
                return found
            stated.append(fact)
            branches.append(found[0])
            used |= Reasons(found[1] - {fact})
        source: Literal["range", "fact"] = "range" if choice.rule == "value" else "fact"
        premises = tuple(
            Premise(p, source, _in_turn(node.facts, why)) for p, why in choice.premises
        )
        split = Split(choice.rule, choice.subjects, premises, tuple(stated), tuple(branches))
        return split, used

    def _case(self, node: _Node, fact: Fact, gone: set[BoolExpr]) -> _Found | None:
        facts = self._taken(node.facts, fact)
        if not isinstance(facts, Facts):
            return facts
        without = self._taken(node.without, fact)
        if not isinstance(without, Facts):
            return without
        inner = node.having(facts, [fact], gone)
        return self.refute(replace(inner, without=without, depth=node.depth + 1))


def _in_turn(facts: Facts, reasons: Reasons) -> tuple[Fact, ...]:
    """Facts in the order in which they were stated."""
    return tuple(fact for fact in facts if fact in reasons)


Identity = tuple[str, tuple[Expr, ...], IntExpr, IntExpr]


def decided_choices(facts: Facts, claim: BoolExpr) -> Iterator[Identity]:
    """The choices in a relation that are decided, and its quotients of quotients: schema,
    operands, atom, what it is."""
    for node in walk(claim):
        name = node.op.name
        if name not in _CHOICES or not isinstance(node, IntAtom):
            continue
        for schema, operands, value in _CHOICES[name](node):
            if isinstance(value, Infinity) or not isinstance(value, IntExpr):
                continue
            premises = state(schema, operands).premises
            spend(PREMISE * len(premises))
            if all(p is TRUE or in_range(facts, p) for p in premises):
                yield schema, operands, node, value
                break


_Option = tuple[str, tuple[Expr, ...], Expr]


def _of_extremum(atom: IntAtom) -> list[_Option]:
    schema = "minimum is" if atom.op.name == "Min" else "maximum is"
    return [(schema, (atom, e), e) for e in atom.args]


def _of_absolute(atom: IntAtom) -> list[_Option]:
    (e,) = atom.args
    assert isinstance(e, IntExpr)
    return [("absolute is", (e,), e), ("absolute is negated", (e,), scale(-1, e))]


def _of_where(atom: IntAtom) -> list[_Option]:
    _, a, b = atom.args
    return [("where then", atom.args, a), ("where else", atom.args, b)]


def _of_quotient(atom: IntAtom) -> list[_Option]:
    """A quotient of a quotient by something unknown is one by a product (one by numbers is
    that in normal form)."""
    a, c = int_operands(atom)
    if a.op is not atom.op or c.is_constant:
        return []
    x, b = int_operands(a)
    return [("floor nested", (x, b, c), floor_division(x, multiply(b, c)))]


_CHOICES: Final[dict[str, Callable[[IntAtom], list[_Option]]]] = {
    "Min": _of_extremum,
    "Max": _of_extremum,
    "Abs": _of_absolute,
    "Where": _of_where,
    "FloorDiv": _of_quotient,
}


def _ranges(facts: Facts, claim: BoolExpr) -> Reasons | None:
    """The facts from which interval and residue analysis prove a relation, if they do."""
    normal, why = facts.normalized(claim)
    if normal is TRUE:
        return why
    if normal is FALSE or normal.op not in RELATIONS:
        return None
    e = side_of(normal)
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
