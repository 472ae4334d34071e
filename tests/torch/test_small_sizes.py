"""Branches of the program's own that torch decides because it takes sizes for at least 2.

Each program is run with 0, 1 and larger sizes beside the model: it gives the model's result,
or stops with a message that the report has announced, which it does only where the model goes
another way.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import Dim

import asserts
from asserts.dialects.torch import installed

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")

Function = Callable[..., Any]

BOTH = pytest.mark.parametrize("strict", [False, True], ids=["non-strict", "strict"])

SIZES = (0, 1, 2, 3, 7)


class Model(nn.Module):
    causal = False

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor, k: torch.Tensor) -> Any:
        return self.function(self, x, k)


# --------------------------------------------------------------------------- programs


def one(model: Any, x: Any, k: Any) -> Any:
    if x.shape[0] == 1:
        return x * 2
    return x * 3


def not_one(model: Any, x: Any, k: Any) -> Any:
    several = x.size(0) != 1
    return x * 2 if not several else x * 3


def twice(model: Any, x: Any, k: Any) -> Any:
    """(The second answer is one that torch has kept.)"""
    y = x * 2 if x.shape[0] == 1 else x * 3
    return y if x.shape[0] == 1 else y + 1


def empty(model: Any, x: Any, k: Any) -> Any:
    return x.sum() + 1 if x.numel() == 0 else x.sum()


def length(model: Any, x: Any, k: Any) -> Any:
    n = x.shape[0]
    return x + 1 if n > 1 else x


def truth(model: Any, x: Any, k: Any) -> Any:
    return x.sum() if x.shape[0] else x.sum() + 3


def converted(model: Any, x: Any, k: Any) -> Any:
    some = bool(x.shape[0])
    return x.sum() if some else x.sum() + 3


def alternative(model: Any, x: Any, k: Any) -> Any:
    return x.sum() + (x.shape[0] or 7)


def alternative_truth(model: Any, x: Any, k: Any) -> Any:
    """(The value is n, not True.)"""
    return x.sum() + (x.shape[0] or True)


def area(model: Any, x: Any, k: Any) -> Any:
    height, width = x.shape
    return x if height * width < 4 else x * 2


def total(model: Any, x: Any, k: Any) -> Any:
    return x.sum() if x.shape[0] + x.shape[0] >= 3 else x.sum() + 1


def of_two_conditions(model: Any, x: Any, k: Any) -> Any:
    few = (x.shape[0] == 1) | (x.shape[0] == 0)
    return x.sum() + 1 if few else x.sum()


def of_a_larger_one(model: Any, x: Any, k: Any) -> Any:
    n = x.shape[0]
    return x.sum() if max(n, 1) == n else x.sum() + 1


def turns(model: Any, x: Any, k: Any) -> Any:
    n = x.shape[0]
    while n < 2:
        n, x = n + 2, torch.cat([x, x + 1, x])
    return x.sum()


def least(model: Any, x: Any, k: Any) -> Any:
    return x.sum() + min(x.shape[0], 1)


def most(model: Any, x: Any, k: Any) -> Any:
    return x.sum() + max(x.shape[0], 1)


def among(model: Any, x: Any, k: Any) -> Any:
    return x * 2 if x.shape[0] in (1, 5) else x * 3


def whole_shape(model: Any, x: Any, k: Any) -> Any:
    return x * 2 if x.shape == (1, 3) else x * 3


def matched(model: Any, x: Any, k: Any) -> Any:
    match x.shape[0]:
        case 1:
            return x * 2
        case _:
            return x * 3


def comprehended(model: Any, x: Any, k: Any) -> Any:
    return x.sum() + sum([1 if x.shape[0] == n else 2 for n in (0, 1)])


def generated(model: Any, x: Any, k: Any) -> Any:
    return x.sum() + sum(1 if x.shape[0] == n else 2 for n in (0, 1))


def in_a_lambda(model: Any, x: Any, k: Any) -> Any:
    return (lambda n: x * 2 if n == 1 else x * 3)(x.shape[0])


def in_a_body(model: Any, x: Any, k: Any) -> Any:
    def inner(x: Any) -> Any:
        return x * 2 if x.shape[0] == 1 else x * 3

    return torch.cond(k > 0, inner, lambda x: x * 4, (x,))


def counted(model: Any, x: Any, k: Any) -> Any:
    return x.sum() + int(x.shape[0] == 1)


def added(model: Any, x: Any, k: Any) -> Any:
    return x.sum() * (1 + (x.shape[0] == 1))


def of_floats(model: Any, x: Any, k: Any) -> Any:
    return x.sum() if x.shape[0] / 2 > 0.6 else x.sum() + 1


def divided(model: Any, x: Any, k: Any) -> Any:
    return x.sum() if 3 // x.shape[0] <= 1 else x.sum() + 1


def of_a_part(model: Any, x: Any, k: Any) -> Any:
    return x.sum() if x[1:].shape[0] > 0 else x.sum() + 1


def of_a_number(model: Any, x: Any, k: Any) -> Any:
    n = k.item()
    torch._check(n >= x.shape[0])
    return x.sum() if n >= 2 else x.sum() + 1


def handled(model: Any, x: Any, k: Any) -> Any:
    try:
        if x.shape[0] < 2:
            raise ValueError("too few rows")
        return x.sum()
    except ValueError:
        return x.sum() + 1


exec("def from_a_text(model, x, k):\n    return x * 2 if x.shape[0] == 1 else x * 3\n")
from_a_text: Function = globals()["from_a_text"]

ANOTHER_WAY: dict[Function, set[int]] = {
    one: {1}, not_one: {1}, twice: {1}, empty: {0}, length: {0, 1}, truth: {0}, converted: {0},
    alternative: {0}, alternative_truth: {0}, area: {0, 1}, total: {0, 1}, turns: {0, 1}, least: {0}, most: set(),
    among: {1}, whole_shape: {1}, matched: {1}, comprehended: {0, 1}, generated: {0, 1},
    in_a_lambda: {1}, in_a_body: {1}, counted: {1}, added: {1}, of_floats: {0, 1},
    divided: {0, 1}, of_a_part: {0, 1, 2}, of_a_number: {0, 1}, handled: {0, 1},
    from_a_text: {1},
}  # fmt: skip
"""Programs, and the sizes with which eager mode does not go the way that is traced. (A slice
that leaves one row is for torch's own kernels to ask about: that is a guard.)"""


def exported(function: Function, strict: bool, decide: bool | str = False) -> Any:
    example = torch.ones(4, 3), torch.tensor(5)
    shapes = ({0: Dim.DYNAMIC}, None)
    with installed(decide=decide), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(
            Model(function), example, dynamic_shapes=shapes, strict=strict
        )


def outcome(run: Any, size: int) -> Any:
    """The result as a list, with its shape; or the error."""
    try:
        result = run(torch.ones(size, 3), torch.tensor(max(size, 1)))
    except Exception as error:
        return error
    return result.tolist(), result.shape


def announced(program: Any) -> list[str]:
    said = asserts.report(program)
    return [text for text in (one.message for one in said.decisions) if text]


def stopped(program: Any, function: Function) -> dict[int, str]:
    """The sizes with which a program stops, and what it says then; with the others it gives
    the model's result."""
    found = {}
    run, model = program.module(), Model(function)
    for size in SIZES:
        got, wanted = outcome(run, size), outcome(model, size)
        if isinstance(got, Exception):
            found[size] = str(got)
        else:
            assert got == wanted, size
    return found


# --------------------------------------------------------------------------- tests


@BOTH
@pytest.mark.parametrize("function", ANOTHER_WAY, ids=[one.__name__ for one in ANOTHER_WAY])
def test_no_size_is_taken_the_wrong_way(function: Function, strict: bool) -> None:
    made = exported(function, strict)
    texts = announced(made)
    for program in (made, asserts.minimise(made).program):
        found = stopped(program, function)
        assert set(found) == ANOTHER_WAY[function]
        for text in found.values():
            assert text.startswith("Guard failed") or any(one in text for one in texts), text


@BOTH
@pytest.mark.parametrize("decide", [True, "example"])
@pytest.mark.parametrize("function", [one, turns, generated, of_a_number])
def test_with_every_ladder(function: Function, decide: bool | str, strict: bool) -> None:
    assert set(stopped(exported(function, strict, decide), function)) == ANOTHER_WAY[function]


def test_torch_alone_takes_it() -> None:
    """(What this is about: once torch says so itself, it can go.)"""
    shapes = ({0: Dim.DYNAMIC}, None)
    example = torch.ones(4, 3), torch.tensor(5)
    program = torch.export.export(Model(one), example, dynamic_shapes=shapes)
    assert outcome(program.module(), 1) != outcome(Model(one), 1)


@BOTH
def test_the_message_and_the_report(strict: bool) -> None:
    program = exported(one, strict)
    (decision,) = asserts.report(program).decisions
    line = one.__code__.co_firstlineno + 1
    assert decision.rung == "size"
    assert (decision.asked, decision.answer) == ("x.shape[0] == 1", "false")
    assert decision.assumption == "x.shape[0] != 1"
    assert f"test_small_sizes.py:{line} in one" in decision.line
    assert decision.message is not None
    assert decision.message.startswith("exported with `x.shape[0] != 1` as for sizes of at least 2")
    assert decision.nodes
    assert decision.message in stopped(program, one)[1]


# --------------------------------------------------------------------------- the program's checks


def asserted(model: Any, x: Any, k: Any) -> Any:
    assert x.shape[0] >= 2, "too few rows"
    return x * 2


def asserted_by_torch(model: Any, x: Any, k: Any) -> Any:
    torch._assert(x.shape[0] >= 2, "too few rows")
    return x * 2


def raised(model: Any, x: Any, k: Any) -> Any:
    if x.shape[0] < 2:
        raise ValueError("too few rows")
    if x.shape[0] == 1:  # (follows)
        return x
    return x * 2


def raised_in_a_loop(model: Any, x: Any, k: Any) -> Any:
    for least in (1, 2):
        if not x.shape[0] >= least:
            raise ValueError("too few rows")
    return x * 2


def checked_at_once(model: Any, x: Any, k: Any) -> Any:
    """(Torch keeps one of the two.)"""
    torch._check((x.shape[0] != 1) & (x.shape[0] != 0), lambda: "too few rows")
    return x * 2


FEW = [asserted, checked_at_once, asserted_by_torch, raised, raised_in_a_loop]


@BOTH
@pytest.mark.parametrize("function", FEW, ids=[one.__name__ for one in FEW])
def test_a_check_of_the_program_has_its_own_message(function: Function, strict: bool) -> None:
    made = exported(function, strict)
    found = stopped(made, function)
    assert set(found) == {0, 1}
    assert all(text.startswith("too few rows") for text in found.values())
    assert not any(one.assumption for one in asserts.report(made).decisions)


# --------------------------------------------------------------------------- no assert


def told(model: Any, x: Any, k: Any) -> Any:
    if x.shape[0] == 1:
        warnings.warn("one row", stacklevel=2)
    return x * 2


def beside(model: Any, x: Any, k: Any) -> Any:
    causal = x.shape[0] > 1 and k is not None and model.causal
    return x * 2 if causal else x * 3


def beside_in_a_test(model: Any, x: Any, k: Any) -> Any:
    if not (x.shape[0] == 1 or not model.causal):
        return x * 2
    return x * 3


def beside_what_traces(model: Any, x: Any, k: Any) -> Any:
    """(Attention of models for a single token.)"""
    if x.shape[0] == 1 and not torch.compiler.is_compiling():
        return (x + x) * 1
    return x * 2


def expanded(model: Any, x: Any, k: Any) -> Any:
    places, rows = torch.arange(3)[None], x.shape[0]
    if rows != places.shape[0]:
        places = places.expand(rows, -1)
    return x * places


def certain(model: Any, x: Any, k: Any) -> Any:
    torch._check(x.shape[0] >= 1)
    if x.shape[0] == 0 or x.shape[0] < 0 or x.numel() < 3:
        return x
    return x * 2


@pytest.mark.filterwarnings("ignore:one row")
@pytest.mark.parametrize(
    ("function", "strict"),
    [(told, False)] + [(f, s) for f in (beside, beside_in_a_test, beside_what_traces, expanded, certain)
                       for s in (False, True)],
)  # fmt: skip
def test_nothing_is_asserted_where_it_makes_no_difference(
    function: Function, strict: bool
) -> None:
    made = exported(function, strict)
    assert set(stopped(made, function)) == ({0} if function is certain else set())
    assert announced(made) == []


def beside_what_is_traced(model: Any, x: Any, k: Any) -> Any:
    if x.shape[0] == 1 and torch.compiler.is_compiling():
        return x * 3
    return x * 2 if x.shape[0] > 1 else x * 4


def beside_another(model: Any, x: Any, k: Any) -> Any:
    """(What is beside it is not certain, or decides nothing.)"""
    causal = x.shape[0] > 1 and not model.causal
    return x * 2 if causal else x * 3


def expanded_further(model: Any, x: Any, k: Any) -> Any:
    places = torch.arange(3)[None]
    if x.shape[0] > 1:
        places = places.expand(x.shape[0], -1)
    return x.sum() + places.sum()


def told_and_taken(model: Any, x: Any, k: Any) -> Any:
    """(The same question again, where the answer makes a difference.)"""
    if x.shape[0] == 1:
        warnings.warn("one row", stacklevel=2)
    return x * 2 if x.shape[0] == 1 else x * 3


def beside_and_taken(model: Any, x: Any, k: Any) -> Any:
    causal = x.shape[0] > 1 and model.causal
    return x * 2 if x.shape[0] > 1 or causal else x * 3


def expanded_and_taken(model: Any, x: Any, k: Any) -> Any:
    places, rows = torch.arange(3)[None], x.shape[0]
    if rows != places.shape[0]:
        places = places.expand(rows, -1)
    return x * places if rows != 1 else x


def written(x: Any) -> bool:
    x.add_(1)
    return True


def written_before(model: Any, x: Any, k: Any) -> Any:
    """(What decides is behind a call that only one way makes.)"""
    x = x.clone()
    if (x.shape[0] > 1 or written(x)) and model.causal:
        return x * 2
    return x * 3


def written_between(model: Any, x: Any, k: Any) -> Any:
    x = x.clone()
    if x.shape[0] > 1 and written(x) and model.causal:
        return x * 2
    return x * 3


@pytest.mark.filterwarnings("ignore:one row")
@BOTH
@pytest.mark.parametrize(
    "function",
    [beside_another, beside_what_is_traced, expanded_further, told_and_taken, beside_and_taken, expanded_and_taken,
     written_before, written_between],
)  # fmt: skip
def test_their_neighbours(function: Function, strict: bool) -> None:
    assert {0, 1} >= set(stopped(exported(function, strict), function)) >= {1}


# --------------------------------------------------------------------------- what is done with it


@BOTH
@pytest.mark.parametrize("function", [one, empty, least, counted, handled])
def test_run_decompositions_and_files_keep_it(function: Function, strict: bool) -> None:
    with installed():
        made = exported(function, strict).run_decompositions()
    assert set(stopped(made, function)) == ANOTHER_WAY[function]
    file = io.BytesIO()
    torch.export.save(made, file)
    file.seek(0)
    loaded = torch.export.load(file)
    assert set(stopped(loaded, function)) == ANOTHER_WAY[function]
    smaller = asserts.minimise(loaded).program
    assert set(stopped(smaller, function)) == ANOTHER_WAY[function]


@BOTH
def test_the_contract_names_it(strict: bool) -> None:
    example = torch.ones(4, 3), torch.tensor(5)
    shapes = ({0: Dim.DYNAMIC}, None)
    made = asserts.export(
        Model(one), example, dynamic_shapes=shapes, strict=strict, verify=True
    )
    assert made.assumptions == ("x.shape[0] != 1",)
    assert any("!= 1" in text for text in (*made.contract.entry, *made.contract.run_time))


def test_an_assert_that_implies_it_is_enough() -> None:
    def later(model: Any, x: Any, k: Any) -> Any:
        y = x * 2 if x.shape[0] == 1 else x * 3
        torch._check(x.shape[0] >= 4)
        return y

    smaller = asserts.minimise(exported(later, False)).program
    target = torch.ops.aten._assert_scalar.default
    assert not smaller.graph_module.graph.find_nodes(op="call_function", target=target)
    assert set(stopped(smaller, later)) == {0, 1, 2, 3}


def test_it_can_be_removed() -> None:
    made = exported(one, False)
    bare = asserts.remove(made).program
    assert stopped(made, one)
    assert not isinstance(outcome(bare.module(), 1), Exception)


@pytest.mark.parametrize("size", [Dim("n", min=1), Dim("n", min=2), Dim("n", max=9), Dim.AUTO])
def test_with_sizes_of_every_kind(size: Any) -> None:
    """(Torch does not hold callers to a least size of 2.)"""
    with installed():
        made = torch.export.export(
            Model(one), (torch.ones(4, 3), torch.tensor(5)), dynamic_shapes=({0: size}, None)
        )
    run, model = made.module(), Model(one)
    for n in SIZES:
        got = outcome(run, n)
        assert isinstance(got, Exception) or got == outcome(model, n)
    least = Dim("n", min=3)
    with installed():
        made = torch.export.export(
            Model(one), (torch.ones(4, 3), torch.tensor(5)), dynamic_shapes=({0: least}, None)
        )
    assert announced(made) == []


def test_compiled_code_asks_for_itself() -> None:
    """(Its guards tell sizes 0 and 1 apart.)"""
    model = Model(one)
    with installed():
        torch._dynamo.reset()
        compiled = torch.compile(model, backend="eager", dynamic=True, fullgraph=True)
        for size in (4, 1, 0, 3):
            assert outcome(compiled, size) == outcome(model, size)
