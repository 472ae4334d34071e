"""The input contract of a model: which input sizes it accepts.

Every operation's requirement is a condition on input sizes (or on values of small integer
inputs). Conditions on one symbol are put together and described as simply as possible; of the
others, those that the rest implies go. What depends on data is listed separately.

Guarantee: the conditions are equivalent to the requirements, by proof. A requirement that is
only sufficient is marked so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import index
from typing import Any

from asserts.dialects.onnx.answers.describe import described, is_met
from asserts.dialects.onnx.answers.drawing import drawn
from asserts.dialects.onnx.infer.model import Inferred, infer
from asserts.dialects.onnx.infer.symbols import identifier
from asserts.dialects.onnx.infer.walk import Requirement
from asserts.errors import InputError
from shapes.base import shown_as_text
from shapes.env import ShapeEnv
from shapes.errors import ShapeproofError
from shapes.expr import (
    FALSE,
    OPERATORS,
    TRUE,
    BoolExpr,
    IntExpr,
    as_integer,
    disjunction,
    negation,
)
from shapes.facts import Proof, Status
from shapes.traversal import free_symbols

__all__ = ["FATAL", "Contract", "Violation", "contract", "fewest", "proved"]

LARGEST = (1 << 63) - 1

FATAL = frozenset(("LSTM", "GRU", "RNN", "MultiHeadAttention", "SkipLayerNormalization"))
"""Operators that may end the process, in onnxruntime, where something is empty."""


@dataclass(frozen=True)
class Violation:
    """A requirement that sizes break: where, and what; `text` has it in words."""

    requirement: Requirement
    sizes: Mapping[str, int]

    @property
    def text(self) -> str:
        """The node, the condition, and why."""
        one = self.requirement
        return f"{one.node} ({one.operator}): {one.whole} does not hold: {one.reason}"


@dataclass
class Contract:
    """What a model requires of its inputs' sizes.

    `conditions` together are the contract, as simple as it could be proved; `requirements` are
    the operations' own, in the order in which they run. `data` are those that depend on data,
    `sufficient` those that may be stricter than the operation, for some sizes at least.
    """

    inferred: Inferred
    requirements: tuple[Requirement, ...]
    conditions: tuple[BoolExpr, ...]
    data: tuple[Requirement, ...]
    symbols: dict[str, IntExpr] = field(default_factory=dict)

    @property
    def sufficient(self) -> tuple[Requirement, ...]:
        """Requirements that are sufficient, but may be stricter than the operation, for all
        sizes or (`unless`) for some."""
        return tuple(one for one in self.requirements if one.only_sufficient is not FALSE)

    def left_to_data(self, one: Requirement) -> BoolExpr:
        """Where data may leave an operand without elements, so that the operation accepts more
        than it requires; where anything may, if what it requires depends on data itself. False
        for operators that may end onnxruntime's process there."""
        if not one.exact or one.operator in FATAL:
            return FALSE
        if self._is_of_data(one.whole):
            return one.unless
        return disjunction(*(case for case in _cases(one.unless) if self._is_of_data(case)))

    def _is_of_data(self, condition: BoolExpr) -> bool:
        is_data = self.inferred.symbols.is_data
        return any(is_data(symbol.name) for symbol in free_symbols(condition))

    @property
    def names(self) -> dict[str, str]:
        """The symbols, with the axis or element that each of them is."""
        return {name: self.inferred.symbols.origins[name].where for name in self.symbols}

    @property
    def texts(self) -> list[str]:
        """The conditions as text; two bounds of one symbol are one chain."""
        return chained(self.conditions)

    # ---------------------------------------------------------------- asking

    def check(self, sizes: Mapping[str, int] | None = None, **more: int) -> list[Violation]:
        """The requirements that sizes break, the first operation's first.

        Sizes that are not given are free: what depends on them is not decided. Raises
        `InputError` for a name that is not a dimension of the model, and for what is not a
        size.
        """
        return [one for one, holds in self._held({**(sizes or {}), **more}) if not holds]

    def broken(self, sizes: Mapping[str, int] | None = None, **more: int) -> list[BoolExpr]:
        """The conditions of the contract that sizes break."""
        given = self._bound({**(sizes or {}), **more})
        known = [c for c in self.conditions if set(free_symbols(c)) <= set(given)]
        return [c for c in known if not is_met(c, given)]

    def undecided(
        self, sizes: Mapping[str, int] | None = None, **more: int
    ) -> list[Requirement]:
        """The requirements that depend on sizes that are not given."""
        given = self._bound({**(sizes or {}), **more})
        return [one for one in self.requirements if set(free_symbols(one.whole)) - set(given)]

    def accepts(self, sizes: Mapping[str, int] | None = None, **more: int) -> bool:
        """Whether the model accepts these sizes, as far as they decide."""
        return not self.check(sizes, **more)

    def _held(self, sizes: Mapping[str, int]) -> Iterator[tuple[Violation, bool]]:
        given = self._bound(sizes)
        shown = {symbol.name: n for symbol, n in given.items()}
        for one in self.requirements:
            if set(free_symbols(one.whole)) <= set(given):
                yield Violation(one, shown), is_met(one.whole, given)

    def _bound(self, sizes: Mapping[str, int]) -> dict[Any, int]:
        found = {}
        for name, n in sizes.items():
            symbol = self.symbols.get(name, self.symbols.get(identifier(name)))
            if symbol is None:
                known = ", ".join(self.symbols) or "none"
                raise InputError(f"`{name}` is not a dimension of the model (it has: {known})")
            found[symbol] = self._number(name, symbol, n)
        return found

    def _number(self, name: str, symbol: IntExpr, n: Any) -> int:
        """A size, or an element, as a number."""
        try:
            number = index(n)
        except TypeError:
            raise InputError(f"`{name}` is {n!r}, which is not an integer") from None
        is_size = self.inferred.symbols.env.symbols[str(symbol)].size_like
        if number < 0 and is_size:
            raise InputError(f"`{name}` is {number}, but a size is not negative")
        return number

    # ---------------------------------------------------------------- drawing

    def sample(self, count: int = 10, seed: int = 0) -> list[dict[str, int]]:
        """Sizes that satisfy the contract, boundaries first; fewer if few are found."""
        return self._drawn(self.conditions, None, count, seed)

    def violations(
        self, count: int = 1, seed: int = 0
    ) -> list[tuple[BoolExpr, dict[str, int]]]:
        """For each clause (a condition of the contract), sizes that break it and no other;
        `check` names the operations that refuse them."""
        found = []
        for clause in self.conditions:
            others = [one for one in self.conditions if one is not clause]
            found += [(clause, sizes) for sizes in self._drawn(others, clause, count, seed)]
        return found

    def _drawn(
        self, kept: Sequence[BoolExpr], broken: BoolExpr | None, count: int, seed: int
    ) -> list[dict[str, int]]:
        env = _environment(self.symbols, self.inferred)
        return drawn(env, list(self.symbols.values()), kept, broken, count, seed)

    def __str__(self) -> str:
        lines = [f"{name}: {where}" for name, where in self.names.items()]
        lines += [f"  {text}" for text in self.texts]
        if not self.conditions:
            lines.append("  (any sizes)")
        lines += [f"  depends on data: {_words(one)}" for one in self.data]
        lines += [f"  note: {note}" for note in self.inferred.notes]
        lines += _sufficient(self.sufficient)
        return "\n".join(lines)

    _repr_pretty_ = shown_as_text


