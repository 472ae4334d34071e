"""Ray as an engine. Ray is imported here only, and is part of no extra: who has a cluster has
it installed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from asserts.fleet.desk import work_on
from asserts.fleet.engines import lost
from asserts.fleet.plan import EngineError, Row, Task

__all__ = ["Ray"]

_RETRIES: Final = 3
"""How often a task is run again whose process was lost."""


class Ray:
    """A Ray cluster that is there (`address`: as of `ray.init`, "auto" too); its nodes have
    shapeproof installed, and see the files and the folder of results under the same names."""

    def __init__(self, address: str) -> None:
        try:
            import ray
        except ModuleNotFoundError as error:
            raise EngineError(
                f"{error.name} is not installed: the engine ray needs it (pip install ray)"
            ) from None
        self._ray = ray
        self._address = address

    def __enter__(self) -> Ray:
        try:
            self._ray.init(
                address=self._address, log_to_driver=False, configure_logging=False
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise EngineError(f"no Ray cluster at {self._address}: {error}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()  # (ends the processes of this run, and so our workers)

    def rows(self, tasks: Sequence[Task]) -> Iterator[Row]:
        remote = self._ray.remote(num_cpus=1, max_retries=_RETRIES)(work_on)
        asked: dict[Any, Task] = {remote.remote(task): task for task in tasks}
        while asked:
            (done,), _ = self._ray.wait(list(asked), num_returns=1)
            yield self._row(done, asked.pop(done))

    def _row(self, done: object, task: Task) -> Row:
        try:
            row: Row = self._ray.get(done)
        except self._ray.exceptions.WorkerCrashedError:
            return lost(task, "processes of the engine ended over it several times")
        except self._ray.exceptions.RayTaskError as error:
            raise EngineError(f"a Ray worker cannot do it: {error.cause}") from None
        except self._ray.exceptions.RayError as error:
            raise EngineError(f"the Ray cluster is lost: {type(error).__name__}") from None
        return row
