"""Verdicts, facts and open decisions in sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapes.base.digits import interval
from shapes.expr.nodes import BoolExpr, Expr
from shapes.facts.verdict import Status, Verdict
from shapes.traversal.interpret import free_symbols

if TYPE_CHECKING:
    from shapes.base.location import Location
    from shapes.env.shape_env import ShapeEnv

__all__ = ["data_dependent_message", "explain"]


def explain(verdict: Verdict) -> str:
    """The answer in a few sentences: the claim as it was written, what decided it."""
    lines = [_HEADS[verdict.status].format(claim=verdict.text)]
    if verdict.proof is not None:
        lines[0] += f", by {verdict.proof.method}"
        lines += [f"    because {fact}" for fact in verdict.proof.facts]
    for example, says in ((verdict.counterexample, "fails"), (verdict.witness, "holds")):
        if example is not None:
            values = example or "every value"
            lines.append(f"    it {says} for {values} (found by {example.found_by})")
    if verdict.premises:
        shown = " and ".join(f"`{premise}`" for premise in verdict.premises)
        lines.append(f"    assuming that it has a value: {shown}")
    if verdict.tried:
        lines.append(f"    tried: {'; '.join(verdict.tried)}")
    return "\n".join(lines)


_HEADS = {
    Status.ALWAYS: "`{claim}` always holds",
    Status.NEVER: "`{claim}` never holds",
    Status.DEPENDS: "`{claim}` depends on the values",
    Status.UNKNOWN: "`{claim}` could not be decided",
}


def data_dependent_message(
    env: ShapeEnv, claim: BoolExpr, negated: BoolExpr, location: Location | None
) -> str:
    """Why a decision cannot be made while tracing: the values, where they come from, what is
    known about them, and the checks that would settle it."""
    lines = [f"cannot decide `{claim}` before the program runs"]
    if location is not None:
        lines.append(f"    asked at {location}")
    lines += [f"    {described(env, sym)}" for sym in free_symbols(claim)]
    lines += [f"    known: {fact}" for fact in env.facts.connected(claim)[:8]]
    lines.append("settle it with one of")
    lines += [f"    {line}" for line in _suggested_checks(env, claim, negated)]
    return "\n".join(lines)


def _suggested_checks(env: ShapeEnv, claim: BoolExpr, negated: BoolExpr) -> list[str]:
    """Lines of code that settle a decision one way or the other, each verified to suffice,
    and the two outcomes themselves."""
    from shapes.prove.ladder import METHODS, Effort
    from shapes.queries.suggest import suggest

    lines: dict[str, None] = {}
    for outcome in (claim, negated):
        lines[f"asserts.check({outcome})"] = None
        found = suggest(env, outcome, 2, effort=Effort(tuple(METHODS), search=100, rlimit=0))
        lines.update((suggestion.line, None) for suggestion in found)
    return list(lines)


def described(env: ShapeEnv, sym: Expr) -> str:
    """A symbol with its source and its range."""
    info = env.symbols.get(sym.name)
    known = env.bounds(sym)
    if info is None:
        return f"{sym.name}: in {interval(known.lower, known.upper)}"
    source = f" from {info.source}" if info.source and info.source != sym.name else ""
    when = "an input" if info.backed else "known only when the program runs"
    return f"{sym.name}{source}: {when}, in {interval(known.lower, known.upper)}"
