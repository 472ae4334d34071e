"""What is old is forgotten, and what nothing names any more is removed from the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from starlette.concurrency import run_in_threadpool

from asserts.service.blobs import Blobs
from asserts.service.store import Store
from asserts.service.tables import now

__all__ = ["Retention"]

log = logging.getLogger("shapeproof.retention")

EVERY: Final = 3600.0
"""Seconds between two looks; a shorter time to keep is looked at more often."""


class Retention:
    """Forgets what is older than `days` (None: nothing is)."""

    def __init__(self, store: Store, blobs: Blobs, days: float | None) -> None:
        self._store = store
        self._blobs = blobs
        self._days = days
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look now, and from time to time."""
        await self._look()
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _go_on(self) -> None:
        every = EVERY if self._days is None else min(EVERY, max(1.0, self._days * 86400 / 4))
        while True:
            await asyncio.sleep(every)
            await self._look()

    async def _look(self) -> None:
        try:
            await run_in_threadpool(self.look)
        except Exception:  # (the next time it may be possible)
            log.exception("what is old cannot be removed")

    def look(self) -> None:
        """Forget what is old; remove contents that nothing names, those that a crash has left
        too. Blocks."""
        if self._days is not None:
            jobs, programs = self._store.expire(now() - timedelta(days=self._days))
            if jobs or programs:
                log.info("forgotten", extra={"jobs": jobs, "programs": programs})
        self.remove(self._blobs.digests())

    def remove(self, digests: Iterable[str]) -> None:
        """Remove those of the contents that nothing names. Blocks."""
        removed = sum(self._blobs.remove(digest, self._store.names) for digest in digests)
        if removed:
            log.info("contents removed", extra={"count": removed})
