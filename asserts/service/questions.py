"""Questions answered: from a request, as data, to an answer, as data. Runs in a worker.

A request states `symbols` and `facts` as text, on top of a saved environment if it names one,
and asks about `claims` or `expressions`. Whatever is refused says where it stands in the
request. The answers are what the command prints with ``--json``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from asserts.cli.certificates import of_certificate
from asserts.cli.declared import KINDS, assume, declare
from asserts.cli.documents import (
    number,
    of_bounds,
    of_congruence,
    of_range,
    of_simplified,
    of_suggestions,
    of_values,
    of_verdict,
)
from asserts.work.problems import ProblemError, problem_of
from shapes.base import Location, SaidAt
from shapes.env import Guard, GuardFunction, ShapeEnv, integer_symbol, region
from shapes.errors import ContradictionError
from shapes.expr import BoolExpr, conjunction
from shapes.facts import Verdict

__all__ = ["ANSWERS", "answers", "environment", "state"]

Asked = Mapping[str, Any]
Where = Mapping[str, Any]
"""Members of a problem that tell the part of a request: a JSON pointer, a line of text."""


# --------------------------------------------------------------------------- what is known


def environment(asked: Asked) -> ShapeEnv:
    """The environment that a request describes: what is saved as `document`, if anything,
    and what it states besides."""
    document = asked.get("document")
    env = ShapeEnv() if document is None else _opened(document)
    state(env, asked)
    return env


def _opened(document: str) -> ShapeEnv:
    with _at({"pointer": "/document"}):
        return ShapeEnv.from_json(document)


def state(env: ShapeEnv, asked: Asked) -> None:
    """Declare the symbols of a request and state its facts and checks."""
    for where, said_by, text in _statements(asked, "symbols"):
        with _at(where):
            _declare(env, text, said_by)
    for where, said_by, text in _statements(asked, "facts"):
        with _at(where):
            assume(env, text, said_by)
    for where, said_by, text in _statements(asked, "checks"):
        with _at(where), SaidAt(Location(said_by, 0, "")):
            env.check(text)


def _statements(asked: Asked, field: str) -> Iterator[tuple[Where, str, str]]:
    """Where each statement of a field is, what proofs call that, and the statement; a text has
    one on each line that is not empty."""
    given = asked.get(field) or ()
    if isinstance(given, str):
        for number_, line in enumerate(given.splitlines(), 1):
            if line.strip():
                where = {"pointer": f"/{field}", "line": number_}
                yield where, f"{field}, line {number_}", line
        return
    for index, text in enumerate(given):
        yield {"pointer": f"/{field}/{index}"}, f"{field}[{index}]", text


def _declare(env: ShapeEnv, text: str, said_by: str) -> None:
    """``[KIND] NAME[:MIN..MAX]``; a size, unless another kind is named."""
    kind, _, rest = text.strip().partition(" ")
    if kind not in KINDS or not rest.strip():
        kind, rest = "size", text
    declare(env, kind, rest.strip(), said_by)


@contextmanager
def _at(where: Where) -> Iterator[None]:
    """Errors in the block are of that part of the request."""
    try:
        yield
    except Exception as error:
        raise problem_of(error, where) from None


# --------------------------------------------------------------------------- answers


def _verdict(verdict: Verdict) -> dict[str, Any]:
    answer = of_verdict(verdict)
    if verdict.proof is not None:
        answer["proof"]["certificate"] = of_certificate(verdict.proof.certificate)
    return {**answer, "explanation": verdict.explain()}


def _prove(env: ShapeEnv, asked: Asked, text: str) -> dict[str, Any]:
    effort = asked.get("effort", "default")
    return {**_verdict(env.prove(text, effort=effort)), "effort": effort}


def _bounds(env: ShapeEnv, asked: Asked, text: str) -> dict[str, Any]:
    expr = env.spelled(text).expr
    congruence = env.congruence(text) if expr.kind == "int" else None
    found = env.explain_bounds(text, asked.get("effort", "default"))
    return {
        **of_bounds(str(expr), found.range, congruence),
        "exact": found.exact,
        "lower_because": sorted(fact.spelled for fact in found.lower_reasons),
        "upper_because": sorted(fact.spelled for fact in found.upper_reasons),
    }


def _congruence(env: ShapeEnv, _: Asked, text: str) -> dict[str, Any]:
    found = of_congruence(env.congruence(text))
    assert found is not None
    return {"expression": str(env.spelled(text).expr), **found}


def _simplify(env: ShapeEnv, _: Asked, text: str) -> dict[str, Any]:
    return of_simplified(text, env.simplify(text))


def _suggest(env: ShapeEnv, asked: Asked, text: str) -> dict[str, Any]:
    return of_suggestions(text, env.suggest(text, asked.get("limit", 5)))


def _region(env: ShapeEnv, asked: Asked) -> list[Any]:
    """The cells of the pairs of values that two symbols may have, for every claim."""
    if asked.get("claims") is None:
        return [_one_region(env, asked, None)]
    return _each("claims", _one_region)(env, asked)


def _one_region(env: ShapeEnv, asked: Asked, claim: str | None) -> dict[str, Any]:
    names = []
    for field in ("x", "y"):
        with _at({"pointer": f"/{field}"}):
            names.append(str(integer_symbol(env, asked[field])))
    x, y = names
    window = asked.get("window")
    shown = None if window is None else (window[0], window[1], window[2], window[3])
    found = region(env, x, y, claim, window=shown, include=asked.get("include"))
    sides = {
        name: {"low": number(side.low), "high": number(side.high), "step": number(side.step)}
        for name, side in (("across", found.across), ("along", found.along))
    }
    shape = {"x": x, "y": y, "claim": claim, **sides}
    return {**shape, "rows": list(found.rows), "complete": found.complete}


def _fits(env: ShapeEnv, asked: Asked, text: str) -> dict[str, Any]:
    found = env.fits_int64(text, asked.get("bits", 64))
    return {
        "expression": str(found.expr),
        "bits": found.bits,
        "status": found.status.value,
        "intermediate": None if found.intermediate is None else str(found.intermediate),
        "value": number(found.value),
        "counterexample": of_values(found.counterexample),
        "undecided": [str(expr) for expr in found.undecided],
        "explanation": found.explain(),
    }


_One = Callable[[ShapeEnv, Asked, str], "dict[str, Any]"]


def _each(field: str, answer: _One) -> Callable[[ShapeEnv, Asked], list[Any]]:
    """The answers to every text of a field, each for itself."""

    def answered(env: ShapeEnv, asked: Asked) -> list[Any]:
        found = []
        for where, text in _texts(asked, field):
            with _at(where):
                found.append(answer(env, asked, text))
        return found

    return answered


def _texts(asked: Asked, field: str) -> list[tuple[Where, str]]:
    texts = asked[field]
    if isinstance(texts, str):
        return [({"pointer": f"/{field}"}, texts)]
    return [({"pointer": f"/{field}/{index}"}, text) for index, text in enumerate(texts)]


# ---------------------------------------------------------------------- all claims together


def _guards(env: ShapeEnv, asked: Asked) -> list[Any]:
    """The claims as one function of the inputs, and whether they hold for given values."""
    guards = []
    for where, text in _texts(asked, "claims"):
        with _at(where):
            guards.append(Guard(_condition(env, text)))
    function = GuardFunction(guards, dict.fromkeys(env.symbols))
    rows = []
    for index, values in enumerate(asked.get("values") or ()):
        with _at({"pointer": f"/values/{index}"}):
            failed = function.explain(values)
            rows.append({"values": values, "holds": failed is None, "explanation": failed})
    names = {f"s{index}": name for index, name in enumerate(function.parameters)}
    shown = {"source": function.source, "names": names}
    return [{"parameters": list(function.parameters), **shown, "rows": rows}]


def _condition(env: ShapeEnv, text: str) -> BoolExpr:
    """A claim, with the condition that it has a value."""
    spelled = env.spelled(text)
    if not isinstance(spelled.expr, BoolExpr):
        raise ProblemError("kind", f"`{spelled.expr}` is not a condition")
    return conjunction(spelled.defined, spelled.expr)


def _contract(env: ShapeEnv, asked: Asked) -> list[Any]:
    """What of a contract must be checked: each claim, in order, follows from what stands
    before it, or is a condition of its own; and values that satisfy all of it."""
    needed: list[str] = []
    clauses = []
    for where, text in _texts(asked, "claims"):
        with _at(where):
            verdict = env.prove(text, effort=asked.get("effort", "default"))
            follows = verdict.proved and not verdict.premises
            if verdict.disproved and not verdict.premises:
                raise _never(verdict, text)
            if not follows:
                needed.append(text)
                with SaidAt(Location("the contract", 0, "")):
                    env.contract(text)
            clauses.append({"claim": text, "needed": not follows, "proof": _because(verdict)})
    ranges = {name: of_range(env.bounds(env[name])) for name in env.symbols}
    return [{"conditions": needed, "clauses": clauses, "ranges": ranges}]


def _never(verdict: Verdict, text: str) -> ContradictionError:
    facts = () if verdict.proof is None else verdict.proof.facts
    return ContradictionError(f"`{text}` can never hold under what stands before it", facts)


def _because(verdict: Verdict) -> Any:
    return of_verdict(verdict)["proof"] if verdict.proved else None


ANSWERS: Final[dict[str, Callable[[ShapeEnv, Asked], list[Any]]]] = {
    "prove": _each("claims", _prove),
    "bounds": _each("expressions", _bounds),
    "congruence": _each("expressions", _congruence),
    "simplify": _each("expressions", _simplify),
    "suggest": _each("claims", _suggest),
    "region": _region,
    "fits": _each("expressions", _fits),
    "guards": _guards,
    "contract": _contract,
}


def answers(verb: str, asked: Asked) -> list[Any]:
    """The answers to a question. Raises `ProblemError`."""
    return ANSWERS[verb](environment(asked), asked)
