"""The rules of case splits: what a refutation may split on, in order of cost.

A choice is a list of conditions of which one holds, by a rule that the checker of
certificates knows too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shapes.arith.interval_premises import decided, ends_of
from shapes.arith.system import Component
from shapes.base.infinity import IntInfinity
from shapes.expr.booleans import conjunction, conjuncts, negation
from shapes.expr.integers import modulo
from shapes.expr.linear import eq_zero, le_zero
from shapes.expr.nodes import (
    EQ_ZERO,
    NE_ZERO,
    OPERATORS,
    PRODUCT,
    RELATIONS,
    SYMBOL,
    BoolExpr,
    Expr,
    Infinity,
    IntAtom,
    IntConstant,
    IntExpr,
    Product,
    bool_operands,
    combine,
    constant,
    side_of,
)
from shapes.facts.bounds import bounds_with_reasons
from shapes.facts.store import Facts, Reasons
from shapes.traversal.interpret import free_symbols, walk

__all__ = ["Choice", "Chooser", "non_linear_atoms"]

VALUE_LIMIT: Final = 8
"""Symbols with at most that many values are tried one by one."""
RESIDUE_LIMIT: Final = 8
"""Residues are tried for divisors up to this."""
RELATION_LIMIT: Final = 24
"""Relations looked through for something to split on."""


@dataclass(frozen=True)
class Choice:
    """Conditions of which one holds, by a rule of `certificate`."""

    rule: str
    cases: tuple[BoolExpr, ...]
    subjects: tuple[Expr, ...] = ()
    premises: tuple[tuple[BoolExpr, Reasons], ...] = ()


class Chooser:
    """Finds what to split on, from cheap to expensive."""

    def __init__(
        self,
        facts: Facts,
        found: Sequence[Component],
        suspects: Sequence[BoolExpr],
        retired: frozenset[BoolExpr],
    ) -> None:
        self._facts = facts
        self._claims: dict[BoolExpr, Reasons | None] = dict.fromkeys(suspects)
        for component in found:
            for claim, row in component.claims.items():
                assert isinstance(claim, BoolExpr)
                if claim not in retired:
                    self._claims[claim] = row.leaf[2]
        self._relations = [p for p in self._claims if p.op in RELATIONS][
            :RELATION_LIMIT
        ]

    def choice(self) -> Choice | None:
        ways = (
            self._connectives,
            self._conditions,
            self._inequalities,
            self._extrema,
            self._signs,
            self._zeros,
            self._values,
            self._residues,
        )
        for way in ways:
            found = next(iter(way()), None)
            if found is not None:
                return found
        return None

    def _connectives(self) -> Iterator[Choice]:
        """The disjunction with the fewest open operands; equivalences."""
        best: tuple[int, Choice] | None = None
        for claim, why in list(self._claims.items()):
            if why is None:
                continue
            inner = claim.args[0] if claim.op is OPERATORS["Not"] else claim
            if claim.op is OPERATORS["Or"]:
                open_ones = self._open(claim)
                if open_ones is None:
                    continue
                choice = Choice("disjunction", bool_operands(claim), (), ((claim, why),))
            elif inner.op is OPERATORS["Iff"]:
                open_ones = 2
                choice = Choice("equivalence", _sides(claim), (), ((claim, why),))
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
        if all(self._facts.holds(part) is not None for part in conjuncts(p)):
            return True
        return decided(self._facts, p)

    def _conditions(self) -> Iterator[Choice]:
        """The condition of a `Where`."""
        for atom in self._atoms("Where"):
            p = atom.args[0]
            assert isinstance(p, BoolExpr)
            if self._decided(p) is None and self._decided(negation(p)) is None:
                yield Choice("excluded middle", (p, negation(p)))

    def _inequalities(self) -> Iterator[Choice]:
        """``e != 0``: below or above."""
        for claim in self._relations:
            why = self._claims[claim]
            if claim.op is not NE_ZERO or why is None:
                continue
            e = side_of(claim)
            lower, upper = ends_of(self._facts, e)
            if lower < 0 < upper:
                below, above = _around_zero(e)
                yield Choice("disequality", (below, above), (), ((claim, why),))

    def _extrema(self) -> Iterator[Choice]:
        """Which operand of a `Min` or `Max` it is; the sign inside an `Abs`."""
        for atom in self._atoms("Min", "Max"):
            operands = atom.args
            if len(operands) > 4 or any(isinstance(e, Infinity) for e in operands):
                continue
            least = atom.op.name == "Min"
            orders = tuple(_order(e, operands, least) for e in operands)
            if not any(self._decided(p) is True for p in orders):
                yield Choice("least" if least else "greatest", orders, operands)
        inside = [atom.args[0] for atom in self._atoms("Abs", "TruncDiv")]
        # The signs of symbols decide those of products of them.
        for e in sorted(inside, key=lambda e: not e.is_symbol):
            if isinstance(e, IntExpr) and not self._has_sign(e):
                natural = le_zero(combine(-1, e, 0, e))
                yield Choice("excluded middle", (natural, negation(natural)))

    def _has_sign(self, e: IntExpr) -> bool:
        lower, upper = ends_of(self._facts, e)
        return lower >= 0 or upper <= 0

    def _signs(self) -> Iterator[Choice]:
        """The sign of a divisor or of a factor."""
        for atom in self._atoms("FloorDiv", "TruncDiv"):
            b = atom.args[1]
            assert isinstance(b, IntExpr)
            lower, upper = ends_of(self._facts, b)
            if lower <= 0 <= upper and b.terms():
                below, above = _around_zero(b)
                yield Choice("sign", (below, eq_zero(b), above), (b,))
        for atom in self._atoms("Product"):
            assert isinstance(atom, Product)
            for base, exponent in atom.factors:
                if not self._has_sign(base) and (exponent % 2 or len(atom.factors) == 1):
                    below, above = _around_zero(base)
                    yield Choice("sign", (below, eq_zero(base), above), (base,))

    def _zeros(self) -> Iterator[Choice]:
        """Whether a factor that has a sign is 0."""
        for atom in self._atoms("Product"):
            assert isinstance(atom, Product)
            for base, _ in atom.factors:
                if 0 in ends_of(self._facts, base):
                    below, above = _around_zero(base)
                    yield Choice("sign", (below, eq_zero(base), above), (base,))

    def _values(self) -> Iterator[Choice]:
        """A symbol with few values, of those in products and other non-linear atoms."""
        best: tuple[int, Expr, int, int] | None = None
        for relation in self._relations:
            for sym in free_symbols(*non_linear_atoms(relation)):
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
        yield Choice("value", values, subjects, ((ends[0], why), (ends[1], why)))

    def _residues(self) -> Iterator[Choice]:
        """The residue of a symbol by a small divisor below which it is multiplied, by the
        power of two above a small mask, or by a coefficient of an equality in which it is."""
        for atom in self._atoms("FloorDiv"):
            a, m = atom.args
            if isinstance(m, IntConstant):
                yield from self._residues_by(m.constant, [a])
        for atom in self._atoms("BitAnd", "BitOr", "BitXor"):
            for mask in atom.args:
                if isinstance(mask, IntConstant):
                    k = mask.constant
                    yield from self._residues_by(1 << max(k, ~k).bit_length(), atom.args)
        for relation in self._relations:
            if relation.op is EQ_ZERO and any(x.op is PRODUCT for x in _atoms_of(relation)):
                coefficients = {abs(c) for c in side_of(relation).terms().values()}
                for c in sorted(coefficients - {1}) or [4]:
                    yield from self._residues_by(c, non_linear_atoms(relation))

    def _residues_by(self, m: int, inside: Sequence[Expr]) -> Iterator[Choice]:
        if not 2 <= m <= RESIDUE_LIMIT:
            return
        for sym in free_symbols(*inside):
            if not isinstance(sym, IntExpr):
                continue
            if self._facts.knowledge(sym).congruence.modulus % m == 0:
                continue
            rest = modulo(sym, constant(m))
            residues = tuple(eq_zero(combine(1, rest, 0, rest, -r)) for r in range(m))
            yield Choice("residue", residues, (sym, constant(m)))

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


def _atoms_of(relation: BoolExpr) -> list[IntExpr]:
    e = side_of(relation)
    return list(e.terms())


def non_linear_atoms(relation: BoolExpr) -> list[Expr]:
    """The atoms of a relation other than symbols."""
    e = side_of(relation)
    return [atom for atom in e.terms() if atom.op is not SYMBOL]
