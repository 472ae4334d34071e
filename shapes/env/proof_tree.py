"""Proofs as trees of sentences, for pages and terminals.

The steps of linear proofs are shown with what each of them concludes; the last one is
impossible. What is shown is read off the certificate that `shapes.arith.checker` checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shapes.arith.certificate import (
    Certificate,
    Combination,
    Definition,
    Denial,
    Key,
    Lemma,
    Linear,
    Parameter,
    Parts,
    Premise,
    Refutation,
    Replacement,
    Rests,
    Split,
    Squeeze,
    Step,
    Strict,
    ZerosAndOnes,
)
from shapes.arith.checker import conclusions
from shapes.expr.booleans import negation
from shapes.expr.nodes import FALSE, BoolExpr
from shapes.facts.store import Fact
from shapes.facts.verdict import Proof
from shapes.traversal.mathematics import mathematical

__all__ = ["Branch", "proof_tree"]

LARGEST: Final = 400
"""Branches that one proof is shown with."""


@dataclass(frozen=True)
class Branch:
    """A sentence, and what it rests on."""

    text: str
    below: tuple[Branch, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self._lines(""))

    def _lines(self, indent: str) -> Iterator[str]:
        yield indent + self.text
        for branch in self.below:
            yield from branch._lines(indent + "  ")


def proof_tree(proof: Proof, claim: BoolExpr) -> Branch:
    """The proof of a claim (or of its negation); the facts alone where a method keeps no
    steps."""
    head = f"by {proof.method}"
    certificate = proof.certificate
    kinds = (Linear, Parts, Refutation, Denial, Rests, Replacement, Split, ZerosAndOnes)
    if isinstance(certificate, kinds):
        return Branch(head, _Tree().of(certificate, proof.facts, claim))
    return Branch(head, tuple(Branch(_stated(fact)) for fact in proof.facts))


class _Tree:
    """One walk through a certificate; what is too much is left out."""

    def __init__(self) -> None:
        self._left = LARGEST

    def of(
        self, part: Certificate, known: Sequence[Fact], goal: BoolExpr
    ) -> tuple[Branch, ...]:
        self._left -= 1
        if self._left < 0:
            return (Branch("..."),)
        if isinstance(part, Linear):
            return self._linear(part, known, goal)
        if isinstance(part, Parts):
            return tuple(
                Branch(mathematical(claim), self.of(inner, known, claim))
                for claim, inner in part.parts
            )
        if isinstance(part, Refutation):
            below = self.of(part.inner, (*known, part.assumed), FALSE)
            return (Branch(f"assume {mathematical(part.assumed.claim)}: impossible", below),)
        if isinstance(part, Denial):
            below = self.of(part.inner, known, negation(part.premise.claim))
            return (*_premise(part.premise), Branch("which is refuted", below))
        if isinstance(part, Rests):
            why = "ranges show it" if part.method == "ranges" else "these cannot hold together"
            return (Branch(why, tuple(Branch(_stated(fact)) for fact in part.facts)),)
        if isinstance(part, Replacement):
            return self._replaced(part, known, goal)
        if isinstance(part, ZerosAndOnes):
            return tuple(_zeros_and_ones(part))
        return self._split(part, known, goal)

    def _replaced(
        self, part: Replacement, known: Sequence[Fact], goal: BoolExpr
    ) -> tuple[Branch, ...]:
        same = [
            Branch(f"{mathematical(old)} = {mathematical(new)}, by {schema}")
            for schema, _, old, new in part.identities
        ]
        premises = [branch for p in part.premises for branch in _premise(p)]
        made = Branch(f"so {mathematical(part.made.claim)}")
        below = self.of(part.inner, (*known, part.made), goal)
        return (*_premise(part.source), *same, *premises, made, *below)

    def _split(self, part: Split, known: Sequence[Fact], goal: BoolExpr) -> tuple[Branch, ...]:
        cases = [
            Branch(f"if {mathematical(case.claim)}", self.of(branch, (*known, case), goal))
            for case, branch in zip(part.cases, part.branches)
        ]
        about = ", ".join(map(mathematical, part.subjects))
        head = Branch(f"cases of {about} ({part.rule})")
        return (head, *[b for p in part.premises for b in _premise(p)], *cases)

    def _linear(
        self, part: Linear, known: Sequence[Fact], goal: BoolExpr
    ) -> tuple[Branch, ...]:
        rows = conclusions(part, known, goal)
        branches: list[Branch] = []
        for number, (step, row) in enumerate(zip(part.steps, rows), 1):
            self._left -= 1
            if self._left < 0:
                return (*branches, Branch("..."))
            shown = mathematical(row) if isinstance(row, BoolExpr) else _row(*row)
            last = ", which is impossible" if number == len(rows) else ""
            branches.append(Branch(f"({number}) {shown}{last}: {_why(step)}"))
        return tuple(branches)


def _zeros_and_ones(part: ZerosAndOnes) -> Iterator[Branch]:
    for premise in part.orders:
        yield from _premise(premise)
    for left, right in part.sides:
        shown = f"{mathematical(left)} ≤ {mathematical(right)}"
        yield Branch(f"{shown}: so it is for all zeros and ones in the place of its operands")


def _why(step: Step) -> str:
    if isinstance(step, Premise):
        return _source(step)
    if isinstance(step, Lemma):
        from_steps = "".join(f", ({index + 1})" for index in step.premises)
        return f"{step.schema} of {', '.join(map(mathematical, step.operands))}{from_steps}"
    if isinstance(step, Definition):
        return f"{step.parameter.name} is a name for this sum"
    if isinstance(step, Squeeze):
        return f"({step.upper + 1}) and ({step.lower + 1}) leave one value"
    if isinstance(step, Strict):
        return f"({step.row + 1}), and ({step.disequality + 1}) excludes its end"
    return _combination(step)


def _combination(step: Combination) -> str:
    parts = [f"({i + 1})" if c == 1 else f"{c}·({i + 1})" for c, i in step.parts]
    over = f", divided by {step.divisor} and rounded" if step.divisor > 1 else ""
    return " + ".join(parts) + over


def _source(premise: Premise) -> str:
    if premise.source == "goal":
        return "the claim's negation"
    facts = "; ".join(_stated(fact) for fact in premise.facts)
    return facts if premise.source == "fact" else f"by ranges{': ' if facts else ''}{facts}"


def _premise(premise: Premise) -> tuple[Branch, ...]:
    return (Branch(f"{mathematical(premise.claim)}: {_source(premise)}"),)


def _stated(fact: Fact) -> str:
    return f"{mathematical(fact.claim)}  [{fact.provenance}]"


def _row(terms: Mapping[Key, int], constant: int, equal: bool) -> str:
    """A row of a linear proof, with what is negative on the other side."""
    sides: tuple[list[str], list[str]] = [], []
    for key, c in terms.items():
        name = key.name if isinstance(key, Parameter) else mathematical(key)
        if c:
            sign = "" if name.isidentifier() else "·"
            sides[c < 0].append(name if abs(c) == 1 else f"{abs(c)}{sign}{name}")
    if constant:
        sides[constant < 0].append(str(abs(constant)))
    left, right = (" + ".join(side) or "0" for side in sides)
    return f"{left} {'=' if equal else '≤'} {right}"
