"""The pool of worker processes, where they are killed from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from typing import Any

import pytest

from asserts.work.pool import Pool, WorkerDiedError, WorkerSettings
from asserts.work.problems import ProblemError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

THIS = "tests.asserts.test_pool"


def preload(what: str) -> None:
    """(This module is what the workers of these tests serve.)"""


def work(asked: dict[str, Any], tell: Any) -> dict[str, Any]:
    """Echo, or end as the request says."""
    if (how := asked.get("end")) == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "exit":
        os._exit(3)
    return {"echo": asked}


async def _opened(size: int) -> Pool:
    pool = Pool(size, 8, WorkerSettings(THIS, "", 1 << 33, 1 << 20, 1 << 20, 1000))
    await pool.open()
    return pool


def _kill_all(pool: Pool) -> None:
    """All are dead when it returns, and the event loop has noticed none of it."""
    for pid in pool.processes:
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # (a thread of asyncio was quicker)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_requests_outlive_workers_killed_together() -> None:
    """However many were killed, and whether writing to them fails or reading."""

    async def session() -> None:
        pool = await _opened(3)
        try:
            for n in range(4):
                _kill_all(pool)
                found = json.loads(await pool.ask({"n": n}, 30))
                assert found == {"echo": {"n": n}}
        finally:
            await pool.close()

    asyncio.run(session())


def test_a_lost_connection_tells_how_the_process_ended() -> None:
    async def session() -> None:
        pool = await _opened(1)
        try:
            (worker,) = pool._workers
            _kill_all(pool)
            for _ in range(
                3
            ):  # the first may find the end of the stream, the next cannot write
                with pytest.raises(WorkerDiedError) as caught:
                    await worker.ask(b"{}", 30, None)
                assert caught.value.ended_by == signal.SIGKILL
        finally:
            await pool.close()

    asyncio.run(session())


@pytest.mark.parametrize(("how", "times"), [("kill", 2), ("exit", 1)])
def test_a_request_that_kills_its_worker_fails(how: str, times: int) -> None:
    """One that ends the process by itself fails at once, one that gets it killed after a
    second worker; the others are answered."""

    async def session() -> None:
        pool = await _opened(2)
        try:
            with pytest.raises(ProblemError, match=r"exit code 3|SIGKILL") as caught:
                await pool.ask({"end": how}, 30)
            assert caught.value.kind == "died"
            assert pool.deaths == times
            assert json.loads(await pool.ask({}, 30)) == {"echo": {}}
        finally:
            await pool.close()

    asyncio.run(session())
