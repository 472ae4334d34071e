"""The service as a process: what ``shapeproof serve`` runs."""

from __future__ import annotations

import asyncio
import signal
from socket import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from asserts.service.app import create_app
from asserts.service.keys import made_key
from asserts.service.middleware import LARGEST_HEAD, set_up_logging
from asserts.service.settings import Settings
from asserts.service.store import Store

__all__ = ["add_key", "revoke_keys", "serve"]

class _Server(uvicorn.Server):
    """A server that ends streams of events first when it is told to stop: they would keep
    their connections open."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        service = getattr(self._app.state, "service", None)
        if service is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(service.jobs.end_following)
        super().handle_exit(sig, frame)


def serve(settings: Settings) -> int:
    """Run until the process is told to stop (SIGINT, SIGTERM); the exit code."""
    set_up_logging()
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        http="h11",  # (the other parser has no limit for the head of a request)
        h11_max_incomplete_event_size=LARGEST_HEAD,
        timeout_graceful_shutdown=max(1, round(settings.grace)),
        timeout_keep_alive=30,
    )
    server = _Server(config, app)
    try:
        server.run()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0 if server.started else 1


def add_key(settings: Settings, owner: str, scopes: frozenset[str]) -> str:
    """A new API key for an owner."""
    store = Store(settings.store_url)
    store.migrate()
    try:
        return made_key(store, owner, scopes)
    finally:
        store.close()


def revoke_keys(settings: Settings, owner: str) -> int:
    """Revoke all keys of an owner; how many there were."""
    store = Store(settings.store_url)
    store.migrate()
    try:
        return store.revoke_keys(owner)
    finally:
        store.close()
