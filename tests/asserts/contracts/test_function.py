"""Contracts of functions: what annotations are read, what is refused, and in which words."""

import functools
import inspect
import pickle
from typing import Annotated, Any, Union

import numpy as np
import pytest
import torch
from jaxtyping import Bool, Complex, Float, Float32, Int, Key, Shaped

import asserts
from asserts import AnnotationError, ContractError, contract


def refused(function: Any, *args: Any, **kwargs: Any) -> ContractError:
    with pytest.raises(ContractError) as raised:
        function(*args, **kwargs)
    return raised.value


def first_line(error: ContractError) -> str:
    return str(error).splitlines()[0]


def zeros(*shape: int) -> Any:
    return np.zeros(shape)


@contract
def matmul(
    x: Float[np.ndarray, "b n"], y: Float[np.ndarray, "n m"]
) -> Float[np.ndarray, "b m"]:
    """The product."""
    return x @ y


# --------------------------------------------------------------------------- in whose words


def test_what_is_said_of_sizes() -> None:
    error = refused(matmul, zeros(2, 3), zeros(4, 5))
    assert str(error) == (
        "matmul: y.shape[0] is 4, but `n` is 3 (n = 3 from x.shape[1])\n"
        '  annotated: y: Float "n m"\n'
        "  given: x float64[2, 3], y float64[4, 5]"
    )
    assert (error.function, error.argument, error.axis) == ("matmul", "y", 0)
    assert (error.clause, error.found) == ("n", 4)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((zeros(2, 3), zeros(3)), 'matmul: y has 1 axis [3], but "n m" has 2'),
        ((zeros(2, 3), [1]), "matmul: y is a list, not ndarray"),
        ((zeros(2, 3), None), "matmul: y is a NoneType, not ndarray"),
        (
            (zeros(2, 3), zeros(3, 1).astype(int)),
            "matmul: y is of dtype int64, but must be of a dtype of Float",
        ),
    ],
)
def test_what_is_said_of_kinds(arguments: tuple[Any, ...], said: str) -> None:
    assert first_line(refused(matmul, *arguments)) == said


def test_conditions_speak_of_names_and_places() -> None:
    @contract(where="x.shape[0] <= h")
    def fixed(x: Float[np.ndarray, "_ h"]) -> None: ...

    fixed(zeros(2, 2))
    assert refused(fixed, zeros(3, 2)).clause == "x.shape[0] <= h"
    with pytest.raises(AnnotationError, match=r"free: where='x.shape\[0\] <= h': `x.shape\[0\]`"):

        @contract(where="x.shape[0] <= h")
        def free(x: Float[np.ndarray, "*batch h"]) -> None: ...


def test_every_clause_has_its_words() -> None:
    grid = functools.partial(refused, _grid)
    assert first_line(grid(zeros(2, 4), zeros(4, 3), 9)) == (
        "_grid: `n % 8 == 0` does not hold (n = 9)"
    )
    assert first_line(grid(zeros(2, 5), zeros(4, 3), 8)) == (
        "_grid: x.shape[1] is 5, which is `2*w` for no size `w`"
    )
    assert first_line(grid(zeros(2, 4), zeros(4, 4), 8)) == (
        "_grid: y.shape[1] is 4, but `w+1` is 3 (w = 2 from x.shape[1] = 4, which is `2*w`)"
    )
    assert first_line(grid(zeros(3, 4), zeros(4, 3), 8)) == (
        "_grid: x.shape[0] is 3, but `h//2` is 2 (h = 4 from y.shape[0])"
    )
    assert first_line(grid(zeros(2, 4), zeros(4, 3), 8, np.zeros(7, "float32"))) == (
        "_grid: z.shape[0] is 7, but `h*w` is 8 (h = 4 from y.shape[0]; "
        "w = 2 from x.shape[1] = 4, which is `2*w`)"
    )
    assert first_line(grid(zeros(2, 4), zeros(4, 3), 8, zeros(8))) == (
        "_grid: z is of dtype float64, but must be of dtype float32"
    )
    assert first_line(grid(zeros(2, 4), zeros(4, 3), 8.0)) == (
        "_grid: n is 8.0, but must be an integer"
    )


