"""What to write where a program needs a run-time number itself, as ``int(t)``, ``len(rows)``,
and a loop over rows do.

No check of a range settles that: only one value would. So it is said which expression forces
the value, and what leaves it symbolic; where nothing does, how the number is fixed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

import torch

from asserts.dialects.torch.export.advice import AdvisedError
from asserts.dialects.torch.export.asking import Asker, Site
from shapes.expr import BoolExpr, Expr, IntExpr
from shapes.facts import bounds
from shapes.traversal import free_symbols

__all__ = ["ForcedError", "is_forced"]

_ATEN: Final = torch.ops.aten

_COUNTED: Final = frozenset((
    _ATEN.unbind.int, _ATEN.split.Tensor, _ATEN.unsafe_split.Tensor, _ATEN.chunk.default,
    _ATEN.unsafe_chunk.default, _ATEN.tensor_split.sections,
))  # fmt: skip
"""Operations that give a list, as long as a size says: whatever they ask of the size first,
they need the size itself."""


SOME: Final = 2
"""The number in lines that fix one, if it is possible."""


def is_forced(asked: Expr, asker: Asker | None) -> bool:
    """Whether only the value itself answers: not a condition, or the first of as many as a
    loop has turns."""
    if not isinstance(asked, BoolExpr):
        return True
    if asker is None:
        return False
    return asker.operation in _COUNTED or _is_while(asker)


def _is_while(asker: Asker) -> bool:
    if not asker.tests or asker.operation is not None or not asker.of_number:
        return False
    site = asker.site()
    return site is not None and site.turns


class ForcedError(AdvisedError):
    """A value that depends on data, and what does without it."""

    @property
    def lines(self) -> tuple[str, ...]:
        """A line that fixes the number, to one that it may have; none if no variable holds
        it."""
        symbols = list(free_symbols(self.claim))
        if not symbols or any(s.kind != "int" for s in symbols) or self._missing():
            return ()
        symbols += (s for s in self._in_one_list(symbols) if s not in symbols)
        fixed = (f"torch._check({self._named(s)} == {self._some(s)})" for s in symbols)
        line = "; ".join(fixed)
        return () if line in self.dropped else (line,)

    def _in_one_list(self, symbols: Collection[Expr]) -> Iterator[Expr]:
        """The other run-time numbers of a list that has one of the symbols, such as that of
        the sizes of a tensor: they are asked for next, at the same place."""
        place, site = self._place(), self._site()
        if place is None or site is None or isinstance(site.node, ast.stmt):
            return
        known = {text: one for one, text in place.names.items()}
        for node in ast.walk(site.node):
            if isinstance(node, (ast.Tuple, ast.List)):
                found = [known.get(ast.unparse(item)) for item in node.elts]
                if any(one in symbols for one in found):
                    yield from (one for one in found if one is not None and self._is_open(one))

    def _is_open(self, one: Expr) -> bool:
        """Whether it is a run-time number by itself."""
        if free_symbols(one) != [one] or one.kind != "int":
            return False
        return str(one) not in self._sources

    def _some(self, symbol: Expr) -> int:
        """A value that nothing known excludes by its range."""
        assert isinstance(symbol, IntExpr)
        lower, upper = bounds(self._facts, symbol).int_bounds()
        some = min(max(lower, SOME), upper)
        return some if isinstance(some, int) else SOME

    def _written(self) -> str:
        site = self._site()
        counted = self.asker is not None and self.asker.operation in _COUNTED
        if site is not None and (counted or site.turns):
            out = self._of_loop(site)
        else:
            out = self._of_value(site)
        return "\n".join(out)

    def _of_loop(self, site: Site) -> list[str]:
        text = f"Shapeproof: the loop over `{site.text}` at {self.asker} has as many turns as "
        return [
            f"{text}the data say when the program runs:",
            "it cannot be unrolled while it is traced, whatever range is checked.",
            "Write it as operations on whole tensors.",
            *self._fixing("the number of turns"),
        ]

    def _of_value(self, site: Site | None) -> list[str]:
        what = f"`{self._named(self.claim)}`" if site is None else f"`{site.text}`"
        where = "" if self.asker is None else f" at {self.asker}"
        out = [
            f"Shapeproof: {what}{where} needs a number that only the running program knows:",
            "no range that is checked settles that.",
        ]
        instead = None if site is None else self._instead(site)
        if instead is not None:
            out.append(f"Write `{instead}` in its place: that stays symbolic.")
        return out + self._fixing("the number")

    def _fixing(self, what: str) -> list[str]:
        """How the value is fixed, which is right for one number only."""
        if not self.lines:
            return []
        where = self._where()
        return [
            f"Where {what} is always the same, fix it{where}, with your number for this one:",
            *(f"    {line}" for line in self.lines),
        ]

    def _instead(self, site: Site) -> str | None:
        """An expression that has the same value, and stays symbolic."""
        name, arguments = site.called()
        if len(arguments) != 1:
            return None
        argument, text = arguments[0], site.text_of(arguments[0])
        if name == "len":
            return f"{_atom(argument, text)}.shape[0]"
        if self.asker is not None and self.asker.of_number:
            rule = _OF_NUMBERS.get(name)
            return None if rule is None else rule(text)
        target = _OF_TENSORS.get(name)
        if target is None:
            return None
        kind, conversion = target
        read = "" if self.claim.kind == kind and not self.claim.args else f".{conversion}()"
        return f"{_atom(argument, text)}{read}.item()"


def _atom(node: ast.expr, text: str) -> str:
    atoms = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)
    return text if isinstance(node, atoms) else f"({text})"


_OF_TENSORS: Final[Mapping[str, tuple[str, str]]] = {
    "int": ("int", "long"),
    "float": ("float", "double"),
}
"""How a tensor of one element is read by Python's functions: the type, and its conversion."""

_OF_NUMBERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "int": "torch.sym_int({})".format,
    "float": "torch.sym_float({})".format,
    "math.sqrt": "torch.sym_sqrt({})".format,
}
"""What stands for Python's functions of one number."""
