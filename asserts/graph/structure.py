"""Inputs that are lists, tuples, dicts and records of arrays: how they are taken apart.

A graph has one placeholder for every array. What a function takes instead is a structure of
them, written down as plain data, so that it can be saved:

    ("input", placeholder)                      ("constant", value)
    ("list", (part, ...))                       ("tuple", (part, ...))
    ("dict", ((key, part), ...))                ("fields", ((name, part), ...))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from types import SimpleNamespace
from typing import Any, Final, TypeAlias

from asserts.errors import InputError

__all__ = [
    "STRUCTURE", "Structure", "are_structures", "is_structured", "put_together", "taken_apart",
]  # fmt: skip

STRUCTURE: Final = "structure"
"""Where a module keeps the structure of its inputs (in its `meta`), if it has one: pairs of a
parameter and the structure of its value."""

Structure: TypeAlias = tuple[str, Any]


def is_structured(value: object) -> bool:
    """Whether a value is one that is taken apart (an array or a number is not)."""
    return isinstance(value, (list, tuple, dict)) or (
        is_dataclass(value) and not isinstance(value, type)
    )


def are_structures(value: object) -> bool:
    """Whether a value, read from a file, is what a module keeps under `STRUCTURE`."""
    return isinstance(value, tuple) and all(
        _is_pair(one) and isinstance(one[0], str) and _is_structure(one[1]) for one in value
    )


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2


def _is_structure(value: Any) -> bool:
    if not _is_pair(value):
        return False
    kind, content = value
    if kind in ("list", "tuple"):
        return isinstance(content, tuple) and all(map(_is_structure, content))
    if kind in ("dict", "fields"):
        return isinstance(content, tuple) and all(
            _is_pair(one) and _is_structure(one[1]) for one in content
        )
    return kind == "constant" or (kind == "input" and isinstance(content, str))


def taken_apart(
    parameters: Sequence[tuple[str, Structure]],
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
) -> dict[str, Any]:
    """The value of every placeholder, by name.

    Raises `InputError` for arguments that don't fit the parameters or their structure.
    """
    names = [name for name, _ in parameters]
    shown = ", ".join(names)
    if len(args) > len(names):
        raise InputError(f"{len(args)} inputs given, but the parameters are: {shown}")
    given = dict(zip(names, args))
    for name, value in kwargs.items():
        if name not in names:
            raise InputError(f"unknown input '{name}'; the parameters are: {shown}")
        if name in given:
            raise InputError(f"input '{name}' is given twice")
        given[name] = value
    found: dict[str, Any] = {}
    for name, structure in parameters:
        if name not in given:
            raise InputError(f"missing input '{name}'; the parameters are: {shown}")
        _take(structure, given[name], name, found)
    return found


def put_together(structure: Structure, values: Mapping[str, object]) -> Any:
    """The structure with these values of the placeholders in it; a record is a namespace."""
    kind, content = structure
    if kind == "input":
        return values[content]
    if kind == "constant":
        return content
    if kind in ("dict", "fields"):
        found = {key: put_together(part, values) for key, part in content}
        return found if kind == "dict" else SimpleNamespace(**found)
    parts = [put_together(part, values) for part in content]
    return parts if kind == "list" else tuple(parts)


def _take(structure: Structure, value: object, where: str, found: dict[str, Any]) -> None:
    kind, content = structure
    if kind == "input":
        found[content] = value
    elif kind == "constant":
        if not _is_same(value, content):
            raise InputError(f"input '{where}' is {value!r}, but was traced for {content!r}")
    elif kind == "dict":
        keys = [key for key, _ in content]
        if not isinstance(value, dict) or set(value) != set(keys):
            has = f"the keys {list(value)}" if isinstance(value, dict) else _kind(value)
            raise InputError(f"input '{where}' must be a dict with the keys {keys}, not {has}")
        for key, part in content:
            _take(part, value[key], f"{where}[{key!r}]", found)
    elif kind == "fields":
        for name, part in content:
            if not hasattr(value, name):
                raise InputError(f"input '{where}' must have a field '{name}'")
            _take(part, getattr(value, name), f"{where}.{name}", found)
    else:
        wanted = list if kind == "list" else tuple
        if not isinstance(value, wanted) or len(value) != len(content):
            has = f"{len(value)}" if isinstance(value, wanted) else _kind(value)
            raise InputError(f"input '{where}' must be a {kind} of {len(content)}, not {has}")
        for index, part in enumerate(content):
            _take(part, value[index], f"{where}[{index}]", found)


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


def _is_same(value: Any, constant: Any) -> bool:
    """Whether a value is the constant for which a program was traced, with all that is in it:
    1 is neither 1.0 nor True, 0.0 is not -0.0."""
    if value is constant:
        return True
    if type(value) is not type(constant):
        return False
    if isinstance(value, (list, tuple)):
        return len(value) == len(constant) and all(map(_is_same, value, constant))
    if isinstance(value, dict):
        # (in order: a function may go through it)
        return _is_same(list(value.items()), list(constant.items()))
    try:
        same = bool(value == constant)
    except Exception:  # an array, say, which is not one truth value
        return False
    return same and (not isinstance(value, (float, complex)) or repr(value) == repr(constant))
