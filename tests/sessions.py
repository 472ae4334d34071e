"""Sessions with an environment: statements, scopes, exceptions, saving and loading, copies,
in any order (``python -m tests.fuzz --sessions N --seed S``).

Two judges: enumeration of the small domains of all symbols (no statement that they satisfy is
refused, nothing that they deny is proved, no range leaves one out), and an environment in
which what is in force was stated plainly, one after the other. What goes into the environment
as a number is in turn one of Python's, numpy's, or a fraction. A copy of any kind must answer
everything as its original does, errors included.
"""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from shapes import ShapeEnv, ShapeproofError, Status, SymBool
from shapes.errors import ContradictionError, UndefinedError
from tests.oracle import Tree, Undefined, leaf, name, node
from tests.strategies import INTEGRAL, Seeded, Soil, _stated, grow

STEPS = 14
ALIKE = 12
DRESSES: tuple[Callable[[int], Any], ...] = (
    int, int, np.int8, np.int64, np.uint8, np.uint64, np.array, Fraction,
)  # fmt: skip
COPIES: dict[str, Callable[[ShapeEnv], ShapeEnv]] = {
    "json": lambda env: ShapeEnv.from_json(env.to_json()),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda env: pickle.loads(pickle.dumps(env)),
}


def dressed(choice: Seeded, value: int) -> Any:
    """The integer as some library's number."""
    dress = choice.pick(DRESSES)
    unsigned = dress in (np.uint8, np.uint64) and value < 0
    return value if unsigned else dress(value)


@dataclass
class _Frame:
    """What is put back at the end of a scope."""

    scope: AbstractContextManager[None]
    rows: list[dict[str, Any]]
    integers: tuple[str, ...]
    log: int


