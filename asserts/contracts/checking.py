"""A call, checked clause by clause: what the compiled guard falls back on.

The guard accepts calls; whatever it does not accept comes here, to be refused with an
explanation, or let through (a dtype that was not seen before, an integer of numpy's).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np

from asserts.annotations import ArrayNote, Leaf, Note, name_of_dtype
from asserts.contracts.compiling import SizesHold, compile_sizes
from asserts.contracts.explain import Explainer
from asserts.contracts.places import RankMismatchError
from asserts.contracts.seen import Seen
from asserts.contracts.system import Clause, Named, System
from asserts.contracts.terms import Ranks, Sizes, Terms
from shapes.base import as_integer
from shapes.errors import ShapeproofError
from shapes.expr import Expr, equal, symbol
from shapes.traversal import evaluate

__all__ = [
    "Call",
    "Checker",
    "Shapes",
    "arrays_in",
    "broken_clauses",
    "first_broken",
    "sizes_of",
]

Shapes = Mapping[str, tuple[Any, ...]]
"""The shape of every array of a call, by its name."""


@dataclass(frozen=True)
class Call:
    """The shapes and integers of a call that was accepted."""

    shapes: Shapes
    integers: Mapping[str, int]

    @property
    def ranks(self) -> Ranks:
        """How many axes the arrays have."""
        return tuple((name, len(shape)) for name, shape in self.shapes.items())


def arrays_in(note: Note | None, name: str, value: object) -> list[tuple[str, Any]]:
    """The arrays in a value, by the names of leaves; `LookupError` with the name, the length
    and the value of a tuple that is none."""
    if note is None:
        return []
    if isinstance(note, ArrayNote):
        return [(name, value)]
    if not isinstance(value, tuple) or len(value) != len(note.parts):
        raise LookupError(name, len(note.parts), value)
    pairs = enumerate(zip(note.parts, value))
    parts = [arrays_in(part, f"{name}[{i}]", one) for i, (part, one) in pairs]
    return [pair for found in parts for pair in found]


class Checker:
    """Checks calls of one function."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.seen = Seen.of([*terms.notes.leaves, *terms.notes.results])
        self._sizes_hold = lru_cache(None)(self._compiled)

    def entered(self, arguments: Mapping[str, Any]) -> Call:
        """The call with these arguments (by parameter); raises `ContractError`."""
        explain = Explainer(self.terms.notes.name, self._described(arguments))
        arrays: dict[str, Any] = {}
        for one in self.terms.notes.parameters:
            if one.note is not None:
                found = self._arrays(one.note, one.name, arguments[one.name], explain)
                arrays.update(found)
        leaves = [leaf for leaf in self.terms.notes.leaves if leaf.name in arrays]
        self._require_kinds(leaves, arrays, explain)
        integers = {}
        for name in self.terms.integers:
            value = arguments[name]
            exact = value if _is_symbolic(value) else as_integer(value)
            if exact is None or isinstance(value, bool):
                raise explain.wrong_integer(name, value)
            integers[name] = exact
        call = Call({name: tuple(one.shape) for name, one in arrays.items()}, integers)
        self._check(call, None, explain)
        return call

    def returned(self, call: Call, result: object) -> None:
        """Check what a call has returned; raises `ContractError`."""
        notes = self.terms.notes
        given = [(n, _shape_text(s)) for n, s in call.shapes.items()]
        explain = Explainer(notes.name, [*given, *_integers_text(call.integers)])
        assert notes.result is not None
        arrays = dict(self._arrays(notes.result, "result", result, explain))
        self._require_kinds(notes.results, arrays, explain)
        self._check(call, {name: tuple(one.shape) for name, one in arrays.items()}, explain)

    # ---------------------------------------------------------------- kinds

    def _arrays(
        self, note: Note, name: str, value: object, explain: Explainer
    ) -> list[tuple[str, Any]]:
        if isinstance(note, ArrayNote) and note.optional and value is None:
            return []
        try:
            return arrays_in(note, name, value)
        except LookupError as error:
            raise explain.wrong_tuple(*error.args) from None

    def _require_kinds(
        self, leaves: Sequence[Leaf], arrays: Mapping[str, Any], explain: Explainer
    ) -> None:
        for leaf in leaves:
            value = arrays[leaf.name]
            is_array = hasattr(value, "shape") and hasattr(value, "dtype")
            if not is_array or (leaf.note.types and not isinstance(value, leaf.note.types)):
                raise explain.wrong_type(leaf, value)
            dtypes = leaf.note.dtypes
            if not dtypes.accepts(value.dtype):
                raise explain.wrong_dtype(leaf, value.dtype)
            self.seen.types[leaf.note.types].add(type(value))
            if dtypes.names is not None:
                self.seen.dtypes[dtypes].add(value.dtype)

    def _described(self, arguments: Mapping[str, object]) -> list[tuple[str, str]]:
        found = []
        for one in self.terms.notes.parameters:
            value = arguments[one.name]
            if one.note is not None:
                found.append((one.name, _described(value)))
            elif one.name in self.terms.integers:
                found.append((one.name, f"= {value!r}"))
        return found

    # ---------------------------------------------------------------- sizes

    def _check_symbolic(self, call: Call, results: Shapes | None, explain: Explainer) -> None:
        """Check sizes that are another framework's symbolic numbers, by its own comparisons
        (which may state guards, or raise)."""
        absent = frozenset(self.terms.optional).difference(call.shapes)
        try:
            holds = self._sizes_hold(absent, results is not None)
            held = holds(call.shapes, call.integers, results or {})
        except (ArithmeticError, ValueError):
            held = False
        if not held:
            raise explain.symbolic(self.terms.notes)

    def _compiled(self, absent: frozenset[str], at_exit: bool) -> SizesHold:
        return compile_sizes(self.terms, absent, at_exit)

    def _check(self, call: Call, results: Shapes | None, explain: Explainer) -> None:
        after = None if results is None else _ranks(results)
        try:
            sizes = self.terms.at_ranks(call.ranks, after)
        except RankMismatchError as mismatch:
            name = mismatch.leaf.name
            shapes = call.shapes if mismatch.leaf.parameter is not None else results or {}
            raise explain.wrong_rank(mismatch, shapes[name]) from None
        numbers = [*chain(*call.shapes.values(), *(results or {}).values())]
        if any(map(_is_symbolic, [*numbers, *call.integers.values()])):
            self._check_symbolic(call, results, explain)
            return
        values = sizes_of(sizes.entry, call.shapes, call.integers)
        broken = first_broken(sizes.entry, values)
        if broken is None and sizes.exit is not None:
            assert results is not None
            values.update(sizes_of(sizes.exit, results, {}))
            broken = first_broken(sizes.exit, values)
        if broken is not None:
            raise explain.broken(broken, values, _names(sizes))


