"""Questions without a state: ``POST /v1/prove`` and its like."""

import json
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError

from asserts.service.bodies import QUESTIONS, Answers, Question
from asserts.service.state import Reading, State, Stated, reading, state_of
from asserts.work.problems import ProblemError

__all__ = ["ask", "require_json", "router"]


async def require_json(request: Request) -> None:
    """Raises `ProblemError` for a body of another type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not re.fullmatch(r"application/([\w.-]+\+)?json", kind):
        raise ProblemError("media-type", "send application/json")


class QuestionRoute(APIRoute):
    """A route that reads its request by itself: solving the dependencies of an endpoint costs
    FastAPI more than the rest of a request. The endpoint is what OpenAPI describes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        model, _ = QUESTIONS[self.name]
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            await require_json(request)
            state = await state_of(request)
            caller = await reading(request, state)
            body = _read(model, await request.body())
            answer: Response = await endpoint(body, state, caller)
            return answer

        return handle


def _read(model: type[Question], content: bytes) -> Question:
    """The body. Raises what FastAPI does for one that is not right."""
    if not content:
        missing = {"type": "missing", "loc": ("body",), "msg": "Field required"}
        raise RequestValidationError([missing])
    try:
        data = json.loads(content)
    except json.JSONDecodeError as error:
        where = ("body", error.pos)
        damaged = {"type": "json_invalid", "loc": where, "ctx": {"error": error.msg}}
        raise RequestValidationError([damaged]) from None
    except (ValueError, RecursionError):  # (no UTF-8, or a number that is too long)
        raise ProblemError("json", "it cannot be read: text, numbers or nesting") from None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"])} for one in found]
        ) from None


router = APIRouter(
    tags=["questions"], dependencies=[Depends(require_json)], route_class=QuestionRoute
)


async def ask(state: State, request: dict[str, Any]) -> bytes:
    """The answer of a worker for questions."""
    try:
        return await state.questions.ask(request, state.settings.limits.question_seconds)
    except ProblemError as problem:
        state.metrics.problems.labels(problem.kind).inc()
        raise


def _endpoint(verb: str, model: type[Question]) -> Callable[..., Awaitable[Response]]:
    async def endpoint(body: model, state: Stated, caller: Reading) -> Response:  # type: ignore[valid-type]
        asked = {"kind": "question", "verb": verb, "body": body.model_dump()}  # type: ignore[attr-defined]
        return Response(await ask(state, asked), media_type="application/json")

    endpoint.__name__ = verb
    return endpoint


for _verb, (_model, _summary) in QUESTIONS.items():
    router.post(f"/v1/{_verb}", summary=_summary, response_model=Answers)(
        _endpoint(_verb, _model)
    )
