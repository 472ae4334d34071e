"""Cells of notebooks: ``%%facts`` states, ``%%prove`` asks (``%load_ext shapes``).

A line of ``%%facts`` declares a symbol or states a condition::

    size b hint=8 min=1 max=64      (also: integer, unbacked)
    u <= 4*b                        (a condition: it is assumed)
    check u % 8 == 0                (a condition that is to be checked)

A line of ``%%prove`` is a claim, which may end in ``given CONDITION; CONDITION``. Both take
the name of an environment (``env`` unless said otherwise) that ``%%facts`` makes where there
is none. Empty lines and what follows ``#`` are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from shapes.base.location import Location, SaidAt
from shapes.env.shape_env import ShapeEnv
from shapes.errors import ExpressionSyntaxError

__all__ = ["claim_and_premises", "facts", "load", "prove", "without_comment"]

_DECLARED: Final = ("size", "integer", "unbacked")
_NUMBERS: Final = ("hint", "min", "max")


def load(shell: Any) -> None:
    """Register both cells with an IPython shell."""
    from IPython.display import display

    def state(line: str, cell: str) -> None:
        namespace = shell.user_ns
        name = line.strip() or "env"
        env = namespace.get(name)
        if not isinstance(env, ShapeEnv):
            env = namespace[name] = ShapeEnv()
        for declared in facts(env, cell):
            namespace[declared] = env.wrap(env.symbols[declared].symbol)
        display(env)

    def ask(line: str, cell: str) -> None:
        name = line.strip() or "env"
        env = shell.user_ns.get(name)
        if not isinstance(env, ShapeEnv):
            raise NameError(f"`{name}` is not a ShapeEnv: state its facts with %%facts {name}")
        for verdict in prove(env, cell):
            display(verdict)

    shell.register_magic_function(state, magic_kind="cell", magic_name="facts")
    shell.register_magic_function(ask, magic_kind="cell", magic_name="prove")


def facts(env: ShapeEnv, cell: str) -> list[str]:
    """State every line; the names of the symbols that it declares. Raises what the statements
    raise, and states nothing of a line that is refused."""
    declared: list[str] = []
    for number, line in _lines(cell):
        with SaidAt(Location(f"line {number} of %%facts", 0, "")):
            declared += _stated(env, line)
    return declared


def prove(env: ShapeEnv, cell: str) -> Iterator[Any]:
    """The verdict of every line."""
    for _, line in _lines(cell):
        claim, given = claim_and_premises(line)
        yield env.prove(claim, given=given)


def claim_and_premises(text: str) -> tuple[str, list[str]]:
    """The parts of ``CLAIM given CONDITION; CONDITION``."""
    claim, _, premises = text.partition(" given ")
    return claim.strip(), [part.strip() for part in premises.split(";") if part.strip()]


def without_comment(line: str) -> str:
    """A line without spaces at its ends and without what follows ``#``."""
    return line.partition("#")[0].strip()


def _lines(cell: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(cell.splitlines(), 1):
        text = without_comment(line)
        if text:
            yield number, text


def _stated(env: ShapeEnv, line: str) -> tuple[str, ...]:
    first, _, rest = line.partition(" ")
    words = rest.split()
    if first in _DECLARED and words and words[0].isidentifier():
        _declare(env, first, words[0], words[1:])
        return (words[0],)
    if first == "check":
        env.check(rest)
    else:
        env.assume(line)
    return ()


def _declare(env: ShapeEnv, kind: str, name: str, words: list[str]) -> None:
    options: dict[str, Any] = {}
    numbers = _NUMBERS if kind != "unbacked" else _NUMBERS[1:]
    for word in words:
        key, sign, value = word.partition("=")
        if word == "size_like" and kind == "unbacked":
            options[word] = True
        elif sign and key in numbers and value.lstrip("-").isdecimal():
            options[key] = int(value)
        else:
            text = " ".join([kind, name, *words])
            known = ", ".join(f"{one}=NUMBER" for one in numbers)
            raise ExpressionSyntaxError(f"expected {known}", text, text.index(word) + 1)
    getattr(env, kind)(name, **options)
