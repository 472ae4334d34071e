"""Linear equations in integers: what a sum leaves modulo something, under them.

``2*x == 3*y`` makes x a multiple of 3. The solutions of a system are a point plus a lattice:
the equations are taken one by one, and the generators of the lattice combined until the
equation says something of one of them only, as in Euclid's algorithm. A sum of the unknowns is
congruent to its value at the point, modulo the common divisor of its values on the generators.

Sources: Schrijver, Theory of Linear and Integer Programming, 1986, chapter 4 and 5 (Hermite
normal form).
Guarantees: exact for the equations, if nothing else restricts the unknowns.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Final

from shapes.base.budget import spend
from shapes.domains import Congruence
from shapes.expr.nodes import IntExpr
from shapes.facts.bounds import congruence
from shapes.facts.store import Facts

__all__ = ["residue_under_equations"]

UNKNOWNS: Final = 16
EQUATIONS: Final = 12


def residue_under_equations(facts: Facts, e: IntExpr) -> Congruence | None:
    """The congruence of a sum that follows from what is known of sums of its atoms, and of
    atoms that are connected with these: their values, and what they leave. None where nothing
    does."""
    places, equations = _connected(facts, e)
    if not equations:
        return None
    known = [congruence(facts, x) for x in places]
    point = [c.residue for c in known]
    lattice = []
    for place, c in enumerate(known):
        steps = [0] * len(places)
        steps[place] = c.modulus
        if c.modulus:
            lattice.append(steps)
    for row, k, m in equations:
        if not _restrict(point, lattice, [row.terms().get(x, 0) for x in places], k, m):
            return None
    terms = [e.terms().get(x, 0) for x in places]
    value = e.constant + _product(terms, point)
    return Congruence.of(gcd(*(_product(terms, steps) for steps in lattice)), value)


def _connected(
    facts: Facts, e: IntExpr
) -> tuple[list[IntExpr], list[tuple[IntExpr, int, int]]]:
    """The atoms of a sum and of what is known of sums with them; of these the sum, and what it
    leaves modulo a number (0: it is that)."""
    places = list(e.terms())
    equations: dict[IntExpr, tuple[IntExpr, int, int]] = {}
    for x in places:  # grows while it is read
        for d in facts.relations_about(x):
            known = facts.knowledge(d)
            m, r = known.congruence
            if isinstance(known.lower, int) and known.lower == known.upper:
                m, r = 0, known.lower
            if m == 1 or d in equations:
                continue
            new = [y for y in d.terms() if y not in places]
            if len(equations) == EQUATIONS or len(places) + len(new) > UNKNOWNS:
                return places, list(equations.values())
            equations[d] = d, r, m
            places += new
    return places, list(equations.values())


def _restrict(
    point: list[int], lattice: list[list[int]], row: Sequence[int], k: int, m: int
) -> bool:
    """Restrict the solutions to those for which a row is k modulo m; whether there are any."""
    spend(1 + len(lattice) * len(row))
    missing = k - _product(row, point)
    if m:
        lattice.append([0] * len(row))  # an unknown that moves nothing but the row's value
    values = [_product(row, steps) for steps in lattice]
    if m:
        values[-1] = m
    pivot = _combined(lattice, values)
    if pivot is None:
        return missing == 0
    if missing % values[pivot]:
        return False
    times = missing // values[pivot]
    for place, step in enumerate(lattice.pop(pivot)):
        point[place] += times * step
    return True


def _combined(lattice: list[list[int]], values: list[int]) -> int | None:
    """Combine generators until a row has a value on one of them only: its place; None if the
    row is 0 on all of them."""
    while True:
        left = [place for place, value in enumerate(values) if value]
        if len(left) < 2:
            return left[0] if left else None
        least = min(left, key=lambda place: abs(values[place]))
        for place in left:
            if place != least:
                times = values[place] // values[least]
                values[place] -= times * values[least]
                spend(len(lattice[place]))
                for i, step in enumerate(lattice[least]):
                    lattice[place][i] -= times * step


def _product(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b))
