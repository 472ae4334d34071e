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
from asserts.contracts.terms import Sizes, Terms
from asserts.errors import ContractError
from asserts.trace import SymArray
from asserts.trace.introspection import stands_for
from asserts.trace.tracer import Tracer
from shapes.base import Location
from shapes.env import Symbolic, SymInt
from shapes.errors import ContradictionError
from shapes.expr import FALSE, TRUE, Expr, IntExpr, as_expr, conjunction, constant, symbol
from shapes.traversal import defined, show, substitute

__all__ = ["TracedCall", "is_traced"]


class TracedCall:
    """A call in a trace: of the function that is traced (`own`), whose callers satisfy the
    contract, or of another one by it."""

    def __init__(
        self, tracer: Tracer, terms: Terms, own: bool, place: Location | None = None
    ) -> None:
        self._tracer = tracer
        self._terms = terms
        self._own = own
        self._place = place
        self._shapes: dict[str, tuple[IntExpr, ...]] = {}
        self._integers: dict[str, IntExpr] = {}
        self.by_form: list[str] = []
        """What was stated of the result, and needs no proof: both sides are the same."""

    def entered(self, arguments: Mapping[str, object]) -> None:
        """State what the contract requires of the arguments; raises `ContractError` for what
        certainly fails."""
        arrays: dict[str, Any] = {}
        for one in self._terms.notes.parameters:
            value = arguments.get(one.name)
            if one.note is not None and value is not None:
                arrays.update(self._parts(one.note, one.name, value))
        leaves = [leaf for leaf in self._terms.notes.leaves if leaf.name in arrays]
        self._shapes = self._shapes_of(leaves, arrays)
        self._integers = {
            name: self._tracer.dim_of(arguments[name]) for name in self._terms.integers
        }
        self._state(self._sizes(None).entry, self._known(), self._own)

    def resumed(self, call: Call) -> TracedCall:
        """This call after one of plain arrays has been accepted."""
        self._shapes = {
            name: tuple(map(constant, shape)) for name, shape in call.shapes.items()
        }
        self._integers = {name: constant(value) for name, value in call.integers.items()}
        return self

    def returned(self, result: object) -> None:
        """State what the contract says of the result."""
        note = self._terms.notes.result
        if note is None:
            return
        arrays = dict(self._parts(note, "result", result))
        after = self._shapes_of(self._terms.notes.results, arrays)
        sizes = self._sizes(after)
        known = self._known()
        self._name(sizes.entry, known)
        assert sizes.exit is not None
        known.update(sizes_of(sizes.exit, after, {}))
        self._state(sizes.exit, known, False)

    # ---------------------------------------------------------------- what is there

    def _known(self) -> dict[Expr, Any]:
        """The sizes of the arguments, and the integers."""
        entry = self._sizes(None).entry
        known = sizes_of(entry, self._shapes, {})
        known.update({symbol(name, "int"): n for name, n in self._integers.items()})
        return known

    def _parts(self, note: Note, name: str, value: object) -> list[tuple[str, Any]]:
        """The arrays in a value."""
        try:
            return arrays_in(note, name, value)
        except LookupError as error:
            raise self._wrong(f"{name} is not a tuple of {error.args[1]}", name) from None

    def _shapes_of(
        self, leaves: Sequence[Leaf], arrays: Mapping[str, object]
    ) -> dict[str, tuple[IntExpr, ...]]:
        """The symbolic shapes of arrays, whose types and dtypes are right."""
        found = {}
        for leaf in leaves:
            value = arrays[leaf.name]
            if not isinstance(value, (SymArray, np.ndarray, np.generic)):
                what = "a number" if isinstance(value, Symbolic) else type(value).__name__
                raise self._wrong(f"{leaf.name} is {what}, not an array", leaf.name)
            kind = stands_for(value) if isinstance(value, SymArray) else type(value)
            if leaf.note.types and not issubclass(kind, leaf.note.types):
                wanted = " or ".join(one.__name__ for one in leaf.note.types)
                raise self._wrong(f"{leaf.name} is {kind.__name__}, not {wanted}", leaf.name)
            if not leaf.note.dtypes.accepts(value.dtype):
                wanted = leaf.note.dtypes.described
                text = f"{leaf.name} is of dtype {value.dtype}, but must be {wanted}"
                raise self._wrong(text, leaf.name)
            found[leaf.name] = self._tracer.shape_of(value)
        return found

    def _sizes(self, after: Mapping[str, tuple[object, ...]] | None) -> Sizes:
        """The systems of a call with arrays of these ranks."""
        results = None if after is None else Call(after, {}).ranks
        try:
            return self._terms.at_ranks(Call(self._shapes, {}).ranks, results)
        except RankMismatchError as mismatch:
            leaf = mismatch.leaf
            wanted = f'"{leaf.note.text}" has another number'
            text = f"{leaf.name} has {mismatch.rank} axes, but {wanted}"
            raise self._wrong(text, leaf.name) from None

    # ---------------------------------------------------------------- stating

    def _name(self, system: System, known: dict[Expr, Any]) -> None:
        """The values of names enter `known`, as simple as what is known allows."""
        for named in system.names:
            value: Expr = substitute(named.value, known)
            if not (value.is_symbol or value.is_constant):
                simple = self._tracer.env.simplify(value)
                value = simple.expr if isinstance(simple, Symbolic) else as_expr(simple)
            known[named.name] = value

    def _state(self, system: System, known: dict[Expr, Any], axioms: bool) -> None:
        """State every clause, as what callers satisfy or as a check; the values of names enter
        `known`. What the author states himself comes first: the rest may follow from it."""
        plain = dict(known)
        self._name(system, plain)
        if axioms:
            for clause in system.clauses:
                if clause.kind == "where":
                    self._state_one(clause, plain, axioms)
        self._name(system, known)
        for clause in system.every_clause():
            self._state_one(clause, known, axioms)

    def _state_one(self, clause: Clause, known: Mapping[Expr, Any], axiom: bool) -> None:
        condition = substitute(clause.condition, known)
        whole = conjunction(defined(condition), condition)
        if whole is TRUE:
            self.by_form += [_clause_text(clause)] if self._own and not axiom else []
            return
        name, place, env = self._terms.notes.name, clause.place, self._tracer.env
        text = f"`{clause.text}`"
        if place is not None:
            text = f'{place.text} is `{place.what.text}` (annotated "{place.leaf.note.text}")'
        broken = f"the contract of {name} is broken: {text} certainly fails"
        try:
            if whole is FALSE or env.decide(whole) is False:
                raise self._wrong(f"{broken}: {_values(clause, known)}", None)
            if axiom and not env.prove(whole).proved:
                self._tracer.contract(whole)
            elif axiom:
                return
            else:
                message = f"the contract of {name}: {text}"
                # (The names of another function's clauses would not be those of this one.)
                written = _clause_text(clause) if self._own else None
                env.check(whole, message, "contract", None, self._place, written)
        except ContradictionError:
            raise self._wrong(f"{broken}: {_values(clause, known)}", None) from None

    def _wrong(self, text: str, argument: str | None) -> ContractError:
        name = self._terms.notes.name
        return ContractError(f"{name}: {text}", name, argument)


def _clause_text(clause: Clause) -> str:
    """A clause in the names of the function that states it."""
    place = clause.place
    return clause.text if place is None else f"{place.text} == {place.what.text}"


def _values(clause: Clause, known: Mapping[Expr, Any]) -> str:
    """The size that was found, and what it should be."""
    place = clause.place
    if place is None or clause.meant is None:
        return show(substitute(clause.condition, known))
    found, meant = known[place.own], clause.meant
    if clause.kind == "solvable":
        return f"it is `{show(found)}`, which is that for no size"
    return f"it is `{show(found)}`, not `{show(substitute(meant, known))}`"


def is_traced(arguments: Mapping[str, object]) -> bool:
    """Whether a call belongs to a trace."""
    return any(_is_symbolic(value) for value in arguments.values())


def _is_symbolic(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return any(map(_is_symbolic, value))
    return isinstance(value, (SymArray, SymInt))
