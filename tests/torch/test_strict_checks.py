"""``strict=True`` loses no check: what dynamo believes certain is made as in the other mode,
with the user's line, text and names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch._dynamo.exc import UserError
from torch.export import Dim

import asserts
from asserts.dialects.torch import installed

Check = Callable[[Any, Any], Any]


def _each(*checks: Check) -> Check:
    return lambda x, k: [one(x, k) for one in checks]


CHECKS: dict[str, Check] = {
    "a1: k + 2 <= size + k": lambda x, k: torch._check(k + 2 <= x.shape[0] + k),
    "a1: size >= 2": lambda x, k: torch._check(x.shape[0] >= 2),
    "a1: size > 1": lambda x, k: torch._check(x.shape[0] > 1),
    "a1: size != 0": lambda x, k: torch._check(x.shape[0] != 0),
    "a1: size != 1": lambda x, k: torch._check(x.shape[0] != 1),
    "a1: numel > 0": lambda x, k: torch._check(x.numel() > 0),
    "a1: a value error": lambda x, k: torch._check_value(x.shape[0] >= 2),
    "a2: ceil": lambda x, k: torch._check(math.ceil(k / 2) <= 4),
    "a2: trunc": lambda x, k: torch._check(math.trunc(k / 2) <= 1),
    "a2: trunc of negatives": lambda x, k: torch._check(math.trunc(-k / 2) >= -1),
    "a2: trunc, from below": lambda x, k: torch._check(math.trunc(k / 2) >= -1),
    "a2: trunc, exactly": lambda x, k: torch._check(math.trunc((k - 5) / 3) == -1),
    "a2: trunc, between": _each(
        lambda x, k: torch._check(math.trunc((k - 9) / 4) >= -2),
        lambda x, k: torch._check(math.trunc((1 - k) / 2) <= 0),
    ),
    "a2: trunc of truncs": _each(
        lambda x, k: torch._check(math.trunc(math.trunc(-k / 2) / 2) > -2)
    ),
    "a2: trunc by a negative": lambda x, k: torch._check(math.trunc(k / -3) >= -1),
    "a2: trunc and a size": _each(
        lambda x, k: torch._check(math.trunc((k - x.shape[0]) / 2) >= -1)
    ),
    "a3: size-like": lambda x, k: (torch._check_is_size(k), torch._check(k <= 1)),
    "a4: two bounds": lambda x, k: (torch._check(k >= 0), torch._check(k <= 10)),
    "a4: bounds that meet": lambda x, k: (torch._check(k >= 3), torch._check(k <= 3)),
    "a4: tighter later": lambda x, k: (torch._check(k >= 0), torch._check(k >= 2)),
    "a6: divisible": lambda x, k: torch._check(k % 2 == 0),
    "a7: both ends": _each(
        lambda x, k: torch._check(k >= 0), lambda x, k: torch._check(k <= x.shape[0])
    ),
    "a8: k == size": lambda x, k: torch._check(k == x.shape[0]),
    "a8: size == k": lambda x, k: torch._check(x.shape[0] == k),
    "a8: k == 3": lambda x, k: torch._check(k == 3),
    "a8: k == 3, then k >= 1": lambda x, k: (torch._check(k == 3), torch._check(k >= 1)),
    "a8: k == size, then k >= 1": _each(
        lambda x, k: torch._check(k == x.shape[0]), lambda x, k: torch._check(k >= 1)
    ),
    "a8: twice": lambda x, k: (torch._check(k == 3), torch._check(k == 3)),
    "a8: 2k == 2 size": lambda x, k: torch._check(2 * k == 2 * x.shape[0]),
}
"""The kinds of `A1` to `A8` (see `test_gaps`), and their siblings."""

SIZES, NUMBERS = (0, 1, 2, 3, 5), (-2, 0, 1, 2, 3, 4, 5, 9, 11)


class Checked(nn.Module):
    def __init__(self, check: Check) -> None:
        super().__init__()
        self.check = check

    def forward(self, x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        k = n.item()
        self.check(x, k)
        return x * k


def inputs() -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(torch.ones(size), torch.tensor(k)) for size in SIZES for k in NUMBERS]


def accepts(run: Callable[..., Any], given: Any) -> bool:
    try:
        run(*given)
    except Exception:
        return False
    return True


def exported(model: nn.Module, strict: bool, dynamic: bool) -> Any:
    example = next(one for one in inputs() if len(one[0]) >= 2 and accepts(model, one))
    shapes = ({0: Dim.DYNAMIC} if dynamic else None, None)
    with installed():
        return torch.export.export(model, example, dynamic_shapes=shapes, strict=strict)


@pytest.mark.parametrize("dynamic", [True, False], ids=["dynamic", "static"])
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "non-strict"])
@pytest.mark.parametrize("name", CHECKS)
def test_every_check_is_made(name: str, strict: bool, dynamic: bool) -> None:
    model = Checked(CHECKS[name])
    program = exported(model, strict, dynamic)
    size = None if dynamic else len(program.example_inputs[0][0])

    for made in (program, asserts.minimise(program).program):
        run = made.module()
        for given in inputs():
            if size is None or len(given[0]) == size:
                assert accepts(run, given) is accepts(model, given), given
    assert not [row for row in asserts.report(program) if "flat_args" in (row.message or "")]


class Told(nn.Module):
    def forward(self, x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        k = n.item()
        torch._check(x.shape[0] >= 2, lambda: "too few rows")
        torch._check(k == x.shape[0], lambda: "one number for each row")
        torch._check(k >= 1, lambda: "no rows")
        return x * k


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "non-strict"])
def test_the_text_and_the_line_of_the_user_are_kept(strict: bool) -> None:
    """(torch alone cannot export a check with a text if `strict`.)"""
    run = exported(Told(), strict, dynamic=True).module()

    for size, k, text in ((1, 1, "too few rows"), (3, 2, "one number for each row")):
        with pytest.raises(RuntimeError, match=text) as stopped:
            run(torch.ones(size), torch.tensor(k))
        assert "test_strict_checks.py" in str(stopped.value)
        assert "x.shape[0]" in str(stopped.value)
        assert "flat_args" not in str(stopped.value)


class Many(nn.Module):
    def forward(self, *rows: torch.Tensor) -> torch.Tensor:
        k = rows[1].item()
        torch._check(k <= rows[0].shape[0], lambda: "one for each")
        return rows[0] * k


class Branched(nn.Module):
    def forward(self, *rows: torch.Tensor) -> torch.Tensor:
        k = rows[1].item()
        return rows[0] * 2 if k <= rows[0].shape[0] else rows[0]


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "non-strict"])
def test_inputs_that_come_together_have_the_names_that_they_are_read_by(strict: bool) -> None:
    given, shapes = (torch.ones(3), torch.tensor(2)), (({0: Dim.DYNAMIC}, None),)
    with installed():
        made = torch.export.export(Many(), given, dynamic_shapes=shapes, strict=strict)
    with pytest.raises(RuntimeError, match="one for each") as stopped:
        made.module()(torch.ones(3), torch.tensor(4))
    assert "rows[0].shape[0]" in str(stopped.value)

    with installed(decide=True), pytest.raises((UserError, RuntimeError)) as refused:
        torch.export.export(Branched(), given, dynamic_shapes=shapes, strict=strict)
    assert "torch._check(k <= rows[0].shape[0])" in str(refused.value)
    assert "flat_args" not in str(refused.value).partition("from user code")[0]