class Session:
    """One session; `wrongs` is what it has found."""

    def __init__(self, number: int, seen: Counter[str] | None = None) -> None:
        self.choice = Seeded(number)
        self.seen = Counter[str]() if seen is None else seen
        self.env = ShapeEnv()
        self.wrongs: list[str] = []
        self.log: list[Callable[[ShapeEnv], object]] = []
        self.rows: list[dict[str, Any]] = [{}]
        self.integers: tuple[str, ...] = ()
        self.hints: dict[str, Any] = {}
        self.frames: list[_Frame] = []
        for sym in INTEGRAL.integers:
            self._declare(sym)
        self._enter("p", (False, True), lambda env: env.boolean("p", np.True_))
        self.hints["p"] = True

    def run(self) -> list[str]:
        """What is wrong."""
        steps = (
            self._state, self._state, self._state_numbers, self._ask, self._ask, self._copied,
            self._scope, self._end_of_scope, self._branch, self._refused, self._unnamed,
        )  # fmt: skip
        for _ in range(STEPS):
            if not self.rows:
                break  # a contradiction that was not seen: everything follows
            step = self.choice.pick(steps)
            self.seen[step.__name__.strip("_")] += 1
            step()
        if self.rows:
            self._copied()
            self._replayed()
        return self.wrongs

    def _soil(self) -> Soil:
        return Soil(self.integers, ("p",), (), large=(), floats=False)

    # ------------------------------------------------------------------ symbols

    def _declare(self, sym: str) -> None:
        low = self.choice.integer(-3, 2)
        high = low + self.choice.integer(0, 4)
        hint = self.choice.integer(low, high)
        ends = [dressed(self.choice, value) for value in (hint, low, high)]
        self._enter(sym, tuple(range(low, high + 1)), lambda env: env.integer(sym, *ends))
        self.hints[sym] = hint
        self.integers += (sym,)

    def _unnamed(self) -> None:
        """A value that is read at run time, under the next free name."""
        if len(self.integers) > 4:
            return
        most = dressed(self.choice, self.choice.integer(0, 2))
        def stated(env: ShapeEnv) -> Any:
            return env.unbacked(size_like=True, max=most)
        sym = stated(self.env).expr.name
        self._enter(sym, tuple(range(int(most) + 1)), stated, done=True)
        self.hints.pop(sym, None)
        self.integers += (sym,)

    def _enter(
        self,
        sym: str,
        values: tuple[Any, ...],
        stated: Callable[[ShapeEnv], object],
        done: bool = False,
    ) -> None:
        if not done:
            stated(self.env)
        self.log.append(stated)
        self.rows = [{**row, sym: value} for row, value in product(self.rows, values)]

    # ------------------------------------------------------------------ stating

    def _state(self) -> None:
        """A statement in text, of any kind."""
        tree = _stated(self.choice, self._soil(), 2)
        text = tree.text()
        verb = self.choice.pick(("assume", "check", "contract", "guarantee"))
        extra = {"guarantee": ("op",), "check": ("a message",)}.get(verb, ())
        self._stated(tree, lambda env: getattr(env, verb)(text, *extra))

    def _state_numbers(self) -> None:
        """A statement by operators, with numbers of other libraries on either side."""
        sym = self.choice.pick(self.integers)
        c, d = self.choice.integer(-3, 4), self.choice.integer(-6, 8)
        one, two = dressed(self.choice, c), dressed(self.choice, d)
        if self.choice.integer(0, 1):
            tree = node("Le", node("Mul", leaf(c), name(sym)), leaf(d))
            self._stated(tree, lambda env: env.assume(one * env[sym] <= two))
        else:
            tree = node("Lt", leaf(d), node("Add", name(sym), leaf(c)))
            self._stated(tree, lambda env: env.check(two < env[sym] + one))

    def _stated(self, tree: Tree, stated: Callable[[ShapeEnv], object]) -> None:
        left = [row for row in self.rows if tree.known(row) is True]
        before = self.env.to_json() if self.choice.integer(0, 3) == 0 else None
        try:
            stated(self.env)
        except (ContradictionError, UndefinedError) as error:
            self.seen["refused statements"] += 1
            if left:
                self.wrongs.append(f"{tree} holds for {left[0]}, and is refused: {error}")
            self._same_as(before)
            return
        self.log.append(stated)
        self.rows = left

    def _same_as(self, before: str | None) -> None:
        """A refused statement leaves all but the model as it was."""
        if before is None:
            return
        now = self.env.to_json()
        if now.split('"model"')[0] != before.split('"model"')[0]:
            self.wrongs.append("a refused statement has changed the environment")

    def _refused(self) -> None:
        """What is no statement changes nothing."""
        before = self.env.to_json()
        for text in ("nobody > 3", "x >", "x + 1", "x // 0 == 1", "\ud800", "f(x) > 1"):
            try:
                self.env.check(text)
            except ShapeproofError:
                continue
            self.wrongs.append(f"{text!r} is accepted")
        self._same_as(before)

    def _branch(self) -> None:
        """A decision by the examples, with a guard."""
        tree = grow(self.choice, "bool", 2, self._soil())
        text = tree.text()
        if any(n not in self.hints for n, _ in tree.symbols()):
            return
        if not any(all(row[n] == v for n, v in self.hints.items() if n in row) for row in self.rows):
            return  # the examples are denied by what was stated
        value = tree.known(self.hints)
        if value is Undefined:
            return

        def stated(env: ShapeEnv) -> object:
            spelled = env.spelled(text)
            return bool(env.wrap(spelled.expr, spelled.defined))

        if stated(self.env) is not value:
            self.wrongs.append(f"{tree} is {value} for the examples {self.hints}")
        self.log.append(stated)
        self.rows = [row for row in self.rows if tree.known(row) is value]

    # ------------------------------------------------------------------ scopes

    def _scope(self) -> None:
        scope = self.env.scope()
        scope.__enter__()
        self.frames.append(_Frame(scope, self.rows, self.integers, len(self.log)))

    def _end_of_scope(self) -> None:
        """The end of a block, also by an exception."""
        if not self.frames:
            return
        frame = self.frames.pop()
        error = KeyError("the user's") if self.choice.integer(0, 1) else None
        with suppress(KeyError):
            frame.scope.__exit__(None if error is None else KeyError, error, None)
        self.rows, self.integers = frame.rows, frame.integers
        del self.log[frame.log :]

    # ------------------------------------------------------------------ asking

    def _ask(self) -> None:
        tree = _stated(self.choice, self._soil(), 2)
        values = [(row, tree.known(row)) for row in self.rows]
        held = {value for _, value in values if value is not Undefined}
        try:
            verdict = self.env.prove(tree.text())
        except (ContradictionError, UndefinedError) as error:
            if held:
                self.wrongs.append(f"{tree}: {error}")
            return
        wrong = {
            Status.ALWAYS: False in held,
            Status.NEVER: True in held,
            Status.DEPENDS: len(held) == 1,
            Status.UNKNOWN: False,
        }
        if wrong[verdict.status]:
            self.wrongs.append(f"{tree} is {held}, not {verdict}")
        for part in tree.nodes():
            self._ranges(part)

    def _ranges(self, part: Tree) -> None:
        taken = {v for row in self.rows if (v := part.known(row)) is not Undefined}
        if not taken or any(isinstance(v, float) for v in taken):
            return
        found = self.env.bounds(part.text())
        lost = [v for v in taken if v not in found]
        if lost and found.kind == ("bool" if isinstance(lost[0], bool) else "int"):
            self.wrongs.append(f"{part} is {lost[0]}, outside of {found!r}")

    # ------------------------------------------------------------------ copies

    def _copied(self) -> None:
        """A copy answers as the original; what is stated to it is not told the original."""
        kind = self.choice.pick(tuple(COPIES))
        before = self.env.to_json()
        asked = list(things_to_ask(self.choice, self._soil(), ALIKE))
        self.wrongs += unlike(COPIES[kind](self.env), copy.copy(self.env), kind, asked)
        if self.env.to_json() != before:
            self.wrongs.append(f"what was asked of a copy ({kind}) has changed the original")
        if not self.frames and self.choice.integer(0, 1):
            self.env = COPIES[kind](self.env)  # go on with the copy

    def _replayed(self) -> None:
        """The same statements, without anything in between."""
        plain = ShapeEnv()
        for stated in self.log:
            try:
                stated(plain)
            except ShapeproofError as error:
                self.wrongs.append(f"stated plainly it is refused: {error}")
                return
        for what in ("facts", "guards", "checks", "symbols"):
            one, two = (_listed(env, what) for env in (self.env, plain))
            if one != two:
                self.wrongs.append(f"{what} are {one}, stated plainly {two}")


