"""What operators see: health, figures, logs, the OpenAPI document with examples that run."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from asserts.service.app import create_app
from asserts.service.settings import Settings
from asserts.service.store import Store
from asserts.service.tables import Base
from tests.service.serving import Server, running
from tests.waiting import LONGEST, until

ASK = {"symbols": ["b"], "claims": "b >= 0"}


def document() -> Any:
    return create_app(Settings()).openapi()


def examples() -> list[tuple[str, str, Any]]:
    """Every example of a body, with its operation."""
    found: list[tuple[str, str, Any]] = []
    schemas = document()["components"]["schemas"]
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            name = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            shown = schemas.get(name.rpartition("/")[2], {}).get("examples", ())
            found += [(method.upper(), path, example) for example in shown]
    return found


def test_the_examples_of_the_openapi_document(server: Server) -> None:
    known = {"symbols": ["b:1..64", "unbacked u", "k"], "facts": ["u <= 4*b"]}
    env = server.post("/v1/environments", known).json["id"]
    found = examples()
    assert len(found) >= 19
    for method, path, example in found:
        body = dict(example)
        if "{id}" in path and "symbols" in body:  # (they are declared there already)
            body["symbols"] = []
        headers = {"If-Match": "*"} if path.endswith("/facts") else {}
        answer = server.request(method, path.replace("{id}", env), body, headers)
        assert answer.status in (200, 201), (method, path, body, answer)


def test_every_operation_says_how_it_fails() -> None:
    for path, operations in document()["paths"].items():
        for operation in operations.values():
            assert "4XX" in operation["responses"], path
            assert operation["summary"], path


def test_health_and_figures(server: Server) -> None:
    assert server.get("/healthz").json == {"status": "ok"}
    assert server.get("/readyz").json == {"started": True, "workers": True, "store": True}
    before = server.metric('shapeproof_requests_total{method="POST",route="/v1/prove"')
    server.post("/v1/prove", ASK)
    server.post("/v1/prove", {"claims": "1 <"})
    after = server.metric('shapeproof_requests_total{method="POST",route="/v1/prove"')
    assert after == before + 2
    assert server.metric('shapeproof_problems_total{kind="syntax"}') >= 1
    assert server.metric('shapeproof_workers{pool="questions"}') == 1
    for path in ("/nothing/a", "/nothing/b"):
        server.get(path)
    text = server.get("/metrics").body.decode()
    assert "nothing" not in text  # (no series for paths that strangers make up)


def logged(server: Server) -> list[Any]:
    """The whole lines."""
    return [json.loads(line) for line in server.log.read_text().split("\n")[:-1]]


def test_logs_are_lines_of_json(server: Server) -> None:
    server.post("/v1/prove", ASK, headers={"X-Request-Id": "find-me"})
    server.post("/v1/prove", {"claims": "secret_name < 1"})
    (mine,) = until(lambda: [one for one in logged(server) if one.get("request_id") == "find-me"])
    assert (mine["route"], mine["status"], mine["method"]) == ("/v1/prove", 200, "POST")
    assert mine["ms"] >= 0
    assert "secret_name" not in server.log.read_text()  # (what is asked is not logged)


def test_the_migrations_make_the_tables(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'x' / 'store.sqlite3'}")
    store.migrate()
    store.migrate()
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
    store.close()


@pytest.mark.slow
def test_stopping_ends_streams_and_keeps_what_was_stored(tmp_path: Path) -> None:
    with running(tmp_path / "data", grace=1.0) as server:
        made = server.post("/v1/environments", {"symbols": ["b"]})
        assert server.stop() in (0, -signal.SIGTERM)
        server.start()
        assert server.get(made.headers["location"]).status == 200
        workers = server.workers()
        os.kill(server.process.pid, signal.SIGINT)
        server.process.wait(LONGEST)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml"])
def test_files_for_containers(name: str) -> None:
    """They cannot be built here; what they name must be there."""
    text = (Path(__file__).parents[2] / "docs" / "service" / name).read_text()
    assert "shapeproof" in text
    assert "latest" not in text
    if name == "Dockerfile":
        assert "USER " in text
        assert "[service" in text
