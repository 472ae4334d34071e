"""Specifications of inputs that a function's annotations say already.

An annotated array is a `Spec` of the sizes and the dtype that its annotation names (of several
dtypes the usual one, float64 or int64), unless it has a default; an annotated integer is
symbolic if it has none, or is the name of a size. What a function with a contract states
besides (conditions, its result) its contract enters into the trace.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any

from asserts.annotations import Annotated, ArrayNote, Note, Stated, annotated
from asserts.annotations.signature import stated
from asserts.errors import AnnotationError, TraceError
from asserts.trace.inputs import Spec
from asserts.trace.names import unused

__all__ = ["Subject", "annotated_names", "names_in", "subject_of"]


@dataclass(frozen=True)
class Subject:
    """What is traced: the function, the specifications of its inputs by position and by name,
    and its contract if it has one."""

    function: Callable[..., Any]
    specs: tuple[Any, ...]
    named: Mapping[str, Any]
    contract: Stated | None = None


def subject_of(
    function: Callable[..., Any], specs: Sequence[Any], named: Mapping[str, Any]
) -> Subject:
    """What is traced, with specifications from annotations where none is given.

    Raises `TraceError` for an annotation of which no inputs can be made.
    """
    contract = stated(function)
    inner = _inner(function, contract)
    try:
        bound = inspect.signature(inner).bind_partial(*specs, **named)
    except (TypeError, ValueError):
        return Subject(inner, tuple(specs), named, contract)  # (`bound_specs` says why)
    notes = _notes(inner, bound.arguments)
    if notes is None:
        return Subject(inner, tuple(specs), named, contract)
    positional, by_name = _filled(notes, bound)
    return Subject(inner, positional, by_name, contract)


def annotated_names(function: Callable[..., Any]) -> set[str]:
    """The parameters that need no specification, for their annotations are one."""
    inner = _inner(function, stated(function))
    try:
        notes = annotated(inner)
    except AnnotationError:
        return set()
    if not notes.leaves:
        return set()
    return {one.name for one in notes.parameters if one.note is not None or one.is_integer}


def _inner(function: Callable[..., Any], contract: Stated | None) -> Callable[..., Any]:
    """The function without its guard, bound as it was."""
    if contract is None:
        return function
    owner = getattr(function, "__self__", None)
    return contract.function if owner is None else MethodType(contract.function, owner)


def _notes(function: Callable[..., Any], given: Mapping[str, Any]) -> Annotated | None:
    """The annotations, if they say anything that is not given."""
    try:
        notes = annotated(function)
    except AnnotationError as error:
        parameters = inspect.signature(function).parameters.values()
        missing = [p for p in parameters if p.default is p.empty and p.name not in given]
        if not missing or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in missing):
            return None
        raise TraceError(str(error)) from None
    return notes if any(leaf.parameter not in given for leaf in notes.leaves) else None


def _filled(
    notes: Annotated, bound: inspect.BoundArguments
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    spoken = names_in(notes)
    for one in notes.parameters:
        if one.name in bound.arguments:
            continue
        if one.note is not None and one.required:
            bound.arguments[one.name] = _spec(one.name, one.note, spoken)
        elif one.is_integer and (one.required or one.name in spoken):
            bound.arguments[one.name] = Spec.int(one.name)
    order = [one.name for one in notes.parameters if one.name in bound.arguments]
    bound.arguments = {name: bound.arguments[name] for name in order}
    return bound.args, bound.kwargs


def names_in(notes: Annotated) -> set[str]:
    """The names in the sizes of a function's arrays."""
    leaves = (*notes.leaves, *notes.results)
    return {n for leaf in leaves for axis in leaf.note.axes for n in _words(axis.size)}


def _words(size: str | None) -> list[str]:
    """The identifiers in the text of a size."""
    spaced = "".join(char if char.isalnum() or char == "_" else " " for char in size or "")
    return spaced.split()


def _spec(name: str, note: Note, names: Collection[str]) -> Any:
    """The specification of an array parameter, or of a tuple of arrays."""
    if not isinstance(note, ArrayNote):
        if any(part is None for part in note.parts):
            raise TraceError(
                f"the parameter `{name}` is a tuple with parts that are no arrays: give it a "
                "specification"
            )
        parts = enumerate(note.parts)
        return tuple(_spec(f"{name}_{i}", part, names) for i, part in parts if part)
    sizes: list[str | int] = []
    for index, axis in enumerate(note.axes):
        if axis.variadic or axis.broadcast:
            what = "any number of axes" if axis.variadic else "a size or 1"
            raise TraceError(
                f"the parameter `{name}`: `{axis.text}` stands for {what}, and a trace "
                f"has one of them: give `{name}` a specification"
            )
        size = axis.size
        if size is None:
            sizes.append(unused(f"{name}_{index}", names))
        else:
            sizes.append(int(size) if size.isdecimal() else size)
    dtypes = note.dtypes.of_numpy()
    if not dtypes:
        raise TraceError(f"the parameter `{name}`: numpy has no {note.dtypes.text}")
    return Spec(tuple(sizes), dtypes[0])
