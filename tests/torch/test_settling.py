"""Advice of `asserts.export` has been tried: each line that is shown settles its place."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")


class Compared(nn.Module):
    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        return x + 1 if k > 3 else x - 1


class Asked(nn.Module):
    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        if (x > 0).all():
            return x * 2
        return x + 1


class Counted(nn.Module):
    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        for _ in range(k):
            x = x + 1
        return x


class Sized(nn.Module):
    """Both sizes are asked for, one after the other."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        rows, columns = n.tolist()
        places = torch.zeros(2, 3, dtype=torch.long)
        table = torch.sparse_coo_tensor(places, x, (rows, columns))
        return table.to_dense().sum(0)


class AskedTwice(nn.Module):
    """On one line; where the first is true, the second is asked."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        a, b = n.tolist()
        return x * 2 if a > 3 and b > 4 else x


class AskedInAnyCase(nn.Module):
    """Whatever the first is, the line asks something else then."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        a, b, c = n.tolist()
        return x * 2 if (a > 3 and b > 4) or c > 5 else x


class FailsBehind(nn.Module):
    """Whatever is decided, something else goes wrong then."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        y = x + 1 if k > 3 else x - 1
        return y + self.what_is_missing


def error_of(model: nn.Module, n: Tensor) -> Any:
    codes = type(model).forward.__code__
    with pytest.raises(GuardOnDataDependentSymNode) as caught:
        asserts.export(model, (torch.ones(3), n), decide=True)
    assert type(model).forward.__code__ is codes
    return caught.value


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        (Compared, ("torch._check(k >= 4)", "torch._check(k <= 3)")),
        (Asked, ("torch._check(condition)", "torch._check(torch.sym_not(condition))")),
        (Counted, ("torch._check(k == 2)",)),
    ],
    ids=["condition", "truth of a tensor", "integer"],
)
def test_what_settles_is_shown(kind: Any, lines: tuple[str, ...]) -> None:
    error = error_of(kind(), torch.tensor(4))

    assert error.lines == lines
    assert not error.dropped
    assert all(line in str(error) for line in lines)
    assert kind is Counted or "verified by exporting again" in str(error)


def test_numbers_of_one_list_are_fixed_together() -> None:
    error = error_of(Sized(), torch.tensor([4, 5]))

    assert error.lines == ("torch._check(rows == 2); torch._check(columns == 2)",)
    assert not error.dropped


def test_what_ends_at_the_same_place_is_not() -> None:
    error = error_of(AskedTwice(), torch.tensor([4, 6]))

    assert error.lines == ("torch._check(a <= 3)",)
    assert error.dropped == {"torch._check(a >= 4)"}
    assert "a >= 4)" not in error.advice


def test_where_nothing_settles_it_that_is_said() -> None:
    error = error_of(AskedInAnyCase(), torch.tensor([4, 6, 8]))

    assert error.lines == ()
    assert error.dropped
    assert "No line was found that settles it" in error.advice


def test_a_line_with_which_something_else_goes_wrong_is_not_called_tried() -> None:
    error = error_of(FailsBehind(), torch.tensor(2))

    assert "torch._check(k >= 4)" in str(error)
    assert "exporting again" not in str(error)
