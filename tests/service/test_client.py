"""The typed client: every question, problems as exceptions, busy services, lost connections."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import asserts.cli.serve
from asserts.client import BusyError, Client, ServiceError
from asserts.service.bodies import QUESTIONS
from shapes.errors import ShapeproofError
from tests.service.serving import Server

KNOWN: dict[str, Any] = {"symbols": ["b:1..64", "unbacked u"], "facts": ["u <= 4*b"]}


def test_every_question(server: Server) -> None:
    with Client(server.url) as service:
        verdict = service.prove("u < 5*b", **KNOWN)
        assert verdict
        assert verdict.status == "always"
        assert verdict.proof is not None
        assert verdict.data["effort"] == "default"
        assert "always holds" in str(verdict)
        found = service.prove_all(["u < b", "b > 64"], **KNOWN)
        assert [one.status for one in found] == ["depends", "never"]
        assert found[0].counterexample is not None
        bounds = service.bounds("2*u + 1", **KNOWN)
        assert (bounds.lower, bounds.upper) == (1, 513)
        assert service.congruence("6*u + 1", **KNOWN).residue == 1
        assert service.simplify("b*8//8", **KNOWN) == "b"
        assert "u <= 3 * b" in service.suggest("u <= 3*b", **KNOWN)
        region = service.region("b", "u", "u < 3*b", window=(1, 3, 0, 12), **KNOWN)
        assert (region.rows[2], region.rows[6]) == ("+++", " -+")
        assert region.across == {"low": 1, "high": 3, "step": 1}
        plain = service.region("b", "u", **KNOWN)
        assert plain.claim is None
        assert set("".join(plain.rows)) == {"o", " "}
        assert service.fits("u + b", **KNOWN).status == "always"
        guards = service.guards(["u < b"], values=[{"u": 1, "b": 2}], **KNOWN)
        assert guards.rows[0]["holds"] is True
        contract = service.contract(["b >= 2", "b >= 1"], **KNOWN)
        assert contract.conditions == ["b >= 2"]
        assert service.prove("u < 5*b", "b:1..64\nunbacked u", "u <= 4*b")


def test_problems_are_exceptions(server: Server) -> None:
    with Client(server.url) as service:
        with pytest.raises(ServiceError) as error:
            service.prove("u <", **KNOWN)
        assert (error.value.kind, error.value.status) == ("syntax", 422)
        assert error.value.problem["column"] == 4
        with pytest.raises(ServiceError, match="not declared"):
            service.bounds("v", **KNOWN)


def test_addresses_that_are_none() -> None:
    for url in ("127.0.0.1:8000", "file:///x", "http://", ""):
        with pytest.raises(ShapeproofError, match="not the http"):
            Client(url)
    with Client("http://127.0.0.1:9", timeout=2.0) as service, pytest.raises(OSError):  # noqa: PT011
        service.prove("1 < 2")


class _Busy(BaseHTTPRequestHandler):
    """Busy twice, then not what was expected."""

    answered = 0

    def do_POST(self) -> None:
        type(self).answered += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        status = 429 if self.answered <= 2 else 500
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: Any) -> None: ...


def test_busy_services_are_asked_again() -> None:
    with HTTPServer(("127.0.0.1", 0), _Busy) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{other.server_port}"
        with Client(url, retries=1) as service, pytest.raises(BusyError):
            service.prove("1 < 2")
        with Client(url, retries=1) as service, pytest.raises(ServiceError, match="HTTP 500"):
            service.prove("1 < 2")
        other.shutdown()


SERVE = Path(asserts.cli.serve.__file__).read_text(encoding="utf-8")
DOC = (Path(__file__).parents[2] / "docs" / "service.md").read_text(encoding="utf-8")


def test_the_example_of_the_docs(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
    exec(code.replace("http://127.0.0.1:8000", server.url), {})
    first, second = capsys.readouterr().out.split("\n", 1)
    assert first == "always"
    assert "always holds" in second


def test_the_docs_name_every_question_and_option() -> None:
    for verb in QUESTIONS:
        assert f"| `{verb}` |" in DOC
        assert callable(getattr(Client, verb))
    for option in re.findall(r"`(--[\w-]+)", DOC):
        assert f'"{option}"' in SERVE or option in ("--json",), option
