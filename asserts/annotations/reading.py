"""One annotation, taken apart.

An array is one of jaxtyping's types, ``Annotated[array type, "f4[n, 2*m]"]``, or a union of
those that differ in the array type only; with ``None`` it may be left out. Tuples of fixed
length may hold arrays. An annotation that speaks of arrays in another way is refused, for it
would go unchecked; one that does not is not our concern.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from asserts.annotations.axes import Axis, axes_of, split_sizes
from asserts.annotations.dtypes import Dtypes, dtype_named, dtypes_of
from asserts.errors import AnnotationError

__all__ = ["ArrayNote", "Note", "TupleNote", "note_of"]

_OWN: Final = re.compile(r"\s*(\w+)\s*\[(.*)\]\s*", re.DOTALL)


@dataclass(frozen=True)
class ArrayNote:
    """An array: its types (empty: any), dtypes, axes; `text` is the annotation as written."""

    types: tuple[type, ...]
    dtypes: Dtypes
    axes: tuple[Axis, ...]
    text: str
    optional: bool = False


@dataclass(frozen=True)
class TupleNote:
    """A tuple of that many parts; None for what is not an array."""

    parts: tuple[Note | None, ...]


Note = ArrayNote | TupleNote


def note_of(annotation: object, where: str) -> Note | None:
    """What an annotation says of arrays; None if nothing.

    Raises `AnnotationError`, which begins with `where`, for arrays in a place that cannot be
    checked.
    """
    try:
        return _note(annotation)
    except AnnotationError as error:
        raise AnnotationError(f"{where}: {error}") from None


def _note(annotation: object) -> Note | None:
    if _is_jaxtyping(annotation):
        return _of_jaxtyping(annotation)
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        own = _own_text(annotation)
        if own:
            return _of_text(typing.get_args(annotation)[0], own)
    if origin in (typing.Union, types.UnionType):
        return _of_union(typing.get_args(annotation))
    if origin is tuple:
        return _of_tuple(annotation)
    _refuse_inside(annotation)
    return None


def _is_jaxtyping(annotation: object) -> bool:
    return isinstance(annotation, type) and all(
        hasattr(annotation, name) for name in ("dim_str", "dtypes", "array_type")
    )


def _of_jaxtyping(annotation: Any) -> ArrayNote:
    shown = str(annotation.dim_str)
    kind = getattr(annotation.dtype, "__name__", "Shaped")
    return ArrayNote(
        _array_types(annotation.array_type),
        dtypes_of(kind, annotation.dtypes),
        axes_of(shown.split(), shown),
        shown,
    )


def _own_text(annotation: Any) -> str | None:
    """The text of our own notation, if there is one."""
    texts = [one for one in annotation.__metadata__ if isinstance(one, str)]
    return next((text for text in texts if _OWN.fullmatch(text)), None)


def _of_text(array_type: object, text: str) -> ArrayNote:
    found = _OWN.fullmatch(text)
    assert found is not None
    axes = axes_of(split_sizes(found[2]), text)
    return ArrayNote(_array_types(array_type), dtype_named(found[1], text), axes, text)


def _array_types(found: object) -> tuple[type, ...]:
    """The classes of a type of arrays; none for `Any`, which all are."""
    if found is Any:
        return ()
    origin = typing.get_origin(found)
    if origin in (typing.Union, types.UnionType):
        return tuple(one for part in typing.get_args(found) for one in _array_types(part))
    plain = found if origin is None else origin
    if isinstance(plain, type):
        return (plain,)
    raise AnnotationError(f"{found!r} is not a type of arrays")


def _of_union(parts: Sequence[object]) -> Note | None:
    optional = any(part is type(None) for part in parts)
    notes = [_note(part) for part in parts if part is not type(None)]
    arrays = [note for note in notes if isinstance(note, ArrayNote)]
    if not any(notes):
        return None
    first = arrays[0] if arrays else None
    if first is None or len(arrays) < len(notes):
        raise AnnotationError(
            "a union of an array and something else cannot be checked; only None may be added"
        )
    if any((note.axes, note.dtypes) != (first.axes, first.dtypes) for note in arrays):
        raise AnnotationError(
            "a union of arrays of different shapes or dtypes: which one is meant is not "
            "determined; write a function for each"
        )
    every = () if any(not note.types for note in arrays) else None
    kinds = tuple(kind for note in arrays for kind in note.types) if every is None else every
    return replace(first, types=kinds, optional=optional or first.optional)


def _of_tuple(annotation: object) -> Note | None:
    parts = typing.get_args(annotation)
    if Ellipsis in parts:
        _refuse_inside(annotation)
        return None
    notes = tuple(_note(part) for part in parts)
    if not any(notes):
        return None
    if any(isinstance(note, ArrayNote) and note.optional for note in notes):
        raise AnnotationError("an array in a tuple that may be None cannot be checked")
    return TupleNote(notes)


def _refuse_inside(annotation: object) -> None:
    """Refuse arrays within lists, dicts and the like."""
    for part in typing.get_args(annotation):
        nested = part if isinstance(part, list) else [part]
        if any(_note(one) is not None for one in nested):
            raise AnnotationError(
                f"{annotation} holds arrays with shapes, which a contract does not check; "
                "arrays may be parameters, results, and parts of tuples of fixed length"
            )
