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
    from asserts.verify.programs import Outcome, VerifyReport
    from shapes.domains import ValueRanges
    from shapes.facts import Fact, Proof, Verdict

__all__ = ["number", "of_comparison", "of_range", "of_report", "of_verdict"]

_LONGEST = 4096
"""Bits of an integer that Python always writes in decimal."""


def number(value: Any) -> Any:
    """A number, a truth value, or None for an end that there is not."""
    if isinstance(value, IntInfinity):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value.bit_length() <= _LONGEST else hex(value)
    return value


def _fact(fact: Fact) -> dict[str, Any]:
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
    return {"method": proof.method, "facts": [_fact(fact) for fact in proof.facts]}


def _values(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else {name: number(value) for name, value in values.items()}


def of_verdict(verdict: Verdict) -> dict[str, Any]:
    """The fields of a verdict."""
    return {
        "claim": verdict.text,
        "status": verdict.status.value,
        "proof": _proof(verdict.proof),
        "counterexample": _values(verdict.counterexample),
        "witness": _values(verdict.witness),
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