def _listed(env: ShapeEnv, what: str) -> list[str]:
    if what == "checks":
        return [f"{check.text} {check.claim} {check.expr}" for check in env.checks]
    if what == "facts":
        return [f"{fact.claim} {fact.origin}" for fact in env.facts]
    return [str(item) for item in getattr(env, what)]


# --------------------------------------------------------------------------- alike


def things_to_ask(choice: Seeded, soil: Soil, count: int) -> Iterator[tuple[str, str]]:
    """Random statements and questions: a verb and text."""
    verbs = ("prove", "prove", "bounds", "decide", "check", "assume", "branch", "simplify",
             "unbacked", "explain")  # fmt: skip
    for _ in range(count):
        verb = choice.pick(verbs)
        claims = verb not in ("bounds", "simplify", "explain")
        tree = _stated(choice, soil, 2) if claims else grow(choice, "int", 2, soil)
        yield verb, tree.text()


def outcome(env: ShapeEnv, verb: str, text: str) -> str:
    """What an environment says, an error included."""
    try:
        if verb == "unbacked":
            return repr(env.unbacked(size_like=True, source=text))
        if verb == "branch":
            spelled = env.spelled(text)
            claim = env.wrap(spelled.expr, spelled.defined)
            return str(bool(claim)) if isinstance(claim, SymBool) else repr(claim)
        if verb == "explain":
            return f"{env.explain_bounds(text)}, {env.congruence(text)}"
        if verb == "bounds":
            return repr(env.bounds(text))
        return str(getattr(env, verb)(text))
    except ShapeproofError as error:
        return f"{type(error).__name__}: {error}"


def unlike(
    one: ShapeEnv, other: ShapeEnv, kind: str, asked: list[tuple[str, str]]
) -> Iterator[str]:
    """Where a copy answers otherwise."""
    # What is held is not made anew, and so not shown in another order.
    held = [made for env in (one, other) for _, text in asked if (made := _made(env, text))]
    for verb, text in asked:
        first, second = outcome(one, verb, text), outcome(other, verb, text)
        if first != second:
            yield f"{kind}, {verb} {text!r}:\n{first}\n  and the original:\n{second}"
            return
    if one.to_json() != other.to_json():
        yield f"{kind}: not the same text after {asked}"
    del held


def _made(env: ShapeEnv, text: str) -> object:
    try:
        return env.spelled(text)
    except ShapeproofError:
        return None


def run(sessions: int, seed: int, write: Callable[[str], object]) -> int:
    """Play sessions, write what is wrong, and count it."""
    bad = 0
    seen = Counter[str]()
    for number in range(seed, seed + sessions):
        try:
            found = Session(number, seen).run()
        except Exception as error:  # a crash is a disagreement too
            found = [f"crashed: {type(error).__name__}: {error}"]
        if found:
            bad += 1
            shown = "\n".join(f"  {line}" for line in found[:4])
            write(f"python -m tests.fuzz --sessions 1 --seed {number}\n{shown}\n\n")
    for step, times in sorted(seen.items()):
        write(f"    {times:8} {step}\n")
    write(f"{sessions} sessions from seed {seed}: {bad} disagreements\n")
    return bad