def _is_symbolic(value: object) -> bool:
    """Whether a size is another framework's symbolic number."""
    is_plain = isinstance(value, (int, float, complex, str, np.generic, np.ndarray))
    return not is_plain and hasattr(value, "__index__")


def _ranks(shapes: Shapes) -> Ranks:
    return tuple((name, len(shape)) for name, shape in shapes.items())


def _names(sizes: Sizes) -> list[Named]:
    return [*sizes.entry.names, *(sizes.exit.names if sizes.exit else ())]


def sizes_of(
    system: System, shapes: Shapes, integers: Mapping[str, int]
) -> dict[Expr, Any]:
    """The sizes of all places, and the integers, by symbol."""
    values: dict[Expr, Any] = {symbol(name, "int"): n for name, n in integers.items()}
    for place in system.places:
        values[place.own] = shapes[place.leaf.name][place.axis]
    return values


def first_broken(system: System, values: dict[Expr, Any]) -> Clause | None:
    """The first clause that does not hold; the values of names enter `values`."""
    for named in system.names:
        for clause in named.clauses:
            if not _holds(clause, values):
                return clause
        try:
            values[named.name] = evaluate(named.value, values)
        except ShapeproofError:
            place = named.places[0]
            return Clause(_of(named), "defined", place, None)
    return next((one for one in system.clauses if not _holds(one, values)), None)


def broken_clauses(system: System, values: dict[Expr, Any]) -> list[Clause] | None:
    """All clauses that do not hold, as far as names have values without; None if one has none.
    The values of names enter `values`."""
    broken = []
    for named in system.names:
        broken += [clause for clause in named.clauses if not _holds(clause, values)]
        try:
            values[named.name] = evaluate(named.value, values)
        except ShapeproofError:
            return None
    return broken + [clause for clause in system.clauses if not _holds(clause, values)]


def _of(named: Named) -> Any:
    return equal(named.name, named.value)


def _holds(clause: Clause, values: Mapping[Expr, object]) -> bool:
    try:
        return evaluate(clause.condition, values) is True
    except ShapeproofError:
        return False


# --------------------------------------------------------------------------- text


def _described(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_described, value))})"
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return f"= {value!r}" if value is None else f"of type {type(value).__name__}"
    return f"{name_of_dtype(value.dtype)}{_shape_text(value.shape)}"


def _shape_text(shape: Sequence[object]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _integers_text(integers: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(name, f"= {value}") for name, value in integers.items()]
