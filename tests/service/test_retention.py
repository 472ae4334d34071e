"""Programs and results go when their owner says so, or when they are old; a content goes when
nobody has it any more."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from asserts.client import Client, ServiceError
from asserts.service.blobs import Blobs
from asserts.service.retention import Retention
from asserts.service.store import Store
from asserts.service.tables import Job, Program, now
from tests.service.serving import Server, running
from tests.service.test_programs import ended, onnx_model, uploaded
from tests.waiting import until


def contents(folder: Path) -> set[str]:
    return {one.name for one in (folder / "contents").rglob("*") if one.is_file()}


def test_an_owner_deletes(server: Server) -> None:
    program = uploaded(server, "gone.onnx", onnx_model(41))
    job = ended(server, verb="insert", program=program)
    assert server.get(job["result"]).status == 200
    kept = contents(server.folder)
    path = f"/v1/jobs/{job['id']}"
    assert server.request("DELETE", path).status == 409  # (it has ended: nothing to stop)
    assert server.get(path).status == 200
    assert server.request("DELETE", f"{path}?forget=true").json["state"] == "done"
    for gone in (path, job["result"], job["report"]):
        assert server.get(gone).status == 404
    assert len(contents(server.folder)) == len(kept) - 1
    again = ended(server, verb="insert", program=program)
    assert again["id"] != job["id"]  # (what is forgotten is worked again)
    where = f"/v1/programs/{program}"
    assert server.request("DELETE", where).status == 204
    for gone in (where, f"/v1/jobs/{again['id']}"):
        assert server.get(gone).status == 404
    assert server.request("DELETE", where).status == 404
    assert program not in contents(server.folder)
    assert server.request("DELETE", "/v1/programs/x").status == 404
    assert server.request("DELETE", "/v1/jobs/x?forget=true").status == 404


def test_a_job_that_runs(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "heavy.onnx"
    path.write_bytes(onnx_model(100_000))
    with Client(server.url) as service:
        program = service.upload(path)
        job = service.begin("insert", program)
        with pytest.raises(ServiceError, match="have not ended"):
            service.remove(program)
        service.remove(job)
        with pytest.raises(ServiceError, match="no job"):
            service.job(job.id)
        service.remove(program)
    assert program.id not in contents(server.folder)


class Kept:
    """A store and contents, without a server."""

    def __init__(self, folder: Path, days: float | None) -> None:
        self.folder = folder
        self.store = Store(f"sqlite:///{folder / 'store.sqlite3'}")
        self.store.migrate()
        self.blobs = Blobs(folder)
        self.retention = Retention(self.store, self.blobs, days)

    def program(self, owner: str, content: bytes) -> str:
        with self.blobs.scratch() as scratch:
            path = scratch / "program.onnx"
            path.write_bytes(content)
            digest = self.blobs.keep(path)
            self.store.add_program(owner, digest, "m.onnx", "onnx", len(content))
        return digest

    def job(self, owner: str, program: str, result: bytes, state: str = "done") -> str:
        values = {"verb": "insert", "program": program, "options": "{}"}
        made = self.store.add_job(owner, f"{program}{state}", values, 99)
        with self.blobs.scratch() as scratch:
            path = scratch / "result.onnx"
            path.write_bytes(result)
            digest = self.blobs.keep(path)
            if state != "queued":
                self.store.end_job(made.id, state, result=digest)
        return made.id

    def age(self, table: type[Job] | type[Program], days: float) -> None:
        """Let all rows be so many days older."""
        then = now() - timedelta(days=days)
        values = {"created": then} | ({"finished": then} if table is Job else {})
        with self.store.engine.begin() as connection:
            connection.execute(update(table).values(**values))


def test_contents_are_shared_by_owners(tmp_path: Path) -> None:
    kept = Kept(tmp_path, None)
    program = kept.program("a", b"model")
    assert kept.program("b", b"model") == program
    # The result of one is a program of the other.
    result = kept.program("b", b"result")
    kept.job("a", program, b"result")
    kept.retention.remove(kept.store.remove_program("a", program))
    assert contents(tmp_path) == {program, result}
    kept.retention.remove(kept.store.remove_program("b", program))
    assert contents(tmp_path) == {result}
    kept.retention.remove(kept.store.remove_program("b", result))
    assert contents(tmp_path) == set()
    kept.store.close()


def test_what_is_old_goes(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 7)
    old, used, waiting = (kept.program("a", text) for text in (b"old", b"used", b"waiting"))
    done = kept.job("a", used, b"result")
    queued = kept.job("a", waiting, b"none", "queued")
    kept.age(Program, 8)
    kept.retention.look()
    assert contents(tmp_path) >= {used, waiting}
    assert old not in contents(tmp_path)  # (no job is there of it)
    kept.age(Job, 6)
    kept.retention.look()
    assert kept.store.job("a", done).state == "done"
    kept.age(Job, 8)
    kept.retention.look()
    assert contents(tmp_path) == {waiting}
    assert kept.store.job("a", queued).state == "queued"
    again = kept.program("a", b"waiting")  # (sent again: as good as new)
    kept.store.end_job(queued, "cancelled")
    kept.age(Job, 8)
    kept.retention.look()
    assert contents(tmp_path) == {again}
    kept.store.close()


def test_without_a_time_only_orphans_go(tmp_path: Path) -> None:
    kept = Kept(tmp_path, None)
    program = kept.program("a", b"model")
    kept.age(Program, 9999)
    with kept.blobs.scratch() as scratch:  # (a crash before the row was written)
        (scratch / "x").write_bytes(b"orphan")
        orphan = kept.blobs.keep(scratch / "x")
        kept.retention.look()
        assert contents(tmp_path) == {program, orphan}  # (pinned as long as work goes on)
    kept.retention.look()
    assert contents(tmp_path) == {program}
    kept.store.close()


@pytest.mark.slow
def test_the_server_looks_by_itself(tmp_path: Path) -> None:
    """Two seconds are kept; the server looks every second, and when it starts."""
    with running(tmp_path / "data", keep_days=2 / 86400) as server:
        program = uploaded(server, "m.onnx", onnx_model())
        # (a content goes after the row that named it)
        until(lambda: server.get(f"/v1/programs/{program}").status == 404)
        until(lambda: not contents(server.folder))
        uploaded(server, "m.onnx", onnx_model())
        server.kill()
        time.sleep(2.1)
        server.start()
        assert contents(server.folder) == set()