def chained(conditions: Sequence[BoolExpr]) -> list[str]:
    """Conditions as text, in which two bounds of a symbol are written as ``1 <= n <= 512``."""
    texts = [str(c) for c in conditions]
    upper = {t.split(" ")[0]: t for t in texts if _is_bound(t, "<=")}
    lower = {t.split(" ")[0]: t for t in texts if _is_bound(t, ">=")}
    both = upper.keys() & lower.keys()
    result = []
    for text in texts:
        name = text.split(" ")[0]
        if name in both and text == lower[name]:
            result.append(f"{text.split(' ')[2]} <= {upper[name]}")
        elif not (name in both and text == upper[name]):
            result.append(text)
    return result


def _is_bound(text: str, operator: str) -> bool:
    parts = text.split(" ")
    return len(parts) == 3 and parts[1] == operator


def _words(one: Requirement) -> str:
    return f"{one.whole} at {one.node}: {one.reason}"


def _sufficient(requirements: Sequence[Requirement]) -> Iterator[str]:
    """Those that may be stricter than the operation; with some sizes, only their nodes."""
    nodes: dict[BoolExpr, dict[str, None]] = {}
    for one in requirements:
        if one.only_sufficient is TRUE:
            yield f"  only sufficient: {_words(one)}"
        else:
            nodes.setdefault(one.unless, {})[f"{one.node} ({one.operator})"] = None
    for case, names in nodes.items():
        yield f"  only sufficient if {case} (an operand without elements): {', '.join(names)}"


