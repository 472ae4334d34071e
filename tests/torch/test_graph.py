"""What the dialect reads off torch's graphs and environments."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv
from torch.utils._sympy import functions

from asserts.dialects.torch import TorchEnv
from asserts.dialects.torch.answers.guarantees import guarantees
from asserts.dialects.torch.export.programs import dialect_for
from asserts.dialects.torch.symbols.ops import as_written, create_operator
from shapes.expr.nodes import OPERATORS, as_expr, make, symbol
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from tests.torch.programs import DYNAMIC, Program, rows, scalar
from tests.torch.torch_help import accepts, asserts_of, decomposed, disagreements, exported

X, Y = symbol("x", "int"), symbol("y", "int")

VALUES = [(a, b) for a in (-7, -3, -2, 0, 1, 2, 5, 8) for b in (-4, -3, 1, 2, 5)]


@pytest.mark.parametrize(
    "name",
    ["Add", "Sub", "Mul", "FloorDiv", "Mod", "CeilDiv", "TruncDiv", "TruncMod", "Min", "Max",
     "BitAnd", "BitOr", "BitXor", "Le", "Lt", "Eq", "Ne", "IntTrueDiv"],
)  # fmt: skip
def test_operators_are_composed_of_functions_with_their_meaning(name: str) -> None:
    op = OPERATORS[name]
    assert op.python is not None
    for a, b in VALUES:
        found = create_operator(lambda target, *args: target(*args), op, (a, b))
        assert found == op.python(a, b), (name, a, b)


@pytest.mark.parametrize("name", ["CeilToInt", "FloorToInt", "TruncToInt", "RoundToInt"])
def test_roundings_are_too(name: str) -> None:
    op = OPERATORS[name]
    assert op.python is not None
    for x in (-2.5, -2.0, -0.5, 0.0, 0.5, 1.5, 2.0, 2.75, 1e17):
        found = create_operator(lambda target, *args: target(*args), op, (x,))
        assert found == op.python(x), (name, x)


@pytest.mark.parametrize(
    "text", ["CeilDiv", "TruncDiv", "TruncMod", "BitXor", "FloorDiv", "Mod", "Min"]
)
def test_what_is_written_is_read_back_with_the_same_values(text: str) -> None:
    claim = make("Le", make(text, X, Y), 3)
    written = as_written(claim)
    for a, b in VALUES:
        values = {s: (a if s is X else b) for s in free_symbols(claim)}
        assert evaluate(written, values) == evaluate(claim, values)


def sympy_symbols(shape_env: TorchShapeEnv, count: int) -> list[Any]:
    return [shape_env.create_unbacked_symint().node.expr for _ in range(count)]


def test_torchs_functions_are_read_with_their_meaning() -> None:
    shape_env = TorchShapeEnv()
    (u,) = sympy_symbols(shape_env, 1)
    symbols = TorchEnv(shape_env)
    ours = symbols.symbol(u)
    cases = {
        functions.FloorDiv(u, 3): lambda n: n // 3,
        functions.PythonMod(u, 3): lambda n: n % 3,
        functions.ModularIndexing(u, 2, 3): lambda n: n // 2 % 3,
        functions.CeilToInt(functions.IntTrueDiv(u, 2)): lambda n: math.ceil(n / 2),
        functions.FloorToInt(functions.IntTrueDiv(u, 2)): lambda n: math.floor(n / 2),
        functions.RoundToInt(functions.IntTrueDiv(u, 2)): lambda n: round(n / 2),
        functions.ToFloat(u) * 0.5: lambda n: n * 0.5,
        functions.BitwiseFn_bitwise_and(u, 6): lambda n: n & 6,
        functions.BitwiseFn_bitwise_xor(u, 6): lambda n: n ^ 6,
        functions.Identity(u + 1): lambda n: n + 1,
        functions.Max(u, 2): lambda n: max(n, 2),
    }
    for expr, meaning in cases.items():
        read = symbols.read(expr)
        for n in range(-9, 10):
            assert evaluate(read, {ours: n}) == meaning(n), (expr, n)


def test_numbers_are_themselves() -> None:
    assert TorchEnv(None).read(3) is as_expr(3)


class Chosen(nn.Module):
    """A bound that the operation itself ensures, in a nested graph and outside."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        found = torch.nonzero(x)
        torch._check(found.shape[0] <= 3 * x.shape[0])
        return found


def test_what_an_operation_ensures_is_not_checked() -> None:
    program = Program(
        Chosen, (rows(4), scalar(1)), ({0: DYNAMIC}, None), ((rows(1), scalar(1)),)
    )

    assert len(asserts_of(exported(program, ours=False))) == 2
    assert asserts_of(exported(program)) == []
    assert disagreements(program, exported(program)) == []


