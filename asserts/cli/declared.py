"""Symbols and facts stated as text: by options of the command, by requests to the service.

A symbol is ``NAME``, ``NAME:MIN..MAX``, ``NAME:MIN..`` or ``NAME:..MAX``; every fact names
where it was said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapes.base import Bound, Location, SaidAt, int_oo
from shapes.errors import ShapeproofError

if TYPE_CHECKING:
    from shapes.env import ShapeEnv

__all__ = ["KINDS", "assume", "declare"]

KINDS: Final = ("size", "int", "unbacked", "bool", "float")
"""Kinds of symbols: a size of an input, an input that is any integer, a size known only at run
time, a truth value, a double."""

_RANGED: Final[dict[str, Bound]] = {"size": 0, "int": -int_oo, "unbacked": 0}
"""The kinds that have a range, and its lower end where none is written."""


def declare(
    env: ShapeEnv, kind: str, text: str, said_by: str, written: str | None = None
) -> str:
    """Declare a symbol of one of `KINDS`; its name. Errors are of ours and quote what was
    `written`: `said_by` and the text, unless it is given."""
    shown = f"{said_by} {text}" if written is None else written
    if kind not in _RANGED:
        return _declare_plain(env, kind, text, said_by, shown)
    name, lower, upper = _ranged(shown, text, _RANGED[kind])
    if kind == "size" and lower < 0:
        hint = "; use --int " + text if said_by == "--size" else "; an `int` may be negative"
        raise ShapeproofError(f"{shown}: a size is at least 0{hint}")
    with _said(said_by):
        if kind == "size":
            env.size(name, min=lower, max=upper)  # type: ignore[arg-type]
        elif kind == "int":
            env.integer(name, min=lower, max=upper)
        else:
            env.unbacked(name, size_like=lower >= 0, min=lower, max=upper)
    return name


def _declare_plain(env: ShapeEnv, kind: str, text: str, said_by: str, shown: str) -> str:
    if ":" in text:
        raise ShapeproofError(f"{shown}: a `{kind}` has no range")
    with _said(said_by):
        env.boolean(text) if kind == "bool" else env.real(text)
    return text


def assume(env: ShapeEnv, fact: str, said_by: str) -> None:
    """State a fact. Raises what `ShapeEnv.assume` does."""
    with _said(said_by):
        env.assume(fact)


def _said(by: str) -> SaidAt:
    return SaidAt(Location(by, 0, ""))


_ENDS: Final[dict[str, Bound]] = {"int_oo": int_oo, "-int_oo": -int_oo}


def _ranged(shown: str, text: str, default: Bound) -> tuple[str, Bound, Bound]:
    """The name and both ends of a range."""
    name, colon, ends = text.partition(":")
    if not colon:
        return name, default, int_oo
    low, dots, high = (part.strip() for part in ends.partition(".."))
    try:
        lower = _end(low) if low else default
        upper = _end(high) if high else int_oo
    except ValueError:
        dots = ""
    if not dots:
        raise ShapeproofError(f"{shown}: expected NAME:MIN..MAX")
    if lower > upper:
        raise ShapeproofError(f"{shown}: the range is empty (min {lower} > max {upper})")
    return name, lower, upper


def _end(text: str) -> Bound:
    return _ENDS[text] if text in _ENDS else int(text)
