"""Answers as JSON: what `docs/command.md` describes.

Integers are numbers of any size; those too long for Python to write in decimal are text in
hexadecimal. An end that there is not (`int_oo`) is null; floats that JSON has not are text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from shapes.base import IntInfinity

if TYPE_CHECKING:
    from asserts.conditions.report import Decision, Report, Row
    from asserts.dialects.onnx import Contract
    from asserts.verify.programs import Outcome, VerifyReport
    from shapes.domains import ValueRanges
    from shapes.env import ShapeEnv
    from shapes.facts import Fact, Proof, Verdict

__all__ = [
    "number", "of_bounds", "of_check", "of_comparison", "of_congruence", "of_contract",
    "of_environment", "of_fact", "of_facts", "of_range", "of_report", "of_requirement",
    "of_simplified", "of_suggestions", "of_symbols", "of_values", "of_verdict",
]  # fmt: skip

_LONGEST = 4096
"""Bits of an integer that Python always writes in decimal."""


def number(value: object) -> Any:
    """A number, a truth value, or None for an end that there is not."""
    if isinstance(value, IntInfinity):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value.bit_length() <= _LONGEST else hex(value)
    return value


def of_fact(fact: Fact) -> dict[str, Any]:
    """The fields of a fact."""
    location = fact.location
    return {
        "text": fact.spelled,
        "origin": fact.origin,
        "source": fact.provenance,
        "location": None if location is None else str(location),
    }


def _proof(proof: Proof | None) -> dict[str, Any] | None:
    if proof is None:
        return None
    return {"method": proof.method, "facts": [of_fact(fact) for fact in proof.facts]}


def of_values(values: Mapping[str, object] | None) -> dict[str, Any] | None:
    """Values by name, or null."""
    return None if values is None else {name: number(value) for name, value in values.items()}


def of_verdict(verdict: Verdict) -> dict[str, Any]:
    """The fields of a verdict."""
    return {
        "claim": verdict.text,
        "status": verdict.status.value,
        "proof": _proof(verdict.proof),
        "counterexample": of_values(verdict.counterexample),
        "witness": of_values(verdict.witness),
        "premises": [str(premise) for premise in verdict.premises],
        "tried": list(verdict.tried),
    }


def of_range(known: ValueRanges) -> dict[str, Any]:
    """The fields of a range."""
    return {
        "kind": known.kind,
        "lower": number(known.lower),
        "upper": number(known.upper),
        "nan": known.nan,
    }


def of_congruence(known: tuple[int, int] | None) -> dict[str, Any] | None:
    """The fields of a congruence: modulus and residue."""
    if known is None:
        return None
    return {"modulus": number(known[0]), "residue": number(known[1])}


def of_bounds(
    expression: str, known: ValueRanges, congruence: tuple[int, int] | None
) -> dict[str, Any]:
    """The fields of what is known of an expression."""
    known_congruence = {"congruence": of_congruence(congruence)}
    return {"expression": expression, **of_range(known), **known_congruence}


def of_simplified(expression: str, simplified: object) -> dict[str, Any]:
    """The fields of an expression and what it was simplified to."""
    return {"expression": expression, "simplified": str(simplified)}


def of_suggestions(claim: str, found: Iterable[Any]) -> dict[str, Any]:
    """The fields of a claim and the checks that would make it hold."""
    return {"claim": claim, "suggestions": [{"text": s.text, "line": s.line} for s in found]}


def of_symbols(env: ShapeEnv) -> list[dict[str, Any]]:
    """The symbols of an environment, with their ranges."""
    return [
        {
            "name": info.name,
            "kind": info.symbol.kind,
            "backed": info.backed,
            "range": of_range(env.bounds(info.symbol)),
        }
        for info in env.symbols.values()
    ]


def of_facts(env: ShapeEnv) -> list[dict[str, Any]]:
    """What an environment knows."""
    return [of_fact(fact) for fact in env.facts]


def of_environment(env: ShapeEnv) -> dict[str, Any]:
    """What an environment holds: symbols with their ranges, facts, guards, checks."""
    return {
        "symbols": of_symbols(env),
        "facts": of_facts(env),
        "guards": [str(guard) for guard in env.guards],
        "checks": [check.text for check in env.checks],
    }


def of_contract(found: Contract) -> dict[str, Any]:
    """The fields of the contract of an ONNX model."""
    return {
        "dimensions": found.names,
        "conditions": found.texts,
        "requirements": [of_requirement(one) for one in found.requirements],
        "data_dependent": [of_requirement(one) for one in found.data],
        "notes": found.inferred.notes,
    }


def of_check(found: Contract, sizes: dict[str, int]) -> dict[str, Any]:
    """The fields of a contract, and of what becomes of these sizes."""
    broken, undecided = found.check(sizes), found.undecided(sizes)
    return {
        **of_contract(found),
        "sizes": sizes,
        "accepted": False if broken else None if undecided else True,
        "broken_conditions": [str(clause) for clause in found.broken(sizes)],
        "broken": [of_requirement(one.requirement) for one in broken],
        "undecided": [of_requirement(one) for one in undecided],
    }


def of_requirement(one: Any) -> dict[str, Any]:
    """The fields of what a node of a model requires."""
    return {
        "condition": str(one.whole),
        "node": one.node,
        "operator": one.operator,
        "reason": one.reason,
        "exact": one.exact,
        "only_sufficient_if": str(one.only_sufficient),
    }


def _outcome_word(outcome: str) -> str:
    return "proved" if outcome == "discharged" else outcome


def _row(row: Row) -> dict[str, Any]:
    return {
        "condition": row.condition,
        "stated_by": row.stated_by,
        "outcome": _outcome_word(row.outcome),
        "place": row.place or None,
        "proof": _proof(row.proof),
        "message": row.message,
        "line": row.line or None,
        "location": row.location,
        "nodes": row.nodes,
        "note": row.note or None,
    }


def of_report(report: Report) -> dict[str, Any]:
    """The fields of the report of a pass."""
    fields: dict[str, Any] = {
        "title": report.title,
        "counts": {_outcome_word(o): count for o, count in report.counts().items()},
        "checks": [_row(row) for row in report.rows],
    }
    if report.decisions:
        fields["decisions"] = [_decision(one) for one in report.decisions]
    return fields


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "asked": one.asked,
        "answer": one.answer,
        "rung": one.rung,
        "reason": one.reason,
        "assumption": one.assumption,
        "nodes": one.nodes,
        "line": one.line or None,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {"accepted": outcome.rejected is None, "error": outcome.rejected}


def of_comparison(report: VerifyReport) -> dict[str, Any]:
    """The fields of a comparison of two programs."""
    differences: Iterable[Any] = report.differences
    return {
        "equal": report.equal,
        "verdict": report.verdict,
        "required": report.required,
        "trials": report.trials,
        "accepted": report.accepted,
        "rejected": report.rejected,
        "checks": report.checks,
        "unbroken": list(report.unbroken),
        "seed": report.seed,
        "differences": [
            {
                "purpose": str(one.trial.purpose),
                "inputs": one.inputs,
                "how": one.how,
                "first": _outcome(one.first),
                "second": _outcome(one.second),
            }
            for one in differences
        ],
    }
