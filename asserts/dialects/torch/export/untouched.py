"""What a part of a trace must leave as it is, because the program may not run that part.

A side of a branch is traced whether or not it is taken. If it changed a list, or taught torch
that a size is at least 2, the rest of the trace would rest on something that need not happen.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

import torch
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from asserts.dialects.torch.export.bodies import InfeasibleError
from asserts.dialects.torch.symbols.loaded import is_unbacked
from asserts.dialects.torch.symbols.record import count_of_recorded

__all__ = ["Environment", "Objects"]

MOST: Final = 200_000
"""Objects that are looked at."""

_PLAIN: Final = (int, float, str, bytes, bool, complex, type(None))

_LEAVES: Final = (
    *_PLAIN, torch.Tensor, torch.SymInt, torch.SymFloat, torch.SymBool, torch.dtype,
    torch.device, types.ModuleType,
    types.FunctionType, types.BuiltinFunctionType, types.CodeType, type,
)  # fmt: skip


class Objects:
    """The Python objects that variables lead to, as they are."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self._before: dict[int, tuple[Any, list[Any]]] = {}
        worklist = list(roots)
        while worklist:
            one = worklist.pop()
            if isinstance(one, types.MethodType):
                one = one.__self__
            if id(one) in self._before or isinstance(one, _LEAVES):
                continue
            parts = _parts(one)
            if parts is None:
                continue
            self._before[id(one)] = (one, parts)
            worklist += parts
            if len(self._before) > MOST:
                raise InfeasibleError("there are too many objects that it may change")

    def require_same(self) -> None:
        """Raises `InfeasibleError` if one of them was changed."""
        for one, parts in self._before.values():
            now = _parts(one)
            if now is None or len(now) != len(parts) or not all(map(_is_same, parts, now)):
                raise InfeasibleError(f"it changes an object of type `{type(one).__name__}`")


def _is_same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, _PLAIN) and a == b)


def _parts(one: Any) -> list[Any] | None:
    """What an object consists of; None if that is not known."""
    if isinstance(one, dict):
        return [part for item in one.items() for part in item]
    if isinstance(one, (list, tuple, deque)):
        return list(one)
    if isinstance(one, (set, frozenset)):
        return sorted(one, key=id)
    module = type(one).__module__
    if module.startswith("torch.") and not isinstance(one, torch.nn.Module):
        return None
    return list(_attributes(one))


def _attributes(one: Any) -> Iterator[Any]:
    for name, value in sorted(getattr(one, "__dict__", {}).items()):
        yield name
        yield value
    for kind in type(one).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(one, name):
                yield getattr(one, name)


class Environment:
    """What torch knows of the symbols that there are."""

    def __init__(self, shape_env: TorchShapeEnv) -> None:
        self.shape_env = shape_env
        self._ranges = dict(shape_env.var_to_range)
        self._replaced = dict(shape_env.replacements)
        self._recorded = count_of_recorded(shape_env)
        deferred = shape_env.deferred_runtime_asserts
        self._deferred = {symbol: len(found) for symbol, found in deferred.items()}

    def settle(self) -> None:
        """Forget what the operations of a body check for themselves, of symbols of its own.
        Raises `InfeasibleError` if it has checked, or taught torch, anything else."""
        env = self.shape_env
        if count_of_recorded(env) > self._recorded:
            raise InfeasibleError("it makes a check, which would be made in any case")
        for symbol, range_ in self._ranges.items():
            if not is_unbacked(symbol):
                continue  # (a guard, which callers are held to)
            if env.var_to_range.get(symbol, range_) != range_:
                raise InfeasibleError("it needs more of a size than is known around it")
            if env.replacements.get(symbol) != self._replaced.get(symbol):
                raise InfeasibleError("it needs more of a size than is known around it")
        for symbol, found in list(env.deferred_runtime_asserts.items()):
            old = self._deferred.get(symbol, 0)
            for one in found[old:]:
                if one.expr.free_symbols <= self._ranges.keys():
                    raise InfeasibleError("it needs more of a size than is known around it")
            del found[old:]
            if not found and symbol not in self._deferred:
                del env.deferred_runtime_asserts[symbol]
