"""Small models that require something of values that are known only at run time: for each, an
input that it accepts, and one that breaks that requirement alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import ModelProto, helper

from tests.onnx.build import BOOL, FLOAT, INT64, model, node, value

Inputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A model, inputs that it accepts and some that it refuses, and a part of the message."""

    make: Callable[[], ModelProto]
    good: Inputs
    bad: tuple[Inputs, ...]
    words: str
    also_good: tuple[Inputs, ...] = field(default=())


def floats(*shape: int) -> np.ndarray:
    """Numbers of that shape."""
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)


def integers(*values: int) -> np.ndarray:
    """A vector of integers."""
    return np.array(values, np.int64)


def chosen(count: int, of: int = 4) -> np.ndarray:
    """A mask of which the first few are true."""
    return np.arange(of) < count


PICK = (
    node("NonZero", ["mask"], ["where"]),
    node("Squeeze", ["where", "first"], ["at"]),
    node("Gather", ["x", "at"], ["picked"]),
)
"""The elements of ``x`` where a mask is true."""
FIRST = {"first": np.array([0])}


def _picked(*more: Any, inputs: Any = (), outputs: Any = ("out",), **rest: Any) -> ModelProto:
    own = [value("mask", ["n"], BOOL), value("x", ["n"])]
    constants = {**FIRST, **rest.pop("constants", {})}
    return model([*PICK, *more], [*own, *inputs], list(outputs), constants, **rest)


def _sized(op: str, name: str, dims: list, sizes: Any = "q", **rest: Any) -> ModelProto:  # type: ignore[type-arg]
    """An operator on ``x`` whose second input is the first elements of ``big``."""
    count = rest.pop("count", len(dims))
    constants = {"some": np.arange(count), **rest.pop("constants", {})}
    outputs = rest.pop("outputs", ["out"])
    first = ["shape"] if op == "ConstantOfShape" else ["x", "shape"]
    made = node(op, [*first, *rest.pop("more", ())], outputs, **rest)
    return model(
        [node("Gather", ["big", "some"], ["shape"]), made],
        [value("x", dims), value("big", [sizes], INT64)],
        [outputs[0]],
        constants,
    )


def branch(nodes: list, name: str, output: str, inputs: Any = ()) -> Any:  # type: ignore[type-arg]
    """A subgraph with one result."""
    return helper.make_graph(nodes, name, list(inputs), [value(output, None)])


def conditional() -> ModelProto:
    """A branch that adds what a mask chooses to another input."""
    then = branch([*PICK, node("Add", ["picked", "y"], ["sum"])], "then", "sum")
    otherwise = branch([node("Neg", ["y"], ["negated"])], "otherwise", "negated")
    return model(
        [node("If", ["c"], ["out"], then_branch=then, else_branch=otherwise)],
        [value("mask", ["n"], BOOL), value("x", ["n"]), value("y", [3]), value("c", [], BOOL)],
        ["out"],
        FIRST,
    )


def outer_size() -> ModelProto:
    """A branch that adds two values from around it, one of a size that data decide."""
    then = branch([node("Add", ["picked", "y"], ["sum"])], "then", "sum")
    otherwise = branch([node("Neg", ["y"], ["negated"])], "otherwise", "negated")
    return _picked(
        node("If", ["c"], ["out"], then_branch=then, else_branch=otherwise),
        inputs=[value("y", [3]), value("c", [], BOOL)],
    )


def looped() -> ModelProto:
    """A loop that gathers at an index which every turn adds to."""
    inputs = [value("turn", [], INT64), value("go", [], BOOL), value("at", [1], INT64)]
    body = helper.make_graph(
        [
            node("Identity", ["go"], ["on"]),
            node("Gather", ["x", "at"], ["one"]),
            node("Add", ["at", "step"], ["next"]),
        ],
        "body",
        inputs,
        [value("on", [], BOOL), value("next", [1], INT64), value("one", [1])],
    )
    return model(
        [
            node("Loop", ["times", "", "start"], ["end", "out"], body=body),
        ],
        [value("x", ["n"]), value("times", [], INT64), value("start", [1], INT64)],
        ["out"],
        {"step": np.array([2])},
    )


def scanned() -> ModelProto:
    """A scan whose body takes as many of a row as a part of it says."""
    body = helper.make_graph(
        [
            node("Cast", ["count"], ["k"], to=INT64),
            node("TopK", ["row", "k"], ["most", "places"]),
            node("ReduceSum", ["most"], ["sum"], keepdims=0),
        ],
        "body",
        [value("count", [1]), value("row", [4])],
        [value("sum", [])],
    )
    return model(
        [node("Scan", ["counts", "x"], ["out"], body=body, num_scan_inputs=2)],
        [value("counts", ["n", 1]), value("x", ["n", 4])],
        ["out"],
    )


