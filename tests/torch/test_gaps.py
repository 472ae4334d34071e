"""What torch's own passes lose or add, shown with its passes and with ours.

Names A1 to A8 are those of the list of gaps. In every test eager is the judge.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import pytest
import sympy
import torch
import z3
from torch import Tensor, nn
from torch._export.passes.add_runtime_assertions_for_constraints_pass import (
    _AddRuntimeAssertionsForInlineConstraintsPass,
)
from torch.fx.experimental.symbolic_shapes import (
    GuardOnDataDependentSymNode,
    _constrain_range_for_size,
)
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv
from torch.fx.experimental.validator import TranslationValidator
from torch.utils._sympy.functions import IntTrueDiv, TruncToInt
from torch.utils._sympy.value_ranges import ValueRanges

from asserts.conditions.lift import lift
from asserts.dialects.torch import (
    TorchDialect,
    TorchEnv,
    insert_deferred_runtime_asserts,
    installed,
)
from shapes.expr.booleans import as_condition
from shapes.expr.nodes import make
from shapes.facts.store import Fact, Facts
from shapes.prove.ladder import prove
from shapes.traversal.evaluate import evaluate
from tests.torch.programs import DYNAMIC, Inputs, Program, named, rows, scalar
from tests.torch.torch_help import accepts, asserts_of, decomposed, disagreements, exported


def wrongly_accepted(program: Program, made: Any) -> list[Inputs]:
    run = made.module()
    return [inputs for inputs in program.invalid if accepts(run, inputs)]


def wrongly_rejected(program: Program, made: Any) -> list[Inputs]:
    run = made.module()
    return [inputs for inputs in program.valid if not accepts(run, inputs)]


def test_a1_a_check_that_holds_for_sizes_from_two_is_made_for_smaller_ones() -> None:
    program = named("Unrelated")

    assert len(wrongly_accepted(program, exported(program, ours=False))) == 2
    assert disagreements(program, exported(program)) == []


class AtLeastOne(nn.Module):
    """A check that the kind of the tracer's symbols makes true as it is written."""

    def forward(self, x: Tensor) -> Tensor:
        torch._check(x.shape[0] >= 1, lambda: "not empty")
        return x + 1


def test_a1_so_is_one_that_is_true_as_soon_as_it_is_written() -> None:
    program = Program(AtLeastOne, (rows(4),), ({0: DYNAMIC},), ((rows(1),),), ((rows(0),),))

    assert len(wrongly_accepted(program, exported(program, ours=False))) == 1
    assert disagreements(program, exported(program)) == []
    assert disagreements(program, decomposed(exported(program))) == []


def test_a2_a_condition_with_ceil_is_kept() -> None:
    program = named("HalvedUp")

    assert len(wrongly_accepted(program, exported(program, ours=False))) == 2
    assert asserts_of(exported(program, ours=False)) == []
    assert disagreements(program, exported(program)) == []


