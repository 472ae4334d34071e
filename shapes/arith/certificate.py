"""Certificates of linear proofs: numbers by which a proof is checked without repeating it.

A proof of a relation assumes its negation and ends in ``0 <= -c``, a Farkas combination
(Farkas 1902; Schrijver 1986) with integer rounding (cutting planes: Chvátal 1973). Its
certificate is the list of steps: premises (conjuncts of stated facts, the negated claim,
ranges that interval analysis finds), instances of the lemmas in `lemma_schemas`, names for
integer combinations, and combinations with non-negative multipliers (any multipliers for
equalities), divided by the gcd of the coefficients and rounded. Splits into cases and
conjunctions nest certificates; relations of lattices have one of their own. `checker` checks
all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from shapes.base.records import record
from shapes.errors import ShapeproofError
from shapes.expr.nodes import BoolExpr, Expr, IntExpr
from shapes.facts.store import Fact

__all__ = [
    "Certificate",
    "CertificateError",
    "Combination",
    "Definition",
    "Denial",
    "Lemma",
    "Linear",
    "Parameter",
    "Parts",
    "Premise",
    "Refutation",
    "Replacement",
    "Rests",
    "Split",
    "Squeeze",
    "Step",
    "Strict",
    "ZerosAndOnes",
]


class CertificateError(ShapeproofError):
    """A certificate that proves nothing; the message names the step that is wrong."""


@dataclass(frozen=True, eq=False)
class Parameter:
    """A name for an integer combination of atoms, from a `Definition`."""

    name: str


Key: TypeAlias = "IntExpr | Parameter"
"""What rows are made over: atoms, and names for combinations of atoms."""


@record(frozen=True, slots=True)
class Premise:
    """A condition that holds: a conjunct of the negated claim ("goal") or of a stated fact
    ("fact"), each with what the facts solve put in, or what interval analysis finds under
    the facts ("range")."""

    claim: BoolExpr
    source: Literal["goal", "fact", "range"]
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Lemma:
    """A schema of `lemma_schemas.SCHEMAS` with its operands; `premises` are steps. The
    conclusion is kept because it keeps its atoms: the sign of an equality's normal form is
    that of its oldest atom, and an atom that nothing refers to would be made anew."""

    schema: str
    operands: tuple[Expr, ...]
    conclusion: BoolExpr
    premises: tuple[int, ...] = ()


@dataclass(frozen=True)
class Definition:
    """``parameter == sum(coefficient * key) + constant``, for a parameter that is new."""

    parameter: Parameter
    terms: tuple[tuple[Key, int], ...]
    constant: int


@dataclass(frozen=True)
class Combination:
    """The sum of steps times multipliers, divided by a positive number and rounded up."""

    parts: tuple[tuple[int, int], ...]
    divisor: int = 1


@dataclass(frozen=True)
class Squeeze:
    """``e <= 0`` and ``-e <= 0``, two steps: ``e == 0``."""

    upper: int
    lower: int


@dataclass(frozen=True)
class Strict:
    """``e <= 0`` and ``e != 0``, two steps: ``e + 1 <= 0``."""

    row: int
    disequality: int


Step: TypeAlias = "Premise | Lemma | Definition | Combination | Squeeze | Strict"


@dataclass(frozen=True)
class Linear:
    """Steps of which the last one is impossible."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Parts:
    """Each part is proved; together they are the claim."""

    parts: tuple[tuple[BoolExpr, Certificate], ...]


@dataclass(frozen=True)
class Refutation:
    """The negated claim, taken in as a fact, contradicts the others."""

    assumed: Fact
    inner: Certificate


@dataclass(frozen=True)
class Denial:
    """A premise of which the negation is proved."""

    premise: Premise
    inner: Certificate


@dataclass(frozen=True)
class Rests:
    """Proved by a method that keeps no steps, from these facts: by their ranges, or just by
    their contradiction as `Facts` notices it."""

    method: Literal["ranges", "contradiction"]
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Replacement:
    """A condition that holds, with atoms replaced by what theorems without further premises
    than `premises` say that they are; it is taken in as a fact."""

    source: Premise
    identities: tuple[tuple[str, tuple[Expr, ...], IntExpr, IntExpr], ...]
    premises: tuple[Premise, ...]
    made: Fact
    inner: Certificate


@dataclass(frozen=True)
class Split:
    """One of the cases holds, by the rule named; every one of them proves the claim."""

    rule: str
    subjects: tuple[Expr, ...]
    premises: tuple[Premise, ...]
    cases: tuple[Fact, ...]
    branches: tuple[Certificate, ...]


@dataclass(frozen=True)
class ZerosAndOnes:
    """A relation between minima and maxima that holds for zeros and ones, and so for all
    integers. `denied` is its negation, `sides` has a pair for every ``left <= right`` that it
    consists of, and `orders` say of two operands that the first is never above the second."""

    denied: Premise
    sides: tuple[tuple[IntExpr, IntExpr], ...]
    orders: tuple[Premise, ...]


Certificate: TypeAlias = (
    "Linear | Parts | Refutation | Denial | Rests | Replacement | Split | ZerosAndOnes"
)