@contract(where=["n % 8 == 0"])
def _grid(
    x: Float[np.ndarray, "h//2 2*w"],
    y: Float[np.ndarray, "h w+1"],
    n: int,
    z: Float32[np.ndarray, "h*w"] | None = None,
) -> Float[np.ndarray, "kept"]:
    return x.sum(-1)


def test_results_are_checked_too() -> None:
    @contract
    def wrong(x: Float[np.ndarray, "n"], how: str) -> tuple[Float[np.ndarray, "n+1"], int]:
        return {"short": (x, 1), "list": [x, 1], "one": (x,), "ok": (np.append(x, 1.0), 1),
                "int": (np.ones(4, int), 1)}[how]  # fmt: skip

    wrong(zeros(3), "ok")
    assert first_line(refused(wrong, zeros(3), "short")) == (
        "wrong: result[0].shape[0] is 3, but `n+1` is 4 (n = 3 from x.shape[0])"
    )
    assert first_line(refused(wrong, zeros(3), "list")) == (
        "wrong: result is a list, but must be a tuple of 2"
    )
    assert first_line(refused(wrong, zeros(3), "one")) == (
        "wrong: result is a tuple of 1, but must be a tuple of 2"
    )
    assert "result[0] is of dtype int64" in str(refused(wrong, zeros(3), "int"))


