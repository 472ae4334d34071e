"""Specifications of lists, tuples, dicts and records of inputs.

    trace(f, batch={"tokens": Spec(("b", 128)), "mask": Spec(("b",), "bool")})
    trace(f, [("n", 4), ("n",)])

A structure is recognised by a specification in it that can be nothing else: a `Spec`, a `Dim`
or `Spec.int`, in a list or a tuple also a tuple of sizes or an array. What it holds besides is
constant. The graph has one input for every array, named ``batch_tokens``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from asserts.graph.structure import Structure
from asserts.trace.names import unused
from shapes.env import Dim

__all__ = ["built", "flattened", "inputs_in", "is_structure"]

IsSpec = Callable[[Any], bool]


def is_structure(value: Any, is_spec: IsSpec) -> bool:
    """Whether a specification is one of several inputs."""
    if not isinstance(value, (list, tuple)):
        return any(_names_inputs(one, is_spec) for one in _parts(value))
    return any(
        isinstance(one, np.ndarray)
        or (is_spec(one) and not isinstance(one, Dim))
        or _is_shape(one)
        or is_structure(one, is_spec)
        for one in value
    )


def _names_inputs(value: Any, is_spec: IsSpec) -> bool:
    """Whether there is something in a value that can only be meant as a specification."""
    return is_spec(value) or any(_names_inputs(one, is_spec) for one in _parts(value))


def _is_shape(value: Any) -> bool:
    """Whether this is a sequence with a size that has a name (or it would be a constant)."""
    return isinstance(value, (list, tuple)) and any(isinstance(v, (str, Dim)) for v in value)


def _parts(value: Any) -> list[Any]:
    return [part for _, part in _items(value)[1]]


def _is_leaf(value: Any, is_spec: IsSpec) -> bool:
    """Whether a part of a structure is an input."""
    if isinstance(value, (list, tuple)):
        return _is_shape(value) and not is_structure(value, is_spec)
    return is_spec(value) or isinstance(value, np.ndarray)


def flattened(name: str, value: Any, is_spec: IsSpec, flat: dict[str, Any]) -> Structure:
    """The structure of a parameter's specification, whose inputs are added to `flat`."""
    if _is_leaf(value, is_spec):
        own = unused(_identifier(name), flat)
        flat[own] = value
        return ("input", own)
    kind, items = _items(value)
    parts = tuple((k, flattened(f"{name}_{k}", v, is_spec, flat)) for k, v in items)
    found = (kind, parts if kind in _NAMED else tuple(part for _, part in parts))
    return found if inputs_in(found) else ("constant", value)


_NAMED: Final = ("dict", "fields")
"""The kinds of structures whose parts have names."""


def _items(value: Any) -> tuple[str, list[tuple[Any, Any]]]:
    """The kind of a structure, and its parts by index or name."""
    if isinstance(value, dict):
        return "dict", list(value.items())
    if isinstance(value, (list, tuple)):
        return "list" if isinstance(value, list) else "tuple", list(enumerate(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "fields", [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
    return "tuple", []


def _identifier(name: str) -> str:
    return "".join(char if char.isalnum() or char == "_" else "_" for char in name)


def built(structure: Structure, like: Any, values: Mapping[str, Any]) -> Any:
    """The structure with these inputs in it, of the types of its specification."""
    kind, content = structure
    if kind == "input":
        return values[content]
    if kind == "constant":
        return content
    if kind == "dict":
        return {key: built(part, like[key], values) for key, part in content}
    if kind == "fields":
        changed = {name: built(part, getattr(like, name), values) for name, part in content}
        return dataclasses.replace(like, **changed)
    items = [built(part, one, values) for part, one in zip(content, like)]
    if kind == "list":
        return items
    fields = getattr(type(like), "_fields", None)
    return tuple(items) if fields is None else type(like)(*items)


def inputs_in(structure: Structure) -> list[str]:
    """The inputs of a structure, in its order."""
    kind, content = structure
    if kind == "input":
        return [content]
    if kind == "constant":
        return []
    return [n for part in content for n in inputs_in(part[1] if kind in _NAMED else part)]
