"""The page of a fleet: totals, failures by kind, the most redundant, the slowest, and all."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from asserts.work.html import Markup, bar, document, fold, section, table, tiles

__all__ = ["overview"]

Record = dict[str, Any]

TOP: Final = 20
"""How many models a list of the first ones has."""
EXAMPLES: Final = 50
"""How many models are named of each kind of failure."""
MOST: Final = 5000
"""How many models the list of all has; the table has all."""


def overview(records: Sequence[Record], verb: str) -> str:
    """The page, which needs nothing else to be shown."""
    from shapeproof import __version__

    base = _common([one["path"] for one in records])
    parts = [
        tiles(_totals(records)),
        _failures(records, base),
        _verdicts(records, base),
        _redundant(records, base),
        _slowest(records, base),
        _all(records, base),
    ]
    under = f"shapeproof fleet --verb {verb} · version {__version__} · {base}"
    return document("Fleet of models", under, *filter(None, parts))


def _common(paths: Sequence[str]) -> str:
    """The folder that all paths are in."""
    try:
        return os.path.commonpath([os.path.dirname(path) for path in paths])
    except ValueError:  # (of several drives)
        return ""


def _name(one: Record, base: str) -> str:
    path = str(one["path"])
    return os.path.relpath(path, base) if base else path


def _totals(records: Sequence[Record]) -> list[tuple[str, Any]]:
    failed = sum(one["status"] == "failed" for one in records)
    figures = [
        ("models", len(records)),
        ("distinct contents", len({one["sha256"] for one in records})),
        ("done", len(records) - failed),
        ("failed", failed),
        ("seconds of work", round(sum(_each(records)))),
    ]
    for name, text in (("checks", "checks"), ("redundant", "checks not needed")):
        known = [one[name] for one in records if one[name] is not None]
        figures += [(text, sum(known))] if known else []
    return figures


def _each(records: Sequence[Record]) -> list[float]:
    """Seconds of each content, once."""
    return list({one["key"]: one["seconds"] or 0.0 for one in records}.values())


def _failures(records: Sequence[Record], base: str) -> Markup | str:
    kinds: defaultdict[str, list[Record]] = defaultdict(list)
    for one in records:
        if one["failure"]:
            kinds[one["failure"]].append(one)
    parts = []
    for kind, failed in sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0])):
        rows = [(_name(one, base), one["detail"]) for one in failed[:EXAMPLES]]
        more = f", the first {EXAMPLES}" if len(failed) > EXAMPLES else ""
        parts.append(fold(f"{kind}: {len(failed)}{more}", table(("model", "why"), rows)))
    return section("Failures by kind", *parts) if parts else ""


def _verdicts(records: Sequence[Record], base: str) -> Markup | str:
    unequal = [one for one in records if one["verdict"] not in (None, "equal")]
    rows = [(_name(one, base), one["verdict"]) for one in unequal]
    if not rows:
        return ""
    return section("Not shown to be equal", table(("model", "verdict"), rows))


def _redundant(records: Sequence[Record], base: str) -> Markup | str:
    found = sorted(
        (one for one in records if one["redundant"]),
        key=lambda one: (-one["redundant"], _name(one, base)),
    )
    rows = [
        (_name(one, base), n := one["redundant"], one["checks"], bar(n / one["checks"]))
        for one in found[:TOP]
    ]
    if not rows:
        return ""
    header = ("model", "not needed", "checks", "share")
    return section("Most redundant checks", table(header, rows))


def _slowest(records: Sequence[Record], base: str) -> Markup:
    timed = [(one["seconds"] or 0.0, _name(one, base), one["size"]) for one in records]
    found = sorted(timed, key=lambda one: (-one[0], one[1]))[:TOP]
    longest = max((seconds for seconds, *_ in found), default=0.0) or 1.0
    rows = [(name, seconds, size, bar(seconds / longest)) for seconds, name, size in found]
    return section("Slowest", table(("model", "seconds", "bytes", ""), rows))


def _all(records: Sequence[Record], base: str) -> Markup:
    rows = [
        (
            _name(one, base), one["status"], one["failure"] or one["verdict"],
            one["checks"], one["redundant"], one["conditions"], one["seconds"] or 0.0,
        )
        for one in records[:MOST]
    ]  # fmt: skip
    header = ("model", "status", "", "checks", "not needed", "conditions", "seconds")
    more = f", the first {MOST:,}" if len(records) > MOST else ""
    title = f"All models ({len(records):,}{more})"
    return section("Models", fold(title, table(header, rows)))
