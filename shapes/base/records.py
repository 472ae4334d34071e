"""Frozen records: `dataclasses.dataclass` for the classes that ``import shapes`` loads.

The standard module loads `inspect`, and compiles half a dozen methods for each class. A
record has one method of its own, `__init__`, which is compiled when the first one is made;
the others are shared. With `dataclass` in its place ``import shapes`` takes 150 ms of
processor time instead of 136, a tenth more; a statement takes as long either way, within the
noise (CPython 3.11, least of 15 runs by turns).
`dataclasses.replace`, `fields` and `asdict` work on records: the table of fields is made at
the first look. To the type checker the two decorators are one.

In the compiled build a call of the class fills the slots in one step (see `_native.c`).

Limits: always frozen; no default factories, no inheritance between records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapes.base.digits import written

try:
    from shapes._native import quicken as _quicken
except ImportError:  # (it is part of the compiled build)
    _quicken = None  # type: ignore[assignment]

__all__ = ["record", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import replace
else:

    def record(*, frozen: bool, eq: bool = True, slots: bool = False) -> Any:
        """Make a class with annotated fields a record, as `dataclasses.dataclass` does."""
        assert frozen, "records are frozen"
        return lambda made: _record(made, eq, slots)

    def replace(one: object, /, **changes: object) -> Any:
        """A copy of a record with some fields changed."""
        kept = {name: getattr(one, name) for name in type(one).__match_args__}
        return type(one)(**{**kept, **changes})


def _record(made: type, eq: bool, slots: bool) -> type:
    names = tuple(made.__annotations__)
    body = dict(made.__dict__)
    defaults = {name: body[name] for name in names if name in body}
    if slots:
        for name in (*defaults, "__dict__", "__weakref__"):
            body.pop(name, None)
        body["__slots__"] = names
        made = type(made)(made.__name__, made.__bases__, body)
    methods: dict[str, Any] = {
        "__init__": _first_initializer(made, names, defaults, slots),
        "__signature__": _Signature(defaults),
        "__setattr__": _refused,
        "__delattr__": _refused,
        "__match_args__": names,
        "__dataclass_fields__": _Fields(defaults),
    }
    shared: dict[str, Any] = {"__repr__": _shown, "__reduce__": _saved}
    if eq:
        shared.update(__eq__=_equal, __hash__=_hashed)
    methods.update((name, method) for name, method in shared.items() if name not in body)
    for name, method in methods.items():
        setattr(made, name, method)
    if slots and _quicken is not None and not hasattr(made, "__post_init__"):
        _quicken(made, names, defaults)
    return made


def _first_initializer(
    made: type, names: tuple[str, ...], defaults: dict[str, Any], slots: bool
) -> Any:
    """`__init__` until it is called: it puts the true one in its place."""

    def __init__(self: object, *values: object, **named: object) -> None:  # noqa: N807
        kind: Any = made
        kind.__init__ = _initializer(made, names, defaults, slots)
        kind.__init__(self, *values, **named)

    return __init__


class _Signature:
    """The fields as parameters, for `inspect.signature`."""

    def __init__(self, defaults: dict[str, Any]) -> None:
        self._defaults = defaults

    def __get__(self, instance: object, owner: object) -> Any:
        from inspect import Parameter, Signature

        kind, absent = Parameter.POSITIONAL_OR_KEYWORD, Parameter.empty
        return Signature(
            [
                Parameter(name, kind, default=self._defaults.get(name, absent), annotation=a)
                for name, a in owner.__annotations__.items()
            ]
        )


def _initializer(
    made: type, names: tuple[str, ...], defaults: dict[str, Any], slots: bool
) -> Any:
    """`__init__` with the fields as parameters; it sets them past `__setattr__`."""
    space = {f"_default_{name}": value for name, value in defaults.items()}
    parameters = [f"{n}=_default_{n}" if n in defaults else n for n in names]
    if slots:
        space.update((f"_set_{name}", getattr(made, name).__set__) for name in names)
        lines = [f"_set_{name}(self, {name})" for name in names]
    else:
        lines = [f"self.__dict__[{name!r}] = {name}" for name in names]
    if hasattr(made, "__post_init__"):
        lines.append("self.__post_init__()")
    source = f"def __init__(self, {', '.join(parameters)}):\n " + "\n ".join(lines)
    exec(compile(source, f"<record {made.__name__}>", "exec"), space)
    initializer = space["__init__"]
    initializer.__qualname__ = f"{made.__qualname__}.__init__"
    return initializer


def _values(one: Any) -> tuple[Any, ...]:
    return tuple(getattr(one, name) for name in type(one).__match_args__)


def _refused(one: object, name: str, value: object = None) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"a {type(one).__name__} cannot be changed: `{name}` stays")


def _shown(one: Any) -> str:
    fields = (f"{name}={written(getattr(one, name))}" for name in type(one).__match_args__)
    return f"{type(one).__qualname__}({', '.join(fields)})"


def _equal(one: object, other: object) -> Any:
    if type(one) is not type(other):
        return NotImplemented
    return _values(one) == _values(other)


def _hashed(one: object) -> int:
    return hash(_values(one))


def _saved(one: object) -> tuple[Any, ...]:
    return type(one), _values(one)


class _Fields:
    """The table of fields that `dataclasses` looks for, made at the first look."""

    def __init__(self, defaults: dict[str, Any]) -> None:
        self._defaults = defaults

    def __get__(self, instance: object, owner: Any) -> Any:
        from dataclasses import field, fields, make_dataclass

        made = make_dataclass(
            owner.__name__,
            [
                (name, kind, field(default=self._defaults[name]))
                if name in self._defaults
                else (name, kind)
                for name, kind in owner.__annotations__.items()
            ],
            frozen=True,
        )
        table = {one.name: one for one in fields(made)}
        owner.__dataclass_fields__ = table
        return table