def test_names_of_the_entry_hold_at_the_exit() -> None:
    """A result is compared with what broadcast arguments were, not the other way round."""

    @contract
    def spread(x: Float[np.ndarray, "*#b"], out: Any) -> Float[np.ndarray, "*b"]:
        return out

    spread(zeros(1, 2), zeros(1, 2))
    assert "is 5, but `*b` is 1" in str(refused(spread, zeros(1, 2), zeros(5, 2)))

    @contract
    def resized(x: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        x.resize(7, refcheck=False)
        return np.zeros(7)

    assert "n = 3" in str(refused(resized, np.zeros(3)))


# --------------------------------------------------------------------------- what is read


def test_the_function_stays_what_it_was() -> None:
    assert matmul.__name__ == "matmul"
    assert matmul.__doc__ == "The product."
    assert list(inspect.signature(matmul).parameters) == ["x", "y"]
    assert matmul.contract.function is matmul.__wrapped__
    assert "def _sp_guard(x, y):" in matmul.contract.guard
    assert str(matmul.contract).splitlines()[0] == "contract of matmul"
    assert matmul.contract.accepts(zeros(1, 2), zeros(2, 3))
    assert not matmul.contract.accepts(zeros(1, 2), zeros(3, 2))


def test_all_kinds_of_parameters() -> None:
    default = np.zeros(3)

    @contract
    def kinds(a: Float[np.ndarray, "n"], /, b: Float[np.ndarray, "n"] = default, *rest: int,
              c: int, d: Float[np.ndarray, "n+c"], **more: int) -> Float[np.ndarray, "n"]:  # fmt: skip
        assert rest in ((), (7,))
        assert more in ({}, {"e": 1})
        return a + b

    kinds(zeros(3), c=1, d=zeros(4))
    kinds(zeros(3), default, 7, c=1, d=zeros(4), e=1)
    kinds(zeros(3), c=np.int64(1), d=zeros(4))
    assert refused(kinds, zeros(2), c=1, d=zeros(3)).argument == "b"
    assert refused(kinds, zeros(3), c=2, d=zeros(4)).argument == "d"
    assert refused(kinds, zeros(3), c=True, d=zeros(4)).argument == "c"
    with pytest.raises(TypeError):
        kinds(zeros(3))


def test_exceptions_of_the_function_are_its_own() -> None:
    @contract
    def raising(x: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        raising(zeros(1))


def test_methods_of_all_kinds() -> None:
    class Layer:
        @contract
        def method(self, x: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
            return x

        @contract
        @staticmethod
        def of_none(x: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n"]:
            return x[:, 0]

        @classmethod
        @contract
        def of_class(cls, x: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n+1"]:
            return np.append(x, 0.0)

    assert Layer().method(zeros(2)).shape == (2,)
    assert Layer.of_none(zeros(2, 2)).shape == (2,)
    assert Layer.of_class(zeros(2)).shape == (3,)
    assert refused(Layer().method, zeros(2, 2)).function == "method"


def test_our_own_notation_needs_no_other_package() -> None:
    @contract
    def own(
        x: Annotated[np.ndarray, "f4[batch, 2*dim]"],
        y: Annotated[np.ndarray, "a document", "any[max(batch, 2), ...]"],
        z: Annotated[int, "not a shape"],
    ) -> Annotated[np.ndarray, "f4[batch, dim]"]:
        return x[:, ::2]

    own(np.zeros((1, 4), "f4"), np.zeros((2, 1, 1), bool), 1)
    assert refused(own, np.zeros((1, 4)), np.zeros(2), 1).argument == "x"
    assert refused(own, np.zeros((1, 4), "f4"), np.zeros(1), 1).argument == "y"


def test_arrays_of_several_frameworks() -> None:
    @contract
    def both(
        x: Float[np.ndarray, "n"] | Float[torch.Tensor, "n"], y: Shaped[Any, "n ..."]
    ) -> Shaped[Any, "n ..."]:
        return y

    both(zeros(2), torch.zeros(2, 1, dtype=torch.int8))
    both(torch.zeros(2, dtype=torch.bfloat16), zeros(2))
    error = refused(both, torch.zeros(2), torch.zeros(3))
    assert "given: x float32[2], y float32[3]" in str(error)
    assert "of dtype int64" in str(refused(both, torch.zeros(2, dtype=torch.int64), zeros(2)))
    assert "x is an int, not ndarray or Tensor" in str(refused(both, 1, zeros(2)))
    assert "y is an int, not an array" in str(refused(both, zeros(2), 1))


def test_arrays_of_jax_are_what_has_a_shape_and_a_dtype() -> None:
    """(jax is not installed with the tests: a class of its kind stands for it.)"""

    class Array:
        def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
            self.shape, self.dtype = shape, np.dtype(dtype)

    @contract
    def jaxed(x: Float[Array, "a b"]) -> Float[Array, "b a"]:
        return Array(x.shape[::-1], "float32")

    jaxed(Array((2, 3), "float32"))
    assert refused(jaxed, Array((2, 3), "int32")).found == "int32"
    assert refused(jaxed, np.zeros((2, 3))).argument == "x"


def test_names_that_are_words_of_python_or_functions_of_ours() -> None:
    @contract
    def words(w: Float[np.ndarray, "in out"], x: Float[np.ndarray, "b in"]) -> Float[np.ndarray, "b out"]:
        return x @ w

    words(zeros(2, 3), zeros(5, 2))
    assert refused(words, zeros(2, 3), zeros(5, 3)).argument == "x"


def test_arrays_that_may_be_none() -> None:
    @contract(where="m >= 2")
    def optional(
        x: Float[np.ndarray, "n"],
        y: Float[np.ndarray, "n m"] | None = None,
        z: Float[np.ndarray, "m"] = None,  # type: ignore[assignment]
    ) -> Float[np.ndarray, "n m"]:
        return zeros(len(x), 2)

    optional(zeros(3))
    optional(zeros(3), zeros(3, 2))
    optional(zeros(3), None, zeros(2))
    optional(zeros(3), zeros(3, 2), zeros(2))
    assert refused(optional, zeros(3), zeros(3, 2), zeros(3)).argument == "z"
    assert refused(optional, zeros(3), None, zeros(1)).clause == "m >= 2"
    assert refused(optional, zeros(3), None, zeros(3)).argument == "result"


# --------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (Float[np.ndarray, "n//2"], "`n`"),
        (Float[np.ndarray, "a+b"], "`b`"),
        (Float[np.ndarray, "n*m n"], 'where="n != 0"'),
        (Float[np.ndarray, "n/2"], "use `//`"),
        (Float[np.ndarray, "{self.n}"], "Python expression"),
        (Float[np.ndarray, "a.b"], "not a name"),
        (Float[np.ndarray, "?n"], "leaf of a tree"),
        (Float[np.ndarray, "n n+1 n-n//0"], "size"),
        (list[Float[np.ndarray, "n"]], "holds arrays"),
        (dict[str, Float[np.ndarray, "n"]], "holds arrays"),
        (tuple[Float[np.ndarray, "n"], ...], "holds arrays"),
        (Union[Float[np.ndarray, "n"], Float[np.ndarray, "n m"]], "different shapes"),
        (Union[Float[np.ndarray, "n"], int], "something else"),
        (Key[np.ndarray, "n"], "random keys"),
        (Annotated[np.ndarray, "f3[n]"], "not a dtype"),
        (Annotated[np.ndarray, "f4[*a, *b]"], "two axes"),
        (Annotated[np.ndarray, "f4[*a+1]"], "`*` and a name"),
        (Annotated[np.ndarray, "f4[#a+1]"], "only a name can be broadcast"),
        (Annotated[np.ndarray, "f4[n -]"], "is not a size"),
        (tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"] | None], "may be None"),
        (int, "no annotation"),
        ("Float[np.ndarray, 'n']", "cannot be read"),
    ],
)
def test_refused_when_it_is_decorated(annotation: Any, said: str) -> None:
    def function(x):  # type: ignore[no-untyped-def]
        return x

    function.__annotations__ = {"x": annotation}
    if isinstance(annotation, str):
        function.__globals__.pop("Missing", None)
        function.__annotations__ = {"x": annotation.replace("Float", "Missing")}
    with pytest.raises(AnnotationError) as raised:
        contract(function)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("k > 1", "`k` is neither a size nor an integer parameter (known: `m`, `n`)"),
        ("n +", "is not a condition"),
        ("n + 1", "is a number, not a condition"),
        ("n < 0", "no sizes satisfy the contract"),
        (["n < m", "m < n"], "no sizes satisfy the contract"),
        ([3], "is text, not int"),
    ],
)
def test_conditions_that_are_refused(where: Any, said: str) -> None:
    with pytest.raises(AnnotationError) as raised:

        @contract(where=where)
        def function(x: Float[np.ndarray, "n m"]) -> None: ...

    assert said in str(raised.value)


def test_contradictions_are_refused() -> None:
    with pytest.raises(AnnotationError, match="no sizes satisfy"):

        @contract
        def function(x: Float[np.ndarray, "n 4"], y: Float[np.ndarray, "n+1 n+2"], z: Float[np.ndarray, "2*n"], n: int) -> None: ...  # fmt: skip

        @contract(where=["n >= 4", "m <= 3"])
        def other(x: Float[np.ndarray, "n m"], y: Float[np.ndarray, "m n"], z: Float[np.ndarray, "n"], w: Float[np.ndarray, "m+1 m+1"], k: Float[np.ndarray, "n-m"], v: Float[np.ndarray, "m-n"]) -> None: ...  # fmt: skip


def test_other_things_are_refused() -> None:
    async def later(x: Float[np.ndarray, "n"]) -> None: ...

    def many(*x: Float[np.ndarray, "n"]) -> None: ...

    def parts(x: tuple[Float[np.ndarray, "n"], int] = None) -> None: ...  # type: ignore[assignment]

    for function, said in ((later, "coroutine"), (many, "any number of arrays"), (parts, "None")):
        with pytest.raises(AnnotationError, match=said):
            contract(function)
    with pytest.raises(AnnotationError, match="for functions"):
        contract("model.onnx", where="n > 1")  # type: ignore[call-overload]
    with pytest.raises(asserts.GraphError):
        contract(3)


def test_dtypes_are_compared_by_name() -> None:
    @contract
    def kinds(
        a: Bool[np.ndarray, "n"], b: Int[np.ndarray, "n"], c: Complex[np.ndarray, "n"]
    ) -> None: ...

    good = (np.zeros(1, bool), np.zeros(1, "int8"), np.zeros(1, "complex64"))
    kinds(*good)
    kinds(good[0], np.zeros(1, ">i4"), np.zeros(1, complex))
    for place, wrong in enumerate(("uint8", "uint8", "float64")):
        arguments = [*good]
        arguments[place] = np.zeros(1, wrong)
        assert refused(kinds, *arguments).argument == "abc"[place]


# --------------------------------------------------------------------------- other tracers


class _Module(torch.nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return _product(x, y) * 2


@contract(where="n >= 2")
def _product(
    x: Float[torch.Tensor, "b n"], y: Float[torch.Tensor, "n 2*m"]
) -> Float[torch.Tensor, "b 2*m"]:
    return x @ y


@pytest.mark.parametrize("strict", [False, True])
def test_torch_exports_what_has_a_contract(strict: bool) -> None:
    """Sizes stay symbolic, and torch sees the comparisons."""
    dynamic = ({0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC},) * 2
    arguments = (torch.ones(4, 3), torch.ones(3, 6))
    program = torch.export.export(_Module(), arguments, dynamic_shapes=dynamic, strict=strict)
    found = program.module()(torch.ones(5, 7), torch.ones(7, 8))
    assert found.shape == (5, 8)
    with pytest.raises(Exception, match=r"(?i)contract|constraint|guard|invalid|size|shape"):
        torch.export.export(
            _Module(), (torch.ones(4, 3), torch.ones(3, 5)), dynamic_shapes=dynamic, strict=False
        )


def test_results_that_are_traced_though_no_argument_is() -> None:
    from asserts.trace import trace

    @contract
    def ones(like: Float[np.ndarray, "n"], of: Any) -> Float[np.ndarray, "n m"]:
        return of[0] * like[:, None]

    def program(x: Any) -> Any:
        return ones(np.ones(3), [x])

    assert trace(program, (3, "m"))(np.ones((3, 2))).shape == (3, 2)
    with pytest.raises(ContractError):
        trace(program, (1, "m", 2))


# --------------------------------------------------------------------------- names of parameters


@contract(where="max(n, len) <= 9 and type >= 0")
def _shadows(
    tuple: Float[np.ndarray, "n len*2"], len: int, type: int, isinstance: int = 0,
    int: Any = None, shapes: Any = None, integers: Any = None,
) -> Float[np.ndarray, "n"]:  # fmt: skip
    return tuple[:, 0]


@contract
def _hidden(x: Float[np.ndarray, "n"], y: Float[np.ndarray, "max(n,2)"], max: Any, _m: Any, _0: Any) -> None:
    assert (max, _m, _0) == (1, 2, 3)


@contract(where="shapes >= 1")
def _foreign(x: Float[torch.Tensor, "n*shapes"], shapes: int, integers: int = 1) -> Float[torch.Tensor, "n"]:
    return x.reshape(-1, shapes)[:, 0]


def test_parameters_that_are_called_like_what_guards_use() -> None:
    assert _shadows(zeros(3, 4), 2, 0).shape == (3,)
    assert refused(_shadows, zeros(3, 4), 3, 0).argument == "tuple"
    assert refused(_shadows, zeros(10, 4), 2, 0).argument is None
    assert refused(_shadows, zeros(3, 4), 2, -1).argument is None
    _hidden(zeros(1), zeros(2), 1, 2, 3)
    assert refused(_hidden, zeros(1), zeros(1), 1, 2, 3).axis == 0

    class Module(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return _foreign(x, 2)

    shapes = ({0: torch.export.Dim.DYNAMIC},)
    program = torch.export.export(Module(), (torch.ones(8),), dynamic_shapes=shapes, strict=False)
    assert program.module()(torch.ones(12)).shape == (6,)
