"""The client: a method for each question, environment and job."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote, urlencode

from asserts.client.answers import (
    A,
    Bounds,
    Congruence,
    Contract,
    Environment,
    Fits,
    Guards,
    Job,
    Program,
    Region,
    Simplified,
    Suggestions,
    Verdict,
    read,
)
from asserts.client.connection import Connection
from shapes.errors import ShapeproofError

__all__ = ["Client"]

Texts = str | Sequence[str]
Verb = Literal["insert", "remove", "minimise", "report", "verify", "contract"]


class Client:
    """A client of one service.

    `env` of a question is an environment that the service keeps (or its id): then `symbols`
    and `facts` are stated besides, for this question only. Every method raises `ServiceError`
    for a problem (`BusyError` if the service is busy even after `retries` attempts), and
    `OSError` if the service cannot be reached within `timeout` seconds.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
    ) -> None:
        self._connection = Connection(url, key, timeout, retries)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _json(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        content = self._connection.request(method, path, body, headers)
        return json.loads(content) if content else None

    # ------------------------------------------------------------------ questions

    def _ask(
        self, kind: type[A], verb: str, env: Environment | str | None, body: dict[str, Any]
    ) -> list[A]:
        where = "/v1" if env is None else f"/v1/environments/{_id(env)}"
        sent = {k: _listed(v) for k, v in body.items() if v is not None}
        found = self._json("POST", f"{where}/{verb}", sent)
        return [read(kind, one) for one in found["answers"]]

    def prove(
        self,
        claim: str,
        symbols: Texts = (),
        facts: Texts = (),
        effort: str = "default",
        env: Environment | str | None = None,
    ) -> Verdict:
        """The verdict on a claim."""
        return self.prove_all([claim], symbols, facts, effort, env)[0]

    def prove_all(
        self,
        claims: Sequence[str],
        symbols: Texts = (),
        facts: Texts = (),
        effort: str = "default",
        env: Environment | str | None = None,
    ) -> list[Verdict]:
        """The verdicts on several claims, each for itself."""
        body = {"symbols": symbols, "facts": facts, "claims": claims, "effort": effort}
        return self._ask(Verdict, "prove", env, body)

    def bounds(
        self,
        expression: str,
        symbols: Texts = (),
        facts: Texts = (),
        effort: str = "default",
        env: Environment | str | None = None,
    ) -> Bounds:
        """The range of an expression, and why."""
        body = {"symbols": symbols, "facts": facts, "expressions": [expression]}
        return self._ask(Bounds, "bounds", env, {**body, "effort": effort})[0]

    def congruence(
        self,
        expression: str,
        symbols: Texts = (),
        facts: Texts = (),
        env: Environment | str | None = None,
    ) -> Congruence:
        """The remainder that an expression leaves."""
        body = {"symbols": symbols, "facts": facts, "expressions": [expression]}
        return self._ask(Congruence, "congruence", env, body)[0]

    def simplify(
        self,
        expression: str,
        symbols: Texts = (),
        facts: Texts = (),
        env: Environment | str | None = None,
    ) -> str:
        """The simplest expression of the same value."""
        body = {"symbols": symbols, "facts": facts, "expressions": [expression]}
        return self._ask(Simplified, "simplify", env, body)[0].simplified

    def suggest(
        self,
        claim: str,
        symbols: Texts = (),
        facts: Texts = (),
        limit: int = 5,
        env: Environment | str | None = None,
    ) -> list[str]:
        """The weakest checks that would make a claim hold."""
        body = {"symbols": symbols, "facts": facts, "claims": [claim], "limit": limit}
        (found,) = self._ask(Suggestions, "suggest", env, body)
        return [one["text"] for one in found.suggestions]

    def region(
        self,
        x: str,
        y: str,
        claim: str | None = None,
        symbols: Texts = (),
        facts: Texts = (),
        window: Sequence[int] | None = None,
        env: Environment | str | None = None,
    ) -> Region:
        """Which values of two integer symbols the facts leave, and where a claim holds."""
        body: dict[str, Any] = {"symbols": symbols, "facts": facts, "x": x, "y": y}
        body |= {} if claim is None else {"claims": [claim]}
        body |= {} if window is None else {"window": list(window)}
        return self._ask(Region, "region", env, body)[0]

    def fits(
        self,
        expression: str,
        symbols: Texts = (),
        facts: Texts = (),
        bits: int = 64,
        env: Environment | str | None = None,
    ) -> Fits:
        """Whether code for an expression stays within machine integers."""
        body = {"symbols": symbols, "facts": facts, "expressions": [expression], "bits": bits}
        return self._ask(Fits, "fits", env, body)[0]

    def guards(
        self,
        claims: Sequence[str],
        symbols: Texts = (),
        facts: Texts = (),
        values: Sequence[Mapping[str, object]] = (),
        env: Environment | str | None = None,
    ) -> Guards:
        """Claims as one function of the inputs, and which values satisfy it."""
        body = {"symbols": symbols, "facts": facts, "claims": claims, "values": values}
        return self._ask(Guards, "guards", env, body)[0]

    def contract(
        self,
        claims: Sequence[str],
        symbols: Texts = (),
        facts: Texts = (),
        env: Environment | str | None = None,
    ) -> Contract:
        """Which conditions of a contract must be checked."""
        body = {"symbols": symbols, "facts": facts, "claims": claims}
        return self._ask(Contract, "contract", env, body)[0]

    # ------------------------------------------------------------------ environments

    def create(
        self,
        name: str = "unnamed",
        symbols: Texts = (),
        facts: Texts = (),
        checks: Texts = (),
        document: str | None = None,
    ) -> Environment:
        """Keep a new environment: what is stated, on top of what `ShapeEnv.to_json` wrote."""
        body = {"name": name, "symbols": symbols, "facts": facts, "checks": checks}
        sent = {k: _listed(v) for k, v in body.items()} | {"document": document}
        return read(Environment, self._json("POST", "/v1/environments", sent))

    def environment(self, id: str) -> Environment:
        """The environment as it is now."""
        return read(Environment, self._json("GET", f"/v1/environments/{_id(id)}"))

    def environments(self) -> Iterator[Environment]:
        """All environments, the latest first."""
        after = ""
        while True:
            found = self._json("GET", f"/v1/environments{after}")
            yield from (read(Environment, one) for one in found["environments"])
            if found["next"] is None:
                return
            after = f"?after={quote(found['next'])}"

    def state(
        self,
        env: Environment,
        symbols: Texts = (),
        facts: Texts = (),
        checks: Texts = (),
    ) -> Environment:
        """State more in an environment; `ServiceError` ("changed") if it is of another version
        by now."""
        body = {"symbols": symbols, "facts": facts, "checks": checks}
        sent = {k: _listed(v) for k, v in body.items()}
        path = f"/v1/environments/{env.id}/facts"
        return read(Environment, self._json("POST", path, sent, {"If-Match": env.etag}))

    def save(self, env: Environment, document: str) -> Environment:
        """Replace an environment by what `ShapeEnv.to_json` wrote."""
        path = f"/v1/environments/{env.id}/document"
        headers = {"If-Match": env.etag, "Content-Type": "application/json"}
        return read(Environment, self._json("PUT", path, document.encode(), headers))

    def document(self, env: Environment | str) -> str:
        """What `ShapeEnv.from_json` reads."""
        path = f"/v1/environments/{_id(env)}/document"
        return self._connection.request("GET", path).decode()

    def fork(self, env: Environment | str, name: str = "fork") -> Environment:
        """A copy that goes its own way."""
        path = f"/v1/environments/{_id(env)}/fork"
        return read(Environment, self._json("POST", path, {"name": name}))

    def forget(self, env: Environment | str) -> None:
        """Remove an environment."""
        self._json("DELETE", f"/v1/environments/{_id(env)}")

    # ------------------------------------------------------------------ programs and jobs

    def upload(self, path: str | os.PathLike[str], name: str | None = None) -> Program:
        """Upload a program: a file ``.onnx``, ``.pt2`` or ``.json``."""
        with open(path, "rb") as file:
            content = file.read()
        query = urlencode({"name": name or os.path.basename(os.fspath(path))})
        headers = {"Content-Type": "application/octet-stream"}
        found = self._json("POST", f"/v1/programs?{query}", content, headers)
        return read(Program, found)

    def begin(
        self,
        verb: Verb,
        program: Program | str,
        other: Program | str | None = None,
        **options: object,
    ) -> Job:
        """Begin a job; one that was done before is done already."""
        sent = {"verb": verb, "program": _id(program), **options}
        if other is not None:
            sent["other"] = _id(other)
        return read(Job, self._json("POST", "/v1/jobs", sent))

    def run(
        self,
        verb: Verb,
        program: Program | str,
        other: Program | str | None = None,
        **options: object,
    ) -> Job:
        """Begin a job and wait for its end. Raises `ShapeproofError` with what went wrong if
        it has failed."""
        job = self.begin(verb, program, other, **options)
        for _ in self.events(job):
            pass
        job = self.job(job.id)
        if job.state != "done":
            detail = (job.problem or {}).get("detail", "")
            raise ShapeproofError(f"the job {job.id} is {job.state}: {detail}")
        return job

    def job(self, id: str) -> Job:
        """The job as it is now."""
        return read(Job, self._json("GET", f"/v1/jobs/{_id(id)}"))

    def remove(self, of: Program | Job) -> None:
        """Forget a program with all jobs on it, or a job with its report and result (it is
        stopped if it runs). A program with a job that has not ended is a `ServiceError`."""
        if isinstance(of, Job):
            self._json("DELETE", f"/v1/jobs/{of.id}?forget=true")
        else:
            self._json("DELETE", f"/v1/programs/{of.id}")

    def cancel(self, job: Job) -> Job:
        """Stop a job."""
        return read(Job, self._json("DELETE", f"/v1/jobs/{job.id}"))

    def events(self, job: Job) -> Iterator[dict[str, Any]]:
        """What happens with a job, until it has ended."""
        for line in self._connection.lines(f"/v1/jobs/{job.id}/events"):
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))

    def report(self, job: Job, format: Literal["json", "sarif"] = "json") -> dict[str, Any]:
        """The report of a job that is done."""
        found: dict[str, Any] = self._json("GET", f"/v1/jobs/{job.id}/report?format={format}")
        return found

    def page(self, job: Job) -> str:
        """The report of a job that is done, as an HTML document."""
        path = f"/v1/jobs/{job.id}/report?format=html"
        return self._connection.request("GET", path).decode()

    def result(self, job: Job) -> bytes:
        """The program that a job has made."""
        return self._connection.request("GET", f"/v1/jobs/{job.id}/result")


def _id(of: Environment | Program | str) -> str:
    return quote(of if isinstance(of, str) else of.id, safe="")


def _listed(value: object) -> Any:
    return list(value) if isinstance(value, tuple) else value
