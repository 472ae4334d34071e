"""Which theorems speak about the atoms of a question.

`instances` walks the atoms of a question's relations and of what the theorems about them
bring in, and chooses from the table in `theorems`: the defining inequalities of divisions,
choices and bits, McCormick's for products, monotonicity between two atoms of a kind, and
products of a relation with a factor of a known sign where that speaks about products that
occur. Everything is within a budget of theorems. A premise is asked of the facts; a theorem
whose premises are not known is left out, so nothing here guesses.

Limits: products of more than two factors are split in two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from shapes.arith.lemma_schemas import SCHEMAS, Statement
from shapes.errors import ShapeproofError
from shapes.expr.linear import monomial, multiply, scale, shift
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    TRUE,
    BoolExpr,
    Expr,
    Infinity,
    IntAtom,
    IntConstant,
    IntExpr,
    Product,
    Sum,
    combine,
    constant,
    make_product,
)

__all__ = ["Instance", "Wanted", "instances"]


@dataclass(frozen=True, eq=False, slots=True)
class Instance:
    """A theorem with its operands; every premise is known, or concluded by an earlier one."""

    schema: str
    operands: tuple[Expr, ...]
    statement: Statement


class Wanted:
    """What the choice of theorems may ask: whether a condition is known to hold, and the
    range that is known of an expression. Subclassed by the tier."""

    def known(self, claim: BoolExpr) -> bool:
        raise NotImplementedError

    def ends(self, e: IntExpr) -> tuple[int | None, int | None]:
        """The ends of the range, None for an end that is not known."""
        raise NotImplementedError

    def occurs(self, e: IntExpr) -> bool:
        """Whether the question's rows speak about an atom."""
        raise NotImplementedError


_IDENTITIES: Final = frozenset(
    (
        "absolute is",
        "absolute is negated",
        "minimum is",
        "maximum is",
        "where then",
        "where else",
        "floor is",
        "floor of equals",
        "truncation floors",
        "truncation ceils",
        "truncation floors, both negative",
        "truncation ceils, negative divisor",
    )
)
"""Schemas that say which simpler expression an atom is."""

_Pick = tuple[str, tuple[Expr, ...]]

INSTANCE_LIMIT: Final = 90
"""Theorems brought into one question."""

FEW_RELATIONS: Final = 6
"""So few relations are multiplied even if that brings in products that do not occur."""

PAIR_LIMIT: Final = 12
"""Atoms of a kind that are compared with each other, pair by pair."""


def instances(
    relations: Sequence[BoolExpr], wanted: Wanted, goal: Sequence[BoolExpr] = ()
) -> list[Instance]:
    """The theorems about the atoms of these relations and of what they bring in; `goal` are
    the relations worth multiplying by a factor of a known sign."""
    chooser = _Chooser(wanted)
    chooser.enter(relations)
    chooser.run()
    chooser.pairs()
    chooser.divided(relations)
    chooser.multiplied(relations, goal)
    chooser.run()
    chooser.vanishing(relations)
    chooser.identified()
    chooser.run()
    return chooser.found


