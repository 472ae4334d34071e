"""API keys: who calls, what the key allows, and how often.

A key is ``sp_`` and 256 random bits; its SHA-256 is what is stored (a slow hash protects
words that people choose, not random bits). A key belongs to an owner; what is stored by one
owner no other one sees. Requests are counted per key by a token bucket.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool

from asserts.service.store import Store
from asserts.work.problems import ProblemError

__all__ = ["ANYBODY", "Caller", "Keys", "made_key"]

REMEMBERED: Final = 30.0
"""Seconds for which an answer of the store is kept: so long a revoked key may live."""

MOST: Final = 10_000
"""Keys that are remembered."""


@dataclass(frozen=True)
class Caller:
    """Whose request it is, and what it may do."""

    owner: str
    scopes: frozenset[str]


ANYBODY: Final = Caller("", frozenset(("read", "write")))
"""The caller where no keys are required."""


def made_key(store: Store, owner: str, scopes: frozenset[str]) -> str:
    """A new key, which is told once."""
    key = f"sp_{secrets.token_urlsafe(32)}"
    store.add_key(_hash(key), owner, scopes)
    return key


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class _Bucket:
    """Tokens that come back with time."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, 2 * rate)
        self._left = self._most
        self._last = time.monotonic()

    def take(self) -> float:
        """Take a token: 0, or the seconds until there is one."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._last) * self._rate)
        self._last = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._rate


class Keys:
    """The keys of one application."""

    def __init__(self, store: Store, required: bool, rate: float) -> None:
        self._store = store
        self.required = required
        self._rate = rate
        self._known: OrderedDict[str, tuple[float, Caller | None]] = OrderedDict()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    async def caller(self, authorization: str | None, scope: str) -> Caller:
        """Who calls. Raises `ProblemError`: "key", "scope", "rate"."""
        if not self.required:
            return ANYBODY
        kind, _, key = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not key.startswith("sp_") or len(key) > 200:
            raise _no_key("send it as `Authorization: Bearer sp_...`")
        digest = _hash(key)
        caller = await self._found(digest)
        if caller is None:
            raise _no_key("this one is not known, or was revoked")
        self._limit(digest)
        if scope not in caller.scopes:
            allowed = ", ".join(sorted(caller.scopes))
            raise ProblemError("scope", f"`{scope}` is needed, the key has `{allowed}`")
        return caller

    async def _found(self, digest: str) -> Caller | None:
        now = time.monotonic()
        known = self._known.get(digest)
        if known is not None and known[0] > now:
            return known[1]
        row = await run_in_threadpool(self._store.key, digest)
        caller = None if row is None else Caller(row[0], frozenset(row[1].split(",")))
        self._known[digest] = (now + REMEMBERED, caller)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return caller

    def _limit(self, digest: str) -> None:
        bucket = self._buckets.setdefault(digest, _Bucket(self._rate))
        self._buckets.move_to_end(digest)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        seconds = bucket.take()
        if seconds:
            detail = f"at most {self._rate:g} requests a second"
            after = {"Retry-After": str(max(1, round(seconds)))}
            raise ProblemError("rate", detail, headers=after)


def _no_key(detail: str) -> ProblemError:
    return ProblemError("key", detail, headers={"WWW-Authenticate": "Bearer"})
