"""Jobs: taken from the store one after the other, run in workers, their answers stored.

The store is the queue, so what was accepted survives a crash: jobs that were running then are
run again when the service starts, and count as failed if they were begun too often. When the
service stops, running jobs have some seconds to end and are put back otherwise. Events of a
job are told to everybody who follows it, and are not stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from asserts.service.blobs import Blobs
from asserts.service.metrics import Metrics
from asserts.service.settings import Limits
from asserts.service.store import Store
from asserts.service.tables import Job
from asserts.work.pool import Pool
from asserts.work.problems import ProblemError, problem_of

__all__ = ["ENDED", "Jobs", "programs_of"]

log = logging.getLogger("shapeproof.jobs")

Event = dict[str, Any]

ENDED: Final = ("done", "failed", "cancelled")
_KEEP_ALIVE: Final = 15.0
_LOOK_AGAIN: Final = 5.0
"""Seconds after which the store is asked for jobs that nobody told of."""


class Jobs:
    """The jobs of one application."""

    def __init__(
        self, store: Store, pool: Pool, blobs: Blobs, limits: Limits, metrics: Metrics
    ) -> None:
        self.blobs = blobs
        self._store = store
        self._pool = pool
        self._limits = limits
        self._metrics = metrics
        self._wake = asyncio.Event()
        self._stopping = False
        self._takers: list[asyncio.Task[None]] = []
        self._running: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()
        self._followers: defaultdict[str, set[asyncio.Queue[Event]]] = defaultdict(set)
        self._told: dict[str, list[Event]] = {}

    async def start(self) -> None:
        """Recover what a crash has left, and begin to take jobs."""
        crashed = ProblemError("died", "the service ended while it worked on this job")
        again, failed = await run_in_threadpool(
            self._store.recover_jobs, self._limits.job_attempts, crashed.content().decode()
        )
        if again or failed:
            log.warning("recovered jobs", extra={"requeued": again, "failed": failed})
        self._takers = [
            asyncio.create_task(self._take()) for _ in range(self._limits.job_workers)
        ]

    async def stop(self, grace: float) -> None:
        """Take no more jobs; running ones end within `grace` seconds or wait again."""
        self._stopping = True
        self._wake.set()
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=grace)
        for task in [*self._running.values(), *self._takers]:
            task.cancel()
        await asyncio.gather(*self._takers, return_exceptions=True)
        self.end_following()

    def end_following(self) -> None:
        """Streams of events end, so that connections can be closed."""
        self._stopping = True
        self._wake.set()
        for queues in self._followers.values():
            for queue in queues:
                queue.put_nowait({"stage": "stopping"})

    def told(self) -> None:
        """There is a new job."""
        self._wake.set()

    # ------------------------------------------------------------------ running

    async def _take(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                job = await run_in_threadpool(self._store.take_job)
            except Exception:  # (the database may come back)
                log.exception("no jobs can be taken")
                await asyncio.sleep(_LOOK_AGAIN)
                continue
            if job is None:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _LOOK_AGAIN)
                continue
            self._wake.set()  # there may be another one, for another taker
            task = self._running[job.id] = asyncio.create_task(self._run(job))
            await asyncio.gather(task, return_exceptions=True)
            self._running.pop(job.id, None)

    async def _run(self, job: Job) -> None:
        try:
            with self.blobs.scratch() as folder:
                await self._run_in(job, folder)  # (the result is named by the job after it)
        except OSError as error:  # (no room for the folder)
            problem = problem_of(error)
            await self._end(job, "failed", {"problem": problem.content().decode()})

    async def _run_in(self, job: Job, folder: Path) -> None:
        self._tell(job.id, {"stage": "running", "attempt": job.attempts})
        try:
            values = await self._worked(job, folder)
            state = "done"
        except ProblemError as problem:
            if problem.kind == "stopping":
                await run_in_threadpool(self._store.requeue_job, job.id)
                return
            values, state = {"problem": problem.content().decode()}, "failed"
        except asyncio.CancelledError:
            if job.id not in self._cancelled:
                await asyncio.shield(run_in_threadpool(self._store.requeue_job, job.id))
                raise
            values, state = {}, "cancelled"
        except Exception as error:
            log.exception("a job failed", extra={"job": job.id})
            values, state = {"problem": problem_of(error).content().decode()}, "failed"
        await self._end(job, state, values)

    async def _end(self, job: Job, state: str, values: Mapping[str, object]) -> None:
        self._cancelled.discard(job.id)
        while True:
            try:
                await run_in_threadpool(self._store.end_job, job.id, state, **values)
                break
            except SQLAlchemyError:  # (its disk is full, or it is restarted)
                log.exception("the end of a job cannot be stored", extra={"job": job.id})
                await asyncio.sleep(_LOOK_AGAIN)
        self._metrics.jobs.labels(job.verb, state).inc()
        log.info("job", extra={"job": job.id, "verb": job.verb, "end": state})
        self._tell(job.id, {"stage": state})
        self._told.pop(job.id, None)

    async def _worked(self, job: Job, folder: Path) -> dict[str, Any]:
        """What is stored of the job's answer."""
        digests = [job.program, job.other]
        programs = await run_in_threadpool(
            programs_of, self._store, self.blobs, job.owner, digests, folder
        )
        kind = programs[0]["kind"]
        output = folder / f"result.{kind}"
        request = {
            "kind": "job",
            "verb": job.verb,
            "programs": programs,
            "options": json.loads(job.options),
            "output": str(output),
            "unpacked": self._limits.unpacked_size,
            "drawn": True,
        }
        answer = await self._pool.ask(
            request, self._limits.job_seconds, lambda event: self._tell(job.id, event)
        )
        found = json.loads(answer)
        if not found.pop("saved", False):
            return {"report": json.dumps(found)}
        digest = await run_in_threadpool(self.blobs.keep, output)
        return {"report": json.dumps(found), "result": digest, "result_kind": kind}

    async def cancel(self, job: Job) -> None:
        """Stop a job. Raises `ProblemError` if it has ended."""
        task = self._running.get(job.id)
        if task is None:
            if not await run_in_threadpool(self._store.end_job, job.id, "cancelled"):
                raise ProblemError("state", f"the job is {job.state} already")
            self._tell(job.id, {"stage": "cancelled"})
            self._told.pop(job.id, None)
            return
        self._cancelled.add(job.id)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    # ------------------------------------------------------------------ following

    def _tell(self, name: str, event: dict[str, Any]) -> None:
        self._told.setdefault(name, []).append(event)
        for queue in self._followers.get(name, ()):
            queue.put_nowait(event)

    async def follow(self, job: Job, owner: str) -> AsyncIterator[dict[str, Any] | None]:
        """What is told of a job, from its beginning (as far as this process has seen it) to
        its end; None from time to time where there is nothing to tell."""
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._followers[job.id].add(queue)
        try:
            for event in [{"stage": "queued"}, *self._told.get(job.id, ())]:
                yield event
            known = await run_in_threadpool(self._store.job, owner, job.id)
            if known.state in ENDED:
                yield {"stage": known.state}
                return
            while not self._stopping:
                try:
                    event = await asyncio.wait_for(queue.get(), _KEEP_ALIVE)
                except asyncio.TimeoutError:
                    yield None
                    continue
                yield event
                if event["stage"] in (*ENDED, "stopping"):
                    return
        finally:
            self._followers[job.id].discard(queue)
            if not self._followers[job.id]:
                del self._followers[job.id]


def programs_of(
    store: Store, blobs: Blobs, owner: str, digests: list[str | None], folder: Any
) -> list[dict[str, Any]]:
    """Programs as a worker is told of them: name, kind, path. Raises `ProblemError`."""
    found = []
    for index, digest in enumerate(digests):
        if digest is None:
            continue
        program = store.program(owner, digest)
        path = blobs.linked(digest, folder, f"program{index}.{program.kind}")
        found.append({"name": program.name, "kind": program.kind, "path": str(path)})
    return found
