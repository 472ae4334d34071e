"""Saved documents: JSON text that is checked against a schema before anything is made of it.

A schema is a function from data and its path to the data; it raises `SerializationError`
with the path (``symbols[1].hint``) and with what was expected there. Environments and graphs
are read through these few.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NoReturn, TypeAlias

from shapes.base.digits import excerpt
from shapes.errors import SerializationError

__all__ = [
    "Schema",
    "anything",
    "either",
    "fields",
    "flag",
    "listed",
    "mapping",
    "nullable",
    "one_of",
    "pair_of",
    "read_document",
    "text",
    "unlike",
    "whole",
]

Schema: TypeAlias = Callable[[Any, str], Any]

LINES: Final = 10**9
"""More lines than any file has."""


def unlike(path: str, expected: str, data: object) -> NoReturn:
    """Refuse what stands at a path."""
    raise SerializationError(f"{path} should be {expected}, not {excerpt(data)}")


def text(data: object, path: str) -> str:
    """Any text that can be written to a file."""
    if not isinstance(data, str):
        unlike(path, "text", data)
    if not data.isascii():
        try:
            data.encode()
        except UnicodeEncodeError:
            unlike(path, "text without halves of characters", data)
    return data


def flag(data: object, path: str) -> bool:
    """True or false."""
    if not isinstance(data, bool):
        unlike(path, "true or false", data)
    return data


def anything(data: object, path: str) -> Any:
    """Any value: it is checked elsewhere."""
    return data


def mapping(schema: Schema) -> Schema:
    """An object with any keys."""

    def read(data: object, path: str) -> dict[str, Any]:
        if not isinstance(data, dict):
            unlike(path, "an object", data)
        return {key: schema(value, _below(path, key)) for key, value in data.items()}

    return read


def whole(least: int | None = None, most: int | None = None) -> Schema:
    """An integer, within a range."""
    ends = "" if least is None else f" of at least {least}"
    ends += "" if most is None else f" and at most {most}" if ends else f" of at most {most}"

    def read(data: object, path: str) -> int:
        low = least is not None and type(data) is int and data < least
        high = most is not None and type(data) is int and data > most
        if type(data) is not int or low or high:
            unlike(path, f"an integer{ends}", data)
        return data

    return read


def one_of(names: Iterable[str]) -> Schema:
    """One of a few texts."""
    known = tuple(names)

    def read(data: object, path: str) -> str:
        if not isinstance(data, str) or data not in known:
            unlike(path, f"one of {', '.join(known)}", data)
        return data

    return read


def nullable(schema: Schema) -> Schema:
    """Null or something else."""
    return lambda data, path: None if data is None else schema(data, path)


def either(choose: Callable[[Any], Schema | None], expected: str) -> Schema:
    """What `choose` says for the data; nothing else."""

    def read(data: object, path: str) -> Any:
        schema = choose(data)
        return unlike(path, expected, data) if schema is None else schema(data, path)

    return read


def listed(schema: Schema) -> Schema:
    """A list of any length."""

    def read(data: object, path: str) -> list[Any]:
        if not isinstance(data, list):
            unlike(path, "a list", data)
        return [schema(item, f"{path}[{place}]") for place, item in enumerate(data)]

    return read


def pair_of(*schemas: Schema) -> Schema:
    """A list with one item for each schema."""

    def read(data: object, path: str) -> list[Any]:
        if not isinstance(data, list) or len(data) != len(schemas):
            unlike(path, f"a list of {len(schemas)}", data)
        pairs = enumerate(zip(schemas, data))
        return [schema(item, f"{path}[{place}]") for place, (schema, item) in pairs]

    return read


def fields(optional: Sequence[str] = (), **schemas: Schema) -> Schema:
    """An object with these keys and no others; `optional` ones may be missing."""

    def read(data: object, path: str) -> dict[str, Any]:
        if not isinstance(data, dict):
            unlike(path or "the document", "an object", data)
        for name in data:
            if name not in schemas:
                known = ", ".join(schemas)
                raise SerializationError(
                    f"{_below(path, excerpt(name))} is not known; expected are {known}"
                )
        for name in schemas:
            if name not in data and name not in optional:
                raise SerializationError(f"{_below(path, name)} is missing")
        return {name: schemas[name](value, _below(path, name)) for name, value in data.items()}

    return read


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


# --------------------------------------------------------------------------- documents


def read_document(data: str, wanted: str, version: int) -> dict[str, Any]:
    """The JSON object of that format and version, without duplicates and NaN.

    Raises `SerializationError` for anything else.
    """
    try:
        found = json.loads(
            data, object_pairs_hook=_without_duplicates, parse_constant=_no_constant
        )
    except SerializationError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        reason = f"damaged text: this is not complete JSON: {error}"
        raise SerializationError(reason) from error
    if not isinstance(found, dict) or found.get("format") != wanted:
        raise SerializationError(f"this is not a saved {wanted}")
    said = found.get("version")
    if type(said) is not int or said != version:
        raise SerializationError(
            f"version {excerpt(said)} of {wanted} cannot be read, only {version}"
        )
    return found


def _without_duplicates(pairs: Sequence[tuple[str, object]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise SerializationError(f"damaged text: duplicate key {excerpt(twice)}")
    return found


def _no_constant(name: str) -> NoReturn:
    raise SerializationError(f"damaged text: {name} is not JSON")
