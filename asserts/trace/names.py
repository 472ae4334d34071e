"""Values that are known only at run time in the words of the program's author.

A condition that a person wrote is shown as it stands in the source. Elsewhere a value is
called like the variable that holds it where it is asked for, or by the way in which it is
computed (``box[0]``, ``np.max(lengths)``).
"""

from __future__ import annotations

import ast
import inspect
import itertools
import linecache
import re
import sys
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asserts.graph import runtime
from asserts.graph.graph import Node
from shapes.base import is_internal
from shapes.env import Symbolic
from shapes.traversal import free_symbols, show

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer
    from shapes.env import ShapeEnv
    from shapes.expr import Expr

__all__ = [
    "described",
    "in_the_users_words",
    "learn_from",
    "learn_names",
    "name_the_rest",
    "text_of_claim",
    "unused",
    "written_condition",
]

LONGEST: Final = 40
"""A name of more characters is none."""


def unused(name: str, names: Collection[str]) -> str:
    """A name that is not among others."""
    return name if name not in names else unused(f"{name}_", names)


# --------------------------------------------------------------------------- its computation

_INFIX: Final[dict[Any, str]] = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.true_divide: "/",
    np.floor_divide: "//", np.remainder: "%", np.greater: ">", np.greater_equal: ">=",
    np.less: "<", np.less_equal: "<=", np.equal: "==", np.not_equal: "!=", np.bitwise_and: "&",
    np.bitwise_or: "|",
}  # fmt: skip
_DEEPEST: Final = 3
"""Operations that may stand in one another; a node is named by its own name below."""


def described(node: Any, depth: int = _DEEPEST) -> str:
    """What a node computes as Python's text, in a few words."""
    if not isinstance(node, Node):
        return _argument(node, depth)
    if node.op == "placeholder":
        return str(node.target)
    if node.op != "call_function" or depth == 0:
        return node.name
    inner = [described(a, depth - 1) for a in node.args]
    name = getattr(node.target, "__name__", "")
    if node.target in _INFIX and len(inner) == 2 and not node.kwargs:
        return f"{_held(inner[0])} {_INFIX[node.target]} {_held(inner[1])}"
    if name == "getitem":
        return f"{_held(inner[0])}[{_index(node.args[1], depth)}]"
    if node.target is runtime.size:
        return f"{_held(inner[0])}.shape[{inner[1]}]"
    if node.target is runtime.item:
        return inner[0]
    if node.target is runtime.astype:
        return f"{_held(inner[0])}.astype({inner[1]})"
    if getattr(np, name, None) is not node.target:
        return node.name
    inner += [f"{key}={described(value, depth - 1)}" for key, value in node.kwargs.items()]
    return f"np.{name}({', '.join(inner)})"


def _held(text: str) -> str:
    return f"({text})" if " " in text and not text.startswith("np.") else text


