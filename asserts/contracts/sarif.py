"""Findings as SARIF, for services that annotate the lines of a change.

What is certainly wrong is an error, what could not be analysed a warning, what will be
asserted a note; what is proved is a result of the kind "pass".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from asserts.contracts.static import Finding, Outcome, Traced
from asserts.sarif import log, result

__all__ = ["document"]

RULES: Final[dict[Outcome, tuple[str, str, str, str]]] = {
    # (By definition of the format the level of all kinds but "fail" is "none".)
    "wrong": ("contract-broken", "A check certainly fails", "error", "fail"),
    "unknown": ("not-analysed", "A function could not be traced", "warning", "fail"),
    "asserted": ("runtime-assert", "A check runs when the program does", "note", "fail"),
    "proved": ("proved", "A check always holds", "none", "pass"),
}
"""Identifier, description, level and kind of each outcome."""


def document(functions: Sequence[Traced]) -> dict[str, Any]:
    """The findings as an object of SARIF."""
    rules = [(rule, text) for rule, text, _, _ in RULES.values()]
    results = [_result(one, finding) for one in functions for finding in one.findings]
    return log(rules, results, columnKind="unicodeCodePoints")


def _result(function: Traced, finding: Finding) -> dict[str, Any]:
    rule, _, level, kind = RULES[finding.outcome]
    parts = [f"{function.name}: {finding.condition}", finding.message, finding.why]
    place = {
        "artifactLocation": {"uri": _uri(finding.file)},
        "region": {"startLine": max(finding.line, 1)},
    }
    text = "; ".join(part for part in parts if part)
    return result(rule, kind, level, text, place)


def _uri(file: str) -> str:
    """A file below the current folder by its path from there, another by its whole path."""
    path, here = Path(file).absolute(), Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_uri()
