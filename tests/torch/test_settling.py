"""Advice has been tried: each line that is shown settles its place."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from asserts.dialects.torch import installed

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


def refused(model: nn.Module, n: Tensor, strict: bool = False) -> str:
    """What `torch.export.export` says under `installed(decide=True)`."""
    with installed(decide=True), pytest.raises(Exception) as caught:  # noqa: PT011
        torch.export.export(model, (torch.ones(3), n), strict=strict)
    return str(caught.value)


@pytest.mark.parametrize("strict", [False, True])
def test_it_is_tried_inside_installed_and_what_ends_there_is_shown_nowhere(
    strict: bool,
) -> None:
    code = AskedTwice.forward.__code__

    text = refused(AskedTwice(), torch.tensor([4, 6]), strict)

    assert text.count("settles it (verified by exporting again)") == 1
    assert "torch._check(a <= 3)" in text
    assert "torch._check(a >= 4)" not in text
    assert AskedTwice.forward.__code__ is code


@pytest.mark.parametrize("strict", [False, True])
def test_nor_is_it_in_the_text_of_the_one_call(strict: bool) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        asserts.export(
            AskedTwice(), (torch.ones(3), torch.tensor([4, 6])), decide=True, strict=strict
        )

    assert str(caught.value).count("settles it") == 1
    assert "torch._check(a >= 4)" not in str(caught.value)


class Counts(nn.Module):
    """Keeps a number of its own, and asks then."""

    calls = 0

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        self.calls += 1
        return x + self.calls if n.item() > 3 else x


def test_attempts_are_silent_and_leave_the_model_as_it_was(capfd: Any) -> None:
    model = Counts()

    assert "exporting again" in refused(model, torch.tensor(4))
    assert model.calls == 0
    assert capfd.readouterr().err.count("def forward") <= 2  # (torch's own, of the first)


def again(x: Tensor, k: int, depth: int = 0) -> Tensor:
    """(It uses its own name.)"""
    return again(x, k, 1) if depth == 0 and k > 3 else x


class Recurs(nn.Module):
    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        return again(x, n.item())


def test_functions_that_use_their_own_name_are_tried_too() -> None:
    assert "exporting again" in refused(Recurs(), torch.tensor(4))


def test_a_module_without_the_name_torch_imports_it(monkeypatch: Any, tmp_path: Any) -> None:
    (tmp_path / "nameless.py").write_text(
        "def chosen(x, k):\n    return x * 2 if k > 3 else x\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    nameless = importlib.import_module("nameless")

    class Calls(nn.Module):
        def forward(self, x: Tensor, n: Tensor) -> Any:
            return nameless.chosen(x, n.item())

    assert "exporting again" in refused(Calls(), torch.tensor(4))
