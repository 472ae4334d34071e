"""Contracts in traces: annotations in place of specifications, calls of other functions, and
results."""

import functools
from typing import Any

import numpy as np
import pytest
from jaxtyping import Bool, Float, Int

from asserts import ContractError, InputError, TraceError, contract, insert
from asserts.errors import RuntimeAssertionError
from asserts.trace import Spec, trace
from asserts.trace.sources import traced_from


def annotated(x: Float[np.ndarray, "a 2*b"], y: Int[np.ndarray, "b _"], n: int, k: int = 2) -> Any:
    return x[:, : y.shape[0]] + n * k


def test_annotations_in_place_of_specifications() -> None:
    program = trace(annotated)
    x, y, _ = program.graph.find_nodes(op="placeholder")
    assert [str(s) for s in x.meta["val"].shape] == ["a", "2 * b"]
    assert (x.meta["val"].dtype, y.meta["val"].dtype) == (np.float64, np.int64)
    assert program(np.ones((2, 6)), np.ones((3, 1), int), 4).shape == (2, 3)
    named = insert(program).program
    with pytest.raises(RuntimeAssertionError, match=r"x\.shape"):
        named(np.ones((2, 7)), np.ones((3, 1), int), 4)


def test_arrays_with_a_default_keep_it() -> None:
    def some(x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"] | None = None) -> Any:
        return x if y is None else x + y

    assert trace(some)(np.ones(3)).shape == (3,)
    assert trace(some, y=("n",))(np.ones(3), np.ones(3)).shape == (3,)


def test_what_is_given_goes_before() -> None:
    program = trace(annotated, x=("a", 6), y=Spec((3, 1), "int64"), n=5)
    assert [node.target for node in program.graph.find_nodes(op="placeholder")] == ["x", "y"]


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (Float[np.ndarray, "*a n"], "any number of axes"),
        (Float[np.ndarray, "#n"], "a size or 1"),
        (tuple[Float[np.ndarray, "n"], int], "parts that are no arrays"),
        (list[Float[np.ndarray, "n"]], "holds arrays"),
    ],
)
def test_what_has_no_specification(annotation: Any, said: str) -> None:
    def function(x):  # type: ignore[no-untyped-def]
        return x

    function.__annotations__ = {"x": annotation}
    with pytest.raises(TraceError, match=said):
        trace(function)


def test_functions_without_annotations_are_as_before() -> None:
    with pytest.raises(TraceError, match="don't fit the function"):
        trace(lambda x: x)


@contract
def half(x: Float[np.ndarray, "r 2*v"]) -> Float[np.ndarray, "r v"]:
    return x[:, : x.shape[1] // 2]


@contract(where="k >= 1")
def calls(x: Float[np.ndarray, "b n"], w: Float[np.ndarray, "n m"], k: int) -> Float[np.ndarray, "b kept"]:
    return half(x @ w)[:, :k] + 1


@pytest.mark.parametrize("called_before", [False, True])
def test_a_call_of_a_contracted_function_is_checked(called_before: bool) -> None:
    """(A guard that has seen arrays must not take traced ones for them.)"""
    if called_before:
        half(np.ones((2, 4)))
    checked = insert(trace(calls))
    rows = {row.condition: row for row in checked.report}
    assert rows["m % 2 == 0"].outcome == "inserted"
    assert "half" in str(rows["m % 2 == 0"].message)
    assert "return half" in str(rows["m % 2 == 0"].location)
    program = checked.program
    good = (np.ones((2, 3)), np.ones((3, 4)), 1)
    assert np.array_equal(program(*good), calls(*good))
    for bad in ((*good[:2], 0), (good[0], np.ones((3, 5)), 1), (good[0], np.ones((4, 4)), 1)):
        with pytest.raises((RuntimeAssertionError, InputError)):
            program(*bad)
        with pytest.raises(ContractError):
            calls(*bad)


def test_a_result_that_is_certainly_wrong() -> None:
    @contract
    def wrong(x: Float[np.ndarray, "b n"]) -> Float[np.ndarray, "b n+1"]:
        return x * 2

    with pytest.raises(ContractError, match=r"it is `n`, not `n \+ 1`"):
        trace(wrong)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Float[np.ndarray, "b"], "has 2 axes"),
        (Bool[np.ndarray, "b n"], "of dtype float64"),
        (tuple[Float[np.ndarray, "b n"], int], "not a tuple of 2"),
    ],
)
def test_results_of_another_kind(result: Any, said: str) -> None:
    def function(x):  # type: ignore[no-untyped-def]
        return x + 1.0

    function.__annotations__ = {"x": Float[np.ndarray, "b n"], "return": result}
    with pytest.raises(ContractError, match=said):
        trace(contract(function))


def test_a_result_is_a_check_unless_it_is_proved() -> None:
    @contract
    def some(x: Float[np.ndarray, "b n"], m: Bool[np.ndarray, "b"]) -> Float[np.ndarray, "n n"]:
        return x[m]

    checked = insert(trace(some))
    assert [row.outcome for row in checked.report if "result" in (row.message or "")] == ["inserted"]
    program = checked.program
    program(np.ones((3, 2)), np.array([True, False, True]))
    with pytest.raises(RuntimeAssertionError):
        program(np.ones((3, 2)), np.array([True, True, True]))


def test_explicit_specifications_keep_the_contract() -> None:
    program = insert(trace(half, ("r", "w"))).program
    program(np.ones((2, 4)))
    with pytest.raises(RuntimeAssertionError):
        program(np.ones((2, 3)))
    with pytest.raises(ContractError, match="for no size"):
        trace(half, ("r", 3))


def test_functions_by_name_need_no_decorator(tmp_path: Any) -> None:
    (tmp_path / "layers.py").write_text(
        "import numpy as np\nfrom typing import Annotated\n"
        "def double(x: Annotated[np.ndarray, 'f4[n, 3]'], k: int):\n    return x * k\n"
    )
    program = traced_from(f"{tmp_path}/layers.py:double")
    assert program(np.ones((2, 3), "f4"), 2).shape == (2, 3)


def test_names_that_expressions_cannot_have() -> None:
    @contract
    def words(w: Float[np.ndarray, "in out"], x: Float[np.ndarray, "b in"]) -> Float[np.ndarray, "b out"]:
        return x @ w

    assert trace(words)(np.ones((2, 3)), np.ones((1, 2))).shape == (1, 3)


def test_methods_and_what_wraps_a_function() -> None:
    class Layer:
        def __init__(self, k: int) -> None:
            self.k = k

        @contract
        def scaled(self, x: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n m"]:
            return x * self.k

    program = trace(Layer(3).scaled)
    assert np.array_equal(program(np.ones((1, 2))), np.full((1, 2), 3.0))

    @functools.wraps(half)
    def doubled(x: Any) -> Any:
        return half(x) * 2

    found = insert(trace(doubled, ("a", "b"))).program
    assert np.array_equal(found(np.ones((1, 2))), np.full((1, 1), 2.0))
    with pytest.raises(RuntimeAssertionError):
        found(np.ones((1, 3)))
