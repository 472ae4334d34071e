"""The code that a person would write: plain Python and numpy, for guards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.plain import Declared, Relation, Term

__all__ = ["ENGINES", "ByHand"]


class ByHand(Engine):
    """Each guard as a line ``if not ...: return False``."""

    name: ClassVar[str] = "by hand"
    peer: ClassVar[str] = "by hand"
    module: ClassVar[str] = "numpy"
    what: ClassVar[str] = "Python (W10v: numpy) as a person would write it"

    def version(self) -> str:
        import platform

        return platform.python_version()

    def guards(
        self, declared: Sequence[Declared], guards: Sequence[Relation]
    ) -> Callable[[], Callable[[Mapping[str, Any]], Any]]:
        names = ", ".join(s.name for s in declared)

        def run() -> Callable[[Mapping[str, Any]], Any]:
            lines = [f"    if not {_text(guard)}: return False\n" for guard in guards]
            source = f"def guard({names}):\n{''.join(lines)}    return True\n"
            space: dict[str, Any] = {}
            exec(compile(source, "<by hand>", "exec"), space)
            function = space["guard"]
            return lambda values: function(**values)

        return run

    def guards_of_many(
        self, declared: Sequence[Declared], guards: Sequence[Relation]
    ) -> Callable[[], Callable[[Mapping[str, Any]], Any]]:
        import numpy as np

        names = ", ".join(s.name for s in declared)
        texts = [_text(g, "np.minimum", "np.maximum") for g in guards]
        lines = [f"    held &= {text}\n" for text in texts[1:]]
        source = (
            f"def guard({names}):\n    held = {texts[0]}\n{''.join(lines)}    return held\n"
        )

        def run() -> Callable[[Mapping[str, Any]], Any]:
            space: dict[str, Any] = {"np": np}
            exec(compile(source, "<by hand>", "exec"), space)
            function = space["guard"]
            return lambda values: function(**values)

        return run


def _text(term: Term, least: str = "min", greatest: str = "max") -> str:
    if not isinstance(term, tuple):
        return str(term)
    op, a, b = term
    left, right = _text(a, least, greatest), _text(b, least, greatest)
    if op in ("min", "max"):
        return f"{least if op == 'min' else greatest}({left}, {right})"
    return f"({left} {op} {right})"


ENGINES = [ByHand]
