"""A stored report as a page for people, in one file that can be sent around."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from asserts.work.html import Markup, document, section, table, tiles

__all__ = ["MEDIA_TYPE", "page_of"]

MEDIA_TYPE = "text/html; charset=utf-8"

Found = Mapping[str, Any]


def page_of(report: Found, verb: str, program: str, version: str) -> str:
    """The page of a stored report; `program` is the name of the file that it is about."""
    parts = [*_checks(report), *_comparison(report), *_contract(report)]
    return document(f"{program}: {verb}", f"Shapeproof {version}", *parts)


def _checks(report: Found) -> Iterator[Markup]:
    found = report.get("report")
    if found is None:
        return
    yield tiles([("checks", len(found["checks"])), *found["counts"].items()])
    rows = [
        (
            one["condition"], one["outcome"], one["stated_by"], one["place"] or "entry",
            _why(one), one["line"] or one["location"],
        )
        for one in found["checks"]
    ]  # fmt: skip
    header = ("check", "outcome", "stated by", "place", "why or cost", "line")
    yield section(str(found["title"]).capitalize(), table(header, rows))
    decisions = [
        [one[key] for key in ("asked", "answer", "rung", "reason", "assumption", "line")]
        for one in found.get("decisions", ())
    ]
    if decisions:
        header = ("asked", "answer", "rung", "why", "assumed", "line")
        yield section("Decided while the program was traced", table(header, decisions))


def _why(check: Found) -> str:
    parts = [check["message"], check["note"]]
    if check["proof"] is not None:
        facts = [fact["text"] for fact in check["proof"]["facts"]]
        parts.append(f"{check['proof']['method']}{': ' if facts else ''}{'; '.join(facts)}")
    if check["nodes"]:
        parts.append(f"{check['nodes']} node{'' if check['nodes'] == 1 else 's'}")
    return "\n".join(filter(None, parts))


def _comparison(report: Found) -> Iterator[Markup]:
    if "differences" not in report:
        return
    names = ("verdict", "trials", "accepted", "rejected", "checks")
    yield tiles([(name, report[name]) for name in names])
    rows = [
        (one["how"], one["purpose"], str(one["inputs"]), _outcome(one["first"]),
         _outcome(one["second"]))
        for one in report["differences"]
    ]  # fmt: skip
    if rows:
        header = ("difference", "purpose", "inputs", *report["programs"])
        yield section("Differences", table(header, rows))
    unbroken = [(one,) for one in report["unbroken"]]
    if unbroken:
        title = "Checks that no input has broken"
        yield section(title, table(("check",), unbroken))


def _outcome(outcome: Found) -> str:
    return "accepted" if outcome["accepted"] else f"refused: {outcome['error']}"


def _contract(report: Found) -> Iterator[Markup]:
    if "requirements" not in report:
        return
    figures: list[tuple[str, Any]] = [
        ("dimensions", len(report["dimensions"])),
        ("conditions", len(report["conditions"])),
    ]
    if "sizes" in report:
        accepted = {True: "accepted", False: "refused", None: "not decided"}
        figures.append(("these sizes", accepted[report["accepted"]]))
    yield tiles(figures)
    if report.get("sizes"):
        yield section("Sizes", table(("dimension", "size"), report["sizes"].items()))
    broken = set(report.get("broken_conditions", ()))
    rows = [(one, "does not hold" if one in broken else "") for one in report["conditions"]]
    if rows:
        yield section("What sizes must be", table(("condition", ""), rows))
    for title, name in (
        ("Why", "requirements"),
        ("What values must be", "data_dependent"),
        ("Not decided by these sizes", "undecided"),
    ):
        why = [
            (one["condition"], one["node"], one["operator"], one["reason"])
            for one in report.get(name, ())
        ]
        if why:
            yield section(title, table(("condition", "node", "operator", "reason"), why))
    if report["notes"]:
        yield section("Notes", table(("note",), [(str(one),) for one in report["notes"]]))
