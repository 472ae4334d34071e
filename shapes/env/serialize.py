"""Environments as versioned JSON; expressions are text in the one grammar.

What is read is first checked against a schema (`ENVIRONMENT`), then for what the parts say
of each other; nothing is made of text that does not pass. What is known is learned again
from the facts. The values that statements are first compared with (see `consistency`) are
saved too, so that the environment goes on as the one that was saved; they prove nothing.
What claims share and would be written again and again has a name among the `parts`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, get_args

from shapes.base.location import Location
from shapes.base.schema import (
    LINES,
    either,
    fields,
    flag,
    listed,
    nullable,
    one_of,
    pair_of,
    read_document,
    text,
    unlike,
    whole,
)
from shapes.env.guards import Guard
from shapes.errors import SerializationError, ShapeproofError
from shapes.expr.nodes import BoolExpr, Expr, Kind, Value, symbol
from shapes.facts.store import Declaration, Fact, Facts, Origin
from shapes.prove.consistency import Model, ModelState
from shapes.traversal.evaluate import evaluated
from shapes.traversal.interpret import free_symbols
from shapes.traversal.parsing import is_name
from shapes.traversal.parts import InParts, with_parts
from shapes.traversal.printing import show
from shapes.traversal.saved import parse_shown

if TYPE_CHECKING:
    from shapes.env.shape_env import Check, ShapeEnv, SymbolInfo

__all__ = ["env_from_json", "env_to_json", "expr_from_json", "expr_to_json"]

FORMAT = "shapeproof-env"
VERSION = 1
_LONG: Final = 12_000
"""Bits of an integer that JSON's readers may refuse."""

Symbols = Mapping[str, Expr]


def expr_to_json(expr: Expr) -> str:
    """An expression as text."""
    return show(expr)


def expr_from_json(data: object, symbols: Symbols) -> Expr:
    """The expression; raises `SerializationError` for text that is none."""
    if not isinstance(data, str):
        raise SerializationError(f"an expression is text, not {data!r}")
    try:
        return parse_shown(data, symbols)
    except ShapeproofError as error:
        raise SerializationError(f"a saved expression cannot be read: {error}") from error


# --------------------------------------------------------------------------- the schema


def _value_schema(data: object) -> Any:
    if isinstance(data, dict):
        return _LONG_VALUES.get(next(iter(data), ""))
    return (lambda value, _: value) if data is None or type(data) in (bool, int) else None


_LONG_VALUES: Final = {"float": fields(float=text), "int": fields(int=text)}
_VALUE: Final = either(_value_schema, "a value (true, 5, {'float': '0x1p-1'})")
_LOCATION: Final = nullable(pair_of(text, whole(0, LINES), text))
_SYMBOL: Final = fields(
    name=text,
    kind=one_of(get_args(Kind)),
    backed=flag,
    size_like=flag,
    source=nullable(text),
    hint=_VALUE,
)
_FACT: Final = fields(
    claim=text,
    origin=one_of(get_args(Origin)),
    text=nullable(text),
    message=nullable(text),
    operation=nullable(text),
    node=nullable(text),
    location=_LOCATION,
)
_CHECK: Final = fields(
    optional=("written", "expr"),
    claim=text,
    text=text,
    written=nullable(text),
    expr=nullable(text),
    message=nullable(text),
    origin=text,
    operation=nullable(text),
    location=_LOCATION,
    fact=nullable(whole(0)),
)
_MODEL: Final = fields(
    values=listed(pair_of(text, _VALUE)),
    credit=whole(0),
    open=listed(text),
    unsure=listed(text),
)
ENVIRONMENT: Final = fields(
    optional=("model", "parts"),
    format=text,
    version=whole(),
    symbols=listed(_SYMBOL),
    parts=listed(pair_of(text, text)),
    facts=listed(_FACT),
    guards=listed(fields(claim=text, location=_LOCATION)),
    checks=listed(_CHECK),
    model=nullable(_MODEL),
)


# --------------------------------------------------------------------------- writing


