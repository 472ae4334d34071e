"""A full disk: what was acknowledged is there afterwards, all else is refused with the reason,
and the server lives.

As root the data folder is a small file system of its own. Others have the same errors made in
the server: writing a file raises ENOSPC as soon as a file of that name is there, and SQLite
may take no more pages.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service import serving
from tests.service.serving import Server, running
from tests.service.test_programs import onnx_model, uploaded
from tests.waiting import until

FULL = """
import errno, io, os, pathlib
from sqlalchemy import event
from sqlalchemy.engine import Engine

MARK = {mark!r}
real = pathlib.Path.open

class File:
    def __init__(self, file):
        self._file = file
    def write(self, content):
        if os.path.exists(MARK):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._file.name)
        return self._file.write(content)
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self._file.close()

def opened(self, mode="r", *more, **options):
    file = real(self, mode, *more, **options)
    return File(file) if "w" in mode else file

pathlib.Path.open = opened

@event.listens_for(Engine, "before_cursor_execute")
def limit(connection, cursor, *_):
    cursor.execute("PRAGMA max_page_count = %d" % (1 if os.path.exists(MARK) else 1 << 30))
"""


def upload(server: Server, nodes: int) -> Any:
    return server.upload(f"m{nodes}.onnx", onnx_model(nodes))


def require_full(found: Any) -> None:
    assert found.status in (503, 507), found
    assert found.headers["content-type"] == "application/problem+json"
    assert found.headers["retry-after"]
    assert str(found.json["type"]).rpartition(":")[2] in ("full", "store")


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file; while it is there, the server's disk is full."""
    made = tmp_path / "the disk is full"
    monkeypatch.setattr(serving, "CODE", FULL.format(mark=str(made)) + serving.CODE)
    yield made
    made.unlink(missing_ok=True)


def filled(server: Server) -> list[str]:
    """Environments until no more are taken; those that were acknowledged."""
    made = []
    facts = [f"b{n} >= {n}" for n in range(200)]
    body = {"symbols": [f"b{n}" for n in range(200)], "facts": facts}
    for _ in range(400):
        found = server.post("/v1/environments", body)
        if found.status != 201:
            require_full(found)
            return made
        made.append(found.json["id"])
    raise AssertionError("the disk is not full")


@pytest.mark.slow
def test_no_room_for_anything(tmp_path: Path, mark: Path) -> None:
    with running(tmp_path / "data") as server:
        before = uploaded(server, "before.onnx", onnx_model(1))
        kept = server.post("/v1/environments", {"symbols": ["b"]}).json["id"]
        done = server.worked(verb="report", program=before)
        mark.touch()
        made = filled(server)
        require_full(upload(server, 2))
        assert server.get("/healthz").status == 200
        asked = {"symbols": ["b"], "claims": "b >= 0"}
        assert server.post("/v1/prove", asked).json["answers"][0]["status"] == "always"
        for name in (kept, *made):
            assert server.get(f"/v1/environments/{name}").status == 200
        assert server.get(done["report"]).status == 200
        mark.unlink()
        assert upload(server, 2).status == 201
        server.kill()
        server.start()
        for name in (kept, *made):
            assert server.get(f"/v1/environments/{name}").status == 200
        assert server.get(f"/v1/programs/{before}").status == 200
        assert server.worked(verb="report", program=before)["id"] == done["id"]
        assert not list((server.folder / "meanwhile").iterdir())


@pytest.mark.slow
def test_a_job_that_ends_when_there_is_no_room(tmp_path: Path, mark: Path) -> None:
    """Its end is stored as soon as that is possible."""
    with running(tmp_path / "data") as server:
        program = uploaded(server, "m.onnx", onnx_model(2000))
        job = server.post("/v1/jobs", {"verb": "insert", "program": program}).json
        mark.touch()
        said = ("the end of a job cannot be stored", "no jobs can be taken")
        until(
            lambda: any(one in server.log.read_text() for one in said)
            or server.state(job["id"]) in ("done", "failed")  # (a machine may be quick)
        )
        assert server.get("/healthz").status == 200
        mark.unlink()
        found = server.finished(job["id"])
        assert found["state"] in ("done", "failed")
        if found["state"] == "failed":
            assert found["problem"]["type"] == "urn:shapeproof:problem:full"
        assert server.worked(verb="report", program=program)["state"] == "done"


def mounted(folder: Path, size: str) -> bool:
    """A file system in memory at a folder, if we may."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can make a file system"
)
def test_a_small_file_system(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    if not mounted(folder, "6m"):
        pytest.skip("nothing can be mounted here")
    try:
        with running(folder) as server:
            acknowledged = []
            for nodes in range(1, 400):
                found = upload(server, 40 * nodes)
                if found.status != 201:
                    require_full(found)
                    break
                acknowledged.append(found.json["id"])
            made = filled(server)
            assert server.get("/healthz").status == 200
            for name in acknowledged:
                assert server.get(f"/v1/programs/{name}").status == 200
            for name in made:
                assert server.get(f"/v1/environments/{name}/document").status == 200
            for name in acknowledged:
                assert server.request("DELETE", f"/v1/programs/{name}").status in (204, 503, 507)
            server.kill()
            server.start()
            for name in made:
                document = server.get(f"/v1/environments/{name}/document").body
                assert json.loads(document)["format"] == "shapeproof-env"
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