def _argument(value: Any, depth: int) -> str:
    if isinstance(value, (list, tuple)):
        inner = ", ".join(described(v, depth) for v in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if isinstance(value, slice):
        return _index(value, depth)
    return repr(value) if isinstance(value, (int, float, str, bool, type(None))) else "..."


def _index(key: Any, depth: int) -> str:
    if isinstance(key, tuple):
        return ", ".join(_index(k, depth) for k in key)
    if isinstance(key, slice):
        ends = [("" if e is None else described(e, depth - 1)) for e in (key.start, key.stop)]
        step = "" if key.step is None else f":{described(key.step, depth - 1)}"
        return ":".join(ends) + step
    return "..." if key is Ellipsis else described(key, depth)


# --------------------------------------------------------------------------- its name


def learn_names(t: Tracer) -> None:
    """Look at the variables of the traced functions that are running."""
    for frame in _user_frames():
        found = frame.f_locals
        learn_from(t.env, found)
        _let_go(frame, found)


def learn_from(env: ShapeEnv, variables: Mapping[str, Any]) -> None:
    """The variables that hold a value which is known only at run time name it."""
    for name, value in variables.items():
        if isinstance(value, Symbolic) and value.env is env and value.expr.is_symbol:
            _call(env, value.expr.name, name)


def in_the_users_words(env: ShapeEnv, text: str) -> str:
    """A message with the names that values have in place of ours."""
    return re.sub(r"\bu\d+\b", lambda m: env.names.get(m[0], m[0]), text)


def _let_go(frame: FrameType, found: Any) -> None:
    """Empty the copy of a function's variables that Python (before 3.13) keeps once it was
    asked for it: arrays in it would count as held. Somebody else's it stays."""
    is_copy = type(found) is dict and frame.f_code.co_flags & inspect.CO_OPTIMIZED
    if is_copy and sys.getrefcount(found) <= HELD_BY_US:
        found.clear()


def _references(_frame: FrameType, found: Any) -> int:
    return sys.getrefcount(found)


def _held_by_us() -> int:
    frame = sys._getframe()
    found = frame.f_locals
    return _references(frame, found)


HELD_BY_US: Final = _held_by_us()
"""References to a copy that nobody else has: by the frame, in the two functions, and as
arguments (which Python 3.10 counts once more than later versions)."""


def _user_frames() -> Iterator[FrameType]:
    """The frames of the traced program, from the innermost one."""
    frame = _skip(lambda f: is_internal(f.f_code.co_filename))
    while frame is not None and not is_internal(frame.f_code.co_filename):
        yield frame
        frame = frame.f_back


def _skip(condition: Callable[[FrameType], bool]) -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and condition(frame):
        frame = frame.f_back
    return frame


def _call(env: ShapeEnv, symbol: str, name: str) -> None:
    info = env.symbols.get(symbol)
    if info is None or info.backed or symbol in env.names:
        return
    if name not in env.symbols and name not in env.names.values():
        env.names[symbol] = name


def name_the_rest(env: ShapeEnv) -> None:
    """Values that no variable holds are called by the way in which they are computed."""
    for info in env.symbols.values():
        if not info.backed and info.source and len(info.source) <= LONGEST:
            _call(env, info.name, info.source)


# --------------------------------------------------------------------------- conditions


def text_of_claim(env: ShapeEnv, claim: Expr) -> str | None:
    """A condition with the names that its values have; None if they have none."""
    if not any(symbol.name in env.names for symbol in free_symbols(claim)):
        return None
    return show(claim, lambda name: env.names.get(name, name))


def written_condition(t: Tracer, claim: Expr) -> str | None:
    """A condition on values that are known only at run time as its author wrote it in a call
    of `check`; None where it is better shown from the expression."""
    learn_names(t)
    symbols = [t.env.symbols.get(s.name) for s in free_symbols(claim)]
    if all(info is None or info.backed for info in symbols):
        return None
    frame = _skip(lambda f: is_internal(f.f_code.co_filename))
    written = _first_argument(frame) if frame is not None else None
    if written is None:
        name_the_rest(t.env)
        return text_of_claim(t.env, claim)
    return written


def _first_argument(frame: FrameType) -> str | None:
    """The source of the first argument of the call that a frame is at, if it says more than
    a name does."""
    source = _source_of_call(frame)
    if source is None:
        return None
    try:
        call = ast.parse(f"({source})", mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(call, ast.Call):
        return None
    given = [k.value for k in call.keywords if k.arg == "condition"]
    first = next(iter([*call.args, *given]), None)
    if first is None or isinstance(first, (ast.Name, ast.Starred, ast.Constant)):
        return None
    return ast.unparse(first)


def _source_of_call(frame: FrameType) -> str | None:
    positions = getattr(frame.f_code, "co_positions", None)
    if positions is None:  # before Python 3.11 only lines are known
        return linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip() or None
    first, last, start, end = next(itertools.islice(positions(), frame.f_lasti // 2, None))
    if first is None or last is None or start is None or end is None:
        return None
    lines = [
        linecache.getline(frame.f_code.co_filename, i).encode() for i in range(first, last + 1)
    ]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return textwrap.dedent(b"".join(lines).decode(errors="replace"))
