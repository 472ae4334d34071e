"""What one caller can do to the others: nothing. Limits, deaths of workers, queues, keys."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from asserts.cli import main
from asserts.service.keys import _Bucket
from asserts.service.run import add_key
from asserts.service.settings import Settings, is_loopback
from tests.service.serving import ROOT, Server, running
from tests.waiting import LONGEST, until

EASY = {"symbols": ["b"], "claims": "b >= 0"}
CUBES = {
    "symbols": ["int i", "int j", "int k"],
    "claims": ["i**3 + j**3 + k**3 != 114"] * 200,
    "effort": "thorough",
}
"""More than any limit here allows."""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that gives a question little of everything."""
    limits = {
        "question_seconds": 2.0,
        "question_memory": 400 << 20,
        "question_queue": 2,
        "answer_size": 20_000,
        "uses": 40,
    }
    with running(tmp_path_factory.mktemp("strict") / "data", limits=limits) as server:
        yield server


def test_time(strict: Server) -> None:
    found = strict.post("/v1/prove", CUBES)
    assert found.json["type"] == "urn:shapeproof:problem:time"
    assert found.status == 422
    assert found.json["limit"] == "2 s"
    assert strict.post("/v1/prove", EASY).status == 200


def test_the_answer_may_be_too_large(strict: Server) -> None:
    found = strict.post("/v1/prove", {**EASY, "claims": ["b >= 0"] * 200})
    assert found.json["type"] == "urn:shapeproof:problem:answer-too-large"
    assert strict.post("/v1/prove", EASY).status == 200


def test_a_killed_worker_is_replaced_and_the_question_asked_again(strict: Server) -> None:
    strict.post("/v1/prove", EASY)
    before = strict.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert strict.post("/v1/prove", EASY).status == 200
    until(lambda: not set(before) & set(strict.workers()))
    until(lambda: strict.metric("shapeproof_worker_restarts") >= 1)


def test_workers_are_replaced_after_a_number_of_uses(strict: Server) -> None:
    strict.post("/v1/prove", EASY)
    before = set(strict.workers())
    for _ in range(45):
        assert strict.post("/v1/prove", EASY).status == 200
    assert set(strict.workers()) != before


@pytest.mark.slow
def test_a_full_queue_answers_at_once(strict: Server) -> None:
    """One works, two wait, the others are told to come again; no other error."""
    with ThreadPoolExecutor(12) as clients:
        slow = [clients.submit(strict.post, "/v1/prove", CUBES) for _ in range(3)]
        until(lambda: strict.metric('shapeproof_waiting{pool="questions"') == 2)
        quick = [clients.submit(strict.post, "/v1/prove", EASY) for _ in range(8)]
        found = [one.result() for one in (*slow, *quick)]
    refused = [one for one in found if one.status == 429]
    assert refused
    assert all(one.json["type"] == "urn:shapeproof:problem:busy" for one in refused)
    assert all(int(one.headers["retry-after"]) >= 1 for one in refused)
    assert {one.status for one in found} <= {200, 422, 429}
    assert strict.post("/v1/prove", EASY).status == 200


def test_memory(tmp_path: Path) -> None:
    """The limit holds in the process (no question that we know needs so much)."""
    code = (
        "from asserts.work.worker import _prepare; from asserts.work.problems import *\n"
        "_prepare({'memory': 200 << 20, 'file_size': 0})\n"
        "try: bytearray(300 << 20)\n"
        "except MemoryError as error: print(problem_of(error).kind)\n"
        "try: open('file', 'w').write('x' * 9999)\n"
        "except OSError: print('no file')\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=env,
        check=True,
    )  # fmt: skip
    assert done.stdout.split("\n")[:2] == ["memory", "no file"]


