"""Conditions with functions of floats: emitted where a graph may contain them, refused loudly
where it may not; never dropped."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import asserts
from asserts.dialects.torch import installed
from asserts.dialects.torch.symbols.ops import create_operator, in_domain
from asserts.errors import GraphError
from shapes.expr.nodes import OPERATORS, make, symbol
from shapes.traversal.evaluate import evaluate
from tests.torch.floats_help import (
    asserts_and_handles,
    asserts_in_a_context,
    asserts_itself,
    asserts_not,
    checks_not,
    is_it_positive,
    raises_above,
    raises_for_infinity,
    raises_for_none,
    raises_unless_at_most,
)
from tests.torch.programs import scalar
from tests.torch.torch_help import reloaded

X = symbol("x", "float")


class Checked(nn.Module):
    """A count with a check on it."""

    def __init__(self, condition: Callable[[Any], Any]) -> None:
        super().__init__()
        self.condition = condition

    def forward(self, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(self.condition(k))
        return n + 1


def accepted(function: Callable[..., Any]) -> list[int]:
    found = []
    for k in range(-12, 20):
        try:
            function(scalar(k))
        except (RuntimeError, ValueError, ArithmeticError, TypeError, AssertionError):
            continue
        found.append(k)
    return found


SAVED = {
    "sqrt": lambda k: torch.sym_sqrt(k) <= 3,
    "root": lambda k: torch.sym_float(k) ** 0.5 <= 3,
    "round": lambda k: round(k / 2) <= 4,
    "floor": lambda k: (k / 2) // 1.5 <= 2.0,
    "remainder": lambda k: (k / 2) % 1.5 <= 1.0,
}
UNSAVED = {
    "cos": lambda k: math.cos(k) <= 0.5,
    "log2": lambda k: math.log2(k) <= 3,
    "tanh": lambda k: math.tanh(k) <= 0.9,
    "sinh": lambda k: math.sinh(k) <= 9.0,
    "asin": lambda k: math.asin(k / 10) <= 0.5,
}


@pytest.mark.parametrize("name", SAVED)
def test_what_an_exported_program_may_contain_is_emitted_and_saved(name: str) -> None:
    module = Checked(SAVED[name])

    with installed():
        made = torch.export.export(module, (scalar(4),))

    assert accepted(made.module()) == accepted(module)
    assert accepted(reloaded(made).module()) == accepted(module)


@pytest.mark.parametrize("name", UNSAVED)
def test_what_it_may_not_contain_is_refused(name: str) -> None:
    module = Checked(UNSAVED[name])

    with pytest.raises(GraphError, match=rf"the check `{name}\(.*_assert_async"), installed():
        torch.export.export(module, (scalar(4),), strict=True)


@pytest.mark.parametrize("name", ["cos", "log2", "tanh"])
def test_torch_drops_it_without_a_word(name: str) -> None:
    module = Checked(UNSAVED[name])

    made = torch.export.export(module, (scalar(4),), strict=True)

    assert len(accepted(made.module())) > len(accepted(module))


@pytest.mark.parametrize("name", UNSAVED)
def test_compiled_code_may_contain_it(name: str) -> None:
    module = Checked(UNSAVED[name])
    torch._dynamo.reset()
    with installed(), torch._dynamo.config.patch(capture_scalar_outputs=True):
        compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
        assert accepted(compiled) == accepted(module)
    torch._dynamo.reset()


@pytest.mark.parametrize(
    "name", ["cos", "cosh", "sin", "sinh", "tan", "tanh", "asin", "acos", "atan", "log2"]
)
def test_functions_have_their_meaning_inside_of_their_domain(name: str) -> None:
    op = OPERATORS[name]
    inside = in_domain(make("Le", make(name, X), 0.0))
    for x in (-800.0, -2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 3.0, 800.0):
        if not evaluate(inside, {X: x}):
            with pytest.raises((ValueError, OverflowError)):
                create_operator(lambda f, *args: f(*args), op, (x,))
            continue
        found = create_operator(lambda f, *args: f(*args), op, (x,))
        assert found == evaluate(make(name, X), {X: x})


@pytest.mark.parametrize("name", ["exp", "log", "asinh"])
def test_what_torch_has_no_function_for_is_refused_by_name(name: str) -> None:
    with pytest.raises(GraphError, match=name):
        create_operator(lambda f, *args: f(*args), OPERATORS[name], (1.0,))


def test_powers_mean_the_same_while_torch_traces() -> None:
    """torch puts another function in the place of `math.pow` for that time."""
    root = make("FloatPow", X, 0.5)

    class Traced(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            assert math.isnan(evaluate(root, {X: -1.0}))
            return x + 1

    torch.export.export(Traced(), (scalar(1.0),), strict=False)


# --------------------------------------------------------------------------- no number

VALUES = (3.0, 5.0, 7.0, math.nan, math.inf, -math.inf, 0.0, -0.0)


class CheckedFloat(nn.Module):
    """A run-time float with a check on it, which may raise by itself."""

    def __init__(self, condition: Callable[[Any], Any]) -> None:
        super().__init__()
        self.condition = condition

    def forward(self, t: Tensor) -> Tensor:
        torch._check(self.condition(t.item()))
        return t + 1


UNORDERED = {
    "not <": lambda f: torch.sym_not(f < 5),
    "not <=": lambda f: torch.sym_not(f <= 0),
    "not >": lambda f: torch.sym_not(f > 5),
    "not >=": lambda f: torch.sym_not(f >= -0.0),
    "not ==": lambda f: torch.sym_not(f == 0),
    "not !=": lambda f: torch.sym_not(f != 5),
    "not or": lambda f: torch.sym_not((f > 5) | (f < 3)),
    "twice": lambda f: torch.sym_not(torch.sym_not(f <= 5)),
    "itself": lambda f: f == f,
    "itself at most": lambda f: f <= f,
    "not itself": lambda f: torch.sym_not(f != f),
    "less than infinity": lambda f: f < math.inf,
    "not infinity": lambda f: f != math.inf,
}
RAISING = {
    "above": raises_above,
    "unless at most": raises_unless_at_most,
    "none": raises_for_none,
    "infinity": raises_for_infinity,
    "assert not": asserts_not,
    "assert itself": asserts_itself,
    "not": checks_not,
}  # fmt: skip


def is_accepted(function: Callable[..., Any], value: float) -> bool:
    try:
        function(torch.tensor(value, dtype=torch.float64))
    except (RuntimeError, ValueError, AssertionError):
        return False
    return True


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("condition", "decide"),
    [
        *((one, False) for one in UNORDERED.values()),
        *((one, True) for one in RAISING.values()),
    ],
    ids=[*UNORDERED, *(f"raises {name}" for name in RAISING)],
)
def test_what_is_no_number_is_compared_as_python_does(
    condition: Any, decide: bool, strict: bool
) -> None:
    module = CheckedFloat(condition)
    wanted = [is_accepted(module, value) for value in VALUES]
    example = torch.tensor(VALUES[wanted.index(True)], dtype=torch.float64)

    with installed(decide=decide):
        made = torch.export.export(module, (example,), strict=strict)

    programs = [made, asserts.minimise(made).program]
    if condition is not UNORDERED["not !="]:  # (torch cannot save a float that is a constant)
        programs.append(reloaded(made))
    for program in programs:
        assert [is_accepted(program.module(), value) for value in VALUES] == wanted


# --------------------------------------------------------------------------- integers


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("decide", [False, True])
@pytest.mark.parametrize("condition", [is_it_positive, asserts_in_a_context])
def test_what_torch_exports_alone_is_exported(
    condition: Any, decide: bool, strict: bool
) -> None:
    with installed(decide=decide):
        made = torch.export.export(Checked(condition), (scalar(4),), strict=strict)

    assert accepted(made.module()) == accepted(Checked(condition)) == list(range(1, 20))


def test_no_program_takes_a_question_for_an_assert_that_failed() -> None:
    """(Torch makes an assert of it, which stops where the program handles the error; an error
    of torch's in its place would be handled for every number.)"""
    with installed():
        made = torch.export.export(Checked(asserts_and_handles), (scalar(4),), strict=False)
    assert accepted(made.module()) == list(range(1, 20))

    with pytest.raises(RuntimeError, match="data-dependent"), installed(decide=True):
        torch.export.export(Checked(asserts_and_handles), (scalar(4),), strict=False)
