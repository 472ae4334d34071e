"""One connection to the service, kept open between requests; problems as exceptions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from shapes.errors import ShapeproofError

__all__ = ["BusyError", "Connection", "ServiceError"]

LONGEST_WAIT: Final = 60.0
"""Seconds that a client waits on request of the service."""


class ServiceError(ShapeproofError):
    """A problem that the service has told of: `kind` is the end of its type, `status` the
    HTTP status, `problem` the whole document (`pointer`, `column`, `known`, ...)."""

    def __init__(self, status: int, problem: Mapping[str, object]) -> None:
        self.status = status
        self.problem = dict(problem)
        self.kind = str(problem.get("type", "")).rpartition(":")[2]
        title, detail = problem.get("title", f"HTTP {status}"), problem.get("detail", "")
        super().__init__(f"{title}: {detail}" if detail else str(title))


class BusyError(ServiceError):
    """Too many requests; `retry_after` are the seconds after which to come again."""

    retry_after: float = 1.0


class Connection:
    """A connection that is opened again when it is lost. Not for several threads at once."""

    def __init__(self, url: str, key: str | None, timeout: float, retries: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ShapeproofError(f"{url!r} is not the http(s) address of a service")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._http = kind(parts.hostname, parts.port, timeout=timeout)
        self._base = parts.path.rstrip("/")
        self._key = key
        self._retries = retries

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The body of the answer. Raises `ServiceError`, `BusyError` after `retries`
        attempts, and `OSError` if the service cannot be reached."""
        for attempt in range(self._retries + 1):
            try:
                return self._once(method, path, body, headers)
            except BusyError as error:
                if attempt == self._retries:
                    raise
                time.sleep(min(LONGEST_WAIT, error.retry_after))
        raise AssertionError("unreachable")

    def _once(
        self, method: str, path: str, body: object, headers: Mapping[str, str] | None
    ) -> bytes:
        with self._sent(method, path, body, headers) as answer:
            content = answer.read()
        if answer.status >= 400:
            raise _error(answer, content)
        return content

    def _sent(
        self, method: str, path: str, body: object, headers: Mapping[str, str] | None
    ) -> HTTPResponse:
        sent = dict(headers or {})
        if self._key is not None:
            sent["Authorization"] = f"Bearer {self._key}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        fresh = self._http.sock is None
        try:
            self._http.request(method, self._base + path, body, sent)
            return self._http.getresponse()
        except (HTTPException, ConnectionError):
            self._http.close()
            if fresh or method not in ("GET", "PUT", "DELETE"):
                raise
            # The service had closed the connection: once more on a new one.
            self._http.request(method, self._base + path, body, sent)
            return self._http.getresponse()

    def lines(self, path: str) -> Iterator[str]:
        """The lines of an answer, as they come."""
        with self._sent("GET", path, None, None) as answer:
            if answer.status >= 400:
                raise _error(answer, answer.read())
            for line in answer:
                yield line.decode().rstrip("\n")


def _error(answer: HTTPResponse, content: bytes) -> ServiceError:
    try:
        problem = json.loads(content)
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    if answer.status != 429:
        return ServiceError(answer.status, problem)
    error = BusyError(answer.status, problem)
    after = answer.headers.get("Retry-After", "")
    error.retry_after = float(after) if after.isdigit() else 1.0
    return error
