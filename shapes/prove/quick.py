"""The cheap tactics: normal form, interval analysis and congruences.

They answer most questions of a program while it is traced. They need neither search nor
certificates, so they do not load the `ladder`, which starts with them too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from shapes.base.budget import ExhaustedError, limited, remaining
from shapes.errors import TooLargeError
from shapes.expr.booleans import negation
from shapes.expr.nodes import (
    EQ_ZERO,
    FALSE,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    RELATIONS,
    TRUE,
    BoolExpr,
    side_of,
)
from shapes.facts.bounds import bounds, congruence
from shapes.facts.store import Facts
from shapes.facts.verdict import Proof
from shapes.prove.tactics import METHODS

__all__ = ["CHEAP", "decide", "proved"]

CHEAP: Final = ("canonical", "ranges")
"""The methods that are tried before anything else, and the only ones of `decide`."""

BY_RANGES: Final = ("normal form", "a known fact", "ranges", "ranges and congruences")
"""What the proofs of these methods are called; a checker reads their ranges again."""

DECIDING_STEPS: Final = 100_000
"""Steps (see `budget`) of a cheap look at one condition."""


def decide(facts: Facts, claim: BoolExpr) -> bool | None:
    """Whether the claim always (True) or never (False) holds, by the cheap methods alone."""
    if claim is TRUE or claim is FALSE:
        return claim is TRUE
    try:
        if claim.op in RELATIONS:
            return _decided_relation(facts, claim)
        if remaining() <= DECIDING_STEPS:
            return _decided_condition(facts, claim)  # within a question, which ends by itself
        try:
            with limited(DECIDING_STEPS):
                return _decided_condition(facts, claim)
        except ExhaustedError:
            return None
    except TooLargeError:
        return None


def _decided_condition(facts: Facts, claim: BoolExpr) -> bool | None:
    if proved(facts, claim, CHEAP) is not None:
        return True
    return False if proved(facts, negation(claim), CHEAP) is not None else None


def _decided_relation(facts: Facts, claim: BoolExpr) -> bool | None:
    """The same for a relation, from one look at the range of its side."""
    normal = facts.normalized(claim)[0]
    if normal is TRUE or normal is FALSE:
        return normal is TRUE
    if facts.holds(normal) is not None:
        return True
    e = side_of(normal)
    lower, upper = bounds(facts, e).int_bounds()
    if normal.op is LE_ZERO:
        return True if upper <= 0 else False if lower > 0 else None
    same: bool | None = None
    if lower == 0 == upper:
        same = True
    elif lower > 0 or upper < 0 or not congruence(facts, e).admits(0):
        same = False
    elif facts.holds(negation(normal)) is not None:
        same = normal.op is NE_ZERO
    return same if same is None or normal.op is EQ_ZERO else not same


def proved(facts: Facts, claim: BoolExpr, methods: Sequence[str]) -> Proof | None:
    """The first method's proof; the parts of a conjunction are proved one by one."""
    for name in methods:
        method = METHODS.get(name)
        found = None if method is None else method(facts, claim)
        if found is not None:
            return found
    if claim.op is OPERATORS["And"]:
        proofs = []
        for part in claim.args:
            assert isinstance(part, BoolExpr)
            proof = proved(facts, part, methods)
            if proof is None:
                return None
            proofs.append((part, proof))
        return _joined(facts, proofs)
    return None


def _joined(facts: Facts, proofs: Sequence[tuple[BoolExpr, Proof]]) -> Proof:
    """The proof of a conjunction from those of its parts; with a certificate, if a part has
    one (what the cheap methods prove rests on ranges) and no part is without."""
    methods = dict.fromkeys(proof.method for _, proof in proofs)
    used = {fact for _, proof in proofs for fact in proof.facts}
    certificate = None
    if any(proof.certificate is not None for _, proof in proofs):
        certificate = _of_parts(proofs)
    return Proof(" and ".join(methods), facts.in_order(used), certificate)


def _of_parts(proofs: Sequence[tuple[BoolExpr, Proof]]) -> object | None:
    from shapes.arith.certificate import Parts, Rests

    parts: list[Any] = []
    for part, proof in proofs:
        inner = proof.certificate
        if inner is None and proof.method not in BY_RANGES:
            return None
        parts.append((part, Rests("ranges", proof.facts) if inner is None else inner))
    return Parts(tuple(parts))
