"""The report of a pass, as text and in notebooks."""

from __future__ import annotations

from typing import Any

import pytest

import asserts
from asserts.conditions.report import Outcome, Report, Row
from asserts.dialects.numpy.codec import load, save
from asserts.errors import GraphError
from asserts.passes.metadata import RefreshMetadata
from asserts.trace import Spec, trace
from asserts.trace.sources import traced_from
from shapes.facts.verdict import Proof


def test_every_outcome_has_a_word() -> None:
    outcomes: tuple[Outcome, ...] = (
        "inserted", "present", "discharged", "removed", "changed", "kept", "unplaced"
    )  # fmt: skip
    report = Report("a pass", tuple(Row("x >= 0", "nobody", o) for o in outcomes))

    assert report.summary() == (
        "a pass: 1 inserted, 1 already in the graph, 1 proved, 1 removed, 1 changed, 1 kept, "
        "1 has no place here"
    )
    assert len(str(report).splitlines()) == 4 + len(outcomes)


def test_nothing_to_do() -> None:
    assert str(Report("a pass")) == "a pass: nothing to do"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Row("c", "x", "inserted", nodes=1), "1 node"),
        (Row("c", "x", "kept", nodes=3), "3 nodes"),
        (Row("c", "x", "kept"), ""),
        (Row("c", "x", "kept", note="it is used", nodes=2), "it is used (2 nodes)"),
        (Row("c", "x", "discharged", proof=Proof("ranges")), "by ranges"),
        (Row("c", "x", "discharged", proof=Proof("ranges"), nodes=2), "by ranges (2 nodes)"),
    ],
)
def test_why_and_cost(row: Row, says: str) -> None:
    assert row.proof_and_cost == says


def test_lines_are_shown_where_there_are_any() -> None:
    rows = (Row("a", "x", "kept", location="f.py:3 in f: a = 1"), Row("b", "x", "kept"))
    report = Report("a pass", rows)

    assert report._repr_html_().count("<th ") == 5
    assert "f.py:3 in f: a = 1" in report._repr_html_()
    assert "f.py:3" in str(report)
    assert "a = 1" not in str(report)
    assert "line" not in str(Report("a pass", rows[1:]))


def test_places_are_shown_where_there_are_any() -> None:
    assert "entry" not in str(Report("a pass", (Row("a", "x", "removed"),)))
    both = (Row("a", "x", "kept"), Row("b", "x", "kept", place="item"))
    assert "entry" in str(Report("a pass", both))


def test_html_is_escaped() -> None:
    report = Report("a pass", (Row("a < b", "<x>", "kept"),))
    assert "a &lt; b" in report._repr_html_()
    assert "<x>" not in report._repr_html_()


def test_the_report_of_a_graph_names_lines_and_nodes() -> None:
    program = traced_from("asserts.examples.route_tokens:route_tokens")
    before = program.print_readable(print_output=False)
    report = asserts.report(program)

    assert program.print_readable(print_output=False) == before
    assert any("route_tokens.py:" in (row.location or "") for row in report)
    assert all(row.nodes > 0 for row in report.with_outcome("inserted"))


def test_changed_metadata_are_called_so() -> None:
    program = traced_from("asserts.examples.route_tokens:route_tokens")
    node = next(n for n in program.graph.nodes if "argmax" in n.name)
    node.meta["val"] = next(iter(program.graph.nodes)).meta["val"]
    report = RefreshMetadata()(program).report

    assert [row.place for row in report.with_outcome("changed")] == [node.name]


def test_what_is_no_program() -> None:
    with pytest.raises(GraphError, match="int is not a program with asserts"):
        asserts.report(3)
    with pytest.raises(GraphError, match="dict is not a program with asserts"):
        asserts.minimise({})
    with pytest.raises(FileNotFoundError, match="program"):
        asserts.minimise("program")  # (a text is the path of an ONNX model)


def _divided(n: Any, d: Any) -> Any:
    asserts.check((d == 0) | (n // d > 1), "ratio")
    asserts.check(n % d == 0, "multiple")
    return n


def _selected(x: Any, mask: Any) -> Any:
    rows = x[mask]
    asserts.check(rows.shape[0] >= 2, "two rows")
    return rows[:2]


REPORTED = (
    (_divided, {"n": Spec.int(), "d": Spec.int()}),
    (_selected, {"x": ("n", 8), "mask": Spec(("n",), "bool")}),
    (_selected, {"x": ("n", "k"), "mask": Spec(("n",), "bool")}),
)


@pytest.mark.parametrize(("function", "specs"), REPORTED)
@pytest.mark.parametrize("policy", ["strict", "preserve-user", "keep-all"])
def test_no_check_that_stands_in_the_graph_is_proved_by_itself(
    function: Any, specs: Any, policy: Any
) -> None:
    inserted = asserts.insert(trace(function, **specs), policy=policy)
    saved = load(save(inserted.graph_module))
    report = asserts.report(saved, policy=policy)

    assert report.title == "runtime asserts"
    for before, row in zip(inserted.report, report, strict=True):
        wanted = "present" if before.outcome == "inserted" else before.outcome
        assert row.condition == before.condition
        assert row.outcome in (wanted, "present")
        if row.outcome == "discharged":
            assert row.proof is not None
            assert row.condition not in [fact.spelled for fact in row.proof.facts]
