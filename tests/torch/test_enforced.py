"""A value that torch has learned from a check proves nothing, least of all that check.

Small programs, each with checks that pin or relate values which are known at run time only;
exported, saved and loaded, or traced again, then minimised: they accept and reject what eager
does, for inputs that break each check by construction.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

import asserts
from asserts.dialects.torch import installed
from asserts.dialects.torch.export.hosts import ExportedAdapter
from asserts.verify.programs import verify
from tests.torch.torch_help import accepts, asserts_of, reloaded

Inputs = tuple[Tensor, ...]
AUTO = torch.export.Dim.AUTO

LONG = 12
"""The rows of an example."""


@dataclass(frozen=True)
class Way:
    """A way of exporting."""

    name: str
    ours: bool = True
    dynamic: bool = True
    strict: bool = False
    deferred: bool = False


OURS = (Way("ours"), Way("strict", strict=True), Way("deferred", deferred=True),
        Way("static", dynamic=False))  # fmt: skip
TORCHS = (Way("torchs", ours=False), Way("torchs-static", ours=False, dynamic=False, strict=True))


@dataclass(frozen=True)
class Case:
    """A function with checks, its example, and inputs of which some break each check."""

    name: str
    function: Callable[..., Any]
    example: Inputs
    others: tuple[Inputs, ...]
    like_eager: bool = True
    """Whether torch itself exports all checks, and no more."""
    strict_only: bool = False
    """Whether torch fails to export the program without `strict`."""
    saved: bool = True
    """Whether torch itself can save the program."""
    static: bool = True
    """Whether torch exports it with sizes that are numbers."""
    ways: tuple[Way, ...] = ()
    """Ways to export it besides those of its turn."""

    def module(self) -> nn.Module:
        function = self.function

        class Checked(nn.Module):
            def forward(self, *inputs: Tensor) -> Any:
                return function(*inputs)

        return Checked()


def mask(true: int, size: int = LONG) -> Tensor:
    """So many elements are true."""
    return torch.arange(size) < true


def number(*values: int) -> Tensor:
    return torch.tensor(values)


def one(value: float | bool) -> Tensor:
    return torch.tensor(value)


def rows(size: int, *more: int) -> Tensor:
    return torch.ones(size, *more)


def _counted(size_of: Callable[[Tensor], Any]) -> Callable[[Tensor], Any]:
    def pinned(m: Tensor) -> Any:
        chosen = size_of(m)
        torch._check(chosen.shape[0] == 5)
        return chosen + 1

    return pinned


MASKS = (*((mask(k),) for k in (0, 1, 2, 4, 5, 6, 12)), (mask(5, 5),), (mask(4, 7),))


def pinned_by_bounds(m: Tensor) -> Any:
    chosen = m.nonzero()
    torch._check(chosen.shape[0] >= 5)
    torch._check(chosen.shape[0] <= 5)
    return chosen * 2


def pinned_twice(m: Tensor) -> Any:
    chosen = m.nonzero()
    torch._check(chosen.shape[0] == 5)
    torch._check(2 * chosen.shape[0] == 10)
    return (chosen + 1)[:2]


def pinned_by_what_follows(m: Tensor) -> Any:
    """The check reads the size of a result, which torch writes as a number afterwards."""
    chosen = torch.where(m)[0] * 2 + 1
    torch._check(chosen.shape[0] == 5)
    return chosen.sin() + chosen


def as_many_as_another(m: Tensor, y: Tensor) -> Any:
    chosen = torch.where(m)[0]
    torch._check(chosen.shape[0] == y.shape[0])
    return chosen + y


def half_of_another(m: Tensor, y: Tensor) -> Any:
    chosen = torch.where(m)[0]
    torch._check(2 * chosen.shape[0] == y.shape[0])
    return chosen + y.sum()


def twice_another(m: Tensor, y: Tensor) -> Any:
    chosen = torch.where(m)[0]
    torch._check(chosen.shape[0] == 2 * y.shape[0])
    return chosen + y.sum()


def one_more(m: Tensor, y: Tensor) -> Any:
    chosen = m.nonzero()
    torch._check(chosen.shape[0] == y.shape[0] + 1)
    return chosen.sum() + y


def two_counts(m: Tensor, o: Tensor) -> Any:
    first, second = m.nonzero(), o.nonzero()
    torch._check(first.shape[0] == second.shape[0])
    return first + second


def two_counts_and_a_number(m: Tensor, o: Tensor) -> Any:
    first, second = m.nonzero(), o.nonzero()
    torch._check(first.shape[0] == second.shape[0])
    torch._check(second.shape[0] == 5)
    return first + second


def read_number(n: Tensor, y: Tensor) -> Any:
    k = n.item()
    torch._check(k == y.shape[0])
    return torch.zeros(k) + y


def read_number_pinned(n: Tensor) -> Any:
    k = n.item()
    torch._check(k == 5)
    return n + k


def two_numbers(n: Tensor) -> Any:
    k, m = n.tolist()
    torch._check(k == 2 * m)
    torch._check(m >= 2)
    return n * 2


def sum_of_numbers(n: Tensor, y: Tensor) -> Any:
    k, m = n.tolist()
    torch._check(k >= 0)
    torch._check(m >= 0)
    torch._check(k + m == y.shape[0])
    return y * 2


def float_item(v: Tensor) -> Any:
    torch._check(v.item() == 2.0)
    return v + 1


def float_range(v: Tensor) -> Any:
    k = v.item()
    torch._check(k >= 2.0)
    torch._check(k <= 2.0)
    return v + 1


def bool_item(v: Tensor) -> Any:
    torch._check(v.item())
    return v.logical_not()


def all_positive(x: Tensor) -> Any:
    torch._check_tensor_all(x > 0)
    return x.log()


def is_size(n: Tensor) -> Any:
    k = n.item()
    torch._check_is_size(k)
    torch._check(k <= 1)
    return n + 1


def chosen_by_condition(n: Tensor, y: Tensor) -> Any:
    k = n.item()
    torch._check(torch.sym_ite(k > 3, k, y.shape[0]) == y.shape[0])
    return y + 1


def cut_to_length(n: Tensor, x: Tensor) -> Any:
    k = n.item()
    torch._check(k >= 0)
    torch._check(k <= x.shape[0])
    part = x[:k]
    torch._check(part.shape[0] == 3)
    return part * 2


def rest_is_known(n: Tensor, x: Tensor) -> Any:
    k = n.item()
    torch._check(k >= 0)
    torch._check(k <= x.shape[0])
    rest = x[k:]
    torch._check(rest.shape[0] == x.shape[0] - k)
    torch._check(rest.shape[0] == 4)
    return rest.sum()


def selected_rows(m: Tensor, x: Tensor) -> Any:
    chosen = x[m]
    torch._check(chosen.shape[0] == x.shape[0])
    return chosen.relu() * 2


def joined(m: Tensor, o: Tensor) -> Any:
    whole = torch.cat([m.nonzero(), o.nonzero()])
    torch._check(whole.shape[0] == 8)
    return whole + 1


def equal_sizes(x: Tensor, y: Tensor) -> Any:
    torch._check(x.shape[0] == y.shape[0])
    return x * 2 + y.sum()


def twice_the_size(x: Tensor, y: Tensor) -> Any:
    torch._check(2 * x.shape[0] == y.shape[0])
    return x * 2 + y.sum()


def size_divides(m: Tensor, x: Tensor) -> Any:
    chosen = m.nonzero()
    torch._check(x.shape[0] > 0)
    torch._check(chosen.shape[0] // x.shape[0] >= 1)
    return chosen.sum() + x


def product_of_sizes(m: Tensor, x: Tensor) -> Any:
    chosen = m.nonzero()
    torch._check(chosen.shape[0] >= 2 * x.shape[0])
    return chosen.sum() + x


def below_by_size(n: Tensor, x: Tensor) -> Any:
    k = n.item()
    torch._check(k <= 5 - x.shape[0])
    return n + x.sum()


def in_a_branch(m: Tensor, x: Tensor) -> Any:
    chosen = m.nonzero().sum(1) * 1.0

    def yes(c: Tensor) -> Tensor:
        torch._check(c.shape[0] >= 3)
        torch._check(c.shape[0] >= 2)
        return c.sum()

    def no(c: Tensor) -> Tensor:
        torch._check(c.shape[0] <= 5)
        return c.sum() * 2

    return torch.cond(x.sum() > 0, yes, no, (chosen,))


def before_a_branch(m: Tensor, x: Tensor) -> Any:
    chosen = m.nonzero().sum(1) * 1.0
    torch._check(chosen.shape[0] == 5)
    return torch.cond(x.sum() > 0, lambda c: c.sin(), lambda c: c.cos(), (chosen,))


def passed_to_a_branch(n: Tensor, x: Tensor) -> Any:
    """What is a size inside the branches may be any number before."""
    k = n.item()
    torch._check(k >= 0)
    torch._check(k <= 6)
    made = torch.zeros(8)[: k + 1]
    return torch.cond(x.sum() > 0, lambda c: c.sum(), lambda c: c.sum() * 2, (made,)) + k


def a_size_of_a_result(n: Tensor) -> Any:
    k = n.item()
    torch._check(k >= 0)
    return torch.cond(n > 2, lambda c: c.sum(), lambda c: c.sum() * 2, (torch.ones(k),)) + k


def read_and_forgotten(n: Tensor, y: Tensor) -> Any:
    """Nobody needs the number, but for the check."""
    k = n.item()
    torch._check(k == 3)
    return y + 1


def cancelled(n: Tensor, y: Tensor) -> Any:
    """What the check says cancels, but not that it has a value."""
    quotient = 12 // n.item()
    torch._check(quotient - quotient >= 0)
    return y + 1


def counted_and_forgotten(m: Tensor, y: Tensor) -> Any:
    chosen = m.nonzero()
    torch._check(chosen.shape[0] == 3)
    torch._check(chosen.shape[0] < y.shape[0])
    return y + 1


def certain_of_what_is_assumed(x: Tensor, y: Tensor) -> Any:
    """torch assumes sizes of at least 2."""
    torch._check(x.shape[0] + y.shape[0] > 3)
    torch._check(x.shape[0] * y.shape[0] != 1)
    return x.sum()


def solved_by_what_is_assumed(m: Tensor, y: Tensor) -> Any:
    """torch divides by the size, and puts 3 for the count in what follows."""
    count, other = m.nonzero().shape[0], (y > 0).nonzero()
    torch._check(3 * y.shape[0] == y.shape[0] * count)
    torch._check(count >= other.shape[0] + 1)
    return y + 1


PAIRS = tuple(
    (mask(k), rows(size)) for k, size in itertools.product((0, 1, 2, 3, 4, 5), (1, 2, 3, 4, 8))
)
COUNTS = tuple((mask(k), mask(m)) for k, m in itertools.product((0, 1, 4, 5, 6), repeat=2))
NUMBERS = tuple((one(k), rows(size)) for k in range(-1, 6) for size in (1, 2, 3, 4, 5))
SIZES = tuple((rows(a), rows(b)) for a, b in itertools.product((1, 2, 3, 4, 6), repeat=2))
SOLVED = tuple(
    (mask(k), torch.arange(size) - 0.5 - low)
    for k, size, low in itertools.product((0, 1, 3, 4), (0, 1, 2, 4), (-1, 1))
)
FLOATS = tuple((one(v),) for v in (0.0, 1.5, 2.0, 2.5, -2.0))

CASES = [
    Case("nonzero", _counted(lambda m: m.nonzero()), (mask(5),), MASKS),
    Case("where", _counted(lambda m: torch.where(m)[0]), (mask(5),), MASKS),
    Case("argwhere", _counted(torch.argwhere), (mask(5),), MASKS),
    Case("masked_select", _counted(lambda m: m.masked_select(m)), (mask(5),), MASKS),
    Case("index", _counted(lambda m: m[m]), (mask(5),), MASKS),
    Case("bounds", pinned_by_bounds, (mask(5),), MASKS),
    Case("twice", pinned_twice, (mask(5),), MASKS),
    Case("what-follows", pinned_by_what_follows, (mask(5),), MASKS),
    Case("another", as_many_as_another, (mask(4), rows(4)), PAIRS),
    Case("half", half_of_another, (mask(4), rows(8)), PAIRS),
    Case("double", twice_another, (mask(4), rows(2)), PAIRS),
    Case("one-more", one_more, (mask(4), rows(3)), PAIRS),
    Case("two-counts", two_counts, (mask(5), mask(5)), COUNTS),
    Case("two-counts-pinned", two_counts_and_a_number, (mask(5), mask(5)), COUNTS),
    Case("number", read_number, (one(3), rows(3)), NUMBERS),
    Case("number-pinned", read_number_pinned, (one(5),), tuple((one(k),) for k in range(8))),
    Case("two-numbers", two_numbers, (number(6, 3),),
         tuple((number(a, b),) for a in range(8) for b in range(5))),
    Case("sum-of-numbers", sum_of_numbers, (number(1, 3), rows(4)),
         tuple((number(a, b), rows(4)) for a in range(-1, 5) for b in range(-1, 5))),
    Case("float", float_item, (one(2.0),), FLOATS, saved=False),
    Case("float-range", float_range, (one(2.0),), FLOATS, saved=False),
    Case("bool", bool_item, (one(True),), ((one(False),), (one(True),))),
    Case("tensor-all", all_positive, (rows(3),),
         ((rows(3) - 1,), (rows(4),), (-rows(2),), (torch.tensor([1.0, 0.0]),))),
    Case("is-size", is_size, (one(1),), tuple((one(k),) for k in range(-2, 4))),
    Case("ite", chosen_by_condition, (one(2), rows(3)), NUMBERS, static=False, ways=OURS[:1]),
    Case("cut", cut_to_length, (one(3), rows(5)), NUMBERS),
    Case("rest", rest_is_known, (one(1), rows(5)), NUMBERS),
    Case("rows", selected_rows, (mask(4, 4), rows(4)),
         tuple((mask(k, s), rows(s)) for s in (1, 2, 4) for k in range(s + 1))),
    Case("joined", joined, (mask(5), mask(3)),
         tuple((mask(a), mask(b)) for a in (3, 4, 5) for b in (3, 4, 5))),
    Case("equal-sizes", equal_sizes, (rows(3), rows(3)), SIZES),
    Case("twice-the-size", twice_the_size, (rows(3), rows(6)), SIZES, like_eager=False),
    Case("quotient", size_divides, (mask(6), rows(3)), PAIRS),
    Case("at-least-twice", product_of_sizes, (mask(8), rows(3)), PAIRS),
    Case("below", below_by_size, (one(1), rows(3)), NUMBERS),
    Case("to-branch", passed_to_a_branch, (one(3), rows(3)), NUMBERS),
    Case("size-in-branch", a_size_of_a_result, (one(3),), tuple((one(k),) for k in range(-3, 6))),
    Case("forgotten", read_and_forgotten, (one(3), rows(3)), NUMBERS, ways=OURS[1:]),
    Case("cancelled", cancelled, (one(3), rows(3)), NUMBERS, ways=OURS[:1]),
    Case("count-forgotten", counted_and_forgotten, (mask(3), rows(4)), PAIRS, ways=OURS[1:2]),
    Case("certain", certain_of_what_is_assumed, (rows(3), rows(3)),
         (*SIZES, (rows(0), rows(2)), (rows(3), rows(0))), ways=OURS[1:3]),
    Case("solved", solved_by_what_is_assumed, (mask(3), rows(2)), SOLVED, ways=OURS[:1]),
    Case("branch", in_a_branch, (mask(5), rows(3)),
         tuple((mask(k), v * rows(3)) for k in (2, 3, 4, 5, 6) for v in (-1, 1)),
         strict_only=True),
    Case("before-branch", before_a_branch, (mask(5), rows(3)),
         tuple((mask(k), v * rows(3)) for k in (2, 4, 5, 6) for v in (-1, 1))),
]  # fmt: skip


def made(case: Case, strict: bool, dynamic: bool, ours: bool, deferred: bool) -> Any:
    shapes = tuple({0: AUTO} if dynamic and t.dim() else None for t in case.example)
    with installed() if ours else nullcontext():
        return torch.export.export(
            case.module(),
            case.example,
            dynamic_shapes={"inputs": shapes} if dynamic else None,
            strict=strict,
            prefer_deferred_runtime_asserts_over_guards=deferred,
        )


TORCHS_OWN = ("expected no unbacked symbols", "expected sympy.Symbol")
"""Errors of torch's for programs that it cannot load or trace again, whosever asserts they have."""


