"""The ladder of rungs: each answers what the ones before leave open, and says so; what is
assumed is asserted, and what is not assumed is right for every size."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch._logging._internal import LazyTraceHandler, trace_log
from torch.export import Dim
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from asserts.dialects.torch import installed, report
from asserts.dialects.torch.export.conversions import REPLACED
from asserts.dialects.torch.export.general import ROWS
from asserts.dialects.torch.export.rungs import RUNGS, ladder
from asserts.dialects.torch.export.tried import SwallowedWarning
from asserts.errors import GraphError

pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions"),
]

F = torch.nn.functional
AUTO = Dim.AUTO
Function = Callable[..., Any]


class Of(nn.Module):
    """A function as a model."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any, n: Any) -> Any:
        return self.function(x, n)


def exported(function: Function | nn.Module, inputs: Any, decide: bool | str = "example") -> Any:
    model = function if isinstance(function, nn.Module) else Of(function)
    with installed(decide=decide), torch.no_grad():
        return torch.export.export(model, inputs, dynamic_shapes=({0: AUTO}, None))


def outcome(run: Callable[..., Any], inputs: Any) -> Any:
    """What comes out; None if it raises."""
    try:
        return run(*(x.clone() for x in inputs))
    except (RuntimeError, ValueError, AssertionError, IndexError):
        return None


def rungs_of(program: Any) -> list[str]:
    return [one.rung for one in report(program).decisions]


def rows(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float32)


NUMBER = torch.tensor(3)


# --------------------------------------------------------------------------- the ladder


def test_the_rungs_that_true_names_assume_nothing() -> None:
    assert ladder(False) == ()
    assert [rung.name for rung in ladder(True)] == ["prove", "symbolic", "check", "state", "general"]
    assert ladder("example") == tuple(rung for rung in RUNGS if not rung.by_name)
    assert [rung.name for rung in RUNGS if rung.assumes] == ["example"]


def test_an_unknown_rung_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'exampel' is not a rung: .*'example'"), installed(
        decide="exampel"
    ):
        pass


def test_of_nested_blocks_the_longest_ladder_counts() -> None:
    def branch(x: Any, n: Any) -> Any:
        return x + 1 if n.item() > 2 else x

    with installed(decide="example"), installed(decide=True):
        torch.export.export(Of(branch), (rows(1, 2), NUMBER))
    with pytest.raises(GuardOnDataDependentSymNode), installed(decide=True):
        torch.export.export(Of(branch), (rows(1, 2), NUMBER))


# --------------------------------------------------------------------------- conversions

