"""The verbs that ask about sizes: prove, bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from asserts.cli.answers import Answer, respond
from asserts.cli.exits import Exit
from asserts.cli.options import (
    Assumed,
    Effort,
    EffortOption,
    Integer,
    Json,
    Quiet,
    Size,
    Unbacked,
)
from asserts.cli.screen import Screen
from shapes.base import Bound, Location, SaidAt, int_oo
from shapes.errors import ShapeproofError

if TYPE_CHECKING:
    from shapes.env import ShapeEnv

__all__ = ["bounds", "prove"]

Texts = Sequence[str] | None

Claim = Annotated[str, typer.Argument(metavar="CLAIM", help="Such as 'u//8*8 == u'.")]
Expression = Annotated[str, typer.Argument(metavar="EXPRESSION", help="Such as '2*u + 1'.")]

_CODES: Final = {
    "always": Exit.DONE,
    "never": Exit.REFUTED,
    "depends": Exit.REFUTED,
    "unknown": Exit.UNKNOWN,
}
_STYLES: Final = {
    "always": "bold green",
    "never": "bold red",
    "depends": "bold yellow",
    "unknown": "bold magenta",
}


def prove(
    claim: Claim,
    size: Size = None,
    integer: Integer = None,
    unbacked: Unbacked = None,
    assume: Assumed = None,
    effort: EffortOption = Effort.DEFAULT,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Prove or refute a claim about sizes.

    The answer is ALWAYS (with the proof), NEVER, DEPENDS (with values that break the claim)
    or UNKNOWN.
    """

    def answer() -> Answer:
        env = _environment(size, integer, unbacked, assume)
        verdict = env.prove(claim, effort=effort.value)

        def draw(screen: Screen) -> None:
            head, *rest = verdict.explain().splitlines()
            screen.line(f"{verdict.status.name}: {head}", _STYLES[verdict.status.value])
            for line in rest:
                screen.line(line)

        from asserts.cli.documents import of_verdict

        fields = {**of_verdict(verdict), "effort": effort.value}
        return Answer(_CODES[verdict.status.value], fields, draw)

    respond("prove", answer, json, quiet)


def bounds(
    expression: Expression,
    size: Size = None,
    integer: Integer = None,
    unbacked: Unbacked = None,
    assume: Assumed = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show the range of an expression, and its remainder if that is known."""

    def answer() -> Answer:
        env = _environment(size, integer, unbacked, assume)
        expr = env.spelled(expression).expr
        known = env.bounds(expr)
        modulus, residue = env.congruence(expr) if expr.kind == "int" else (1, 0)

        def draw(screen: Screen) -> None:
            screen.line(f"{expr} in [{known.lower}, {known.upper}]")
            if modulus > 1:
                screen.line(f"{expr} = {residue} modulo {modulus}")

        from asserts.cli.documents import number, of_range

        congruence = {"modulus": number(modulus), "residue": number(residue)}
        fields: dict[str, Any] = {
            "expression": str(expr),
            **of_range(known),
            "congruence": congruence if expr.kind == "int" else None,
        }
        return Answer(Exit.DONE, fields, draw)

    respond("bounds", answer, json, quiet)


# --------------------------------------------------------------------------- what is known


def _environment(size: Texts, integer: Texts, unbacked: Texts, assume: Texts) -> ShapeEnv:
    """What the options state; every fact names its option."""
    from shapes.env import ShapeEnv

    env = ShapeEnv()
    for text in size or ():
        name, lower, upper = _ranged("--size", text, 0)
        if lower < 0:
            raise ShapeproofError(f"--size {text}: a size is at least 0; use --int {text}")
        with _said_by("--size"):
            env.size(name, min=lower, max=upper)  # type: ignore[arg-type]
    for text in integer or ():
        name, lower, upper = _ranged("--int", text, -int_oo)
        with _said_by("--int"):
            env.integer(name, min=lower, max=upper)
    for text in unbacked or ():
        name, lower, upper = _ranged("--unbacked", text, 0)
        with _said_by("--unbacked"):
            env.unbacked(name, size_like=lower >= 0, min=lower, max=upper)
    for fact in assume or ():
        with _said_by("--assume"):
            env.assume(fact)
    return env


def _said_by(option: str) -> SaidAt:
    return SaidAt(Location(option, 0, ""))


_ENDS: Final[dict[str, Bound]] = {"int_oo": int_oo, "-int_oo": -int_oo}


def _ranged(option: str, text: str, default: Bound) -> tuple[str, Bound, Bound]:
    """``NAME``, ``NAME:MIN..MAX``, ``NAME:MIN..`` or ``NAME:..MAX``."""
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
        raise ShapeproofError(f"{option} {text}: expected NAME:MIN..MAX")
    if lower > upper:
        raise ShapeproofError(
            f"{option} {text}: the range is empty (min {lower} > max {upper})"
        )
    return name, lower, upper


def _end(text: str) -> Bound:
    return _ENDS[text] if text in _ENDS else int(text)
