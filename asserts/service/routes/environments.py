"""Environments that are kept: ``/v1/environments``.

Every change names the version that it is of (``If-Match`` with the ETag), so that nobody
overwrites what somebody else has stated. A question may state symbols and facts of its own;
they are forgotten with it (a scope).
"""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from asserts.service.bodies import (
    QUESTIONS,
    Answers,
    EnvironmentAnswer,
    EnvironmentList,
    Fork,
    NewEnvironment,
    Question,
    Statements,
)
from asserts.service.routes.questions import ask, require_json
from asserts.service.state import Reading, State, Stated, Writing
from asserts.service.tables import Environment, in_words
from asserts.work.problems import ProblemError

__all__ = ["DOCUMENT", "router"]

DOCUMENT = "application/vnd.shapeproof.environment+json"
"""The media type of what `ShapeEnv.to_json` writes."""

router = APIRouter(prefix="/v1/environments", tags=["environments"])
Json = Depends(require_json)
IfMatch = Annotated[str | None, Header(description="The ETag of the version that is meant.")]


def _answer(found: Environment) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "version": found.version,
        "etag": _etag(found),
        "parent": found.parent,
        "created": in_words(found.created),
        "changed": in_words(found.changed),
    }


def _etag(found: Environment) -> str:
    return f'"{found.version}"'


def _response(found: Environment, status: int = 200, **more: object) -> Response:
    headers = {"ETag": _etag(found)}
    if status == 201:
        headers["Location"] = f"/v1/environments/{found.id}"
    content = json.dumps(_answer(found) | more)
    return Response(content, status, headers, media_type="application/json")


def _version(if_match: str | None, found: Environment) -> int:
    """The version that a request means."""
    if if_match is None:
        raise ProblemError("if-match", f"the ETag is {_etag(found)} now")
    if if_match.strip() == "*":
        return found.version
    if if_match.strip() != _etag(found):
        raise ProblemError(
            "changed", f"it is at version {found.version} now", {"version": found.version}
        )
    return found.version


async def _worked(state: State, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    most = state.settings.limits.environment_size
    request = {"kind": "environment", "verb": verb, "body": {**body, "most": most}}
    found: dict[str, Any] = json.loads(await ask(state, request))
    return found


async def _found(state: State, owner: str, name: str) -> Environment:
    return await run_in_threadpool(state.store.environment, owner, name)


# --------------------------------------------------------------------------- all of them


@router.post(
    "",
    status_code=201,
    summary="Keep a new environment",
    response_model=EnvironmentAnswer,
    dependencies=[Json],
)
async def create(body: NewEnvironment, state: Stated, caller: Writing) -> Response:
    made = await _worked(state, "save", body.model_dump())
    found = await _added(state, caller.owner, body.name, made["document"], None)
    return _response(found, 201, **made["described"])


async def _added(
    state: State, owner: str, name: str, document: str, parent: str | None
) -> Environment:
    most = state.settings.limits.environments
    return await run_in_threadpool(
        state.store.add_environment, owner, name, document, parent, most
    )


@router.get("", summary="Environments, the latest first", response_model=EnvironmentList)
async def index(
    state: Stated,
    caller: Reading,
    after: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    found = await run_in_threadpool(state.store.environments, caller.owner, after, limit + 1)
    more = len(found) > limit
    shown = [_answer(one) for one in found[:limit]]
    return {"environments": shown, "next": shown[-1]["id"] if more else None}


# --------------------------------------------------------------------------- one of them


@router.get("/{id}", summary="What it holds", response_model=EnvironmentAnswer)
async def show(id: str, request: Request, state: Stated, caller: Reading) -> Response:
    found = await _found(state, caller.owner, id)
    if DOCUMENT in request.headers.get("accept", ""):
        return _document(found)
    return _response(found, **await _worked(state, "describe", {"document": found.document}))


@router.get(
    "/{id}/document", summary="What `ShapeEnv.from_json` reads", response_class=Response
)
async def document(id: str, state: Stated, caller: Reading) -> Response:
    return _document(await _found(state, caller.owner, id))


def _document(found: Environment) -> Response:
    return Response(found.document, headers={"ETag": _etag(found)}, media_type=DOCUMENT)


@router.post(
    "/{id}/facts",
    summary="State symbols, facts and checks",
    response_model=EnvironmentAnswer,
    dependencies=[Json],
)
async def state_facts(
    id: str, body: Statements, state: Stated, caller: Writing, if_match: IfMatch = None
) -> Response:
    def stated(found: Environment) -> dict[str, Any]:
        return body.model_dump() | {"document": found.document}

    return await _changed(state, caller.owner, id, if_match, stated)


async def _changed(
    state: State,
    owner: str,
    id: str,
    if_match: str | None,
    body_of: Callable[[Environment], dict[str, Any]],
) -> Response:
    """Replace an environment of the version that is meant by what a worker makes of the body
    (of the environment as it is)."""
    found = await _found(state, owner, id)
    version = _version(if_match, found)
    made = await _worked(state, "save", body_of(found))
    changed = await run_in_threadpool(
        state.store.change_environment, owner, id, version, made["document"]
    )
    return _response(changed, **made["described"])


@router.put(
    "/{id}/document",
    summary="Replace it by what `ShapeEnv.to_json` wrote",
    response_model=EnvironmentAnswer,
    dependencies=[Json],
)
async def replace(
    id: str, request: Request, state: Stated, caller: Writing, if_match: IfMatch = None
) -> Response:
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        raise ProblemError("json", "it is not UTF-8 text") from None
    return await _changed(state, caller.owner, id, if_match, lambda _: {"document": text})


@router.post(
    "/{id}/fork",
    status_code=201,
    summary="A copy of its own",
    response_model=EnvironmentAnswer,
    dependencies=[Json],
)
async def fork(id: str, body: Fork, state: Stated, caller: Writing) -> Response:
    found = await _found(state, caller.owner, id)
    return _response(await _added(state, caller.owner, body.name, found.document, id), 201)


@router.delete("/{id}", status_code=204, summary="Forget it", response_class=Response)
async def remove(
    id: str, state: Stated, caller: Writing, if_match: IfMatch = None
) -> Response:
    found = await _found(state, caller.owner, id)
    version = None if if_match is None else _version(if_match, found)
    await run_in_threadpool(state.store.remove_environment, caller.owner, id, version)
    return Response(status_code=204)


# --------------------------------------------------------------------------- questions


def _endpoint(verb: str, model: type[Question]) -> Callable[..., Awaitable[Response]]:
    async def endpoint(id: str, body: model, state: Stated, caller: Reading) -> Response:  # type: ignore[valid-type]
        found = await _found(state, caller.owner, id)
        known = body.model_dump() | {"document": found.document}  # type: ignore[attr-defined]
        answer = await ask(state, {"kind": "question", "verb": verb, "body": known})
        return Response(
            answer, headers={"ETag": _etag(found)}, media_type="application/json"
        )

    endpoint.__name__ = f"environment_{verb}"
    return endpoint


for _verb, (_model, _summary) in QUESTIONS.items():
    router.post(
        f"/{{id}}/{_verb}", summary=_summary, response_model=Answers, dependencies=[Json]
    )(_endpoint(_verb, _model))
