"""Programs and jobs: ``/v1/programs``, ``/v1/jobs``."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from asserts.inspection import kind_of
from asserts.service import pages, sarif
from asserts.service.bodies import JobAnswer, JobRequest, ProgramAnswer
from asserts.service.jobs import ENDED
from asserts.service.routes.questions import ask, require_json
from asserts.service.state import Reading, State, Stated, Writing
from asserts.service.tables import Job, Program, in_words
from asserts.work.problems import ProblemError
from asserts.work.verbs import OPTIONS, key_of

__all__ = ["router"]

router = APIRouter()
BINARY = "application/octet-stream"
NAME = r"^[\w.+-][\w .+-]{0,150}\.(onnx|pt2|json)$"
"""Names of programs: no folders in them."""


@router.post(
    "/v1/programs",
    tags=["programs"],
    status_code=201,
    summary="Upload a program: .onnx, .pt2 or graph JSON",
    response_model=ProgramAnswer,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {BINARY: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def upload(
    request: Request,
    state: Stated,
    caller: Writing,
    name: Annotated[str, Query(pattern=NAME, examples=["model.onnx"])],
) -> Response:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != BINARY:
        raise ProblemError("media-type", f"send {BINARY}")
    kind = kind_of(name)
    with _uploading(state), state.jobs.blobs.scratch() as folder:
        path = folder / f"program.{kind}"
        most = state.settings.limits.program_size
        received = await state.jobs.blobs.receive(request.stream(), path, most)
        one = {"name": name, "kind": kind, "path": str(path)}
        unpacked = state.settings.limits.unpacked_size
        await ask(state, {"kind": "inspect", "programs": [one], "unpacked": unpacked})
        digest = await run_in_threadpool(state.jobs.blobs.keep, path, received.digest)
        made = await run_in_threadpool(
            state.store.add_program, caller.owner, digest, name, kind, received.size
        )
    headers = {"Location": f"/v1/programs/{digest}"}
    content = json.dumps(_program(made))
    return Response(content, 201, headers, media_type="application/json")


@contextmanager
def _uploading(state: State) -> Iterator[None]:
    if state.uploads >= state.settings.limits.uploads:
        after = {"Retry-After": "5"}
        raise ProblemError("busy", f"{state.uploads} uploads are going on", headers=after)
    state.uploads += 1
    try:
        yield
    finally:
        state.uploads -= 1


def _program(found: Program) -> dict[str, Any]:
    return {
        "id": found.digest,
        "name": found.name,
        "kind": found.kind,
        "size": found.size,
        "created": in_words(found.created),
    }


@router.get(
    "/v1/programs/{id}", tags=["programs"], summary="A program", response_model=ProgramAnswer
)
async def program(id: str, state: Stated, caller: Reading) -> dict[str, Any]:
    return _program(await run_in_threadpool(state.store.program, caller.owner, id))


@router.delete(
    "/v1/programs/{id}",
    tags=["programs"],
    status_code=204,
    summary="Forget it, with the jobs on it, their reports and results",
    response_class=Response,
)
async def remove(id: str, state: Stated, caller: Writing) -> Response:
    left = await run_in_threadpool(state.store.remove_program, caller.owner, id)
    await run_in_threadpool(state.retention.remove, left)
    return Response(status_code=204)


# --------------------------------------------------------------------------- jobs


def _job(found: Job, cached: bool = False) -> dict[str, Any]:
    base = f"/v1/jobs/{found.id}"
    return {
        "id": found.id,
        "verb": found.verb,
        "program": found.program,
        "other": found.other,
        "state": found.state,
        "attempts": found.attempts,
        "cached": cached,
        "problem": None if found.problem is None else json.loads(found.problem),
        "result": None if found.result is None else f"{base}/result",
        "report": None if found.report is None else f"{base}/report",
        "created": in_words(found.created),
        "finished": in_words(found.finished),
    }


@router.post(
    "/v1/jobs",
    tags=["jobs"],
    status_code=202,
    summary="Insert, remove, minimise, report, verify, contract",
    response_model=JobAnswer,
    responses={200: {"model": JobAnswer, "description": "It was done before."}},
    dependencies=[Depends(require_json)],
)
async def begin(body: JobRequest, state: Stated, caller: Writing) -> Response:
    if (body.verb == "verify") != (body.other is not None):
        detail = "`verify` takes two programs (`other`), every other verb one"
        raise ProblemError("request", detail, {"pointer": "/other"})
    for digest in filter(None, (body.program, body.other)):
        await run_in_threadpool(state.store.program, caller.owner, digest)
    options = _options(body)
    key = key_of(body.verb, [body.program, body.other], options)
    values = {
        "verb": body.verb,
        "program": body.program,
        "other": body.other,
        "options": json.dumps(options, sort_keys=True),
    }
    most = state.settings.limits.job_queue
    found = await run_in_threadpool(state.store.add_job, caller.owner, key, values, most)
    state.jobs.told()
    done = found.state == "done"
    headers = {"Location": f"/v1/jobs/{found.id}"}
    content = json.dumps(_job(found, done))
    return Response(content, 200 if done else 202, headers, media_type="application/json")


def _options(body: JobRequest) -> dict[str, Any]:
    """The options that the verb has."""
    return body.model_dump(include=set(OPTIONS[body.verb]))


@router.get("/v1/jobs/{id}", tags=["jobs"], summary="A job", response_model=JobAnswer)
async def job(id: str, state: Stated, caller: Reading) -> dict[str, Any]:
    return _job(await _found(state, caller.owner, id))


async def _found(state: State, owner: str, id: str) -> Job:
    return await run_in_threadpool(state.store.job, owner, id)


@router.delete(
    "/v1/jobs/{id}",
    tags=["jobs"],
    summary="Stop it; with `forget`, forget it too, with its report and result",
    response_model=JobAnswer,
)
async def cancel(
    id: str, state: Stated, caller: Writing, forget: bool = False
) -> dict[str, Any]:
    found = await _found(state, caller.owner, id)
    if not forget or found.state not in ENDED:
        try:
            await state.jobs.cancel(found)
        except ProblemError as problem:
            if not forget or problem.kind != "state":  # (it has ended meanwhile)
                raise
        found = await _found(state, caller.owner, id)
    if forget:
        left = await run_in_threadpool(state.store.remove_job, caller.owner, id)
        await run_in_threadpool(state.retention.remove, left)
    return _job(found)


@router.get(
    "/v1/jobs/{id}/events",
    tags=["jobs"],
    summary="What happens, as server-sent events, until it has ended",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(id: str, state: Stated, caller: Reading) -> StreamingResponse:
    found = await _found(state, caller.owner, id)

    async def lines() -> AsyncIterator[str]:
        async for event in state.jobs.follow(found, caller.owner):
            if event is None:
                yield ": there is nothing new\n\n"
            else:
                yield f"event: {event['stage']}\ndata: {json.dumps(event)}\n\n"

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)


@router.get(
    "/v1/jobs/{id}/report",
    tags=["jobs"],
    summary="The report, as JSON, HTML or SARIF",
    response_class=Response,
)
async def report(
    id: str,
    state: Stated,
    caller: Reading,
    form: Annotated[str, Query(alias="format", pattern="^(json|html|sarif)$")] = "json",
) -> Response:
    found = await _found(state, caller.owner, id)
    if found.report is None:
        raise ProblemError("state", f"there is no report: the job is {found.state}")
    if form == "json":
        head = {"schema": 1, "verb": found.verb}
        content = json.dumps({**head, **json.loads(found.report)})
        return Response(content, media_type="application/json")
    from shapeproof import __version__

    about = await run_in_threadpool(state.store.program, caller.owner, found.program)
    known = json.loads(found.report)
    if form == "html":
        page = pages.page_of(known, found.verb, about.name, __version__)
        headers = _saved_as(f"{about.name.rpartition('.')[0]}.{found.verb}.html")
        return Response(page, headers=headers, media_type=pages.MEDIA_TYPE)
    log = sarif.sarif_of(known, about.name, __version__)
    return Response(json.dumps(log), media_type=sarif.MEDIA_TYPE)


def _saved_as(name: str) -> dict[str, str]:
    """The header that names a download (RFC 6266); names of programs need not be ASCII."""
    return {"Content-Disposition": f"attachment; filename*=utf-8''{quote(name)}"}


@router.get(
    "/v1/jobs/{id}/result",
    tags=["jobs"],
    summary="The changed program",
    response_class=FileResponse,
)
async def result(id: str, state: Stated, caller: Reading) -> FileResponse:
    found = await _found(state, caller.owner, id)
    if found.result is None:
        raise ProblemError("state", f"there is no result: the job is {found.state}")
    about = await run_in_threadpool(state.store.program, caller.owner, found.program)
    stem = about.name.rpartition(".")[0]
    name = f"{stem}.{found.verb}.{found.result_kind}"
    path = state.jobs.blobs.path(found.result)
    if not path.exists():
        raise ProblemError("not-found", "the content of the result is gone")
    return FileResponse(path, media_type=BINARY, filename=name)