def contract(model: Any) -> Contract:
    """The input contract of a model (a path, bytes, a message, onnx-ir's model, or what
    `infer_shapes` found of one). Raises `GraphError` for what is not a model."""
    inferred = model if isinstance(model, Inferred) else infer(model)
    symbols = inferred.symbols
    own = {n: symbols.symbol(n) for n, o in symbols.origins.items() if not o.data}
    on_inputs: list[Requirement] = []
    on_data: list[Requirement] = []
    for one in inferred.requirements:
        data = any(symbols.is_data(symbol.name) for symbol in free_symbols(one.whole))
        (on_data if data else on_inputs).append(one)
    env = _environment(own, inferred)
    on_inputs = [one for one in on_inputs if not _implied(env, one.whole, ())]
    settled = _settled(env, on_inputs)
    conditions = _simplified(env, [one.whole for one in settled])
    more = [one for one in _alike(inferred) if not _implied(env, one.whole, conditions)]
    if more:
        settled = (*settled, *more)
        conditions = _simplified(env, [one.whole for one in settled])
    return Contract(inferred, settled, tuple(conditions), tuple(on_data), own)


def _alike(inferred: Inferred) -> Iterator[Requirement]:
    """What holds where values have one shape of which the file says so, as far as inputs
    decide; each condition once."""
    seen: set[BoolExpr] = set()
    for one in inferred.alike:
        symbols = free_symbols(one.whole)
        data = any(inferred.symbols.is_data(symbol.name) for symbol in symbols)
        if not data and one.whole not in seen:
            seen.add(one.whole)
            yield one


def _settled(env: ShapeEnv, requirements: Sequence[Requirement]) -> tuple[Requirement, ...]:
    """The requirements; as exact ones where what was required before leaves none of the sizes
    with which they are only sufficient. What is required behind does not count: it was found
    where they hold. What was required where another one is only sufficient holds otherwise."""
    settled: list[Requirement] = []
    known = {info.symbol for info in env.symbols.values()}
    before: list[BoolExpr] = []
    lenient: BoolExpr = FALSE
    for one in requirements:
        wanted = set(free_symbols(one.unless))
        if one.unless is not FALSE and wanted <= known:  # (data may leave an operand empty)
            given = [other for other in before if wanted & set(free_symbols(other))]
            left = [
                case
                for case in _cases(one.unless)
                if not _implied(env, disjunction(one.whole, negation(case)), given)
            ]
            one = replace(one, unless=disjunction(*left))
        settled.append(one)
        lenient = disjunction(lenient, one.unless)
        holds = disjunction(one.whole, lenient)
        if one.exact and set(free_symbols(holds)) <= known:
            before.append(holds)
    return tuple(settled)


