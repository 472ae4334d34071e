"""Questions without a state: ``POST /v1/prove`` and its like."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from asserts.service.bodies import QUESTIONS, Answers, Question
from asserts.service.state import Reading, State, Stated
from asserts.work.problems import ProblemError

__all__ = ["ask", "require_json", "router"]


async def require_json(request: Request) -> None:
    """Raises `ProblemError` for a body of another type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not re.fullmatch(r"application/([\w.-]+\+)?json", kind):
        raise ProblemError("media-type", "send application/json")


router = APIRouter(tags=["questions"], dependencies=[Depends(require_json)])


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
