"""Instantiation of lemma schemas: which lemmas a question needs about its atoms.

`instances` walks the atoms of a question's relations and of what the lemmas about them bring
in, and instantiates schemas of `lemma_schemas` by the rules of `lemma_rules`; beside these it
multiplies a relation by a factor of a known sign where that speaks about products that occur
(as in the reformulation-linearization technique: Sherali & Adams 1990). There is a budget of
instances. A premise is asked of the facts; a lemma whose premises are not known is left out.

Limits: products of more than two factors are split in two.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from shapes.arith.lemma_rules import ABOUT, BETWEEN, PAIRED, Pick, Wanted
from shapes.arith.lemma_schemas import SCHEMAS, Statement
from shapes.base.budget import remaining, spend
from shapes.errors import ShapeproofError
from shapes.expr.integers import modulo
from shapes.expr.linear import eq_zero, multiply, scale, shift
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    RELATIONS,
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
    int_operands,
    make_product,
    side_of,
)
from shapes.expr.quotients import exact_quotient

__all__ = ["Instance", "Stated", "Wanted", "instances"]


@dataclass(frozen=True, eq=False, slots=True)
class Instance:
    """A theorem with its operands; every premise is known, or concluded by an earlier one."""

    schema: str
    operands: tuple[Expr, ...]
    statement: Statement


Stated: TypeAlias = "dict[Pick, tuple[Statement | None, int]]"
"""What theorems say, by schema and operands (None for those that say nothing), and the steps
that it takes to write it."""

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

_REMAINDERS: Final = frozenset(("floor low", "floor high"))
"""Schemas that say what the remainder of a division is at most and at least."""

INSTANCE_LIMIT: Final = 90
"""Theorems brought into one question."""

FEW_RELATIONS: Final = 8
"""So few relations are multiplied even if that brings in products that do not occur."""

MADE: Final = 24
"""Steps (see `budget`) of making one theorem and asking for its premises."""

ANY: Final = 4
"""So many products that do not occur may be brought in: all but one of a relation's."""

FACTORS: Final = 4
"""Factors of one sum that are taken out."""

PAIR_LIMIT: Final = 12
"""Atoms of a kind that are compared with each other, pair by pair."""


def instances(
    relations: Sequence[BoolExpr],
    wanted: Wanted,
    goal: Sequence[BoolExpr] = (),
    stated: Stated | None = None,
) -> list[Instance]:
    """The theorems about the atoms of these relations and of what they bring in; `goal` are
    the relations worth multiplying by a factor of a known sign, `stated` what theorems say
    that were asked for before, under whatever facts."""
    chooser = _Chooser(wanted, {} if stated is None else stated)
    chooser.enter(relations)
    chooser.run()
    chooser.pairs()
    chooser.multiples(relations)
    chooser.divided(relations)
    chooser.compared(relations)
    chooser.multiplied(relations, (*goal, *chooser.factored(relations, goal)))
    chooser.run()
    chooser.vanishing(relations)
    chooser.identified()
    chooser.run()
    return chooser.found