class _Chooser:
    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._atoms: dict[IntExpr, None] = {}
        self._waiting: list[IntExpr] = []
        self._picked: set[_Pick] = set()
        self._concluded: set[BoolExpr] = set()
        self.found: list[Instance] = []

    def enter(self, relations: Iterable[BoolExpr]) -> None:
        """Take note of the atoms of relations."""
        for relation in relations:
            if relation.op not in (LE_ZERO, EQ_ZERO, NE_ZERO):
                continue
            for atom in relation.args[0].terms():  # type: ignore[attr-defined]
                self._enter_atom(atom)
                if isinstance(atom, Product):
                    for base in atom.args:
                        self._enter_atom(base)  # type: ignore[arg-type]

    def _enter_atom(self, atom: IntExpr) -> None:
        if atom not in self._atoms:
            self._atoms[atom] = None
            if not atom.is_symbol:
                self._waiting.append(atom)

    def run(self) -> None:
        """The theorems about single atoms, those they bring in included."""
        position = 0
        while position < len(self._waiting):
            if len(self.found) >= INSTANCE_LIMIT:
                break
            atom = self._waiting[position]
            position += 1
            about = _ABOUT.get(atom.op.name)
            if about is None or any(isinstance(a, Infinity) for a in atom.args):
                continue
            for schema, operands in about(atom, self._wanted):
                self._take(schema, operands)
        self._waiting = []

    def _take(self, schema: str, operands: tuple[Expr, ...]) -> None:
        pick = (schema, operands)
        if pick in self._picked or len(self.found) >= INSTANCE_LIMIT:
            return
        self._picked.add(pick)
        try:
            statement = SCHEMAS[schema](*operands)
        except ShapeproofError:
            return
        if statement.conclusion.is_constant:
            return
        if all(self._knows(p) for p in statement.premises):
            self.found.append(Instance(schema, operands, statement))
            self._concluded.add(statement.conclusion)
            self.enter((statement.conclusion,))

    def _knows(self, premise: BoolExpr) -> bool:
        return premise is TRUE or premise in self._concluded or self._wanted.known(premise)

    def pairs(self) -> None:
        """The theorems about two atoms of a kind."""
        by_kind: dict[str, list[IntAtom]] = {}
        for atom in self._atoms:
            if isinstance(atom, IntAtom) and atom.op.name in _PAIRED:
                by_kind.setdefault(_PAIRED[atom.op.name], []).append(atom)
        for kind, atoms in by_kind.items():
            if len(atoms) < 2:
                continue
            about = _BETWEEN[kind]
            for x in atoms[:PAIR_LIMIT]:
                for y in atoms[:PAIR_LIMIT]:
                    if x is not y:
                        for schema, operands in about(x, y):
                            self._take(schema, operands)

    def divided(self, relations: Sequence[BoolExpr]) -> None:
        """Numerators of symbolic divisions, with equalities put in that make them a multiple
        of the divisor and a rest: ``a == m*q`` for ``(a + b)//m`` and ``(a*k)//m``."""
        equalities = [p.args[0] for p in relations if p.op is EQ_ZERO]
        done: set[IntExpr] = set()
        for _ in range(3):
            waiting = [
                q
                for q in self._atoms
                if q.op.name == "FloorDiv"
                and q not in done
                and isinstance(q.args[1], IntAtom)
                and len(self.found) < INSTANCE_LIMIT
            ]
            for q in waiting:
                done.add(q)
                a, b = q.args
                for e in equalities[:PAIR_LIMIT]:
                    assert isinstance(a, IntExpr)
                    assert isinstance(b, IntExpr)
                    assert isinstance(e, IntExpr)
                    c = _multiple_in(a, b, e)
                    if c is not None:
                        self._take("floor of equals", (a, b, e, c))
            self.run()

    def vanishing(self, relations: Sequence[BoolExpr]) -> None:
        """Equalities times whatever their atoms are multiplied by in products that occur."""
        equalities = [p.args[0] for p in relations if p.op is EQ_ZERO]
        for _ in range(2):
            products = [x for x in self._atoms if isinstance(x, Product)][:PAIR_LIMIT]
            for e in equalities[:PAIR_LIMIT]:
                assert isinstance(e, IntExpr)
                if len(e.terms()) > 4:
                    continue
                for product in products:
                    for x in e.terms():
                        factor = _cofactor(product, x)
                        if factor is not None:
                            self._take("product with zero", (e, factor))

    def multiplied(self, relations: Sequence[BoolExpr], goal: Sequence[BoolExpr]) -> None:
        """Relations times factors of a known sign, where that speaks about products that
        occur already (for the goal: about at least one that does)."""
        factors = self._factors()
        if not factors:
            return
        for relation in (*goal, *relations):
            if relation.op not in (LE_ZERO, EQ_ZERO):
                continue
            e = relation.args[0]
            assert isinstance(e, IntExpr)
            if len(e.terms()) > 4:
                continue
            some = relation in goal or len(relations) <= FEW_RELATIONS
            for factor in factors:
                if self._speaks(e, factor, some):
                    self._multiply(relation, e, factor)

    def identified(self) -> None:
        """Equalities that theorems brought in (``abs(x) == x``), times what their sides are
        multiplied by."""
        if not any(isinstance(atom, Product) for atom in self._atoms):
            return
        for _ in range(2):
            for instance in list(self.found):
                conclusion = instance.statement.conclusion
                if conclusion.op is not EQ_ZERO or instance.schema not in _IDENTITIES:
                    continue
                e = conclusion.args[0]
                assert isinstance(e, IntExpr)
                for factor in self._factors():
                    if self._speaks(e, factor, True):
                        self._take("product with zero", (e, factor))

    def _factors(self) -> list[IntExpr]:
        """The factors of products and the divisors, youngest atoms last."""
        found: dict[IntExpr, None] = {}
        for atom in self._atoms:
            if isinstance(atom, Product):
                found.update(dict.fromkeys(base for base, _ in atom.factors))
            elif atom.op.name == "FloorDiv" and type(atom.args[1]) is not IntConstant:
                divisor = atom.args[1]
                assert isinstance(divisor, IntExpr)
                found[divisor] = None
        return list(found)[:PAIR_LIMIT]

    def _speaks(self, e: IntExpr, factor: IntExpr, some: bool) -> bool:
        """Whether `e` times the factor is about products that occur: all of them, or some."""
        if not isinstance(factor, IntAtom):
            product = multiply(e, factor).terms()
            present = [t in self._atoms for t in product]
        else:
            present = [monomial(t, factor) in self._atoms for t in e.terms()]
        return any(present) if some else all(present)

    def _multiply(self, relation: BoolExpr, e: IntExpr, factor: IntExpr) -> None:
        if relation.op is EQ_ZERO:
            self._take("product with zero", (e, factor))
            return
        low, high = self._wanted.ends(factor)
        if low is not None and low >= 0:
            # e*(factor - low) <= 0 is stronger than e*factor <= 0, and needs both
            self._take("product", (e, combine(-1, factor, 0, factor, low)))
        elif high is not None and high <= 0:
            self._take("product", (e, combine(1, factor, 0, factor, -high)))


