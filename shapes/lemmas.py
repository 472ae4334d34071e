"""Theorems about non-linear operators, as linear inequalities over atoms.

`SCHEMAS` is the table of theorems: a schema turns operands into premises and a conclusion,
all of them conditions in normal form. It is what the linear tier draws from and what the
checker of certificates re-reads, and each row is tested by brute force. `instances` chooses
the theorems that speak about the atoms of a question, and about the atoms that those bring
in, within a budget. A premise is asked of the facts; a theorem whose premises are not known
is left out, so nothing here guesses.

Guarantees: a conclusion follows from its premises for all integers at which its operators
are defined; an undefined atom counts as any integer at all.
Limits: floats are not spoken about; products of more than two factors are split in two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from shapes.booleans import negation, where
from shapes.errors import ShapeproofError
from shapes.expr import (
    EQ_ZERO,
    LE_ZERO,
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
    make_product,
)
from shapes.integers import (
    absolute,
    bit_and,
    bit_or,
    bit_xor,
    floor_division,
    maximum,
    minimum,
    raise_to,
    truncating_division,
)
from shapes.linear import eq_zero, le_zero, monomial, multiply, scale, shift

__all__ = ["SCHEMAS", "Instance", "Statement", "Wanted", "instances", "state"]


class Statement(NamedTuple):
    """If all premises hold, so does the conclusion (an integer relation)."""

    premises: tuple[BoolExpr, ...]
    conclusion: BoolExpr


class SchemaError(ShapeproofError):
    """Operands for which a schema says nothing."""


def _le(a: IntExpr, b: IntExpr, k: int = 0) -> BoolExpr:
    """``a + k <= b``."""
    return le_zero(combine(1, a, -1, b, k))


def _eq(a: IntExpr, b: IntExpr) -> BoolExpr:
    return eq_zero(combine(1, a, -1, b))


def _at_least(e: IntExpr, k: int) -> BoolExpr:
    """``e >= k``."""
    return le_zero(combine(-1, e, 0, e, k))


def _at_most(e: IntExpr, k: int) -> BoolExpr:
    """``e <= k``."""
    return le_zero(combine(1, e, 0, e, -k))


def _need(condition: bool) -> None:
    if not condition:
        raise SchemaError("the operands are not those of the schema")


def _number(e: Expr) -> int:
    _need(type(e) is IntConstant)
    return e.constant  # type: ignore[attr-defined, no-any-return]


def _operand_of(atom: IntExpr, name: str, e: IntExpr) -> list[IntExpr]:
    """The other operands of an atom of that operator, of which `e` is one."""
    _need(atom.op.name == name and isinstance(atom, IntAtom) and e in atom.args)
    return [f for f in atom.args if f is not e]  # type: ignore[misc]


# --------------------------------------------------------------------------- division


def _floor_low(a: IntExpr, b: IntExpr) -> Statement:
    """``b >= 1``: ``b*(a//b) <= a``."""
    return Statement((_at_least(b, 1),), _le(multiply(b, floor_division(a, b)), a))


def _floor_high(a: IntExpr, b: IntExpr) -> Statement:
    """``b >= 1``: ``a < b*(a//b) + b``."""
    top = combine(1, multiply(b, floor_division(a, b)), 1, b)
    return Statement((_at_least(b, 1),), _le(a, top, 1))


def _floor_low_negative(a: IntExpr, b: IntExpr) -> Statement:
    """``b <= -1``: ``b*(a//b) + b < a``."""
    low = combine(1, multiply(b, floor_division(a, b)), 1, b)
    return Statement((_at_most(b, -1),), _le(low, a, 1))


def _floor_high_negative(a: IntExpr, b: IntExpr) -> Statement:
    """``b <= -1``: ``a <= b*(a//b)``."""
    return Statement((_at_most(b, -1),), _le(a, multiply(b, floor_division(a, b))))


def _floor_monotone(a: IntExpr, c: IntExpr, b: IntExpr, k: IntExpr) -> Statement:
    """``b >= 1`` and ``a <= c + k*b``: ``a//b <= c//b + k``."""
    _number(k)
    ordered = _le(a, combine(1, c, k.constant, b))
    bound = shift(floor_division(c, b), k.constant)
    return Statement((_at_least(b, 1), ordered), _le(floor_division(a, b), bound))


def _floor_divisors(a: IntExpr, b: IntExpr, c: IntExpr) -> Statement:
    """``a >= 0`` and ``1 <= b <= c``: ``a//c <= a//b``."""
    premises = (_at_least(a, 0), _at_least(b, 1), _le(b, c))
    return Statement(premises, _le(floor_division(a, c), floor_division(a, b)))


def _floor_divisors_negative(a: IntExpr, b: IntExpr, c: IntExpr) -> Statement:
    """``a <= 0`` and ``1 <= b <= c``: ``a//b <= a//c``."""
    premises = (_at_most(a, 0), _at_least(b, 1), _le(b, c))
    return Statement(premises, _le(floor_division(a, b), floor_division(a, c)))


def _floor_sized(a: IntExpr, b: IntExpr, k: IntExpr) -> Statement:
    """``a >= 0`` and ``b >= k >= 1``: ``k*(a//b) <= a``."""
    n = _number(k)
    _need(n >= 1)
    premises = (_at_least(a, 0), _at_least(b, n))
    return Statement(premises, _le(scale(n, floor_division(a, b)), a))


def _trunc_floor(a: IntExpr, b: IntExpr) -> Statement:
    """``a >= 0`` and ``b >= 1``: the quotient is ``a//b``."""
    premises = (_at_least(a, 0), _at_least(b, 1))
    return Statement(premises, _eq(truncating_division(a, b), floor_division(a, b)))


def _trunc_ceiling(a: IntExpr, b: IntExpr) -> Statement:
    """``a <= 0`` and ``b >= 1``: the quotient is ``-((-a)//b)``."""
    premises = (_at_most(a, 0), _at_least(b, 1))
    quotient = scale(-1, floor_division(scale(-1, a), b))
    return Statement(premises, _eq(truncating_division(a, b), quotient))


def _trunc_floor_negative(a: IntExpr, b: IntExpr) -> Statement:
    """``a <= 0`` and ``b <= -1``: the quotient is ``(-a)//(-b)``."""
    premises = (_at_most(a, 0), _at_most(b, -1))
    quotient = floor_division(scale(-1, a), scale(-1, b))
    return Statement(premises, _eq(truncating_division(a, b), quotient))


def _trunc_ceiling_negative(a: IntExpr, b: IntExpr) -> Statement:
    """``a >= 0`` and ``b <= -1``: the quotient is ``-(a//(-b))``."""
    premises = (_at_least(a, 0), _at_most(b, -1))
    quotient = scale(-1, floor_division(a, scale(-1, b)))
    return Statement(premises, _eq(truncating_division(a, b), quotient))


def _trunc_low(a: IntExpr, c: IntExpr) -> Statement:
    """For a constant ``c >= 1``: ``c*t - (c - 1) <= a``."""
    _need(_number(c) >= 1)
    return Statement((), _le(scale(c.constant, truncating_division(a, c)), a, 1 - c.constant))


def _trunc_high(a: IntExpr, c: IntExpr) -> Statement:
    """For a constant ``c >= 1``: ``a <= c*t + (c - 1)``."""
    _need(_number(c) >= 1)
    return Statement((), _le(a, scale(c.constant, truncating_division(a, c)), 1 - c.constant))


# --------------------------------------------------------------------------- choices


def _min_below(m: IntExpr, e: IntExpr) -> Statement:
    """``Min(..., e, ...) <= e``."""
    _operand_of(m, "Min", e)
    return Statement((), _le(m, e))


def _min_is(m: IntExpr, e: IntExpr) -> Statement:
    """``e <= f`` for every other operand f: ``Min(..., e, ...) == e``."""
    return Statement(tuple(_le(e, f) for f in _operand_of(m, "Min", e)), _eq(m, e))


def _max_above(m: IntExpr, e: IntExpr) -> Statement:
    """``e <= Max(..., e, ...)``."""
    _operand_of(m, "Max", e)
    return Statement((), _le(e, m))


def _max_is(m: IntExpr, e: IntExpr) -> Statement:
    """``f <= e`` for every other operand f: ``Max(..., e, ...) == e``."""
    return Statement(tuple(_le(f, e) for f in _operand_of(m, "Max", e)), _eq(m, e))


def _min_and_max(x: IntExpr, y: IntExpr) -> Statement:
    """``Min(x, y) + Max(x, y) == x + y``."""
    both = combine(1, minimum(x, y), 1, maximum(x, y))
    return Statement((), _eq(both, combine(1, x, 1, y)))


def _abs_above(x: IntExpr) -> Statement:
    """``x <= abs(x)``."""
    return Statement((), _le(x, absolute(x)))


def _abs_above_negated(x: IntExpr) -> Statement:
    """``-x <= abs(x)``."""
    return Statement((), _le(scale(-1, x), absolute(x)))


def _abs_is(x: IntExpr) -> Statement:
    """``x >= 0``: ``abs(x) == x``."""
    return Statement((_at_least(x, 0),), _eq(absolute(x), x))


def _abs_is_negated(x: IntExpr) -> Statement:
    """``x <= 0``: ``abs(x) == -x``."""
    return Statement((_at_most(x, 0),), _eq(absolute(x), scale(-1, x)))


def _where_then(p: BoolExpr, a: IntExpr, b: IntExpr) -> Statement:
    """``p``: ``Where(p, a, b) == a``."""
    return Statement((p,), _eq(where(p, a, b), a))  # type: ignore[arg-type]


def _where_else(p: BoolExpr, a: IntExpr, b: IntExpr) -> Statement:
    """``not p``: ``Where(p, a, b) == b``."""
    return Statement((negation(p),), _eq(where(p, a, b), b))  # type: ignore[arg-type]


# --------------------------------------------------------------------------- products


def _product(e: IntExpr, f: IntExpr) -> Statement:
    """``e <= 0`` and ``f <= 0``: ``e*f >= 0``."""
    return Statement((le_zero(e), le_zero(f)), _at_least(multiply(e, f), 0))


def _zero_product(e: IntExpr, f: IntExpr) -> Statement:
    """``e == 0``: ``e*f == 0``."""
    return Statement((eq_zero(e),), eq_zero(multiply(e, f)))


def _square(e: IntExpr) -> Statement:
    """``e*e >= 0``."""
    return Statement((), _at_least(multiply(e, e), 0))


def _consecutive(e: IntExpr) -> Statement:
    """``e*(e + 1) >= 0``: no integer lies between."""
    return Statement((), _at_least(multiply(e, shift(e, 1)), 0))


def _power_grows(b: IntExpr, s: IntExpr) -> Statement:
    """For a constant ``b >= 2``, ``s >= 0``: ``s + 1 <= b**s``."""
    _need(_number(b) >= 2)
    return Statement((_at_least(s, 0),), _le(s, raise_to(b, s), 1))


def _power_monotone(b: IntExpr, s: IntExpr, t: IntExpr) -> Statement:
    """For a constant ``b >= 1``, ``0 <= s <= t``: ``b**s <= b**t``."""
    _need(_number(b) >= 1)
    return Statement((_at_least(s, 0), _le(s, t)), _le(raise_to(b, s), raise_to(b, t)))


def _power_shift(b: IntExpr, s: IntExpr, k: IntExpr) -> Statement:
    """For a constant b and ``s, k >= 0``, k constant: ``b**(s + k) == b**k * b**s``."""
    n = _number(k)
    _need(0 <= n <= 64)
    larger = scale(_number(b) ** n, raise_to(b, s))
    return Statement((_at_least(s, 0),), _eq(raise_to(b, shift(s, n)), larger))


# --------------------------------------------------------------------------- bits


def _and_below(m: IntExpr, e: IntExpr) -> Statement:
    """``e >= 0``: ``(... & e & ...) <= e``."""
    _operand_of(m, "BitAnd", e)
    return Statement((_at_least(e, 0),), _le(m, e))


def _or_above(m: IntExpr, e: IntExpr) -> Statement:
    """No operand negative: ``e <= (... | e | ...)``."""
    others = _operand_of(m, "BitOr", e)
    return Statement(tuple(_at_least(f, 0) for f in (e, *others)), _le(e, m))


def _total(m: IntExpr, name: str) -> Statement:
    """No operand negative: ``m`` is at most the sum of its operands."""
    _need(m.op.name == name and isinstance(m, IntAtom))
    total = constant(0)
    for f in m.args:
        assert isinstance(f, IntExpr)
        total = combine(1, total, 1, f)
    return Statement(tuple(_at_least(f, 0) for f in m.args), _le(m, total))  # type: ignore[arg-type]


def _or_within(m: IntExpr) -> Statement:
    """No operand negative: ``x | y <= x + y``."""
    return _total(m, "BitOr")


def _xor_within(m: IntExpr) -> Statement:
    """No operand negative: ``x ^ y <= x + y``."""
    return _total(m, "BitXor")


def _or_and(x: IntExpr, y: IntExpr) -> Statement:
    """``(x | y) + (x & y) == x + y``."""
    both = combine(1, bit_or(x, y), 1, bit_and(x, y))
    return Statement((), _eq(both, combine(1, x, 1, y)))


def _xor_and(x: IntExpr, y: IntExpr) -> Statement:
    """``(x ^ y) + 2*(x & y) == x + y``."""
    both = combine(1, bit_xor(x, y), 2, bit_and(x, y))
    return Statement((), _eq(both, combine(1, x, 1, y)))


SCHEMAS: Final[dict[str, Callable[..., Statement]]] = {
    "floor low": _floor_low,
    "floor high": _floor_high,
    "floor low, negative divisor": _floor_low_negative,
    "floor high, negative divisor": _floor_high_negative,
    "floor monotone": _floor_monotone,
    "floor of divisors": _floor_divisors,
    "floor of divisors, negative": _floor_divisors_negative,
    "floor sized": _floor_sized,
    "truncation floors": _trunc_floor,
    "truncation ceils": _trunc_ceiling,
    "truncation floors, both negative": _trunc_floor_negative,
    "truncation ceils, negative divisor": _trunc_ceiling_negative,
    "truncation low": _trunc_low,
    "truncation high": _trunc_high,
    "minimum below": _min_below,
    "minimum is": _min_is,
    "maximum above": _max_above,
    "maximum is": _max_is,
    "minimum and maximum": _min_and_max,
    "absolute above": _abs_above,
    "absolute above negated": _abs_above_negated,
    "absolute is": _abs_is,
    "absolute is negated": _abs_is_negated,
    "where then": _where_then,
    "where else": _where_else,
    "product": _product,
    "product with zero": _zero_product,
    "square": _square,
    "consecutive": _consecutive,
    "power grows": _power_grows,
    "power monotone": _power_monotone,
    "power shift": _power_shift,
    "and below": _and_below,
    "or above": _or_above,
    "or within": _or_within,
    "xor within": _xor_within,
    "or and and": _or_and,
    "xor and and": _xor_and,
}
"""Every theorem by its name."""


def state(schema: str, operands: Sequence[Expr]) -> Statement:
    """The theorem for these operands; raises `SchemaError` where it says nothing."""
    found = SCHEMAS.get(schema)
    if found is None:
        raise SchemaError(f"there is no schema {schema!r}")
    try:
        return found(*operands)
    except (TypeError, AttributeError) as error:
        raise SchemaError(f"operands that {schema!r} does not take: {error}") from None


# --------------------------------------------------------------------------- choosing


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


_IDENTITIES: Final = frozenset(
    (
        "absolute is",
        "absolute is negated",
        "minimum is",
        "maximum is",
        "where then",
        "where else",
        "truncation floors",
        "truncation ceils",
    )
)
"""Schemas that say which simpler expression an atom is."""

_Pick = tuple[str, tuple[Expr, ...]]

INSTANCE_LIMIT: Final = 90
"""Theorems brought into one question."""

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
    chooser.multiplied(relations, goal)
    chooser.run()
    chooser.identified()
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
            if relation.op not in (LE_ZERO, EQ_ZERO):
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
            for factor in factors:
                if self._speaks(e, factor, relation in goal):
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

    def _speaks(self, e: IntExpr, factor: IntExpr, is_goal: bool) -> bool:
        if not isinstance(factor, IntAtom):
            product = multiply(e, factor).terms()
            present = [t in self._atoms for t in product]
        else:
            present = [monomial(t, factor) in self._atoms for t in e.terms()]
        return any(present) if is_goal else all(present)

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
    elif high is not None and high <= -1:
        yield "floor low, negative divisor", (a, b)
        yield "floor high, negative divisor", (a, b)


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
    if type(base) is IntConstant and base.constant >= 2:
        yield "power grows", (base, s)


def _about_and(m: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    for e in m.args:
        yield "and below", (m, e)


def _about_or(m: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    for e in m.args:
        yield "or above", (m, e)
    yield "or within", (m,)


def _about_xor(m: IntExpr, wanted: Wanted) -> Iterator[_Pick]:
    yield "xor within", (m,)


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


_PAIRED: Final = {
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
}