CONVERSIONS: dict[str, Function] = {
    "int of a tensor": lambda x, n: x.new_zeros(int(n) + 1),
    "int of floats": lambda x, n: x.new_zeros(int(x.abs().max()) + 1),
    "int of a number": lambda x, n: x.new_zeros(int(n.item())),
    "int of a truth": lambda x, n: x * int((x > 0).any()),
    "float of a tensor": lambda x, n: x * float(n),
    "float of a truth": lambda x, n: x * float((x > 1).all()),
    "len": lambda x, n: x * len(x[x > 0]),
    "len of a size": lambda x, n: x[x > 0][: len(x[x > 0]) // 2],
    "both": lambda x, n: x.new_zeros(int(n), len(x[x > 0])),
    "isinstance beside": lambda x, n: x * (int(n) if isinstance(int(n), int) else 7),
}
OTHERS = [(rows(1, -2, 3), NUMBER), (rows(), torch.tensor(0)), (rows(5.5), torch.tensor(9)),
          (rows(-1, -1), torch.tensor(2)), (rows(1, 2, 3, 4), torch.tensor(1))]  # fmt: skip


@pytest.mark.parametrize("name", CONVERSIONS)
def test_conversions_stay_symbolic_and_right(name: str) -> None:
    function = CONVERSIONS[name]
    program = exported(function, (rows(1, 2, -3, 4), NUMBER), decide=True)

    assert set(rungs_of(program)) == {"symbolic"}
    for inputs in OTHERS:
        expected = outcome(function, inputs)
        got = outcome(program.module(), inputs)
        assert (expected is None) is (got is None)
        if expected is not None:
            torch.testing.assert_close(got, expected)


def test_names_are_put_back() -> None:
    exported(CONVERSIONS["int of a tensor"], (rows(1, 2), NUMBER))
    assert not REPLACED.keys() & globals().keys()
    with pytest.raises(ZeroDivisionError):
        exported(lambda x, n: x.new_zeros(int(n)) / (1 // 0), (rows(1, 2), NUMBER))
    assert not REPLACED.keys() & globals().keys()


def test_on_numbers_the_replacements_are_pythons_own() -> None:
    replaced_int, replaced_float, replaced_len = (REPLACED[n] for n in ("int", "float", "len"))
    assert replaced_int("12") == 12
    assert replaced_int("c", 16) == 12
    assert replaced_int(2.9) == 2
    assert repr(replaced_int(True)) == "1"
    assert replaced_int() == 0
    assert isinstance(3, replaced_int)
    assert not isinstance(3.0, replaced_int)
    assert replaced_int.from_bytes(b"\x01", "big") == 1
    assert replaced_float("1.5") == 1.5
    assert isinstance(1.5, replaced_float)
    assert replaced_len([1, 2]) == 2
    with pytest.raises(TypeError):
        replaced_len(torch.tensor(1))
    with pytest.raises(ValueError, match="invalid literal"):
        replaced_int("x")


# --------------------------------------------------------------------------- own checks


def _if_raise(x: Any, n: Any) -> Any:
    if n > 5:
        raise ValueError("n is too large")
    return x * 2


def _unless_raise(x: Any, n: Any) -> Any:
    if not (n <= 5):
        message = "n is too large"
        raise ValueError(message)
    return x * 2


def _else_raise(x: Any, n: Any) -> Any:
    if n <= 5:
        x = x * 2
    else:
        raise ValueError("n is too large")
    return x


def _or_raise(x: Any, n: Any) -> Any:
    if not (n >= -9) or n > 5 or bool(n == 4):
        raise ValueError(f"{n} is too large")
    return x * 2


def _within(x: Any, n: Any) -> Any:
    with torch.no_grad(), warnings.catch_warnings():
        return _if_raise(x, n)


def _and_raise(x: Any, n: Any) -> Any:
    if x.dim() == 1 and not n <= 5:
        raise ValueError("n is too large")
    return x * 2


def _elif_raise(x: Any, n: Any) -> Any:
    if x.dim() > 1:
        return x
    elif n > 5:
        raise ValueError("n is too large")
    return x * 2


def _assert(x: Any, n: Any) -> Any:
    assert n <= 5, "n is too large"
    assert (x < 9).all()
    return x * 2


def _torch_assert(x: Any, n: Any) -> Any:
    torch._assert(bool(n <= 5), "n is too large")
    return x * 2


def _of_size(x: Any, n: Any) -> Any:
    y = x[x > 0]
    if y.shape[0] > 3:
        raise RuntimeError("too many rows")
    return y


def _nested(x: Any, n: Any) -> Any:
    return _if_raise(_of_size(x, n), n)


def _translated(x: Any, n: Any) -> Any:
    try:
        return _if_raise(x, n)
    except KeyError:
        return x
    except ValueError as error:
        raise RuntimeError("bad n") from error


def _warns(x: Any, n: Any) -> Any:
    if not n <= 5:
        warnings.warn("large", stacklevel=1)
    return x * 2


def test_a_branch_that_only_tells_something_is_left_out() -> None:
    program = exported(_warns, (rows(1, 2), torch.tensor(2)), decide=True)
    assert rungs_of(program) == ["general"]
    for k in (2, 6):
        assert program.module()(rows(1, 2), torch.tensor(k)).tolist() == [2, 4]


def test_the_first_export_of_a_process_is_as_the_others() -> None:
    """(Torch's own log has a handler until then, which takes itself away.)"""
    handler = LazyTraceHandler(None)
    trace_log.addHandler(handler)
    try:
        program = exported(_warns, (rows(1, 2), torch.tensor(2)), decide=True)
        assert rungs_of(program) == ["general"]
        assert handler not in trace_log.handlers
    finally:
        trace_log.removeHandler(handler)


CHECKS = [_if_raise, _unless_raise, _else_raise, _or_raise, _and_raise, _elif_raise, _assert,
          _torch_assert, _of_size, _nested, _translated, _within]  # fmt: skip
VALUES = [(rows(1, 2, -1), torch.tensor(k)) for k in (3, 4, 5, 6, -10)]
VALUES += [(rows(*range(1, k)), NUMBER) for k in (2, 4, 5, 11)]


@pytest.mark.parametrize("function", CHECKS, ids=lambda f: f.__name__.strip("_"))
def test_what_the_program_raises_is_a_run_time_assert(function: Function) -> None:
    program = exported(function, (rows(1, 2, -1), torch.tensor(2)), decide=True)

    assert set(rungs_of(program)) == {"check"}
    for inputs in VALUES:
        expected, got = outcome(function, inputs), outcome(program.module(), inputs)
        assert (expected is None) is (got is None), inputs
        if expected is not None:
            torch.testing.assert_close(got, expected)


def test_the_message_is_the_programs_own() -> None:
    program = exported(_if_raise, (rows(1, 2), torch.tensor(2)), decide=True)
    with pytest.raises(RuntimeError, match="n is too large"):
        program.module()(rows(1, 2), torch.tensor(6))


def _caught(x: Any, n: Any) -> Any:
    try:
        return _if_raise(x, n)
    except ValueError:
        return x


def _suppressed(x: Any, n: Any) -> Any:
    import contextlib

    with contextlib.suppress(ValueError):
        x = _if_raise(x, n)
    return x


class Forgiving:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> bool:
        return True


def _forgiven(x: Any, n: Any) -> Any:
    with Forgiving():
        return _if_raise(x, n)


def _finally(x: Any, n: Any) -> Any:
    try:
        return _if_raise(x, n)
    finally:
        return x  # noqa: B012, SIM107


class Rows:
    def __init__(self, x: Any, n: Any) -> None:
        self.x, self.n = x, n

    def __getitem__(self, i: int) -> Any:
        if self.n < i:
            raise IndexError(i)
        return self.x * i


def _protocol(x: Any, n: Any) -> Any:
    return sum(row for row, _ in zip(Rows(x, n), range(2)))


def _either(x: Any, n: Any) -> Any:
    if n > 5 and (x > 0).all():
        raise ValueError("too large")
    return x


def _warns_and_changes(x: Any, n: Any) -> Any:
    if n > 5:
        warnings.warn("large", stacklevel=1)
        x = x + 1
    return x * 2


def _returns_first(x: Any, n: Any) -> Any:
    if n > 5:
        if x.dim() == 1:
            return x
        raise ValueError("too large")
    return x * 2


@pytest.mark.parametrize(
    "function", [_caught, _suppressed, _protocol, _either, _warns_and_changes, _returns_first],
    ids=lambda f: f.__name__.strip("_"),
)  # fmt: skip
def test_what_need_not_raise_is_no_check(function: Function) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(function, (rows(1, 2), torch.tensor(2)), decide=True)
    program = exported(function, (rows(1, 2), torch.tensor(2)))
    assert "example" in rungs_of(program)


def test_what_swallows_everything_makes_no_check() -> None:
    with pytest.raises(GuardOnDataDependentSymNode):  # (it is swallowed, too)
        exported(_forgiven, (rows(1, 2), torch.tensor(2)), decide=True)
    for function in (_forgiven, _finally):
        program = exported(function, (rows(1, 2), torch.tensor(2)))
        assert rungs_of(program) == ["example"]


def test_what_swallows_everything_and_gives_the_same_is_left_to_torch() -> None:
    with pytest.warns(SwallowedWarning):
        made = exported(_finally, (rows(1, 2), torch.tensor(2)), decide=True)
    assert rungs_of(made) == []
    for n in (2, 9):
        assert torch.equal(made.module()(rows(1, 2), torch.tensor(n)), rows(1, 2))


# --------------------------------------------------------------------------- state


class Flagged(nn.Module):
    """A branch on a buffer; `writes` to it, or `takes` the input along."""

    def __init__(self, ready: bool, writes: bool = False, takes: bool = False) -> None:
        super().__init__()
        self.register_buffer("ready", torch.tensor(ready))
        self.writes, self.takes = writes, takes

    def forward(self, x: Any, n: Any) -> Any:
        if self.writes:
            self.ready.logical_not_()
        if self.takes:
            return x * 2 if self.ready & (n > 1) else x
        return x * 2 if self.ready else x


@pytest.mark.parametrize("ready", [True, False])
def test_what_buffers_say_is_asserted(ready: bool) -> None:
    model = Flagged(ready)
    program = exported(model, (rows(1, 2), NUMBER), decide=True)

    assert rungs_of(program) == ["state"]
    module = program.module()
    assert module(rows(3, 4), NUMBER).tolist() == model(rows(3, 4), NUMBER).tolist()
    module.ready.logical_not_()
    with pytest.raises(RuntimeError, match="as for the model's own state"):
        module(rows(3, 4), NUMBER)


@pytest.mark.parametrize("options", [{"writes": True}, {"takes": True}])
def test_what_else_takes_part_is_not_the_models_state(options: dict[str, bool]) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(Flagged(True, **options), (rows(1, 2), NUMBER), decide=True)


# --------------------------------------------------------------------------- general


def _selected(function: Function) -> Function:
    return lambda x, n: function(x[x[:, 0] > 0])


WEIGHT = torch.linspace(-1, 1, 32).reshape(2, 4, 4)
GENERAL: dict[str, Function] = {
    "batch_norm": lambda y: F.batch_norm(y, torch.zeros(4), torch.ones(4)),
    "roll": lambda y: y.roll(1, 0),
    "cummax": lambda y: y.cummax(0)[0],
    "cummin": lambda y: y.cummin(0)[1],
    "cdist": lambda y: torch.cdist(y, y),
    "bilinear": lambda y: F.bilinear(y, y, WEIGHT),
    "trapezoid": lambda y: torch.trapezoid(y, dim=0),
    "attention": lambda y: F.scaled_dot_product_attention(
        y[None, None], y[None, None], y[None, None]
    ),
    "masked attention": lambda y: F.scaled_dot_product_attention(
        y[None, None], y[None, None], y[None, None],
        attn_mask=torch.ones(y.shape[0], y.shape[0], dtype=torch.bool),
    ),
    "adaptive_max_pool1d": lambda y: F.adaptive_max_pool1d(y.t()[None], 3),
    "instance_norm": lambda y: F.instance_norm(y[None].transpose(1, 2), use_input_stats=False,
                                               running_mean=torch.zeros(4),
                                               running_var=torch.ones(4)),
    "im2col": lambda y: F.unfold(y[None, None], 2),
}  # fmt: skip


@pytest.mark.parametrize("name", GENERAL)
def test_kernels_questions_make_no_difference(name: str) -> None:
    function = _selected(GENERAL[name])
    data = torch.linspace(0.1, 2, 120).reshape(30, 4)
    program = exported(function, (data, NUMBER), decide=True)

    assert set(rungs_of(program)) <= {"general", "prove"}
    assert "general" in rungs_of(program)
    module = program.module()
    for kept in (0, 1, 2, 3, 25, 26, 30):
        signs = torch.where(torch.arange(30) < kept, 1.0, -1.0)[:, None]
        inputs = (data * signs, NUMBER)
        expected, got = outcome(function, inputs), outcome(module, inputs)
        assert (expected is None) is (got is None), kept
        if expected is not None:
            torch.testing.assert_close(got, expected)
            assert got.shape == expected.shape


def test_every_row_has_a_case() -> None:
    tested = " ".join(GENERAL).replace("attention", "scaled_dot_product_attention")
    for row in ROWS:
        assert row.why
        for operation in row.operations:
            assert operation._schema.name.partition("::")[2] in tested


def test_the_same_question_of_the_user_is_not_answered() -> None:
    def function(x: Any, n: Any) -> Any:
        y = x[x > 0].roll(1, 0)
        return y if y.shape[0] == 0 else y + 1

    with pytest.raises(GuardOnDataDependentSymNode):
        exported(function, (rows(1, 2), NUMBER), decide=True)
    program = exported(function, (rows(1, 2), NUMBER))
    assert rungs_of(program) == ["general", "example"]
    with pytest.raises(RuntimeError, match=r"exported with `y.shape\[0\] != 0`"):
        program.module()(rows(-1, -2), NUMBER)


# --------------------------------------------------------------------------- examples


class Weighted(nn.Module):
    """A branch that a parameter takes part in."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1000,), 3.0))

    def forward(self, x: Any, n: Any) -> Any:
        kept = x[x * self.weight == 3.0]
        return kept.sum() - 1 if kept.shape[0] == 0 else kept.sum()


def test_the_example_is_run_with_the_models_own_parameters() -> None:
    junk = [torch.full((1000,), 7.0) for _ in range(50)]
    del junk
    x = torch.ones(1000)
    program = exported(Weighted(), (x, NUMBER))

    assert program.module()(x, NUMBER) == 1000
    with pytest.raises(RuntimeError, match=r"goes another way otherwise"):
        program.module()(x * 0, NUMBER)


BRANCHES: dict[str, Function] = {
    "truth": lambda x, n: x + 1 if (x > 0).all() else x - 1,
    "size": lambda x, n: x[x > 0] if x[x > 0].shape[0] > 2 else x,
    "value": lambda x, n: x * 2 if n.item() > 2 else x,
    "float": lambda x, n: x * 2 if x.sum().item() > 2.5 else x,
    "range": lambda x, n: sum((x * i for i in range(int(n))), x),
    "rows": lambda x, n: sum(x[x > 0], n * 1.0),
    "written": lambda x, n: x.clone().add_(n) * (2 if x.clone().add_(n).sum() > 3 else 1),
    "list": lambda x, n: x * [1, 2, 3, 4][n],
    "both ways": lambda x, n: (x if n > 2 else -x) + (1 if n > 4 else 0),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_the_examples_branch_is_asserted(name: str) -> None:
    function = BRANCHES[name]
    example = (rows(1, 2, 3), NUMBER)
    program = exported(function, example)
    decisions = [one for one in report(program).decisions if one.rung == "example"]

    assert decisions
    assert all(one.assumption and one.message and one.line for one in decisions)
    torch.testing.assert_close(program.module()(*example), function(*example))
    accepted = 0
    for inputs in [*OTHERS, *((rows(2, 3, 4), torch.tensor(k)) for k in range(4))]:
        expected, got = outcome(function, inputs), outcome(program.module(), inputs)
        if got is not None:  # (never another result than the model's)
            torch.testing.assert_close(got, expected)
            accepted += 1
    assert accepted


@pytest.mark.parametrize(
    "function",
    [
        lambda x, n: sum(x[x > 0], n * 1.0),
        lambda x, n: sum((x[row].sum() for row in torch.nonzero(x > 0)), n * 1.0),
        lambda x, n: x[x > 0][0] if x[x > 0].shape[0] == 3 else x.sum(),
    ],
    ids=["rows", "places", "first"],
)
def test_an_assumption_is_asserted_before_what_rests_on_it(function: Function) -> None:
    """(Its message says why the program stops, not an index that is out of range.)"""
    program = exported(function, (rows(1, 2, 3), NUMBER))
    for inputs in (rows(-1), rows(1, 2), rows(1, 2, 3, 4)):
        with pytest.raises(RuntimeError, match="goes another way otherwise"):
            program.module()(inputs, NUMBER)


def test_what_the_example_changes_stays_as_it_is() -> None:
    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(()))

        def forward(self, x: Any, n: Any) -> Any:
            self.count.add_(1)
            x.mul_(2)
            return x + self.count if self.count > 0 else x

    model, x = Counts(), rows(1, 2)
    exported(model, (x, NUMBER))
    assert model.count == 0
    assert x.tolist() == [1, 2]


def test_torch_is_told_what_an_assumption_says_of_single_symbols() -> None:
    def function(x: Any, n: Any) -> Any:
        y = x[x > 0][:3]
        return torch.stack([row + 1 for row in y])

    program = exported(function, (rows(1, 2, 3, 4), NUMBER))
    assert program.module()(rows(5, 6, -1, 7, 8), NUMBER).tolist() == [6, 7, 8]


def test_the_example_is_offered_where_it_is_left() -> None:
    branch = BRANCHES["value"]
    for decide, offered in ((True, True), ("prove", True)):
        with pytest.raises(GuardOnDataDependentSymNode) as caught:
            exported(branch, (rows(1, 2), NUMBER), decide=decide)
        assert ("decide='example'" in str(caught.value)) is offered
    with pytest.raises(Exception, match="Shapeproof") as strictly, installed(decide=True):
        torch.export.export(Of(branch), (rows(1, 2), NUMBER), strict=True)
    assert "decide='example'" not in str(strictly.value)


# --------------------------------------------------------------------------- one call


def _mixed(x: Any, n: Any) -> Any:
    if n > 5:
        raise ValueError("n is too large")
    y = x[x > 0]
    return y * 2 if len(y) > 1 else y


def test_one_call_tries_the_ways_in_order() -> None:
    shapes = ({0: AUTO}, None)
    tried: list[str] = []
    made = asserts.export(
        Of(_mixed), (rows(1, 2, 3), NUMBER), dynamic_shapes=shapes, verify=True,
        progress=lambda attempt: tried.append(attempt.way),
    )  # fmt: skip

    assert tried == ["general", "branches"]
    assert made.way == "branches"
    assert made.assumptions == ()
    assert any(one.startswith("x: float32") for one in made.contract.inputs)
    assert {one.rung for one in made.report.decisions} == {"check", "symbolic", "branches"}
    assert "decided while the program was traced" in str(made)


def test_where_nothing_is_assumed_the_first_way_does() -> None:
    made = asserts.export(
        Of(_if_raise), (rows(1, 2), NUMBER), dynamic_shapes=({0: AUTO}, None), verify=True
    )
    assert (made.way, made.assumptions) == ("general", ())


def test_a_failure_is_what_our_last_attempt_raised() -> None:
    with pytest.raises(GuardOnDataDependentSymNode, match="Shapeproof"):
        asserts.export(Of(_mixed), (rows(1, 2, 3), NUMBER), decide=True)
    with pytest.raises(ZeroDivisionError):
        asserts.export(Of(lambda x, n: x / (1 // 0)), (rows(1, 2), NUMBER))


def test_a_program_that_is_not_the_model_is_refused() -> None:
    class Drifts(nn.Module):
        calls = 0

        def forward(self, x: Any, n: Any) -> Any:
            Drifts.calls += 1
            return x + Drifts.calls

    with pytest.raises(GraphError, match="the exported program is not the model"):
        asserts.export(Drifts(), (rows(1, 2), NUMBER), verify=True)
