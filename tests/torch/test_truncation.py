"""Truncation towards zero is not rounding down, whatever torch makes of it."""

from __future__ import annotations

import math
from itertools import product

import pytest
import sympy
import torch
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv
from torch.utils._sympy.functions import IntTrueDiv, TruncToInt
from torch.utils._sympy.value_ranges import ValueRanges

from asserts.dialects.torch import installed
from asserts.dialects.torch.symbols.truncation import as_floored


def _value(expr: sympy.Basic, symbol: sympy.Symbol, number: int) -> int:
    """What torch's expression comes to, by Python."""
    if expr == symbol:
        return number
    if not expr.args:
        return int(expr)
    given = [_value(one, symbol, number) for one in expr.args]
    rules = {
        "TruncToInt": lambda a: math.trunc(a), "IntTrueDiv": lambda a, b: a / b,
        "FloorDiv": lambda a, b: a // b, "Add": lambda *a: sum(a),
        "Mul": lambda *a: math.prod(a), "CleanDiv": lambda a, b: a // b,
    }  # fmt: skip
    return rules[type(expr).__name__](*given)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("lower", "upper"), [(-6, 6), (0, 6), (-6, 0), (2, 6), (-6, -2)])
def test_what_is_simplified_keeps_its_value(lower: int, upper: int) -> None:
    with installed():
        shape_env = TorchShapeEnv()
        symbol = shape_env.create_unbacked_symint().node.expr
        shape_env.constrain_symbol_range(symbol, lower, upper)
        for a, b, c in product((-2, -1, 1, 3), (-3, 0, 2), (-3, -1, 1, 2, 4)):
            whole = TruncToInt(IntTrueDiv(a * symbol + b, sympy.Integer(c)))
            for expr in (whole, whole + 1, TruncToInt(IntTrueDiv(whole, sympy.Integer(2)))):
                found = shape_env.simplify(expr)
                for number in range(lower, upper + 1):
                    assert _value(found, symbol, number) == _value(expr, symbol, number), expr


def test_a_quotient_that_is_not_negative_is_rounded_down() -> None:
    with installed():
        shape_env = TorchShapeEnv()
        symbol = shape_env.create_unbacked_symint().node.expr
        half = TruncToInt(IntTrueDiv(symbol, sympy.Integer(2)))
        assert shape_env.simplify(half) == half

        shape_env.constrain_symbol_range(symbol, 0, 9)
        assert shape_env.simplify(half) == as_floored(half) != half


class Branch(nn.Module):
    def forward(self, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(k >= 1)
        torch._check(k <= 3)
        return n + 1 if math.trunc(-k / 2) <= -1 else n - 1


def test_no_branch_is_taken_by_what_only_rounding_down_says() -> None:
    """(-1/2 is cut off to 0, and rounded down to -1: torch alone takes the first branch.)"""
    model, one = Branch(), torch.tensor(1)
    alone = torch.export.export(model, (torch.tensor(2),))
    assert not torch.equal(alone.module()(one), model(one))

    with installed(), pytest.raises(GuardOnDataDependentSymNode):
        torch.export.export(model, (torch.tensor(2),))
    with installed(decide="branches"):
        made = torch.export.export(model, (torch.tensor(2),)).module()
    for k in (1, 2, 3):
        assert torch.equal(made(torch.tensor(k)), model(torch.tensor(k)))


def test_ranges_are_integers() -> None:
    """A range of torch's that has no numbers at its ends says nothing."""
    with installed():
        shape_env = TorchShapeEnv()
        symbol = shape_env.create_unbacked_symint().node.expr
        assert shape_env.var_to_range[symbol] == ValueRanges.unknown_int()
        whole = TruncToInt(IntTrueDiv(symbol * symbol, symbol + 1))
        assert shape_env.simplify(whole) == whole
