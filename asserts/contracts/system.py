"""What the sizes of a call mean together: how every name is read from them, and what is left
to be checked.

Every axis is an equation between the size of its place and what the annotation says of it.
Names that stand alone are read first; the equations are then solved for the others (see
`asserts.trace.derived`). A name that stands only behind ``#`` is the size that those axes
broadcast to.

Guarantee: the clauses hold exactly if sizes (0 or more) for the names exist with which every
axis is what its annotation says, and every `where` holds. A name that is not determined by
the sizes is refused when the system is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

from asserts.contracts.places import Place
from asserts.errors import AnnotationError
from asserts.trace.derived import Equation, Solution, UndeterminedError, solve
from shapes.env import ShapeEnv
from shapes.errors import ContradictionError, ShapeproofError
from shapes.expr import (
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    conjunction,
    constant,
    disjunction,
    equal,
    not_equal,
    symbol,
    where,
)
from shapes.traversal import free_symbols, parse_spelled

__all__ = [
    "Clause",
    "Named",
    "System",
    "Where",
    "meaning_of",
    "names_of",
    "system_of",
    "where_of",
]

Kind = Literal["equal", "broadcast", "defined", "solvable", "where"]


@dataclass(frozen=True)
class Where:
    """A condition that the author of a function states: its text, and what that means."""

    text: str
    claim: BoolExpr
    defined: BoolExpr

    @property
    def names(self) -> frozenset[str]:
        """The names that it speaks of."""
        return frozenset(s.name for s in free_symbols(self.claim, self.defined))


@dataclass(frozen=True)
class Clause:
    """A condition on sizes, with the place that it is about (None: a `where`); `meant` is what
    the size must be."""

    condition: BoolExpr
    kind: Kind
    place: Place | None
    meant: IntExpr | None = None
    text: str = ""


@dataclass(frozen=True)
class Named:
    """A name as it is read from sizes, after those before it: what must hold of the sizes, and
    the places that fix it."""

    name: IntExpr
    value: IntExpr
    clauses: tuple[Clause, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True)
class System:
    """The names in the order in which they are read, then the clauses in theirs."""

    places: tuple[Place, ...]
    names: tuple[Named, ...]
    clauses: tuple[Clause, ...]

    def every_clause(self) -> list[Clause]:
        """Those of the names, and the others."""
        return [*(c for named in self.names for c in named.clauses), *self.clauses]


def where_of(text: object) -> Where:
    """A condition as text, with the names of sizes and integers.

    Raises `AnnotationError` for what is none.
    """
    if not isinstance(text, str):
        raise AnnotationError(f"a condition of where= is text, not {type(text).__name__}")
    try:
        found = parse_spelled(_ours(text))
    except ShapeproofError as error:
        raise AnnotationError(f"where={text!r} is not a condition: {error}") from None
    if not isinstance(found.expr, BoolExpr):
        raise AnnotationError(f"where={text!r} is a number, not a condition")
    return Where(text, found.expr, found.defined)


def meaning_of(place: Place) -> tuple[IntExpr, BoolExpr]:
    """What the size of a place must be, and when that has a value."""
    found = _meaning(place)
    return found.meant, found.defined


def names_of(places: Iterable[Place]) -> set[str]:
    """The names that the sizes of these places speak of, and those of the places.

    Raises `AnnotationError` for sizes that are none.
    """
    found = set()
    for place in places:
        found.add(place.own.name)
        if place.what.size is not None:
            found |= {one.name for one in _symbols(_meaning(place))}
    return found


def system_of(
    places: Sequence[Place],
    known: Mapping[str, bool],
    wheres: Sequence[Where] = (),
    strict: bool = True,
) -> System:
    """The system of these axes; `known` are names that have a value already (and whether they
    are sizes).

    Raises `AnnotationError` for a name that is not determined, and for sizes that cannot be:
    `strict` says whether all that is known of the function is asked (not for one call, for
    which that has been done).
    """
    return _Builder(places, known, wheres, strict).built()


@dataclass
class _Meant:
    """A place with what its size must be."""

    place: Place
    meant: IntExpr
    defined: BoolExpr


@dataclass
class _Builder:
    places: Sequence[Place]
    known: Mapping[str, bool]
    wheres: Sequence[Where]
    strict: bool
    env: ShapeEnv = field(default_factory=ShapeEnv)

    def built(self) -> System:
        exact, spread = self._meanings()
        unknown = self._unknown([*exact, *spread])
        self._declare(unknown)
        equations = [Equation(m.place.own, m.meant, m.place.what.text) for m in exact]
        equations.sort(key=lambda one: not one.meant.is_symbol)
        broadcast, solutions, left = self._solved(equations, unknown, exact, spread)
        by_own: dict[Expr, Place] = {m.place.own: m.place for m in [*exact, *spread]}
        if self.strict:
            conditions = [m.defined for m in [*exact, *spread]]
            self._require_possible(solutions, [*conditions, *(e.holds for e in equations)])
        clauses = [*self._left(left, by_own), *_spread(spread)]
        clauses += [
            Clause(m.defined, "defined", m.place, m.meant)
            for m in [*exact, *spread]
            if m.defined is not TRUE
        ]
        order = {place.own: index for index, place in enumerate(self.places)}
        clauses.sort(key=lambda one: order[one.place.own] if one.place else 0)
        clauses += [_of_where(one) for one in self.wheres]
        names = [*broadcast, *(_named(one, by_own) for one in solutions)]
        return System(tuple(self.places), tuple(names), tuple(clauses))

    def _meanings(self) -> tuple[list[_Meant], list[_Meant]]:
        """What the sizes must be, and what those must be that may be 1 instead."""
        exact: list[_Meant] = []
        spread: list[_Meant] = []
        for place in self.places:
            if place.what.size is not None:
                (spread if place.what.broadcast else exact).append(_meaning(place))
        return exact, spread

    def _unknown(self, meanings: Iterable[_Meant]) -> list[IntExpr]:
        found = {
            s: None
            for one in meanings
            for s in sorted(_symbols(one), key=partial(_position, one.place))
            if s.name not in self.known and isinstance(s, IntExpr)
        }
        return list(found)

    def _declare(self, unknown: Sequence[IntExpr]) -> None:
        """What is certain before any clause is checked."""
        sizes = [place.own.name for place in self.places] + [s.name for s in unknown]
        sizes += [name for name, is_size in self.known.items() if is_size]
        for name in dict.fromkeys(sizes):
            self.env.size(name)
        for name, is_size in self.known.items():
            if not is_size:
                self.env.integer(name)
        for name in sorted({n for one in self.wheres for n in one.names}):
            if name not in self.env.symbols:
                self.env.size(name)

    # ---------------------------------------------------------------- solving

    def _solved(
        self,
        equations: Sequence[Equation],
        unknown: Sequence[IntExpr],
        exact: Sequence[_Meant],
        spread: Sequence[_Meant],
    ) -> tuple[list[Named], list[Solution], list[Equation]]:
        """The names that are what axes broadcast to, and the solutions for the others."""
        behind = list(dict.fromkeys(m.meant for m in spread if m.meant in unknown))
        used = set(free_symbols(*(m.meant for m in exact)))
        alone = [name for name in behind if name not in used]
        try:
            return self._with_broadcast(equations, unknown, alone, spread)
        except UndeterminedError as error:
            if alone == behind:
                raise self._refused(error) from None
        try:
            return self._with_broadcast(equations, unknown, behind, spread)
        except UndeterminedError as error:
            raise self._refused(error) from None

    def _with_broadcast(
        self,
        equations: Sequence[Equation],
        unknown: Sequence[IntExpr],
        chosen: Sequence[IntExpr],
        spread: Sequence[_Meant],
    ) -> tuple[list[Named], list[Solution], list[Equation]]:
        broadcast = []
        for name in chosen:
            own = tuple(m.place for m in spread if m.meant is name)
            broadcast.append(Named(name, _broadcast([p.own for p in own]), (), own))
        wanted = [name for name in unknown if name not in chosen]
        solutions, left = solve(equations, wanted, self.env.decide)
        return broadcast, solutions, left

    def _refused(self, error: UndeterminedError) -> AnnotationError:
        name, shown = error.name, " and ".join(f'"{text}"' for text in error.texts)
        behind = [m for m in self.places if m.what.broadcast and m.what.size == name]
        said = f"{shown} do not determine it" if len(error.texts) > 1 else f"{shown} does not"
        if not error.texts:
            said = "nothing does" if not behind else f'"#{name}" does not'
        return AnnotationError(
            f"the sizes of the arrays do not determine `{name}`: {said}; let an axis be "
            f"`{name}` itself or an expression that can be solved for it (such as `2*{name}` "
            f"or `{name}+1`), or add an integer parameter `{name}: int`"
        )

    def _require_possible(
        self, solutions: Sequence[Solution], conditions: Sequence[BoolExpr]
    ) -> None:
        """Every name has one value at most, and there are sizes at all."""
        self._assume([c for one in self.wheres for c in (one.defined, one.claim)])
        for solution in solutions:
            self._require_divisor(solution)
        self._assume(conditions)

    def _assume(self, conditions: Sequence[BoolExpr]) -> None:
        try:
            for condition in conditions:
                self.env.assume(condition)
        except ContradictionError as error:
            raise AnnotationError(f"no sizes satisfy the contract: {error}") from None

    def _require_divisor(self, solution: Solution) -> None:
        divisor, equation = solution.divisor, solution.equation
        if divisor is None or equation is None:
            return
        if self.env.prove(not_equal(divisor, constant(0))).proved:
            return
        name = solution.name.name
        raise AnnotationError(
            f'"{equation.text}" does not determine `{name}` where `{divisor}` is 0: exclude '
            f'that with where="{divisor} != 0" (or a stronger condition)'
        )

    # ---------------------------------------------------------------- clauses

    def _left(
        self, equations: Sequence[Equation], by_own: Mapping[Expr, Place]
    ) -> list[Clause]:
        return [
            Clause(one.holds, "equal", by_own[one.own], one.meant)
            for one in equations
            if one.holds is not TRUE
        ]


_REFUSED: Final = (
    '"{}": `{}` is not a size: it is neither a name, a number nor an expression of these: {}'
)


_BUILTINS: Final = re.compile(r"\b(?:min|max)(?=\()")
"""Functions of Python's that expressions of sizes call (ours have other names)."""


