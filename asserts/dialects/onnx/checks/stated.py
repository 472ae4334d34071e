"""Checks of a model, and how they are kept in its metadata.

The metadata has every assert of the model as text: with it, a model that was saved can be
reported on and minimised. The symbols in it are those that inference finds in the model
without its asserts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Any, Final

from onnx import ModelProto

from asserts.dialects.onnx.infer.model import Inferred
from asserts.dialects.onnx.infer.symbols import Read, identifier
from asserts.errors import GraphError
from shapes.errors import ShapeproofError
from shapes.expr import BoolExpr
from shapes.traversal import parse

__all__ = ["KEY", "Check", "read_check", "recorded", "stated", "symbols_of", "texts"]

KEY: Final = "shapeproof.asserts"
"""The entry of the metadata that has the asserts."""


@dataclass(frozen=True)
class Check:
    """A condition to assert, who states it, and the user's own message.

    `scope` is the path of the graph to which it belongs, `result` a value that is made there
    and must wait for it (none: every value that is made behind it does). `reads` has the
    symbols that no inference finds, with what they are.
    """

    condition: BoolExpr
    stated_by: str
    message: str | None = None
    by_user: bool = False
    scope: str = ""
    result: str = ""
    reads: tuple[tuple[str, Read], ...] = ()


def symbols_of(inferred: Inferred) -> dict[str, Any]:
    """The symbols of a model by name, and by the spelling of the file if that is a name."""
    env = inferred.symbols.env
    found: dict[str, Any] = {name: info.symbol for name, info in env.symbols.items()}
    for name, text in inferred.symbols.spelled.items():
        if name in found and text == identifier(text):
            found.setdefault(text, found[name])
    return found


def read_check(inferred: Inferred, asked: Any) -> Check:
    """A caller's check: a `Check`, a text, or a text and a message. Raises `GraphError` for
    what is not a condition."""
    if isinstance(asked, Check):
        return asked
    text, message = (asked, None) if isinstance(asked, str) else asked
    condition = parse(text, symbols_of(inferred))
    if not isinstance(condition, BoolExpr):
        raise GraphError(f"`{text}` is not a condition")
    return Check(condition, "the caller", message, by_user=True)


def stated(model: ModelProto, inferred: Inferred) -> Iterator[Check]:
    """The asserts that are in a model already; `inferred` is what is known of it without
    them. Raises `GraphError` if what the metadata says of them cannot be read."""
    symbols = symbols_of(inferred)
    for entry in recorded(model):
        reads = tuple((name, Read(*read)) for name, read in entry.get("reads", {}).items())
        own = {name: inferred.symbols.found(read) for name, read in reads}
        try:
            condition = parse(entry["condition"], {**symbols, **own})
            assert isinstance(condition, BoolExpr)
        except (ShapeproofError, AssertionError) as error:
            raise GraphError(f"the metadata {KEY!r} of the model: {error}") from None
        yield Check(
            condition,
            entry["stated_by"],
            entry.get("message"),
            bool(entry.get("by_user")),
            entry.get("scope", ""),
            entry.get("result", ""),
            reads,
        )


def recorded(model: ModelProto) -> list[dict[str, Any]]:
    """What the metadata says of the asserts. Raises `GraphError` if it is damaged."""
    for entry in model.metadata_props:
        if entry.key == KEY:
            return _entries(entry.value)
    return []


def _entries(text: str) -> list[dict[str, Any]]:
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise GraphError(f"the metadata {KEY!r} of the model is not JSON: {error}") from None
    if not isinstance(entries, list) or not all(map(_is_entry, entries)):
        raise GraphError(f"the metadata {KEY!r} of the model is not a list of asserts")
    return entries


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, Mapping) or not {"condition", "stated_by"} <= entry.keys():
        return False
    texts = [value for key, value in entry.items() if key not in ("by_user", "reads")]
    reads = entry.get("reads", {})
    if not isinstance(reads, Mapping) or not all(map(_is_read, reads.values())):
        return False
    return all(isinstance(value, str) for value in texts)


def _is_read(read: object) -> bool:
    kinds = (str, str, str, int)
    return (
        isinstance(read, list)
        and len(read) == len(kinds)
        and all(isinstance(part, kind) for part, kind in zip(read, kinds, strict=True))
    )


def texts(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """Checks as entries of the metadata."""
    return [_entry(check) for check in checks]


def _entry(check: Check) -> dict[str, Any]:
    optional = {
        "message": check.message,
        "by_user": check.by_user,
        "scope": check.scope,
        "result": check.result,
        "reads": {name: list(astuple(read)) for name, read in check.reads},
    }
    given = {key: value for key, value in optional.items() if value}
    return {"condition": str(check.condition), "stated_by": check.stated_by, **given}
