"""What a dialect says about saving its graphs: functions, constants, metadata, environment.

A file names functions, and only a registry turns names into functions: nothing is ever
imported, looked up or evaluated because a file says so. `BasicCodec` knows Python's
operators and a few builtins, and plain Python values; a dialect extends or replaces it.

Guarantees: what the basic codec accepts comes back with the same type and the same value,
integers of any size, nan, the infinities, -0.0 and complex numbers included; what it doesn't
know it refuses.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from asserts.graph.node import MAX_NESTING
from shapes.base import excerpt
from shapes.errors import SerializationError

__all__ = ["BasicCodec", "Codec", "Function", "expect"]

Function = Callable[..., Any]
"""A function that a node may call."""

T = TypeVar("T")

# Numbers beyond that are rounded by readers of JSON that know only doubles.
_SAFE_INTEGER: Final = 2**53

_OPERATORS: Final[tuple[Function, ...]] = (
    operator.abs, operator.add, operator.and_, operator.concat, operator.contains,
    operator.eq, operator.floordiv, operator.ge, operator.getitem, operator.gt,
    operator.index, operator.inv, operator.invert, operator.is_, operator.is_not,
    operator.le, operator.lshift, operator.lt, operator.matmul, operator.mod, operator.mul,
    operator.ne, operator.neg, operator.not_, operator.or_, operator.pos, operator.pow,
    operator.rshift, operator.sub, operator.truediv, operator.truth, operator.xor,
)
_BUILTINS: Final[tuple[Function, ...]] = (
    abs, bool, divmod, float, int, len, max, min, pow, round, sum,
)


class Codec(Protocol):
    """The dialect's part of the format. Encoders return what `json` can write.

    Everything raises SerializationError for what it doesn't know. Environments come first
    in both directions, so that values in metadata can refer to their symbols.
    """

    def encode_target(self, target: Function) -> str:
        """The registered name of a function."""
        ...

    def decode_target(self, name: str) -> Function:
        """The function with that registered name."""
        ...

    def encode_constant(self, value: object) -> object:
        """A constant among arguments or attributes."""
        ...

    def decode_constant(self, data: object) -> object:
        """The inverse of `encode_constant`."""
        ...

    def encode_meta(self, meta: Mapping[str, object]) -> dict[str, object]:
        """A node's or a module's metadata."""
        ...

    def decode_meta(self, data: Mapping[str, object]) -> dict[str, object]:
        """The inverse of `encode_meta`."""
        ...

    def encode_env(self, shape_env: object) -> object:
        """A module's `shape_env`, never None."""
        ...

    def decode_env(self, data: object) -> object:
        """The inverse of `encode_env`."""
        ...


