"""Environments as versioned JSON; expressions are text in the one grammar."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, get_args

from shapes.base.location import Location
from shapes.env.guards import Guard
from shapes.errors import SerializationError, ShapeproofError
from shapes.expr.nodes import BoolExpr, Expr, Kind, Value, symbol
from shapes.facts.store import Fact, Origin
from shapes.traversal.parsing import is_name, parse
from shapes.traversal.printing import show

if TYPE_CHECKING:
    from shapes.env.shape_env import ShapeEnv

__all__ = ["env_from_json", "env_to_json", "expr_from_json", "expr_to_json"]

FORMAT = "shapeproof-env"
VERSION = 1


def expr_to_json(expr: Expr) -> str:
    """An expression as text."""
    return show(expr)


def expr_from_json(text: object, symbols: dict[str, Expr]) -> Expr:
    """The expression; raises `SerializationError` for text that is none."""
    if not isinstance(text, str):
        raise SerializationError(f"an expression is text, not {text!r}")
    try:
        return parse(text, symbols)
    except ShapeproofError as error:
        raise SerializationError(f"a saved expression cannot be read: {error}") from error


def env_to_json(env: ShapeEnv) -> str:
    """The environment as text: symbols, what was stated in order, guards and checks."""
    facts = list(env.facts)
    places = {fact: index for index, fact in enumerate(facts)}
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "symbols": [
                {
                    "name": info.name,
                    "kind": info.kind,
                    "backed": info.backed,
                    "size_like": info.size_like,
                    "source": info.source,
                    "hint": _value_to_json(info.hint),
                }
                for info in env.symbols.values()
            ],
            "facts": [_fact_to_json(fact) for fact in facts],
            "guards": [
                {"claim": show(guard.claim), "location": _location_to_json(guard.location)}
                for guard in env.guards
            ],
            "checks": [
                {
                    "claim": show(check.claim),
                    "text": check.text,
                    "message": check.message,
                    "origin": check.origin,
                    "operation": check.operation,
                    "location": _location_to_json(check.location),
                    "fact": places.get(check.fact) if check.fact is not None else None,
                }
                for check in env.checks
            ],
        },
        indent=1,
    )


def env_from_json(text: str) -> ShapeEnv:
    """The environment that was saved. Raises `SerializationError`, and makes nothing, for
    text that is truncated, of another format or version, or not consistent."""
    data = read_json(text, FORMAT, VERSION)
    try:
        return _env_from_data(data)
    except SerializationError:
        raise
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise SerializationError(f"the saved environment is damaged: {error!r}") from error


def read_json(text: str, wanted: str, version: int) -> dict[str, Any]:
    """The JSON object of that format and version; raises `SerializationError`."""
    try:
        data = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise SerializationError(f"this is not complete JSON: {error}") from error
    if not isinstance(data, dict) or data.get("format") != wanted:
        raise SerializationError(f"this is not a saved {wanted}")
    if data.get("version") != version:
        raise SerializationError(
            f"version {data.get('version')!r} of {wanted} cannot be read, only {version}"
        )
    return data


def _env_from_data(data: dict[str, Any]) -> ShapeEnv:
    from shapes.env.shape_env import Check, ShapeEnv, SymbolInfo

    env = ShapeEnv()
    symbols: dict[str, Expr] = {}
    for entry in data["symbols"]:
        name, kind = entry["name"], entry["kind"]
        if not is_name(name) or name in symbols or kind not in get_args(Kind):
            raise SerializationError(f"{name!r} cannot be a symbol of kind {kind!r}")
        symbols[name] = symbol(name, kind)
        info = SymbolInfo(
            symbols[name],
            bool(entry["backed"]),
            _text(entry["source"]),
            _hint_from_json(entry["hint"], kind),
            bool(entry["size_like"]),
        )
        env._entered_info(info)
        place = len(symbols) - 1
        env.facts = env.facts.declaring(symbols[name], bool(entry["backed"]), place)
    facts = [_fact_from_json(entry, symbols) for entry in data["facts"]]
    try:
        env.facts = env.facts.given(*facts)
    except ShapeproofError as error:
        raise SerializationError(f"the saved facts cannot hold: {error}") from error
    env._stated = [fact for fact in facts if fact.origin != "check"]
    for entry in data["guards"]:
        claim = _condition(entry["claim"], symbols)
        env._guards.append(Guard(claim, _location_from_json(entry["location"])))
    spelled = [entry["claim"] for entry in data["facts"]]
    for entry in data["checks"]:
        fact, text = entry["fact"], entry["claim"]
        again = fact is not None and text == spelled[fact]  # what a check states is a fact
        env._checks.append(
            Check(
                facts[fact].claim if again else _condition(text, symbols),
                _text(entry["text"]) or "",
                _text(entry["message"]),
                _text(entry["origin"]) or "",
                _text(entry["operation"]),
                _location_from_json(entry["location"]),
                None if fact is None else facts[fact],
            )
        )
    return env


def _text(value: object) -> str | None:
    """Text or nothing."""
    if value is not None and not isinstance(value, str):
        raise SerializationError(f"{value!r} stands where text is needed")
    return value


def _hint_from_json(data: Any, kind: Kind) -> Value | None:
    """An example of a symbol of that kind."""
    value: Value | None = _value_from_json(data)
    kinds = {"int": int, "bool": bool, "float": float}
    if value is not None and type(value) is not kinds[kind]:
        raise SerializationError(f"{value!r} is no example of a symbol of kind {kind!r}")
    return value


def _condition(text: object, symbols: dict[str, Expr]) -> BoolExpr:
    claim = expr_from_json(text, symbols)
    if not isinstance(claim, BoolExpr):
        raise SerializationError(f"`{text}` is no condition")
    return claim


def _fact_to_json(fact: Fact) -> dict[str, Any]:
    return {
        "claim": show(fact.claim),
        "origin": fact.origin,
        "text": fact.text,
        "message": fact.message,
        "operation": fact.operation,
        "node": fact.node,
        "location": _location_to_json(fact.location),
    }


def _fact_from_json(entry: dict[str, Any], symbols: dict[str, Expr]) -> Fact:
    if entry["origin"] not in get_args(Origin):
        raise SerializationError(f"unknown origin {entry['origin']!r} of a fact")
    return Fact(
        _condition(entry["claim"], symbols),
        entry["origin"],
        _text(entry["text"]),
        _text(entry["message"]),
        _text(entry["operation"]),
        _text(entry["node"]),
        _location_from_json(entry["location"]),
    )


def _location_to_json(location: Location | None) -> list[Any] | None:
    return None if location is None else [location.file, location.line, location.function]


def _location_from_json(data: list[Any] | None) -> Location | None:
    return None if data is None else Location(str(data[0]), int(data[1]), str(data[2]))


def _value_to_json(value: Value | None) -> Any:
    if isinstance(value, float) and not isinstance(value, bool):
        return {"float": value.hex() if math.isfinite(value) else repr(value)}
    return value


def _value_from_json(data: Any) -> Any:
    if isinstance(data, dict):
        text = data["float"]
        return float(text) if text in ("nan", "inf", "-inf") else float.fromhex(text)
    return data
