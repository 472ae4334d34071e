"""What every request passes through: its id, its log line, its limits, its headers.

Plain ASGI, since this is on the way of every question. The outermost layer gives the request
its id and writes one line of JSON about it; it also counts bytes of the body, refuses hosts
that are not ours (DNS rebinding), and turns whatever goes wrong into a problem document.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from asserts.work.problems import MEDIA_TYPE, ProblemError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from asserts.service.metrics import Metrics

__all__ = ["Boundary", "JsonLines", "set_up_logging"]

log = logging.getLogger("shapeproof.requests")

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
_LONGEST_ID: Final = 64
LARGEST_HEAD: Final = 32 * 1024
"""Bytes of the head of a request."""
DRAIN_SECONDS: Final = 2.0
DRAIN_BYTES: Final = 64 << 20
"""What is read and thrown away of a body that was refused."""


class Boundary:
    """The outermost layer."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: frozenset[str] | None,
        body_limit: Callable[[str], tuple[int, float]],
        metrics: Metrics,
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.body_limit = body_limit
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self.body_limit(scope["path"]))
        self.metrics.open.inc()
        try:
            self._require_host(exchange)
            exchange.require_sizes()
            await self.app(scope, exchange.receive, exchange.send)
        except ProblemError as problem:
            await exchange.fail(problem)
        except Exception as error:  # nothing of it may reach the caller
            log.exception("a request failed", extra={"request_id": exchange.id})
            name = type(error).__name__
            await exchange.fail(ProblemError("internal", f"unexpected {name}"))
        finally:
            self.metrics.open.dec()
            self._told(exchange, scope)

    def _require_host(self, exchange: _Exchange) -> None:
        host = exchange.header(b"host").decode("latin-1")
        name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
        if self.hosts is not None and name.lower() not in self.hosts:
            raise ProblemError("host", "start it with --allow-host NAME to answer to others")

    def _told(self, exchange: _Exchange, scope: Scope) -> None:
        seconds = time.perf_counter() - exchange.started
        # (a route's template, so that ids in paths make no series of their own)
        route = getattr(scope.get("route"), "path", "other")
        self.metrics.request(scope["method"], route, exchange.status, seconds)
        if route in ("/healthz", "/readyz", "/metrics") and exchange.status < 400:
            return
        log.info(
            "request",
            extra={
                "request_id": exchange.id,
                "method": scope["method"],
                "route": route,
                "status": exchange.status,
                "ms": round(seconds * 1000, 2),
                "owner": scope.get("state", {}).get("owner"),
            },
        )


class _Exchange:
    """One request and its response."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, limits: tuple[int, float]
    ) -> None:
        self.started = time.perf_counter()
        self._headers = dict(scope["headers"])
        self._path = scope.get("raw_path") or b""
        self._receive = receive
        self._send = send
        self._limit, seconds = limits
        self._deadline = self.started + seconds
        self._whole = False
        self._read = 0
        self._begun = False
        self._refused: ProblemError | None = None
        self.status = 0
        self.id = self._own_id()
        scope.setdefault("state", {})["request_id"] = self.id

    def _own_id(self) -> str:
        given = self.header(b"x-request-id").decode("latin-1")
        plain = given.replace("-", "").replace("_", "").isalnum() and given.isascii()
        return given if plain and len(given) <= _LONGEST_ID else secrets.token_hex(8)

    def header(self, name: bytes) -> bytes:
        """A header of the request, empty if there is none."""
        found: bytes = self._headers.get(name, b"")
        return found

    def require_sizes(self) -> None:
        """Refuse a head that is too large, and a body before any of it is read."""
        head = len(self._path) + sum(len(k) + len(v) for k, v in self._headers.items())
        if head > LARGEST_HEAD:
            limit = {"limit": f"{LARGEST_HEAD} bytes"}
            raise ProblemError("head", "shorten the path or the headers", limit)
        length = self.header(b"content-length")
        if length.isdigit() and (len(length) > 18 or int(length) > self._limit):
            raise self._too_large()

    def _too_large(self) -> ProblemError:
        limit = {"limit": f"{self._limit} bytes"}
        return ProblemError("too-large", f"at most {self._limit} bytes are taken here", limit)

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        left = self._deadline - time.perf_counter()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, left))
        except asyncio.TimeoutError:
            raise self._refuse(ProblemError("slow", "send the body, and sooner")) from None
        if message["type"] == "http.request":
            self._whole = not message.get("more_body", False)
            self._read += len(message.get("body", b""))
            if self._read > self._limit:
                raise self._refuse(self._too_large())
        return message

    def _refuse(self, problem: ProblemError) -> ProblemError:
        """The problem, which is answered whatever becomes of it on its way (FastAPI takes
        every exception while it reads a body for damaged JSON)."""
        self._refused = problem
        return problem

    async def send(self, message: Message) -> None:
        if self._refused is not None:
            await self.fail(self._refused)
            return
        await self._sent(message)

    async def _sent(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            self.status = message["status"]
            own = (*HEADERS, (b"x-request-id", self.id.encode()))
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        await self._send(message)

    async def fail(self, problem: ProblemError) -> None:
        """Answer with a problem, if nothing was sent so far."""
        if self._begun:
            return
        if not self._whole:
            await self._drain()
        content = problem.document() | {"request_id": self.id}
        body = json.dumps(content).encode()
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"connection", b"close")]
        headers += [(k.lower().encode(), v.encode()) for k, v in problem.headers.items()]
        headers.append((b"content-length", str(len(body)).encode()))
        start = {
            "type": "http.response.start", "status": problem.status, "headers": headers,
        }  # fmt: skip
        await self._sent(start)
        await self._send({"type": "http.response.body", "body": body})


    async def _drain(self) -> None:
        """Read what the client still sends, for a moment: while it sends, it does not listen,
        and would see a broken connection instead of the answer."""
        end = time.perf_counter() + DRAIN_SECONDS
        left = DRAIN_BYTES
        with contextlib.suppress(asyncio.TimeoutError):
            while left > 0 and (seconds := end - time.perf_counter()) > 0:
                message = await asyncio.wait_for(self._receive(), seconds)
                left -= len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return


# --------------------------------------------------------------------------- logs


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and what came as `extra`."""

    _USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in self._USUAL}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def set_up_logging() -> None:
    """Log lines of JSON on standard error, the server's own included."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("alembic", "sqlalchemy.engine"):
        logging.getLogger(name).setLevel(logging.WARNING)