class _Chooser:
    def __init__(self, wanted: Wanted, stated: Stated) -> None:
        self._wanted = wanted
        self._stated = stated
        self._atoms: dict[IntExpr, None] = {}
        self._pending: list[IntExpr] = []
        self._picked: set[Pick] = set()
        self._concluded: set[BoolExpr] = set()
        self._cofactors: dict[IntAtom, tuple[int, set[IntExpr]]] = {}
        """For a factor, how many atoms there were, and what times it is one of them."""
        self._equal: list[IntExpr] = []
        """Sides of equalities that were concluded about quotients of multiples."""
        self.found: list[Instance] = []

    def enter(self, relations: Iterable[BoolExpr]) -> None:
        """Take note of the atoms of relations."""
        for relation in relations:
            if relation.op not in RELATIONS:
                continue
            for atom in side_of(relation).terms():
                self._enter_atom(atom)
                if isinstance(atom, Product):
                    for base in atom.args:
                        self._enter_atom(base)

    def _enter_atom(self, atom: IntExpr) -> None:
        if atom not in self._atoms:
            self._atoms[atom] = None
            if not atom.is_symbol:
                self._pending.append(atom)

    def run(self) -> None:
        """The theorems about single atoms, those they bring in included."""
        position = 0
        while position < len(self._pending):
            if len(self.found) >= INSTANCE_LIMIT:
                break
            atom = self._pending[position]
            position += 1
            about = ABOUT.get(atom.op.name)
            if about is None or any(isinstance(a, Infinity) for a in atom.args):
                continue
            for schema, operands in about(atom, self._wanted):
                self._take(schema, operands)
        self._pending = []

    def _take(self, schema: str, operands: tuple[Expr, ...]) -> None:
        pick = (schema, operands)
        if pick in self._picked or len(self.found) >= INSTANCE_LIMIT:
            return
        self._picked.add(pick)
        spend(MADE)
        if pick in self._stated:
            statement, steps = self._stated[pick]
            spend(steps)  # (what is kept decides nothing)
        else:
            before = remaining()
            statement = _said(schema, operands)
            self._stated[pick] = statement, before - remaining()
        if statement is None:
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
            if isinstance(atom, IntAtom) and atom.op.name in PAIRED:
                by_kind.setdefault(PAIRED[atom.op.name], []).append(atom)
        for kind, atoms in by_kind.items():
            if len(atoms) < 2:
                continue
            about = BETWEEN[kind]
            for x in atoms[:PAIR_LIMIT]:
                for y in atoms[:PAIR_LIMIT]:
                    if x is not y:
                        for schema, operands in about(x, y):
                            self._take(schema, operands)

    def multiples(self, relations: Sequence[BoolExpr]) -> None:
        """Multiples of multiples: of ``a % b == 0`` and ``b % c == 0``, ``a % c == 0`` and
        ``a//c == (b//c)*(a//b)``."""
        divisors: dict[IntExpr, list[IntExpr]] = {}
        for e in _equal(relations):
            for a, b in _divisions_in(e):
                if eq_zero(modulo(a, b)) is eq_zero(e):
                    divisors.setdefault(a, []).append(b)
        pending = [(a, b) for a, own in divisors.items() for b in own]
        for a, b in pending:  # grows while it is read
            for c in divisors.get(b, ())[:PAIR_LIMIT]:
                self._take("multiple of multiple", (a, b, c))
                self._take("quotient of multiples", (a, b, c))
                if self.found and self.found[-1].schema == "quotient of multiples":
                    self._equal.append(side_of(self.found[-1].statement.conclusion))
                if c not in divisors[a] and len(pending) < PAIR_LIMIT:
                    divisors[a].append(c)
                    pending.append((a, c))

    def factored(
        self, relations: Sequence[BoolExpr], goal: Sequence[BoolExpr]
    ) -> list[BoolExpr]:
        """What relations of the goal say without a positive factor of all of their terms, with
        an equality put in if need be."""
        made: list[BoolExpr] = []
        equalities = _equal(relations)[:PAIR_LIMIT]
        for relation in goal:
            if relation.op is not LE_ZERO and relation.op is not EQ_ZERO:
                continue
            schema = "without factor" if relation.op is LE_ZERO else "equal without factor"
            e = side_of(relation)
            for f in self._factors_of(e):
                for zero, times in _put_in(e, f, equalities):
                    before = len(self.found)
                    self._take(schema, (e, f, zero, constant(times)))
                    made += [x.statement.conclusion for x in self.found[before:]]
        return made

    def _factors_of(self, e: IntExpr) -> list[IntExpr]:
        """Atoms that are factors of the terms of a sum; with a sign, so that they may be
        positive."""
        found: dict[IntExpr, None] = {}
        for term in e.terms():
            if isinstance(term, Product):
                found.update(dict.fromkeys(term.args))
        factors = []
        for f in list(found)[:FACTORS]:
            low, high = self._wanted.ends(f)
            if low is not None and low >= 1:
                factors.append(f)
            elif high is not None and high <= -1:
                factors.append(scale(-1, f))
        return factors

    def divided(self, relations: Sequence[BoolExpr]) -> None:
        """Numerators of symbolic divisions, with equalities put in that make them a multiple
        of the divisor and a rest: ``a == m*q`` for ``(a + b)//m`` and ``(a*k)//m``."""
        equalities = [*_equal(relations), *self._equal]
        done: set[IntExpr] = set()
        for _ in range(3):
            pending = [
                q
                for q in self._atoms
                if q.op.name == "FloorDiv"
                and q not in done
                and _multiple_of(q.args[1]) is not None
                and len(self.found) < INSTANCE_LIMIT
            ]
            for q in pending:
                done.add(q)
                a, b = q.args
                for e in equalities[:PAIR_LIMIT]:
                    assert isinstance(a, IntExpr)
                    assert isinstance(b, IntExpr)
                    c = _multiple_in(a, b, e)
                    if c is not None:
                        self._take("floor of equals", (a, b, e, c))
            self.run()

    def vanishing(self, relations: Sequence[BoolExpr]) -> None:
        """Equalities times whatever their atoms are multiplied by in products that occur."""
        equalities = _equal(relations)
        for _ in range(2):
            products = [x for x in self._atoms if isinstance(x, Product)][:PAIR_LIMIT]
            for e in equalities[:PAIR_LIMIT]:
                if len(e.terms()) > 4:
                    continue
                for product in products:
                    for x in e.terms():
                        factor = _cofactor(product, x)
                        if factor is not None:
                            self._take("product with zero", (e, factor))

    def multiplied(self, relations: Sequence[BoolExpr], goal: Sequence[BoolExpr]) -> None:
        """Relations, and what quotients are by definition, times factors of a known sign,
        where that speaks about products that occur already (for the goal: about at least one
        that does)."""
        factors = self._factors()
        if not factors:
            return
        defined = [x.statement.conclusion for x in self.found if x.schema in _REMAINDERS]
        # (Of a factor between two ends, McCormick's inequalities say nearly as much.)
        endless = [f for f in factors if None in self._wanted.ends(f)]
        self._times_factors([(p, 1) for p in defined], endless)
        lacking = ANY if len(relations) <= FEW_RELATIONS else 1
        wanted = [(p, ANY) for p in goal] + [(p, lacking) for p in relations]
        # (What the first time brings in may be what others lack.)
        if self._times_factors(wanted, factors):
            self._times_factors(wanted, factors)

    def _times_factors(
        self, wanted: Sequence[tuple[BoolExpr, int]], factors: Sequence[IntExpr]
    ) -> bool:
        """Relations times factors, where no more products than the number beside a relation
        do not occur yet; whether anything was made."""
        before = len(self.found)
        for relation, lacking in wanted:
            if relation.op is not LE_ZERO and relation.op is not EQ_ZERO:
                continue
            e = side_of(relation)
            if len(e.terms()) > 4:
                continue
            for factor in factors:
                if self._speaks(e, factor, lacking):
                    self._multiply(relation, e, factor)
        return len(self.found) > before

    def compared(self, relations: Sequence[BoolExpr]) -> None:
        """Quotients by a divisor that a relation compares a multiple of with the numerator:
        ``f < a*b`` says that ``f//b <= a - 1``."""
        for q in [x for x in self._atoms if x.op.name == "FloorDiv"][:PAIR_LIMIT]:
            n, d = int_operands(q)
            if not isinstance(d, IntAtom) or not isinstance(n, IntAtom):
                continue
            for relation in relations:
                c = side_of(relation).terms().get(n) if relation.op is LE_ZERO else None
                if c is None or abs(c) != 1:
                    continue
                rest = combine(-c, side_of(relation), 1, n)  # what n is compared with
                times = exact_quotient(shift(rest, -rest.constant), d)
                if times is None or type(times) is IntConstant:
                    continue
                if c < 0:
                    self._take("floor at least", (n, d, times))
                elif rest.constant < 0:
                    self._take("floor at most", (n, d, shift(times, -1)))

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
                    if self._speaks(e, factor, ANY):
                        self._take("product with zero", (e, factor))

    def _factors(self) -> list[IntExpr]:
        """The factors of products, the divisors, and what is left of products of three factors
        without one of them."""
        found: dict[IntExpr, None] = {}
        left: dict[IntExpr, None] = {}
        for atom in self._atoms:
            if isinstance(atom, Product):
                found.update(dict.fromkeys(base for base, _ in atom.factors))
                if len(atom.args) > 2:
                    left.update(dict.fromkeys(_cofactors(atom)))
            elif atom.op.name == "FloorDiv" and type(atom.args[1]) is not IntConstant:
                divisor = atom.args[1]
                assert isinstance(divisor, IntExpr)
                single = _multiple_of(divisor)
                found[divisor if single is None else single[1]] = None
        return [*list(found)[:PAIR_LIMIT], *list(left)[:PAIR_LIMIT]]

    def _speaks(self, e: IntExpr, factor: IntExpr, lacking: int) -> bool:
        """Whether `e` times the factor is about products that occur, all but so many."""
        if isinstance(factor, IntAtom):
            held: Container[IntExpr] = self._times(factor)
            terms: Collection[IntExpr] = e.terms()
        else:
            held, terms = self._atoms, multiply(e, factor).terms()
        occur = sum(t in held for t in terms)
        least = 1 if lacking == ANY else 2
        return occur >= min(len(terms), max(least, len(terms) - lacking))

    def _times(self, factor: IntAtom) -> set[IntExpr]:
        """What times the factor is a product that occurs."""
        count, held = self._cofactors.get(factor, (0, None))
        if held is None or count != len(self._atoms):
            products = (atom for atom in self._atoms if isinstance(atom, Product))
            found = (_cofactor(product, factor) for product in products)
            held = {x for x in found if x is not None}
            self._cofactors[factor] = len(self._atoms), held
        return held

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


