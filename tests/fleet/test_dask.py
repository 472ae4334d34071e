"""A fleet on a real Dask cluster: a scheduler and workers in processes of their own, one of
which is killed while it works."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import pytest

from asserts.cli import main
from asserts.fleet import engines
from asserts.fleet.engines import Dask
from asserts.fleet.plan import EngineError, Plan
from asserts.fleet.run import run
from tests.fleet.models import folder_of, journal
from tests.waiting import LONGEST, until

HAS_DASK = importlib.util.find_spec("distributed") is not None or bool(os.environ.get("CI"))
pytestmark = [
    pytest.mark.skipif(not HAS_DASK, reason="no Dask"),
    pytest.mark.slow,
    # (distributed's own)
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ROOT = Path(__file__).parents[2]


class Cluster:
    """A scheduler on loopback and its workers, by their process ids."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3",
        }
        about = folder / "scheduler.json"
        self.scheduler = self._started(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
            "--scheduler-file", str(about),
        )  # fmt: skip
        until(lambda: about.exists() and about.read_text().endswith("}"))
        self.address = str(json.loads(about.read_text())["address"])
        self.workers: dict[int, subprocess.Popen[bytes]] = {}

    def _started(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{arguments[0]}-{time.monotonic_ns()}.log").open("wb")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                cwd=self._folder, env=self._env, stdout=log, stderr=log,
            )  # fmt: skip

    def add_worker(self, *options: str) -> int:
        made = self._started(
            "worker", self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard", *options
        )
        self.workers[made.pid] = made
        return made.pid

    def close(self) -> None:
        for process in (*self.workers.values(), self.scheduler):
            process.kill()
            process.wait()


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    folder.mkdir()
    made = Cluster(folder)
    try:
        yield made
    finally:
        made.close()


def test_a_worker_is_killed_in_the_middle(tmp_path: Path) -> None:
    """Nothing is lost, and nothing is there twice."""
    models, out = folder_of(tmp_path / "models", 10, nodes=100), tmp_path / "out"
    plan = Plan("minimise", str(out / "results"))
    with cluster(tmp_path / "dask") as engine:
        for _ in range(2):
            engine.add_worker()
        killed: list[int] = []

        def tell(what: str, done: int, total: int) -> None:
            """After the first answers, kill the process that the last one came from: it
            works on the next model by now."""
            if what == "minimise" and done == 3:
                killed.append(int(journal(out)[-1]["place"].rpartition(":")[2]))
                os.kill(killed[0], signal.SIGKILL)

        found = run([str(models)], plan, Dask(engine.address), out, tell)
        assert killed
        assert engine.workers[killed[0]].wait(LONGEST) == -signal.SIGKILL
    rows = journal(out)
    assert len(rows) == len({row["key"] for row in rows}) == 10
    assert {row["status"] for row in rows} == {"done"}
    places = {int(row["place"].rpartition(":")[2]) for row in rows}
    assert places <= set(engine.workers)
    assert not any(row["place"].endswith(f":{killed[0]}") for row in rows[3:])
    assert len(found.records) == 10
    for one in found.records:
        onnx.checker.check_model(onnx.load_model(one["result"]))
    assert len(list((out / "results").iterdir())) == 10


def test_answers_are_lost_with_their_worker(tmp_path: Path) -> None:
    """Those that were known, but not fetched, are found again: the cluster is not lost."""
    models, out = folder_of(tmp_path / "models", 4), tmp_path / "out"
    plan = Plan("report", str(out / "results"))
    with cluster(tmp_path / "dask") as engine:
        worker = engine.add_worker()
        connected = Dask(engine.address)

        def state_of_all() -> list[str]:
            assert connected._client is not None
            return [one.status for one in connected._client.futures.values()]

        def all_are(status: str) -> bool:
            return all(one == status for one in state_of_all())

        def tell(what: str, done: int, total: int) -> None:
            if what == "report" and done == 1:
                until(lambda: all_are("finished"))
                os.kill(worker, signal.SIGKILL)
                until(lambda: all_are("lost"))
                engine.add_worker()

        found = run([str(models)], plan, connected, out, tell)
    assert (found.failures, len(journal(out))) == ({}, 4)


def test_the_command_on_a_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    models, out = folder_of(tmp_path / "models", 3), tmp_path / "out"
    with cluster(tmp_path / "dask") as engine:
        worker = engine.add_worker()
        asked = ["fleet", str(models), "-o", str(out), "--engine", "dask"]
        asked += ["--address", engine.address]
        assert main(asked) == 0
        assert "3 of 3" in capsys.readouterr().out
        # The cluster is as it was: no process of ours is left on it.
        children = [
            stat for stat in Path("/proc").glob("[0-9]*/stat")
            if _parent(stat) == worker
        ]  # fmt: skip
        assert not children
    assert main(asked) == 0  # (all is known: no cluster is needed)
    (models / "new.onnx").write_bytes((models / "model00.onnx").read_bytes() + b"\x12\x00")
    monkeypatch.setattr(engines, "CONNECT_SECONDS", 1)  # (nobody listens, however long)
    assert main([*asked, "--again"]) == 2
    assert "no Dask scheduler at" in capsys.readouterr().err


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_the_scheduler_is_lost(tmp_path: Path) -> None:
    """The run ends with the reason; what was done is kept."""
    models, out = folder_of(tmp_path / "models", 6, nodes=100), tmp_path / "out"
    plan = Plan("report", str(out / "results"))
    with cluster(tmp_path / "dask") as engine:
        engine.add_worker()

        def tell(what: str, done: int, total: int) -> None:
            if what == "report" and done == 2:
                engine.close()

        with pytest.raises(EngineError, match="is lost"):
            run([str(models)], plan, Dask(engine.address), out, tell)
    assert 2 <= len(journal(out)) < 6