def _ours(text: str) -> str:
    """An expression with our names of functions."""
    return _BUILTINS.sub(lambda found: found[0].capitalize(), text)


def _meaning(place: Place) -> _Meant:
    size = place.what.size
    assert size is not None
    size = _ours(size)
    if place.what.variadic or size.isidentifier():
        named = symbol(size, "int")
        return _Meant(place, named, TRUE)
    text = place.leaf.note.text
    try:
        found = parse_spelled(size)
    except ShapeproofError as error:
        raise AnnotationError(_REFUSED.format(text, size, error)) from None
    if not isinstance(found.expr, IntExpr):
        raise AnnotationError(_REFUSED.format(text, size, "use `//` for a quotient of sizes"))
    for one in free_symbols(found.expr):
        if not one.name.isidentifier():
            raise AnnotationError(_REFUSED.format(text, size, f"`{one.name}` is not a name"))
    return _Meant(place, found.expr, found.defined)


def _symbols(one: _Meant) -> list[Expr]:
    """The names in a size (one that cancels, as in ``a//a``, must not be 0)."""
    return free_symbols(one.meant, one.defined)


def _position(place: Place, name: Expr) -> int:
    """Where the text of a size has a name. (What was built before decides the order of the
    terms of an expression.)"""
    found = re.search(rf"\b{re.escape(name.name)}\b", place.what.size or "")
    return 0 if found is None else found.start()


def _broadcast(sizes: Sequence[IntExpr]) -> IntExpr:
    """The first size that is not 1, else 1."""
    result: Expr = constant(1)
    for own in reversed(sizes):
        result = where(not_equal(own, constant(1)), own, result)
    assert isinstance(result, IntExpr)
    return result


def _spread(meanings: Sequence[_Meant]) -> list[Clause]:
    """An axis behind ``#`` is 1 or what it must be."""
    return [
        Clause(
            disjunction(equal(m.place.own, constant(1)), equal(m.place.own, m.meant)),
            "broadcast",
            m.place,
            m.meant,
        )
        for m in meanings
    ]


def _of_where(one: Where) -> Clause:
    return Clause(conjunction(one.defined, one.claim), "where", None, None, one.text)


def _named(one: Solution, by_own: Mapping[Expr, Place]) -> Named:
    if one.equation is not None:
        places: tuple[Place, ...] = (by_own[one.equation.own],)
        meant: IntExpr | None = one.equation.meant
    else:
        places = tuple(by_own[s] for s in free_symbols(one.value) if s in by_own)
        meant = None
    clauses = tuple(Clause(c, "solvable", places[0], meant) for c in one.conditions)
    return Named(one.name, one.value, clauses, places)