def _said(schema: str, operands: tuple[Expr, ...]) -> Statement | None:
    """What a theorem says; None for nothing."""
    try:
        statement = SCHEMAS[schema](*operands)
    except ShapeproofError:
        return None
    return None if statement.conclusion.is_constant else statement


def _equal(relations: Sequence[BoolExpr]) -> list[IntExpr]:
    """The sides of equalities."""
    return [side_of(p) for p in relations if p.op is EQ_ZERO]


def _divisions_in(e: IntExpr) -> list[tuple[IntExpr, IntExpr]]:
    """Numerators and divisors of the quotients in an equality of two or three atoms."""
    if len(e.terms()) > 3 or e.constant:
        return []
    atoms = [x for t in e.terms() for x in (t.args if isinstance(t, Product) else (t,))]
    return [int_operands(x) for x in atoms if x.op.name == "FloorDiv"]  # type: ignore[misc]


def _put_in(
    e: IntExpr, f: IntExpr, equalities: Sequence[IntExpr]
) -> Iterator[tuple[IntExpr, int]]:
    """What may make a sum a multiple of a factor: sides of equalities, and how often. Nothing
    is needed where all terms have the factor; else, what takes one away that has not."""
    base = next(iter(f.terms()))
    left = [t for t in e.terms() if not _is_multiple(t, base)]
    if not left and len(e.terms()) > 1:
        yield constant(0), 0
    if len(left) > 2:
        return
    for zero in equalities:
        for t in left:
            c = zero.terms().get(t)
            if c is not None and e.terms()[t] % c == 0:
                yield zero, -e.terms()[t] // c
                break


