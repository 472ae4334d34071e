"""The application put together: routes, limits, what starts and stops with it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from asserts.service import answering
from asserts.service.blobs import Blobs
from asserts.service.bodies import Problem
from asserts.service.jobs import Jobs
from asserts.service.keys import Keys
from asserts.service.metrics import Metrics
from asserts.service.middleware import Boundary
from asserts.service.retention import Retention
from asserts.service.routes import environments, operations, page, programs, questions
from asserts.service.settings import Settings, is_loopback
from asserts.service.state import State
from asserts.service.store import Store
from asserts.work.pool import Pool, WorkerSettings
from asserts.work.problems import MEDIA_TYPE, ProblemError, is_full
from shapeproof import __version__

__all__ = ["create_app"]

log = logging.getLogger("shapeproof.service")

BODY_SECONDS: Final = 30.0
"""Seconds in which the body of a request must arrive, if it is not an upload."""

_PROBLEM: Final = {
    "description": "A problem (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def create_app(settings: Settings) -> FastAPI:
    """The application with these settings."""
    app = FastAPI(
        title="Shapeproof",
        version=__version__,
        summary="Proofs, ranges and runtime asserts of symbolic shapes",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        responses={"4XX": _PROBLEM},
    )
    metrics = Metrics()
    app.state.settings = settings
    app.state.metrics = metrics
    for module in (questions, environments, programs, operations, page):
        app.include_router(module.router)
    app.add_exception_handler(ProblemError, _on_problem)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _on_invalid)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _on_http)  # type: ignore[arg-type]
    app.add_exception_handler(SQLAlchemyError, _on_store)
    app.add_exception_handler(OSError, _on_disk)
    app.add_middleware(
        Boundary, hosts=_hosts(settings), body_limit=_body_limit(settings), metrics=metrics
    )
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _hosts(settings: Settings) -> frozenset[str] | None:
    """The names that clients may call us by; None: any. Only a service without keys has to
    ask: a page of a stranger could have its name lead to this address."""
    if settings.keys_required or not is_loopback(settings.host):
        return None
    return frozenset(("localhost", "127.0.0.1", "[::1]", settings.host, *settings.hosts))


def _body_limit(settings: Settings) -> Callable[[str], tuple[int, float]]:
    """Bytes and seconds that the body of a request to a path may take."""
    limits = settings.limits
    upload = (limits.program_size, limits.upload_seconds)
    kept = (2 * limits.environment_size, BODY_SECONDS)
    other = (limits.question_body, BODY_SECONDS)

    def limit(path: str) -> tuple[int, float]:
        if path == "/v1/programs":
            return upload
        whole = path == "/v1/environments" or path.endswith("/document")
        return kept if whole else other

    return limit


# --------------------------------------------------------------------------- start and stop


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    state = await _started(settings, app.state.metrics)
    app.state.service = state
    state.ready = True
    log.info("ready", extra={"host": settings.host, "port": settings.port})
    try:
        yield
    finally:
        state.ready = False
        await state.retention.stop()
        await state.jobs.stop(settings.grace)
        for pool in (state.questions, state.workers):
            await pool.close()
        state.store.close()
        log.info("stopped")


async def _started(settings: Settings, metrics: Metrics) -> State:
    limits = settings.limits
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = Store(settings.store_url)
    await run_in_threadpool(store.migrate)
    answer, uses = limits.answer_size, limits.uses
    serves = answering.__name__
    asked = WorkerSettings(serves, "questions", limits.question_memory, 0, answer, uses)
    worked = WorkerSettings(
        serves, "jobs", limits.job_memory, 2 * limits.unpacked_size, 8 * answer, uses
    )
    ask = Pool(limits.question_workers, limits.question_queue, asked)
    work = Pool(limits.job_workers, limits.job_workers, worked)
    await ask.open()
    work.open_soon()
    blobs = Blobs(settings.folder)
    jobs = Jobs(store, work, blobs, limits, metrics)
    await jobs.start()
    retention = Retention(store, blobs, settings.keep_days)
    await retention.start()
    keys = Keys(store, settings.keys_required, limits.rate)
    return State(settings, metrics, store, keys, ask, work, jobs, retention)


# --------------------------------------------------------------------------- problems


def _response(request: Request, problem: ProblemError) -> Response:
    problem.members["request_id"] = request.state.request_id
    headers = problem.headers
    return Response(problem.content(), problem.status, headers, media_type=MEDIA_TYPE)


async def _on_problem(request: Request, problem: ProblemError) -> Response:
    return _response(request, problem)


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        why = str(found[0].get("ctx", {}).get("error", "it cannot be read"))
        return _response(request, ProblemError("json", why))
    errors = [
        {"pointer": _pointer(one["loc"]), "detail": str(one["msg"])[:200]}
        for one in found[:20]
    ]
    first = errors[0]
    members = {"pointer": first["pointer"], "errors": errors}
    detail = f"{first['pointer']}: {first['detail']}"
    return _response(request, ProblemError("request", detail, members))


def _pointer(place: Any) -> str:
    """Where in a request something is: a JSON pointer, behind the part if not the body."""
    part, *rest = place
    words = [str(one).replace("~", "~0").replace("/", "~1")[:80] for one in rest]
    return "".join(f"/{word}" for word in (words if part == "body" else [part, *words])) or "/"


_OF_STATUS: Final = {400: "json", 404: "not-found", 405: "method", 413: "too-large"}


async def _on_http(request: Request, error: HTTPException) -> Response:
    kind = _OF_STATUS.get(error.status_code, "request")
    detail = str(error.detail)
    if kind in ("not-found", "method"):
        detail = f"{request.method} {request.url.path[:200]}"
    return _response(request, ProblemError(kind, detail, headers=dict(error.headers or {})))


_AFTER: Final = {"Retry-After": "5"}


async def _on_disk(request: Request, error: Exception) -> Response:
    if not is_full(error):
        raise error
    log.error("the disk is full")
    problem = ProblemError("full", "nothing was kept of this request", headers=_AFTER)
    return _response(request, problem)


async def _on_store(request: Request, error: Exception) -> Response:
    if is_full(error):
        return await _on_disk(request, error)
    log.error("the store failed", extra={"error": type(error).__name__})
    return _response(request, ProblemError("store", "come back in a moment", headers=_AFTER))


# --------------------------------------------------------------------------- OpenAPI


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes
        )
        components = schema.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"key": []}, {}]
        for operations_ in schema["paths"].values():
            for operation in operations_.values():
                operation["responses"].setdefault("4XX", _PROBLEM)
        app.openapi_schema = schema
    return app.openapi_schema
