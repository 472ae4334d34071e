"""A fleet from its paths to its table: find, skip what is known, work, write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asserts.files import write_whole
from asserts.fleet.engines import Engine
from asserts.fleet.finding import models_of
from asserts.fleet.journal import Journal
from asserts.fleet.overview import overview
from asserts.fleet.plan import EngineError, Model, Plan, Row
from asserts.fleet.tables import record_of, require_pyarrow, write_parquet

__all__ = ["Fleet", "run"]

Tell = Callable[[str, int, int], None]
"""Told of progress: what is being done, how much of it, of how much (0: not known yet)."""


@dataclass(frozen=True)
class Fleet:
    """What became of a fleet. `records` are those of `tables.record_of`, one for each file;
    `distinct` counts different contents, `known` those that an earlier run had done."""

    records: tuple[dict[str, Any], ...]
    distinct: int
    known: int
    table: str
    page: str

    @property
    def failures(self) -> dict[str, int]:
        """How many models have failed, by the kind of failure, the most frequent first."""
        kinds = Counter(one["failure"] for one in self.records if one["failure"])
        return dict(kinds.most_common())

    @property
    def different(self) -> int:
        """How many models do not do what they did before (`verify`)."""
        return sum(one["verdict"] == "different" for one in self.records)

    @property
    def undecided(self) -> int:
        """How many models could not be compared (`verify`)."""
        return sum(one["verdict"] == "not compared" for one in self.records)


def run(
    paths: Sequence[str],
    plan: Plan,
    engine: Engine,
    folder: Path,
    tell: Tell = lambda what, done, total: None,
    again: bool = False,
) -> Fleet:
    """Work on all models of the paths that were not done before; with `again`, on those that
    failed, too.

    In `folder` there are then `models.parquet`, `overview.html`, and `results` with changed
    models. Raises `FleetError`, `EngineError`, and `OSError` if the folder cannot be written
    to; what was done until then is kept.
    """
    require_pyarrow()
    models = models_of(paths, plan.verb, str(folder), lambda n: tell("finding models", n, 0))
    results = Path(plan.results)
    results.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder)
    try:
        asked = {plan.key(model): model for model in models if model.digest}
        left = [key for key in asked if _is_left(journal, plan, key, results, again)]
        _work(engine, plan, [asked[key] for key in left], journal, len(asked), tell)
        rows = journal.rows
    finally:
        journal.close()
    for part in results.glob(".*.tmp"):  # (of workers that were lost while they wrote)
        part.unlink(missing_ok=True)
    records = tuple(record_of(one, _row_of(one, plan, rows), plan) for one in models)
    table, page = str(folder / "models.parquet"), str(folder / "overview.html")
    write_parquet(records, table)
    content = overview(records, plan.verb).encode()
    write_whole(page, lambda file: file.write(content))
    return Fleet(records, len(asked), len(asked) - len(left), table, page)


def _is_left(
    journal: Journal, plan: Plan, key: str, results: Path, again: bool
) -> bool:
    """Whether there is work to do for a key."""
    row = journal.rows.get(key)
    failed = row is not None and row["status"] == "failed"
    return (again and failed) or not journal.settles(plan, key, results)


def _work(
    engine: Engine,
    plan: Plan,
    models: Sequence[Model],
    journal: Journal,
    total: int,
    tell: Tell,
) -> None:
    tell(plan.verb, total - len(models), total)
    if not models:
        return
    tasks = [plan.task(model) for model in models]
    left = {task["key"] for task in tasks}
    with engine:
        for row in engine.rows(tasks):
            if row["key"] in left:
                left.discard(row["key"])
                journal.add(row)
                tell(plan.verb, total - len(left), total)
    if left:
        raise EngineError(f"the engine has lost {len(left)} models: run it again")


def _row_of(model: Model, plan: Plan, rows: dict[str, Row]) -> Row:
    if not model.digest:
        return {"status": "failed", "failure": "unreadable", "detail": model.problem}
    return rows[plan.key(model)]
