"""The benchmarks still run: every workload on our engines at a tiny size, one in processes
of its own beside torch, and the arithmetic of the tables. No time is asserted."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import cli
from tests.benchmarks.analysis import Ratio, Row, ratios, rows
from tests.benchmarks.docs import BEGIN, END, PAGE
from tests.benchmarks.engines import ENGINES
from tests.benchmarks.plain import MEANING, build, value
from tests.benchmarks.report import aims_table, markdown, number, times_table
from tests.benchmarks.results import Results, loaded, saved
from tests.benchmarks.runner import Options, Series, run_workload
from tests.benchmarks.workload import Workload, all_workloads

WORKLOADS = all_workloads()
HAS_TORCH = importlib.util.find_spec("torch") is not None or bool(os.environ.get("CI"))
OURS = ("ours", "ours-expr", "ours-z3", "by hand")
TINY = 10


def engines_here(workload: Workload) -> list[str]:
    return [name for name in workload.engines if name in OURS]


@pytest.mark.parametrize(
    ("name", "engine"), [(n, e) for n, w in WORKLOADS.items() for e in engines_here(w)]
)
def test_the_answer_is_right(name: str, engine: str) -> None:
    from tests.benchmarks.engines.base import UnsupportedError

    workload = WORKLOADS[name]
    try:
        task = workload.prepare(ENGINES[engine](), TINY)
    except UnsupportedError as missing:
        assert str(missing)
        return
    result = task.run()
    answer, expected = task.answer(result), None
    assert isinstance(dict(task.notes(result)), dict)
    if workload.expected is not None:
        expected = workload.expected(TINY)
    if workload.judge is not None:
        assert workload.judge(expected, answer) == ""
    else:
        assert answer == expected


def test_processes_of_their_own() -> None:
    tiny = dataclasses.replace(WORKLOADS["W1sub"], sizes=(10, 20))
    names = ["ours", "torch"] if HAS_TORCH else ["ours"]
    measured = run_workload(tiny, names, Options(repeats=1, timeout=3600))
    table = rows(tiny, measured, tiny.sizes)
    assert [row.engine for row in table] == names
    for row in table:
        assert row.remark == ""
        assert len(row.exponents) == 1
        assert all(t is not None and t > 0 for t in row.cpu_ms)
    found = ratios(tiny, table)
    assert [r.peer for r in found] == names[1:]
    assert all(r.size == 20 and r.aim == 1000 for r in found)


def test_a_measurement_ends_at_its_limit() -> None:
    big = dataclasses.replace(WORKLOADS["W3"], sizes=(3_000_000,))
    (series,) = run_workload(big, ["ours"], Options(repeats=2, timeout=0.5))
    assert series.stopped == {3_000_000: "> 1 s"}
    assert not series.records


def test_a_failure_is_told() -> None:
    unknown = dataclasses.replace(WORKLOADS["W3"], name="nothing", sizes=(1, 2))
    (series,) = run_workload(unknown, ["ours"], Options(repeats=1))
    assert series.stopped == {1: "failed: KeyError: 'nothing'"}


def record(cpu_ms: float, answer: Any) -> dict[str, Any]:
    return {"cpu_ms": cpu_ms, "loaded_mb": 20.0, "peak_mb": 25.0, "answer": answer,
            "notes": {}, "version": "1"}  # fmt: skip


def test_medians_ratios_and_remarks() -> None:
    workload = dataclasses.replace(WORKLOADS["W5"], expected=lambda n: [True, False])
    right, poor, wrong = [True, False], [False, False], [True, True]
    measured = [
        Series("ours", {10: [record(t, right) for t in (9.0, 2.0, 1.0)],
                        20: [record(4.0, right)]}),
        Series("torch", {10: [record(40.0, poor)], 20: [record(400.0, wrong)]}),
        Series("jax", {10: [record(7.0, right)]}, {20: "> 10 s"}),
        Series("tvm", unsupported="no static truth"),
    ]  # fmt: skip
    table = rows(workload, measured, (10, 20))
    assert table[0].cpu_ms == (2.0, 4.0)
    assert table[0].exponents == (1.0,)
    assert table[0].memory_mb == (5.0, 5.0)
    assert table[1].remark == "1 of 1 not found; 1 WRONG"
    assert table[2].remark == "N=20: > 10 s"
    assert table[3].remark == "no static truth"
    found = ratios(workload, table)
    assert [(r.peer, r.size, r.value) for r in found] == [
        ("torch", 20, 100.0),
        ("jax", 10, 3.5),
    ]
    shown = aims_table(WORKLOADS, found)
    assert "| 100 (aim 200, **short**) | 3.50 (N=10; aim 10, **short**) |" in shown
    assert "1 WRONG" in times_table(table)


def test_markdown() -> None:
    assert markdown(("a", "b"), [("1|2", "3")]) == "| a | b |\n|---|---|\n| 1/2 | 3 |"
    assert [number(x) for x in (1234.5, 12.34, 1.234, 0.01234, None)] == [
        "1,234", "12.3", "1.23", "0.012", "–",
    ]  # fmt: skip


def test_plain_terms() -> None:
    term = ("+", ("*", "x", 3), ("//", ("max", "y", 7), 2))
    assert value(term, {"x": 2, "y": 9}) == 10
    assert build(term, {"x": 2, "y": 1}, MEANING) == 9


def test_the_command_knows_its_workloads(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--list"]) == 0
    assert "W1sub" in capsys.readouterr().out
    assert cli.main(["W99"]) == 2
    assert "no workload W99" in capsys.readouterr().out


def test_a_peer_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ENGINES["tvm"], "module", "no_such_module_at_all")
    monkeypatch.setattr(ENGINES["tvm-each"], "module", "no_such_module_at_all")
    available, missing = cli.available(["tvm"], Options())
    assert missing == ["tvm"]
    assert "ours" in available
    assert not any(ENGINES[name].peer in ("tvm", "torch", "jax") for name in available)


def test_results_are_saved_and_joined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def results(cpu_ms: float, name: str) -> Results:
        row = Row(name, "ours", (10,), (cpu_ms,), (1.0,), (20.0,), (), "")
        return Results([row], [Ratio(name, "ours", "torch", 10, 400 / cpu_ms, 20.0)],
                       [], {"torch": "2"}, ["tvm"], 3)  # fmt: skip

    paths = [tmp_path / f"{i}.json" for i in range(4)]
    for path, one in zip(paths, (results(4, "W1"), results(8, "W4"), results(2, "W1"))):
        saved(one, path)
    joined = loaded(paths[:3])
    assert [(row.workload, row.cpu_ms) for row in joined.rows] == [("W4", (8,)), ("W1", (2,))]
    options = [f"--read={path}" for path in paths[:3]]
    assert cli.main([*options, f"--json={paths[3]}"]) == 0
    told = capsys.readouterr().out
    assert "| 200 (aim 20) |" in told
    assert told.endswith("left out: tvm\n")
    again = loaded(paths[3:])
    assert [row.workload for row in again.rows] == ["W1", "W4"]  # in the order of the list
    assert sorted(again.rows, key=str) == sorted(joined.rows, key=str)
    assert (again.versions, again.missing, again.repeats) == ({"torch": "2"}, ["tvm"], 3)


def test_the_page_has_its_marks() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
