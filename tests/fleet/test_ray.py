"""The engine ray, on a stand-in for Ray's functions that it calls (a real cluster is no part of
the tests): rows, processes that are lost, a cluster that is lost."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from asserts.fleet.engines import engine_of
from asserts.fleet.plan import EngineError, Plan
from asserts.fleet.run import run
from tests.fleet.models import folder_of


class RayError(Exception):
    cause: Exception | None = None


class WorkerCrashedError(RayError):
    pass


class RayTaskError(RayError):
    pass


class StandIn(ModuleType):
    """Runs tasks when they are waited for; `failing` raises for some of them."""

    exceptions = SimpleNamespace(
        RayError=RayError, WorkerCrashedError=WorkerCrashedError, RayTaskError=RayTaskError
    )

    def __init__(self, failing: Callable[[int], Exception | None]) -> None:
        super().__init__("ray")
        self.failing = failing
        self.up = False

    def init(self, address: str, **_: object) -> None:
        if address != "auto":
            raise ConnectionError(address)
        self.up = True

    def shutdown(self) -> None:
        self.up = False

    def remote(self, **_: object) -> Any:
        count = iter(range(99))

        def made(function: Callable[[Any], Any]) -> Any:
            return SimpleNamespace(remote=lambda task: (next(count), lambda: function(task)))

        return made

    def wait(self, asked: list[Any], num_returns: int) -> tuple[list[Any], list[Any]]:
        return asked[-1:], asked[:-1]

    def get(self, done: tuple[int, Callable[[], Any]]) -> Any:
        error = self.failing(done[0])
        if error is not None:
            raise error
        return done[1]()


def stand_in(
    monkeypatch: pytest.MonkeyPatch, failing: Callable[[int], Exception | None]
) -> StandIn:
    made = StandIn(failing)
    monkeypatch.setitem(sys.modules, "ray", made)
    return made


def test_rows_and_lost_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = stand_in(monkeypatch, lambda n: WorkerCrashedError() if n == 1 else None)
    models, out = folder_of(tmp_path / "models", 3), tmp_path / "out"
    plan = Plan("report", str(out / "results"))
    found = run([str(models)], plan, engine_of("ray", "auto", None), out)
    assert not ray.up
    assert found.failures == {"died": 1}
    ray.failing = lambda n: None
    again = run([str(models)], plan, engine_of("ray", "auto", None), out, again=True)
    assert (again.known, again.failures) == (2, {})


def test_a_cluster_that_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models, out = folder_of(tmp_path / "models", 2), tmp_path / "out"
    plan = Plan("report", str(out / "results"))
    for error, message in ((RayError(), "is lost"), (RayTaskError(), "cannot do it")):
        ray = stand_in(monkeypatch, lambda n, error=error: error)  # type: ignore[misc]
        with pytest.raises(EngineError, match=message):
            run([str(models)], plan, engine_of("ray", "auto", None), out)
        assert not ray.up
    with pytest.raises(EngineError, match="no Ray cluster at x:1"):
        run([str(models)], plan, engine_of("ray", "x:1", None), out)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match="pip install ray"):
        engine_of("ray", "auto", None)
