"""Worker processes: kept warm, limited in time and memory, replaced when they die.

A pool has a fixed number of workers and a bounded queue before them. A request waits for an
idle worker; if too many wait already, it is refused at once with the time after which to come
again. A worker that exceeds its time is killed, one that dies is replaced; either way only
the request that it worked on fails, with the reason. A request whose worker was killed from
outside is asked again, once, of a worker that has just shown that it lives: several may have
been killed together.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from asserts.work.problems import ProblemError
from asserts.work.worker import ANSWER, EVENT, HEAD, PROBLEM, READY, REQUEST

__all__ = ["Pool", "Worker", "WorkerDiedError", "WorkerSettings"]

log = logging.getLogger("shapeproof.pool")

Told = Callable[[dict[str, Any]], None]

START_SECONDS: Final = 120.0
ENDING_SECONDS: Final = 5.0
LONGEST_FRAME: Final = 1 << 28


@dataclass(frozen=True)
class WorkerSettings:
    """What every worker of a pool is started with; sizes in bytes. `serves` is the module that
    does the work (`worker.Serving`), `preload` what it is told at first."""

    serves: str
    preload: str
    memory: int
    file_size: int
    answer_size: int
    uses: int


class WorkerDiedError(Exception):
    """The process has ended before it answered; `signal` is the name of what ended it."""

    def __init__(self, reason: str, ended_by: int | None = None) -> None:
        super().__init__(reason)
        self.ended_by = ended_by


class Worker:
    """One process and the connection to it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.process = process
        self._reader = reader
        self._writer = writer
        self.uses = 0
        self._late = False

    @staticmethod
    async def start(settings: WorkerSettings) -> Worker:
        """A worker that is ready. Raises `WorkerDiedError` if it does not come up."""
        ours, theirs = socket.socketpair()
        code = (
            "from asserts.work.worker import main; "
            f"main({theirs.fileno()}, {vars(settings)!r})"
        )
        process: asyncio.subprocess.Process | None = None
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                code,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=_environment(),
                cwd=tempfile.gettempdir() if os.name == "nt" else "/",
                start_new_session=True,
            )
            reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        except BaseException:
            ours.close()
            if process is not None:
                _kill(process)
                await process.wait()
            raise
        finally:
            theirs.close()
        worker = Worker(process, reader, writer)
        try:
            kind, _ = await asyncio.wait_for(worker._received(), START_SECONDS)
            if kind != READY:
                raise WorkerDiedError("it does not speak the protocol")
        except BaseException:
            worker.kill()
            await worker.ended()
            raise
        return worker

    async def ask(self, request: bytes, seconds: float, tell: Told | None) -> bytes:
        """The answer. Raises `ProblemError` for a problem or where the time is up, and
        `WorkerDiedError`."""
        self.uses += 1
        self._late = False
        timer = asyncio.get_running_loop().call_later(seconds, self._expire)
        try:
            self._writer.write(HEAD.pack(len(request), REQUEST) + request)
            await self._writer.drain()
            while True:
                kind, content = await self._received()
                if kind == ANSWER:
                    return content
                if kind == PROBLEM:
                    raise ProblemError.read(content)
                if kind == EVENT and tell is not None:
                    tell(json.loads(content))
        except (WorkerDiedError, ConnectionError) as error:
            if self._late:
                detail = f"it was not done after {seconds:g} seconds"
                limit = {"limit": f"{seconds:g} s"}
                raise ProblemError("time", detail, limit) from None
            raise (
                error if isinstance(error, WorkerDiedError) else await self._death()
            ) from None
        finally:
            timer.cancel()

    async def answers(self) -> bool:
        """Whether it reads what is sent to it: an empty request is answered at once."""
        with contextlib.suppress(WorkerDiedError, ConnectionError, asyncio.TimeoutError):
            self._writer.write(HEAD.pack(0, REQUEST))
            return await asyncio.wait_for(self._received(), START_SECONDS) == (READY, b"")
        return False

    def _expire(self) -> None:
        self._late = True
        self.kill()

    async def _received(self) -> tuple[int, bytes]:
        try:
            length, kind = HEAD.unpack(await self._reader.readexactly(HEAD.size))
            if length > LONGEST_FRAME:
                raise WorkerDiedError("its answer is too long")
            return kind, await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise await self._death() from None

    async def _death(self) -> WorkerDiedError:
        """Why the process ended, of one whose connection has ended."""
        try:
            code = await asyncio.wait_for(self.process.wait(), ENDING_SECONDS)
        except asyncio.TimeoutError:
            self.kill()
            code = await self.process.wait()
        return WorkerDiedError(_ended(code), -code if code < 0 else None)

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self.process.returncode is None

    def kill(self) -> None:
        """End the process, and what it has started."""
        _kill(self.process)
        self._writer.close()

    async def ended(self) -> None:
        """Wait until a killed one is gone, and its connection with it."""
        await self.process.wait()
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """What the process is told of ours: where Python's modules are, and little else."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
    kept["PYTHONPATH"] = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
    return {**kept, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "HOME": "/nonexistent"}


def _ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


class Pool:
    """Workers of one kind, and the requests that wait for them."""

    def __init__(self, size: int, queue: int, settings: WorkerSettings) -> None:
        self.size = size
        self.queue = queue
        self.settings = settings
        self.deaths = 0
        self.restarts = 0
        self._idle: deque[Worker] = deque()
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        self._workers: set[Worker] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._seconds = 0.05
        self._closed = False
        self._ending: list[Worker] = []  # killed, and waited for where the pool is closed

    async def open(self) -> None:
        """Start all workers; raises `WorkerDiedError` if one does not come up."""
        await asyncio.gather(*(self._started() for _ in range(self.size)))

    def open_soon(self) -> None:
        """Start all workers; requests wait for them."""
        for _ in range(self.size):
            self._start_another()

    async def close(self) -> None:
        """End all workers at once."""
        self._closed = True
        starting = list(self._starting)
        for task in starting:
            task.cancel()
        await asyncio.gather(*starting, return_exceptions=True)
        for future in self._waiting:
            if not future.done():
                future.set_exception(ProblemError("stopping", "come back in a moment"))
        for worker in list(self._workers):
            worker.kill()
        for worker in [*self._workers, *self._ending]:
            await worker.ended()
        self._workers.clear()

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    @property
    def alive(self) -> int:
        """How many workers there are."""
        return sum(worker.alive for worker in self._workers)

    @property
    def processes(self) -> list[int]:
        """The process ids of the workers."""
        return [worker.process.pid for worker in self._workers if worker.alive]

    async def ask(
        self, request: Mapping[str, object], seconds: float, tell: Told | None = None
    ) -> bytes:
        """The answer, as JSON. Raises `ProblemError`, "busy" if too many wait."""
        content = json.dumps(request).encode()
        for last in (False, True):
            worker = await (self._taken_alive() if last else self._taken())
            try:
                return await self._asked(worker, content, seconds, tell)
            except WorkerDiedError as error:
                self.deaths += 1
                log.warning("a worker died", extra={"reason": str(error)})
                if last or error.ended_by != signal.SIGKILL:
                    reason = f"the worker process ended ({error}) before it answered"
                    raise ProblemError("died", reason) from None
        raise AssertionError("unreachable")

    async def _asked(
        self, worker: Worker, content: bytes, seconds: float, tell: Told | None
    ) -> bytes:
        whole = False
        started = asyncio.get_running_loop().time()
        try:
            answer = await worker.ask(content, seconds, tell)
            whole = True
            return answer
        except ProblemError as problem:
            # After the others nothing in the process can be relied upon.
            broken = problem.kind in ("time", "memory") or "unexpected" in problem.members
            whole = not broken
            raise
        finally:
            took = asyncio.get_running_loop().time() - started
            self._seconds += (took - self._seconds) / 16
            self._returned(worker, whole)

    # ------------------------------------------------------------------ idle and waiting

    async def _taken(self) -> Worker:
        if self._closed:
            raise ProblemError("stopping", "come back in a moment")
        while self._idle:
            worker = self._idle.pop()  # the one whose memory is in the caches
            if worker.alive:
                return worker
            self._returned(worker, whole=False)
        if len(self._waiting) >= self.queue:
            raise self._busy()
        future: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._offer(future.result())
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(future)

    async def _taken_alive(self) -> Worker:
        """As `_taken`, of one that answers: a death is noticed later than it happens."""
        while True:
            worker = await self._taken()
            answers = False
            try:
                answers = await worker.answers()
            finally:
                if not answers:
                    self._returned(worker, whole=False)
            if answers:
                return worker

    def _busy(self) -> ProblemError:
        after = max(1, round(self._seconds * len(self._waiting) / max(1, self.size)))
        detail = f"{len(self._waiting)} requests wait already"
        return ProblemError("busy", detail, headers={"Retry-After": str(after)})

    def _returned(self, worker: Worker, whole: bool) -> None:
        if whole and worker.alive and worker.uses < self.settings.uses and not self._closed:
            self._offer(worker)
            return
        worker.kill()
        self._ending = [other for other in self._ending if other.alive] + [worker]
        self._gone(worker)

    def _offer(self, worker: Worker) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(worker)
                return
        self._idle.append(worker)

    def _gone(self, worker: Worker) -> None:
        self._workers.discard(worker)
        if self._closed:
            return
        self.restarts += 1
        self._start_another()

    def _start_another(self) -> None:
        task = asyncio.get_running_loop().create_task(self._started(attempts=20))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _started(self, attempts: int = 1) -> None:
        for attempt in range(attempts):
            try:
                worker = await Worker.start(self.settings)
            except (WorkerDiedError, OSError, asyncio.TimeoutError):
                if attempt + 1 == attempts:
                    log.exception("a worker does not come up")
                    raise
                await asyncio.sleep(min(5.0, 0.1 * 2**attempt))
                continue
            self._workers.add(worker)
            self._offer(worker)
            return
