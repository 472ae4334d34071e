"""Simplification: the rules of `rules`, applied from the leaves up under what is known.

One pass visits every node of the shared graph once, after its operands; at each node rules
are applied as long as one makes it smaller (see `cost`), then the next node is visited.
Passes are repeated, a fixed number of times, for what the rules wrote. A row that writes
something larger at first is followed by a look at what becomes of it, two such steps deep
at most, and is forgotten if nothing smaller comes out. Every node is replaced by something
of at most its cost or left as it is, so the whole never grows.

Guarantees: the result has the input's value wherever the input has one and the facts hold;
it is no larger than the input; the same question gets the same answer (budgets are steps);
nothing here recurses with the depth of the expression.
Limits: rules see one operator and what is directly below it; a search for the smallest
equal expression is not attempted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from shapes.base.budget import ExhaustedError, limited
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.domains import Congruence
from shapes.errors import ContradictionError, TooLargeError
from shapes.expr.integers import modulo
from shapes.expr.linear import le_zero, multiply, ne_zero, scale, shift
from shapes.expr.nodes import (
    FALSE,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    Product,
    View,
    as_expr,
    combine,
    int_operands,
    side_of,
)
from shapes.expr.remainders import whole
from shapes.facts.bounds import bounds, congruence
from shapes.facts.relational_bounds import reach
from shapes.facts.store import Fact, Facts
from shapes.prove.effort import Effort, effort_named
from shapes.prove.ladder import CHEAP, decide, prove
from shapes.queries.rules import by_root
from shapes.traversal.cost import Cost, cost
from shapes.traversal.definedness import defined
from shapes.traversal.interpret import interpret
from shapes.traversal.substitute import Builder

__all__ = ["Rewriting", "Step", "simplify", "simplify_traced"]

BUDGET: Final = 2_000
"""Questions and tried rows of one simplification."""

SIMPLIFICATION_STEPS: Final = 400_000
"""The steps of all that (see `shapes.base.budget`)."""

PASSES: Final = 6
NESTED: Final = 2
"""How deep rows that grow may follow each other, and contexts may lie in each other."""

LARGEST: Final = 300
"""Nothing is asked about expressions of more nodes than this (syntax still helps)."""

ROOM: Final = 40
"""How many nodes more than the original a row may write before what follows is looked at."""


@dataclass(frozen=True)
class Step:
    """One rule that was applied, at the node `before`."""

    rule: str
    before: Expr
    after: Expr

    def __str__(self) -> str:
        return f"{self.rule}: {self.before} -> {self.after}"


@dataclass(frozen=True)
class Rewriting:
    """What an expression was simplified to, and how; `exhausted` says that the budget ran
    out before every rule had been tried."""

    expr: Expr
    steps: tuple[Step, ...]
    exhausted: bool = False


def simplify(
    facts: Facts, expr: Expr, budget: int = BUDGET, effort: str | Effort = "cheap"
) -> Expr:
    """What a person would write: the smallest, then cheapest form that the rules find.

    `budget` is a number of steps; `effort` is spent on each side condition. Raises
    `ValueError` for an effort that there is not.
    """
    return simplify_traced(facts, expr, budget, effort).expr


def simplify_traced(
    facts: Facts, expr: Expr, budget: int = BUDGET, effort: str | Effort = "cheap"
) -> Rewriting:
    """Like `simplify`, with the rules that were applied."""
    with limited(SIMPLIFICATION_STEPS):
        try:
            return _simplified(facts, expr, budget, effort_named(effort))
        except (ExhaustedError, TooLargeError):
            return Rewriting(expr, (), exhausted=True)


def _simplified(facts: Facts, expr: Expr, budget: int, effort: Effort) -> Rewriting:
    steps: list[Step] = []
    shared = _Shared(budget, effort)
    found = _Rewriter(facts, shared, steps).simplified(expr)
    before: list[Step] = []
    # What is found may have solved symbols left of which fewer rules knew.
    for start in dict.fromkeys((expr, found)):
        normal, _ = facts.normalized(start)
        if normal is start:
            break
        further: list[Step] = [*before, Step("solved equalities", start, normal)]
        other = _Rewriter(facts, shared, further)
        solved = other.simplified(normal)
        # On a tie the solved form, in which things that are known to be equal meet.
        if shared.cost(solved) <= shared.cost(found) and other.keeps_value(expr, solved):
            found, steps = solved, further
            break
        before = steps
    return Rewriting(found, tuple(steps), shared.left <= 0)


class _Shared:
    """What a simplification and the contexts inside it have in common."""

    def __init__(self, budget: int, effort: Effort) -> None:
        self.left = budget
        self._effort = effort
        self._costly = not set(effort.methods) <= set(CHEAP)
        self._costs: dict[Any, Any] = {}
        self._defined: dict[Expr, BoolExpr] = {}

    def cost(self, e: Expr) -> Cost:
        return cost(e, self._costs)

    def decided(self, facts: Facts, claim: BoolExpr) -> bool | None:
        """Whether a claim always or never holds, with the effort of this simplification."""
        try:
            answer = decide(facts, claim)
            if answer is None and claim.op is LE_ZERO:
                answer = _by_relations(facts, side_of(claim))
            if answer is not None or not self._costly:
                return answer
            verdict = prove(facts, claim, effort=self._effort, prepare=True)
        except ContradictionError:
            return None
        return True if verdict.proved else False if verdict.disproved else None

    def defined(self, e: Expr) -> BoolExpr:
        found = self._defined.get(e)
        if found is None:
            found = self._defined[e] = defined(e)
        return found


def _by_relations(facts: Facts, e: IntExpr) -> bool | None:
    """Whether ``e <= 0``, by relations between the terms of e: with ``h < H`` and ``d < 64``
    ``64*h + d`` is below ``64*H``."""
    e = facts.normalized(e)[0]
    lower, upper = reach(facts, e).int_bounds()
    if upper > 0 >= lower and _below_divisor(facts, e):
        return True
    return True if upper <= 0 else False if lower > 0 else None


def _below_divisor(facts: Facts, e: IntExpr) -> bool:
    """Whether ``e <= 0``, because of a remainder that is below its divisor."""
    for term, c in e.terms().items():
        for q, _ in term.factors if isinstance(term, Product) else ((term, 1),):
            if q.op is not OPERATORS["FloorDiv"]:
                continue
            x, d = int_operands(q)
            k = multiply(d, q).terms().get(term, 0)
            times = -c // k if k and c % k == 0 else 0
            if times <= 0 or d.is_constant:
                continue
            if decide(facts, le_zero(shift(scale(-1, d), 1))):
                most = combine(1, combine(1, e, -times, modulo(x, d)), times, d, -times)
                if reach(facts, most).int_bounds()[1] <= 0:
                    return True
    return False


class _Layered(dict[Any, Any]):
    """A memo for a trial: it reads the one below, and writes only itself."""

    def __init__(self, below: dict[Any, Any]) -> None:
        super().__init__()
        self._below = below

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self._below

    def __missing__(self, key: object) -> Any:
        return self._below[key]


class _Rewriter(Builder):
    """The analysis whose values are simplified expressions; it answers what rules ask."""

    def __init__(
        self, facts: Facts, shared: _Shared, steps: list[Step], level: int = 0
    ) -> None:
        super().__init__()
        self._facts = facts
        self._shared = shared
        self._steps = steps
        self._level = level
        self._memo: dict[Any, Any] = {}
        self._settled: set[Expr] = set()
        self._trials: list[Expr] = []
        self._answers: dict[Expr, bool | None] = {}
        self._contexts: dict[Expr, _Rewriter | None] = {}

    def simplified(self, expr: Expr) -> Expr:
        """The expression after as many passes as change something."""
        try:
            for _ in range(PASSES):
                found = interpret(self, {}, expr, self._memo)
                assert isinstance(found, Expr)
                if found is expr:
                    break
                expr = found
        except (ExhaustedError, TooLargeError):
            if self._level:
                raise
            self._shared.left = 0
        return expr

    # ------------------------------------------------------------------ one node

    def refine(self, node: Expr, value: Expr) -> Expr:
        """The best form of a node whose operands have been simplified."""
        original = whole(node) if isinstance(node, IntExpr) else node
        if isinstance(node, View):
            value = self._remainder(node, value)
        best = value if self._shared.cost(value) <= self._shared.cost(original) else original
        while self._shared.left > 0 and best not in self._settled:
            found = self._improved(best)
            if found is None:
                break
            best = found
        if not self._trials and self._shared.left > 0:
            self._settled.add(best)
        return best

    def _remainder(self, node: View, value: Expr) -> Expr:
        """A remainder is simplified through its quotient: ``a - b*(a//b)``."""
        a, b = (interpret(self, {}, part, self._memo) for part in node.args)
        name = "FloorDiv" if node.op is OPERATORS["Mod"] else "TruncDiv"
        build = OPERATORS[name].build
        assert build is not None
        divided = build(a, b)
        quotient: Any = divided
        for _ in range(PASSES):  # what a rule writes is looked at again
            found = interpret(self, {}, quotient, self._memo)
            if found is quotient:
                break
            quotient = found
        if quotient is divided:
            return value
        return combine(1, a, -1, multiply(b, quotient))

    def _improved(self, e: Expr) -> Expr | None:
        """What the first row that makes the node smaller makes of it."""
        if e.is_constant:
            return None
        known = self._known_value(e)
        if known is not None:
            self._steps.append(Step("known value", e, known))
            return known
        limit = self._shared.cost(e)
        for rule in by_root(e.op.name):
            for candidate in rule.candidates(self, e):
                self._shared.left -= 1
                if self._shared.left <= 0:
                    return None
                found = self._worth(e, candidate, limit, rule.grows)
                if found is None or not (rule.careful or self.keeps_value(e, found)):
                    continue
                self._steps.append(Step(rule.name, e, found))
                return found
        return None

    def _worth(self, e: Expr, candidate: Expr, limit: Cost, grows: bool) -> Expr | None:
        """The candidate, or what becomes of it, if that is smaller than the limit."""
        if candidate is e:
            return None
        size = self._shared.cost(candidate)
        if size < limit:
            return candidate
        if not grows or len(self._trials) >= NESTED or size.nodes > limit.nodes + ROOM:
            return None
        if candidate in self._trials:
            return None
        found = self._tried(e, candidate)
        return found if self._shared.cost(found) < limit else None

    def _tried(self, e: Expr, candidate: Expr) -> Expr:
        """What becomes of a candidate; nothing of the trial is kept but the result."""
        kept, marks = self._memo, len(self._steps)
        self._trials.append(e)
        self._memo = _Layered(kept)
        try:
            found = interpret(self, {}, candidate, self._memo)
        finally:
            self._memo = kept
            self._trials.pop()
            del self._steps[marks:]
        assert isinstance(found, Expr)
        return found

    def _known_value(self, e: Expr) -> Expr | None:
        if isinstance(e, BoolExpr):
            answer = self._asked(e)
            return None if answer is None else as_expr(answer)
        if not isinstance(e, IntExpr):
            return None
        lower, upper = self.bounds(e)
        if lower == upper and not isinstance(lower, IntInfinity):
            return as_expr(lower)
        return None

    # ------------------------------------------------------------------ what rules ask

    def known(self, claim: Expr) -> bool:
        """Whether the condition is known to hold."""
        return self._asked(claim) is True

    def _asked(self, claim: Expr) -> bool | None:
        assert isinstance(claim, BoolExpr)
        if claim is TRUE or claim is FALSE:
            return claim is TRUE
        if claim not in self._answers:
            if self._shared.left <= 0 or self._shared.cost(claim).nodes > LARGEST:
                return None
            self._shared.left -= 1
            self._answers[claim] = self._shared.decided(self._facts, claim)
        return self._answers[claim]

    def bounds(self, e: IntExpr) -> tuple[Bound, Bound]:
        """The ends of an integer's range."""
        if self._shared.left <= 0 or self._shared.cost(e).nodes > LARGEST:
            return -int_oo, int_oo
        self._shared.left -= 1
        try:
            return bounds(self._facts, e).int_bounds()
        except ContradictionError:
            return -int_oo, int_oo

    def congruence(self, e: IntExpr) -> Congruence:
        """What an integer leaves modulo something."""
        if self._shared.left <= 0 or self._shared.cost(e).nodes > LARGEST:
            return Congruence.anything()
        self._shared.left -= 1
        try:
            return congruence(self._facts, e)
        except ContradictionError:
            return Congruence.anything()

    def total(self, e: Expr) -> bool:
        """Whether the expression is known to have a value."""
        return all(self.known(clause) for clause in _clauses(self._shared.defined(e)))

    def under(self, condition: BoolExpr, e: Expr) -> Expr | None:
        """The expression, simplified where the condition holds; None if it cannot hold."""
        if self._level >= NESTED or self._shared.left <= 0:
            return e
        if condition not in self._contexts:
            self._shared.left -= 1
            try:
                facts = self._facts.given(Fact(condition, "given"))
            except ContradictionError:
                self._contexts[condition] = None
            else:
                inner = _Rewriter(facts, self._shared, [], self._level + 1)
                self._contexts[condition] = inner
        context = self._contexts[condition]
        return None if context is None else context.simplified(e)

    def keeps_value(self, before: Expr, after: Expr) -> bool:
        """Whether the new expression is known to have a value wherever the old one has."""
        wanted = list(_clauses(self._shared.defined(after)))
        if not wanted:
            return True
        granted = dict.fromkeys(_clauses(self._shared.defined(before)))
        missing = [c for c in wanted if c not in granted and not self.known(c)]
        if not missing:
            return True
        self._shared.left -= 1
        try:
            facts = self._facts.given(*[Fact(c, "given") for c in granted])
        except ContradictionError:
            return True  # the old one never has a value
        return all(self._shared.decided(facts, c) is True for c in missing)


def _clauses(condition: BoolExpr) -> Iterator[BoolExpr]:
    """The parts of a conjunction; a product that is not 0 as its factors."""
    parts = condition.args if condition.op is OPERATORS["And"] else (condition,)
    for part in parts:
        assert isinstance(part, BoolExpr)
        if part is TRUE:
            continue
        e = part.args[0] if part.op is NE_ZERO else None
        if isinstance(e, Product):
            yield from (ne_zero(base) for base, _ in e.factors)
        else:
            yield part
