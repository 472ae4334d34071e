"""The simplex method for linear constraints with bounds on variables, incremental
(Dutertre & de Moura, "A fast linear-arithmetic solver for DPLL(T)", CAV 2006).

A row bounds its direction: ``x + 2*y - 7 <= 0`` says that a variable which stands for
``x + 2*y`` is at most 7. The tableau writes some of the variables, the basic ones, as
combinations of the others, whose values are whole numbers; a basic variable that is out of
its bounds trades places with one that can give way. Where none can, the bounds in its way
add up to an impossible row (Farkas' lemma), a combination of rows like any other. Rows can
be added to a tableau that is solved, so many questions against the same rows start from one
tableau, each on a copy.

Values may be fractions, although every variable stands for an integer; a caller that needs
integers adds a row that excludes such a value, on either side of it (`branch_and_bound`).

Guarantees: a refutation follows from the rows by non-negative multipliers (any, for
equalities); numbers are exact; budgets count the numbers that pivots write.
Limits: dense rows, so for some hundreds of rows, not for thousands.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd, lcm
from typing import Final, TypeAlias

from shapes.arith.certificate import Key
from shapes.arith.constraint import Row
from shapes.base.budget import spend, weight

__all__ = ["Tableau", "weighted"]

Part: TypeAlias = "tuple[int, Row]"
"""A row and the multiplier with which it says that a variable is within one of its bounds."""

SPARSE_FIRST: Final = 60
"""Pivots in which the variable that gives way is chosen for sparsity. Those behind take the
first, with which the method cannot cycle (Bland's rule)."""


def weighted(parts: Iterable[Part]) -> Row:
    """The sum of rows times multipliers, divided by the gcd of its coefficients and rounded
    up. Multipliers of inequalities are not negative."""
    chosen = tuple(parts)
    terms: dict[Key, int] = {}
    k = 0
    equal = True
    for m, row in chosen:
        k += m * row.constant
        equal = equal and row.equal
        for x, c in row.terms.items():
            terms[x] = terms.get(x, 0) + m * c
    terms = {x: c for x, c in terms.items() if c}
    d = gcd(*terms.values())
    if d > 1 and not (equal and k % d):
        terms = {x: c // d for x, c in terms.items()}
        return Row(terms, -(-k // d), equal, None, chosen, d)
    return Row(terms, k, equal, None, chosen)


class Tableau:
    """Rows as bounds of variables, of which some are combinations of the others.

    Variables are numbered: keys (atoms and parameters) and directions of rows. `steps` is
    the budget, in numbers that pivots may write; `conflict` the impossible row that the last
    failure came to.
    """

    __slots__ = (
        "_above", "_at", "_basic", "_below", "_columns", "_directions", "_lower", "_numbers",
        "_rows", "_scales", "_upper", "_where", "conflict", "steps",
    )  # fmt: skip

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.conflict: Row | None = None
        self._numbers: dict[Key, int] = {}
        self._directions: dict[frozenset[tuple[Key, int]], int] = {}
        self._lower: list[int | None] = []
        self._upper: list[int | None] = []
        self._below: list[Part | None] = []  # why it is not lower
        self._above: list[Part | None] = []
        self._where: list[int] = []  # its column, or ~place of its row
        self._columns: list[int] = []  # the variable of each column
        self._at: list[int] = []  # its value
        # scale * basic variable == sum(coefficient * variable of the column); the last number
        # of a row is the sum's value.
        self._rows: list[list[int]] = []
        self._scales: list[int] = []
        self._basic: list[int] = []

    def copied(self, steps: int) -> Tableau:
        """The same to go on with, within another budget."""
        new = Tableau(steps)
        spend(len(self._rows) * (1 + len(self._columns) // 16))
        new._numbers = dict(self._numbers)
        new._directions = dict(self._directions)
        new._lower = list(self._lower)
        new._upper = list(self._upper)
        new._below = list(self._below)
        new._above = list(self._above)
        new._where = list(self._where)
        new._columns = list(self._columns)
        new._at = list(self._at)
        new._rows = [list(row) for row in self._rows]
        new._scales = list(self._scales)
        new._basic = list(self._basic)
        return new

    # ------------------------------------------------------------------ rows

    def has(self, key: Key) -> bool:
        """Whether the rows speak about a key."""
        return key in self._numbers

    def add(self, row: Row) -> bool:
        """Take in a row; False if it is impossible, or contradicts another one of its
        direction."""
        if row.impossible:
            self.conflict = row
            return False
        if not row.terms:
            return True
        if gcd(*row.terms.values()) > 1:
            row = weighted([(1, row)])
        number, sign = self._variable(row.terms)
        if sign > 0 or row.equal:
            upper = self._upper[number]
            value = -sign * row.constant
            if upper is None or value < upper:
                self._upper[number] = value
                self._above[number] = (sign, row)
        if sign < 0 or row.equal:
            lower = self._lower[number]
            value = -sign * row.constant
            if lower is None or value > lower:
                self._lower[number] = value
                self._below[number] = (-sign, row)
        return self._within(number)

    def _variable(self, terms: dict[Key, int]) -> tuple[int, int]:
        """The variable that stands for a sum, and 1; or for its negation, and -1."""
        if len(terms) == 1:
            ((key, c),) = terms.items()
            return self._number(key), c
        number = self._directions.get(frozenset(terms.items()))
        if number is not None:
            return number, 1
        number = self._directions.get(frozenset([(x, -c) for x, c in terms.items()]))
        if number is not None:
            return number, -1
        number = self._directions[frozenset(terms.items())] = self._new()
        self._where[number] = ~len(self._rows)
        scale, combination = self._written(terms)
        self._rows.append(combination)
        self._scales.append(scale)
        self._basic.append(number)
        return number, 1

    def _new(self) -> int:
        self._lower.append(None)
        self._upper.append(None)
        self._below.append(None)
        self._above.append(None)
        self._where.append(0)
        return len(self._where) - 1

    def _number(self, key: Key) -> int:
        """The variable of a key; a new one stands in a column of its own, at 0."""
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._new()
            self._where[number] = len(self._columns)
            self._columns.append(number)
            self._at.append(0)
            for row in self._rows:
                row.insert(-1, 0)
        return number

    def _written(self, terms: dict[Key, int]) -> tuple[int, list[int]]:
        """A sum of keys as a combination of the columns, with its scale."""
        places = [(self._where[self._number(x)], c) for x, c in terms.items()]
        scale = lcm(*[self._scales[~place] for place, _ in places if place < 0])
        total = [0] * (len(self._columns) + 1)
        for place, c in places:
            if place >= 0:
                total[place] += c * scale
                total[-1] += c * scale * self._at[place]
            else:
                f = c * (scale // self._scales[~place])
                spend(len(total))
                total = [a + f * b for a, b in zip(total, self._rows[~place])]
        g = gcd(scale, *total)
        return (scale, total) if g == 1 else (scale // g, [a // g for a in total])

    def _within(self, number: int) -> bool:
        """Move a variable in a column into its bounds; False if they leave it no value."""
        lower, upper = self._lower[number], self._upper[number]
        if lower is not None and upper is not None and lower > upper:
            above, below = self._above[number], self._below[number]
            assert above is not None
            assert below is not None
            self.conflict = weighted([above, below])
            return False
        column = self._where[number]
        if column < 0:
            return True
        value = self._at[column]
        if lower is not None and value < lower:
            self._move(column, lower)
        elif upper is not None and value > upper:
            self._move(column, upper)
        return True

    def _move(self, column: int, value: int) -> None:
        spend(1 + len(self._rows) // 4)
        change = value - self._at[column]
        self._at[column] = value
        for row in self._rows:
            c = row[column]
            if c:
                row[-1] += c * change

    # ------------------------------------------------------------------ solving

    def solve(self) -> bool | None:
        """Whether all bounds can hold, over the rationals; None if the budget ran out."""
        pivots = 0
        while True:
            spend(len(self._rows))
            place, rising = self._violated()
            if place < 0:
                return True
            column = self._giving_way(place, rising, pivots < SPARSE_FIRST)
            if column < 0:
                self.conflict = self._refutation(place, rising)
                return False
            if self.steps <= 0:
                self.conflict = None
                return None
            pivots += 1
            self._pivot(place, column, rising)

    def _violated(self) -> tuple[int, bool]:
        """The row of the first variable that is out of its bounds, and whether it has to
        rise; -1 if there is none. The first one, and not the one that is farthest out: what
        is far out is often a sum of others that are out too."""
        best, first, rising = -1, 0, False
        scales = self._scales
        lowers, uppers = self._lower, self._upper
        rows = self._rows
        for place, number in enumerate(self._basic):
            if best >= 0 and number > first:
                continue
            value = rows[place][-1]
            lower = lowers[number]
            if lower is not None and value < lower * scales[place]:
                best, first, rising = place, number, True
                continue
            upper = uppers[number]
            if upper is not None and value > upper * scales[place]:
                best, first, rising = place, number, False
        return best, rising

    def _giving_way(self, place: int, rising: bool, sparse: bool) -> int:
        """The column whose variable can move so that a basic one rises (or falls), -1 if all
        are in the way. Of several the one in the fewest rows, so that the tableau stays
        sparse, or simply the first."""
        best, rank, first = -1, 0, 0
        rows = self._rows
        row = rows[place]
        for column, number in enumerate(self._columns):
            c = row[column]
            if not c:
                continue
            end = self._upper[number] if (c > 0) == rising else self._lower[number]
            if end is not None and end == self._at[column]:
                continue
            count = 0
            if sparse:
                spend(len(rows) // 4)
                for other in rows:
                    if other[column]:
                        count += 1
            if best < 0 or count < rank or (count == rank and number < first):
                best, rank, first = column, count, number
        return best

    def _pivot(self, place: int, column: int, rising: bool) -> None:
        """A basic variable goes to its bound and into a column, whose variable becomes basic
        instead."""
        row, scale = self._rows[place], self._scales[place]
        leaving, entering = self._basic[place], self._columns[column]
        end = self._lower[leaving] if rising else self._upper[leaving]
        assert end is not None
        c = row[column]
        sign = 1 if c > 0 else -1
        size = c * sign
        # size * entering == sign * (scale * leaving - the rest); it changes by `change` / size
        change = sign * (end * scale - row[-1])
        made = [-sign * a for a in row]
        made[column] = sign * scale
        made[-1] = change
        self.steps -= len(made)
        spend(len(self._rows) + len(made))
        for other, old in enumerate(self._rows):
            f = old[column]
            if not f or other == place:
                continue
            self.steps -= len(made)
            spend(len(made) * (1 + weight(size.bit_length() + old[-1].bit_length())))
            old[column] = 0
            old_scale = self._scales[other] * size
            new = [size * a + f * b for a, b in zip(old, made)]
            g = gcd(old_scale, *new)
            if g > 1:
                new = [a // g for a in new]
                old_scale //= g
            self._rows[other] = new
            self._scales[other] = old_scale
        made[-1] = size * self._at[column] + change
        self._rows[place], self._scales[place] = made, size
        self._basic[place], self._where[entering] = entering, ~place
        self._columns[column], self._where[leaving] = leaving, column
        self._at[column] = end

    def _refutation(self, place: int, rising: bool) -> Row:
        """The sum of the bounds that keep a basic variable from its own."""
        parts: list[Part] = []
        row = self._rows[place]
        for column, number in enumerate(self._columns):
            c = row[column]
            if c:
                why = self._above[number] if (c > 0) == rising else self._below[number]
                assert why is not None
                parts.append((abs(c) * why[0], why[1]))
        number = self._basic[place]
        own = self._below[number] if rising else self._above[number]
        assert own is not None
        parts.append((own[0] * self._scales[place], own[1]))
        g = gcd(*[m for m, _ in parts])
        return weighted([(m // g, row) for m, row in parts])

    # ------------------------------------------------------------------ integers

    def point(self) -> dict[Key, int] | None:
        """The values of the keys, if they are integers."""
        found: dict[Key, int] = {}
        for key, number in self._numbers.items():
            place = self._where[number]
            if place >= 0:
                found[key] = self._at[place]
                continue
            value, rest = divmod(self._rows[~place][-1], self._scales[~place])
            if rest:
                return None
            found[key] = value
        return found

    def branching(self) -> tuple[Key, int, bool] | None:
        """The first key whose value is a fraction, the integer below it, and whether that is
        the nearer one; None if there is no such key."""
        for key, number in self._numbers.items():
            place = self._where[number]
            if place < 0:
                scale = self._scales[~place]
                value, rest = divmod(self._rows[~place][-1], scale)
                if rest:
                    return key, value, 2 * rest <= scale
        return None