def env_to_json(env: ShapeEnv) -> str:
    """The environment as text: symbols, what was stated in order, guards and checks."""
    facts = list(env.facts)
    places = {fact: index for index, fact in enumerate(facts)}
    written = InParts(env.symbols)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "symbols": [_symbol_to_json(info) for info in env.symbols.values()],
        "parts": written.parts,
        "facts": [_fact_to_json(fact, written) for fact in facts],
        "guards": [
            {
                "claim": written.text(guard.claim),
                "location": _location_to_json(guard.location),
            }
            for guard in env.guards
        ],
        "checks": [_check_to_json(check, places, written) for check in env.checks],
        "model": _model_to_json(env, written),
    }
    if not written.parts:
        del document["parts"]
    return json.dumps(document, indent=1)


def _symbol_to_json(info: SymbolInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "kind": info.kind,
        "backed": info.backed,
        "size_like": info.size_like,
        "source": _clean(info.source),
        "hint": _value_to_json(info.hint),
    }


def _fact_to_json(fact: Fact, written: InParts) -> dict[str, Any]:
    return {
        "claim": written.text(fact.claim),
        "origin": fact.origin,
        "text": _clean(fact.text),
        "message": _clean(fact.message),
        "operation": _clean(fact.operation),
        "node": _clean(fact.node),
        "location": _location_to_json(fact.location),
    }


def _check_to_json(
    check: Check, places: Mapping[Fact, int], written: InParts
) -> dict[str, Any]:
    return {
        "claim": written.text(check.claim),
        "text": _clean(check.text),
        "written": _clean(check.written),
        "expr": None if check.expr is None else written.text(check.expr),
        "message": _clean(check.message),
        "origin": check.origin,
        "operation": _clean(check.operation),
        "location": _location_to_json(check.location),
        "fact": places.get(check.fact) if check.fact is not None else None,
    }


def _model_to_json(env: ShapeEnv, written: InParts) -> dict[str, Any]:
    state = env._told.model.state_of(info.symbol for info in env.symbols.values())
    return {
        "values": [[sym.name, _value_to_json(v)] for sym, v in state.values.items()],
        "credit": state.credit,
        "open": [written.text(claim) for claim in state.open],
        "unsure": [sym.name for sym in state.unsure],
    }


def _clean(said: str | None) -> str | None:
    """Text that can be written to a file: halves of characters are spelled out (names of
    files that are not UTF-8 have them)."""
    if said is None or said.isascii():
        return said
    return said.encode(errors="backslashreplace").decode()


def _location_to_json(location: Location | None) -> list[Any] | None:
    if location is None:
        return None
    return [_clean(location.file), location.line, _clean(location.function)]


def _value_to_json(value: Value | None) -> Any:
    if isinstance(value, float):
        return {"float": value.hex() if math.isfinite(value) else repr(value)}
    if type(value) is int and value.bit_length() >= _LONG:
        return {"int": hex(value)}
    return value


# --------------------------------------------------------------------------- reading


def env_from_json(data: str) -> ShapeEnv:
    """The environment that was saved. Raises `SerializationError`, and makes nothing, for
    text that is truncated, of another format or version, or not consistent."""
    return _Reader(ENVIRONMENT(read_document(data, FORMAT, VERSION), "")).env()


