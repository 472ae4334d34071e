"""Reports as SARIF, which code hosts show beside the lines.

A check that must run is a note, one that was proved passes; a difference between two programs
is an error, a condition of a contract that is broken too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from asserts.sarif import log, result

__all__ = ["MEDIA_TYPE", "sarif_of"]

MEDIA_TYPE: Final = "application/sarif+json"

_RULES: Final = {
    "check": "A check that the program makes when it runs",
    "proved": "A check that follows from what is known",
    "difference": "Inputs on which two programs differ",
    "condition": "A condition on the sizes of inputs",
}
_LINE: Final = re.compile(r"(?P<file>[^\s:]+):(?P<line>\d+)")


def sarif_of(report: Mapping[str, object], program: str, version: str) -> dict[str, Any]:
    """A stored report as a SARIF log; `program` is the name of the file it is about."""
    return log(_RULES.items(), list(_results(report, program)), version)


def _results(report: Mapping[str, Any], program: str) -> Iterator[dict[str, Any]]:
    for check in report.get("report", {}).get("checks", ()):
        yield _of_check(check, program)
    for one in report.get("differences", ()):
        text = f"{one['how']}: {one['purpose']}\n{one['inputs']}"
        yield _result("difference", "fail", "error", text, None, program)
    broken = {one["condition"] for one in report.get("broken", ())}
    for one in report.get("requirements", ()):
        text = f"{one['condition']} ({one['operator']} {one['node']}: {one['reason']})"
        is_broken = one["condition"] in broken
        kind, level = ("fail", "error") if is_broken else ("informational", "none")
        yield _result("condition", kind, level, text, None, program)


def _of_check(check: Mapping[str, Any], program: str) -> dict[str, Any]:
    proof = check["proof"]
    if proof is not None:
        because = "; ".join(fact["text"] for fact in proof["facts"])
        text = f"{check['condition']}: proved by {proof['method']}"
        text += f" from {because}" if because else ""
        return _result("proved", "pass", "none", text, check["line"], program)
    text = f"{check['condition']}: {check['outcome']} ({check['stated_by']})"
    return _result("check", "informational", "none", text, check["line"], program)


def _result(
    rule: str, kind: str, level: str, text: str, line: str | None, program: str
) -> dict[str, Any]:
    found = _LINE.search(line or "")
    place: dict[str, Any] = {"artifactLocation": {"uri": program}}
    if found is not None:
        place = {
            "artifactLocation": {"uri": found["file"].lstrip("/")},
            "region": {"startLine": max(1, int(found["line"]))},
        }
    return result(rule, kind, level, text, place)
