"""Linear constraints over the integers, and Fourier–Motzkin elimination with integer cuts
(Omega test: Pugh, CACM 1992).

A row is ``sum(c*x) + k <= 0`` (or ``== 0``) over atoms, and records the rows that it was
combined from, so that a contradiction becomes a certificate. (Differences ``x - y <= c`` are
looked at as paths first, see `difference_logic`.) Two searches, in order of cost:

- equalities by exact integer elimination: one with a unit coefficient is substituted; one
  without is brought there by naming integer combinations of its atoms (Knuth, TAOCP 4.5.2,
  as in Pugh's Omega test), so that a gcd that does not divide shows, and every solution
  over the integers, and no other, is kept;
- inequalities by Fourier and Motzkin's elimination with integer tightening (each row is
  divided by the gcd of its coefficients and its constant rounded: Chvátal's cuts), the atom
  with the fewest combinations first, and with Kohler's rule against redundant rows.

Guarantees: every row follows from its parts, whatever the budget; budgets count steps.
Limits: elimination over the rationals with cuts is not complete for integers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from math import gcd
from typing import Any, Final, TypeAlias

from shapes.arith.certificate import (
    Combination,
    Definition,
    Key,
    Lemma,
    Parameter,
    Squeeze,
    Strict,
)
from shapes.base.budget import spend, weight

__all__ = ["Derived", "Elimination", "Row", "combined", "narrate"]


class Derived(Enum):
    """How a row follows from two others where it is not their combination."""

    SQUEEZE = "opposite rows become an equality"
    STRICT = "an end that a disequality excludes moves by one"


Parts: TypeAlias = "tuple[tuple[int, Row], ...]"


class Row:
    """``sum(c*x) + constant <= 0``, or ``== 0`` if `equal`.

    `parts` and `divisor` say how it was combined; a row that was not has a `leaf` (and, for
    a theorem, the rows of its premises as parts with multiplier 0).
    """

    __slots__ = ("constant", "divisor", "equal", "leaf", "parts", "roots", "terms")

    def __init__(
        self,
        terms: dict[Key, int],
        constant: int,
        equal: bool,
        leaf: Any = None,
        parts: Parts = (),
        divisor: int = 1,
    ) -> None:
        self.terms = terms
        self.constant = constant
        self.equal = equal
        self.leaf = leaf
        self.parts = parts
        self.divisor = divisor
        self.roots = 0

    @property
    def impossible(self) -> bool:
        """Whether no integers satisfy this row, as seen from the row alone."""
        if self.terms:
            return self.equal and self.constant % gcd(*self.terms.values()) != 0
        return self.constant != 0 if self.equal else self.constant > 0

    def __repr__(self) -> str:
        left = " + ".join(f"{c}*{x}" for x, c in self.terms.items())
        return f"<{left} + {self.constant} {'==' if self.equal else '<='} 0>"


def combined(p: int, a: Row, q: int, b: Row) -> Row:
    """``p*a + q*b``, divided by the gcd of its coefficients and rounded."""
    spend((len(a.terms) + len(b.terms)) * (1 + _weight_of(a) + _weight_of(b)))
    if p == 1:
        terms = dict(a.terms)
    else:
        terms = {x: p * c for x, c in a.terms.items()}
    for x, c in b.terms.items():
        total = terms.get(x, 0) + q * c
        if total:
            terms[x] = total
        else:
            del terms[x]
    k = p * a.constant + q * b.constant
    equal = a.equal and b.equal
    d = 1
    if terms:
        d = gcd(*terms.values())
        if d > 1:
            if equal and k % d:
                d = 1  # impossible as it stands
            else:
                terms = {x: c // d for x, c in terms.items()}
                k = -(-k // d)
    row = Row(terms, k, equal, None, ((p, a), (q, b)), d)
    row.roots = a.roots | b.roots
    return row


def _weight_of(row: Row) -> int:
    """The cost of the arithmetic of a row: its numbers tend to have the same size."""
    for c in row.terms.values():
        return weight(c.bit_length() + row.constant.bit_length())
    return weight(row.constant.bit_length())


# --------------------------------------------------------------------------- elimination

READ: Final = 2
"""Steps (see `budget`) of comparing the direction of a row with those of others."""

ROW_LIMIT: Final = 400
"""More rows than this at a time are not worth going on with."""


class Elimination:
    """Rows on their way to a contradiction, within a budget of combinations."""

    def __init__(self, rows: Iterable[Row], budget: int) -> None:
        self._rows = list(rows)
        self.budget = budget
        self.solved: list[tuple[Key, Row]] = []
        self._parameters = 0
        self._found: Row | None = None

    def refutation(self) -> Row | None:
        """An impossible combination of the rows, if elimination finds one."""
        rows = self.without_equalities()
        if rows is not None and self._found is None:
            self._eliminate()
        return self._found

    def without_equalities(self) -> list[Row] | None:
        """The rows that are left when equalities are solved for a key of theirs and put into
        the others; `solved` lists them in that order. A single impossible row if there is
        one; None if the budget ran out."""
        for row in self._rows:
            if row.impossible:
                self._found = row
                return [row]
        self._solve_equalities()
        if self._found is not None:
            return [self._found]
        return None if self.budget < 0 else self._rows

    # ------------------------------------------------------------------ equalities

    def _solve_equalities(self) -> None:
        rounds = 0
        while self._found is None and self.budget >= 0:
            equalities = [row for row in self._rows if row.equal and row.terms]
            if not equalities:
                rounds += 1
                if rounds > 2 or not self._squeeze():
                    return
                continue
            row = min(equalities, key=_size_of_equality)
            if row.impossible:
                self._found = row
                return
            key = next((x for x, c in row.terms.items() if c in (1, -1)), None)
            if key is not None:
                self._substitute(row, key)
            else:
                self._name_combination(row)

    def _substitute(self, equality: Row, key: Key) -> None:
        c = equality.terms[key]
        self.solved.append((key, equality))
        kept = []
        for row in self._rows:
            if row is equality:
                continue
            d = row.terms.get(key)
            if d is not None:
                self.budget -= 1
                row = combined(1, row, -d * c, equality)
                if row.impossible:
                    self._found = row
                    return
                if not row.terms:
                    continue
            kept.append(row)
        self._rows = kept

    def _name_combination(self, row: Row) -> None:
        """Without a unit coefficient: with m the smallest and ``c_i = m*q_i + r_i``, name
        ``t = x + sum(q_i*x_i)``, of which the row is ``m*t + sum(r_i*x_i) + k == 0``."""
        self.budget -= 1
        m, pivot = 0, None
        for x, c in row.terms.items():
            if pivot is None or abs(c) < abs(m):
                m, pivot = c, x
        assert pivot is not None
        self._parameters += 1
        t = Parameter(f"t{self._parameters}")
        terms = [(pivot, 1)]
        for x, c in row.terms.items():
            q = (2 * c + abs(m)) // (2 * abs(m)) * (1 if m > 0 else -1)
            if x is not pivot and q:
                terms.append((x, q))
        leaf = Definition(t, tuple(terms), 0)
        # Listed behind the row that it splits up, which may hold earlier names.
        definition = Row({**dict(terms), t: -1}, 0, True, leaf, ((0, row),))
        self._rows.append(definition)
        self._substitute(definition, pivot)

    def _squeeze(self) -> bool:
        """Opposite rows ``e <= 0`` and ``-e <= 0`` become an equality."""
        self._tightest()
        if self._found is not None:
            return False
        held = {frozenset(row.terms.items()): row for row in self._rows}
        made: list[Row] = []
        dropped: set[Row] = set()
        for row in self._rows:
            if row.equal or row in dropped:
                continue
            opposite = held.get(frozenset((x, -c) for x, c in row.terms.items()))
            if opposite is None or opposite.constant != -row.constant:
                continue
            parts = ((1, row), (1, opposite))
            squeezed = Row(row.terms, row.constant, True, Derived.SQUEEZE, parts)
            made.append(squeezed)
            dropped.update((row, opposite))
        self._rows = [row for row in self._rows if row not in dropped] + made
        return bool(made)

    # ------------------------------------------------------------------ inequalities

    def _tightest(self) -> None:
        """Of rows in one direction the tightest, and contradictions of two rows."""
        spend(READ * len(self._rows))
        tightest: dict[frozenset[tuple[Key, int]], Row] = {}
        for row in self._rows:
            direction = frozenset(row.terms.items())
            held = tightest.get(direction)
            if held is None or _is_tighter(row, held):
                tightest[direction] = row
        for row in tightest.values():
            opposite = tightest.get(frozenset((x, -c) for x, c in row.terms.items()))
            if opposite is not None and row.constant + opposite.constant > 0:
                self._found = combined(1, row, 1, opposite)
                return
        self._rows = list(tightest.values())

    def _eliminate(self) -> None:
        self._tightest()
        for index, row in enumerate(self._rows):
            row.roots = 1 << index
        eliminated = 0
        while self._found is None and self._rows and self.budget >= 0:
            uppers, lowers = self._occurrences()
            one_sided = self._without_one_sided(uppers, lowers)
            if one_sided:
                eliminated += one_sided
                continue
            key = min(uppers, key=lambda x: _growth(len(uppers[x]), len(lowers[x])))
            eliminated += 1
            self._combine(key, uppers[key], lowers[key], eliminated)

    def _occurrences(self) -> tuple[dict[Key, list[Row]], dict[Key, list[Row]]]:
        spend(len(self._rows))
        uppers: dict[Key, list[Row]] = {}
        lowers: dict[Key, list[Row]] = {}
        for row in self._rows:
            for x, c in row.terms.items():
                if c > 0:
                    uppers.setdefault(x, []).append(row)
                else:
                    lowers.setdefault(x, []).append(row)
        return uppers, lowers

    def _without_one_sided(
        self, uppers: dict[Key, list[Row]], lowers: dict[Key, list[Row]]
    ) -> int:
        """Drop the rows of atoms that are bounded on one side only; how many there were."""
        dropped: set[Row] = set()
        count = 0
        for these, others in ((uppers, lowers), (lowers, uppers)):
            for x, rows in these.items():
                if x not in others:
                    count += 1
                    dropped.update(rows)
        if dropped:
            self._rows = [row for row in self._rows if row not in dropped]
        return count

    def _combine(
        self, key: Key, uppers: list[Row], lowers: list[Row], eliminated: int
    ) -> None:
        made = []
        for upper in uppers:
            c = upper.terms[key]
            for lower in lowers:
                self.budget -= 1
                if self.budget < 0:
                    return
                if (upper.roots | lower.roots).bit_count() > eliminated + 1:
                    continue
                d = -lower.terms[key]
                g = gcd(c, d)
                row = combined(d // g, upper, c // g, lower)
                if row.impossible:
                    self._found = row
                    return
                if row.terms:
                    made.append(row)
        self._rows = [row for row in self._rows if key not in row.terms] + made
        self._tightest()
        if len(self._rows) > ROW_LIMIT:
            self.budget = -1


def _growth(uppers: int, lowers: int) -> int:
    return uppers * lowers - uppers - lowers


def _is_tighter(row: Row, held: Row) -> bool:
    """A larger constant; of equals the one from fewer rows, which lives longer."""
    if row.constant != held.constant:
        return row.constant > held.constant
    return row.roots.bit_count() < held.roots.bit_count()


def _size_of_equality(row: Row) -> tuple[bool, int]:
    return (not any(c in (1, -1) for c in row.terms.values()), len(row.terms))


# --------------------------------------------------------------------------- certificates


def narrate(row: Row) -> list[Any]:
    """The steps that lead to a row, each after those that it uses.

    A step of a theorem gets the places of its premises; every other leaf is passed through.
    """
    order: list[Row] = []
    place: dict[Row, int] = {}
    stack = [row]
    while stack:
        top = stack[-1]
        if top in place:
            stack.pop()
            continue
        missing = [part for _, part in top.parts if part not in place]
        if missing:
            stack.extend(reversed(missing))
            continue
        place[top] = len(order)
        order.append(top)
        stack.pop()
    return [_step(r, place) for r in order]


def _step(row: Row, place: dict[Row, int]) -> Any:
    used = tuple(place[part] for _, part in row.parts)
    if row.leaf is None:
        parts = tuple((m, place[part]) for m, part in row.parts)
        return Combination(parts, row.divisor)
    if row.leaf is Derived.SQUEEZE:
        return Squeeze(*used)
    if row.leaf is Derived.STRICT:
        return Strict(*used)
    if isinstance(row.leaf, Lemma):
        return replace(row.leaf, premises=used)
    return row.leaf