def decomposed(program: ExportedProgram, ours: bool) -> ExportedProgram:
    with installed() if ours else nullcontext():
        return program.run_decompositions()


def forms(
    program: ExportedProgram, ours: bool, saved: bool
) -> Iterator[tuple[str, ExportedProgram]]:
    """The program, and what comes of it by tools of torch's."""
    again = decomposed(program, ours)
    yield "as it is", program
    yield "traced again", again
    made: dict[str, Callable[[], ExportedProgram]] = {
        "loaded": lambda: reloaded(program),
        "traced again and loaded": lambda: reloaded(again),
        "loaded and traced again": lambda: decomposed(reloaded(program), ours),
    }
    for form, make in made.items() if saved else ():
        try:
            yield form, make()
        except AssertionError as error:
            if not any(text in str(error) for text in TORCHS_OWN):
                raise


def verdicts(function: Any, case: Case, dynamic: bool) -> list[bool]:
    tried = (case.example, *case.others)
    if not dynamic:
        shapes = [t.shape for t in case.example]
        tried = tuple(i for i in tried if [t.shape for t in i] == shapes)
    return [accepts(function, inputs) for inputs in tried]


def _rotated() -> Iterator[tuple[Case, Way]]:
    """Every program in one of our ways, every third one in one of torch's."""
    for index, case in enumerate(CASES):
        turn = OURS[1] if case.strict_only else OURS[index % len(OURS)]
        ways = [turn, *case.ways]
        if index % 3 == 0 and not case.strict_only:
            ways.append(TORCHS[index % 2])
        yield from ((case, w) for w in dict.fromkeys(ways) if w.dynamic or case.static)


