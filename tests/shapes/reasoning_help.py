"""What the tests of linear reasoning and of case splits share: questions as text, random
questions, and enumeration as the judge."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

from shapes.arith.certificate import Certificate
from shapes.arith.checker import check
from shapes.errors import ContradictionError, UndefinedError
from shapes.expr.nodes import TRUE, BoolExpr, Expr
from shapes.facts.store import Fact, Facts
from shapes.facts.verdict import Proof
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from shapes.traversal.parsing import parse_spelled


@dataclass(frozen=True)
class Question:
    """A claim under facts; `conditions` are the facts and what makes everything defined."""

    facts: Facts
    claim: BoolExpr
    conditions: tuple[BoolExpr, ...]
    text: str

    def counterexample(self, reach: int = 3) -> dict[Expr, int] | None:
        """Small values that satisfy everything and break the claim."""
        symbols = free_symbols(self.claim, *self.conditions)
        for values in itertools.product(range(-reach, reach + 1), repeat=len(symbols)):
            bound = dict(zip(symbols, values))
            try:
                if all(evaluate(p, bound) for p in self.conditions) and not evaluate(
                    self.claim, bound
                ):
                    return bound
            except UndefinedError:
                continue
        return None


def question(claim: str, *facts: str) -> Question:
    """The question as it would be asked: definedness of facts and claim is assumed.

    Raises `ContradictionError` if the facts contradict each other at once.
    """
    known = Facts()
    conditions: list[BoolExpr] = []
    for text in facts:
        spelled = parse_spelled(text)
        if spelled.defined is not TRUE:
            known = known.given(Fact(spelled.defined, "given"))
        assert isinstance(spelled.expr, BoolExpr)
        known = known.given(Fact(spelled.expr, text=text))
        conditions += [spelled.defined, spelled.expr]
    spelled = parse_spelled(claim)
    if spelled.defined is not TRUE:
        known = known.given(Fact(spelled.defined, "given"))
    conditions.append(spelled.defined)
    assert isinstance(spelled.expr, BoolExpr)
    shown = f"{'; '.join(facts)} |- {claim}"
    return Question(known, spelled.expr, tuple(conditions), shown)


def random_question(seed: int, rich: bool) -> Question | None:
    """A small random question; `rich`: with non-linear operators. None if the facts are
    found to contradict each other."""
    draw = random.Random(seed)
    names = "xyz"[: draw.choice((1, 2, 2, 3))]
    facts = [_condition(draw, names, rich) for _ in range(draw.choice((0, 1, 2, 3)))]
    if draw.random() < 0.5:
        facts += [f"{name} >= {draw.choice((-1, 0, 1))}" for name in names]
    try:
        return question(_condition(draw, names, rich), *facts)
    except ContradictionError:
        return None


def _condition(draw: random.Random, names: str, rich: bool) -> str:
    kind = draw.random() if rich else 0.0
    if kind < 0.75:
        return _relation(draw, names, rich, 2)
    a, b = _relation(draw, names, rich, 1), _relation(draw, names, rich, 1)
    if kind < 0.85:
        return f"({a} or {b})"
    return f"Implies({a}, {b})" if kind < 0.92 else f"(({a}) == ({b}))"


def _relation(draw: random.Random, names: str, rich: bool, depth: int) -> str:
    operator = draw.choice(("<=", "<", ">=", ">", "==", "==", "!="))
    left, right = _number(draw, names, rich, depth), _number(draw, names, rich, depth - 1)
    return f"{left} {operator} {right}"


_LINEAR = ("({} + {})", "({} - {})", "(2*{} + {})", "({} - 3*{})", "(4*{} - {})")
_RICH = (
    "({}//3 + {})", "({}%4 + {})", "({} // {})", "({} % {})", "Min({}, {})", "Max({}, {})",
    "(abs({}) - {})", "({} * {})", "TruncDiv({}, {})", "Where({} > 0, {}, 1)", "({} & {})",
    "({} | {})", "({} ^ {})", "(2**Max(0, Min({}, 4)) - {})", "CeilDiv({}, {})",
    "(TruncDiv({}, 3) + {})", "Where({0} < {1}, {1}, {0})",
)  # fmt: skip


def _number(draw: random.Random, names: str, rich: bool, depth: int) -> str:
    if depth == 0 or draw.random() < 0.15:
        if draw.random() < 0.75:
            return draw.choice(names)
        return str(draw.choice((-2, -1, 0, 1, 2, 3, 4, 5, 8)))
    shapes = _RICH if rich and draw.random() < 0.55 else _LINEAR
    parts = [_number(draw, names, rich, depth - 1) for _ in range(2)]
    return draw.choice(shapes).format(*parts)


def verified(asked: Question, proof: Proof | None) -> bool:
    """Whether there is a proof; if so, its certificate is checked, also from no more facts
    than the proof names."""
    if proof is None:
        return False
    certificate: Certificate = proof.certificate  # type: ignore[assignment]
    check(certificate, list(asked.facts), asked.claim)
    check(certificate, proof.facts, asked.claim)
    return True
