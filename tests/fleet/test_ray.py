"""The engine ray, on a stand-in for Ray's functions that it calls: rows, processes that are
lost, a cluster that is lost. A test with a real cluster of this machine runs where it is asked for
(`-m real`)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from asserts.fleet.engines import engine_of
from asserts.fleet.plan import EngineError, Plan
from asserts.fleet.run import run
from tests.fleet.models import folder_of, journal


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


@pytest.mark.real
def test_a_worker_of_a_real_cluster_is_killed(tmp_path: Path) -> None:
    """Nothing is lost, and nothing is there twice. (`pip install ray`: it is part of no extra.)"""
    pytest.importorskip("ray")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ray = [sys.executable, "-m", "ray.scripts.scripts"]
    head = ["--head", f"--port={port}", "--num-cpus=2", "--include-dashboard=false"]
    subprocess.run([*ray, "start", *head, "--disable-usage-stats"], env=env, check=True)
    models, out = folder_of(tmp_path / "models", 8, nodes=100), tmp_path / "out"
    plan = Plan("minimise", str(out / "results"))
    killed: list[int] = []

    def tell(what: str, done: int, total: int) -> None:
        if what == "minimise" and done == 3:
            killed.append(int(journal(out)[-1]["place"].rpartition(":")[2]))
            os.kill(killed[0], signal.SIGKILL)

    try:
        found = run([str(models)], plan, engine_of("ray", f"127.0.0.1:{port}", None), out, tell)
    finally:
        subprocess.run([*ray, "stop", "--force"], env=env, check=True)
    assert killed
    assert found.failures == {}
    rows = journal(out)
    assert len(rows) == len({row["key"] for row in rows}) == len(found.records) == 8
    assert {row["status"] for row in rows} == {"done"}
    assert not any(row["place"].endswith(f":{killed[0]}") for row in rows[3:])
    assert len(list((out / "results").iterdir())) == 8