class Truncated(nn.Module):
    """Truncation towards zero, of negative numbers too."""

    def forward(self, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(math.trunc(k / 2) == -1, lambda: "half of it, cut off")
        return n + 1


class Floored(nn.Module):
    """Rounding down, of a quotient."""

    def forward(self, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(math.floor(k / 2) >= -2, lambda: "half of it, rounded down")
        return n + 1


class TrueDivided(nn.Module):
    """A quotient of integers against a fraction."""

    def forward(self, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(k / 4 <= 2.5, lambda: "a quarter of it")
        return n + 1


class FloatRead(nn.Module):
    """A float that is read at run time."""

    def forward(self, t: Tensor) -> Tensor:
        scale = t.item()
        torch._check(scale > 0.0, lambda: "positive")
        torch._check(scale * 2.0 <= 3.0, lambda: "small")
        return t * 2


@pytest.mark.parametrize(
    "program",
    [
        Program(
            Truncated,
            (scalar(-3),),
            (None,),
            ((scalar(-2),),),
            ((scalar(-4),), (scalar(-1),), (scalar(3),)),
        ),
        Program(
            Floored,
            (scalar(3),),
            (None,),
            ((scalar(-4),), (scalar(-3),)),
            ((scalar(-5),),),
        ),
        Program(
            TrueDivided,
            (scalar(3),),
            (None,),
            ((scalar(10),), (scalar(-7),)),
            ((scalar(11),),),
        ),
        Program(
            FloatRead,
            (scalar(1.0),),
            (None,),
            ((scalar(0.25),), (scalar(1.5),)),
            ((scalar(0.0),), (scalar(1.75),), (scalar(math.nan),)),
        ),
    ],
    ids=lambda p: p.name,
)
def test_a2_a5_conversions_between_integers_and_floats_are_kept_and_exact(
    program: Program,
) -> None:
    assert disagreements(program, exported(program)) == []
    assert disagreements(program, decomposed(exported(program))) == []


def test_a3_an_upper_bound_of_one_stays_one() -> None:
    program = named("Clamped")

    assert wrongly_accepted(program, exported(program, ours=False)) == [program.invalid[0]]
    assert disagreements(program, exported(program)) == []


def test_a5_reading_torchs_truncation_keeps_its_meaning() -> None:
    shape_env = TorchShapeEnv()
    value = shape_env.create_unbacked_symint()
    symbols = TorchEnv(shape_env)
    read = symbols.read(TruncToInt(IntTrueDiv(value.node.expr, 2)))

    symbol = symbols.symbol(value.node.expr)
    for number in range(-7, 8):
        assert evaluate(read, {symbol: number}) == math.trunc(number / 2)


def test_a5_torchs_validator_rounds_down_where_ours_cuts_off() -> None:
    half = TruncToInt(IntTrueDiv(sympy.Symbol("u0", integer=True), 2))
    validator = TranslationValidator()
    number = validator.add_var(sympy.Symbol("u0", integer=True), int)
    solver = z3.Solver()
    solver.add(number == -3)
    solver.add(validator.to_z3_boolean_expr(sympy.Eq(half, math.trunc(-3 / 2))))
    assert solver.check() == z3.unsat

    shape_env = TorchShapeEnv()
    symbols = TorchEnv(shape_env)
    u = shape_env.create_unbacked_symint().node.expr
    ours = as_condition(symbols.read(sympy.Eq(TruncToInt(IntTrueDiv(u, 2)), -1)))
    given = Facts().given(Fact(as_condition(make("Eq", symbols.symbol(u), -3)), "given"))
    assert prove(given, ours).proved


def test_a8_a_size_that_equals_a_run_time_value_may_be_zero_or_one() -> None:
    program = named("SameCount")

    assert len(wrongly_rejected(program, exported(program, ours=False))) == 2
    made = exported(program)
    assert disagreements(program, made) == []
    assert len(asserts_of(made)) == 1


class Cropped(nn.Module):
    """Cropping guarded by complete checks, then a convolution and pooling."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=0)

    def forward(self, image: Tensor, box: Tensor) -> Tensor:
        y, x, h, w = box.tolist()
        torch._check(y >= 0)
        torch._check(x >= 0)
        torch._check(h >= 1)
        torch._check(w >= 1)
        torch._check(y + h <= image.shape[2])
        torch._check(x + w <= image.shape[3])
        crop = image[:, :, y : y + h, x : x + w]
        return nn.functional.adaptive_avg_pool2d(self.conv(crop), 1)


class Narrowed(Cropped):
    """The same with `narrow`."""

    def forward(self, image: Tensor, box: Tensor) -> Tensor:
        y, x, h, w = box.tolist()
        torch._check(y >= 0)
        torch._check(x >= 0)
        torch._check(h >= 1)
        torch._check(w >= 1)
        torch._check(y + h <= image.shape[2])
        torch._check(x + w <= image.shape[3])
        crop = image.narrow(2, y, h).narrow(3, x, w)
        return nn.functional.adaptive_avg_pool2d(self.conv(crop), 1)


def boxes(*numbers: tuple[int, int, int, int]) -> tuple[Inputs, ...]:
    return tuple((torch.ones(1, 3, 64, 48), torch.tensor(box)) for box in numbers)


@pytest.mark.parametrize("make", [Cropped, Narrowed])
def test_a7_what_the_programs_own_checks_decide_exports(make: type[nn.Module]) -> None:
    program = Program(
        make,
        boxes((3, 4, 20, 30))[0],
        ({2: DYNAMIC, 3: DYNAMIC}, None),
        boxes((0, 0, 64, 48), (60, 45, 4, 3), (0, 0, 3, 3)),
        boxes((61, 0, 4, 3), (0, 46, 3, 3), (-1, 0, 4, 4), (0, -1, 4, 4), (0, 0, 2, 5),
              (0, 0, 5, 1), (0, 0, 0, 4)),
    )  # fmt: skip

    with pytest.raises(GuardOnDataDependentSymNode):
        exported(program, ours=False)
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(program)
    with installed(decide=True):
        made = exported(program)
        again = made.run_decompositions()
    assert disagreements(program, made) == []
    assert disagreements(program, again) == []


class Unguarded(nn.Module):
    """A branch that no check decides."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(k >= 0)
        return x + 1 if k > 3 else x - 1


def test_a7_what_is_not_decided_stays_an_error() -> None:
    program = Program(Unguarded, (rows(4), scalar(1)), ({0: DYNAMIC}, None))
    with pytest.raises(GuardOnDataDependentSymNode), installed(decide=True):
        exported(program)


def half_bounded() -> tuple[Any, TorchShapeEnv, Any]:
    """A program that reads a number which must be in [0, 10], and of these ends checks only
    the lower one; its environment, and the node that reads."""
    made = exported(named("Narrowed"))
    shape_env = next(
        node.meta["val"].node.shape_env
        for node in made.graph.nodes
        if isinstance(node.meta.get("val"), torch.SymInt)
    )
    item = next(n for n in made.graph.nodes if n.target is torch.ops.aten.item.default)
    graph = made.graph_module.graph
    with graph.inserting_before(item.next):
        holds = graph.call_function(operator.ge, (item, 0))
        holds.meta["val"] = item.meta["val"] >= 0
        graph.call_function(torch.ops.aten._assert_scalar.default, (holds, "by hand"))
    _constrain_range_for_size(item.meta["val"], min=0, max=10)
    return made.graph_module, shape_env, item


def claims_of(module: Any, shape_env: TorchShapeEnv) -> list[str]:
    dialect = TorchDialect(TorchEnv(shape_env))
    return [str(one.claim) for one in lift(module.graph, dialect)]


def test_a4_a_missing_bound_is_added_beside_one_that_is_there() -> None:
    module, shape_env, item = half_bounded()
    symbol = item.meta["val"].node.expr

    insert_deferred_runtime_asserts(module, shape_env, "by hand", export=True)

    lifted = claims_of(module, shape_env)
    assert f"{symbol} <= 10" in lifted


def test_a4_torch_adds_nothing_where_some_bound_is_there() -> None:
    module, shape_env, item = half_bounded()
    symbol = item.meta["val"].node.expr

    torchs = _AddRuntimeAssertionsForInlineConstraintsPass({symbol: ValueRanges(0, 10)})
    module = torchs(module).graph_module

    assert f"{symbol} <= 10" not in claims_of(module, shape_env)


@torch.library.custom_op("shapeproof_tests::pairs", mutates_args=())
def pairs(x: Tensor, count: int) -> Tensor:
    """Any number of elements; what it states of itself is that they come in pairs."""
    return x.new_ones(count)


@pairs.register_fake
def _(x: Tensor, count: int) -> Tensor:
    return x.new_empty(2 * torch.library.get_ctx().new_dynamic_size())


class EvenPairs(nn.Module):
    """An operation whose length is said to be even, and is."""

    def forward(self, x: Tensor) -> Tensor:
        found = torch.ops.shapeproof_tests.pairs(x, 4)
        return found + found.shape[0] // 2


def test_a6_a_length_that_is_said_to_be_even_is_checked() -> None:
    class Stated(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            found = torch.ops.shapeproof_tests.pairs(x, 3)
            torch._check(found.shape[0] <= 100)
            return found + 1

    program = Program(Stated, (rows(4),), ({0: DYNAMIC},))
    kept = exported(program, ours=False)
    checked = exported(program)

    assert accepts(kept.module(), (rows(4),))
    with pytest.raises(RuntimeError, match="% 2"):
        checked.module()(rows(4))
    even = exported(Program(EvenPairs, (rows(4),), ({0: DYNAMIC},)))
    torch.testing.assert_close(even.module()(rows(3)), torch.full((4,), 3.0))
