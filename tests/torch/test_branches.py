"""Both sides of a branch on data, and loops over what the data say: the program computes what
eager mode does, whichever way it goes, or the report says why the rung was not taken."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from asserts.dialects.torch import installed, report
from asserts.dialects.torch.export import rungs
from tests.torch.test_rungs import exported, rows, rungs_of
from tests.torch.torch_help import reloaded

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")

Function = Callable[..., Any]

EXAMPLE = (rows(1, 2, -3, 4), torch.tensor(3))
OTHERS = [
    (rows(5.5), torch.tensor(9)), (rows(-1, -1), torch.tensor(2)), (rows(), torch.tensor(0)),
    (rows(1, 2, 3, 4), torch.tensor(-1)), (rows(-1, 2, 3, 4, -5), torch.tensor(6)),
    (rows(-1), torch.tensor(3)), (rows(2, 3, 4, 5), torch.tensor(5)), (rows(0, 0, 0), torch.tensor(1)),
]  # fmt: skip


def outcome(run: Function, inputs: Any) -> Any:
    """What comes out, and the inputs afterwards; None if it raises."""
    inputs = [x.clone() for x in inputs]
    try:
        return run(*inputs), inputs
    except Exception:
        return None


def require_equal(function: Function, program: Any) -> None:
    """The program accepts what eager mode accepts, with the same result and the same writes."""
    for made in (program, asserts.minimise(program).program, reloaded(program)):
        module = made.module()
        for inputs in [EXAMPLE, *OTHERS]:
            expected, got = outcome(function, inputs), outcome(module, inputs)
            assert (expected is None) is (got is None), inputs
            torch.testing.assert_close(got, expected)


# --------------------------------------------------------------------------- branches


def assigns(x: Any, n: Any) -> Any:
    y = x + 1
    if x.sum() > 2:
        y = y * 2
        z = y.sin()
    else:
        z = y - 1
    return y + z


def one_side(x: Any, n: Any) -> Any:
    if n > 2:
        x = x * 2
    return x + 1


def negated(x: Any, n: Any) -> Any:
    y = x
    if not (x > 0).all():
        y = x.abs()
    return y * 2


def returns(x: Any, n: Any) -> Any:
    if x.sum() > 2:
        return x * 2
    y = x.cos()
    return y + 1


def returns_early_in_some(x: Any, n: Any) -> Any:
    if n > 4:
        y = x * 2
        if x.sum() > 0:
            return y
        x = y - 1
    return x + 3


def chain(x: Any, n: Any) -> Any:
    if n > 4:
        y = x * 2
    elif n > 1:
        y = x * 3
    elif x.sum() > 0:
        y = x * 4
    else:
        y = x
    return y + 0


def expression(x: Any, n: Any) -> Any:
    return (x * 2 if x.sum() > 2 else x - 1) + n


def of_integers(x: Any, n: Any) -> Any:
    k = n.item()
    y = x * 2
    if k > 2:
        y = y + k
    return y


def sizes(x: Any, n: Any) -> Any:
    found = x[x > 0]
    total = x.sum()
    if found.shape[0] > 2:
        total = total + found.sum() / x.shape[0]
    return total


def writes_local(x: Any, n: Any) -> Any:
    y = x.clone()
    if n > 2:
        y.add_(1)
        y[:1] = 7
    return y * 2


def writes_input(x: Any, n: Any) -> Any:
    if n > 2:
        x.mul_(2)
    return x + 1


def writes_under_a_view(x: Any, n: Any) -> Any:
    y = x.clone()
    z = y.view(-1)
    if n > 2:
        y += 1
    return z * 2


def writes_through_a_view(x: Any, n: Any) -> Any:
    y = x.clone()
    z = y[:]
    if n > 2:
        z.add_(5)
    return y * 2


def nested(x: Any, n: Any) -> Any:
    y = x + 1
    if x.sum() > 0:
        y.mul_(3)
        if n > 4:
            y.add_(10)
        y = y - 1
    return y


def rank(x: Any, n: Any) -> Any:
    mask = x > 0
    if mask.any():
        picked = torch.nonzero(mask).flatten()
        x = x.index_add(0, picked, x[picked] * 2)
    return x + 0


def with_constants(x: Any, n: Any) -> Any:
    if n > 2:
        y = x + torch.tensor([2.0])
    else:
        y = x * torch.tensor(3.0)
    return y


def without_gradients(x: Any, n: Any) -> Any:
    with torch.no_grad():
        if n > 2:
            with torch.enable_grad():
                y = x * 2
        else:
            y = x - 2
    return y


def counted(x: Any, n: Any) -> Any:
    y = x * 0
    for k in range(4):
        if n < k:
            continue
        y = y + x * k
    return y


def pairs(x: Any, n: Any) -> Any:
    if n > 2:
        both = (x * 2, [x + 1, n])
    else:
        both = (x * 3, [x - 1, n])
    first, (second, third) = both
    return first + second + third


def settled_value(x: Any, n: Any) -> Any:
    if n > 2:
        factor, y = 3, x * 2
    else:
        factor, y = 3, x * 5
    return y * factor


BRANCHES = [
    assigns, one_side, negated, returns, returns_early_in_some, chain, expression, of_integers,
    sizes, writes_local, writes_input, writes_under_a_view, writes_through_a_view, nested, rank,
    with_constants, without_gradients, counted, pairs, settled_value,
]  # fmt: skip


@pytest.mark.parametrize("function", BRANCHES, ids=lambda f: f.__name__)
def test_both_sides_are_in_the_program_and_nothing_is_assumed(function: Function) -> None:
    code = function.__code__
    program = exported(function, EXAMPLE, "branches")

    require_equal(function, program)
    assert set(rungs_of(program)) == {"branches"}
    assert all(one.answer == "either" for one in report(program).decisions)
    assert all(one.assumption is None for one in report(program).decisions)
    assert function.__code__ is code
    assert not [name for name in function.__globals__ if name.startswith("_shapeproof")]


# --------------------------------------------------------------------------- loops


def over_rows(x: Any, n: Any) -> Any:
    y = torch.zeros_like(x)
    for place in (x > 0).nonzero():
        y.index_add_(0, place, x[place] * 2)
    return y


def over_scalars(x: Any, n: Any) -> Any:
    total = x.sum() * 0
    for value in x[x > 0]:
        total = total * 2 + value
    return total


def over_numbers(x: Any, n: Any) -> Any:
    found = x[x > 0]
    total = x.sum()
    for k in range(found.shape[0]):
        total = total * 2 + k
    return total


def from_one(x: Any, n: Any) -> Any:
    found = x[x > 0]
    total = x.sum()
    for k in range(1, found.shape[0]):
        total = total * 3 + k
    return total


def numbered(x: Any, n: Any) -> Any:
    total = x.sum()
    for k, value in enumerate(x[x > 0]):
        total = total * 2 + value * k
    return total


def over_a_list(x: Any, n: Any) -> Any:
    y = x * 0
    for k in (x > 0).nonzero().flatten().tolist():
        y = y + x * k
    return y


def skipping(x: Any, n: Any) -> Any:
    y = x.clone()
    for value in x[x > 0]:
        if value > 3:
            y.mul_(2)
            continue
        y.add_(value)
    return y


def swapping(x: Any, n: Any) -> Any:
    a, b = x.sum(), x.sum() + 1
    for value in x[x > 0]:
        a, b = b, a + value
    return a * 3 + b


def keeping_the_start(x: Any, n: Any) -> Any:
    y = x
    for value in x[x > 0]:
        y = y * 2 + x + value
    return y + 0


def within_a_branch(x: Any, n: Any) -> Any:
    y = x * 2
    if n > 2:
        for value in x[x > 0]:
            y = y + value
    return y


def rows_of_size_known_otherwise(x: Any, n: Any) -> Any:
    y = x * 1
    for value in torch.stack([n, n + 1]):
        y = y + value
        for other in x[x > 0]:
            y = y * other
    return y


LOOPS = [
    over_rows, over_scalars, over_numbers, from_one, numbered, over_a_list, skipping, swapping,
    keeping_the_start, within_a_branch, rows_of_size_known_otherwise,
]  # fmt: skip


@pytest.mark.parametrize("function", LOOPS, ids=lambda f: f.__name__)
def test_a_loop_has_as_many_turns_as_the_data_say(function: Function) -> None:
    program = exported(function, EXAMPLE, "branches")

    require_equal(function, program)
    assert "any number" in {one.answer for one in report(program).decisions}
    assert all(one.assumption is None for one in report(program).decisions)


# --------------------------------------------------------------------------- not feasible

SEEN: list[Any] = []


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.kept: list[Any] = []
        self.last: Any = None

    def called(self, x: Any) -> Any:
        self.calls += 1
        return x * 2


class SetsAttribute(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        if n > 2:
            self.last = 5
            x = x * 2
        return x + 1


class Appends(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        found: list[Any] = []
        if n > 2:
            found.append(x * 2)
        return x + len(found)


class CallsWhatCounts(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        y = x
        if n > 2:
            y = self.called(x)
        return y + self.calls


class Raises(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        y = x
        if n > 2:
            y = x * 2
            if x.shape[0] < 100:
                raise ValueError("too few")
        return y + 1


class ChecksOnOneSide(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        found = x[x > 0]
        y = x
        if n > 2:
            torch._check(found.shape[0] == 3)
            y = x * 2
        return y + found.shape[0]


class LearnsOnOneSide(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        found = x[x > 0]
        y = x + 1
        if n > 2:
            y = y + (found + rows(1.0, 2.0, 3.0)).sum()
        return y


class WritesToAnotherName(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        a = x + 1
        b = a * 2
        y = b
        if n > 2:
            y = a
        y.add_(10)
        return a + b


class WritesUnderAnotherName(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        a = x + 1
        y = a * 2
        if n > 2:
            y = a[:]
        a.add_(10)
        return y + 0


class SharesBetweenResults(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        if n > 2:
            a = x * 2
            b = a
        else:
            a = x * 3
            b = x * 4
        a.add_(1)
        return b + 0


class WritesToWhatItReads(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        y = x.clone()
        z = y[:1]
        if n > 2:
            y.add_(1)
            y = y * z
        return y + 1


class OtherTypes(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        y = x
        if n > 2:
            y = x.to(torch.float64)
        return y + 1


class OtherNumbers(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        k = 1
        if n > 2:
            k = 2
        return x + k


class SetOnOneSide(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        if n > 2:
            y = x * 2
        try:
            return y + 1
        except UnboundLocalError:
            return x


class LeavesALoop(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        y = x + 1
        for k in range(3):
            if n > k:
                break
            y = y * 2
        return y


class ReadByAnother(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        y = x
        def later() -> Any:
            return y + 1
        if n > 2:
            y = x * 2
        return later()


class WritesToItsRows(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        found = x[x > 0]
        for value in found:
            value.add_(1)
        return found.sum()


class WritesToWhatItCarries(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        a = x.sum()
        y = a
        for value in x[x > 0]:
            y.add_(value)
            y = y * 2
        return y + a


class GrowsALoop(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        y = x
        for value in x[x > 0]:
            y = torch.cat([y, value.reshape(1)])
        return y.sum()


class CountsTurns(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        k = 0
        for _ in x[x > 0]:
            k = k + 1
        return x + k


class AnyOfTwo(Counting):
    def forward(self, x: Any, n: Any) -> Any:
        y = x + 0
        if n > 2 and x.sum() > 3:
            y = x * 2
        return y


INFEASIBLE = {
    SetsAttribute: "sets the attribute",
    Appends: "changes an object of type `list`",
    CallsWhatCounts: "changes an object",
    ChecksOnOneSide: "makes a check",
    LearnsOnOneSide: "needs more of a size",
    WritesToAnotherName: "is written to later",
    WritesUnderAnotherName: "is written to later",
    SharesBetweenResults: "is written to later",
    WritesToWhatItReads: "another view",
    OtherTypes: "tensors of different types",
    OtherNumbers: "not tensors",
    SetOnOneSide: "on one side only",
    LeavesALoop: "leaves a loop",
    ReadByAnother: "another function reads",
    WritesToItsRows: "writes to what it goes over",
    WritesToWhatItCarries: "writes to what it goes over",
    GrowsALoop: "",
    CountsTurns: "a turn changes `k`",
    AnyOfTwo: "more than one question",
}


@pytest.fixture
def every_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    """`example` behind `branches`."""
    together = tuple(rung._replace(by_name=False) for rung in rungs.RUNGS)
    monkeypatch.setattr(rungs, "RUNGS", together)


@pytest.mark.parametrize("kind", INFEASIBLE, ids=lambda kind: kind.__name__)
@pytest.mark.usefixtures("every_rung")
def test_where_it_is_not_feasible_the_report_says_why(kind: Any) -> None:
    """The next rung is taken, and the program gives eager mode's result or stops."""
    program = exported(kind(), EXAMPLE)
    found = [one for one in report(program).decisions if one.rung == "branches"]
    assert any(one.answer == "not feasible" for one in found), found
    assert any(INFEASIBLE[kind] in one.reason for one in found), found
    assert "example" in rungs_of(program)
    module = program.module()
    for inputs in [EXAMPLE, *OTHERS]:
        got = outcome(module, inputs)
        if got is not None:
            torch.testing.assert_close(got, outcome(kind(), inputs))