def _cofactor(product: Product, x: IntExpr) -> IntExpr | None:
    """``product / x`` for a product that has all the factors of the atom x, and more."""
    powers = dict(product.factors)
    for base, exponent in x.factors if isinstance(x, Product) else ((x, 1),):
        powers[base] = powers.get(base, 0) - exponent
    if any(e < 0 for e in powers.values()) or not any(powers.values()):
        return None
    return make_product(tuple((b, e) for b, e in powers.items() if e))


def _multiple_in(a: IntExpr, b: IntExpr, e: IntExpr) -> IntExpr | None:
    """The c for which ``a - c*e`` has an atom less, where ``e == 0`` says that this atom is
    a multiple of b and a rest."""
    multiples = [t for t in e.terms() if t is b or _has_factor(t, b)]
    if not multiples:
        return None
    for x, unit in e.terms().items():
        if unit not in (1, -1) or x in multiples:
            continue
        for t, c in a.terms().items():
            if t is x:
                return constant(c * unit)
            factor = _cofactor(t, x) if isinstance(t, Product) else None
            if factor is not None:
                return scale(c * unit, factor)
    return None


def _has_factor(t: IntExpr, b: IntExpr) -> bool:
    return isinstance(t, Product) and _cofactor(t, b) is not None


# --------------------------------------------------------------------------- single atoms


