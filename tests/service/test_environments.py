"""Environments that the service keeps: versions, forks, scopes, and what a notebook opens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from asserts.client import Client, ServiceError
from shapes import SerializationError, ShapeEnv
from tests.service.serving import Server

KNOWN = {"symbols": ["b:1..64", "unbacked u"], "facts": ["u <= 4*b"]}


@pytest.fixture
def env(server: Server) -> str:
    """The path of a new environment."""
    made = server.post("/v1/environments", {"name": "ragged", **KNOWN})
    assert made.status == 201, made
    path = made.headers["location"]
    assert made.json["id"] == path.rpartition("/")[2]
    assert made.headers["etag"] == made.json["etag"] == '"1"'
    return path


def status(server: Server, path: str, claim: str, **more: Any) -> str:
    found = server.post(f"{path}/prove", {"claims": claim, **more})
    assert found.status == 200, found
    answer: str = found.json["answers"][0]["status"]
    return answer


def test_stating_needs_the_version(server: Server, env: str) -> None:
    stated = {"facts": ["u % 8 == 0"], "checks": ["u >= 8"]}
    assert server.post(f"{env}/facts", stated).status == 428
    stale = server.post(f"{env}/facts", stated, headers={"If-Match": '"7"'})
    assert stale.status == 412
    assert stale.json["version"] == 1
    for odd in ('W/"1"', "1", '"x"', ""):
        assert server.post(f"{env}/facts", stated, headers={"If-Match": odd}).status == 412
    assert status(server, env, "u//8*8 == u") == "depends"
    found = server.post(f"{env}/facts", stated, headers={"If-Match": '"1"'})
    assert (found.status, found.headers["etag"]) == (200, '"2"')
    assert found.json["checks"] == ["u >= 8"]
    assert status(server, env, "u//8*8 == u") == "always"
    assert server.post(f"{env}/facts", stated, headers={"If-Match": '"1"'}).status == 412


def test_what_is_refused_changes_nothing(server: Server, env: str) -> None:
    match = {"If-Match": '"1"'}
    refused = server.post(f"{env}/facts", {"facts": ["u >= 1", "b > 64"]}, headers=match)
    assert (refused.status, refused.json["pointer"]) == (422, "/facts/1")
    assert refused.json["type"].endswith(":contradiction")
    assert server.get(env).json["version"] == 1
    assert status(server, env, "u >= 1") == "depends"


def test_of_those_who_state_at_once_one_wins(server: Server, env: str) -> None:
    def state(index: int) -> int:
        stated = {"facts": [f"u >= {index}"]}
        return server.post(f"{env}/facts", stated, headers={"If-Match": '"1"'}).status

    with ThreadPoolExecutor(8) as clients:
        found = sorted(clients.map(state, range(8)))
    assert found == [200] + [412] * 7
    assert server.get(env).json["version"] == 2


def test_a_question_has_a_scope_of_its_own(server: Server, env: str) -> None:
    given = {"symbols": ["k"], "facts": ["k == 2*u", "u >= 3"]}
    assert status(server, env, "k >= 6", **given) == "always"
    assert server.post(f"{env}/prove", {"claims": "k >= 6"}).json["known"] == ["b", "u"]
    assert server.get(env).json["version"] == 1
    for verb, body in (
        ("bounds", {"expressions": "u"}),
        ("congruence", {"expressions": "8*u"}),
        ("simplify", {"expressions": "u + 0"}),
        ("suggest", {"claims": "u <= b"}),
        ("fits", {"expressions": "u"}),
        ("guards", {"claims": "u <= b"}),
        ("contract", {"claims": "u <= b"}),
    ):
        found = server.post(f"{env}/{verb}", body)
        assert found.status == 200, found
        assert found.headers["etag"] == '"1"'


def test_forks_go_their_own_way(server: Server, env: str) -> None:
    made = server.post(f"{env}/fork", {"name": "guess"})
    assert (made.status, made.json["name"]) == (201, "guess")
    fork = made.headers["location"]
    assert env.endswith(made.json["parent"])
    stated = {"facts": ["u <= 3"]}
    assert server.post(f"{fork}/facts", stated, headers={"If-Match": "*"}).status == 200
    assert status(server, fork, "u <= 3") == "always"
    assert status(server, env, "u <= 3") == "depends"


def test_a_notebook_opens_it(server: Server, env: str) -> None:
    for path in (env, f"{env}/document"):
        opened = ShapeEnv.from_url(f"{server.url}{path}")
        assert list(opened.symbols) == ["b", "u"]
        assert opened.prove("u < 5*b")
        assert not opened.prove("u < b")
    with pytest.raises(OSError, match="404"):
        ShapeEnv.from_url(f"{server.url}/v1/environments/{'0' * 32}")
    for url in ("file:///etc/passwd", "/etc/passwd", "ftp://127.0.0.1/x"):
        with pytest.raises(SerializationError, match="not a http"):
            ShapeEnv.from_url(url)
    with pytest.raises(SerializationError, match="healthz"):
        ShapeEnv.from_url(f"{server.url}/healthz")


def test_a_notebook_saves_it(server: Server, env: str) -> None:
    opened = ShapeEnv.from_url(f"{server.url}{env}")
    opened.assume("u >= 2*b")
    document = opened.to_json().encode()
    json_type = {"Content-Type": "application/json"}
    refused = server.request("PUT", f"{env}/document", document, json_type)
    assert refused.status == 428
    match = {**json_type, "If-Match": '"1"'}
    assert server.request("PUT", f"{env}/document", document, match).status == 200
    assert status(server, env, "u >= b") == "always"
    match["If-Match"] = '"2"'
    for damaged in (b"{}", b"x", b"\xff", document[:-9]):
        assert server.request("PUT", f"{env}/document", damaged, match).status in (400, 422)
    assert server.get(env).json["version"] == 2


def test_too_large_ones_are_refused(server: Server) -> None:
    facts = [f"u + {i}*b >= 0" for i in range(200)]
    assert server.post("/v1/environments", {**KNOWN, "facts": facts}).status == 201
    document = {"document": "x" * (9 << 20)}
    assert server.post("/v1/environments", document).status == 413


def test_lists_come_in_pages_and_gone_is_gone(server: Server, env: str) -> None:
    for index in range(5):
        server.post("/v1/environments", {"name": f"page {index}"})
    first = server.get("/v1/environments?limit=3").json
    assert [one["name"] for one in first["environments"]] == ["page 4", "page 3", "page 2"]
    second = server.get(f"/v1/environments?limit=3&after={first['next']}").json
    assert [one["name"] for one in second["environments"]][:2] == ["page 1", "page 0"]
    assert server.request("DELETE", env, headers={"If-Match": '"9"'}).status == 412
    assert server.request("DELETE", env).status == 204
    for method, path in (("GET", env), ("DELETE", env), ("GET", f"{env}/document")):
        assert server.request(method, path).status == 404
    assert server.post(f"{env}/prove", {"claims": "1 < 2"}).status == 404


def test_odd_ids(server: Server) -> None:
    for odd in ("x", "..", "%2e%2e%2f%2e%2e", "' OR 1=1 --".replace(" ", "%20"), "0" * 300, "%00"):
        assert server.get(f"/v1/environments/{odd}").status == 404


def test_the_client(server: Server) -> None:
    with Client(server.url) as service:
        env = service.create("mine", **KNOWN)
        assert (env.name, env.version) == ("mine", 1)
        newer = service.state(env, facts=["u % 8 == 0"])
        assert newer.version == 2
        with pytest.raises(ServiceError) as error:
            service.state(env, facts=["u >= 1"])
        assert (error.value.kind, error.value.status) == ("changed", 412)
        assert service.prove("u//8*8 == u", env=env)
        fork = service.fork(env, "other")
        opened = ShapeEnv.from_json(service.document(fork))
        opened.assume("u >= 16")
        fork = service.save(fork, opened.to_json())
        assert service.bounds("u", env=fork).lower == 16
        assert service.bounds("u", env=env).lower == 0
        assert service.environment(fork.id) == fork
        known = [one.id for one in service.environments()]
        assert known[0] == fork.id
        assert len(set(known)) == len(known)
        service.forget(fork)
        with pytest.raises(ServiceError, match="nothing of that name"):
            service.environment(fork.id)
