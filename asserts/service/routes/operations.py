"""What operators ask: ``/healthz``, ``/readyz``, ``/metrics``."""

import json
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from asserts.service.state import Reading, Stated

__all__ = ["router"]

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="Whether the process answers")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Whether it can do its work", responses={503: {}})
async def readyz(state: Stated) -> Response:
    parts: dict[str, Any] = {"started": state.ready, "workers": state.questions.alive > 0}
    try:
        await run_in_threadpool(state.store.ping)
        parts["store"] = True
    except SQLAlchemyError:
        parts["store"] = False
    status = 200 if all(parts.values()) else 503
    return Response(json.dumps(parts), status, media_type="application/json")


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def metrics(state: Stated, caller: Reading) -> Response:
    for name, pool in (("questions", state.questions), ("jobs", state.workers)):
        state.metrics.workers.labels(name).set(pool.alive)
        state.metrics.waiting.labels(name).set(pool.waiting)
        state.metrics.restarts.labels(name).set(pool.restarts)
    return Response(state.metrics.text(), media_type=state.metrics.media_type)
