"""The store on a real PostgreSQL: Debian's server, on a socket of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from asserts.service.store import Store
from asserts.service.tables import Base
from tests.service.serving import running
from tests.service.test_programs import onnx_model
from tests.waiting import until

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
RUNUSER = shutil.which("runuser", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
KNOWN = {"symbols": ["b:1..64"], "facts": ["b % 8 == 0"]}

pytestmark = [
    pytest.mark.skipif(not BINARIES, reason="there is no PostgreSQL"),
    pytest.mark.skipif(os.getuid() == 0 and RUNUSER is None, reason="runuser is not there"),
    pytest.mark.skipif(find_spec("psycopg") is None, reason="psycopg is not installed"),
]


class Postgres:
    """A server in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:  # (it does not run as root)
            shutil.chown(folder, self.user)
        self.run("initdb", "-D", str(folder / "db"), "-A", "trust", "-U", "postgres",
                 "--locale=C", "-E", "UTF8")  # fmt: skip
        self.start()

    def run(self, name: str, *arguments: str) -> None:
        command = [str(BINARIES[-1] / name), *arguments]
        if os.getuid() == 0:
            command = [str(RUNUSER), "-u", self.user, "--", *command]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, cwd="/")

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off"
        data = str(self.folder / "db")
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "db"), "-m", "immediate", "-w", "stop")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self.folder}"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="shapeproof-pg-") as folder:
        Path(folder).chmod(0o755)
        inner = Path(folder) / "pg"  # (the path of a socket is short)
        inner.mkdir()
        found = Postgres(inner)
        yield found
        found.stop()


def test_the_schema(postgres: Postgres) -> None:
    store = Store(postgres.url)
    store.migrate()
    store.migrate()
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
    store.close()


@pytest.mark.slow
def test_a_restart_of_the_database(postgres: Postgres, tmp_path: Path) -> None:
    """While it is away the service says so, and questions are answered; then all goes on."""
    with running(tmp_path / "data", store=postgres.url) as server:
        path = server.post("/v1/environments", KNOWN).headers["location"]
        program = server.upload("m.onnx", onnx_model()).json["id"]
        job = server.worked(verb="contract", program=program)
        assert job["state"] == "done", job

        postgres.stop()
        assert server.get("/healthz").status == 200
        assert server.get("/readyz").status == 503
        away = server.get(path)
        assert (away.status, away.json["type"]) == (503, "urn:shapeproof:problem:store")
        assert away.headers["retry-after"]
        assert str(postgres.folder).encode() not in away.body
        assert server.post("/v1/prove", {**KNOWN, "claims": "b >= 1"}).status == 200

        postgres.start()
        until(lambda: server.get("/readyz").status == 200)
        assert server.post(f"{path}/prove", {"claims": "b//8*8 == b"}).status == 200
        state = server.post(f"{path}/facts", {"facts": ["b >= 8"]}, headers={"If-Match": '"1"'})
        assert state.headers["etag"] == '"2"'
        for odd in ("%00", "x", "0" * 64):
            assert server.get(f"/v1/environments/{odd}").status == 404
        again = server.post("/v1/jobs", {"verb": "contract", "program": program})
        assert (again.status, again.json["id"]) == (200, job["id"])
        assert server.worked(verb="report", program=program)["state"] == "done"
