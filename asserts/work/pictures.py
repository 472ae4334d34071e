"""The picture of a program that a job's report has beside its checks, as data."""

from __future__ import annotations

import logging
from typing import Any, Final

from asserts.conditions.report import Report
from asserts.outline import Box, outline
from asserts.work.wording import in_words

__all__ = ["picture_of"]

log = logging.getLogger("shapeproof.pictures")

MOST: Final = 2000
"""Nodes of a picture; those nearest to checks are shown of a larger program."""


def picture_of(program: object, report: Report) -> dict[str, Any] | None:
    """Boxes, edges by their numbers, how many nodes are not shown, and each check in plain
    words. None for a program that cannot be drawn: the report stands without a picture."""
    try:
        whole = outline(program, report)
    except Exception as error:
        log.warning("no picture", extra={"error": type(error).__name__})
        return None
    shown = whole.near_checks(MOST)
    number = {box.name: i for i, box in enumerate(shown.boxes)}
    return {
        "boxes": [_box(box) for box in shown.boxes],
        "edges": [[number[a], number[b]] for a, b in shown.edges],
        "left_out": shown.left_out,
        "words": [in_words(row.condition) for row in report.rows],
    }


def _box(box: Box) -> dict[str, Any]:
    fields = {
        "name": box.name, "text": box.text, "role": box.role, "title": box.title,
        "shape": box.shape, "line": box.line, "check": box.check,
    }  # fmt: skip
    return {key: value for key, value in fields.items() if value not in ("", None)}
