"""``type(k)``, where the number `k` has stayed symbolic.

No method of the number's is asked for that. So while such numbers are about, a function of the
user's that has the name ``type`` is noticed when it is called, and its module gets another
`type`, which gives Python's kind of number.

Guarantees: on everything else it is Python's; the names are put back when the trace ends.
Limits: a file that uses ``type`` otherwise than by calling it with one value, or in
``isinstance``, keeps Python's; a program that runs under a profiler of its own does, too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any, Final

from asserts.dialects.torch.export.advice import is_users
from asserts.dialects.torch.export.asking import tree_of

__all__ = ["noticing_types"]

_NAME: Final = "type"


class _Type(type):
    """The type of what stands for `type`."""

    plain: Callable[[Any], Any]

    def __call__(cls, *args: Any, **options: Any) -> Any:
        if len(args) == 1 and not options:
            return cls.plain(args[0])
        return type(*args, **options)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, type)


def type_by(plain: Callable[[Any], Any]) -> Any:
    """What stands for `type`, and finds the kind of a value by a function."""
    return _Type("type", (), {"plain": staticmethod(plain)})


@contextmanager
def noticing_types(
    plain: Callable[[Any], Any], replace: Callable[[dict[str, Any], str, Any], None]
) -> Iterator[None]:
    """Within the block, modules of the user's whose functions name `type` have it replaced by
    what finds the kind of a value by `plain`."""
    before = sys.getprofile()
    seen: set[CodeType] = set()
    stand_in = type_by(plain)

    def notice(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or frame.f_code in seen:
            return
        seen.add(frame.f_code)
        code = frame.f_code
        if _NAME not in code.co_names or not is_users(code.co_filename):
            return
        if frame.f_globals.get(_NAME, type) is type and _is_plain(code.co_filename):
            replace(frame.f_globals, _NAME, stand_in)

    if before is None:
        sys.setprofile(notice)
    try:
        yield
    finally:
        if before is None:
            sys.setprofile(None)


@lru_cache(maxsize=64)
def _is_plain(file: str) -> bool:
    """Whether a file uses the name only to ask for the type of a value."""
    tree = tree_of(file)
    if tree is None:
        return False
    fine: set[ast.AST] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if len(node.args) == 1 and not node.keywords:
            fine.add(node.func)
        asks = isinstance(node.func, ast.Name) and node.func.id == "isinstance"
        if asks and len(node.args) == 2:
            fine.update(ast.walk(node.args[1]))
    used = [one for one in ast.walk(tree) if isinstance(one, ast.Name) and one.id == _NAME]
    return all(one in fine for one in used)