def _is_multiple(t: IntExpr, base: IntExpr) -> bool:
    return t is base or (isinstance(t, Product) and base in t.args)


def _cofactor(product: Product, x: IntExpr) -> IntExpr | None:
    """``product / x`` for a product that has all the factors of the atom x, and more."""
    powers = dict(product.factors)
    for base, exponent in x.factors if isinstance(x, Product) else ((x, 1),):
        powers[base] = powers.get(base, 0) - exponent
    if any(e < 0 for e in powers.values()) or not any(powers.values()):
        return None
    return make_product(tuple((b, e) for b, e in powers.items() if e))


def _cofactors(product: Product) -> Iterator[IntExpr]:
    for base in product.args:
        rest = _cofactor(product, base)
        if rest is not None:
            yield rest


def _multiple_in(a: IntExpr, b: IntExpr, e: IntExpr) -> IntExpr | None:
    """The c for which ``a - c*e`` has an atom less, where ``e == 0`` says that this atom is
    a multiple of b and a rest."""
    single = _multiple_of(b)
    if single is None:
        return None
    m, base = single
    multiples = [
        t for t, c in e.terms().items() if c % m == 0 and (t is base or _has_factor(t, base))
    ]
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


def _multiple_of(b: Expr) -> tuple[int, IntExpr] | None:
    """``(m, x)`` for a divisor ``m*x`` of one atom."""
    if isinstance(b, IntAtom):
        return 1, b
    if type(b) is not Sum or b.constant or len(b.terms()) != 1:
        return None
    ((x, m),) = b.terms().items()
    return m, x


def _has_factor(t: IntExpr, b: IntExpr) -> bool:
    return isinstance(t, Product) and _cofactor(t, b) is not None
