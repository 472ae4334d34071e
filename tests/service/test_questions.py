"""Questions over HTTP: the answers of the command, and problems that say where."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asserts.cli import main
from asserts.service.bodies import QUESTIONS
from asserts.service.questions import answers
from asserts.work.problems import ProblemError
from shapes import ShapeEnv
from tests.service.serving import Server

KNOWN = {"symbols": ["b:1..64", "unbacked u"], "facts": ["u <= 4*b"]}
OPTIONS = ["--size", "b:1..64", "--unbacked", "u", "--assume", "u <= 4*b", "--json"]


def asked(server: Server, verb: str, **body: Any) -> list[Any]:
    found = server.post(f"/v1/{verb}", {**KNOWN, **body})
    assert found.status == 200, found
    assert found.json["schema"] == 1
    answers: list[Any] = found.json["answers"]
    return answers


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    main(arguments)
    return json.loads(capsys.readouterr().out)


def places_removed(data: Any) -> Any:
    """The document without what says where something was stated."""
    if isinstance(data, dict):
        return {k: places_removed(v) for k, v in data.items() if k not in ("source", "location")}
    return [places_removed(one) for one in data] if isinstance(data, list) else data


@pytest.mark.parametrize("claim", ["u < 5*b", "u < b", "u//8*8 == u", "b > 64", "b // (u-3) >= 0"])
def test_prove_is_what_the_command_prints(
    claim: str, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = asked(server, "prove", claims=claim)
    shown = places_removed(printed(["prove", claim, *OPTIONS], capsys))
    for head in ("schema", "verb", "exit_code"):
        del shown[head]
    assert "certificate" not in (shown["proof"] or {})
    if found["proof"] is not None:
        del found["proof"]["certificate"]
    del found["explanation"]
    assert places_removed(found) == shown


def test_bounds_are_what_the_command_prints(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = asked(server, "bounds", expressions="2*u + 1")
    shown = printed(["bounds", "2*u + 1", *OPTIONS], capsys)
    assert {key: found[key] for key in shown if key in found} == {
        key: value for key, value in shown.items() if key in found
    }
    assert (found["lower"], found["upper"]) == (1, 513)
    assert found["upper_because"] == ["b <= 64", "u <= 4*b"]


def test_proofs_have_certificates(server: Server) -> None:
    (found,) = asked(server, "prove", claims=["u < 5*b"])
    certificate = found["proof"]["certificate"]
    assert certificate["kind"] == "linear"
    assert [step["kind"] for step in certificate["steps"]] == ["premise"] * 3 + ["combination"]
    assert certificate["steps"][1]["facts"] == ["u <= 4*b"]


def test_one_answer_for_each_claim_in_order(server: Server) -> None:
    claims = ["u < 5*b", "u < b", "b > 64"]
    found = asked(server, "prove", claims=claims)
    assert [one["claim"] for one in found] == claims
    assert [one["status"] for one in found] == ["always", "depends", "never"]


def test_congruence_simplify_suggest_fits(server: Server) -> None:
    assert asked(server, "congruence", expressions="6*u + 3") == [
        {"expression": "6 * u + 3", "modulus": 6, "residue": 3}
    ]
    assert asked(server, "simplify", expressions="b*8//8")[0]["simplified"] == "b"
    suggestions = asked(server, "suggest", claims="u <= 3*b")[0]["suggestions"]
    for one in suggestions:  # each suffices
        (verdict,) = asked(server, "prove", facts=["u <= 4*b", one["text"]], claims="u <= 3*b")
        assert verdict["status"] == "always"
    (fits,) = asked(server, "fits", expressions="u*b*1000000000000000000")
    assert fits["status"] == "depends"
    values = fits["counterexample"]
    assert fits["value"] == values["u"] * values["b"] * 10**18 or abs(fits["value"]) >= 2**63


def test_guards(server: Server) -> None:
    claims = ["b % 8 == 0", "u < b"]
    values = [{"b": 8, "u": 3}, {"b": 8, "u": 8}, {"b": 9, "u": 3}]
    (found,) = asked(server, "guards", claims=claims, values=values)
    assert sorted(found["parameters"]) == ["b", "u"]
    assert [row["holds"] for row in found["rows"]] == [
        row["b"] % 8 == 0 and row["u"] < row["b"] for row in values
    ]
    assert "b = 9" in found["rows"][2]["explanation"]
    assert found["source"].startswith("def guard(")


def test_contract(server: Server) -> None:
    claims = ["b % 8 == 0", "b >= 7", "b >= 8", "b % 4 == 0"]
    (found,) = asked(server, "contract", claims=claims)
    assert found["conditions"] == ["b % 8 == 0"] or "b % 4 == 0" not in found["conditions"]
    needed = [one["needed"] for one in found["clauses"]]
    assert needed[0] is True
    assert needed[3] is False
    refused = server.post("/v1/contract", {**KNOWN, "claims": ["b % 8 == 0", "b % 8 == 3"]})
    assert refused.status == 422
    assert refused.json["type"].endswith(":contradiction")
    assert refused.json["pointer"] == "/claims/1"
    assert "b % 8 == 0" in refused.json["culprits"]


@pytest.mark.parametrize("kind", ["size n", "int n:-3..3", "unbacked n", "bool n", "float n", "n"])
def test_kinds_of_symbols(kind: str, server: Server) -> None:
    found = server.post("/v1/bounds", {"symbols": [kind], "expressions": "n"})
    wanted = {"bool": "bool", "float": "float"}.get(kind.split()[0], "int")
    assert found.json["answers"][0]["kind"] == wanted


def test_lines_of_text(server: Server) -> None:
    body = {"symbols": "b:1..64\n\nunbacked u\n", "facts": "u <= 4*b", "claims": "u < 5*b"}
    assert server.post("/v1/prove", body).json["answers"][0]["status"] == "always"
    body["facts"] = "u <= 4*b\n\nu <= + "
    found = server.post("/v1/prove", body)
    assert (found.json["pointer"], found.json["line"], found.json["column"]) == ("/facts", 3, 8)


@pytest.mark.parametrize(
    ("body", "kind", "members"),
    [
        ({"claims": "u <"}, "syntax", {"pointer": "/claims", "column": 4}),
        ({"claims": ["u < 1", "u <"]}, "syntax", {"pointer": "/claims/1", "column": 4}),
        ({"claims": "v < 1"}, "symbol", {"symbol": "v", "known": ["b", "u"]}),
        ({"claims": "b + 1"}, "kind", {"pointer": "/claims"}),
        ({"facts": ["b > 3", "b < 3"], "claims": "u < 1"}, "contradiction", {"pointer": "/facts/1"}),
        ({"symbols": ["b:9..3"], "facts": [], "claims": "b < 1"}, "question", {"pointer": "/symbols/0"}),
        ({"symbols": ["b", "b"], "facts": [], "claims": "b < 1"}, "kind", {"pointer": "/symbols/1"}),
        ({"claims": 3}, "request", {}),
        ({"claims": "u < 1", "effort": "endless"}, "request", {"pointer": "/effort"}),
        ({"claims": "u < 1", "more": 1}, "request", {"pointer": "/more"}),
        ({}, "request", {"pointer": "/claims"}),
        ({"claims": []}, "request", {}),
    ],
)  # fmt: skip
def test_problems_say_what_and_where(
    body: dict[str, Any], kind: str, members: dict[str, Any], server: Server
) -> None:
    found = server.post("/v1/prove", {**KNOWN, **body})
    assert found.status == 422
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json["type"] == f"urn:shapeproof:problem:{kind}"
    assert found.json["status"] == 422
    assert found.json["request_id"] == found.headers["x-request-id"]
    assert members.items() <= found.json.items()


@pytest.mark.parametrize(
    ("body", "kind", "pointer"),
    [
        ({"x": "b + 1", "y": "u"}, "kind", "/x"),
        ({"x": "b", "y": "k"}, "symbol", "/y"),
        ({"x": "b", "y": "u", "claims": ["u <"]}, "syntax", "/claims/0"),
        ({"x": "b", "y": "b"}, "range", None),
        ({"x": "b", "y": "u", "window": [3, 2, 0, 1]}, "range", None),
        ({"x": "b", "y": "u", "window": [3, 2]}, "request", "/window"),
    ],
)
def test_regions_that_there_are_not(
    body: dict[str, Any], kind: str, pointer: str | None, server: Server
) -> None:
    found = server.post("/v1/region", {**KNOWN, **body})
    assert found.status == 422, found
    assert found.json["type"] == f"urn:shapeproof:problem:{kind}"
    assert found.json.get("pointer") == pointer


def test_an_answer_does_not_depend_on_what_was_asked_before(server: Server) -> None:
    """Symbols of one question are gone when the next is asked: they order its terms."""
    body = {"symbols": ["q1", "q2"], "expressions": "q1*q2 + q2 + q1"}
    other = {"symbols": ["q2", "q1"], "expressions": "q2*q1 + q1 + q2"}
    first = server.post("/v1/bounds", body).body
    for _ in range(3):
        server.post("/v1/bounds", other)
        assert server.post("/v1/bounds", body).body == first


@pytest.mark.parametrize("verb", QUESTIONS)
def test_every_verb_on_a_saved_environment(verb: str) -> None:
    """In process: what is saved and what is stated besides are one environment."""
    env = ShapeEnv()
    env.size("b", min=1, max=64)
    document = env.to_json()
    stated = {"symbols": ["unbacked u"], "facts": ["u <= 4*b"]}
    asks = {"claims": ["u < 9*b"], "expressions": ["u + 1"], "x": "b", "y": "u"}
    found = places_removed(answers(verb, {"document": document, **stated, **asks}))
    for one in found:
        one.pop("explanation", None)
    wanted = places_removed(answers(verb, {**KNOWN, **asks}))
    for one in wanted:
        one.pop("explanation", None)
    assert found == wanted


def test_damaged_documents() -> None:
    with pytest.raises(ProblemError) as error:
        answers("prove", {"document": "{}", "claims": "1 < 2"})
    assert error.value.kind == "document"
    assert error.value.members["pointer"] == "/document"
