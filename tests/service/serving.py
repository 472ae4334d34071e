"""A real server on loopback, in a process of its own, for tests and the load test."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CODE = """
import json, sys
from dataclasses import replace
from pathlib import Path
from asserts.service.run import serve
from asserts.service.settings import Limits, Settings
given = json.loads(sys.argv[1])
limits = Limits(**given.pop("limits"))
raise SystemExit(serve(Settings(folder=Path(given.pop("folder")), limits=limits, **given)))
"""
LIMITS = {"question_workers": 1, "question_seconds": 5.0, "job_seconds": 60.0}


class Response:
    """What came back."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:500]!r}>"


class Server:
    """One running service."""

    def __init__(self, folder: Path, limits: dict[str, Any] | None = None, **settings: Any):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        given = {"folder": str(folder), "port": self.port, "limits": {**LIMITS, **(limits or {})}}
        self.given = given | settings
        self.log = folder / "log.jsonl"
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", CODE, json.dumps(self.given)], stderr=log, env=env
            )
        for _ in range(600):
            with contextlib.suppress(OSError):
                if self.request("GET", "/readyz").status == 200:
                    return process
            if process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Response:
        """One request on a connection of its own; what is no bytes is sent as JSON."""
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Response(
                answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
            )
        finally:
            connection.close()

    def get(self, path: str, **more: Any) -> Response:
        return self.request("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Response:
        return self.request("POST", path, body, **more)

    def upload(self, name: str, content: bytes, **headers: str) -> Response:
        sent = {"Content-Type": "application/octet-stream", **headers}
        return self.request("POST", f"/v1/programs?name={name}", content, sent)

    def finished(self, job: str, seconds: float = 90.0) -> Any:
        """The job when it has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.get(f"/v1/jobs/{job}").json
            if found["state"] not in ("queued", "running"):
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    def worked(self, **asked: Any) -> Any:
        """A job from its beginning to its end."""
        begun = self.post("/v1/jobs", asked)
        assert begun.status in (200, 202), begun
        return self.finished(begun.json["id"])

    def workers(self) -> list[int]:
        """The process ids of the workers, the oldest first."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[1]) == self.process.pid:
                    found.append((int(fields[19]), int(stat.parent.name)))
        return [pid for _, pid in sorted(found)]

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        lines = self.get("/metrics").body.decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def stop(self) -> int:
        """Stop it as an operator does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """Let it crash."""
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Start it again, with the same folder and port."""
        self.process = self._started()


@contextlib.contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Server]:
    """A server for as long as the block lasts."""
    server = Server(folder, **settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
