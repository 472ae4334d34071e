"""A session of ``shapeproof shell``: a line in, an `Answer` out.

A line is a statement or a question; `VERBS` has all that begin with a word, and any other line
is a condition that is assumed. What a line states is there for the lines after it, and its
number is the source that proofs name. A line that is refused changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asserts.cli.answers import Answer
from asserts.cli.declared import KINDS, assume, declare
from asserts.cli.documents import (
    of_congruence,
    of_environment,
    of_facts,
    of_simplified,
    of_suggestions,
    of_symbols,
)
from asserts.cli.exits import Exit
from asserts.cli.questions import answer_to_bounds, answer_to_claim
from asserts.cli.screen import Screen
from asserts.files import write_whole
from shapes.base import Location, SaidAt
from shapes.env import (
    ShapeEnv,
    claim_and_premises,
    facts_text,
    symbols_text,
    without_comment,
)
from shapes.errors import (
    ExpressionSyntaxError,
    ExpressionTypeError,
    ShapeproofError,
    UnknownSymbolError,
)
from shapes.expr import BoolExpr
from shapes.expr.operators import named_functions

__all__ = ["VERBS", "Session", "Verb"]


class Session:
    """An environment, the line it has come to, and how to go back."""

    def __init__(self) -> None:
        self.env = ShapeEnv()
        self.number = 0
        self.finished = False
        self._before: list[tuple[str, ShapeEnv]] = []
        self._scopes: list[int] = []

    def run(self, line: str) -> tuple[str, Answer]:
        """The verb of the next line, and its answer. Raises what the engine raises, with the
        column counted in the line, and `OSError` for a file."""
        self.number += 1
        text = without_comment(line)
        if not text:
            return "", Answer(Exit.DONE)
        name, rest = self._split(text)
        try:
            return name, VERBS[name].answer(self, rest)
        except ShapeproofError as error:
            raise _placed(error, line) from error

    def _split(self, text: str) -> tuple[str, str]:
        """The verb of a line and what stands behind it."""
        if text.startswith("?"):
            return "prove", text[1:].strip()
        first, _, rest = text.partition(" ")
        rest = rest.strip()
        if first not in VERBS or (first in self.env.symbols and not _OPERAND.match(rest)):
            return "assume", text
        return first, rest

    # ------------------------------------------------------------------ stating

    def state(self, text: str, change: Callable[[ShapeEnv], object]) -> None:
        """Change the environment, if nothing is raised; `undo` calls it by its text."""
        changed = copy(self.env)
        with SaidAt(Location(self.source, 0, "")):
            change(changed)
        self.replace(text, changed)

    def replace(self, text: str, env: ShapeEnv) -> None:
        """Go on with another environment."""
        self._before.append((text, self.env))
        self.env = env

    @property
    def source(self) -> str:
        """What proofs call the line."""
        return f"line {self.number}"

    def undo(self) -> str:
        """Take the newest statement back; its text."""
        if not self._before:
            raise ShapeproofError("there is nothing to undo")
        text, self.env = self._before.pop()
        self._scopes = [depth for depth in self._scopes if depth <= len(self._before)]
        return text

    def begin(self) -> None:
        """Open a scope."""
        self._scopes.append(len(self._before))

    def end(self) -> int:
        """Close the newest scope; how many statements are taken back."""
        if not self._scopes:
            raise ShapeproofError("no scope is open: `begin` opens one")
        depth = self._scopes.pop()
        undone = len(self._before) - depth
        if undone:
            self.env = self._before[depth][1]
            del self._before[depth:]
        return undone

    # ------------------------------------------------------------------ completing

    def completions(self, before: str) -> list[str]:
        """Whole words that may stand for the last, unfinished word of a line."""
        *words, last = re.split(r"(?<=[^\w.:/~-])", before) if before else [""]
        head = "".join(words).strip()
        first = head.partition(" ")[0]
        if first in _OF_FILES:
            return _files(before.partition(" ")[2].lstrip())
        if first == "help":
            return sorted(name for name in VERBS if name.startswith(last))
        if first in KINDS:
            return []
        known = [*self.env.symbols, *_functions()]
        known += [] if head else list(VERBS)
        return sorted({word for word in known if word.startswith(last)})


_OPERAND: Final = re.compile(r"[\w(]")
_OF_FILES: Final = ("load", "save")


def _functions() -> list[str]:
    return [name for name, op in named_functions().items() if op.infix is None]


def _files(start: str) -> list[str]:
    """Files and folders whose path begins so."""
    folder, slash, name = start.rpartition("/")
    try:
        found = list(Path(folder + slash or ".").expanduser().iterdir())
    except (OSError, RuntimeError, ValueError):  # (no such home, or no name of a file at all)
        return []
    shown = [f"{one.name}/" if one.is_dir() else one.name for one in found]
    hidden = name.startswith(".")
    matching = (one for one in shown if one.startswith(name) and one.startswith(".") == hidden)
    return sorted(f"{folder}{slash}{one}" for one in matching)


def _placed(error: ShapeproofError, line: str) -> ShapeproofError:
    """The error with its column counted in the line."""
    if isinstance(error, ExpressionSyntaxError):
        text = error.text or ""
        start = line.rfind(text) if text else len(line.rstrip())
        if start < 0:
            return error
        return ExpressionSyntaxError(error.reason, line, start + error.column)
    if isinstance(error, UnknownSymbolError) and error.name:
        found = re.search(rf"(?<!\w){re.escape(error.name)}(?!\w)", line)
        if found:
            reason = f"{error}; a line `size {error.name}` declares it"
            return UnknownSymbolError(
                str(ExpressionSyntaxError(reason, line, found.start() + 1)), name=error.name
            )
    return error


# --------------------------------------------------------------------------- verbs


@dataclass(frozen=True)
class Verb:
    """A word that a line may begin with: how it is used, what it does, and who answers."""

    usage: str
    meaning: str
    answer: Callable[[Session, str], Answer]


def _said(fields: dict[str, Any], text: str = "", style: str = "") -> Answer:
    """An answer of a text, or of none."""
    lines = text.split("\n") if text else []

    def draw(screen: Screen) -> None:
        for line in lines:
            screen.line(line, style)

    return Answer(Exit.DONE, fields, draw)


def _declare(kind: str) -> Callable[[Session, str], Answer]:
    """The answer to declarations of a kind: ``NAME``, ``NAME MIN..MAX``, several by commas."""

    def answer(session: Session, rest: str) -> Answer:
        parts = [part.strip() for part in rest.split(",")]
        if not all(parts):
            raise ShapeproofError(f"expected {VERBS[kind].usage}")

        def change(env: ShapeEnv) -> None:
            for part in parts:
                name, _, ends = part.partition(" ")
                if ends and ".." not in ends:
                    raise ShapeproofError(f"{kind} {part}: expected {VERBS[kind].usage}")
                text = f"{name}:{ends.replace(' ', '')}" if ends else name
                declare(env, kind, text, session.source, f"{kind} {part}")

        session.state(f"{kind} {rest}", change)
        return _said({"stated": f"{kind} {rest}"})

    return answer


def _assume(session: Session, rest: str) -> Answer:
    _require(rest, "assume")
    expr = session.env.spelled(rest).expr
    if not isinstance(expr, BoolExpr):
        hint = f"`bounds {rest}` shows its range"
        raise ExpressionTypeError(f"`{expr}` is not a condition; {hint}")
    session.state(rest, lambda env: assume(env, rest, session.source))
    return _said({"stated": rest})


def _check(session: Session, rest: str) -> Answer:
    _require(rest, "check")
    session.state(f"check {rest}", lambda env: env.check(rest))
    return _said({"stated": f"check {rest}"})


def _prove(session: Session, rest: str) -> Answer:
    _require(rest, "prove")
    claim, given = claim_and_premises(rest)
    return answer_to_claim(session.env, claim, given)


def _bounds(session: Session, rest: str) -> Answer:
    _require(rest, "bounds")
    return answer_to_bounds(session.env, rest)


def _congruence(session: Session, rest: str) -> Answer:
    _require(rest, "congruence")
    expr = session.env.spelled(rest).expr
    found = session.env.congruence(rest)
    modulus, residue = found
    if modulus == 0:
        text = f"{expr} = {residue}"
    elif modulus == 1:
        text = f"{expr} may leave any remainder"
    else:
        text = f"{expr} = {residue} modulo {modulus}"
    return _said({"expression": str(expr), **(of_congruence(found) or {})}, text)


def _simplify(session: Session, rest: str) -> Answer:
    _require(rest, "simplify")
    fields = of_simplified(rest, session.env.simplify(rest))
    return _said(fields, fields["simplified"])


def _suggest(session: Session, rest: str) -> Answer:
    _require(rest, "suggest")
    fields = of_suggestions(rest, session.env.suggest(rest))
    texts = [one["text"] for one in fields["suggestions"]]
    nothing = "no single check that was tried makes it hold"
    return _said(fields, "\n".join(texts) or _already(session.env, rest) or nothing)


def _already(env: ShapeEnv, claim: str) -> str:
    """Why there is nothing to suggest, if the claim is decided."""
    verdict = env.prove(claim, effort="quick")
    return "nothing is needed: it always holds" if verdict.proved else ""


def _facts(session: Session, rest: str) -> Answer:
    _forbid(rest, "facts")
    facts = of_facts(session.env)
    return _said({"facts": facts}, facts_text(session.env) if facts else "no facts")


def _ranges(session: Session, rest: str) -> Answer:
    _forbid(rest, "ranges")
    symbols = of_symbols(session.env)
    return _said({"symbols": symbols}, symbols_text(session.env) if symbols else "no symbols")


def _undo(session: Session, rest: str) -> Answer:
    _forbid(rest, "undo")
    text = session.undo()
    return _said({"undone": text}, f"undone: {text}", "dim")


def _begin(session: Session, rest: str) -> Answer:
    _forbid(rest, "begin")
    session.begin()
    return _said({})


def _end(session: Session, rest: str) -> Answer:
    _forbid(rest, "end")
    undone = session.end()
    text = f"undone: {undone} statement{'' if undone == 1 else 's'}"
    return _said({"undone": undone}, text, "dim")


def _save(session: Session, rest: str) -> Answer:
    _require(rest, "save")
    document = session.env.to_json() + "\n"
    write_whole(str(_path(rest)), lambda file: file.write(document.encode()))
    return _said({"output": rest}, f"saved {rest}", "dim")


def _load(session: Session, rest: str) -> Answer:
    _require(rest, "load")
    content = _path(rest).read_bytes()
    try:
        env = ShapeEnv.from_json(content.decode())
    except (UnicodeDecodeError, ShapeproofError) as error:
        raise ShapeproofError(f"{rest} is not a saved environment: {error}") from error
    session.replace(f"load {rest}", env)
    fields = of_environment(env)
    text = f"{len(fields['symbols'])} symbols, {len(fields['facts'])} facts"
    return _said(fields, text, "dim")


def _path(text: str) -> Path:
    """The file that is meant. Raises `ShapeproofError` for what cannot be a path."""
    try:
        found = Path(text).expanduser()
    except RuntimeError as error:
        raise ShapeproofError(f"{text}: {error}") from None
    if "\0" in text:
        raise ShapeproofError(f"{text!r} is no name of a file")
    return found


def _help(session: Session, rest: str) -> Answer:
    if rest and rest not in VERBS:
        known = ", ".join(VERBS)
        raise ShapeproofError(f"there is no verb `{rest}` (verbs: {known})")
    shown: Sequence[str] = [rest] if rest else list(VERBS)
    width = max(len(VERBS[name].usage) for name in shown)
    lines = [f"{VERBS[name].usage:<{width}}  {VERBS[name].meaning}" for name in shown]
    lines += [] if rest else [f"{'CONDITION':<{width}}  the same as `assume CONDITION`"]
    fields = {"verbs": {name: VERBS[name].meaning for name in shown}}
    return _said(fields, "\n".join(lines))


def _quit(session: Session, rest: str) -> Answer:
    _forbid(rest, "quit")
    session.finished = True
    return _said({})


def _require(rest: str, verb: str) -> None:
    if not rest:
        raise ShapeproofError(f"expected `{VERBS[verb].usage}`")


def _forbid(rest: str, verb: str) -> None:
    if rest:
        raise ShapeproofError(f"`{verb}` stands alone, not with `{rest}`")


_WHAT: Final = {
    "size": ("size NAME [MIN..MAX], ...", "declare sizes of inputs, at least 0"),
    "int": ("int NAME [MIN..MAX], ...", "declare inputs that are any integers"),
    "unbacked": ("unbacked NAME [MIN..MAX], ...", "declare sizes known only at run time"),
    "bool": ("bool NAME, ...", "declare truth values"),
    "float": ("float NAME, ...", "declare doubles"),
}

VERBS: Final[dict[str, Verb]] = {
    **{kind: Verb(*_WHAT[kind], _declare(kind)) for kind in KINDS},
    "assume": Verb("assume CONDITION", "take a condition for granted", _assume),
    "check": Verb("check CONDITION", "state a check that the program makes", _check),
    "prove": Verb("? CLAIM [given C; C]", "prove or refute a claim (or: prove CLAIM)", _prove),
    "bounds": Verb("bounds EXPRESSION", "its range and remainder", _bounds),
    "congruence": Verb("congruence EXPRESSION", "its remainder", _congruence),
    "simplify": Verb("simplify EXPRESSION", "a smaller expression, equal to it", _simplify),
    "suggest": Verb("suggest CLAIM", "the weakest checks that make it hold", _suggest),
    "facts": Verb("facts", "what is known, and its sources", _facts),
    "ranges": Verb("ranges", "the range of everything named", _ranges),
    "undo": Verb("undo", "take the newest statement back", _undo),
    "begin": Verb("begin", "open a scope", _begin),
    "end": Verb("end", "take back what was stated since `begin`", _end),
    "save": Verb("save FILE", "save the environment as JSON", _save),
    "load": Verb("load FILE", "go on with a saved environment", _load),
    "help": Verb("help [VERB]", "show this", _help),
    "quit": Verb("quit", "end the session", _quit),
}
"""What a line may begin with."""