class _Reader:
    """Makes an environment of data that has the right form."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self._symbols: dict[str, Expr] = {}
        self._names: Mapping[str, Expr] = self._symbols
        self._read: dict[str, Expr] = {}

    def env(self) -> ShapeEnv:
        """The environment. Raises `SerializationError`."""
        from shapes.env.shape_env import ShapeEnv

        env = ShapeEnv()
        declared: list[Declaration] = []
        for place, entry in enumerate(self._data["symbols"]):
            info = self._info(entry, f"symbols[{place}]")
            declared.append((info.symbol, info.backed, place, ()))
            env._entered_info(info)
        known = Facts().with_each(declared)
        self._names = self._with_parts()
        facts = [self._fact(*item) for item in _placed(self._data["facts"], "facts")]
        self._require_examples(env, facts)
        env._told.axioms = [fact for fact in facts if fact.origin != "check"]
        env._guards = self._guards(facts)
        env._told.checks = [*self._checks(facts)]
        try:
            env.facts = known.given(*facts)
            env._told.model = self._model(env, known, facts)
        except ShapeproofError as error:
            raise SerializationError(f"the saved facts cannot hold: {error}") from error
        return env

    def _info(self, entry: dict[str, Any], path: str) -> SymbolInfo:
        from shapes.env.shape_env import SymbolInfo

        name, kind = entry["name"], entry["kind"]
        if not is_name(name):
            unlike(f"{path}.name", "the name of a symbol", name)
        if name in self._symbols:
            raise SerializationError(f"{path}.name: there is a symbol `{name}` already")
        hint = _value(entry["hint"], kind, f"{path}.hint")
        if hint is not None and not entry["backed"]:
            unlike(f"{path}.hint", "null for a symbol that is not an input", hint)
        if entry["size_like"] and kind != "int":
            unlike(f"{path}.size_like", f"false for a symbol of kind {kind}", True)
        sym = self._symbols[name] = symbol(name, kind)
        return SymbolInfo(sym, entry["backed"], entry["source"], hint, entry["size_like"])

    def _with_parts(self) -> Mapping[str, Expr]:
        """The symbols, and what claims call by name besides."""
        parts = self._data.get("parts", ())
        known = set(self._symbols)
        for place, (name, _) in enumerate(parts):
            if not is_name(name) or name in known:
                unlike(f"parts[{place}][0]", "a name that nothing else has", name)
            known.add(name)
        try:
            return with_parts(parts, self._symbols, expr_from_json)
        except SerializationError as error:
            raise SerializationError(f"parts: {error}") from error

    def _require_examples(self, env: ShapeEnv, facts: Sequence[Fact]) -> None:
        """Examples must be in the declared ranges."""
        for fact in facts:
            symbols = free_symbols(fact.claim)
            if not fact.is_declared or len(symbols) != 1 or symbols[0] not in env._examples:
                continue
            if not evaluated(fact.claim, env._examples):
                place = list(self._symbols).index(symbols[0].name)
                example = env._examples[symbols[0]]
                expected = f"in the declared range ({fact.spelled})"
                unlike(f"symbols[{place}].hint", expected, example)

    def _condition(self, data: str, path: str) -> BoolExpr:
        # (A check's claim is written as its fact's too, and where the model leaves it open.)
        claim = self._read.get(data)
        if claim is None:
            try:
                claim = self._read[data] = expr_from_json(data, self._names)
            except SerializationError as error:
                raise SerializationError(f"{path}: {error}") from error
        if not isinstance(claim, BoolExpr):
            unlike(path, "a condition", data)
        return claim

    def _fact(self, entry: dict[str, Any], path: str) -> Fact:
        return Fact(
            self._condition(entry["claim"], f"{path}.claim"),
            entry["origin"],
            entry["text"],
            entry["message"],
            entry["operation"],
            entry["node"],
            _location(entry["location"]),
        )

    def _guards(self, facts: Sequence[Fact]) -> list[Guard]:
        """The guards: just those that facts rest on, in their order."""
        guards = []
        for entry, path in _placed(self._data["guards"], "guards"):
            claim = self._condition(entry["claim"], f"{path}.claim")
            guards.append(Guard(claim, _location(entry["location"])))
        stated = [fact.claim for fact in facts if fact.origin == "guard"]
        for place, guard in enumerate(guards):
            if place >= len(stated) or guard.claim is not stated[place]:
                raise SerializationError(f"guards[{place}].claim is not among the facts")
        if len(guards) < len(stated):
            raise SerializationError(
                f"guards should be {len(stated)}, one for each fact of a guard"
            )
        return guards

    def _checks(self, facts: Sequence[Fact]) -> list[Check]:
        """The checks: each fact that a check states belongs to one of them, in their order."""
        checks = []
        pending = [place for place, fact in enumerate(facts) if fact.origin == "check"]
        pending.reverse()
        for entry, path in _placed(self._data["checks"], "checks"):
            fact = entry["fact"]
            if fact is not None and (not pending or fact != pending.pop()):
                unlike(f"{path}.fact", "the number of the fact that this check states", fact)
            checks.append(self._check(entry, path, None if fact is None else facts[fact]))
        if pending:
            raise SerializationError(f"facts[{pending[-1]}] belongs to a missing check")
        return checks

    def _check(self, entry: dict[str, Any], path: str, fact: Fact | None) -> Check:
        from shapes.env.shape_env import Check

        claim = self._condition(entry["claim"], f"{path}.claim")
        if fact is not None and fact.claim is not claim:
            unlike(f"{path}.claim", "the claim of its fact", entry["claim"])
        expr = entry.get("expr")
        return Check(
            claim,
            entry["written"] if "written" in entry else entry["text"],
            entry["message"],
            entry["origin"],
            entry["operation"],
            _location(entry["location"]),
            fact,
            None if expr is None else self._condition(expr, f"{path}.expr"),
        )

    # ------------------------------------------------------------------ the model

    def _model(self, env: ShapeEnv, known: Facts, facts: Sequence[Fact]) -> Model:
        """The values that statements are compared with: as they were saved, if they satisfy
        the facts; otherwise found again by stating all."""
        state = self._state()
        model = Model()
        if state is not None and _agree(state, facts):
            model.go_on(state)
            return model
        for sym, value in env._examples.items():
            model.suggest(sym, value)
        for fact in facts:
            known = model.learned(known, fact)
        return model

    def _state(self) -> ModelState | None:
        data = self._data.get("model")
        if data is None:
            return None
        values: dict[Expr, Value] = {}
        for place, (name, value) in enumerate(data["values"]):
            sym = self._known(name, f"model.values[{place}][0]")
            found = _value(value, sym.kind, f"model.values[{place}][1]")
            if found is None or sym in values:
                unlike(f"model.values[{place}]", "a symbol and its value", name)
            values[sym] = found
        claims: list[Expr] = []
        claims += [self._condition(*item) for item in _placed(data["open"], "model.open")]
        unsure = [self._known(*item) for item in _placed(data["unsure"], "model.unsure")]
        if not set(free_symbols(*claims)) <= set(values) or not set(unsure) <= set(values):
            unlike("model.values", "those of all its symbols", list(map(str, values)))
        return ModelState(values, data["credit"], claims, unsure)

    def _known(self, name: str, path: str) -> Expr:
        found = self._symbols.get(name)
        return unlike(path, "the name of a symbol", name) if found is None else found


def _agree(state: ModelState, facts: Sequence[Fact]) -> bool:
    """Whether values satisfy all facts but those about symbols that they are unsure of."""
    unsure = set(state.unsure)
    for fact in facts:
        symbols = free_symbols(fact.claim)
        if any(sym not in state.values for sym in symbols):
            if fact.is_declared:
                continue  # a symbol gets its value at the first statement about it
            return False
        try:
            held = evaluated(fact.claim, state.values)
        except ShapeproofError:
            held = False
        if held is not True and unsure.isdisjoint(symbols):
            return False
    return True


def _placed(entries: Sequence[object], path: str) -> list[tuple[Any, str]]:
    return [(entry, f"{path}[{place}]") for place, entry in enumerate(entries)]


def _location(data: list[Any] | None) -> Location | None:
    return None if data is None else Location(*data)


def _value(data: object, kind: Kind, path: str) -> Value | None:
    """The value of a symbol of that kind."""
    value: Any = data
    if isinstance(data, dict):
        ((name, said),) = data.items()
        try:
            value = int(said, 16) if name == "int" else _double(said)
        except (ValueError, OverflowError):
            unlike(path, f"a value of kind {kind}", data)
    if value is not None and type(value) is not _TYPES[kind]:
        unlike(path, f"a value of kind {kind}", data)
    return value  # type: ignore[no-any-return]


def _double(said: str) -> float:
    return float(said) if said in ("nan", "inf", "-inf") else float.fromhex(said)


_TYPES: Final[Mapping[str, Any]] = {"int": int, "bool": bool, "float": float}
