"""Bounds of polynomials over boxes.

The variables of a sum of products are their factors, symbols or other atoms, each within its
own range. A variable in which the polynomial only grows, or only falls, takes one of its ends;
one in which it is linear takes both (vertices of multilinear forms: Rikun, J. Global
Optimization 1997). A polynomial of degree 2 that is bounded below takes its least value where
its gradient is 0 on some face of the box (Frank and Wolfe, Naval Research Logistics 1956), so
``(x - 5)*(x - 9)`` is at least -4 for any x. What else has variables open on one side is
written about their other ends: what has no negative coefficient then is least there.

The same polynomial in other variables may be bounded more narrowly: with
``x == d*(x//d) + r`` the product ``(x % 7)*(y % 6)``, which normal forms multiply out, is one
of two remainders again; with ``y == x + t``, of a relation ``x <= y``, ``y*y - x*x`` is
``2*x*t + t*t``.

A sum whose terms have a factor in common, as ``36*b*(d//12) - 3*b*d``, is that factor times
a sum in which remainders may show: ``b * -(3*(d % 12))``.

Guarantees: sound whatever the variables have to do with each other; exact for real values of
one degree-2 or of multilinear variables that are independent, and for integers where there is
one variable. Limits: few variables and terms, degree 4.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Final, TypeAlias

from shapes.base.budget import spend
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.domains import int_ranges
from shapes.expr.linear import multiply
from shapes.expr.nodes import (
    OPERATORS,
    SYMBOL,
    IntConstant,
    IntExpr,
    Product,
    Sum,
    combine,
    constant,
    int_operands,
)
from shapes.expr.quotients import monomial_quotient
from shapes.facts.bounds import bounds, bounds_with_reasons
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Facts, Reasons

__all__ = [
    "common_factor",
    "factored_bounds",
    "polynomial_bounds",
    "why_factored_bounds",
    "why_polynomial_bounds",
]

VARIABLES: Final = 7
"""More have too many vertices."""

DEGREE: Final = 4
TERMS: Final = 40

FACES: Final = 3
"""Variables of a polynomial of degree 2 whose faces are all looked at."""

BRANCHES: Final = 6
"""Variables that take both of their ends, one after the other."""

CHANGES: Final = 3
"""Relations that are tried for a change of variables."""

_QUOTIENT: Final = OPERATORS["FloorDiv"]

Places: TypeAlias = tuple[int, ...]
Polynomial: TypeAlias = Mapping[Places, int]
"""Coefficients by the places of the variables that are multiplied, in order, each as often as
its exponent says."""

Ends: TypeAlias = Sequence[tuple[Bound, Bound]]


class _Form:
    """``times`` a sum as a polynomial in variables."""

    __slots__ = ("terms", "times", "variables")

    def __init__(
        self, times: int, terms: Polynomial, variables: tuple[IntExpr, ...]
    ) -> None:
        self.times = times
        self.terms = terms
        self.variables = variables


def polynomial_bounds(facts: Facts, e: IntExpr) -> tuple[Bound, Bound]:
    """The ends of a sum of products of atoms; infinite where nothing is known."""
    lower: Bound = -int_oo
    upper: Bound = int_oo
    for form in _forms(facts, e):
        ends = [bounds(facts, x).int_bounds() for x in form.variables]
        opposite = {key: -c for key, c in form.terms.items()}
        low, high = _least(form.terms, ends), -_least(opposite, ends)
        if not isinstance(low, IntInfinity):
            lower = max(lower, -(-low // form.times))
        if not isinstance(high, IntInfinity):
            upper = min(upper, high // form.times)
    return lower, upper


def why_polynomial_bounds(facts: Facts, e: IntExpr) -> Reasons:
    """The facts that the ends rest on: those behind the ranges of the variables."""
    found = dict.fromkeys(x for form in _forms(facts, e) for x in form.variables)
    return NO_REASONS.union(*(bounds_with_reasons(facts, x)[1] for x in found))


def factored_bounds(facts: Facts, e: IntExpr) -> tuple[Bound, Bound]:
    """The ends of a sum as a factor that its terms have in common, times what is left, and a
    constant; infinite where there is no such factor."""
    read = common_factor(e)
    if read is None:
        return -int_oo, int_oo
    factor, rest = read
    found = int_ranges.mul(bounds(facts, factor), bounds(facts, rest))
    return int_ranges.linear(e.constant, (1,), (found,)).int_bounds()


def why_factored_bounds(facts: Facts, e: IntExpr) -> Reasons:
    """The facts that these ends rest on."""
    found = common_factor(e) or ()
    return NO_REASONS.union(*(bounds_with_reasons(facts, x)[1] for x in found))


def common_factor(e: IntExpr) -> tuple[IntExpr, IntExpr] | None:
    """A factor of all terms of a sum, and the sum of what is left of them."""
    if type(e) is not Sum:
        return None
    terms = list(e.terms().items())
    spend(len(terms))
    if len(terms) < 2 or not any(isinstance(term, Product) for term, _ in terms):
        return None
    split = [dict(t.factors) if isinstance(t, Product) else {t: 1} for t, _ in terms]
    common = [base for base in split[0] if all(base in powers for powers in split)]
    if not common:
        return None
    factor = common[0]
    rest: IntExpr = constant(0)
    for term, c in terms:
        left = monomial_quotient(term, factor)
        assert left is not None
        rest = combine(1, rest, c, left)
    return factor, rest


# --------------------------------------------------------------------------- forms


def _forms(facts: Facts, e: IntExpr) -> Iterator[_Form]:
    """A sum as a polynomial, in its own variables and in others; nothing for a sum that has no
    product, or one that is too large."""
    form = _read(e)
    if form is None:
        return
    yield form
    with_remainders = _in_remainders(form)
    if with_remainders is not form:
        yield with_remainders
    for x, y, sign in _related(facts, form):
        other = {y: -sign, combine(1, x, sign, y): 1}
        changed = _replaced(form, form.variables.index(x), other, 0)
        if changed is not None:
            yield changed


def _read(e: IntExpr) -> _Form | None:
    if not isinstance(e, Sum | Product) or len(e.terms()) > TERMS:
        return None
    places: dict[IntExpr, int] = {}
    terms: dict[Places, int] = {(): e.constant}
    products = False
    for atom, c in e.terms().items():
        if atom.op is _QUOTIENT:
            numerator = int_operands(atom)[0].terms()
            products = products or any(isinstance(t, Product) for t in numerator)
        factors = atom.factors if isinstance(atom, Product) else ((atom, 1),)
        key: list[int] = []
        for base, exponent in factors:
            if exponent > DEGREE:
                return None
            key += [places.setdefault(base, len(places))] * exponent
        products = products or len(key) > 1
        if len(places) > VARIABLES or len(key) > DEGREE:
            return None
        terms[tuple(sorted(key))] = c
    return _Form(1, terms, tuple(places)) if products else None


def _in_remainders(form: _Form) -> _Form:
    """The same in remainders, by ``n == d*(n//d) + r``: a quotient of products is replaced; in
    the numerators of other quotients by numbers, a symbol is. Of a quotient by what is no
    number, its product with the divisor is."""
    for q in form.variables:
        if q.op is _QUOTIENT and type(q.args[1]) is not IntConstant:
            form = _without_multiple(form, q) or form
    for q, n, d, r in _divisions(form):
        if any(isinstance(t, Product) for t in n.terms()):
            form = _without_quotient(form, q, n, d, r) or form
    for q, n, d, r in _divisions(form):
        for t, c in n.terms().items():
            if abs(c) == 1 and t.op is SYMBOL and t in form.variables:
                others = {x: -c * k for x, k in n.terms().items() if x is not t}
                made = {q: c * d, r: c, **others}
                place = form.variables.index(t)
                form = _replaced(form, place, made, -c * n.constant) or form
                break
    return form


def _divisions(form: _Form) -> Iterator[tuple[IntExpr, IntExpr, int, IntExpr]]:
    """The quotients by numbers among the variables: with numerator, divisor and remainder."""
    for q in form.variables:
        d = q.args[1] if q.op is _QUOTIENT else None
        if type(d) is IntConstant and d.constant >= 2:
            n = int_operands(q)[0]
            yield q, n, d.constant, combine(1, n, -d.constant, q)


def _without_quotient(
    form: _Form, q: IntExpr, n: IntExpr, d: int, r: IntExpr
) -> _Form | None:
    """d times the polynomial, with ``d*q`` as ``n - r``; None if q is multiplied."""
    place = form.variables.index(q)
    c = form.terms.get((place,), 0)
    if any(place in key and len(key) > 1 for key in form.terms):
        return None
    read = _read(n if type(n) is Sum else combine(1, n, 0, n, 1))
    if read is None:
        return None
    variables = dict.fromkeys((*form.variables, *read.variables, r))
    places = {x: i for i, x in enumerate(variables)}
    terms = {key: d * k for key, k in form.terms.items() if key != (place,)}
    for key, k in read.terms.items():
        own = tuple(sorted(places[read.variables[i]] for i in key))
        terms[own] = terms.get(own, 0) + c * k
    terms[()] += c * (n.constant - read.terms[()])
    terms[places[r],] = -c
    return _compact(form.times * d, terms, tuple(variables))


def _without_multiple(form: _Form, q: IntExpr) -> _Form | None:
    """The polynomial with ``d*q`` as ``n - r`` wherever a term has both; None if none has, or
    if that is too large."""
    n, d = int_operands(q)
    read, divisor = _linear(n), _monomial(d)
    if read is None or divisor is None:
        return None
    m, factors = divisor
    if any(x not in form.variables for x in (q, *factors)):
        return None
    r = combine(1, n, -1, multiply(d, q))
    variables = tuple(dict.fromkeys((*form.variables, *read, r)))
    places = {x: i for i, x in enumerate(variables)}
    gone = sorted(places[x] for x in (q, *factors))
    inside: dict[Places, int] = {(places[x],): c for x, c in read.items()}
    inside[places[r],] = inside.get((places[r],), 0) - 1
    inside[()] = n.constant
    terms: dict[Places, int] = {}
    found = False
    for key, c in form.terms.items():
        left = _removed(key, gone) if c % m == 0 else None
        if left is None:
            terms[key] = terms.get(key, 0) + c
            continue
        found = True
        for own, total in _multiplied({left: c // m}, inside).items():
            terms[own] = terms.get(own, 0) + total
    return _compact(form.times, terms, variables) if found else None


def _linear(n: IntExpr) -> dict[IntExpr, int] | None:
    """The coefficients of a sum of atoms; None for one with products."""
    terms = dict(n.terms())
    return None if any(isinstance(t, Product) for t in terms) else terms


def _monomial(d: IntExpr) -> tuple[int, tuple[IntExpr, ...]] | None:
    """``(m, factors)`` of a divisor that is m times atoms, each once."""
    if d.constant or len(d.terms()) != 1:
        return None
    ((t, m),) = d.terms().items()
    powers = t.factors if isinstance(t, Product) else ((t, 1),)
    if any(exponent != 1 for _, exponent in powers):
        return None
    return m, tuple(x for x, _ in powers)


def _removed(key: Places, gone: Sequence[int]) -> Places | None:
    left = list(key)
    for place in gone:
        if place not in left:
            return None
        left.remove(place)
    return tuple(left)


def _related(facts: Facts, form: _Form) -> list[tuple[IntExpr, IntExpr, int]]:
    """Pairs of variables of which the difference (-1) or the sum (1) is known to have an
    end."""
    found: dict[tuple[IntExpr, IntExpr, int], None] = {}
    for x in form.variables:
        for d in facts.relations_about(x):
            pair = d.terms()
            if len(pair) == 2 and {abs(c) for c in pair.values()} == {1}:
                (a, b), sign = pair, prod(pair.values())
                if a in form.variables and b in form.variables:
                    found[a, b, sign] = found[b, a, sign] = None
    return list(found)[: 2 * CHANGES]


def _replaced(
    form: _Form, place: int, linear: Mapping[IntExpr, int], k: int
) -> _Form | None:
    """The polynomial with a linear expression, ``k`` and multiples of variables, in place of
    one variable; None if that is too large."""
    variables = tuple(dict.fromkeys((*form.variables, *linear)))
    places = {x: i for i, x in enumerate(variables)}
    factor: dict[Places, int] = {(places[x],): c for x, c in linear.items()}
    factor[()] = k
    terms: dict[Places, int] = {}
    for key, c in form.terms.items():
        product: dict[Places, int] = {tuple(p for p in key if p != place): c}
        for _ in range(key.count(place)):
            product = _multiplied(product, factor)
        spend(len(product))
        for own, total in product.items():
            terms[own] = terms.get(own, 0) + total
    return _compact(form.times, terms, variables)


def _multiplied(a: Polynomial, b: Polynomial) -> dict[Places, int]:
    found: dict[Places, int] = {}
    for (one, c), (other, d) in itertools.product(a.items(), b.items()):
        key = tuple(sorted((*one, *other)))
        found[key] = found.get(key, 0) + c * d
    return found


def _compact(
    times: int, terms: Mapping[Places, int], variables: tuple[IntExpr, ...]
) -> _Form | None:
    """A form without the variables that have fallen away; None if it is too large."""
    kept = {key: c for key, c in terms.items() if c or not key}
    used = sorted({place for key in kept for place in key})
    if len(used) > VARIABLES or len(kept) > TERMS:
        return None
    new = {place: i for i, place in enumerate(used)}
    made = {tuple(new[p] for p in key): c for key, c in kept.items()}
    return _Form(times, made, tuple(variables[p] for p in used))


# --------------------------------------------------------------------------- least values


def _least(terms: Polynomial, ends: Ends, branches: int = BRANCHES) -> Bound:
    """A number that the polynomial is not below while its variables are within their ends."""
    terms = _at_ends(terms, ends)
    total: Bound = terms.get((), 0)
    for part in _apart(terms):
        total += _least_of_part(part, ends, branches)
    return total


def _at_ends(terms: Polynomial, ends: Ends) -> Polynomial:
    """The polynomial with variables in which it is monotone at the end where it is least, as
    far as that end is finite."""
    moved = True
    while moved:
        moved = False
        for place in sorted({p for key in terms for p in key}):
            spend(len(terms))
            low, high = _range(_derivative(terms, place), ends)
            lower, upper = ends[place]
            end = lower if low >= 0 else upper if high <= 0 else int_oo
            if isinstance(end, IntInfinity):
                continue
            terms, moved = _valued(terms, place, end), True
    return terms


def _derivative(terms: Polynomial, place: int) -> dict[Places, int]:
    found: dict[Places, int] = {}
    for key, c in terms.items():
        n = key.count(place)
        if n:
            at = key.index(place)
            found[key[:at] + key[at + 1 :]] = n * c
    return found


def _valued(terms: Polynomial, place: int, value: int) -> dict[Places, int]:
    """The polynomial with a number in place of a variable."""
    found: dict[Places, int] = {(): 0}
    for key, c in terms.items():
        left = tuple(p for p in key if p != place)
        found[left] = found.get(left, 0) + c * value ** (len(key) - len(left))
    return {key: c for key, c in found.items() if c or not key}


def _range(terms: Polynomial, ends: Ends) -> tuple[Bound, Bound]:
    """The ends of a polynomial by interval arithmetic, term by term."""
    lower: Bound = 0
    upper: Bound = 0
    for key, c in terms.items():
        low: Bound = c
        high: Bound = c
        for place in sorted(set(key)):
            a, b = _power(ends[place], key.count(place))
            corners = [_times(low, a), _times(low, b), _times(high, a), _times(high, b)]
            low, high = min(corners), max(corners)
        lower, upper = lower + low, upper + high
    return lower, upper


def _power(ends: tuple[Bound, Bound], n: int) -> tuple[Bound, Bound]:
    low, high = _raised(ends[0], n), _raised(ends[1], n)
    if n % 2:
        return low, high
    return 0 if ends[0] <= 0 <= ends[1] else min(low, high), max(low, high)


def _raised(end: Bound, n: int) -> Bound:
    if isinstance(end, IntInfinity):
        return end if n % 2 else int_oo
    return int(end**n)


def _times(a: Bound, b: Bound) -> Bound:
    """The product of ends: 0 times infinity is 0."""
    return 0 if a == 0 or b == 0 else a * b


def _apart(terms: Polynomial) -> list[dict[Places, int]]:
    """The polynomial without its constant, as a sum of some that share no variable."""
    parts: list[tuple[set[int], dict[Places, int]]] = []
    for key, c in terms.items():
        if not key:
            continue
        places, own = set(key), {key: c}
        for part in [part for part in parts if part[0] & places]:
            parts.remove(part)
            places |= part[0]
            own.update(part[1])
        parts.append((places, own))
    return [own for _, own in parts]


def _least_of_part(terms: Polynomial, ends: Ends, branches: int) -> Bound:
    places = sorted({p for key in terms for p in key})
    if len(places) <= FACES and all(len(key) <= 2 for key in terms):
        return _least_on_faces(terms, ends, places)
    for place in places:
        lower, upper = ends[place]
        finite = not isinstance(lower, IntInfinity) and not isinstance(upper, IntInfinity)
        if branches and finite and all(key.count(place) <= 1 for key in terms):
            return min(
                _least(_valued(terms, place, end), ends, branches - 1)
                for end in (lower, upper)
                if isinstance(end, int)
            )
    return max(_range(terms, ends)[0], _least_about_ends(terms, ends, places))


# --------------------------------------------------------------------------- degree 2


def _least_on_faces(terms: Polynomial, ends: Ends, places: list[int]) -> Bound:
    """The least value of a polynomial of degree 2, rounded up; of one in one variable, for
    integers."""
    if not _is_bounded_below(terms, ends, places):
        return -int_oo
    best: Fraction | None = None
    choices = [[end for end in ends[p] if isinstance(end, int)] for p in places]
    spend(4 ** len(places) * len(terms))
    for face in itertools.product(*([*dict.fromkeys(own), None] for own in choices)):
        fixed = terms
        for place, end in zip(places, face):
            fixed = fixed if end is None else _valued(fixed, place, end)
        free = [place for place, end in zip(places, face) if end is None]
        point = _critical(fixed, free)
        if point is None or not all(_is_within(v, ends[p]) for p, v in point.items()):
            continue
        near = [point]
        if len(places) == 1:
            near = [{p: Fraction(v // 1 + k) for p, v in point.items()} for k in (0, 1)]
        for at in near:
            value = _value(fixed, at)
            if best is None or value < best:
                best = value
    return -int_oo if best is None else -int(-best // 1)


def _is_within(value: Fraction, ends: tuple[Bound, Bound]) -> bool:
    lower, upper = ends
    above = isinstance(lower, IntInfinity) or lower <= value
    return above and (isinstance(upper, IntInfinity) or value <= upper)


def _is_bounded_below(terms: Polynomial, ends: Ends, places: list[int]) -> bool:
    """Whether the form of degree 2 is known to be positive in the directions without end."""
    open_ends = {p: [isinstance(end, IntInfinity) for end in ends[p]] for p in places}
    free = [p for p in places if any(open_ends[p])]
    squares = [terms.get((p, p), 0) for p in free]
    if not all(c > 0 for c in squares):
        return False
    if len(free) < 2:
        return True
    if len(free) > 2:
        return False
    (x, y), (a, b) = free, squares
    c = terms.get((x, y), 0)
    if c * c < 4 * a * b:
        return True
    signs = [[s for s, is_open in zip((-1, 1), open_ends[p]) if is_open] for p in free]
    return all(c * one * other >= 0 for one, other in itertools.product(*signs))


def _critical(terms: Polynomial, free: list[int]) -> dict[int, Fraction] | None:
    """Where the gradient in some variables is 0; None if that is not one point."""
    rows: list[list[Fraction]] = []
    for p in free:
        row = [Fraction((1 + (p == q)) * terms.get((min(p, q), max(p, q)), 0)) for q in free]
        rows.append([*row, Fraction(-terms.get((p,), 0))])
    size = len(free)
    for column in range(size):
        pivot = next((i for i in range(column, size) if rows[i][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        top = rows[column]
        for i in range(size):
            if i != column and rows[i][column]:
                factor = rows[i][column] / top[column]
                rows[i] = [a - factor * b for a, b in zip(rows[i], top)]
    return {p: rows[i][size] / rows[i][i] for i, p in enumerate(free)}


def _value(terms: Polynomial, point: Mapping[int, Fraction]) -> Fraction:
    total = Fraction(0)
    for key, c in terms.items():
        product = Fraction(c)
        for place in key:
            product *= point[place]
        total += product
    return total


# --------------------------------------------------------------------------- open ranges


def _least_about_ends(terms: Polynomial, ends: Ends, places: list[int]) -> Bound:
    """A lower end with every variable from 0 to its width, ``lower + t`` or ``upper - t``, of
    every term by itself."""
    widths: dict[int, Bound] = {}
    for place in places:
        lower, upper = ends[place]
        if not isinstance(lower, IntInfinity):
            factor: dict[Places, int] = {(): lower, (place,): 1}
        elif not isinstance(upper, IntInfinity):
            factor = {(): upper, (place,): -1}
        else:
            return -int_oo
        is_open = isinstance(lower, IntInfinity) or isinstance(upper, IntInfinity)
        widths[place] = int_oo if is_open else upper + -lower
        shifted: dict[Places, int] = {(): 0}
        for key, c in terms.items():
            product: dict[Places, int] = {tuple(p for p in key if p != place): c}
            for _ in range(key.count(place)):
                product = _multiplied(product, factor)
            for own, total in product.items():
                shifted[own] = shifted.get(own, 0) + total
        terms = shifted
    least: Bound = terms.get((), 0)
    for key, c in terms.items():
        if key and c < 0:
            worst: Bound = c
            for place in key:
                worst = _times(worst, widths[place])
            least += worst
    return least
