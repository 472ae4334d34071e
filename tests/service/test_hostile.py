"""Strangers' requests: whatever the OpenAPI document allows and does not allow, expressions that
explode, texts of ten megabytes. Each is answered with a clear 4xx within the limits."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)

from tests.service.serving import Server, running
from tests.waiting import LONGEST

REQUESTS = 5
"""For each operation and mode; there are over thirty operations."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {"question_seconds": 2.0, "job_seconds": 5.0, "upload_seconds": 5.0}
    with running(tmp_path_factory.mktemp("hostile") / "data", limits=limits) as server:
        yield server
        assert server.process.poll() is None
        log = server.log.read_text()
        assert '"exception"' not in log, log[log.index('"exception"') - 500 :][:3000]


@pytest.mark.slow
def test_at_least_two_hundred_requests(hostile: Server) -> None:
    """Those of schemathesis: data that fits the document, and data that does not."""
    schema = schemathesis.openapi.from_url(f"{hostile.url}/openapi.json")
    operations = [one.ok() for one in schema.get_all_operations()]
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    seen: Counter[int] = Counter()
    for operation in operations:
        for mode in modes:
            ask(operation.as_strategy(generation_mode=mode), seen)
    assert len(operations) >= 30
    assert sum(seen.values()) >= 200, seen
    assert not [status for status in seen if status >= 500], seen
    assert seen[200] >= 10, seen
    assert hostile.get("/readyz").status == 200


def ask(cases: st.SearchStrategy[Any], seen: Counter[int]) -> None:
    """Some requests of one operation, and what holds of every answer."""

    @settings(
        max_examples=REQUESTS,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def run(case: Any) -> None:
        if case.operation.path.endswith("/events"):
            return
        answer = case.call(timeout=LONGEST)
        seen[answer.status_code] += 1
        if answer.status_code >= 400 and case.operation.path != "/readyz":
            kind = answer.headers["content-type"][0]
            assert kind == "application/problem+json", (case.as_curl_command(), answer)
            assert answer.json()["status"] == answer.status_code
        case.validate_response(
            answer,
            checks=(not_a_server_error, content_type_conformance, response_schema_conformance),
        )

    try:
        run()
    except Exception as error:
        if "Unsatisfiable" not in type(error).__name__ and "Skip" not in type(error).__name__:
            raise


EXPLODE = {
    "towers": {"symbols": ["x:2..", "y:2..", "z:2.."], "claims": "x**y**z > 0"},
    "numbers": {"symbols": ["x"], "claims": "x < 9**9**9**9"},
    "shifts": {"symbols": ["x"], "claims": "x < 1 << 999999999999"},
    "products of sums": {
        "symbols": [f"x{i}" for i in range(10)],
        "claims": "*".join(f"({'+'.join(f'x{i}' for i in range(10))}+{k})" for k in range(60))
        + " >= 0",
    },
    "nested divisions": {"symbols": ["x"], "claims": "(" * 500 + "x" + "//2)" * 500 + " >= 0"},
    "deep parentheses": {"symbols": ["x"], "claims": "(" * 9000 + "x" + ")" * 9000 + " >= 0"},
    "many minus signs": {"symbols": ["x"], "claims": "-" * 19000 + "x < 1"},
    "long chains": {"symbols": ["x"], "claims": "x" + "+x*x" * 4900 + " >= 0"},
    "long comparison": {"symbols": ["x"], "claims": "x" + " < x" * 4000},
    "many digits": {"symbols": ["x"], "claims": "x < " + "9" * 19000},
    "many facts": {
        "symbols": [f"x{i}" for i in range(300)],
        "facts": [f"x{i} <= x{(7 * i + 1) % 300} + {i}" for i in range(300)],
        "claims": "x0 <= x150",
    },
    "cubes": {
        "symbols": ["int i", "int j", "int k"],
        "claims": "i**3 + j**3 + k**3 != 114",
        "effort": "thorough",
    },
    "not text": {"symbols": ["x"], "claims": "\u0000\ud800\u202e"},
    "python": {"symbols": ["x"], "claims": "__import__('os').system('true') == 0"},
    "attributes": {"symbols": ["x"], "claims": "x.__class__ == 0"},
    "many symbols": {"symbols": [f"s{i}" for i in range(2000)], "claims": "s0 >= 0"},
    "odd names": {"symbols": ["../etc/passwd", "x y", "__proto__"], "claims": "1 < 2"},
    "odd ranges": {"symbols": ["x:" + "9" * 5000 + ".."], "claims": "x > 1"},
    "spaces": {"symbols": "\n" * 10000, "claims": "1 < 2"},
}


@pytest.mark.parametrize("what", EXPLODE)
def test_questions_that_explode(what: str, hostile: Server) -> None:
    """An answer, or a problem that says which limit it was; within the limits of
    the server (which kills the worker otherwise)."""
    for verb, field in (("prove", "claims"), ("simplify", "expressions")):
        body = dict(EXPLODE[what])
        if verb == "simplify":
            body["expressions"] = body.pop("claims")
            body.pop("effort", None)
        found = hostile.post(f"/v1/{verb}", body)
        assert found.status in (200, 400, 422), found
        if found.status != 200:
            assert found.headers["content-type"] == "application/problem+json"
            assert found.json["detail"]
            assert "internal" not in found.json["type"], found
        if field == "claims" and what == "python":
            assert found.status == 422
    assert hostile.post("/v1/prove", {"claims": "1 < 2"}).status == 200


def test_ten_megabytes_of_text(hostile: Server) -> None:
    text = "x + " * 2_600_000 + "1 > 0"
    assert hostile.post("/v1/prove", {"symbols": ["x"], "claims": text}).status == 413
    chunked = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    body = json.dumps({"claims": text}).encode()
    pieces = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    found = raw_post(hostile, pieces, chunked)
    assert b" 413 " in found.split(b"\r\n")[0]


def raw_post(server: Server, body: bytes, headers: dict[str, str]) -> bytes:
    head = "POST /v1/prove HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=LONGEST) as connection:
        connection.sendall(head.encode() + body)
        return connection.recv(65536)