@pytest.mark.parametrize(("case", "way"), [*_rotated()], ids=lambda one: one.name)
def test_minimised_programs_reject_what_they_rejected(case: Case, way: Way) -> None:
    program = made(case, way.strict, way.dynamic, way.ours, way.deferred)
    eager = verdicts(case.module(), case, way.dynamic)

    for form, given in forms(program, way.ours, case.saved):
        before = verdicts(given.module(), case, way.dynamic)
        result = asserts.minimise(given)
        after = verdicts(result.program.module(), case, way.dynamic)

        assert after == before, (form, str(result.report))
        if way.ours and form == "as it is" and case.like_eager:
            assert before == eager, form
        # (torch itself writes `x == x` when it traces its own asserts again.)
        if way.ours and not way.deferred:
            assert all(row.condition != "True" for row in result.report if not row.note), form
        assert len(asserts_of(result.program)) <= len(asserts_of(given))


DECISIVE = ("where", "bounds", "another", "two-counts", "two-numbers", "float-range", "bool",
            "tensor-all", "is-size", "ite", "cut", "rest", "before-branch", "cancelled")  # fmt: skip
"""Programs in which no check follows from the others, and nothing else refuses as much."""


@pytest.mark.parametrize("case", [c for c in CASES if c.name in DECISIVE], ids=lambda c: c.name)
def test_verify_notices_that_any_check_is_gone(case: Case) -> None:
    program = made(case, False, True, True, deferred=False)
    for index, _ in enumerate(asserts_of(program)):
        adapter = ExportedAdapter(program)
        node = asserts_of(adapter)[index]
        node.graph.erase_node(node)
        other = adapter.finished()

        assert not verify(program, other, trials=5).equal, node