@pytest.mark.parametrize("kind", [SetsAttribute, LearnsOnOneSide, LeavesALoop, Raises])
def test_without_another_rung_torchs_question_stays(kind: Any) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(kind(), EXAMPLE, "branches")


@pytest.mark.usefixtures("every_rung")
def test_what_holds_on_one_side_is_not_believed_behind_it() -> None:
    def function(x: Any, n: Any) -> Any:
        found = x[x > 0]
        y = x.sum()
        if n > 2:
            y = y + found[n - 3]
        if found.shape[0] > 0:
            y = y * 2
        return y

    program = exported(function, EXAMPLE, "example")
    module = program.module()
    for inputs in [EXAMPLE, *OTHERS]:
        got = outcome(module, inputs)
        if got is not None:
            torch.testing.assert_close(got, outcome(function, inputs))


def test_the_names_of_a_rung_end_the_ladder_there() -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(assigns, EXAMPLE, "general")
    assert rungs_of(exported(assigns, EXAMPLE, "branches")) == ["branches"]


def test_a_function_is_itself_again_when_a_trace_has_failed() -> None:
    model = LeavesALoop()
    code = type(model).forward.__code__
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(model, EXAMPLE, True)
    assert type(model).forward.__code__ is code


# --------------------------------------------------------------------------- experts