class BasicCodec:
    """Python's operators, `min`, `max`, `abs` and their like, and plain Python values.

    `functions` adds more functions by name. Metadata that is not a plain value is left out, or
    refused if `strict_meta`; `impure` is always kept.
    """

    def __init__(
        self, functions: Mapping[str, Function] | None = None, *, strict_meta: bool = False
    ) -> None:
        self._strict_meta = strict_meta
        self._function: dict[str, Function] = {}
        # By value, since a method is a new object at every access, and by identity for
        # what cannot be hashed; the table above keeps all of them alive.
        self._name: dict[Function, str] = {}
        self._name_by_id: dict[int, str] = {}
        for function in _BUILTINS:
            self.register(f"builtins.{function.__name__}", function)
        for function in _OPERATORS:
            self.register(f"operator.{function.__name__}", function)
        for name, function in (functions or {}).items():
            self.register(name, function)

    def register(self, name: str, function: Function) -> None:
        """Give a function its name in files. Raises ValueError for a name that is taken."""
        known = self._function.setdefault(name, function)
        if known is not function and known != function:
            raise ValueError(f"the name '{name}' stands for another function already")
        if _is_hashable(function):
            self._name.setdefault(function, name)
        else:
            self._name_by_id.setdefault(id(known), name)

    def encode_target(self, target: Function) -> str:
        """The registered name. Raises SerializationError if there is none."""
        if _is_hashable(target):
            name = self._name.get(target)
        else:
            name = self._name_by_id.get(id(target))
        if name is None:
            raise SerializationError(f"function {target!r} has no registered name")
        return name

    def decode_target(self, name: str) -> Function:
        """The registered function. Raises SerializationError for an unknown name."""
        function = self._function.get(name)
        if function is None:
            raise SerializationError(f"unknown function {name!r}")
        return function

    def encode_constant(self, value: object) -> object:
        """A plain value; containers are walked. Raises SerializationError for others."""
        return self._encode(value, 0)

    def decode_constant(self, data: object) -> object:
        """The inverse of `encode_constant`. Raises SerializationError for other data."""
        return self._decode(data, 0)

    def encode_meta(self, meta: Mapping[str, object]) -> dict[str, object]:
        """The entries that are plain values (see the class)."""
        encoded: dict[str, object] = {}
        for key, value in meta.items():
            if not isinstance(key, str):
                raise SerializationError(f"metadata key {key!r} is not a string")
            try:
                encoded[key] = self.encode_constant(value)
            except SerializationError as error:
                if self._strict_meta:
                    raise SerializationError(f"metadata '{key}': {error}") from error
                if key == "impure":
                    encoded[key] = bool(value)
        return encoded

    def decode_meta(self, data: Mapping[str, object]) -> dict[str, object]:
        """The inverse of `encode_meta`."""
        return {key: self.decode_constant(value) for key, value in data.items()}

    def encode_env(self, shape_env: object) -> object:
        """Refuses: an environment holds checks, which must not be lost in silence."""
        raise SerializationError(
            f"the basic codec cannot save an environment ({type(shape_env).__name__})"
        )

    def decode_env(self, data: object) -> object:
        """Refuses, as `encode_env`."""
        raise SerializationError("the basic codec cannot read an environment")

    # -- values ---------------------------------------------------------------------------

    def _encode(self, value: object, depth: int) -> object:
        if depth > MAX_NESTING:
            raise SerializationError(f"a constant nested more than {MAX_NESTING} deep")
        if value is None or type(value) in (bool, str):
            return value
        if type(value) is int:
            return value if abs(value) <= _SAFE_INTEGER else {"int": hex(value)}
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if type(value) is complex:
            parts = (value.real, value.imag)
            return {"complex": [self._encode(part, depth) for part in parts]}
        if value is Ellipsis:
            return {"ellipsis": True}
        # Exact types: a subclass (a named tuple, an array scalar) would come back as less.
        if type(value) in (tuple, list):
            assert isinstance(value, (tuple, list))
            items = [self._encode(item, depth + 1) for item in value]
            return {type(value).__name__: items}
        if type(value) is dict:
            pairs = value.items()
            return {"dict": [[self._encode(x, depth + 1) for x in pair] for pair in pairs]}
        if isinstance(value, slice):
            ends = (value.start, value.stop, value.step)
            return {"slice": [self._encode(end, depth + 1) for end in ends]}
        raise SerializationError(f"a constant of type {type(value).__name__} cannot be saved")

    def _decode(self, data: object, depth: int) -> object:
        if depth > MAX_NESTING:
            raise SerializationError(f"a constant nested more than {MAX_NESTING} deep")
        if data is None or isinstance(data, (bool, int, float, str)):
            return data
        if not isinstance(data, dict) or len(data) != 1:
            raise SerializationError(f"not a constant: {excerpt(data)}")
        (kind, content), *_ = data.items()
        if kind == "int":
            return _integer(content)
        if kind == "float" and content in ("nan", "inf", "-inf"):
            return float(content)
        if kind == "complex":
            real, imaginary = (self._decode(part, depth + 1) for part in expect_pair(content))
            return complex(_float(real), _float(imaginary))
        if kind == "ellipsis" and content is True:
            return Ellipsis
        if kind == "dict":
            return self._decode_dict(content, depth)
        if kind in ("tuple", "list", "slice") and isinstance(content, list):
            items = [self._decode(item, depth + 1) for item in content]
            if kind == "slice" and len(items) == 3:
                return slice(*items)
            if kind != "slice":
                return tuple(items) if kind == "tuple" else items
        raise SerializationError(f"not a constant: {excerpt(data)}")

    def _decode_dict(self, content: object, depth: int) -> dict[object, object]:
        decoded: dict[object, object] = {}
        for pair in expect(content, list, "the content of a dict"):
            key, value = expect_pair(pair)
            try:
                decoded[self._decode(key, depth + 1)] = self._decode(value, depth + 1)
            except TypeError as error:
                raise SerializationError(f"not a key of a dict: {excerpt(key)}") from error
        return decoded


def _is_hashable(function: Function) -> bool:
    try:
        hash(function)
    except TypeError:
        return False
    return True


def _integer(content: object) -> int:
    text = expect(content, str, "a long integer")
    try:
        return int(text, 16)
    except ValueError as error:
        raise SerializationError(f"not a long integer: {excerpt(text)}") from error


def _float(value: object) -> float:
    return expect(value, float, "a part of a complex number")


def expect(data: object, kind: type[T], what: str) -> T:
    """`data`, if it is of that type. Raises SerializationError otherwise."""
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise SerializationError(
            f"{what} should be a {kind.__name__}, not {excerpt(data)}"
        )
    return data


def expect_pair(data: object) -> Sequence[object]:
    """`data`, if it is a list of two. Raises SerializationError otherwise."""
    pair = expect(data, list, "an entry of a dict")
    if len(pair) != 2:
        raise SerializationError(f"an entry of a dict should be a pair, not {excerpt(data)}")
    return pair
