"""What the routes share: settings, pools, the store, keys, jobs, counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from asserts.service.jobs import Jobs
from asserts.service.keys import Caller, Keys
from asserts.service.metrics import Metrics
from asserts.service.retention import Retention
from asserts.service.settings import Settings
from asserts.service.store import Store
from asserts.work.pool import Pool
from asserts.work.problems import ProblemError

__all__ = ["Reading", "State", "Stated", "Writing", "reading", "state_of"]


@dataclass
class State:
    """One running application."""

    settings: Settings
    metrics: Metrics
    store: Store
    keys: Keys
    questions: Pool
    workers: Pool
    jobs: Jobs
    retention: Retention
    ready: bool = False
    uploads: int = 0


async def state_of(request: Request) -> State:
    """The application that a request came to (a coroutine: others are run in threads)."""
    return cast(State, request.app.state.service)


Stated = Annotated[State, Depends(state_of)]


async def reading(request: Request, state: Stated) -> Caller:
    """A caller who may read and ask."""
    return await _caller(request, state, "read")


async def writing(request: Request, state: Stated) -> Caller:
    """A caller who may change what is stored."""
    return await _caller(request, state, "write")


async def _caller(request: Request, state: State, scope: str) -> Caller:
    if not state.ready:
        raise ProblemError("stopping", "come back in a moment", headers={"Retry-After": "2"})
    caller = await state.keys.caller(request.headers.get("authorization"), scope)
    request.state.owner = caller.owner
    return caller


Reading = Annotated[Caller, Depends(reading)]
Writing = Annotated[Caller, Depends(writing)]
