"""Engines: where the work is done. One is a context with one method, `rows`.

An engine may run a task again where the process that ran it was lost: its result is the same
file, and of several answers `run` writes one. It gives up a task that was lost several times.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Protocol

from asserts.fleet.desk import close_desks, work_on
from asserts.fleet.plan import EngineError, Row, Task

__all__ = ["ENGINES", "Engine", "Local", "engine_of", "lost"]

CONNECT_SECONDS: Final = 20


class Engine(Protocol):
    """What `run` needs of an engine."""

    def __enter__(self) -> Engine:
        """Raises `EngineError` if it cannot be reached."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave it as it was: tasks that are not done are cancelled, our processes end."""

    def rows(self, tasks: Sequence[Task]) -> Iterator[Row]:
        """A row for each task, as they come. Raises `EngineError` if the engine is lost."""


def lost(task: Task, why: str) -> Row:
    """The row of a model that the engine has given up."""
    same = {key: task[key] for key in ("key", "verb", "limits")}
    failed = {"status": "failed", "failure": "died", "detail": why, "seconds": 0.0}
    return {**same, "place": "", **failed}


class Local:
    """This machine: as many worker processes as `workers` (None: one for each processor that
    this process may use), at most one for each task."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or _processors()
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="fleet")

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        close_desks()

    def rows(self, tasks: Sequence[Task]) -> Iterator[Row]:
        seats = min(self._workers, len(tasks))
        futures = [self._threads.submit(work_on, task, seats) for task in tasks]
        for future in as_completed(futures):
            yield future.result()


def _processors() -> int:
    """Those of this process: a container may have few of the machine's."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Dask:
    """A Dask cluster that is there; its workers have shapeproof installed, and see the files
    and the folder of results under the same names."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ModuleNotFoundError as error:
            raise _missing(error) from None
        self._dask = distributed
        self._address = address
        self._client: Any = None

    def __enter__(self) -> Dask:
        try:
            self._client = self._dask.Client(
                self._address, timeout=CONNECT_SECONDS, set_as_default=False, name="shapeproof"
            )
        except (OSError, ValueError, TimeoutError) as error:
            raise EngineError(f"no Dask scheduler at {self._address}: {error}") from None
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):  # (the cluster may be gone)
            self._client.run(close_desks, on_error="ignore")
        self._client.close()

    def rows(self, tasks: Sequence[Task]) -> Iterator[Row]:
        # (a name of its own for each run: the scheduler may still know those of another)
        run = os.urandom(4).hex()
        asked = {
            self._client.submit(
                _on_dask, task, key=f"shapeproof-{run}-{task['key']}", pure=False
            ): task
            for task in tasks
        }
        # (it takes the futures over: each is forgotten with its row)
        completed = self._dask.as_completed(list(asked), loop=self._client.loop)
        for future in completed:
            yield self._row(future, asked.pop(future))
            future.release()

    def _row(self, future: Any, task: Task) -> Row:
        if future.status in ("pending", "lost"):
            # (its answer was lost with a process that had it: it is found again)
            future.exception()  # (waits)
        if future.status == "finished":
            row: Row = future.result()
            return row
        if future.status != "error":
            raise EngineError(f"the Dask scheduler at {self._address} is lost")
        error = future.exception()
        if isinstance(error, self._dask.KilledWorker):
            return lost(task, "processes of the engine ended over it several times")
        if isinstance(error, (EngineError, ImportError)):
            raise EngineError(f"a Dask worker cannot do it: {error}") from None
        return lost(task, f"the engine raised {type(error).__name__}")


def _on_dask(task: Task) -> Row:
    from distributed import get_worker

    return work_on(task, get_worker().state.nthreads)


def _missing(error: ModuleNotFoundError) -> EngineError:
    return EngineError(
        f"{error.name} is not installed: this engine needs it "
        "(pip install 'shapeproof[fleet]')"
    )


def _ray(address: str) -> Engine:
    from asserts.fleet.on_ray import Ray

    return Ray(address)


ENGINES: Final[dict[str, Callable[[str], Engine]]] = {"dask": Dask, "ray": _ray}
"""The engines that have an address, by name."""


def engine_of(name: str, address: str | None, workers: int | None) -> Engine:
    """The engine of that name. Raises `EngineError` for options that do not fit it."""
    if name == "local":
        if address is not None:
            raise EngineError(f"--address {address}: the engine local has none")
        return Local(workers)
    if workers is not None:
        raise EngineError(f"--workers {workers}: this applies to the engine local")
    if address is None:
        raise EngineError(f"--engine {name} needs --address")
    return ENGINES[name](address)
