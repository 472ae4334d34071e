"""Work on one model, in a process of an engine: there a worker process of ours does it.

The engine's process only waits: whatever a model does to the worker (time, memory, a crash)
leaves it whole. Worker processes are kept for the next model, and end when none has come for a
while, or with the engine's process.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from time import monotonic
from typing import Any, Final

from asserts.fleet.plan import EngineError, Row, Task
from asserts.work.pool import START_SECONDS, Pool, WorkerSettings
from asserts.work.problems import ProblemError

__all__ = ["close_desks", "work_on"]

_ANSWER: Final = 64 << 20
_USES: Final = 200
_IDLE: Final = 60.0
"""Seconds after which the workers of a desk that has nothing to do end."""
_ENDING: Final = 120.0
"""Seconds in which killed processes are gone, on a machine with too much to do."""


class Desk:
    """Worker processes with the same limits, and a thread that speaks to them."""

    def __init__(self, seats: int, memory: int, file_size: int) -> None:
        self._settings = WorkerSettings(
            "asserts.work.verbs", "jobs", memory, file_size, _ANSWER, _USES
        )
        self._seats = seats
        self._pool: Pool | None = None
        self._busy = 0
        self._idle: asyncio.TimerHandle | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer. Raises `ProblemError`."""
        content = self._call(self._asked(request, seconds)).result()
        found: dict[str, Any] = json.loads(content)
        return found

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    async def _asked(self, request: dict[str, Any], seconds: float) -> bytes:
        if self._idle is not None:
            self._idle.cancel()
        if self._pool is None:
            self._pool = Pool(self._seats, 1 << 20, self._settings)
            self._pool.open_soon()
        self._busy += 1
        try:
            # (twice: a worker that is killed from outside is asked again)
            longest = 2 * (seconds + START_SECONDS)
            return await asyncio.wait_for(self._pool.ask(request, seconds), longest)
        except asyncio.TimeoutError:
            raise ProblemError("died", "no worker process came up for it") from None
        finally:
            self._busy -= 1
            if not self._busy:
                again = lambda: self._loop.create_task(self._rest())  # noqa: E731
                self._idle = self._loop.call_later(_IDLE, again)

    async def _rest(self) -> None:
        pool = self._pool
        if pool is not None and not self._busy:
            self._pool = None
            await pool.close()
            await asyncio.sleep(0)  # (connections are closed one step later)

    def close(self) -> None:
        """End the worker processes, whatever they do, and the thread."""
        self._busy = 0
        self._call(self._rest()).result(_ENDING)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ENDING)
        self._loop.close()


_DESKS: Final[dict[tuple[int, ...], Desk]] = {}
_LOCK: Final = threading.Lock()


def close_desks() -> None:
    """End all worker processes of this process."""
    with _LOCK:
        for desk in _DESKS.values():
            desk.close()
        _DESKS.clear()


atexit.register(close_desks)


def work_on(task: Task, seats: int = 1) -> Row:
    """What becomes of a model: a row with its `key` and `status`, "done" or "failed".

    `seats` is how many tasks this process may be given at a time. Raises `EngineError` if this
    process runs another version than the one that sent the task.
    """
    from shapeproof import __version__

    if task["version"] != __version__:
        raise EngineError(
            f"a worker of the engine has shapeproof {__version__}, not {task['version']}"
        )
    limits = task["limits"]
    row = {"key": task["key"], "verb": task["verb"], "limits": limits, "place": _place()}
    started = monotonic()
    try:
        answer = _desk(seats, limits).ask(_request(task), limits["seconds"])
        row |= {"status": "done", "answer": answer}
    except ProblemError as problem:
        row |= {"status": "failed", "failure": problem.kind, "detail": problem.detail}
    except OSError as error:  # (no more processes or descriptors)
        detail = f"no worker process: {error.strerror}"
        row |= {"status": "failed", "failure": "internal", "detail": detail}
    return row | {"seconds": round(monotonic() - started, 3)}


def _place() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _desk(seats: int, limits: dict[str, Any]) -> Desk:
    which = (seats, limits["memory"], 2 * limits["unpacked"])
    with _LOCK:
        if which not in _DESKS:
            _DESKS[which] = Desk(*which)
        return _DESKS[which]


def _request(task: Task) -> dict[str, Any]:
    model = task["model"]
    path = model["path"]
    try:
        about = os.stat(path)
    except OSError as error:
        detail = f"a worker of the engine does not see the file: {error.strerror}"
        raise ProblemError("not-found", detail) from None
    if (about.st_size, about.st_mtime_ns) != (model["size"], model["changed"]):
        raise ProblemError("state", "the file has been changed since it was found")
    name = os.path.basename(path)
    return {
        "kind": "job",
        "verb": task["verb"],
        "programs": [{"name": name, "kind": model["kind"], "path": path}],
        "options": task["options"],
        "output": os.path.join(task["results"], f"{task['key']}.{model['kind']}"),
        "unpacked": task["limits"]["unpacked"],
        "drawn": False,  # (the model itself is there)
    }
