"""Integer nodes: hash-consed linear combinations over atoms.

An integer expression is a linear combination over *atoms* (symbols, products, floor
divisions, minima, ...). Every atom draws a random 128-bit number when it is made, and every
combination is known by the value that it takes at that point: ``key = constant +
sum(coefficient * atom.key)``, an exact integer. This is hash consing by polynomial identity
(Schwartz, J. ACM 1980; Zippel, EUROSAM 1979): two combinations that differ agree at the point
with probability at most 2**-128, whatever their constants, because the difference is a
non-zero linear form in the drawn numbers; the numbers come from the system's generator and
are never shown. So the intern table of integers is one dictionary from key to node, and the
sum of two expressions costs one addition and one look-up, however long they are: the terms
are written out when they are read (`IntExpr.terms`), from a short rope of pending
additions. A chain that cancels down to one symbol ends in the very object of that symbol,
because the key is the symbol's.

Guarantees: nodes are immutable to everyone outside; `is` decides equality of normal forms;
nothing here recurses.
Limits: no knowledge about values is used; see `prove` for questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final

from shapes.base.budget import spend
from shapes.base.infinity import IntInfinity, int_oo
from shapes.errors import ExpressionTypeError
from shapes.expr.expression import Expr, ExprLike, make
from shapes.expr.hash_consing import BY_VALUE, KEPT, POINTS, enter_value
from shapes.expr.opdef import Kind, Op
from shapes.expr.optable import CONSTANT, SUM

__all__ = [
    "MANY",
    "MINUS_INFINITY",
    "PLUS_INFINITY",
    "Infinity",
    "IntAtom",
    "IntConstant",
    "IntExpr",
    "IntSymbol",
    "Product",
    "Sum",
    "birth_of",
    "by_age",
    "combine",
    "constant",
    "from_terms",
    "minus",
    "plus",
]


class IntExpr(Expr):
    """An integer expression.

    `key` is its value at the kernel's secret point, `constant` its constant part.
    """

    __slots__ = ("constant", "key")
    kind: Kind = "int"
    key: int
    constant: int
    birth: int = 4611686018427387904  # behind every atom
    plain: bool = False
    _base: int = 1
    _bulk: int = 1

    def terms(self) -> dict[IntExpr, int]:
        """The coefficients by atom, without the constant part (not to be changed; a dictionary
        by name, because compiled code reads it as one)."""
        raise NotImplementedError

    # Sums are the hot path: they go straight to the kernel.
    def __add__(self, other: ExprLike) -> Expr:
        if isinstance(other, IntExpr):
            return plus(self, other)
        return make("Add", self, other)

    def __sub__(self, other: ExprLike) -> Expr:
        if isinstance(other, IntExpr):
            return minus(self, other)
        return make("Sub", self, other)

    def __neg__(self) -> Expr:
        return combine(-1, self, 0, self)


_NO_TERMS: Final[dict[IntExpr, int]] = {}


class IntConstant(IntExpr):
    """An integer; its key is its value."""

    __slots__ = ()
    op = CONSTANT
    args: tuple[Expr, ...] = ()

    @property
    def value(self) -> int:
        return self.constant

    def terms(self) -> dict[IntExpr, int]:
        return _NO_TERMS


class Infinity(IntExpr):
    """`int_oo` or `-int_oo`: allowed in comparisons, `Min`, `Max` and plain sums."""

    __slots__ = ("_end",)
    op = CONSTANT
    args: tuple[Expr, ...] = ()
    _end: IntInfinity

    @property
    def value(self) -> IntInfinity:
        return self._end

    def terms(self) -> dict[IntExpr, int]:
        raise ExpressionTypeError("int_oo is the end of a range, not an integer")


class IntAtom(IntExpr):
    """What a linear combination is made over; `birth` orders atoms by age.

    An atom is `plain` if its form says nothing of its residues: a symbol, a product of
    symbols, a floor division of such by a constant.
    """

    __slots__ = ("args", "birth", "op", "plain")
    op: Op
    args: tuple[Expr, ...]

    def terms(self) -> dict[IntExpr, int]:
        return {self: 1}


class IntSymbol(IntAtom):
    """An integer symbol."""

    __slots__ = ("_name",)
    _name: str

    @property
    def name(self) -> str:
        return self._name


class Product(IntAtom):
    """A product of powers of atoms; `factors` are (base, exponent >= 1) in order of age."""

    __slots__ = ("factors",)
    args: tuple[IntExpr, ...]
    factors: tuple[tuple[IntExpr, int], ...]


MANY: Final = 6
"""More terms than these are counted as steps; fewer cost as much as what makes them."""

SHORT: Final = 8
"""Sums of so few terms are written out on the way to others."""

GROWTH: Final = 4
"""What two sums are added to is written out if it is so many times as long as the longest part
of it that was written out before,"""
ROOM: Final = 64
"""and longer than this besides."""


class Sum(IntExpr):
    """A linear combination that is neither a constant nor a single atom.

    It holds either its terms, or a pending ``p*a + q*b + k`` from which they are made
    on demand. Ropes share parts (``e + e``) and are read as trees, of which `_bulk` is the
    size: additions, and the terms of what is written out. Where two sums meet that are not
    short, it stays within `GROWTH` times `_base`, the terms of the longest part that was
    written out; so reading a rope costs no more than a few times what making it did.
    """

    __slots__ = ("_base", "_bulk", "_direction", "_rope", "_terms", "_view")
    op = SUM
    _terms: dict[IntExpr, int] | None
    _rope: tuple[int, IntExpr, int, IntExpr] | None
    _base: int
    _bulk: int
    _view: tuple[int, tuple[IntExpr, ...], tuple[int, ...]] | None
    _direction: tuple[int, IntExpr | None] | None

    def terms(self) -> dict[IntExpr, int]:
        if self._terms is None and not self._written_at_once():
            self._write_out()
        assert self._terms is not None
        return self._terms

    @property
    def args(self) -> tuple[Expr, ...]:
        return tuple(sorted(self.terms(), key=birth_of))

    def _write_out(self) -> None:
        """Make the terms from the rope: what it ends in is added up, each part once however
        often it occurs. The largest is copied, the rest added to it."""
        atoms: dict[IntExpr, int] = {}
        sums: dict[Sum, int] = {}
        stack: list[tuple[int, IntExpr]] = [(1, self)]
        while stack:
            factor, node = stack.pop()
            if type(node) is not Sum:
                if isinstance(node, IntAtom):
                    atoms[node] = atoms.get(node, 0) + factor
                continue
            # Another thread may write this node out now: its terms come before the rope goes.
            rope = node._rope
            if rope is not None:
                p, a, q, b = rope
                if q:
                    stack.append((factor * q, b))
                stack.append((factor * p, a))
            else:
                sums[node] = sums.get(node, 0) + factor
        whole = [node for node, factor in sums.items() if factor == 1]
        largest = max(whole, key=_length, default=None)
        terms = {} if largest is None else dict(largest.terms())
        rest = [(factor, node.terms()) for node, factor in sums.items() if node is not largest]
        for factor, mapping in (*rest, (1, atoms)):
            for atom, c in mapping.items():
                terms[atom] = terms.get(atom, 0) + factor * c
        if 0 in terms.values():
            terms = {atom: c for atom, c in terms.items() if c}
        self._settle(terms)

    def _written_at_once(self) -> bool:
        """The usual case: the rope's two parts are written out already, or short (then this
        recurses no deeper than they have terms)."""
        rope = self._rope
        if rope is None:
            return True
        p, a, q, b = rope
        if type(a) is Sum and a._terms is None and a._bulk > SHORT:
            return False
        if type(b) is Sum and b._terms is None and b._bulk > SHORT:
            return False
        if q == 1 and a._bulk < b._bulk:
            p, a, q, b = q, b, p, a
        left = a.terms()
        terms = dict(left) if p == 1 else {atom: p * c for atom, c in left.items()}
        if isinstance(b, IntAtom):
            total = terms.get(b, 0) + q
            if total:
                terms[b] = total
            else:
                terms.pop(b, None)
        elif q:
            for atom, c in b.terms().items():
                total = terms.get(atom, 0) + q * c
                if total:
                    terms[atom] = total
                else:
                    del terms[atom]
        self._settle(terms)
        return True

    def _settle(self, terms: dict[IntExpr, int]) -> None:
        if len(terms) > MANY:
            spend(len(terms))
        self._terms = terms
        self._rope = None
        self._base = self._bulk = len(terms)


def _length(e: Sum) -> int:
    return len(e.terms())


def _add_term(terms: dict[IntExpr, int], atom: IntExpr, c: int) -> None:
    total = terms.get(atom, 0) + c
    if total:
        terms[atom] = total
    else:
        terms.pop(atom, None)


birth_of: Final[Callable[[IntExpr], int]] = attrgetter("birth")
"""The age of an atom (a sum in a product counts as youngest): the order of display."""


def by_age(e: IntExpr) -> tuple[int, int]:
    """What sorts expressions by age. (Sums have none: their order differs from run to run.)"""
    return birth_of(e), e.key


SMALL: Final = 1024
"""Constants up to this size stay once they are made."""


def constant(value: int) -> IntExpr:
    """The integer as an expression."""
    entry = BY_VALUE.get(value)
    if entry is not None:
        found = entry()
        if found is not None:
            return found
    node = IntConstant()
    node.key = node.constant = value
    entered = enter_value(node)
    if -SMALL <= value <= SMALL:
        KEPT.append(entered)
    return entered


def combine(p: int, a: IntExpr, q: int, b: IntExpr, k: int = 0) -> IntExpr:
    """``p*a + q*b + k``, in time that does not depend on the length of the operands.

    Raises `ExpressionTypeError` where `int_oo` has no sum (``int_oo - int_oo``).
    """
    # (Keys are long: what changes nothing is not computed.)
    key = a.key if p == 1 else p * a.key
    if q == -1:
        key -= b.key
    elif q:
        key += b.key if q == 1 else q * b.key
    if k:
        key += k
    entry = BY_VALUE.get(key)
    if entry is not None:
        found = entry()
        if found is not None and (key or type(a) is not Infinity):  # int_oo - int_oo
            return found
    if p != 1:
        k += p * a.constant
    elif a.constant:
        k += a.constant
    if q and b.constant:
        k += q * b.constant
    return _new_sum(key, p, a, q, b, k)


def plus(a: IntExpr, b: IntExpr) -> IntExpr:
    """``a + b``: `combine` without its factors."""
    key = a.key + b.key
    entry = BY_VALUE.get(key)
    if entry is not None:
        found = entry()
        if found is not None and (key or type(a) is not Infinity):
            return found
    return _new_sum(key, 1, a, 1, b, a.constant + b.constant)


def minus(a: IntExpr, b: IntExpr) -> IntExpr:
    """``a - b``: `combine` without its factors."""
    key = a.key - b.key
    entry = BY_VALUE.get(key)
    if entry is not None:
        found = entry()
        if found is not None and (key or type(a) is not Infinity):
            return found
    return _new_sum(key, 1, a, -1, b, a.constant - b.constant)


def _new_sum(key: int, p: int, a: IntExpr, q: int, b: IntExpr, fixed: int) -> IntExpr:
    """A new combination of two with that constant part, unless it has no other."""
    if type(a) is Infinity or type(b) is Infinity:
        return _infinite_sum(p, a, q, b)
    if key == fixed:
        return constant(fixed)
    if a._bulk == 1 == b._bulk:
        return _short_sum(key, p, a, q, b, fixed)
    if p == 0:
        p, a, q = q, b, 0
    node = Sum()
    node.key = key
    node.constant = fixed
    node._terms = None
    node._view = None
    node._direction = None
    node._rope = (p, a, q, b)
    base = node._base = a._base if a._base > b._base else b._base
    bulk = node._bulk = 1 + a._bulk + (b._bulk if q else 0)
    if bulk > GROWTH * base + ROOM and a._bulk > SHORT < b._bulk:
        node.terms()
    return enter_value(node)


def _short_sum(key: int, p: int, a: IntExpr, q: int, b: IntExpr, k: int) -> IntExpr:
    """A new sum of two that have at most one term: its terms take no more room than a rope."""
    if type(a) is IntSymbol and type(b) is IntSymbol and a is not b and p and q:
        return _written_sum(key, {a: p, b: q}, k)
    terms: dict[IntExpr, int] = {}
    if p and type(a) is Sum:
        for atom, c in a.terms().items():
            terms[atom] = p * c
    elif p and type(a) is not IntConstant:
        terms[a] = p
    if q and type(b) is Sum:
        for atom, c in b.terms().items():
            _add_term(terms, atom, q * c)
    elif q and type(b) is not IntConstant:
        _add_term(terms, b, q)
    return _written_sum(key, terms, k)


def _infinite_sum(p: int, a: IntExpr, q: int, b: IntExpr) -> IntExpr:
    ends = set()
    for factor, part in ((p, a), (q, b)):
        if type(part) is Infinity and factor:
            ends.add(part._end.sign * (1 if factor > 0 else -1))
    if len(ends) != 1:
        raise ExpressionTypeError("int_oo - int_oo has no value")
    return PLUS_INFINITY if ends == {1} else MINUS_INFINITY


def from_terms(terms: Mapping[IntExpr, int], k: int) -> IntExpr:
    """The linear combination with these coefficients by atom, and constant `k`."""
    key = k
    if len(terms) > MANY:
        spend(len(terms))
    for atom, coefficient in terms.items():
        key += coefficient * atom.key
    entry = BY_VALUE.get(key)
    if entry is not None:
        found = entry()
        if found is not None:
            return found
    if key == k:
        return constant(k)
    return _written_sum(key, {atom: c for atom, c in terms.items() if c}, k)


def _written_sum(key: int, terms: dict[IntExpr, int], k: int) -> IntExpr:
    """A new sum of that key, with terms of which none is 0."""
    node = Sum()
    node.key = key
    node.constant = k
    node._terms = terms
    node._rope = None
    node._view = None
    node._direction = None
    node._base = node._bulk = len(terms)
    return enter_value(node)


def _make_infinity(end: IntInfinity) -> Infinity:
    node = Infinity()
    node._end = end
    node.constant = 0
    node.key = POINTS.draw()
    return node


PLUS_INFINITY: Final = _make_infinity(int_oo)
MINUS_INFINITY: Final = _make_infinity(-int_oo)
