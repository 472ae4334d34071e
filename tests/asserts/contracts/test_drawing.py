"""What is drawn satisfies the contract, or breaks exactly the clause that is named."""

from collections import Counter
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Bool, Float, Int

from asserts import ContractError, InputError, contract, testing
from asserts.trace import Spec, trace
from shapes import ShapeEnv


@contract(where=["n % 8 == 0", "n <= 32"])
def rich(
    x: Float[np.ndarray, "*batch h//2 2*w"],
    y: Float[np.ndarray, "*#batch h w+1"],
    n: int,
    z: Float[np.ndarray, "h*w n-8"] | None = None,
    p: tuple[Int[np.ndarray, "h"], int] = (np.zeros(0, int), 1),
) -> Float[np.ndarray, "*batch kept"]:
    return x.sum(-1)


@contract
def sums(x: Float[np.ndarray, "a+b a-b"], y: Bool[np.ndarray, "a b+1"]) -> None: ...


@contract
def spread(x: Float[np.ndarray, "#a #b"], y: Float[np.ndarray, "#a b"]) -> None: ...


@contract(where="1000 <= n and n * m == 3000")
def large(x: Annotated[np.ndarray, "i2[n]"], y: Annotated[np.ndarray, "i2[m, 3]"]) -> None: ...


@contract
def tensors(x: Float[torch.Tensor, "n"], y: Float[torch.Tensor, "..."], z: int) -> None: ...


@contract(where="x.shape[1] > x.shape[0]")
def anything(x: Float[np.ndarray, "_ _"], y: Float[np.ndarray, ""], mode: str) -> None: ...


GIVEN: dict[Any, dict[str, Any]] = {anything: {"mode": st.sampled_from(["a", "b"])}}


@pytest.mark.parametrize("function", [rich, sums, spread, large, tensors, anything])
def test_what_is_drawn_is_accepted(function: Any) -> None:
    shapes = set()

    @settings(max_examples=60, deadline=None)
    @given(function.contract.inputs(**GIVEN.get(function, {})))
    def run(arguments: dict[str, Any]) -> None:
        function(**arguments)
        assert function.contract.accepts(**arguments)
        arrays = [v for v in arguments.values() if hasattr(v, "shape")]
        shapes.add(tuple(tuple(array.shape) for array in arrays))

    run()
    assert len(shapes) >= (1 if function is large else 3), shapes


@pytest.mark.parametrize("function", [rich, sums, spread, large, tensors, anything])
def test_what_is_drawn_breaks_the_clause_that_is_named(function: Any) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=120, deadline=None)
    @given(function.contract.violations(**GIVEN.get(function, {})))
    def run(case: tuple[Any, dict[str, Any]]) -> None:
        violation, arguments = case
        with pytest.raises(ContractError) as raised:
            function(**arguments)
        error = raised.value
        assert (error.argument, error.axis, error.clause) == (
            violation.argument, violation.axis, violation.clause,
        )  # fmt: skip
        seen[str(violation)] += 1

    run()
    assert len(seen) >= 3, seen


def test_corners_come_first() -> None:
    first: list[Any] = []

    @settings(max_examples=1, deadline=None)
    @given(sums.contract.inputs())
    def run(arguments: dict[str, Any]) -> None:
        first.append(arguments["x"].shape)

    run()
    assert first == [(0, 0)]


def test_parameters_of_which_nothing_is_known() -> None:
    with pytest.raises(InputError, match="`mode`"):
        anything.contract.inputs()
    with pytest.raises(InputError, match="no parameter `other`"):
        sums.contract.inputs(other=1)


# --------------------------------------------------------------------------- asserts.testing


def environment() -> ShapeEnv:
    env = ShapeEnv()
    env.size("n", min=1, max=96)
    env.size("b")
    env.size("m")
    env.assume("n % 8 == 0")
    env.assume("m == 2*b + 1")
    env.assume("b*n <= 64")
    return env


def test_sizes_satisfy_what_is_known() -> None:
    seen = set()

    @settings(max_examples=150, deadline=None)
    @given(testing.sizes(environment()))
    def run(sizes: dict[str, int]) -> None:
        assert sizes["n"] % 8 == 0
        assert 1 <= sizes["n"] <= 96
        assert sizes["m"] == 2 * sizes["b"] + 1
        assert sizes["b"] * sizes["n"] <= 64
        seen.add((sizes["n"], sizes["b"]))

    run()
    assert {(8, 0), (16, 0), (96, 0)} <= seen


def test_sizes_of_some_names_bring_along_what_hangs_together() -> None:
    pool = testing.Pool(environment(), [], [])
    assert pool.solutions == [{}]

    @settings(max_examples=30, deadline=None)
    @given(testing.sizes(environment(), "b"))
    def run(sizes: dict[str, int]) -> None:
        assert sizes.keys() == {"b", "m", "n"}

    run()


def test_shapes_and_arrays() -> None:
    env = environment()

    @settings(max_examples=30, deadline=None)
    @given(testing.shapes(env, "b", 3, "n//8"), testing.arrays(env, ("m", "2*n"), "int16"))
    def run(shape: tuple[int, ...], array: Any) -> None:
        assert shape[1] == 3
        assert array.shape[0] % 2 == 1
        assert array.shape[1] % 16 == 0
        assert array.dtype == np.int16

    run()


def test_impossible_sizes_are_an_error() -> None:
    env = ShapeEnv()
    env.size("n")
    pool = testing.Pool(env, [env["n"].expr], [env.spelled("n*n == 7").expr])
    with pytest.raises(InputError, match="no sizes were found"):
        assert pool.solutions


def test_a_search_that_needs_the_engine() -> None:
    env = ShapeEnv()
    for name in ("n", "m"):
        env.size(name)
    env.assume("n + m == 1000")
    env.assume("n >= 300 and m >= 300")

    @settings(max_examples=20, deadline=None)
    @given(testing.sizes(env))
    def run(sizes: dict[str, int]) -> None:
        assert sizes["n"] + sizes["m"] == 1000
        assert min(sizes.values()) >= 300

    run()


def test_inputs_of_a_program_are_let_in() -> None:
    def program(x: Any, w: Any, k: Any) -> Any:
        return (x @ w)[:, :k].reshape(-1, 2)

    traced = trace(program, ("a", "b"), ("b", "2*c"), Spec.int("k"))
    seen = set()

    @settings(max_examples=60, deadline=None)
    @given(testing.inputs(traced))
    def run(arguments: tuple[Any, ...]) -> None:
        result = traced(*arguments)
        assert np.array_equal(result, program(*arguments))
        seen.add(arguments[0].shape)

    run()
    assert len(seen) > 5


def test_contents_are_of_all_kinds() -> None:
    for dtype in ("bool", "uint8", "int64", "float16", "complex64"):
        arrays = [testing.filled((2, 3), dtype, n) for n in range(16)]
        assert all(a.shape == (2, 3) and a.dtype == dtype for a in arrays)
        assert len({a.tobytes() for a in arrays}) > 2
    with pytest.raises(InputError, match="how to make"):
        testing.array_of((set,), (2,), "float32")