class Experts(nn.Module):
    """The loop over the experts that were hit."""

    def __init__(self, loop: str, count: int = 4) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.count = count
        self.weight = nn.Parameter(torch.rand(count, 6, 6))
        self.experts = nn.ModuleList(nn.Linear(6, 6) for _ in range(count))
        self.loop = getattr(self, loop)

    def forward(self, x: Any, chosen: Any) -> Any:
        return self.loop(x, chosen)

    def hit(self, x: Any, chosen: Any) -> Any:
        out = torch.zeros_like(x)
        mask = torch.nn.functional.one_hot(chosen, self.count + 1).permute(2, 1, 0)
        for expert in torch.greater(mask.sum(dim=(-1, -2)), 0).nonzero():
            expert = expert[0]
            if expert == self.count:
                continue
            _, tokens = torch.where(mask[expert])
            new = torch.nn.functional.linear(x[tokens], self.weight[expert])
            out.index_add_(0, tokens, new)
        return out

    def any_token(self, x: Any, chosen: Any) -> Any:
        out = torch.zeros_like(x)
        for k in range(self.count):
            mask = (chosen == k).any(-1)
            if mask.any():
                out[mask] += self.experts[k](x[mask])
        return out

    def rows(self, x: Any, chosen: Any) -> Any:
        out = torch.zeros_like(x)
        for k, expert in enumerate(self.experts):
            found = (chosen == k).any(-1).nonzero().flatten()
            if found.numel() == 0:
                continue
            out = out.index_add(0, found, expert(x[found]))
        return out


@pytest.mark.parametrize("loop", ["hit", "any_token", "rows"])
def test_experts_that_get_no_token(loop: str) -> None:
    model = Experts(loop)
    example = (torch.rand(5, 6), torch.tensor([[0, 1], [1, 2], [0, 1], [2, 1], [1, 0]]))
    with installed(decide="branches"):
        shapes = ({0: torch.export.Dim.AUTO}, {0: torch.export.Dim.AUTO})
        program = torch.export.export(model, example, dynamic_shapes=shapes)
    module = program.module()

    assert not [one for one in report(program).decisions if one.assumption is not None]
    for seed, size, most in [(1, 1, 1), (2, 2, 4), (3, 9, 2), (4, 7, 4), (5, 30, 4), (6, 3, 1)]:
        torch.manual_seed(seed)
        inputs = (torch.rand(size, 6), torch.randint(0, most, (size, 2)))
        torch.testing.assert_close(module(*inputs), model(*inputs))
