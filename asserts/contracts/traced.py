"""A function with a contract in a trace: its clauses are conditions on symbolic sizes.

Where the function itself is traced, what its callers satisfy is known; where another function
calls it, that becomes checks of the caller's program. What is stated of the result is a check
in both cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from asserts.annotations import Leaf, Note
from asserts.contracts.checking import Call, arrays_in, sizes_of
from asserts.contracts.places import RankMismatchError
from asserts.contracts.system import Clause, System
from asserts.contracts.terms import Terms
from asserts.errors import ContractError, TraceError
from asserts.trace import SymArray
from asserts.trace.tracer import Tracer
from shapes.base import Location
from shapes.env import Symbolic, SymInt
from shapes.errors import ContradictionError
from shapes.expr import FALSE, TRUE, BoolExpr, Expr, IntExpr, conjunction, symbol
from shapes.traversal import defined, show, substitute

__all__ = ["TracedCall", "state_result", "state_wheres"]


def state_wheres(tracer: Tracer, terms: Terms) -> None:
    """What callers satisfy besides the sizes of arrays, as far as its names are known."""
    for one in terms.fixed[frozenset()].entry.clauses:
        if one.kind != "where":
            continue
        where = next(w for w in terms.wheres if w.text == one.text)
        if where.names <= tracer.env.symbols.keys():
            tracer.contract(conjunction(where.defined, where.claim))


def state_result(
    tracer: Tracer, terms: Terms, result: Any, place: Location | None
) -> None:
    """State what the contract says of the result of a traced function, whose sizes have the
    names of its annotations."""
    if terms.notes.result is None:
        return
    known: dict[Expr, Expr] = {
        info.symbol: info.symbol for info in tracer.env.symbols.values()
    }
    _Stating(tracer, terms, place).result(result, {}, {}, known)


class TracedCall:
    """A call of a function with a contract by a function that is being traced."""

    def __init__(self, tracer: Tracer, terms: Terms) -> None:
        self._tracer = tracer
        self._terms = terms
        self._stating = _Stating(tracer, terms, None)

    def entered(self, arguments: Mapping[str, Any]) -> None:
        """State what the contract requires of the arguments; raises `ContractError` for what
        certainly fails."""
        arrays: dict[str, Any] = {}
        for one in self._terms.notes.parameters:
            if one.note is not None and arguments[one.name] is not None:
                arrays.update(self._stating.parts(one.note, one.name, arguments[one.name]))
        leaves = [leaf for leaf in self._terms.notes.leaves if leaf.name in arrays]
        self._shapes = self._stating.shapes(leaves, arrays)
        self._integers = {
            name: self._tracer.dim_of(arguments[name]) for name in self._terms.integers
        }
        sizes = self._stating.sizes(self._shapes, None)
        known = sizes_of(sizes.entry, self._shapes, {})
        known.update(_integers(self._integers))
        self._stating.state(sizes.entry, known)

    def returned(self, result: Any) -> None:
        """State what the contract says of the result."""
        if self._terms.notes.result is not None:
            self._stating.result(result, self._shapes, self._integers, {})


def _integers(values: Mapping[str, IntExpr]) -> dict[Expr, Expr]:
    return {symbol(name, "int"): value for name, value in values.items()}


class _Stating:
    """States clauses as checks of a trace."""

    def __init__(self, tracer: Tracer, terms: Terms, place: Location | None) -> None:
        self._tracer = tracer
        self._terms = terms
        self._place = place

    def result(
        self,
        result: Any,
        shapes: Mapping[str, tuple[Any, ...]],
        integers: Mapping[str, IntExpr],
        known: dict[Expr, Expr],
    ) -> None:
        """State what is said of a result; `known` are the names that have values."""
        note = self._terms.notes.result
        assert note is not None
        arrays = dict(self.parts(note, "result", result))
        after = self.shapes(self._terms.notes.results, arrays)
        if known:
            system = self._after(after)
            known.update(sizes_of(system, after, {}))
            self.state(system, known)
            return
        sizes = self.sizes(shapes, after)
        known.update(sizes_of(sizes.entry, shapes, {}))
        known.update(_integers(integers))
        self.name(sizes.entry, known)
        assert sizes.exit is not None
        known.update(sizes_of(sizes.exit, after, {}))
        self.state(sizes.exit, known)

    def _after(self, after: Mapping[str, tuple[Any, ...]]) -> System:
        """The system of the result, where the names of the arguments are symbols."""
        fixed = self._terms.fixed[frozenset()]
        assert fixed.exit is not None
        for leaf in self._terms.notes.results:
            if any(axis.variadic for axis in leaf.note.axes):
                raise TraceError(
                    f"the result's annotation \"{leaf.note.text}\" stands for any number of "
                    "axes; a trace has one rank"
                )
            if len(after[leaf.name]) != len(leaf.note.axes):
                raise self._error(leaf, RankMismatchError(leaf, len(after[leaf.name])))
        return fixed.exit

    def parts(self, note: Note, name: str, value: Any) -> list[tuple[str, Any]]:
        """The arrays in a value."""
        try:
            return arrays_in(note, name, value)
        except LookupError as error:
            raise self._wrong(f"{name} is not a tuple of {error.args[1]}", name) from None

    def shapes(
        self, leaves: Sequence[Leaf], arrays: Mapping[str, Any]
    ) -> dict[str, tuple[IntExpr, ...]]:
        """The symbolic shapes of arrays, whose types and dtypes are right."""
        found = {}
        for leaf in leaves:
            value = arrays[leaf.name]
            if not isinstance(value, (SymArray, np.ndarray, np.generic)):
                what = "a number" if isinstance(value, Symbolic) else type(value).__name__
                raise self._wrong(f"{leaf.name} is {what}, not an array", leaf.name)
            if not leaf.note.dtypes.accepts(value.dtype):
                wanted = leaf.note.dtypes.described
                text = f"{leaf.name} is of dtype {value.dtype}, but must be {wanted}"
                raise self._wrong(text, leaf.name)
            found[leaf.name] = self._tracer.shape_of(value)
        return found

    def sizes(
        self,
        shapes: Mapping[str, tuple[Any, ...]],
        after: Mapping[str, tuple[Any, ...]] | None,
    ) -> Any:
        """The systems of a call with arrays of these ranks."""
        ranks = Call(shapes, {}).ranks
        results = None if after is None else Call(after, {}).ranks
        try:
            return self._terms.at_ranks(ranks, results)
        except RankMismatchError as mismatch:
            raise self._error(mismatch.leaf, mismatch) from None

    def name(self, system: System, known: dict[Expr, Any]) -> None:
        """The values of names, of sizes that satisfy the clauses."""
        for named in system.names:
            known[named.name] = substitute(named.value, known)

    def state(self, system: System, known: dict[Expr, Any]) -> None:
        """State every clause as a check; the values of names enter `known`."""
        for named in system.names:
            for clause in named.clauses:
                self._state(clause, known)
            known[named.name] = substitute(named.value, known)
        for clause in system.clauses:
            self._state(clause, known)

    def _state(self, clause: Clause, known: Mapping[Expr, Any]) -> None:
        condition = substitute(clause.condition, known)
        assert isinstance(condition, BoolExpr)
        whole = conjunction(defined(condition), condition)
        assert isinstance(whole, BoolExpr)
        if whole is TRUE:
            return
        name, place = self._terms.notes.name, clause.place
        text = f"`{clause.text}`"
        if place is not None:
            meant = place.what.text
            text = f'{place.text} is `{meant}` (annotated "{place.leaf.note.text}")'
        env = self._tracer.env
        broken = f"the contract of {name} is broken: {text} certainly fails"
        if whole is FALSE or env.decide(whole) is False:
            raise self._wrong(f"{broken}: {_values(clause, known)}", None)
        message = f"the contract of {name}: {text}"
        try:
            env.check(whole, message, "contract", None, self._place)
        except ContradictionError:
            raise self._wrong(f"{broken}: {_values(clause, known)}", None) from None

    def _error(self, leaf: Leaf, mismatch: RankMismatchError) -> ContractError:
        wanted = f'"{leaf.note.text}" has another number'
        return self._wrong(f"{leaf.name} has {mismatch.rank} axes, but {wanted}", leaf.name)

    def _wrong(self, text: str, argument: str | None) -> ContractError:
        name = self._terms.notes.name
        return ContractError(f"{name}: {text}", name, argument)


def _values(clause: Clause, known: Mapping[Expr, Any]) -> str:
    """The size that was found, and what it should be."""
    place = clause.place
    if place is None or clause.meant is None:
        return show(substitute(clause.condition, known))
    found, meant = known[place.own], clause.meant
    return f"it is `{show(found)}`, not `{show(substitute(meant, known))}`"


def is_traced(arguments: Mapping[str, Any]) -> bool:
    """Whether a call belongs to a trace."""
    return any(_is_symbolic(value) for value in arguments.values())


def _is_symbolic(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(map(_is_symbolic, value))
    return isinstance(value, (SymArray, SymInt))
