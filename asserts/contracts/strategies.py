"""Strategies of hypothesis for the arguments of a function with a contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.annotations import ArrayNote, Leaf, Note
from asserts.contracts.drawing import Drawer, Drawn, Layout
from asserts.errors import InputError
from asserts.testing import array_of, drawn_from
from asserts.testing.arrays import FILLINGS

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["Violation", "inputs", "violations"]

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Violation:
    """The clause that arguments break: of which argument and axis (None: of none), and its
    text, as in `ContractError`."""

    argument: str | None
    axis: int | None
    clause: str

    def __str__(self) -> str:
        if self.argument is None:
            return self.clause
        place = self.argument if self.axis is None else f"{self.argument}.shape[{self.axis}]"
        return f"{place}: {self.clause}"


def inputs(drawer: Drawer, given: Mapping[str, object]) -> SearchStrategy[Arguments]:
    """Arguments that satisfy the contract, by name of parameter."""
    from hypothesis import strategies as st

    layouts = drawer.layouts()
    others = _others(drawer, given)

    @st.composite
    def drawn(draw: DrawFn) -> Arguments:
        layout = draw(st.sampled_from(layouts))
        call = _call(draw, drawer, layout)
        return _arguments(draw, drawer, layout, call, others)

    return drawn()


def violations(
    drawer: Drawer, given: Mapping[str, object]
) -> SearchStrategy[tuple[Violation, Arguments]]:
    """Arguments that break exactly one clause of the contract, with which it is."""
    from hypothesis import strategies as st

    layouts = drawer.layouts()
    others = _others(drawer, given)

    @st.composite
    def drawn(draw: DrawFn) -> tuple[Violation, Arguments]:
        layout = draw(st.sampled_from(layouts))
        leaves = drawer.terms.leaves(layout.absent)
        ways = _ways(drawer, layout, leaves)
        if not ways:
            layout = layouts[0]
            leaves = drawer.terms.leaves(layout.absent)
            ways = _ways(drawer, layout, leaves)
        violation, way = draw(st.sampled_from(ways))
        call = way if isinstance(way, Drawn) else _call(draw, drawer, layout)
        arguments = _arguments(draw, drawer, layout, call, others, violation)
        return violation, arguments

    return drawn()


def _ways(
    drawer: Drawer, layout: Layout, leaves: Sequence[Leaf]
) -> list[tuple[Violation, Drawn | None]]:
    """Every way to break a clause: with these sizes, or (None) by the kind of an array."""
    found: list[tuple[Violation, Drawn | None]] = []
    for clause, call in drawer.breaking(layout):
        place = clause.place
        if place is None:
            found.append((Violation(None, None, clause.text), call))
        else:
            violation = Violation(place.leaf.name, place.axis, place.what.text)
            found.append((violation, call))
    for leaf in leaves:
        if _other_dtype(leaf) is not None:
            found.append((Violation(leaf.name, None, leaf.note.dtypes.described), None))
        if not any(axis.variadic for axis in leaf.note.axes):
            found.append((Violation(leaf.name, None, leaf.note.text), None))
    if not found:
        raise InputError(f"the contract of {drawer.terms.notes.name} forbids nothing")
    return found


def _other_dtype(leaf: Leaf) -> Any:
    """A dtype that is not accepted."""
    names = ("int32", "float32", "bool", "complex64")
    dtypes = (np.dtype(name) for name in names)
    return next((one for one in dtypes if not leaf.note.dtypes.accepts(one)), None)


# --------------------------------------------------------------------------- drawing


def _call(draw: DrawFn, drawer: Drawer, layout: Layout) -> Drawn:
    from hypothesis import strategies as st

    sizes = drawer.sizes(layout)
    values = draw(drawn_from(drawer.pool_of(layout)))
    count = sum(place.what.broadcast for place in sizes.entry.places)
    ones = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return drawer.drawn(sizes, values, ones)


def _others(drawer: Drawer, given: Mapping[str, object]) -> dict[str, Any]:
    """Strategies for the parameters that the contract does not speak of."""
    from hypothesis import strategies as st

    notes, found = drawer.terms.notes, {}
    for name, value in given.items():
        if all(one.name != name for one in notes.parameters):
            raise InputError(f"{notes.name} has no parameter `{name}`")
        found[name] = value if isinstance(value, st.SearchStrategy) else st.just(value)
    for one in notes.parameters:
        if one.name in found or one.note is not None or one.name in drawer.terms.integers:
            continue
        if one.is_integer and one.required:
            found[one.name] = st.integers(0, 8)
        elif one.required:
            raise InputError(
                f"the contract of {notes.name} says nothing of the parameter `{one.name}`: "
                f"give a strategy or a value for it, {one.name}=..."
            )
    return found


def _arguments(
    draw: DrawFn,
    drawer: Drawer,
    layout: Layout,
    call: Drawn,
    others: Mapping[str, Any],
    violation: Violation | None = None,
) -> Arguments:
    arguments: Arguments = {}
    for one in drawer.terms.notes.parameters:
        if one.name in others:
            arguments[one.name] = draw(others[one.name])
        elif one.note is not None:
            arrays = {
                leaf.name: _array(draw, leaf, call, violation)
                for leaf in drawer.terms.leaves(layout.absent)
                if leaf.parameter == one.name
            }
            arguments[one.name] = _built(one.note, one.name, arrays)
        elif one.name in call.integers:
            arguments[one.name] = call.integers[one.name]
    return arguments


def _array(draw: DrawFn, leaf: Leaf, call: Drawn, violation: Violation | None) -> Any:
    """An array of its shape, and of an accepted dtype (unless that is the violation)."""
    from hypothesis import strategies as st

    shape, note = call.shapes.get(leaf.name, ()), leaf.note
    dtypes: list[Any] = note.dtypes.of_numpy()
    if violation == Violation(leaf.name, None, note.text):
        shape = (*shape, draw(st.integers(0, 3)))
    elif violation == Violation(leaf.name, None, note.dtypes.described):
        dtypes = [_other_dtype(leaf)]
    if not dtypes:
        raise InputError(f"{leaf.name}: numpy has no dtype of {note.dtypes.text}")
    filling = draw(st.integers(0, FILLINGS - 1))
    return array_of(note.types, shape, draw(st.sampled_from(dtypes)), filling)


def _built(note: Note, name: str, arrays: Mapping[str, object]) -> Any:
    """The argument in which these arrays are (None where there is none)."""
    if isinstance(note, ArrayNote):
        return arrays.get(name)
    return tuple(
        None if part is None else _built(part, f"{name}[{index}]", arrays)
        for index, part in enumerate(note.parts)
    )
