"""A fleet on this machine: rows for all models, what is known is skipped, limits, the page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import onnx
import pyarrow.parquet as pq
import pytest

from asserts.cli import main
from asserts.fleet import engines
from asserts.fleet.engines import Local, engine_of
from asserts.fleet.finding import models_of
from asserts.fleet.journal import Journal
from asserts.fleet.overview import overview
from asserts.fleet.plan import EngineError, FleetError, Plan
from asserts.fleet.run import Fleet, run
from shapes.errors import ShapeproofError
from tests.fleet.models import folder_of, hostile_archive, journal, mixed
from tests.service.test_programs import onnx_model
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def worked(models: Path, folder: Path, verb: str = "report", **limits: float) -> Fleet:
    plan = Plan(verb, str(folder / "results"), trials=5, **limits)  # type: ignore[arg-type]
    return run([str(models)], plan, Local(2), folder)


def test_a_folder_of_models(tmp_path: Path) -> None:
    models, out = mixed(tmp_path / "models"), tmp_path / "out"
    found = worked(models, out)
    assert (len(found.records), found.distinct, found.known) == (5, 4, 0)
    assert found.failures == {"program": 1}
    table = pq.read_table(found.table).to_pylist()
    assert [one["path"] for one in table] == sorted(one["path"] for one in table)
    by_name = {Path(one["path"]).name: one for one in table}
    assert by_name["same.onnx"]["key"] == by_name["model00.onnx"]["key"]
    assert by_name["graph.json"]["checks"] >= 2
    assert by_name["cut.onnx"]["status"] == "failed"
    assert by_name["cut.onnx"]["answer"] is None
    assert json.loads(by_name["model00.onnx"]["answer"])["report"]["checks"]
    assert len(journal(out)) == 4

    again = worked(models, out)
    assert (again.known, again.failures) == (4, found.failures)
    assert pq.read_table(again.table).to_pylist() == table
    (models / "new.onnx").write_bytes(onnx_model(9))
    more = worked(models, out)
    assert (len(more.records), more.distinct, more.known) == (6, 5, 4)
    assert len(journal(out)) == 5


def test_the_page_stands_alone(tmp_path: Path) -> None:
    found = worked(mixed(tmp_path / "models"), tmp_path / "out")
    page = Path(found.page).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "alert(1)&lt;" in page
    assert "src=" not in page
    assert "href=" not in page
    assert "http-equiv" in page
    assert "://" not in page
    for text in ("Failures by kind", "program: 1", "Slowest", "All models (5)"):
        assert text in page, text


def test_names_of_files_may_be_any_bytes(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    names = (b"bad\xff.onnx", b"line\nbreak.onnx", b"-option.onnx", b"\x1b[31m.onnx")
    try:
        for number, name in enumerate(names, 1):
            Path(os.fsdecode(os.path.join(os.fsencode(models), name))).write_bytes(
                onnx_model(number)
            )
    except OSError:
        pytest.skip("this file system takes no such names")
    found = worked(models, tmp_path / "out")
    assert not found.failures
    shown = {Path(one["path"]).name for one in pq.read_table(found.table).to_pylist()}
    assert shown == {"bad\\udcff.onnx", "line\nbreak.onnx", "-option.onnx", "\x1b[31m.onnx"}
    assert "bad\\udcff.onnx" in Path(found.page).read_text(encoding="utf-8")


@pytest.mark.slow
def test_verbs(tmp_path: Path) -> None:
    models, out = mixed(tmp_path / "models"), tmp_path / "out"
    minimised = worked(models, out, "minimise")
    results = {one["result"] for one in minimised.records if one["result"]}
    assert len(results) == 3
    for path in results:
        if path.endswith(".onnx"):
            onnx.checker.check_model(onnx.load_model(path))
    same = worked(models, out, "verify")
    assert {one["verdict"] for one in same.records} == {"equal", None}
    contracts = worked(models, out, "contract")
    assert {Path(one["path"]).suffix for one in contracts.records} == {".onnx"}
    assert {one["conditions"] for one in contracts.records} == {1, None}
    assert len(journal(out)) == 4 + 4 + 3

    gone = next(iter(results))
    Path(gone).unlink()
    assert worked(models, out, "minimise").known == 3  # (its result is not there)
    assert Path(gone).exists()


@pytest.mark.slow
def test_strangers_files_and_limits(tmp_path: Path) -> None:
    """The limit that is exceeded is far below what any machine needs, and no other model is
    given so little."""
    models, heavy, out = tmp_path / "models", tmp_path / "heavy", tmp_path / "out"
    (folder_of(models, 1) / "hostile.pt2").write_bytes(hostile_archive())
    folder_of(heavy, 1, nodes=20_000)
    found = worked(models, out)
    assert found.failures == {"unsafe": 1}
    assert [one["status"] for one in found.records] == ["failed", "done"]
    assert worked(heavy, out, seconds=0.02).failures == {"time": 1}
    assert worked(heavy, out, seconds=0.02).known == 1

    book = Journal(out)
    try:
        results = out / "results"
        for seconds, left in ((0.01, 0), (0.02, 0), (4.0, 1)):
            plan = Plan("report", str(results), trials=5, seconds=seconds)
            wanted = models_of([str(models), str(heavy)], "report", "x", print)
            keys = [plan.key(one) for one in wanted]
            assert len(keys) == 3
            assert sum(not book.settles(plan, key, results) for key in keys) == left
        with pytest.raises(FleetError, match="another run"):
            Journal(out)
    finally:
        book.close()


def test_a_cut_journal(tmp_path: Path) -> None:
    models, out = folder_of(tmp_path / "models", 3), tmp_path / "out"
    worked(models, out)
    path = out / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    found = worked(models, out)
    assert (found.known, found.failures) == (2, {})
    assert len({row["key"] for row in journal(out)}) == len(journal(out)) == 3


def test_a_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    models, out = folder_of(tmp_path / "models", 8, nodes=150), tmp_path / "out"
    asked = ["fleet", str(models), "-o", str(out), "--verb", "minimise", "--workers", "1"]
    code = f"import sys; from asserts.cli import main; sys.exit(main({asked!r}))"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", code], env=env)
    path = out / "journal.jsonl"
    until(lambda: path.exists() and path.read_bytes().count(b"\n") >= 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = len(journal(out))
    assert before >= 2
    found = worked(models, out, "minimise")
    assert found.known == before
    assert found.failures == {}
    assert sorted({row["key"] for row in journal(out)}) == sorted(r["key"] for r in journal(out))
    assert len(journal(out)) == 8
    for one in found.records:
        onnx.checker.check_model(onnx.load_model(one["result"]))
    assert not list((out / "results").glob(".*"))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models, out = folder_of(tmp_path / "models", 2), tmp_path / "out"
    assert main(["fleet", str(models), "-o", str(out), "--workers", "1"]) == 0
    assert "2 of 2 models done" in capsys.readouterr().out
    (models / "cut.onnx").write_bytes(onnx_model()[:-20])
    assert main(["fleet", str(models), "-o", str(out), "--json"]) == 3
    shown = json.loads(capsys.readouterr().out)
    assert (shown["models"], shown["known"], shown["failures"]) == (3, 2, {"program": 1})
    for arguments, message in (
        (["none"], "none: there is no such file"),
        ([str(tmp_path / "out")], "there is no model"),
        ([__file__], "a program is a file named .onnx"),
        ([str(models), "--engine", "dask"], "--engine dask needs --address"),
        ([str(models), "--address", "tcp://x:1"], "the engine local has none"),
        ([str(models), "--verb", "explode"], "explode"),
    ):
        assert main(["fleet", *arguments, "-o", str(out)]) == 2
        assert message in capsys.readouterr().err


def test_no_more_processes_than_models(monkeypatch: pytest.MonkeyPatch) -> None:
    seats: list[int] = []
    monkeypatch.setattr(engines, "work_on", lambda task, count: seats.append(count))
    with Local(64) as engine:
        list(engine.rows([{}, {}]))  # type: ignore[typeddict-item]
    assert seats == [2, 2]


def test_engines_that_are_not_there() -> None:
    with pytest.raises(EngineError, match="applies to the engine local"):
        engine_of("dask", "tcp://127.0.0.1:1", 2)
    with pytest.raises(ShapeproofError):
        engine_of("ray", None, None)


def test_a_page_without_models_of_note() -> None:
    record = dict.fromkeys(
        ("key", "failure", "detail", "seconds", "checks", "redundant", "conditions", "verdict")
    )
    record |= {"path": "/a/b.onnx", "status": "done", "size": 1, "sha256": "x"}
    page = overview([record], "contract")
    assert "Failures" not in page
    assert "Most redundant" not in page