def _about_floor(q: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    a, b = q.args
    assert isinstance(a, IntExpr)
    assert isinstance(b, IntExpr)
    if type(b) is IntConstant:
        if b.constant > 0:
            yield "floor low", (a, b)
            yield "floor high", (a, b)
        return
    low, high = wanted.ends(b)
    if low is not None and low >= 1:
        yield "floor low", (a, b)
        yield "floor high", (a, b)
        yield "floor sized", (a, b, constant(low))
        for k in (0, 1, -1):
            yield "floor is", (a, b, constant(k))
        yield "floor at least", (a, b, constant(1))
        yield "floor at most", (a, b, constant(0))
        yield from _nested(a, b)
    elif high is not None and high <= -1:
        yield "floor low, negative divisor", (a, b)
        yield "floor high, negative divisor", (a, b)


def _nested(a: IntExpr, b: IntExpr) -> Iterator[_Pick]:
    if a.op.name != "FloorDiv":
        return
    x, d = a.args
    if b.op.name == d.op.name == "Pow" and b.args[0] is d.args[0]:
        yield "shift nested", (x, b.args[0], d.args[1], b.args[1])
    yield "floor nested", (x, d, b)


def _about_truncation(t: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    a, b = t.args
    assert isinstance(a, IntExpr)
    if type(b) is IntConstant and b.constant > 0:
        yield "truncation low", (a, b)
        yield "truncation high", (a, b)
    yield "truncation floors", (a, b)
    yield "truncation ceils", (a, b)
    yield "truncation floors, both negative", (a, b)
    yield "truncation ceils, negative divisor", (a, b)


def _about_min(m: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    for e in m.args:
        yield "minimum below", (m, e)
    for e in m.args[:6]:
        yield "minimum is", (m, e)


def _about_max(m: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    for e in m.args:
        yield "maximum above", (m, e)
    for e in m.args[:6]:
        yield "maximum is", (m, e)


def _about_abs(t: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    for schema in ("absolute is", "absolute is negated"):
        yield schema, t.args
    yield "absolute above", t.args
    yield "absolute above negated", t.args


def _about_where(w: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    yield "where then", w.args
    yield "where else", w.args


def _about_product(p: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    """McCormick's inequalities for every way to split off one factor, and those of squares."""
    assert isinstance(p, Product)
    seen: set[tuple[IntExpr, IntExpr]] = set()
    for base, exponent in p.factors:
        rest = make_product(
            tuple((b, e - (b is base)) for b, e in p.factors if e - (b is base))
        )
        if (rest, base) in seen:
            continue
        seen.add((base, rest))
        if rest is base and exponent == 2:
            low, high = wanted.ends(base)
            yield "square", (base,)
            yield "consecutive", (base,)
            yield "consecutive", (shift(base, -1),)
            yield from _mccormick(base, base, (low, high), (low, high))
        else:
            yield from _mccormick(base, rest, wanted.ends(base), wanted.ends(rest))
    half = tuple((b, e // 2) for b, e in p.factors)
    if len(p.factors) > 1 and all(e % 2 == 0 for _, e in p.factors):
        yield "square", (make_product(half),)
    powers = [b for b, _ in p.factors if b.op.name == "Pow"]
    for x, y in pairwise(powers):
        if x.args[0] is y.args[0]:
            yield "power product", (x.args[0], x.args[1], y.args[1])
    if len(p.factors) == 2 and all(e == 1 for _, e in p.factors):
        (x, _), (y, _) = p.factors
        if wanted.occurs(make_product(((x, 2),))) and wanted.occurs(make_product(((y, 2),))):
            yield "square", (combine(1, x, -1, y),)
            yield "square", (combine(1, x, 1, y),)


def _mccormick(
    x: IntExpr,
    y: IntExpr,
    x_ends: tuple[int | None, int | None],
    y_ends: tuple[int | None, int | None],
) -> Iterator[_Pick]:
    for e in _non_positive(x, x_ends):
        for f in _non_positive(y, y_ends):
            yield "product", (e, f)


def _non_positive(x: IntExpr, ends: tuple[int | None, int | None]) -> list[IntExpr]:
    low, high = ends
    found = []
    if low is not None:
        found.append(combine(-1, x, 0, x, low))
    if high is not None:
        found.append(combine(1, x, 0, x, -high))
    return found


def _about_power(p: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    base, s = p.args
    assert isinstance(s, IntExpr)
    if type(base) is not IntConstant:
        yield "power above base", (base, s)
    elif base.constant >= 2:
        yield "power grows", (base, s)
        low, _ = wanted.ends(s)
        if low is not None and low >= 1 and not isinstance(s, Sum):
            yield "power shift", (base, shift(s, -1), constant(1))


def _about_and(m: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    for e in m.args:
        yield "and below", (m, e)
    if len(m.args) == 2:
        x, y = m.args
        if type(y) is IntConstant:
            yield "mask", (x, y)
        assert isinstance(x, IntExpr)
        if y is scale(-1, x):
            yield "lowest bit", (x,)
            yield "lowest bit", (y,)
        yield from _disjoint(x, y, wanted)
        yield from _disjoint(y, x, wanted)


def _disjoint(x: Expr, y: Expr, wanted: Wanted) -> Iterator[_Pick]:
    assert isinstance(y, IntExpr)
    low, high = wanted.ends(y)
    if low is not None and high is not None and low >= 0:
        yield "disjoint", (x, y, constant(high.bit_length()))


def _with_and(m: IntExpr, schema: str, wanted: Wanted) -> Iterator[_Pick]:
    """What a two-place ``|`` or ``^`` is, by ``&``, where something is known of that."""
    if len(m.args) != 2:
        return
    x, y = m.args
    assert isinstance(x, IntExpr)
    assert isinstance(y, IntExpr)
    ranges = [wanted.ends(x), wanted.ends(y)]
    bounded = any(low is not None and low >= 0 and high is not None for low, high in ranges)
    if bounded or type(y) is IntConstant:
        yield schema, (x, y)


def _about_or(m: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    for e in m.args:
        yield "or above", (m, e)
    yield "or within", (m,)
    yield from _with_and(m, "or and and", wanted)


def _about_xor(m: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    yield "xor within", (m,)
    yield from _with_and(m, "xor and and", wanted)


def _about_rounding(m: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    if m.args[0].op.name == "ToFloat":
        yield "rounding exact", (m,)


_ABOUT: Final[dict[str, Callable[[IntExpr, Wanted], Iterator[_Pick]]]] = {
    "FloorDiv": _about_floor,
    "TruncDiv": _about_truncation,
    "Min": _about_min,
    "Max": _about_max,
    "Abs": _about_abs,
    "Where": _about_where,
    "Product": _about_product,
    "Pow": _about_power,
    "BitAnd": _about_and,
    "BitOr": _about_or,
    "BitXor": _about_xor,
    "FloorToInt": _about_rounding,
    "CeilToInt": _about_rounding,
    "TruncToInt": _about_rounding,
    "RoundToInt": _about_rounding,
}

# --------------------------------------------------------------------------- pairs of atoms


def _between_floors(x: IntAtom, y: IntAtom) -> Iterator[_Pick]:
    a, b = x.args
    c, d = y.args
    if b is d and type(b) is not IntConstant:
        for k in (0, 1, -1):
            yield "floor monotone", (a, c, b, constant(k))
    elif a is c:
        yield "floor of divisors", (a, b, d)
        yield "floor of divisors, negative", (a, b, d)


def _between_extrema(x: IntAtom, y: IntAtom) -> Iterator[_Pick]:
    if x.op.name == "Min" and y.op.name == "Max" and len(x.args) == 2:  # noqa: SIM102
        if frozenset(x.args) == frozenset(y.args):
            yield "minimum and maximum", x.args


def _between_powers(x: IntAtom, y: IntAtom) -> Iterator[_Pick]:
    base, s = x.args
    other, t = y.args
    if base is not other or type(base) is not IntConstant:
        return
    assert isinstance(s, IntExpr)
    assert isinstance(t, IntExpr)
    difference = combine(1, t, -1, s)
    if type(difference) is IntConstant and 0 < difference.constant <= 64:
        yield "power shift", (base, s, difference)
    elif base.constant >= 2:
        yield "power monotone", (base, s, t)


def _between_bits(x: IntAtom, y: IntAtom) -> Iterator[_Pick]:
    if len(x.args) != 2 or frozenset(x.args) != frozenset(y.args):
        return
    names = {x.op.name, y.op.name}
    if names >= {"BitOr", "BitAnd"} or names >= {"BitOr", "BitXor"}:
        yield "or and and", x.args
    if names >= {"BitXor", "BitAnd"} or names >= {"BitOr", "BitXor"}:
        yield "xor and and", x.args


def _between_roundings(x: IntAtom, y: IntAtom) -> Iterator[_Pick]:
    if x.args[0] is y.args[0]:
        yield "rounding order", (x, y)
        yield "rounding distance", (x, y)


_PAIRED: Final = {
    "FloorToInt": "roundings",
    "CeilToInt": "roundings",
    "TruncToInt": "roundings",
    "RoundToInt": "roundings",
    "FloorDiv": "floors",
    "Min": "extrema",
    "Max": "extrema",
    "Pow": "powers",
    "BitAnd": "bits",
    "BitOr": "bits",
    "BitXor": "bits",
}
_BETWEEN: Final[dict[str, Callable[[IntAtom, IntAtom], Iterator[_Pick]]]] = {
    "floors": _between_floors,
    "extrema": _between_extrema,
    "powers": _between_powers,
    "bits": _between_bits,
    "roundings": _between_roundings,
}