def test_workers_end_with_the_server(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        workers = server.workers()
        assert workers
        server.kill()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_lines_of_strangers_files_are_not_read(server: Server, tmp_path: Path) -> None:
    """A saved environment says where something was stated; it may name any file."""
    secret = tmp_path / "secret.py"
    secret.write_text("the secret = 1\n")
    document = {
        "format": "shapeproof-env", "version": 1, "guards": [], "checks": [], "model": None,
        "symbols": [{"name": "b", "kind": "int", "backed": True, "size_like": True,
                     "source": None, "hint": None}],
        "facts": [{"claim": "b >= 7", "origin": "assumed", "text": None, "message": None,
                   "operation": None, "node": None, "location": [str(secret), 1, "f"]}],
    }  # fmt: skip
    made = server.post("/v1/environments", {"document": json.dumps(document)})
    assert made.status == 201
    found = server.post(f"{made.headers['location']}/prove", {"claims": "b >= 3"})
    assert found.json["answers"][0]["proof"]["facts"][0]["location"].startswith("secret.py:1")
    assert b"the secret" not in found.body + made.body


# --------------------------------------------------------------------------- requests


def raw(server: Server, data: bytes, seconds: float = LONGEST) -> bytes:
    """What comes back for these very bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        connection.sendall(data)
        found = b""
        while chunk := connection.recv(65536):
            found += chunk
    return found


def test_bodies_that_are_not_json(server: Server) -> None:
    json_type = {"Content-Type": "application/json"}
    cases: list[tuple[bytes, dict[str, str], int]] = [
        (b"", json_type, 422),
        (b"{", json_type, 400),
        (b"[" * 200_000, json_type, 400),
        (b'{"claims":' * 50_000, json_type, 400),
        (b"\xff\xfe", json_type, 400),
        (b'{"claims": "b", "limit": 1' + b"0" * 5000 + b"}", json_type, 400),
        (json.dumps(EASY).encode(), {"Content-Type": "text/plain"}, 415),
        (json.dumps(EASY).encode(), {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (json.dumps(EASY).encode(), {}, 415),
        (b" " * (2 << 20), json_type, 413),
    ]
    for body, headers, status in cases:
        found = server.post("/v1/prove", body, headers=headers)
        assert found.status == status, (body[:40], headers, found)
        assert found.headers["content-type"] == "application/problem+json"


def test_large_heads_and_odd_requests(server: Server) -> None:
    for data in (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /v1/prove HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/prove HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ):
        assert raw(server, data).split()[1:2][0][:1] == b"4", data[:60]
    assert server.get("/healthz").status == 200


def test_names_of_hosts(server: Server) -> None:
    found = server.get("/v1/environments", headers={"Host": "evil.example"})
    assert found.status == 421
    for name in ("localhost", "127.0.0.1", f"localhost:{server.port}"):
        assert server.get("/healthz", headers={"Host": name}).status == 200


def test_half_open_requests_do_no_harm(server: Server) -> None:
    head = b"POST /v1/prove HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    upload = b"POST /v1/programs?name=a.onnx HTTP/1.1\r\nHost: localhost\r\n"
    upload += b"Content-Type: application/octet-stream\r\n"
    connections = []
    for index in range(100):
        connection = socket.create_connection(("127.0.0.1", server.port))
        connection.sendall((head if index % 2 else upload) + b"Content-Length: 1000\r\n\r\n{")
        connections.append(connection)
    assert server.post("/v1/prove", EASY).status == 200
    assert server.upload("b.onnx", b"x").status in (422, 429)
    for connection in connections:
        connection.close()
    until(lambda: server.upload("b.onnx", b"x").status == 422)


def test_request_ids(server: Server) -> None:
    found = server.get("/healthz", headers={"X-Request-Id": "mine-1"})
    assert found.headers["x-request-id"] == "mine-1"
    found = server.get("/healthz", headers={"X-Request-Id": 'not "mine"'})
    assert found.headers["x-request-id"] != 'not "mine"'


# --------------------------------------------------------------------------- keys


def test_keys_scopes_owners_and_rates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"

    def command(*arguments: str) -> str:
        assert main(["serve", "--data", str(data), *arguments]) == 0
        return capsys.readouterr().out.strip()

    reader = command("--add-key", "alice", "--scopes", "read")
    both = frozenset(("read", "write"))
    writer, other = (add_key(Settings(folder=data), owner, both) for owner in ("alice", "bob"))
    assert reader.startswith("sp_")
    with running(data, auth="on", limits={"rate": 5.0}) as server:
        assert all(key not in server.log.read_text() for key in (reader, writer))
        database = (data / "shapeproof.sqlite3").read_bytes()
        assert writer.encode() not in database

        def ask(method: str, path: str, key: str | None, body: Any = None) -> Any:
            headers = {} if key is None else {"Authorization": f"Bearer {key}"}
            return server.request(method, path, body, headers)

        for bad in (None, "sp_wrong", "sp_" + "x" * 500, writer[:-1]):
            found = ask("POST", "/v1/prove", bad, EASY)
            assert found.status == 401
            assert found.headers["www-authenticate"] == "Bearer"
        assert ask("GET", "/metrics", None).status == 401
        assert ask("GET", "/healthz", None).status == 200
        assert ask("POST", "/v1/prove", reader, EASY).status == 200
        refused = ask("POST", "/v1/environments", reader, {"symbols": ["b"]})
        assert (refused.status, refused.json["type"][-5:]) == (403, "scope")
        made = ask("POST", "/v1/environments", writer, {"symbols": ["b"]})
        path = made.headers["location"]
        assert ask("GET", path, reader).status == 200
        for method, where in (("GET", path), ("DELETE", path), ("GET", f"{path}/document")):
            assert ask(method, where, other).status == 404
        assert ask("GET", "/v1/environments", other).json["environments"] == []

        found = [ask("POST", "/v1/prove", other, EASY) for _ in range(200)]
        limited = [one for one in found if one.status == 429]
        assert limited
        assert limited[0].json["type"] == "urn:shapeproof:problem:rate"
        assert int(limited[0].headers["retry-after"]) >= 1
        assert ask("POST", "/v1/prove", writer, EASY).status == 200  # (another key)
    assert command("--revoke-keys", "alice") == "revoked 2 keys"
    assert main(["serve", "--data", str(data), "--add-key", "x", "--scopes", "all"]) == 2
    assert main(["serve", "--auth", "perhaps"]) == 2


def test_keys_are_needed_where_others_can_reach_it() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("localhost.example")
    assert not Settings().keys_required
    assert Settings(host="0.0.0.0").keys_required
    assert Settings(auth="on").keys_required
    assert not Settings(host="0.0.0.0", auth="off").keys_required


def test_a_bucket_gives_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("asserts.service.keys.time.monotonic", lambda: clock[0])
    bucket = _Bucket(10.0)
    assert [bucket.take() for _ in range(20)] == [0.0] * 20
    assert bucket.take() > 0
    clock[0] += 1.0
    assert [bucket.take() > 0 for _ in range(11)] == [False] * 10 + [True]


def test_the_extra_is_named_if_it_is_missing(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['fastapi'] = None; sys.modules['uvicorn'] = None\n"
        "from asserts.cli import main; sys.exit(main(['serve']))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 2
    assert "pip install 'shapeproof[service]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_library_imports_nothing_of_the_service() -> None:
    code = (
        "import sys, asserts, asserts.cli.app, asserts.trace, shapes\n"
        "bad = {'fastapi', 'uvicorn', 'pydantic', 'sqlalchemy', 'alembic', 'asserts.service',"
        " 'prometheus_client', 'starlette'} & set(sys.modules)\n"
        "assert not bad, bad"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)


