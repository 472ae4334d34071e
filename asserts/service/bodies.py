"""The bodies of requests and answers, as pydantic models, with the examples of the OpenAPI
document (which the tests run)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "QUESTIONS", "Answers", "AskAllValues", "AskClaims", "AskEffort", "AskExpressions",
    "AskFits", "AskRange", "AskRegion", "AskSuggestions", "EnvironmentAnswer",
    "EnvironmentList", "Fork", "JobAnswer", "JobRequest", "KnownBody", "NewEnvironment",
    "Problem", "ProgramAnswer", "Question", "Statements",
]  # fmt: skip

Text = Annotated[str, Field(max_length=20_000)]
Texts = Annotated[list[Text], Field(max_length=2000)]
Asked = Text | Annotated[list[Text], Field(min_length=1, max_length=256)]
Value = bool | int | Annotated[float, Field(allow_inf_nan=False)]
Values = Annotated[
    list[Annotated[dict[str, Value], Field(max_length=2000)]], Field(max_length=1000)
]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


def _body(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": list(examples)} if examples else None,
    )


class KnownBody(BaseModel):
    """What is known: symbols, ``[size|int|unbacked|bool|float] NAME[:MIN..MAX]`` each (a size
    if no kind is named), and facts about them; lists, or one text with a line for each."""

    model_config = _body()

    symbols: Text | Texts = Field(default=[], description="What there is, one a line.")
    facts: Text | Texts = Field(default=[], description="What holds, one a line.")


_KNOWN: dict[str, Any] = {"symbols": ["b:1..64", "unbacked u"], "facts": ["u <= 4*b"]}


class Question(KnownBody):
    """Any question; a class for each follows."""


class AskClaims(Question):
    """Claims, each for itself."""

    claims: Asked


class AskEffort(AskClaims):
    """Claims to be proved."""

    model_config = _body(
        {**_KNOWN, "claims": "u < 5*b"},
        {**_KNOWN, "claims": ["u < b", "u//8*8 == u"], "effort": "quick"},
    )

    effort: Literal["quick", "default", "thorough"] = "default"


class AskSuggestions(AskClaims):
    """Claims that checks are wanted for."""

    model_config = _body({**_KNOWN, "claims": "u <= 3*b"})

    limit: int = Field(default=5, ge=1, le=20)


class AskAllValues(AskClaims):
    """Claims that belong together, and values of inputs to try."""

    model_config = _body(
        {
            "symbols": ["b", "k"],
            "claims": ["b % 8 == 0", "k < b"],
            "values": [{"b": 8, "k": 3}],
        }
    )

    values: Values = []


class AskExpressions(Question):
    """Expressions, each for itself."""

    model_config = _body({**_KNOWN, "expressions": ["u//8*8", "b*8//8"]})

    expressions: Asked


class AskRange(AskExpressions):
    """Expressions of which the range is wanted."""

    model_config = _body({**_KNOWN, "expressions": "2*u + 1"})

    effort: Literal["quick", "default", "thorough", "exact"] = "default"


class AskRegion(Question):
    """Two integer symbols, of which the possible pairs of values are wanted."""

    model_config = _body({**_KNOWN, "x": "b", "y": "u", "claims": "u < 3*b"})

    x: Text
    y: Text
    claims: Asked | None = None
    window: Annotated[list[int], Field(min_length=4, max_length=4)] | None = Field(
        default=None, description="`x_min`, `x_max`, `y_min`, `y_max`; else what is known."
    )
    include: dict[str, int] = Field(
        default={}, description="Values that the picture should hold.", max_length=2000
    )


class AskFits(AskExpressions):
    """Expressions that machine integers should hold."""

    model_config = _body({**_KNOWN, "expressions": "u*b*1000000000000000000"})

    bits: int = Field(default=64, ge=2, le=4096)


QUESTIONS: dict[str, tuple[type[Question], str]] = {
    "prove": (AskEffort, "Prove or refute claims"),
    "bounds": (AskRange, "The ranges of expressions, and why"),
    "congruence": (AskExpressions, "The remainders that expressions leave"),
    "simplify": (AskExpressions, "The simplest expressions of the same value"),
    "suggest": (AskSuggestions, "The weakest checks that would make claims hold"),
    "region": (AskRegion, "Which values of two symbols the facts leave, as a grid"),
    "fits": (AskFits, "Whether code for expressions stays within machine integers"),
    "guards": (AskAllValues, "Claims as one function of the inputs; which values satisfy it"),
    "contract": (AskEffort, "Which conditions of a contract must be checked"),
}


class Answers(BaseModel):
    """The answers, one for each claim or expression, in the same order (`guards` and
    `contract`: one for all). See `docs/service.md` for their fields."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    schema_: int = Field(alias="schema", description="1: fields may be added, none changed.")
    answers: list[dict[str, Any]]


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    pointer: str | None = None
    column: int | None = None
    known: list[str] | None = None


# --------------------------------------------------------------------------- environments


class Statements(KnownBody):
    """What is stated besides: further symbols, facts, and checks that a program makes."""

    model_config = _body({"facts": ["u % 8 == 0"], "checks": ["u >= 8"]})

    checks: Text | Texts = []


class NewEnvironment(Statements):
    """An environment to begin with: what is stated, or one that was saved by `to_json`."""

    model_config = _body({"name": "ragged", **_KNOWN})

    name: Name = "unnamed"
    document: str | None = Field(default=None, description="What `ShapeEnv.to_json` wrote.")


class Fork(BaseModel):
    """The name of the copy."""

    model_config = _body({"name": "with a guess"})

    name: Name = "fork"


class EnvironmentAnswer(BaseModel):
    """An environment as it is stored; `etag` is what `If-Match` takes."""

    model_config = ConfigDict(extra="allow")

    id: str
    name: str
    version: int
    etag: str
    parent: str | None
    created: str
    changed: str


class EnvironmentList(BaseModel):
    """Environments, the latest first; `next` is the value of `after` for the next page."""

    environments: list[EnvironmentAnswer]
    next: str | None


# --------------------------------------------------------------------------- programs and jobs

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ProgramAnswer(BaseModel):
    """A program that was uploaded; its `id` is the SHA-256 of its content."""

    id: str
    name: str
    kind: str
    size: int
    created: str


class JobRequest(BaseModel):
    """What is to be done with a program; `other` is the second one of `verify`."""

    model_config = _body()

    verb: Literal["insert", "remove", "minimise", "report", "verify", "contract"]
    program: Digest
    other: Digest | None = None
    policy: Literal["strict", "preserve-user", "keep-all"] = "preserve-user"
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    trials: int = Field(default=50, ge=1, le=500)
    sizes: dict[str, int] | None = Field(
        default=None, description="`contract`: sizes to be checked.", max_length=1000
    )


class JobAnswer(BaseModel):
    """A job: its `state` and, when it has failed, the `problem`."""

    id: str
    verb: str
    program: str
    other: str | None
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    attempts: int
    cached: bool = Field(description="Whether the result was there already.")
    problem: dict[str, Any] | None
    result: str | None = Field(description="Where the changed program is, if there is one.")
    report: str | None = Field(description="Where the report is, when it is there.")
    created: str
    finished: str | None
