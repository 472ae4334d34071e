"""The verbs that ask about sizes: prove, bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

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

if TYPE_CHECKING:
    from shapes.env import ShapeEnv

__all__ = ["answer_to_bounds", "answer_to_claim", "bounds", "prove"]

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
        return answer_to_claim(env, claim, effort=effort)

    respond("prove", answer, json, quiet)


def answer_to_claim(
    env: ShapeEnv, claim: str, given: Sequence[str] = (), effort: Effort = Effort.DEFAULT
) -> Answer:
    """The verdict on a claim."""
    from asserts.cli.documents import of_verdict

    verdict = env.prove(claim, given=given, effort=effort.value)

    def draw(screen: Screen) -> None:
        head, *rest = verdict.explain().splitlines()
        screen.line(f"{verdict.status.name}: {head}", _STYLES[verdict.status.value])
        for line in rest:
            screen.line(line)

    fields = {**of_verdict(verdict), "effort": effort.value}
    return Answer(_CODES[verdict.status.value], fields, draw)


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
        return answer_to_bounds(env, expression)

    respond("bounds", answer, json, quiet)


def answer_to_bounds(env: ShapeEnv, expression: str) -> Answer:
    """The range of an expression, and its remainder."""
    from asserts.cli.documents import of_bounds

    expr = env.spelled(expression).expr
    known = env.bounds(expr)
    modulus, residue = env.congruence(expr) if expr.kind == "int" else (1, 0)

    def draw(screen: Screen) -> None:
        screen.line(f"{expr} in [{known.lower}, {known.upper}]")
        if modulus > 1:
            screen.line(f"{expr} = {residue} modulo {modulus}")

    congruence = (modulus, residue) if expr.kind == "int" else None
    return Answer(Exit.DONE, of_bounds(str(expr), known, congruence), draw)


# --------------------------------------------------------------------------- what is known


def _environment(size: Texts, integer: Texts, unbacked: Texts, assume: Texts) -> ShapeEnv:
    """What the options state; every fact names its option."""
    from asserts.cli.declared import assume as state
    from asserts.cli.declared import declare
    from shapes.env import ShapeEnv

    env = ShapeEnv()
    declared = (("size", "--size", size), ("int", "--int", integer))
    for kind, option, texts in (*declared, ("unbacked", "--unbacked", unbacked)):
        for text in texts or ():
            declare(env, kind, text, option)
    for fact in assume or ():
        state(env, fact, "--assume")
    return env