def in_a_function() -> ModelProto:
    """A function of the model that adds its inputs, one of a size that data decide."""
    add = helper.make_function(
        "own", "Plus", ["a", "b"], ["c"], [node("Add", ["a", "b"], ["c"])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    called = node("Plus", ["picked", "y"], ["out"], domain="own")
    return _picked(
        called,
        inputs=[value("y", [3])],
        imports=[helper.make_opsetid("own", 1)],
        functions=[add],
    )


def _with(y: np.ndarray, count: int, **more: np.ndarray) -> Inputs:
    return {"mask": chosen(count), "x": floats(4), "y": y, **more}


TRUE, FALSE = np.array(True), np.array(False)
X = floats(2, 6)

CASES: dict[str, Case] = {
    "a sum of chosen elements": Case(
        lambda: _picked(node("Add", ["picked", "y"], ["out"]), inputs=[value("y", ["m"])]),
        _with(floats(3), 3),
        (_with(floats(3), 2), _with(floats(2), 4)),
        "where_nonzero = where.shape[1]",
        (_with(floats(3), 1), _with(floats(1), 2)),
    ),
    "a product of chosen elements": Case(
        lambda: _picked(
            node("MatMul", ["picked", "w"], ["out"]), inputs=[value("w", ["k", 2])]
        ),
        {"mask": chosen(3), "x": floats(4), "w": floats(3, 2)},
        ({"mask": chosen(2), "x": floats(4), "w": floats(3, 2)},),
        "where_nonzero",
    ),
    "a reshape of chosen elements": Case(
        lambda: _picked(node("Reshape", ["picked", "s"], ["out"]), constants={"s": [2, -1]}),
        {"mask": chosen(4), "x": floats(4)},
        ({"mask": chosen(3), "x": floats(4)},),
        "where_nonzero % 2 == 0",
    ),
    "two counts": Case(
        lambda: _picked(
            node("NonZero", ["other"], ["there"]),
            node("Squeeze", ["there", "first"], ["there1"]),
            node("Add", ["at", "there1"], ["out"]),
            inputs=[value("other", ["m"], BOOL)],
            outputs=[value("out", None, INT64)],
        ),
        {"mask": chosen(2), "x": floats(4), "other": chosen(2, 5)},
        ({"mask": chosen(2), "x": floats(4), "other": chosen(3, 5)},),
        "there_nonzero = there.shape[1]",
    ),
    "indices": Case(
        lambda: model(
            [node("Gather", ["table", "ids"], ["out"])],
            [value("ids", ["b", "s"], INT64)],
            ["out"],
            {"table": floats(5, 2)},
        ),
        {"ids": np.array([[0, 4], [-5, -1]])},
        ({"ids": np.array([[0, 5]])}, {"ids": np.array([[-6, 1]])}),
        "ids_max = max(ids)",
        ({"ids": np.zeros((0, 3), np.int64)},),
    ),
    "computed indices": Case(
        lambda: model(
            [
                node("Cast", ["p"], ["ids"], to=6),
                node("Gather", ["x", "ids"], ["out"], axis=1),
            ],
            [value("p", ["s"]), value("x", [2, "m"])],
            ["out"],
        ),
        {"p": floats(3), "x": X},
        ({"p": floats(7), "x": X}, {"p": -floats(8), "x": X}),
        "ids_min = min(ids)",
        ({"p": floats(0), "x": floats(2, 0)},),
    ),
    "elements gathered": Case(
        lambda: model(
            [node("GatherElements", ["x", "ids"], ["out"], axis=1)],
            [value("x", ["n", "m"]), value("ids", ["n", "k"], INT64)],
            ["out"],
        ),
        {"x": X, "ids": np.array([[0, 5, 1], [2, -6, 0]])},
        ({"x": X, "ids": np.array([[0, 6], [2, 0]])},),
        "ids_max",
    ),
    "elements scattered": Case(
        lambda: model(
            [node("ScatterElements", ["x", "ids", "u"], ["out"], axis=1)],
            [value("x", [2, "m"]), value("ids", [2, 1], INT64), value("u", [2, 1])],
            ["out"],
        ),
        {"x": X, "ids": np.array([[0], [5]]), "u": floats(2, 1)},
        ({"x": X, "ids": np.array([[0], [6]]), "u": floats(2, 1)},),
        "ids_1 < m",
    ),
    "a computed reshape": Case(
        lambda: _sized("Reshape", "shape", ["n", "m"], count=3),
        {"x": X, "big": integers(3, 2, 2, 9)},
        tuple(
            {"x": X, "big": integers(*sizes)}
            for sizes in ((3, 2, 3), (-1, 2, -1), (-1, 5, 1), (2, 6, 0), (-2, -6, 1), (-1, 0, 3))
        ),
        "shape_1 = shape[1]",
        tuple({"x": X, "big": integers(*s)} for s in ((0, 2, 3), (-1, 3, 1), (0, 0, 1))),
    ),
    "a computed expansion": Case(
        lambda: _sized("Expand", "shape", ["n", "m"], count=3),
        {"x": floats(1, 6), "big": integers(2, 3, 6)},
        ({"x": X, "big": integers(2, 3, 6)}, {"x": X, "big": integers(1, 1, 2)}),
        "shape_",
        ({"x": X, "big": integers(4, 1, 1)},),
    ),
    "computed repeats": Case(
        lambda: _sized("Tile", "shape", ["n", "m"]),
        {"x": X, "big": integers(2, 0)},
        ({"x": X, "big": integers(1, -1)},),
        "shape_1 >= 0",
    ),
    "a computed split": Case(
        lambda: _sized(
            "Split", "shape", ["n", "m"], count=2, axis=1, outputs=["out", "rest"]
        ),
        {"x": X, "big": integers(2, 4)},
        ({"x": X, "big": integers(2, 3)}, {"x": X, "big": integers(7, -1)}),
        "shape_0",
    ),
    "computed widths": Case(
        lambda: _sized("Pad", "shape", ["n", "m"], count=4, mode="reflect"),
        {"x": X, "big": integers(0, 2, 1, 5)},
        ({"x": X, "big": integers(0, 6, 1, 1)}, {"x": X, "big": integers(0, 0, 2, 0)}),
        "shape_",
    ),
    "a computed k": Case(
        lambda: model(
            [
                node("ReduceMax", ["lengths"], ["longest"], keepdims=1),
                node("TopK", ["x", "longest"], ["out", "places"]),
            ],
            [value("lengths", ["b"], INT64), value("x", ["n", "m"])],
            ["out"],
        ),
        {"lengths": integers(2, 5), "x": X},
        ({"lengths": integers(2, 7), "x": X}, {"lengths": integers(-2, -1), "x": X}),
        "longest_value = longest[0]",
    ),
    "a computed range": Case(
        lambda: model(
            [
                node("ReduceMax", ["ends"], ["end"], keepdims=0),
                node("ReduceMin", ["ends"], ["step"], keepdims=0),
                node("Range", ["zero", "end", "step"], ["out"]),
            ],
            [value("ends", ["b"], INT64)],
            [value("out", None, INT64)],
            {"zero": np.array(0)},
        ),
        {"ends": integers(2, 9)},
        ({"ends": integers(0, 9)},),
        "step_value != 0",
        ({"ends": integers(-1, 9)},),
    ),
    "a computed fill": Case(
        lambda: _sized("ConstantOfShape", "shape", [2, 6], count=2),
        {"x": X, "big": integers(3, 0)},
        ({"x": X, "big": integers(3, -2)},),
        "shape_1 >= 0",
    ),
    "a branch": Case(
        conditional,
        _with(floats(3), 3, c=TRUE),
        (_with(floats(3), 2, c=TRUE),),
        "where_nonzero",
        (_with(floats(3), 2, c=FALSE), _with(floats(3), 1, c=TRUE)),
    ),
    "a branch on values around it": Case(
        outer_size,
        _with(floats(3), 3, c=TRUE),
        (_with(floats(3), 2, c=TRUE),),
        "where_nonzero",
        (_with(floats(3), 2, c=FALSE),),
    ),
    "a loop": Case(
        looped,
        {"x": floats(6), "times": np.array(3), "start": integers(1)},
        (
            {"x": floats(6), "times": np.array(4), "start": integers(0)},
            {"x": floats(6), "times": np.array(1), "start": integers(-7)},
        ),
        "at",
        ({"x": floats(6), "times": np.array(0), "start": integers(70)},),
    ),
    "a scan": Case(
        scanned,
        {"counts": np.array([[2.0], [4.0]], np.float32), "x": floats(2, 4)},
        ({"counts": np.array([[2.0], [5.0]], np.float32), "x": floats(2, 4)},),
        "k_value",
    ),
    "a function": Case(
        in_a_function,
        _with(floats(3), 3),
        (_with(floats(3), 2),),
        "where_nonzero",
    ),
}
assert FLOAT
