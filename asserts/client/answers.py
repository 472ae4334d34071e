"""The answers of the service, as records. Fields that a service of a later version adds are in
`data`, the answer as it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

__all__ = [
    "A", "Bounds", "Congruence", "Contract", "Environment", "Fits", "Guards", "Job",
    "Program", "Region", "Simplified", "Suggestions", "Verdict", "read",
]  # fmt: skip

A = TypeVar("A", bound="_Answer")


def read(kind: type[A], data: Mapping[str, object]) -> A:
    """The record of that kind. Raises `KeyError` for a field that is missing."""
    own = [f for f in fields(kind) if f.name != "data"]
    values = {
        f.name: data[f.name] for f in own if f.name in data or f.default is MISSING
    }
    return kind(**values, data=dict(data))


@dataclass(frozen=True)
class _Answer:
    """What all answers have: the JSON object that came."""

    data: dict[str, Any] = field(repr=False, compare=False, kw_only=True)


@dataclass(frozen=True)
class Verdict(_Answer):
    """The answer to a claim; `status` is "always", "never", "depends" or "unknown"."""

    claim: str
    status: str
    proof: dict[str, Any] | None
    counterexample: dict[str, Any] | None
    witness: dict[str, Any] | None
    premises: list[str]
    tried: list[str]
    explanation: str

    def __bool__(self) -> bool:
        return self.status == "always"

    def __str__(self) -> str:
        return self.explanation


@dataclass(frozen=True)
class Bounds(_Answer):
    """The range of an expression; an end is None if there is none."""

    expression: str
    kind: str
    lower: Any
    upper: Any
    exact: bool
    lower_because: list[str]
    upper_because: list[str]
    congruence: dict[str, int] | None


@dataclass(frozen=True)
class Congruence(_Answer):
    """The expression leaves `residue` modulo `modulus`."""

    expression: str
    modulus: int
    residue: int


@dataclass(frozen=True)
class Simplified(_Answer):
    """An expression and the simplest one of the same value."""

    expression: str
    simplified: str


@dataclass(frozen=True)
class Suggestions(_Answer):
    """Checks that would make a claim hold, the weakest first: `text` and `line` of each."""

    claim: str
    suggestions: list[dict[str, str]]


@dataclass(frozen=True)
class Region(_Answer):
    """The cells of the values of two symbols: ``rows[j][i]`` is the i-th of `across` and the
    j-th of `along`, which have `low`, `high` and the `step` from one to the next."""

    x: str
    y: str
    claim: str | None
    across: dict[str, int]
    along: dict[str, int]
    rows: list[str]
    complete: bool


@dataclass(frozen=True)
class Fits(_Answer):
    """Whether every intermediate result fits into `bits` bits."""

    expression: str
    bits: int
    status: str
    intermediate: str | None
    value: Any
    counterexample: dict[str, Any] | None
    explanation: str


@dataclass(frozen=True)
class Guards(_Answer):
    """Claims as one function; of each row of values whether they hold."""

    parameters: list[str]
    source: str
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Contract(_Answer):
    """The `conditions` that must be checked; of each clause whether it is needed."""

    conditions: list[str]
    clauses: list[dict[str, Any]]
    ranges: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Environment(_Answer):
    """An environment that is kept, at one version."""

    id: str
    name: str
    version: int
    etag: str
    parent: str | None = None


@dataclass(frozen=True)
class Program(_Answer):
    """A program that was uploaded."""

    id: str
    name: str
    kind: str
    size: int


@dataclass(frozen=True)
class Job(_Answer):
    """Work on a program; `state` is "queued", "running", "done", "failed" or "cancelled"."""

    id: str
    verb: str
    program: str
    state: str
    problem: dict[str, Any] | None = None
    result: str | None = None
    report: str | None = None
