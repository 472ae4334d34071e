"""``if bad: raise`` and ``assert`` are run-time checks with ``strict=True``, too: dynamo refuses
them, or keeps neither their message nor what they read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import Dim

import asserts
from asserts.dialects.torch import installed
from asserts.dialects.torch.export.passes import UncheckedWarning

KNOWN = pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")

pytestmark = pytest.mark.filterwarnings(
    f"error::{UncheckedWarning.__module__}.UncheckedWarning"
)

BOTH = pytest.mark.parametrize("strict", [True, False], ids=["strict", "non-strict"])
Function = Callable[[Any, Any], Any]

MOST = 3


def of_a_number(x: Any, n: Any) -> Any:
    k = n.item()
    if k > x.shape[0]:
        raise ValueError(f"too many: {k}")
    return x * k


def of_a_number_that_is_not_used(x: Any, n: Any) -> Any:
    if n.item() > MOST:
        raise ValueError("too many")
    return x * 2


def of_the_truth_of_a_number(x: Any, n: Any) -> Any:
    if n.item():
        raise ValueError("not zero")
    return x * 2


def of_a_tensor(x: Any, n: Any) -> Any:
    if not torch.all(x > 0):
        raise ValueError("not positive")
    return x * 2


def of_an_input(x: Any, n: Any) -> Any:
    if n:
        raise ValueError("set")
    return x * 2


def of_one_of_two(x: Any, n: Any) -> Any:
    if torch.isnan(x).any() or (x < 0).any():
        raise ValueError("nan or negative")
    return x * 2


def of_a_range(x: Any, n: Any) -> Any:
    k = n.item()
    if not -1 <= k < 4:
        raise ValueError("out of range")
    if k == 2:
        raise RuntimeError("two")
    return x * 2


def of_ranges(x: Any, n: Any) -> Any:
    k = n.item()
    if not -2 < k <= k + 1 < 5 or x.sum() > 6:
        raise ValueError("out of ranges")
    return x * 2


def with_a_message_before(x: Any, n: Any) -> Any:
    k = n.item()
    if k > MOST:
        text = f"{k} is too many"
        raise ValueError(text)
    return x * 2


def _checked(k: Any) -> Any:
    if k > MOST:
        raise ValueError("in a function")
    return k


def _checked_among_defaults(k: Any, name: str = "k", *, most: Any = None) -> Any:
    if most is not None and k > most:
        raise ValueError(f"more than {most}")
    return k


def with_defaults(x: Any, n: Any) -> Any:
    return x * _checked_among_defaults(n.item(), most=MOST)


def of_a_float(x: Any, n: Any) -> Any:
    """(What is not a number is not too large.)"""
    if x.sum().item() > 3.5:
        raise ValueError("too large")
    return x * 2


def of_a_float_that_is_not(x: Any, n: Any) -> Any:
    if not x.sum().item() <= 3.5:
        raise ValueError("not small enough")
    return x * 2


def in_a_function(x: Any, n: Any) -> Any:
    return x * _checked(n.item())


@torch.no_grad()
def decorated(x: Any, n: Any) -> Any:
    if n > MOST:
        raise ValueError("decorated")
    return x * 2


def in_a_context(x: Any, n: Any) -> Any:
    with torch.no_grad():
        if n.item() > MOST:
            raise ValueError("in a context")
    return x * 2


def translated(x: Any, n: Any) -> Any:
    try:
        k = _checked(n.item())
    except ValueError as error:
        raise RuntimeError("translated") from error
    return x * k


def asserted(x: Any, n: Any) -> Any:
    assert n.item() <= MOST, "asserted"
    return x * 2


def asserted_without_a_text(x: Any, n: Any) -> Any:
    k = n.item()
    assert k <= MOST
    return x * 2


def asserted_with_a_made_text(x: Any, n: Any) -> Any:
    k = n.item()
    assert k <= MOST, f"{k} is too many"
    return x * 2


def behind_a_write_to_its_own(x: Any, n: Any) -> Any:
    x = x.clone()
    x.add_(1)
    if n.item() > MOST:
        raise ValueError("too many")
    return x * 2


def behind_a_write(x: Any, n: Any) -> Any:
    k = n.item()
    x.add_(1)
    if k > MOST:
        raise ValueError("too many")
    if k < 0:
        raise ValueError("negative")
    return x * k


MADE: list[tuple[Function, str]] = [
    (of_a_number, "too many"), (of_a_number_that_is_not_used, "too many"),
    (of_the_truth_of_a_number, "not zero"), (of_a_tensor, "not positive"),
    (of_an_input, "set"), (of_one_of_two, "nan or negative"), (of_a_range, "out of range"),
    (of_ranges, "out of ranges"), (with_a_message_before, "text"), (in_a_function, "in a function"),
    (decorated, "decorated"), (in_a_context, "in a context"), (translated, "in a function"),
    (asserted, "asserted"), (asserted_without_a_text, "asserted_without_a_text"),
    (asserted_with_a_made_text, "is too many"), (behind_a_write_to_its_own, "too many"),
    (behind_a_write, "too many"), (with_defaults, "more than {most}"),
    (of_a_float, "too large"), (of_a_float_that_is_not, "not small enough"),
]  # fmt: skip


class Model(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function
        self.register_buffer("seen", torch.zeros(()))
        self.norm = nn.BatchNorm1d(2, momentum=0.5)
        self.norm.num_batches_tracked = None

    def forward(self, x: torch.Tensor, n: torch.Tensor) -> Any:
        return self.function(x, n)


def exported(model: nn.Module, strict: bool, decide: bool | str = True) -> Any:
    example = (torch.ones(6), torch.tensor(0))
    with installed(decide=decide):
        shapes = ({0: Dim.DYNAMIC}, None)
        return torch.export.export(model, example, dynamic_shapes=shapes, strict=strict)


def outcome(run: Any, x: torch.Tensor, n: torch.Tensor) -> tuple[Any, list[float]]:
    """The result, or None if it stops; and what it leaves in the input."""
    given = x.clone()
    try:
        result = run(given, n.clone()).tolist()
    except Exception:
        result = None
    return str(result), str(given.tolist())


@KNOWN
@BOTH
@pytest.mark.parametrize(("function", "text"), MADE, ids=[one.__name__ for one, _ in MADE])
def test_a_check_by_a_branch_is_made(function: Function, text: str, strict: bool) -> None:
    model = Model(function)
    made = exported(model, strict)
    said: set[str] = set()
    for program in (made, asserts.minimise(made).program):
        run = program.module()
        for size in (1, 2, 3, 7):
            for value in (1.0, -1.0, float("nan")):
                for k in range(-3, 9):
                    given = torch.full((size,), value), torch.tensor(k)
                    assert outcome(run, *given) == outcome(model, *given), given
                    try:
                        run(*given)
                    except RuntimeError as error:
                        said.add(str(error))
    assert any(text in one for one in said)
    if function not in (behind_a_write, of_a_float):
        assert all("test_strict_raises.py" in one for one in said)


# --------------------------------------------------------------------------- no checks


def caught(model: Any, x: Any, n: Any) -> Any:
    try:
        if n.item() > MOST:
            raise ValueError("caught")
    except ValueError:
        return x * 5
    return x * 2


def inside_a_range(model: Any, x: Any, n: Any) -> Any:
    if MOST <= n.item() < 9:
        raise ValueError("(what is compared first is no check)")
    return x * 2


def in_a_body(model: Any, x: Any, n: Any) -> Any:
    def body(x: Any) -> Any:
        if x.sum() > 30:
            raise ValueError("in a body")
        return x + 1

    return torch.cond(n.sum() > 0, body, lambda x: x - 1, (x,))


def checkpointed(model: Any, x: Any, n: Any) -> Any:
    def inner(x: Any) -> Any:
        if n > MOST:
            raise ValueError("checkpointed")
        return x * 2

    return torch.utils.checkpoint.checkpoint(inner, x, use_reentrant=False)


def behind_a_new_buffer(model: Any, x: Any, n: Any) -> Any:
    model.seen = model.seen + 1
    if n.item() > MOST:
        raise ValueError("too many")
    return x * 2


REFUSED = [caught, inside_a_range, in_a_body, checkpointed, behind_a_new_buffer]


@BOTH
@pytest.mark.parametrize("function", REFUSED, ids=[one.__name__ for one in REFUSED])
def test_what_need_not_end_the_program_is_no_check(function: Any, strict: bool) -> None:
    model = Model(lambda x, n: function(model, x, n))
    with pytest.raises(RuntimeError):
        exported(model, strict)


@KNOWN
def test_statistics_that_are_written_before_stay_written() -> None:
    def counted(x: Any, n: Any) -> Any:
        rows = model.norm(x[:, None].expand(-1, 2))
        if n.item() > MOST:
            raise ValueError("too many")
        return rows

    model = Model(counted)
    run = exported(model, strict=True).module()
    for one in (model, run):
        with pytest.raises((ValueError, RuntimeError), match="too many"):
            one(torch.full((4,), 8.0), torch.tensor(9))
    wanted = model.norm.running_mean
    found = dict(run.named_buffers())["norm.running_mean"]
    assert wanted is not None
    assert torch.equal(found, wanted)
    assert wanted.any()


def test_compiled_code_raises_what_the_program_raises() -> None:
    """(There dynamo goes on behind a branch, with the code as it is.)"""
    with installed(decide=True):
        torch._dynamo.reset()
        run = torch.compile(of_a_number_that_is_not_used, backend="eager")
        assert run(torch.ones(2), torch.tensor(1)).tolist() == [2, 2]
        with pytest.raises(ValueError, match="too many"):
            run(torch.ones(2), torch.tensor(9))
