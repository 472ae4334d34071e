"""A normal form of choices and quotients: relations whose sides are the same after minima,
maxima, magnitudes, selections and quotients are written in one way.

``Min``, ``Max`` and ``Abs`` of sums are written as one sum and a maximum of differences,
``Max(x, y) = x + Max(0, y - x)``, with the least operand of a fixed order that does not change
when something is added to all operands; so ``Max(x, y) + Min(x, y)`` is ``x + y`` by itself.
Nested ones become a minimum of maxima without those that others make superfluous (the least
conjunctive form of a monotone function, of which there is one). Quotients by positive numbers
are monotone and go into the operands. A selection by the order of its arms is a minimum or a
maximum, one by divisibility a quotient rounded up.

Sources: Birkhoff, Lattice Theory, 1948 (free distributive lattices); Quine, The problem of
simplifying truth functions, 1952.
Guarantees: every step is an identity of all integers and needs no fact; what is written has at
most `OPERANDS` operands for each choice, or it is left as it was.
Limits: identities that need cases (of sums of several choices, say) are for other methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from math import gcd
from typing import Any, Final, TypeAlias

from shapes.base.budget import attempted, spend
from shapes.expr.booleans import negation, where
from shapes.expr.integers import floor_division, maximum, minimum
from shapes.expr.linear import eq_zero, le_zero, multiply, ne_zero, scale, shift
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    RELATIONS,
    TRUE,
    BoolExpr,
    Expr,
    IntConstant,
    IntExpr,
    birth_of,
    combine,
    constant,
    from_terms,
    int_operands,
    side_of,
)
from shapes.facts.cache import Part
from shapes.facts.store import Facts
from shapes.facts.verdict import Proof
from shapes.prove.tactics import CHOICES, METHODS
from shapes.traversal.definedness import defined
from shapes.traversal.interpret import interpret, walk
from shapes.traversal.substitute import Builder

__all__ = ["by_choice_form", "in_choice_form"]

METHOD: Final = "normal form of choices"
AFTERWARDS: Final = ("canonical", "ranges", "differences")
"""The methods that are tried on what is written."""

OPERANDS: Final = 12
"""Operands of one choice, repetitions included."""
CLAUSES: Final = 8
"""Maxima in one minimum."""
FORM_STEPS: Final = 20_000
"""Steps (see `budget`) of writing one side of a relation; short ones take a tenth of them."""
WRITTEN: Final = 8
"""Steps of writing one maximum."""
SUMMED: Final = 4
"""Minima of so many maxima are written as sums."""

_MIN: Final = OPERATORS["Min"]
_MAX: Final = OPERATORS["Max"]
_WHERE: Final = OPERATORS["Where"]
_QUOTIENT: Final = OPERATORS["FloorDiv"]
_EXTREMA: Final = (_MIN, _MAX)
_RELATION: Final = {"LeZero": le_zero, "EqZero": eq_zero, "NeZero": ne_zero}
_ZERO: Final = constant(0)

Clauses: TypeAlias = "list[frozenset[IntExpr]]"
"""The minimum of the maxima of sets."""

_FORMS: Final[Part[IntExpr, IntExpr | None]] = Part("normal forms of choices", 64)


def by_choice_form(facts: Facts, claim: BoolExpr) -> Proof | None:
    """A proof of a condition in which choices and quotients are in normal form."""
    normal, why = facts.normalized(claim)
    assert isinstance(normal, BoolExpr)
    if not _is_composed(normal):
        return None
    made = _kept(facts, normal)
    if made is None or made is normal:
        return None
    for name in AFTERWARDS:
        found = METHODS[name](facts, made)
        if found is not None:
            return Proof(METHOD, facts.in_order(frozenset(found.facts) | why))
    return None


def _is_composed(claim: BoolExpr) -> bool:
    """Whether a choice or a quotient is inside of another one. (Of others the methods that
    come next have proofs with certificates, as quickly.)"""
    inside: set[Expr] = set()
    for node in walk(claim):
        within = not inside.isdisjoint(node.args)
        chooses = node.op in CHOICES or node.op is _QUOTIENT
        if chooses and within:
            return True
        if chooses or within:
            inside.add(node)
    return False


def _kept(facts: Facts, claim: BoolExpr) -> BoolExpr | None:
    """The claim in normal form, kept for its negation; None if that takes too long."""
    if claim.op not in RELATIONS:
        whole: BoolExpr | None = attempted(FORM_STEPS, in_choice_form, claim)
        return whole
    e = side_of(claim)
    opposite = shift(scale(-1, e), 1)  # what ``e >= 1`` is about
    turned = claim.op is LE_ZERO and _first([e, opposite]) is opposite
    asked = opposite if turned else e
    kept = _FORMS.of(facts)
    try:
        found = kept[asked]
    except KeyError:
        # (Another thread may empty what is kept at any time.)
        found = kept[asked] = attempted(FORM_STEPS, in_choice_form, asked)
    if found is None:
        return None
    made = shift(scale(-1, found), 1) if turned else found
    return claim if made is e else _RELATION[claim.op.name](made)


def in_choice_form(e: Any) -> Any:
    """An expression of the same value, with its choices and quotients in normal form.

    What is written has a value wherever the expression has one.
    """
    for analysis in (_Forms(), _Sums(), _Turned()):
        e = interpret(analysis, {}, e)
    return e


class _Forms(Builder):
    """The analysis whose values are expressions in which choices are one sum and a minimum of
    maxima."""

    def min(self, *operands: Any) -> Any:
        return _extremum(minimum(*operands))

    def max(self, *operands: Any) -> Any:
        return _extremum(maximum(*operands))

    def abs(self, x: Any) -> Any:
        """``Abs(x) = 2*Max(x, 0) - x``."""
        return combine(2, _extremum(maximum(x, _ZERO)), -1, x)

    def floordiv(self, x: Any, y: Any) -> Any:
        return _quotient(x, y)

    def mod(self, x: Any, y: Any) -> Any:
        return combine(1, x, -1, multiply(y, _quotient(x, y)))

    def where(self, p: Any, a: Any, b: Any) -> Any:
        made: Any = where(p, a, b)
        return _selection(made) if made.op is _WHERE else made


class _Sums(Builder):
    """The analysis that writes minima of few maxima as sums of maxima."""

    def min(self, *operands: Any) -> Any:
        """``Min(x, y) = x + y - Max(x, y)``, and so on (inclusion and exclusion)."""
        made = minimum(*operands)
        if made.op is not _MIN or len(made.args) > SUMMED:
            return made
        clauses = [frozenset(_maximum_of(x)) for x in int_operands(made)]
        everything = _written([frozenset[IntExpr]().union(*clauses)])
        return combine(1, _of_parts(clauses, _one_clause), _sign(len(clauses)), everything)


def _one_clause(clause: frozenset[IntExpr]) -> IntExpr:
    return _written([clause])


def _of_parts(clauses: Clauses, write: Callable[[frozenset[IntExpr]], IntExpr]) -> IntExpr:
    """The terms of a minimum as a sum of maxima that are of fewer than all."""
    total = _ZERO
    for count in range(1, len(clauses)):
        for chosen in combinations(clauses, count):
            union = frozenset[IntExpr]().union(*chosen)
            total = combine(1, total, _sign(count), write(union))
    return total


def _sign(count: int) -> int:
    return -1 if count % 2 == 0 else 1


class _Turned(Builder):
    """The analysis that writes a maximum, or the opposite of a minimum, in one way."""

    def max(self, *operands: Any) -> Any:
        made = maximum(*operands)
        return _turned(frozenset(int_operands(made))) if made.op is _MAX else made


def _turned(clause: frozenset[IntExpr]) -> IntExpr:
    """A maximum, written by that of its operands or of their opposites: by whichever has the
    lesser difference between its least operands."""
    clause = _greatest(clause)
    if not 3 <= len(clause) <= SUMMED:
        return _written([clause])
    ordered = _in_order(clause)
    low = combine(1, ordered[1], -1, ordered[0])
    high = combine(1, ordered[-1], -1, ordered[-2])
    if low is high or _in_order([low, high])[0] is low:
        return _written([clause])
    opposites = [frozenset((scale(-1, x),)) for x in ordered]
    # ``Max(x, y, z) = -Min(-x, -y, -z)``
    everything = _written([frozenset[IntExpr]().union(*opposites)])
    return combine(-1, _of_parts(opposites, _turned), -_sign(len(opposites)), everything)


def _maximum_of(x: IntExpr) -> tuple[IntExpr, ...]:
    """The operands of a maximum, also of one with a sum; of anything else itself."""
    choices = [(atom, c) for atom, c in x.terms().items() if atom.op is _MAX]
    if len(choices) != 1 or choices[0][1] < 0:
        return (x,)
    ((atom, c),) = choices
    rest = combine(1, x, -c, atom)
    return tuple(combine(1, rest, c, arm) for arm in int_operands(atom))


# --------------------------------------------------------------------------- extrema


class _TooManyError(Exception):
    """More operands or clauses than the limits."""


def _extremum(e: IntExpr) -> IntExpr:
    """A minimum, maximum or magnitude, or a sum with one, as a sum and a choice whose first
    operand is 0."""
    if e.op not in _EXTREMA:
        return e
    common = _common_choices(int_operands(e))
    try:
        clauses = _Reader().clauses(e, common)
    except _TooManyError:
        return e
    if all(len(clause) == 1 for clause in clauses):
        opposite = frozenset(scale(-1, x) for (x,) in clauses)
        return combine(1, common, -1, _written([opposite]))
    return combine(1, common, 1, _written(clauses))


def _common_choices(operands: Sequence[IntExpr]) -> IntExpr:
    """The choices that are added to every operand alike."""
    common = _ZERO
    for atom in operands[0].terms():
        if atom.op in _EXTREMA:
            times = [x.terms().get(atom, 0) for x in operands]
            if all(t > 0 for t in times) or all(t < 0 for t in times):
                common = combine(1, common, min(times, key=abs), atom)
    return common


class _Reader:
    """Reads a nest of extrema as a minimum of maxima, within a limit."""

    def __init__(self) -> None:
        self._left = OPERANDS

    def clauses(self, e: IntExpr, without: IntExpr = _ZERO) -> Clauses:
        """The maxima whose minimum an extremum is, less what is added to its operands; a
        sum of several choices is an operand like others."""
        spend(1 + len(e.terms()))
        chosen = _one_choice(e)
        if chosen is not None:
            atom, c = chosen
            rest = combine(1, combine(1, e, -c, atom), -1, without)
            parts = [self.clauses(combine(1, rest, c, x)) for x in int_operands(atom)]
            least = (atom.op is _MIN) is (c > 0)
            return _least_clauses(_both(parts) if least else _either(parts))
        self._left -= 1
        if self._left < 0:
            raise _TooManyError
        return [frozenset((e,))]


def _one_choice(e: IntExpr) -> tuple[IntExpr, int] | None:
    """The extremum that a sum is one with: the only one, or one of which an operand undoes
    others, as in ``a + Max(0, b - a)``."""
    choices = _choices_in(e)
    if len(choices) <= 1 or len(choices) > SUMMED:
        return choices[0] if len(choices) == 1 else None
    for atom, c in choices:
        rest = combine(1, e, -c, atom)
        arms = (combine(1, rest, c, x) for x in int_operands(atom))
        if any(len(_choices_in(arm)) < len(choices) - 1 for arm in arms):
            return atom, c
    return None


def _choices_in(e: IntExpr) -> list[tuple[IntExpr, int]]:
    return [(atom, c) for atom, c in e.terms().items() if atom.op in _EXTREMA]


def _both(parts: list[Clauses]) -> Clauses:
    return [clause for part in parts for clause in part]


def _either(parts: list[Clauses]) -> Clauses:
    found: Clauses = [frozenset()]
    for part in parts:
        if len(found) * len(part) > 4 * CLAUSES:
            raise _TooManyError
        found = [a | b for a in found for b in part]
    return found


def _least_clauses(clauses: Clauses) -> Clauses:
    """Without operands and maxima that others make superfluous."""
    spend(len(clauses) * len(clauses))
    clauses = list(dict.fromkeys(map(_greatest, clauses)))
    if len(clauses) > CLAUSES:
        raise _TooManyError
    return [c for c in clauses if not any(d is not c and _below(d, c) for d in clauses)]


def _greatest(clause: frozenset[IntExpr]) -> frozenset[IntExpr]:
    """Without operands that are less than others by a number."""
    if len(clause) == 1:
        return clause
    greatest: dict[IntExpr, int] = {}
    for x in clause:
        direction = shift(x, -x.constant)
        known = greatest.get(direction)
        if known is None or known < x.constant:
            greatest[direction] = x.constant
    return frozenset(shift(x, k) for x, k in greatest.items())


def _below(a: frozenset[IntExpr], b: frozenset[IntExpr]) -> bool:
    """Whether a maximum is never above another one, operand by operand."""
    return all(any(_never_above(x, y) for y in b) for x in a)


def _never_above(x: IntExpr, y: IntExpr) -> bool:
    difference = combine(1, x, -1, y)
    return type(difference) is IntConstant and difference.constant <= 0


def _written(clauses: Clauses) -> IntExpr:
    """The least operand, and a multiple of the choice among the differences from it."""
    operands = list(dict.fromkeys(x for clause in clauses for x in clause))
    spend(WRITTEN * (1 + len(operands)))
    if len(operands) == 1:
        return operands[0]
    base = _first(operands)
    differences = {x: combine(1, x, -1, base) for x in operands}
    g = 0
    for d in differences.values():
        g = gcd(g, d.constant, *d.terms().values())
    short = {x: _divided(d, g) for x, d in differences.items()}
    maxima = [maximum(*(short[x] for x in clause)) for clause in clauses]
    return combine(1, base, g, minimum(*maxima) if len(maxima) > 1 else maxima[0])


def _divided(e: IntExpr, g: int) -> IntExpr:
    return floor_division(e, constant(g)) if g > 1 else e


def _first(operands: Sequence[IntExpr]) -> IntExpr:
    return _in_order(operands)[0]


def _in_order(operands: Iterable[IntExpr]) -> list[IntExpr]:
    """In the order of coefficients, oldest terms first, which stays the same when something
    is added to all operands."""
    given = list(operands)
    ordered = sorted(dict.fromkeys(t for x in given for t in x.terms()), key=birth_of)

    def place(x: IntExpr) -> tuple[int, ...]:
        terms = x.terms()
        return (*(terms.get(t, 0) for t in ordered), x.constant)

    spend(len(ordered) * len(given))
    return sorted(given, key=place)


# --------------------------------------------------------------------------- quotients


def _quotient(x: IntExpr, divisor: IntExpr) -> IntExpr:
    """``Max(x, y) // k`` as ``Max(x // k, y // k)`` for a number k >= 1, and so for what is
    added to a choice."""
    k = divisor.constant if type(divisor) is IntConstant else 0
    if k < 1:
        return floor_division(x, divisor)
    selections = [(t, c) for t, c in x.terms().items() if t.op is _WHERE]
    chosen = selections[0] if len(selections) == 1 else _one_choice(x)
    if chosen is None:
        return _whole_and_rest(x, k)
    atom, c = chosen
    if atom.op is _WHERE:
        rest = combine(1, x, -c, atom)
        condition, a, b = atom.args
        if not isinstance(a, IntExpr) or not isinstance(b, IntExpr):
            return floor_division(x, divisor)
        arms = (_quotient(combine(1, rest, c, arm), divisor) for arm in (a, b))
        made = where(condition, *arms)
        assert isinstance(made, IntExpr)
        return _selection(made) if made.op is _WHERE else made
    try:
        clauses = _Reader().clauses(x)
    except _TooManyError:
        return floor_division(x, divisor)
    maxima = [maximum(*(_quotient(e, divisor) for e in clause)) for clause in clauses]
    return _extremum(minimum(*maxima) if len(maxima) > 1 else maxima[0])


def _whole_and_rest(x: IntExpr, k: int) -> IntExpr:
    """``x // k`` with small coefficients: ``(3*z + 5) // 4`` as ``z + 1 - (z + 2) // 4``. Of
    that and the opposite of the same for -x, rounded up, the one that is less in the order of
    coefficients."""
    whole, rest = _nearest(x, k)
    opposite, other = _nearest(shift(scale(-1, x), k - 1), k)
    if rest is not other and _first([rest, other]) is other:
        return combine(-1, opposite, -1, floor_division(other, constant(k)))
    return combine(1, whole, 1, floor_division(rest, constant(k)))


def _nearest(x: IntExpr, k: int) -> tuple[IntExpr, IntExpr]:
    """``x = k*whole + rest`` with coefficients of the rest above -k/2 and up to k/2, and its
    constant below k."""
    nearest = {t: -((k // 2 - c) // k) for t, c in x.terms().items()}
    whole = from_terms({t: c for t, c in nearest.items() if c}, x.constant // k)
    return whole, combine(1, x, -k, whole)


# --------------------------------------------------------------------------- selections


def _selection(e: IntExpr) -> IntExpr:
    """A choice by a condition as an extremum or a quotient, if it is one; otherwise with one
    arm 0 and the condition that comes first."""
    condition, a, b = e.args
    assert isinstance(condition, BoolExpr)
    if not isinstance(a, IntExpr) or not isinstance(b, IntExpr):
        return e
    if defined(a) is not TRUE or defined(b) is not TRUE:
        return e  # the condition may be what gives an arm its value
    d = combine(1, a, -1, b)
    chosen = _chosen(condition, d)
    if chosen is not None:
        return combine(1, b, 1, chosen)
    parts = _chosen(condition, a), _chosen(negation(condition), b)
    if parts[0] is not None and parts[1] is not None:
        return combine(1, parts[0], 1, parts[1])
    return combine(1, b, 1, _one_armed(condition, d))


def _one_armed(condition: BoolExpr, d: IntExpr) -> IntExpr:
    """``Where(p, d, 0)``, by whichever of p and its negation comes first."""
    g = gcd(d.constant, *d.terms().values())
    other = negation(condition)
    flip = condition.op is NE_ZERO
    if condition.op is LE_ZERO:
        x, y = side_of(condition), side_of(other)
        flip = _first([x, y]) is y
    made = where(other if flip else condition, _divided(d, g), _ZERO)
    assert isinstance(made, IntExpr)
    return combine(1, d, -g, made) if flip else scale(g, made)


def _chosen(condition: BoolExpr, d: IntExpr) -> IntExpr | None:
    """``Where(p, d, 0)`` without a selection; None if it is not that simple."""
    if d is _ZERO:
        return _ZERO
    if condition.op not in RELATIONS:
        return None
    e = side_of(condition)
    if condition.op is not LE_ZERO:
        m = _ratio(d, e)
        if m is not None and d.constant == m * e.constant:
            return _ZERO if condition.op is EQ_ZERO else d
        return _of_divisible(condition, e, d)
    return _of_order(e, d)


def _of_order(e: IntExpr, d: IntExpr) -> IntExpr | None:
    """``Where(e <= 0, d, 0)`` as a minimum or maximum of d and 0: d follows the sign of e."""
    m = _ratio(d, e)
    if m is not None:
        s = d.constant - m * e.constant
        if m > 0 and -m <= s <= 0:
            return _extremum(minimum(d, _ZERO))
        if m < 0 and 0 <= s <= -m:
            return _extremum(maximum(d, _ZERO))
        return None
    for k in _divisors(d, e):
        for shifted in (e, shift(e, -1)):
            down, up = _quotient(shifted, k), scale(-1, _quotient(scale(-1, shifted), k))
            if d is down or d is up:
                return _extremum(minimum(d, _ZERO))
            if d is scale(-1, down) or d is scale(-1, up):
                return _extremum(maximum(d, _ZERO))
    return None


def _divisors(d: IntExpr, e: IntExpr) -> dict[IntExpr, None]:
    """The numbers by which quotients in d divide, and by which they divide what e consists
    of."""
    inner = _quotients_by(e)
    found: dict[IntExpr, None] = {}
    for k in _quotients_by(d):
        for m in (1, *inner):
            if k % m == 0 and k != m:
                found[constant(k // m)] = None
    return found


def _quotients_by(e: IntExpr) -> dict[int, None]:
    """The numbers by which quotients in a sum and in its extrema divide."""
    found: dict[int, None] = {}
    for atom in e.terms():
        arms = int_operands(atom) if atom.op in _EXTREMA else (atom,)
        for term in (t for arm in arms for t in arm.terms()):
            if term.op is _QUOTIENT:
                k = int_operands(term)[1]
                if type(k) is IntConstant and k.constant > 1:
                    found[k.constant] = None
    return found


def _of_divisible(condition: BoolExpr, e: IntExpr, d: IntExpr) -> IntExpr | None:
    """``Where(x % k == 0, d, 0)`` for a number d: ``-(-x//k) - x//k`` is 0 where k divides
    x, and 1 elsewhere."""
    if type(d) is not IntConstant:
        return None
    for x, k in _divisibility(e):
        divisor = constant(k)
        up, down = _quotient(scale(-1, x), divisor), _quotient(x, divisor)
        inexact = combine(-1, up, -1, down)
        if condition.op is NE_ZERO:
            return scale(d.constant, inexact)
        return combine(1, d, -d.constant, inexact)
    return None


def _divisibility(e: IntExpr) -> Iterator[tuple[IntExpr, int]]:
    """The x and k for which e is 0 where k divides x: ``x - k*((x + s) // k)`` or
    ``x + k*((s - x) // k)`` with ``0 <= s < k``."""
    for term, c in e.terms().items():
        if term.op is _QUOTIENT:
            numerator, divisor = int_operands(term)
            k = divisor.constant if type(divisor) is IntConstant else 0
            if k > 1 and abs(c) == k:
                x = combine(1, e, -c, term)
                s = combine(1, numerator, 1 if c > 0 else -1, x)
                if type(s) is IntConstant and 0 <= s.constant < k:
                    yield x, k


def _ratio(d: IntExpr, e: IntExpr) -> int | None:
    """The number of times that the terms of e make those of d; None if there is none."""
    terms, found = d.terms(), None
    if len(terms) != len(e.terms()) or not terms:
        return None
    for t, c in e.terms().items():
        times, rest = divmod(terms.get(t, 0), c)
        if rest or not times or (found is not None and times != found):
            return None
        found = times
    return found
