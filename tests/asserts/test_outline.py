"""What pictures show of programs: every node once, and every check where it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import asserts
from asserts.conditions.report import Report, Row
from asserts.outline import Outline, outline
from asserts.trace import Spec, trace


def first_rows(x: Any, mask: Any) -> Any:
    rows = x[mask]
    asserts.check(rows.shape[0] >= 2, "two rows must be selected")
    asserts.check(rows.shape[0] >= 1)
    return rows[:2]


def roles(found: Outline) -> dict[str, list[str]]:
    shown: dict[str, list[str]] = {}
    for box in found.boxes:
        shown.setdefault(box.role, []).append(box.text)
    return shown


def inserted() -> asserts.PassResult:
    return asserts.insert(trace(first_rows, x=("n", 8), mask=Spec("n", dtype="bool")))


def test_a_checked_graph() -> None:
    made = inserted()
    found = outline(made.program, made.report)
    shown = roles(found)
    assert shown["input"] == ["x: input", "mask: input"]
    assert shown["assert"] == ["x.shape[1] == 8", "n == mask.shape[0]", "rows.shape[0] >= 2"]
    assert shown["check"] == ["rows.shape[0] >= 1"]
    assert len(shown["part"]) == 7
    assert [box.check for box in found.boxes if box.check is not None] == [0, 1, 2, 3]
    assert ("getitem", "check 3") in found.edges
    assert not any("0x" in box.title for box in found.boxes)
    by_name = {box.name: box for box in found.boxes}
    assert by_name["getitem"].shape == "f64[u0, 8]"
    assert "rows = x[mask]" in by_name["getitem"].line


def test_the_same_condition_twice_is_two_checks() -> None:
    made = inserted()
    rows = made.report.rows
    again = Row(rows[2].condition, "somebody", "kept", message="another message")
    found = outline(made.program, Report("", (again, *rows)))
    (box,) = [b for b in found.boxes if b.role == "assert" and b.text == again.condition]
    assert box.check == 3  # (the row with the same message)
    assert "check 0" in {b.name for b in found.boxes}


def test_without_a_report() -> None:
    found = outline(inserted().program)
    assert all(box.check is None for box in found.boxes)
    assert "check" not in roles(found)


def test_a_large_program_is_cut_around_its_checks() -> None:
    def many(x):  # type: ignore[no-untyped-def]
        for _ in range(30):
            x = np.sin(x)
        asserts.check(x.shape[0] >= 3)
        return x

    made = asserts.insert(trace(many, x=("n",)))
    found = outline(made.program, made.report)
    small = found.near_checks(10)
    assert len(small.boxes) == 10
    assert small.left_out == len(found.boxes) - 10
    assert [b for b in small.boxes if b.role == "assert"]
    names = {box.name for box in small.boxes}
    assert all(a in names and b in names for a, b in small.edges)
    assert found.near_checks(10_000) is found


def test_what_is_no_program() -> None:
    with pytest.raises(asserts.GraphError, match="a list is not a program"):
        outline([])
