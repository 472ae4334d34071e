"""What went wrong, as problem documents (RFC 9457): what, where, and what is known.

A problem has a `type` (a URN), a `title` that goes with it, the HTTP `status`, a `detail`
for this case, and where they apply: `pointer` (a JSON pointer into the request), `line` and
`column` (from 1) in the text there, `known` (symbols that there are), `culprits` (facts that
contradict each other), `limit`. No problem holds a path or a stack trace of the service.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from asserts.errors import UnsafeError
from shapes.errors import (
    ContradictionError,
    DataDependentError,
    EvaluationError,
    ExpressionSyntaxError,
    ExpressionTypeError,
    RangeError,
    SerializationError,
    ShapeproofError,
    TooLargeError,
    UndefinedError,
    UnknownSymbolError,
)

__all__ = ["MEDIA_TYPE", "TITLES", "ProblemError", "is_full", "problem_of"]

MEDIA_TYPE: Final = "application/problem+json"

TITLES: Final[dict[str, tuple[int, str]]] = {
    "syntax": (422, "The text is not an expression"),
    "symbol": (422, "A symbol is not declared"),
    "kind": (422, "An expression is of another kind than is needed here"),
    "contradiction": (422, "The facts cannot hold together"),
    "undefined": (422, "The expression has no value"),
    "range": (422, "A range is empty or of mixed kinds"),
    "value": (422, "A value cannot be put into the expression"),
    "question": (422, "The question cannot be answered as it is put"),
    "request": (422, "The request is not of the form that is expected"),
    "document": (422, "The saved environment cannot be read"),
    "program": (422, "The program cannot be read or worked on"),
    "unsafe": (422, "The program cannot be loaded safely"),
    "json": (400, "The body is not JSON"),
    "media-type": (415, "The body is of another media type than is expected"),
    "slow": (408, "The body did not arrive in time"),
    "too-large": (413, "The body is too large"),
    "head": (431, "The head of the request is too large"),
    "time": (422, "The time limit was reached"),
    "memory": (422, "The memory limit was reached"),
    "died": (422, "The worker process died over this request"),
    "answer-too-large": (422, "The answer is too large"),
    "internal": (500, "Something is wrong with the service"),
    "key": (401, "A valid API key is needed"),
    "scope": (403, "The API key does not allow this"),
    "host": (421, "The service is not known by this host name"),
    "not-found": (404, "There is nothing of that name"),
    "method": (405, "The method is not allowed here"),
    "changed": (412, "The environment has been changed meanwhile"),
    "if-match": (428, "The request needs the header If-Match"),
    "state": (409, "The job is not in the state for that"),
    "busy": (429, "The service is busy"),
    "rate": (429, "Too many requests with this API key"),
    "full": (507, "There is no room left on the disk"),
    "store": (503, "The store does not answer"),
    "stopping": (503, "The service is being stopped"),
}
"""The status and the title of each kind of problem."""

_KINDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (ExpressionSyntaxError, "syntax"),
    (UnknownSymbolError, "symbol"),
    (ExpressionTypeError, "kind"),
    (ContradictionError, "contradiction"),
    (UndefinedError, "undefined"),
    (RangeError, "range"),
    (EvaluationError, "value"),
    (SerializationError, "document"),
    (UnsafeError, "unsafe"),
    (DataDependentError, "question"),
    (ShapeproofError, "question"),
)
LONGEST: Final = 2000
"""Characters of a detail."""


class ProblemError(Exception):
    """A problem on its way to the caller: its kind (of `TITLES`), the detail, further
    members, and headers of the response."""

    def __init__(
        self,
        kind: str,
        detail: str,
        members: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail
        self.members = dict(members or {})
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status."""
        return TITLES[self.kind][0]

    def document(self) -> dict[str, Any]:
        """The problem document."""
        status, title = TITLES[self.kind]
        return {
            "type": f"urn:shapeproof:problem:{self.kind}",
            "title": title,
            "status": status,
            "detail": self.detail[:LONGEST],
            **self.members,
        }

    def content(self) -> bytes:
        """The document as JSON."""
        return json.dumps(self.document()).encode()

    @staticmethod
    def read(content: bytes) -> ProblemError:
        """The problem that a worker has written."""
        document = json.loads(content)
        kind = document.pop("type").rpartition(":")[2]
        detail = document.pop("detail")
        rest = {k: v for k, v in document.items() if k not in ("title", "status")}
        return ProblemError(kind, detail, rest)


_NO_ROOM: Final = frozenset((errno.ENOSPC, errno.EDQUOT))


def is_full(error: BaseException) -> bool:
    """Whether an exception, or one that it came from, says that there is no room on a disk."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _NO_ROOM:
            return True
        if "database or disk is full" in str(seen):  # (SQLite)
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def problem_of(
    error: BaseException, at: Mapping[str, object] | None = None, program: bool = False
) -> ProblemError:
    """What there is to say of an exception of the engine, or of anything that was raised. Of
    an error over a `program`, the kind is "program" where no better one is known."""
    if isinstance(error, ProblemError):
        error.members = {**(at or {}), **error.members}
        return error
    where = dict(at or {})
    if is_full(error):
        return ProblemError("full", "the result could not be written", where)
    if isinstance(error, (MemoryError, RecursionError)):
        return ProblemError("memory", "out of memory or stack", where)
    if not isinstance(error, ShapeproofError):
        return _unexpected(error, where, program)
    kind = next(kind for known, kind in _KINDS if isinstance(error, known))
    if program and kind in ("question", "document"):
        kind = "program"
    members: dict[str, Any] = {**where}
    if isinstance(error, ExpressionSyntaxError):
        members |= {"column": error.column, "reason": error.reason}
    elif isinstance(error, UnknownSymbolError):
        members |= _unknown(str(error))
    elif isinstance(error, ContradictionError):
        members["culprits"] = [fact.spelled for fact in error.culprits]
    elif isinstance(error, TooLargeError):
        members["limit"] = "bits of a number"
    return ProblemError(kind, str(error), members)


def _unexpected(error: BaseException, where: dict[str, Any], program: bool) -> ProblemError:
    if isinstance(error, ValueError) and not program:
        return ProblemError("question", str(error), where)
    name = type(error).__name__
    members = {**where, "unexpected": name}
    if program:
        return ProblemError("program", f"working on it raised {name}", members)
    return ProblemError("internal", f"unexpected {name}", members)


_UNKNOWN: Final = re.compile(r"unknown symbol `(.*?)` \(known: (.*)\)", re.DOTALL)


def _unknown(message: str) -> dict[str, Any]:
    found = _UNKNOWN.search(message)
    if found is None:
        return {}
    known = [] if found[2] == "none" else found[2].split(", ")
    return {"symbol": found[1], "known": known}