def masked(x: Tensor, n: Tensor) -> Tensor:
    found = x[:, x[0] > 0]
    torch._check(found.shape[1] <= x.shape[1])
    return found


def selected(x: Tensor, n: Tensor) -> Tensor:
    found = torch.masked_select(x, x > 0)
    torch._check(found.shape[0] <= x.shape[0] * x.shape[1])
    return found


def cut(x: Tensor, n: Tensor) -> Tensor:
    start, stop = n.tolist()
    found = x[start:stop]
    torch._check(found.shape[0] <= x.shape[0])
    return found


def narrowed(x: Tensor, n: Tensor) -> Tensor:
    start, length = n.tolist()
    torch._check(length >= 0)
    found = x.narrow(0, start, length)
    torch._check(found.shape[0] <= length)
    return found


class Ensuring(nn.Module):
    """A check that the operation before it ensures."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor, n: Tensor) -> Any:
        return self.function(x, n)


@pytest.mark.parametrize("function", [masked, selected, cut, narrowed])
def test_what_other_operations_ensure_is_not_checked_either(function: Any) -> None:
    pairs = [(0, 2), (-3, 2), (1, 0), (-9, 1), (3, 1), (2, -2)]
    every = tuple((rows(n, 2), torch.tensor(p)) for n in (1, 2, 4) for p in pairs)
    valid = [inputs for inputs in every if accepts(Ensuring(function), inputs)]
    invalid = [inputs for inputs in every if not accepts(Ensuring(function), inputs)]
    program = Program(
        lambda: Ensuring(function),  # type: ignore[arg-type]
        (rows(4, 2), torch.tensor([0, 2])),
        ({0: DYNAMIC, 1: DYNAMIC}, None),
        tuple(valid),
        tuple(invalid),
    )

    made = exported(program)

    texts = [str(node.args[1]) for node in asserts_of(made)]
    assert not [t for t in texts if f"in {function.__name__}" in t and "found" in t]
    assert disagreements(program, made) == []


def test_what_is_said_of_slices_is_true_of_all_of_them() -> None:
    made = exported(
        Program(
            lambda: Ensuring(cut),  # type: ignore[arg-type]
            (rows(4, 2), torch.tensor([0, 2])),
            ({0: DYNAMIC}, None),
        )
    )
    dialect = dialect_for(made, made.graph_module)
    stated = guarantees(made.graph, dialect)
    claims = [claim for claim, who in stated if who == "aten.slice.Tensor"]
    assert len(claims) == 2
    size = next(n for n in made.graph.nodes if n.target is torch.ops.aten.slice.Tensor)
    (found, _), *_ = dialect.bindings(size).items()
    reads = [n for n in made.graph.nodes if n.target is torch.ops.aten.item.default]
    start, stop = (next(iter(dialect.bindings(n))) for n in reads)
    length = next(s for c in claims for s in free_symbols(c) if s.name.startswith("s"))
    for n in range(5):
        for a in range(-7, 8):
            for b in range(-7, 8):
                values = {start: a, stop: b, length: n, found: len(range(n)[a:b])}
                assert all(evaluate(claim, values) for claim in claims), values


class Branched(nn.Module):
    """Checks inside of one branch hold there, and nowhere else."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        def some(x: Tensor) -> Tensor:
            k = (x > 0).sum().item()
            torch._check(k >= 1)
            torch._check(k <= 3)
            torch._check(k <= 5)
            return x[:1] * k

        def none(x: Tensor) -> Tensor:
            return x[:1] * 1

        return torch.cond(n.sum() > 0, some, none, (x,))  # type: ignore[no-any-return]


def test_a_check_in_a_branch_is_made_in_the_branch() -> None:
    one = torch.tensor([[1.0, -1.0, -1.0]])
    program = Program(
        Branched,
        (one.repeat(2, 1), scalar(1)),
        ({0: DYNAMIC}, None),
        ((one.repeat(3, 1), scalar(1)), (-one.repeat(3, 1), scalar(0)), (one, scalar(0))),
        ((one.repeat(4, 1), scalar(1)), (-one.repeat(2, 1) - 5, scalar(1))),
    )

    made = exported(program)

    assert disagreements(program, made) == []
    assert disagreements(program, decomposed(made)) == []
    outer = [n for n in made.graph.nodes if n in asserts_of(made)]
    assert outer == []
    assert len(asserts_of(made)) == 2
