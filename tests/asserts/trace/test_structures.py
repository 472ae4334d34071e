"""Inputs that are lists, tuples, dicts and records of arrays."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytest

import asserts
from asserts.dialects.numpy.codec import load, save
from asserts.errors import ContractError, InputError, TraceError
from asserts.graph.module import GraphModule
from asserts.trace import Spec, trace
from shapes import Dim
from shapes.errors import SerializationError
from tests.asserts.tracing_help import same


@dataclass(frozen=True)
class Batch:
    tokens: Any
    lengths: Any
    name: str = "batch"


class Pair(NamedTuple):
    left: Any
    right: Any


def of_dict(batch: dict[str, Any]) -> Any:
    return batch["x"].sum(axis=1) + batch["y"]


def of_list(parts: list[Any]) -> Any:
    return np.concatenate(parts)


def of_record(batch: Batch) -> Any:
    assert batch.name == "batch"
    return {"sum": batch.tokens.sum(axis=1) * batch.lengths, "same": batch.tokens}


def of_nested(x: Any, batch: Any, *, k: int) -> Any:
    (a, b), scale = batch["parts"], batch["scale"]
    return [x + a["v"] * scale + k, b]


def of_pair(pair: Pair) -> Any:
    return pair.left @ pair.right


X, Y = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0])
DICT = {"x": Spec(("n", "m")), "y": Spec(("n",))}


def programs() -> list[tuple[Callable[..., Any], GraphModule, tuple[Any, ...], dict[str, Any]]]:
    nested = {"parts": [{"v": ("n",)}, Spec(("m",), "int8")], "scale": 2}
    value = {"parts": [{"v": Y}, np.ones(3, np.int8)], "scale": 2}
    return [
        (of_dict, trace(of_dict, DICT), ({"y": Y, "x": X},), {}),
        (of_dict, trace(of_dict, batch=DICT), (), {"batch": {"x": X, "y": Y}}),
        (of_list, trace(of_list, [("n", 3), ("m", 3)]), ([X, X[:1]],), {}),
        (of_list, trace(of_list, [np.zeros((2, 3)), Spec((1, 3))]), ([X, X[:1]],), {}),
        (of_list, trace(of_list, ((Dim("n"), 3), ("m", 3))), ((X, X[:1]),), {}),
        (of_record, trace(of_record, Batch(Spec(("n", 3)), ("n",))), (Batch(X, Y),), {}),
        (of_nested, trace(of_nested, ("n",), nested, k=Spec.int()), (Y, value), {"k": 4}),
        (of_pair, trace(of_pair, Pair(("n", "m"), ("m",))), (Pair(X, X[0]),), {}),
    ]


def test_a_program_takes_what_the_function_takes() -> None:
    for function, program, args, kwargs in programs():
        expected = function(*args, **kwargs)
        for module in (program, asserts.insert(program).graph_module, load(save(program))):
            assert same(expected, module(*args, **kwargs)), function


def test_there_is_one_input_for_every_array() -> None:
    names = [[str(n.target) for n in p.graph.nodes if n.op == "placeholder"]
             for _, p, _, _ in programs()]  # fmt: skip
    assert names[0] == ["batch_x", "batch_y"]
    assert names[2] == ["parts_0", "parts_1"]
    assert names[5] == ["batch_tokens", "batch_lengths"]
    assert names[6] == ["x", "batch_parts_0_v", "batch_parts_1", "k"]
    program = trace(of_dict, DICT)
    assert same(program(X, Y), of_dict({"x": X, "y": Y}))
    assert same(program(batch_y=Y, batch_x=X), of_dict({"x": X, "y": Y}))


def test_sizes_are_shared_by_all_parts() -> None:
    checked = asserts.insert(trace(of_dict, DICT)).graph_module
    with pytest.raises(asserts.RuntimeAssertionError):
        checked({"x": X, "y": np.zeros(3)})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"x": X}, "keys"),
        ({"x": X, "y": Y, "z": Y}, "keys"),
        ([X, Y], "must be a dict"),
        ({"x": X, "y": np.ones(2, np.int8)}, "dtype"),
        ({"x": X, "y": [Y]}, "must be an array"),
    ],
)
def test_another_structure_is_refused(value: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        trace(of_dict, DICT)(value)


def test_another_number_or_constant_is_refused() -> None:
    program = trace(of_list, [("n", 3), ("m", 3)])
    for value in ([X], [X, X, X], (X, X)):
        with pytest.raises(InputError, match="list of 2"):
            program(value)
    record = trace(of_record, Batch(Spec(("n", 3)), ("n",)))
    with pytest.raises(InputError, match="traced for 'batch'"):
        record(Batch(X, Y, "another"))
    with pytest.raises(InputError, match="field"):
        record(Pair(X, Y))
    with pytest.raises(InputError, match="missing"):
        trace(lambda x, parts: x + parts[0], ("n",), [("n",)])(parts=[Y])


@pytest.mark.parametrize(
    ("traced", "given"),
    [
        ([2], [2.0]), ([1], [True]), ((2, 3), (2, 3.0)), ({"k": [1]}, {"k": [1.0]}),
        ({"k": 1, "j": 2}, {"j": 2, "k": 1}), ([0.0], [-0.0]), (0.0, -0.0), ([[1], 2], [[True], 2]),
    ],
)  # fmt: skip
def test_constants_are_compared_with_all_that_is_in_them(traced: Any, given: Any) -> None:
    """What is equal to Python may be computed with to another dtype, or another result."""

    def function(x: Any, how: Any) -> Any:
        return x, how["of"]

    program = trace(function, Spec(("n",), "int64"), {"of": traced, "y": Spec(("m",))})
    x = np.ones(3, np.int64)
    assert same(program(x, {"of": deepcopy(traced), "y": Y}), (x, traced))
    with pytest.raises(InputError, match="traced for"):
        program(x, {"of": given, "y": Y})


@pytest.mark.parametrize(
    "structure",
    [
        "x", 5, ("x",), (("batch",),), ((5, ("input", "batch_x")),), (("batch", ("evil", "x")),),
        (("batch", ("dict", 5)),), (("batch", ("dict", (("x", 5),))),), (("batch", ("input", 5)),),
        (("batch", ("list", ("input", "batch_x"))),), (("batch", ["input", "batch_x"]),),
    ],
)  # fmt: skip
def test_a_saved_structure_that_is_none_is_refused(structure: Any) -> None:
    program = trace(of_dict, DICT)
    program.meta["structure"] = structure
    with pytest.raises(SerializationError, match="metadata 'structure' is damaged"):
        load(save(program))


def test_a_constant_stays_one() -> None:
    program = trace(
        lambda x, how: x[: how["rows"]] * len(how["names"]), ("n",), {"rows": 2, "names": ["a", "b"]}
    )
    assert same(program(np.ones(3)), np.full(2, 2.0))
    program = trace(lambda x, pads: np.pad(x, pads["of"]), ("n",), {"of": [(0, 1)]})
    assert program(np.ones(3)).shape == (4,)
    with pytest.raises(TraceError, match="not a size"):
        trace(of_list, [(2, 3), (4, 3)])


def test_names_of_parts_are_different() -> None:
    program = trace(lambda a_b, a: a_b - a["b"], ("n",), {"b": Spec(("n",))})
    assert same(program(Y, {"b": Y * 2}), -Y)
    program = trace(lambda a: a["x-y"] - a["x y"], {"x-y": Spec(("n",)), "x y": Spec(("n",))})
    assert same(program({"x-y": Y, "x y": Y * 2}), -Y)


def test_a_program_is_called_within_another() -> None:
    inner = trace(of_dict, DICT)

    def outer(x: Any, y: Any) -> Any:
        return inner({"x": x, "y": y}) * 2

    program = trace(outer, ("n", "m"), ("n",))
    assert same(program(X, Y), of_dict({"x": X, "y": Y}) * 2)


F = Annotated[np.ndarray, "f8[n, m]"]
G = Annotated[np.ndarray, "f8[m]"]


@asserts.contract(where="n >= 1")
def contracted(pair: tuple[F, G], k: int) -> Annotated[np.ndarray, "f8[n]"]:
    return pair[0] @ pair[1] + k


def annotated(pair: tuple[F, G]) -> Any:
    return pair[0] @ pair[1]


def test_annotations_specify_tuples_of_arrays() -> None:
    program = trace(annotated)
    assert same(program((X, X[0])), X @ X[0])
    program = trace(contracted)
    assert same(program((X, X[0]), 3), X @ X[0] + 3)
    checked = asserts.insert(program).graph_module
    with pytest.raises(asserts.RuntimeAssertionError):
        checked((np.zeros((0, 3)), X[0]), 3)
    with pytest.raises(asserts.RuntimeAssertionError):
        checked((X, Y), 3)
    with pytest.raises(ContractError):
        contracted((X, Y), 3)


def given_both(x: F, batch: dict[str, Any]) -> Any:
    return x + batch["m"]


def test_annotations_and_structures_go_together() -> None:
    program = trace(given_both, batch={"m": Spec(("m",))})
    assert same(program(X, {"m": X[0]}), X + X[0])
