"""A real server on loopback, in a process of its own, for tests and the load test."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.waiting import LONGEST, until

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


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


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
        self.port = free_port()
        self.folder = folder
        self.given = {
            "folder": str(folder), "limits": {**LIMITS, **(limits or {})}, **settings
        }  # fmt: skip
        self.log = folder / "log.jsonl"
        self.process = self._started()

    def _started(self, attempts: int = 5) -> subprocess.Popen[bytes]:
        """(Somebody may take the port before the server does: then it gets another one.)"""
        self.folder.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", CODE, json.dumps({**self.given, "port": self.port})],
                stderr=log, env=env,
            )  # fmt: skip
        until(lambda: self._is_ready() or process.poll() is not None)
        if process.poll() is None:
            return process
        said = self.log.read_text()
        if attempts > 1 and "address already in use" in said.rpartition("\n{")[2].lower():
            self.port = free_port()
            return self._started(attempts - 1)
        raise AssertionError(said)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, HTTPException):
            return self.request("GET", "/readyz").status == 200
        return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float = LONGEST,
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

    def state(self, job: str) -> str:
        """How far a job is."""
        return str(self.get(f"/v1/jobs/{job}").json["state"])

    def finished(self, job: str) -> Any:
        """The job when it has ended."""
        until(lambda: self.state(job) not in ("queued", "running"))
        return self.get(f"/v1/jobs/{job}").json

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
                if int(fields[1]) == self.process.pid and fields[0] != "Z":
                    found.append((int(fields[19]), int(stat.parent.name)))
        return [pid for _, pid in sorted(found)]

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        lines = self.get("/metrics").body.decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def stop(self) -> int:
        """Stop it as an operator does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LONGEST)

    def kill(self) -> None:
        """Let it crash."""
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Start it again, with the same folder."""
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
