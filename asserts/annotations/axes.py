"""The sizes in an annotation: ``"batch h//2 *rest n+1"`` as axes.

The notation is jaxtyping's: names, numbers, expressions without spaces, ``_`` (any size),
``...`` and ``*name`` (any number of axes), ``#`` before an axis (it may be 1 instead), and
``label=size``. A name in braces is the name. What is read here is the notation; the text of an
expression is parsed by the engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asserts.errors import AnnotationError
from shapes.traversal import is_name

__all__ = ["Axis", "axes_of", "split_sizes"]

_BRACES: Final = re.compile(r"\{([^\W\d]\w*)\}")
_MARKS: Final = "#*?"


@dataclass(frozen=True)
class Axis:
    """An axis, or (`variadic`) any number of them.

    `size` is the text of its size; None says that any will do. The size of a variadic one is
    its name. An axis with `broadcast` may be 1 instead.
    """

    text: str
    size: str | None
    variadic: bool = False
    broadcast: bool = False


def axes_of(sizes: Sequence[str], shown: str) -> tuple[Axis, ...]:
    """The axes that these texts are; `shown` is the whole annotation, for messages.

    Raises `AnnotationError` for what is not an axis, and for two variadic ones.
    """
    axes = tuple(_axis(text, shown) for text in sizes)
    if sum(axis.variadic for axis in axes) > 1:
        raise AnnotationError(
            f'"{shown}" has two axes that stand for any number of them; which of the sizes '
            "belong to which would not be determined"
        )
    return axes


def split_sizes(text: str) -> list[str]:
    """Sizes that are separated by commas (outside of parentheses)."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char in "([") - (char in ")]")
        if char == "," and not depth:
            parts.append(text[start:index].strip())
            start = index + 1
    last = text[start:].strip()
    return [*parts, last] if last else parts


def _axis(text: str, shown: str) -> Axis:
    if text == "...":
        return Axis(text, None, variadic=True)
    rest, marks = _unmarked(text)
    if "?" in marks:
        raise AnnotationError(
            f'"{shown}": `{text}` is a size for each leaf of a tree, which a contract of one '
            "function does not know; use a name of its own"
        )
    label, equals, size = rest.partition("=")
    if equals and label.isidentifier() and not size.startswith("="):
        rest = size
    rest = _BRACES.sub(r"\1", rest)
    if "{" in rest:
        raise AnnotationError(
            f'"{shown}": `{text}` computes a size from a Python expression; a contract knows '
            "the names of sizes and of integer parameters, as in `{n}+1`"
        )
    if not rest or rest == "...":
        raise AnnotationError(f'"{shown}": `{text}` is not a size')
    return _classified(text, rest, marks, shown)


def _unmarked(text: str) -> tuple[str, str]:
    """The text without the marks before it, and the marks."""
    rest = text.lstrip(_MARKS)
    return rest, text[: len(text) - len(rest)]


def _classified(text: str, rest: str, marks: str, shown: str) -> Axis:
    variadic, broadcast = "*" in marks, "#" in marks
    if rest.startswith("_") and rest.isidentifier():
        return Axis(text, None, variadic)
    if variadic and not rest.isidentifier():
        raise AnnotationError(f'"{shown}": `{text}` is not `*` and a name')
    if broadcast and not (variadic or rest.isidentifier()):
        raise AnnotationError(
            f'"{shown}": `{text}`: only a name can be broadcast; name that size by itself'
        )
    if rest.isidentifier() and not is_name(rest):
        rest = f"{rest}_"  # ("in" is the name of an axis, but none in an expression)
    return Axis(text, rest, variadic, broadcast)