def _cases(unless: BoolExpr) -> Iterator[BoolExpr]:
    """The conditions of which one must hold."""
    if unless.op is not OPERATORS["Or"]:
        yield unless
        return
    for case in unless.args:
        assert isinstance(case, BoolExpr)
        yield from _cases(case)


# ------------------------------------------------------------------------ simplification


def fewest(found: Contract, wholes: Sequence[BoolExpr]) -> list[BoolExpr]:
    """Conditions that are together equivalent to these, as few and as simple as was proved."""
    return _simplified(_environment(found.symbols, found.inferred), wholes)


def proved(found: Contract, claim: BoolExpr, given: Sequence[BoolExpr]) -> Proof | None:
    """The proof that conditions imply another one, if there is one."""
    env = _environment(found.symbols, found.inferred)
    try:
        verdict = env.prove(claim, given=list(given))
    except ShapeproofError:
        return None
    return verdict.proof if verdict.status is Status.ALWAYS else None


def _simplified(env: ShapeEnv, wholes: Sequence[BoolExpr]) -> list[BoolExpr]:
    """Conditions that are together equivalent to the requirements."""
    distinct = [c for c in dict.fromkeys(wholes) if c is not TRUE]
    if FALSE in distinct:
        return [FALSE]
    alone: dict[IntExpr, list[BoolExpr]] = {}
    several: list[BoolExpr] = []
    for condition in distinct:
        symbols = free_symbols(condition)
        if len(symbols) == 1:
            alone.setdefault(as_integer(symbols[0]), []).append(condition)
        else:
            several.append(condition)
    found: list[BoolExpr] = []
    for symbol, conditions in alone.items():
        found += described(env, symbol, conditions) or _each(env, conditions)
    parts = [part for c in _needed(env, found, several) for part in _parts(c)]
    return [part for part in dict.fromkeys(parts) if not _implied(env, part, ())]


def _environment(own: Any, inferred: Inferred) -> ShapeEnv:
    """The model's symbols, of which nothing is known but that sizes are sizes."""
    env = ShapeEnv()
    for name in own:
        if inferred.symbols.env.symbols[name].size_like:
            env.size(name, max=LARGEST)
        else:
            env.integer(name)
    return env


def _each(env: ShapeEnv, conditions: Sequence[BoolExpr]) -> list[BoolExpr]:
    return _needed(env, [], conditions)


def _needed(
    env: ShapeEnv, first: Sequence[BoolExpr], more: Sequence[BoolExpr]
) -> list[BoolExpr]:
    """The conditions without those that the others imply, each simplified under the rest: what
    was simplified before is taken as it has become, since two that are each simplified under
    the other could lose what both say."""
    kept = [*first, *more]
    for condition in list(more):
        rest = [c for c in kept if c is not condition]
        if _implied(env, condition, rest):
            kept = rest
    for i, condition in enumerate(kept):
        if condition not in first:
            kept[i] = _simpler(env, condition, kept[:i] + kept[i + 1 :])
    return kept


def _implied(env: ShapeEnv, claim: BoolExpr, given: Sequence[BoolExpr]) -> bool:
    try:
        return env.prove(claim, given=list(given)).status is Status.ALWAYS
    except ShapeproofError:
        return False


def _simpler(env: ShapeEnv, condition: BoolExpr, given: Sequence[BoolExpr]) -> BoolExpr:
    try:
        with env.scope():
            for one in given:
                env.assume(one)
            found = env.simplify(condition).expr
    except (ShapeproofError, AttributeError):
        return condition
    return found if isinstance(found, BoolExpr) else condition


def _parts(condition: BoolExpr) -> Iterator[BoolExpr]:
    if condition.op is OPERATORS["And"]:
        for part in condition.args:
            assert isinstance(part, BoolExpr)
            yield from _parts(part)
    else:
        yield condition
